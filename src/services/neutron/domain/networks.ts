// Networks: making, changing and removing them, and which of them one sees.
import { flag, json } from '#kernel/db/codecs.ts'
import type { CreateOf, UpdateOf } from '#kernel/contract/resource.ts'
import type { Ctx } from '#kernel/lib/context.ts'
import type { Target } from '#kernel/policy/enforcer.ts'
import { faults } from '#services/neutron/contract/faults.ts'
import { network } from '#services/neutron/contract/networks.ts'
import { rules } from '#services/neutron/contract/rules.ts'
import type { Listing } from '#services/neutron/db/listing.ts'
import { networksDb, toNetwork, visibleNetworks, type Network } from '#services/neutron/db/networks.ts'
import { qosDb } from '#services/neutron/db/qos.ts'
import { schedulesDb } from '#services/neutron/db/schedules.ts'
import { portsDb } from '#services/neutron/db/ports.ts'
import { AS_EXTERNAL, AS_SHARED, EVERYBODY, sharingDb } from '#services/neutron/db/sharing.ts'
import { deleteTags, newStandard, revise, type Q } from '#services/neutron/db/standard.ts'
import { subnetsDb } from '#services/neutron/db/subnets.ts'
import type { NetworkTable } from '#services/neutron/db/tables.ts'
import { removeUnusedFloatingIps } from '#services/neutron/domain/floating-ip-removal.ts'
import { isAutoRemoved, ROUTER_GATEWAY } from '#services/neutron/domain/owners.ts'
import { asSeen, isSharedWith, shareNetwork } from '#services/neutron/domain/sharing.ts'
import { checkMtu, chooseSegment, mtuOf } from '#services/neutron/domain/provider.ts'
import { firstNetworkQos, putQos } from '#services/neutron/domain/qos-bindings.ts'
import { claim } from '#services/neutron/domain/quotas.ts'
import { constrain } from '#services/neutron/domain/revision.ts'
import { ensureDefaultGroup } from '#services/neutron/domain/default-group.ts'
import type { DomainTools } from '#services/neutron/domain/tools.ts'

type Create = CreateOf<(typeof network)['rows']>
type Update = UpdateOf<(typeof network)['rows']>

export const networkTarget = (it: Pick<Network, 'projectId' | 'shared' | 'external'>): Target => ({
  project_id: it.projectId,
  tenant_id: it.projectId,
  shared: it.shared,
  'router:external': it.external,
})

/** A network that the caller sees. @throws NetworkNotFound */
export async function seenNetwork(q: Q, ctx: Ctx, tools: Pick<DomainTools, 'access'>, id: string): Promise<Network> {
  const known = await networksDb.byId(q, id)
  const [found] = known === null ? [] : await asSeen(q, ctx, [known])
  if (found === undefined) throw faults.NetworkNotFound({ net_id: id })
  const own = found.projectId === ctx.who?.projectId
  if (!own && !found.shared && !tools.access.seesAll(ctx, rules.getNetwork))
    if (!found.external || !(await isSharedWith(q, ctx, id, AS_EXTERNAL))) throw faults.NetworkNotFound({ net_id: id })
  return found
}

const ZONES = ['nova']
export function checkZones(hints: readonly string[]): void {
  const unknown = hints.find(hint => !ZONES.includes(hint))
  if (unknown !== undefined) throw faults.AvailabilityZoneNotFound({ availability_zone: unknown })
}

export const createNetworks = (tools: DomainTools) => {
  const { database, access, clock, ids, settings, wiring } = tools

  async function insert(q: Q, ctx: Ctx, body: Create, id: string): Promise<Network> {
    const projectId = access.projectOf(ctx, body)
    access.mustCreate(ctx, network, rules.createNetwork, body, { project_id: projectId, tenant_id: projectId })
    await claim(q, settings, projectId, 'network')
    checkZones(body.availability_zone_hints)
    await ensureDefaultGroup(q, tools, projectId)
    const segment = await chooseSegment(q, settings, body, projectId)
    const row: NetworkTable = {
      ...newStandard(id, projectId, body, clock.now()),
      admin_state_up: flag(body.admin_state_up),
      shared: flag(body.shared),
      external: flag(body['router:external']),
      is_default: flag(body.is_default && body['router:external']),
      mtu: mtuOf(settings, segment.networkType, body.mtu),
      dns_domain: body.dns_domain,
      port_security_enabled: flag(body.port_security_enabled),
      network_type: segment.networkType,
      physical_network: segment.physicalNetwork ?? '',
      segmentation_id: segment.segmentationId,
      availability_zone_hints: json(body.availability_zone_hints),
    }
    if (row.is_default === 1) await checkDefault(q, id)
    await q.insertInto('networks').values(row).execute()
    await q
      .insertInto('segments')
      .values({
        ...newStandard(ids.uuid(), projectId, {}, clock.now()),
        network_id: id,
        network_type: segment.networkType,
        physical_network: segment.physicalNetwork,
        segmentation_id: segment.segmentationId,
      })
      .execute()
    await shareNetwork(q, tools, { id, projectId }, { shared: body.shared, external: body['router:external'] })
    await firstNetworkQos(q, ctx, tools, { id, projectId }, body.qos_policy_id)
    return toNetwork(row)
  }

  /** Topologies that make themselves have one way out. @throws DefaultExternalNetworkExists */
  async function checkDefault(q: Q, id: string): Promise<void> {
    const other = await q
      .selectFrom('networks')
      .select('id')
      .where('is_default', '=', 1)
      .where('id', '!=', id)
      .executeTakeFirst()
    if (other !== undefined) throw faults.DefaultExternalNetworkExists({ net_id: other.id })
  }
  /** Only a network that nobody else uses can become one's own again; those it is shared with by name may stay. */
  async function checkUnshared(q: Q, it: Network): Promise<void> {
    const known = await sharingDb.targets(q, it.id, AS_SHARED)
    if (!known.has(EVERYBODY)) return
    const allowed = [it.projectId, '', ...known]
    const others = await q
      .selectFrom('ports')
      .select('id')
      .where('network_id', '=', it.id)
      .where('project_id', 'not in', allowed)
      .limit(1)
      .executeTakeFirst()
    const otherSubnets = await q
      .selectFrom('subnets')
      .select('id')
      .where('network_id', '=', it.id)
      .where('project_id', 'not in', allowed)
      .limit(1)
      .executeTakeFirst()
    if (others !== undefined || otherSubnets !== undefined) throw faults.InvalidSharedSetting({ network: it.name })
  }
  async function checkInternal(q: Q, it: Network): Promise<void> {
    const gateway = await q
      .selectFrom('ports')
      .select('id')
      .where('network_id', '=', it.id)
      .where('device_owner', '=', ROUTER_GATEWAY)
      .limit(1)
      .executeTakeFirst()
    if (gateway !== undefined) throw faults.ExternalNetworkInUse({ net_id: it.id })
  }

  return {
    /** One or several, all or none. */
    async create(ctx: Ctx, bodies: readonly Create[]): Promise<Network[]> {
      const named = bodies.map(body => ({ body, id: ids.uuid() }))
      const made = await database.tx(ctx, 'create-network', async q => {
        const all: Network[] = []
        for (const { body, id } of named) all.push(await insert(q, ctx, body, id))
        return all
      })
      wiring.touch({ networks: made.map(one => one.id) })
      return made
    },
    async list(ctx: Ctx, listing: Listing): Promise<Network[]> {
      const found = await database.read(ctx, 'list-networks', q =>
        networksDb
          .list(
            q,
            listing,
            access.seesAll(ctx, rules.getNetwork) ? [] : [visibleNetworks(access.who(ctx).projectId ?? '')],
            async id => {
              await seenNetwork(q, ctx, tools, id)
              const row = await networksDb.row(q, id)
              if (row === undefined) throw faults.NetworkNotFound({ net_id: id })
              return row
            },
            access.who(ctx).projectId ?? '',
          )
          .then(some => asSeen(q, ctx, some)),
      )
      return access.visible(ctx, rules.getNetwork, found, networkTarget)
    },
    async show(ctx: Ctx, id: string): Promise<Network> {
      const found = await database.read(ctx, 'show-network', q => seenNetwork(q, ctx, tools, id))
      access.mustSee(ctx, rules.getNetwork, networkTarget(found))
      return found
    },
    async update(ctx: Ctx, id: string, body: Update, revision: number | null): Promise<Network> {
      const changed = await database.tx(ctx, 'update-network', async q => {
        const it = await seenNetwork(q, ctx, tools, id)
        access.mustChange(ctx, { rule: rules.updateNetwork, show: rules.getNetwork }, networkTarget(it), {
          of: network,
          body,
        })
        constrain(it.revision, revision)
        const provider = Object.keys(body).filter(key => key.startsWith('provider:'))
        if (provider.length > 0)
          throw faults.InvalidInput({ error_message: 'Plugin does not support updating provider attributes' })
        if (body.shared === false) await checkUnshared(q, it)
        if (body['router:external'] === false && it.external) await checkInternal(q, it)
        const external = body['router:external'] ?? it.external
        const isDefault = external ? body.is_default : it.isDefault ? false : undefined
        if (isDefault === true) await checkDefault(q, id)
        const mtu = body.mtu === undefined ? undefined : mtuOf(settings, it.networkType, body.mtu)
        if (mtu !== undefined)
          for (const subnet of await subnetsDb.ofNetwork(q, id)) checkMtu(id, mtu, subnet.ipVersion)
        await putQos(q, ctx, tools, 'network', id, body.qos_policy_id)
        await revise(q, 'networks', id, clock.now(), {
          ...(body.name === undefined ? {} : { name: body.name }),
          ...(body.description === undefined ? {} : { description: body.description }),
          ...(body.admin_state_up === undefined ? {} : { admin_state_up: flag(body.admin_state_up) }),
          ...(body.shared === undefined ? {} : { shared: flag(body.shared) }),
          ...(body['router:external'] === undefined ? {} : { external: flag(body['router:external']) }),
          ...(body.port_security_enabled === undefined
            ? {}
            : { port_security_enabled: flag(body.port_security_enabled) }),
          ...(body.dns_domain === undefined ? {} : { dns_domain: body.dns_domain }),
          ...(mtu === undefined ? {} : { mtu }),
          ...(isDefault === undefined ? {} : { is_default: flag(isDefault) }),
        })
        await shareNetwork(q, tools, it, {
          ...(body.shared === undefined ? {} : { shared: body.shared }),
          ...(body['router:external'] === undefined ? {} : { external: body['router:external'] }),
        })
        return seenNetwork(q, ctx, tools, id)
      })
      wiring.touch({ networks: [id] })
      return changed
    },
    async remove(ctx: Ctx, id: string, revision: number | null): Promise<void> {
      await database.tx(ctx, 'delete-network', async q => {
        const it = await seenNetwork(q, ctx, tools, id)
        access.mustChange(ctx, { rule: rules.deleteNetwork, show: rules.getNetwork }, networkTarget(it))
        constrain(it.revision, revision)
        if (it.external) await removeUnusedFloatingIps(q, id)
        const ports = await portsDb.ofNetwork(q, id)
        const used = ports.filter(port => !isAutoRemoved(port.deviceOwner)).map(port => port.id)
        if (used.length > 0)
          throw faults.NetworkInUse({
            net_id: id,
            reason: `There are one or more ports still in use on the network, id for these ports is: ${used.join(',')}`,
          })
        for (const port of ports) await portsDb.remove(q, port.id)
        const subnets = (await subnetsDb.ofNetwork(q, id)).map(subnet => subnet.id)
        await schedulesDb.forget(q, id)
        await qosDb.bind(q, 'network', id, null)
        await deleteTags(q, [id, ...subnets])
        await sharingDb.forget(q, id)
        await q.deleteFrom('subnets').where('network_id', '=', id).execute()
        await q.deleteFrom('segments').where('network_id', '=', id).execute()
        await q.deleteFrom('networks').where('id', '=', id).execute()
      })
      wiring.touch({ networks: [id] })
    },
  }
}
export type Networks = ReturnType<typeof createNetworks>
