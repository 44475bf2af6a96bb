// Subnets: making, changing and removing them, with the DHCP port of their network.
import type { CreateOf, UpdateOf } from '#kernel/contract/resource.ts'
import { flag, json } from '#kernel/db/codecs.ts'
import type { Ctx } from '#kernel/lib/context.ts'
import type { Target } from '#kernel/policy/enforcer.ts'
import { faults } from '#services/neutron/contract/faults.ts'
import { rules } from '#services/neutron/contract/rules.ts'
import { subnet } from '#services/neutron/contract/subnets.ts'
import type { Listing } from '#services/neutron/db/listing.ts'
import { networksDb, type Network } from '#services/neutron/db/networks.ts'
import { routersDb } from '#services/neutron/db/routers.ts'
import { deleteTags, newStandard, revise, type Q } from '#services/neutron/db/standard.ts'
import {
  allocationsDb,
  isAutoAddressed,
  subnetsDb,
  toSubnet,
  visibleSubnets,
  type Subnet,
} from '#services/neutron/db/subnets.ts'
import { subnetPoolsDb, type SubnetPool } from '#services/neutron/db/subnet-pools.ts'
import { formatCidr, overlap, type Cidr } from '#services/neutron/domain/addresses.ts'
import { addAutoAddresses } from '#services/neutron/domain/auto-addresses.ts'
import { syncDhcpPort } from '#services/neutron/domain/dhcp-port.ts'
import { cidrOf } from '#services/neutron/domain/ipam.ts'
import { seenNetwork } from '#services/neutron/domain/networks.ts'
import { isAutoRemoved, isRouterPort } from '#services/neutron/domain/owners.ts'
import { checkMtu } from '#services/neutron/domain/provider.ts'
import { cutFrom, seenPool } from '#services/neutron/domain/subnet-pools.ts'
import { claim } from '#services/neutron/domain/quotas.ts'
import { constrain } from '#services/neutron/domain/revision.ts'
import {
  checkDhcp,
  checkGateway,
  checkModes,
  checkServiceTypes,
  cidrFor,
  gatewayFor,
  hostRoutesFor,
  nameserversFor,
  poolsFor,
} from '#services/neutron/domain/subnet-plan.ts'
import { asSeen } from '#services/neutron/domain/sharing.ts'
import type { DomainTools } from '#services/neutron/domain/tools.ts'

type Create = CreateOf<(typeof subnet)['rows']>
type Update = UpdateOf<(typeof subnet)['rows']>

/** A subnet with what its network says: whose it is, and who sees it. */
export interface SubnetOfNetwork extends Subnet {
  readonly network: Pick<Network, 'projectId' | 'shared' | 'external'>
}
export const subnetTarget = (it: SubnetOfNetwork): Target => ({
  project_id: it.projectId,
  tenant_id: it.projectId,
  'network:project_id': it.network.projectId,
  shared: it.network.shared,
  'router:external': it.network.external,
})

/** Its network's segment, and all other subnets of the network have one too, or none has. @throws SegmentNotFound, NetworkIdsDontMatch, … */
async function checkSegment(q: Q, networkId: string, segmentId: string | null, except: string | null): Promise<void> {
  const others = (await subnetsDb.ofNetwork(q, networkId)).filter(one => one.id !== except)
  if (others.some(one => (one.segmentId === null) !== (segmentId === null)))
    throw faults.SubnetsNotAllAssociatedWithSegments({ network_id: networkId })
  if (segmentId === null) return
  const found = await q.selectFrom('segments').select('network_id').where('id', '=', segmentId).executeTakeFirst()
  if (found === undefined) throw faults.SegmentNotFound({ segment_id: segmentId })
  if (found.network_id !== networkId)
    throw faults.NetworkIdsDontMatch({ subnet_network: networkId, segment_id: segmentId })
}

export const createSubnets = (tools: DomainTools) => {
  const { database, access, clock, ids, settings, wiring } = tools

  const withNetworks = async (q: Q, ctx: Ctx, found: readonly Subnet[]): Promise<SubnetOfNetwork[]> => {
    const known = await networksDb.byIds(q, new Set(found.map(one => one.networkId)))
    const networks = new Map((await asSeen(q, ctx, [...known.values()])).map(one => [one.id, one]))
    return found.flatMap(one => {
      const network = networks.get(one.networkId)
      return network === undefined ? [] : [{ ...one, network }]
    })
  }
  async function seen(q: Q, ctx: Ctx, id: string): Promise<SubnetOfNetwork> {
    const [found] = await withNetworks(
      q,
      ctx,
      [await subnetsDb.byId(q, id)].filter(one => one !== null),
    )
    const own = ctx.who?.projectId
    if (
      found === undefined ||
      (found.projectId !== own &&
        found.network.projectId !== own &&
        !found.network.shared &&
        !access.seesAll(ctx, rules.getSubnet))
    )
      throw faults.SubnetNotFound({ subnet_id: id })
    return found
  }

  /** The pool a subnet is to be cut from; null for none. @throws BadRequest, SubnetPoolNotFound */
  async function poolFor(q: Q, ctx: Ctx, body: Create): Promise<SubnetPool | null> {
    const named = typeof body.subnetpool_id === 'string' ? body.subnetpool_id : null
    if (named !== null && body.use_default_subnetpool)
      throw faults.BadRequest({
        resource: 'subnets',
        msg: 'subnetpool_id and use_default_subnetpool cannot both be specified',
      })
    if (named !== null) return seenPool(q, ctx, access, named)
    if (!body.use_default_subnetpool) return null
    const found = await subnetPoolsDb.defaultOf(q, body.ip_version)
    if (found === null)
      throw faults.BadRequest({ resource: 'subnets', msg: `No default subnetpool found for IPv${body.ip_version}` })
    return found
  }
  async function insert(q: Q, ctx: Ctx, body: Create, id: string): Promise<SubnetOfNetwork> {
    const projectId = access.projectOf(ctx, body)
    const network = await seenNetwork(q, ctx, tools, body.network_id)
    access.mustCreate(ctx, subnet, rules.createSubnet, body, {
      project_id: projectId,
      tenant_id: projectId,
      'network:project_id': network.projectId,
      shared: network.shared,
    })
    if (typeof body.cidr === 'string' && body.prefixlen !== undefined)
      throw faults.BadRequest({ resource: 'subnets', msg: 'cidr and prefixlen must not be supplied together' })
    const pool = await poolFor(q, ctx, body)
    if (pool === null && typeof body.cidr !== 'string')
      throw faults.BadRequest({ resource: 'subnets', msg: 'a subnetpool must be specified in the absence of a cidr' })
    if (pool !== null && typeof body.cidr !== 'string' && body.allocation_pools !== undefined)
      throw faults.BadRequest({
        resource: 'subnets',
        msg: 'allocation_pools allowed only for specific subnet requests.',
      })
    await claim(q, settings, projectId, 'subnet')
    const asked = typeof body.cidr === 'string' ? cidrFor(body.cidr, body.ip_version) : null
    const cidr =
      pool === null
        ? (asked as Cidr)
        : await cutFrom(q, pool, projectId, { version: body.ip_version, cidr: asked, prefixlen: body.prefixlen })
    if (body.enable_dhcp) checkDhcp(cidr)
    checkModes(cidr, { ra: body.ipv6_ra_mode ?? null, address: body.ipv6_address_mode ?? null }, body.enable_dhcp)
    checkMtu(network.id, network.mtu, body.ip_version)
    checkServiceTypes(body.service_types)
    for (const other of await subnetsDb.ofNetwork(q, network.id)) {
      if (other.ipVersion === body.ip_version && other.subnetPoolId !== (pool?.id ?? null))
        throw faults.NetworkSubnetPoolAffinityError()
      if (overlap(cidrOf(other), cidr))
        throw faults.InvalidInput({
          error_message: `Requested subnet with cidr: ${formatCidr(cidr)} for network: ${network.id} overlaps with another subnet`,
        })
    }
    await checkSegment(q, network.id, body.segment_id, null)
    const gateway = gatewayFor(cidr, body.gateway_ip)
    const row = {
      ...newStandard(id, projectId, body, clock.now()),
      network_id: network.id,
      ip_version: body.ip_version,
      cidr: formatCidr(cidr),
      gateway_ip: gateway,
      enable_dhcp: flag(body.enable_dhcp),
      ipv6_ra_mode: body.ipv6_ra_mode ?? null,
      ipv6_address_mode: body.ipv6_address_mode ?? null,
      allocation_pools: json(poolsFor(cidr, gateway, body.allocation_pools)),
      dns_nameservers: json(nameserversFor(body.ip_version, body.dns_nameservers ?? [], settings, 'new subnet')),
      host_routes: json(hostRoutesFor(body.ip_version, body.host_routes ?? [], settings, 'new subnet')),
      service_types: json(body.service_types),
      subnetpool_id: pool?.id ?? null,
      segment_id: body.segment_id,
    }
    await q.insertInto('subnets').values(row).execute()
    await revise(q, 'networks', network.id, clock.now())
    const made = toSubnet(row)
    if (isAutoAddressed(made)) await addAutoAddresses(q, tools, made)
    await syncDhcpPort(q, tools, network)
    return { ...made, network }
  }

  return {
    async create(ctx: Ctx, bodies: readonly Create[]): Promise<SubnetOfNetwork[]> {
      const named = bodies.map(body => ({ body, id: ids.uuid() }))
      const made = await database.tx(ctx, 'create-subnet', async q => {
        const all: SubnetOfNetwork[] = []
        for (const { body, id } of named) all.push(await insert(q, ctx, body, id))
        return all
      })
      wiring.touch({ networks: made.map(one => one.networkId) })
      return made
    },
    async list(ctx: Ctx, listing: Listing): Promise<SubnetOfNetwork[]> {
      const found = await database.read(ctx, 'list-subnets', async q =>
        withNetworks(
          q,
          ctx,
          await subnetsDb.list(
            q,
            listing,
            access.seesAll(ctx, rules.getSubnet) ? [] : [visibleSubnets(access.who(ctx).projectId ?? '')],
            async id => {
              await seen(q, ctx, id)
              const row = await subnetsDb.row(q, id)
              if (row === undefined) throw faults.SubnetNotFound({ subnet_id: id })
              return row
            },
            access.who(ctx).projectId ?? '',
          ),
        ),
      )
      return access.visible(ctx, rules.getSubnet, found, subnetTarget)
    },
    async show(ctx: Ctx, id: string): Promise<SubnetOfNetwork> {
      const found = await database.read(ctx, 'show-subnet', q => seen(q, ctx, id))
      access.mustSee(ctx, rules.getSubnet, subnetTarget(found))
      return found
    },
    async update(ctx: Ctx, id: string, body: Update, revision: number | null): Promise<SubnetOfNetwork> {
      const { changed, routers } = await database.tx(ctx, 'update-subnet', async q => {
        const it = await seen(q, ctx, id)
        access.mustChange(ctx, { rule: rules.updateSubnet, show: rules.getSubnet }, subnetTarget(it), {
          of: subnet,
          body,
        })
        constrain(it.revision, revision)
        const cidr = cidrOf(it)
        if (body.enable_dhcp === true && !it.enableDhcp) checkDhcp(cidr)
        if (body.enable_dhcp === false && it.enableDhcp)
          checkModes(cidr, { ra: it.ipv6RaMode, address: it.ipv6AddressMode }, false)
        const gateway = body.gateway_ip === undefined ? it.gatewayIp : gatewayFor(cidr, body.gateway_ip)
        const interfaces = await routersDb.ofSubnet(q, id)
        if (gateway !== it.gatewayIp) {
          const holder = interfaces.find(one => one.ip_address === it.gatewayIp)
          if (holder !== undefined)
            throw faults.GatewayIpInUse({ ip_address: it.gatewayIp ?? '', port_id: holder.port_id })
        }
        if (body.segment_id !== undefined && body.segment_id !== it.segmentId) {
          if (it.segmentId !== null) throw faults.SubnetSegmentAssociationChangeNotAllowed()
          await checkSegment(q, it.networkId, body.segment_id, id)
        }
        const pools =
          body.allocation_pools === undefined ? it.allocationPools : poolsFor(cidr, gateway, body.allocation_pools)
        if (gateway !== it.gatewayIp || body.allocation_pools !== undefined) checkGateway(gateway, pools)
        if (body.service_types !== undefined) checkServiceTypes(body.service_types)
        await revise(q, 'subnets', id, clock.now(), {
          ...(body.name === undefined ? {} : { name: body.name }),
          ...(body.description === undefined ? {} : { description: body.description }),
          ...(body.enable_dhcp === undefined ? {} : { enable_dhcp: flag(body.enable_dhcp) }),
          ...(body.dns_nameservers === undefined
            ? {}
            : { dns_nameservers: json(nameserversFor(it.ipVersion, body.dns_nameservers, settings, id)) }),
          ...(body.host_routes === undefined
            ? {}
            : { host_routes: json(hostRoutesFor(it.ipVersion, body.host_routes, settings, id)) }),
          ...(body.service_types === undefined ? {} : { service_types: json(body.service_types) }),
          ...(body.segment_id === undefined ? {} : { segment_id: body.segment_id }),
          gateway_ip: gateway,
          allocation_pools: json([...pools]),
        })
        const network = await networksDb.byId(q, it.networkId)
        if (network !== null && body.enable_dhcp !== undefined) await syncDhcpPort(q, tools, network)
        return {
          changed: { ...((await subnetsDb.byId(q, id)) ?? it), network: it.network },
          routers: [
            ...interfaces.map(one => one.router_id),
            ...(await routersDb.withGatewayOn(q, it.networkId)).map(router => router.id),
          ],
        }
      })
      wiring.touch({ networks: [changed.networkId], routers })
      return changed
    },
    async remove(ctx: Ctx, id: string, revision: number | null): Promise<void> {
      const networkId = await database.tx(ctx, 'delete-subnet', async q => {
        const it = await seen(q, ctx, id)
        access.mustChange(ctx, { rule: rules.deleteSubnet, show: rules.getSubnet }, subnetTarget(it))
        constrain(it.revision, revision)
        const held = await allocationsDb.ofSubnet(q, id)
        const automatic = isAutoAddressed(it)
        const keeps = held.some(
          one => isRouterPort(one.device_owner) || (!automatic && !isAutoRemoved(one.device_owner)),
        )
        if (keeps)
          throw faults.SubnetInUse({
            subnet_id: id,
            reason: 'One or more ports have an IP allocation from this subnet',
          })
        await q.deleteFrom('allocations').where('subnet_id', '=', id).execute()
        for (const one of held) await revise(q, 'ports', one.port_id, clock.now())
        await deleteTags(q, [id])
        await q.deleteFrom('subnets').where('id', '=', id).execute()
        await revise(q, 'networks', it.networkId, clock.now())
        const network = await networksDb.byId(q, it.networkId)
        if (network !== null) await syncDhcpPort(q, tools, network)
        return it.networkId
      })
      wiring.touch({ networks: [networkId] })
    },
  }
}
export type Subnets = ReturnType<typeof createSubnets>
