// Ports: the verbs. Each loads for its action, decides, writes in one transaction, and tells the hosts and Nova afterwards.
import type { CreateOf, UpdateOf } from '#kernel/contract/resource.ts'
import { flag, json } from '#kernel/db/codecs.ts'
import type { Ctx } from '#kernel/lib/context.ts'
import type { Target } from '#kernel/policy/enforcer.ts'
import { faults } from '#services/neutron/contract/faults.ts'
import { port } from '#services/neutron/contract/ports.ts'
import { rules } from '#services/neutron/contract/rules.ts'
import type { Listing } from '#services/neutron/db/listing.ts'
import { networksDb, type Network } from '#services/neutron/db/networks.ts'
import { portsDb, toPort, visiblePorts, type Port } from '#services/neutron/db/ports.ts'
import { newStandard, type Q } from '#services/neutron/db/standard.ts'
import { subnetsDb } from '#services/neutron/db/subnets.ts'
import type { PortTable } from '#services/neutron/db/tables.ts'
import { ensureDefaultGroup } from '#services/neutron/domain/default-group.ts'
import { allocate } from '#services/neutron/domain/ipam.ts'
import { askedMac, freeMac } from '#services/neutron/domain/mac.ts'
import { seenNetwork } from '#services/neutron/domain/networks.ts'
import { isTrusted } from '#services/neutron/domain/owners.ts'
import { bindTo } from '#services/neutron/domain/port-binding.ts'
import {
  addressPairsFor,
  checkDevice,
  checkFixedIps,
  checkGroups,
  dhcpOptionsFor,
} from '#services/neutron/domain/port-checks.ts'
import { plainPort } from '#services/neutron/domain/port-insert.ts'
import { removePort } from '#services/neutron/domain/port-removal.ts'
import { changePort } from '#services/neutron/domain/port-update.ts'
import { putQos } from '#services/neutron/domain/qos-bindings.ts'
import { claim } from '#services/neutron/domain/quotas.ts'
import { constrain } from '#services/neutron/domain/revision.ts'
import type { DomainTools } from '#services/neutron/domain/tools.ts'

export type CreatePort = CreateOf<(typeof port)['rows']>
export type UpdatePort = UpdateOf<(typeof port)['rows']>

/** A port with what its network says of whose it is. */
export interface PortOfNetwork extends Port {
  readonly network: Pick<Network, 'projectId' | 'shared'>
}
/** `owner`: the device owner after the change, which rules look at. */
export const portTarget = (it: PortOfNetwork, owner: string = it.deviceOwner): Target => ({
  project_id: it.projectId,
  tenant_id: it.projectId,
  'network:project_id': it.network.projectId,
  shared: it.network.shared,
  device_owner: owner,
})

export const createPorts = (tools: DomainTools) => {
  const { database, access, clock, ids, settings, wiring, nova } = tools

  const withNetworks = async (q: Q, found: readonly Port[]): Promise<PortOfNetwork[]> => {
    const networks = await networksDb.byIds(q, new Set(found.map(one => one.networkId)))
    return found.flatMap(one => {
      const network = networks.get(one.networkId)
      return network === undefined ? [] : [{ ...one, network }]
    })
  }
  async function seen(q: Q, ctx: Ctx, id: string): Promise<PortOfNetwork> {
    const [found] = await withNetworks(
      q,
      [await portsDb.byId(q, id)].filter(one => one !== null),
    )
    const own = ctx.who?.projectId
    if (
      found === undefined ||
      (found.projectId !== own && found.network.projectId !== own && !access.seesAll(ctx, rules.getPort))
    )
      throw faults.PortNotFound({ port_id: id })
    return found
  }

  /** The security groups of a new port: those asked for, else the project's default one; none where nothing is filtered. */
  async function groupsFor(
    q: Q,
    ctx: Ctx,
    body: CreatePort,
    facts: { projectId: string; secure: boolean; hasIps: boolean },
  ): Promise<string[]> {
    if (isTrusted(body.device_owner)) return []
    const asked = body.security_groups
    if (asked !== undefined && asked.length > 0) {
      if (!facts.secure || !facts.hasIps) throw faults.PortSecurityAndIPRequiredForSecurityGroups()
      return checkGroups(q, asked, facts.projectId, access.isAdmin(ctx))
    }
    if (asked !== undefined || !facts.secure || !facts.hasIps || facts.projectId === '') return []
    return [await ensureDefaultGroup(q, tools, facts.projectId)]
  }

  async function insert(q: Q, ctx: Ctx, body: CreatePort, id: string): Promise<PortOfNetwork> {
    const projectId = access.projectOf(ctx, body)
    const network = await seenNetwork(q, ctx, tools, body.network_id)
    access.mustCreate(ctx, port, rules.createPort, body, {
      project_id: projectId,
      tenant_id: projectId,
      'network:project_id': network.projectId,
      shared: network.shared,
      device_owner: body.device_owner,
    })
    await checkDevice(q, ctx, access, { owner: body.device_owner, id: body.device_id }, projectId)
    if (body.fixed_ips !== undefined) checkFixedIps(body.fixed_ips, settings)
    await claim(q, settings, projectId, 'port')
    const mac =
      typeof body.mac_address === 'string'
        ? await askedMac(q, network.id, body.mac_address, id)
        : await freeMac(q, ids, network.id)
    const secure = isTrusted(body.device_owner) ? false : (body.port_security_enabled ?? network.portSecurityEnabled)
    const pairs = addressPairsFor(body.allowed_address_pairs ?? [], mac, settings)
    if (pairs.length > 0 && !secure) throw faults.AddressPairAndPortSecurityRequired()
    const host = body['binding:host_id'] ?? ''
    const row: PortTable = {
      ...newStandard(id, projectId, body, clock.now()),
      ...plainPort,
      network_id: network.id,
      admin_state_up: flag(body.admin_state_up),
      status: 'DOWN',
      mac_address: mac,
      device_id: body.device_id,
      device_owner: body.device_owner,
      dns_name: body.dns_name,
      port_security_enabled: flag(secure),
      allowed_address_pairs: json(pairs),
      extra_dhcp_opts: json(dhcpOptionsFor([], body.extra_dhcp_opts)),
      vnic_type: body['binding:vnic_type'],
      profile: json(body['binding:profile'] ?? {}),
      ...(await bindTo(q, host, body['binding:vnic_type'])),
    }
    await q.insertInto('ports').values(row).execute()
    await putQos(q, ctx, tools, 'port', id, body.qos_policy_id)
    const wishes = body.fixed_ips?.map(ip => ({
      ...(ip.subnet_id === undefined ? {} : { subnetId: ip.subnet_id }),
      ...(ip.ip_address === undefined ? {} : { ip: ip.ip_address }),
    }))
    const holder = { portId: id, networkId: network.id, mac, deviceOwner: body.device_owner }
    const fixedIps = await allocate(q, holder, await subnetsDb.ofNetwork(q, network.id), wishes ?? null)
    await portsDb.setGroups(q, id, await groupsFor(q, ctx, body, { projectId, secure, hasIps: fixedIps.length > 0 }))
    if (body.tags.length > 0)
      await q
        .insertInto('tags')
        .values(body.tags.map(tag => ({ resource_id: id, tag })))
        .execute()
    return { ...toPort(row), network }
  }

  return {
    /** One or several, all or none. */
    async create(ctx: Ctx, bodies: readonly CreatePort[]): Promise<PortOfNetwork[]> {
      const named = bodies.map(body => ({ body, id: ids.uuid() }))
      const made = await database.tx(ctx, 'create-port', async q => {
        const all: PortOfNetwork[] = []
        for (const { body, id } of named) all.push(await insert(q, ctx, body, id))
        return all
      })
      wiring.touch({ ports: made.map(one => one.id) })
      return made
    },
    async list(ctx: Ctx, listing: Listing): Promise<PortOfNetwork[]> {
      const found = await database.read(ctx, 'list-ports', async q =>
        withNetworks(
          q,
          await portsDb.list(
            q,
            listing,
            access.seesAll(ctx, rules.getPort) ? [] : [visiblePorts(access.who(ctx).projectId ?? '')],
            async id => {
              await seen(q, ctx, id)
              const row = await portsDb.row(q, id)
              if (row === undefined) throw faults.PortNotFound({ port_id: id })
              return row
            },
          ),
        ),
      )
      return access.visible(ctx, rules.getPort, found, one => portTarget(one))
    },
    async show(ctx: Ctx, id: string): Promise<PortOfNetwork> {
      const found = await database.read(ctx, 'show-port', q => seen(q, ctx, id))
      access.mustSee(ctx, rules.getPort, portTarget(found))
      return found
    },
    async update(ctx: Ctx, id: string, body: UpdatePort, revision: number | null): Promise<PortOfNetwork> {
      const { changed, routers, news, along } = await database.tx(ctx, 'update-port', async q => {
        const it = await seen(q, ctx, id)
        const change = { rule: rules.updatePort, show: rules.getPort }
        access.mustChange(ctx, change, portTarget(it, body.device_owner ?? it.deviceOwner), { of: port, body })
        constrain(it.revision, revision)
        const done = await changePort(q, ctx, tools, it, body)
        return { ...done, changed: { ...done.port, network: it.network } }
      })
      wiring.touch({ ports: [id, ...along], routers })
      nova.tell(news)
      return changed
    },
    async remove(ctx: Ctx, id: string, revision: number | null): Promise<void> {
      const { touched, news } = await database.tx(ctx, 'delete-port', async q => {
        const it = await seen(q, ctx, id)
        access.mustChange(ctx, { rule: rules.deletePort, show: rules.getPort }, portTarget(it))
        constrain(it.revision, revision)
        return removePort(q, ctx, tools, it)
      })
      wiring.touch(touched)
      nova.tell(news)
    },
  }
}
export type Ports = ReturnType<typeof createPorts>
