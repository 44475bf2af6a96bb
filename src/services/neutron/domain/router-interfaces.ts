// Joining a router to a network and parting them: by a subnet, whose gateway the router becomes, or by a port that is there.
import type { Ctx } from '#kernel/lib/context.ts'
import { faults } from '#services/neutron/contract/faults.ts'
import { rules } from '#services/neutron/contract/rules.ts'
import { networksDb } from '#services/neutron/db/networks.ts'
import { portsDb, type Port } from '#services/neutron/db/ports.ts'
import { portForwardingsDb } from '#services/neutron/db/port-forwardings.ts'
import { floatingIpsDb, type Router } from '#services/neutron/db/routers.ts'
import { revise, type Q } from '#services/neutron/db/standard.ts'
import { allocationsDb, subnetsDb, type Subnet } from '#services/neutron/db/subnets.ts'
import { overlap, parseIp, within } from '#services/neutron/domain/addresses.ts'
import { cidrOf, inPools, reallocate } from '#services/neutron/domain/ipam.ts'
import { ROUTER_GATEWAY, ROUTER_INTERFACE } from '#services/neutron/domain/owners.ts'
import { insertServicePort } from '#services/neutron/domain/port-insert.ts'
import { routesThrough } from '#services/neutron/domain/router-routes.ts'
import { isSharedWith } from '#services/neutron/domain/sharing.ts'
import type { DomainTools } from '#services/neutron/domain/tools.ts'
import { claim } from '#services/neutron/domain/quotas.ts'

export interface Joint {
  readonly routerId: string
  readonly projectId: string
  readonly portId: string
  readonly networkId: string
  readonly subnetIds: readonly string[]
}
export interface AskedJoint {
  readonly subnet_id?: unknown
  readonly port_id?: unknown
}
const bad = (msg: string): never => {
  throw faults.BadRequest({ resource: 'router', msg })
}
const UUID = /^[0-9a-f]{8}-?([0-9a-f]{4}-?){3}[0-9a-f]{12}$/i

function checkAsked(asked: AskedJoint, removal: boolean): { subnetId: string | null; portId: string | null } {
  if (asked.subnet_id === undefined && asked.port_id === undefined) bad('Either subnet_id or port_id must be specified')
  for (const value of [asked.port_id, asked.subnet_id])
    if (value !== undefined && (typeof value !== 'string' || !UUID.test(value)))
      bad(`'${String(value)}' is not a valid UUID`)
  if (!removal && asked.subnet_id !== undefined && asked.port_id !== undefined)
    bad('Cannot specify both subnet-id and port-id')
  return {
    subnetId: (asked.subnet_id as string | undefined) ?? null,
    portId: (asked.port_id as string | undefined) ?? null,
  }
}

interface Attached {
  readonly port: Port
  readonly subnets: readonly Subnet[]
}
/** What the router is joined to, its gateway included. */
async function attachedTo(q: Q, routerId: string): Promise<Attached[]> {
  const ports = (await portsDb.ofDevice(q, routerId)).filter(
    port => port.deviceOwner === ROUTER_INTERFACE || port.deviceOwner === ROUTER_GATEWAY,
  )
  const ips = await allocationsDb.ofPorts(
    q,
    ports.map(port => port.id),
  )
  const outer = await subnetsDb.ofNetworks(
    q,
    ports.filter(port => port.deviceOwner === ROUTER_GATEWAY).map(port => port.networkId),
  )
  const inner = await subnetsDb.byIds(
    q,
    [...ips.values()].flat().map(ip => ip.subnetId),
  )
  return ports.map(port => ({
    port,
    subnets:
      port.deviceOwner === ROUTER_GATEWAY
        ? outer.filter(subnet => subnet.networkId === port.networkId)
        : (ips.get(port.id) ?? []).flatMap(ip => inner.get(ip.subnetId) ?? []),
  }))
}

/** A router sees each subnet once, and no two that overlap. @throws BadRequest */
function checkOverlap(attached: readonly Attached[], subnets: readonly Subnet[], exceptPort: string | null): void {
  for (const one of attached) {
    if (one.port.id === exceptPort) continue
    for (const has of one.subnets)
      for (const subnet of subnets) {
        if (has.id === subnet.id && one.port.deviceOwner === ROUTER_INTERFACE)
          bad(`Router already has a port on subnet ${subnet.id}`)
        if (overlap(cidrOf(has), cidrOf(subnet)))
          bad(`Cidr ${subnet.cidr} of subnet ${subnet.id} overlaps with cidr ${has.cidr} of subnet ${has.id}`)
      }
  }
}

/** IPv6 that is announced by a router needs one of ours: both modes or none. */
function checkAddressMode(subnet: Subnet): void {
  if (subnet.ipVersion === 6 && subnet.ipv6RaMode === null && subnet.ipv6AddressMode !== null)
    bad(`IPv6 subnet ${subnet.id} configured to receive RAs from an external router cannot be added to Neutron Router`)
}

async function addBySubnet(q: Q, ctx: Ctx, tools: DomainTools, router: Router, subnetId: string): Promise<Joint> {
  const subnet = await subnetsDb.byId(q, subnetId)
  const own = ctx.who?.projectId ?? null
  const network = subnet === null ? null : await networksDb.byId(q, subnet.networkId)
  const sees =
    subnet !== null &&
    network !== null &&
    (subnet.projectId === own ||
      network.projectId === own ||
      network.shared ||
      (await isSharedWith(q, ctx, network.id)) ||
      tools.access.seesAll(ctx, rules.getSubnet))
  if (subnet === null || !sees) throw faults.SubnetNotFound({ subnet_id: subnetId })
  if (subnet.gatewayIp === null) bad('Subnet for router interface must have a gateway IP')
  if (subnet.projectId !== own && !tools.access.isAdmin(ctx))
    bad(`Cannot add interface to router because subnet ${subnetId} is not owned by project making the request`)
  checkAddressMode(subnet)
  const attached = await attachedTo(q, router.id)
  checkOverlap(attached, [subnet], null)
  const gateway = subnet.gatewayIp ?? ''
  const sameNetwork = attached.find(
    one =>
      subnet.ipVersion === 6 &&
      one.port.deviceOwner === ROUTER_INTERFACE &&
      one.port.networkId === subnet.networkId &&
      one.subnets.some(has => has.ipVersion === 6),
  )
  if (sameNetwork !== undefined) {
    // compat: all IPv6 subnets of a network share one port of the router.
    const { port } = sameNetwork
    const holder = { portId: port.id, networkId: port.networkId, mac: port.macAddress, deviceOwner: port.deviceOwner }
    const has = await allocationsDb.ofPort(q, port.id)
    const wishes = [...has.map(ip => ({ subnetId: ip.subnetId, ip: ip.ip })), { subnetId: subnet.id, ip: gateway }]
    await reallocate(q, holder, await subnetsDb.ofNetwork(q, port.networkId), has, wishes)
    await revise(q, 'ports', port.id, tools.clock.now())
    return {
      routerId: router.id,
      projectId: router.projectId,
      portId: port.id,
      networkId: port.networkId,
      subnetIds: [subnet.id],
    }
  }
  await claim(q, tools.settings, router.projectId, 'port')
  const made = await insertServicePort(q, tools, {
    id: tools.ids.uuid(),
    projectId: router.projectId,
    networkId: subnet.networkId,
    deviceOwner: ROUTER_INTERFACE,
    deviceId: router.id,
    wishes: [{ subnetId: subnet.id, ip: gateway }],
  })
  return {
    routerId: router.id,
    projectId: router.projectId,
    portId: made.port.id,
    networkId: subnet.networkId,
    subnetIds: [subnet.id],
  }
}

async function addByPort(q: Q, ctx: Ctx, tools: DomainTools, router: Router, portId: string): Promise<Joint> {
  const port = await portsDb.byId(q, portId)
  const own = ctx.who?.projectId ?? null
  if (port === null || (port.projectId !== own && !tools.access.seesAll(ctx, rules.getPort)))
    throw faults.PortNotFound({ port_id: portId })
  if (port.deviceId !== '' && port.deviceId !== router.id)
    throw faults.PortInUse({ net_id: port.networkId, port_id: portId, device_id: port.deviceId })
  const ips = await allocationsDb.ofPort(q, portId)
  if (ips.length === 0) bad('Router port must have at least one fixed IP')
  const subnets = [
    ...(
      await subnetsDb.byIds(
        q,
        ips.map(ip => ip.subnetId),
      )
    ).values(),
  ]
  if (subnets.filter(subnet => subnet.ipVersion === 4).length > 1)
    bad('Cannot have multiple IPv4 subnets on router port')
  for (const subnet of subnets) checkAddressMode(subnet)
  checkOverlap(await attachedTo(q, router.id), subnets, portId)
  if (!tools.access.isAdmin(ctx))
    for (const ip of ips) {
      const subnet = subnets.find(one => one.id === ip.subnetId)
      if (subnet !== undefined && subnet.projectId !== own && !inPools(subnet, ip.ip))
        bad(
          `Cannot add interface to router because specified port ${portId} has an IP address out of the allocation pool of subnet ${subnet.id}, which is not owned by the project making the request`,
        )
    }
  await revise(q, 'ports', portId, tools.clock.now(), {
    device_owner: ROUTER_INTERFACE,
    device_id: router.id,
    port_security_enabled: 0,
    allowed_address_pairs: '[]',
  })
  await portsDb.setGroups(q, portId, [])
  return {
    routerId: router.id,
    projectId: port.projectId,
    portId,
    networkId: port.networkId,
    subnetIds: subnets.map(one => one.id),
  }
}

/** Joins. @throws BadRequest, SubnetNotFound, PortNotFound, PortInUse, IpAddressInUse */
export async function addInterface(
  q: Q,
  ctx: Ctx,
  tools: DomainTools,
  router: Router,
  asked: AskedJoint,
): Promise<Joint> {
  const { subnetId, portId } = checkAsked(asked, false)
  const joint =
    portId === null
      ? await addBySubnet(q, ctx, tools, router, subnetId ?? '')
      : await addByPort(q, ctx, tools, router, portId)
  await revise(q, 'routers', router.id, tools.clock.now())
  return joint
}

/** Floating IPs and routes through a subnet need the router there. */
async function checkUnused(q: Q, router: Router, subnets: readonly Subnet[]): Promise<void> {
  const floating = await floatingIpsDb.ofRouters(q, [router.id])
  const forwarded = await portForwardingsDb.ofFloatingIps(
    q,
    floating.map(one => one.id),
  )
  const inside = [
    ...floating.flatMap(one => one.fixedIpAddress ?? []),
    ...[...forwarded.values()].flat().map(one => one.internalIp),
  ]
  for (const subnet of subnets) {
    const cidr = cidrOf(subnet)
    for (const one of inside) {
      const ip = parseIp(one)
      if (ip !== null && within(cidr, ip))
        throw faults.RouterInterfaceInUseByFloatingIP({ router_id: router.id, subnet_id: subnet.id })
    }
    if (routesThrough(router, subnet.cidr))
      throw faults.RouterInterfaceInUseByRoute({ router_id: router.id, subnet_id: subnet.id })
  }
}

/** Parts. @throws RouterInterfaceNotFound, RouterInterfaceNotFoundForSubnet, SubnetMismatchForPort, RouterInterfaceInUseBy… */
export async function removeInterface(
  q: Q,
  ctx: Ctx,
  tools: DomainTools,
  router: Router,
  asked: AskedJoint,
): Promise<Joint> {
  const { subnetId, portId } = checkAsked(asked, true)
  const interfaces = (await attachedTo(q, router.id)).filter(one => one.port.deviceOwner === ROUTER_INTERFACE)
  let found: Attached | undefined
  if (portId !== null) {
    found = interfaces.find(one => one.port.id === portId)
    if (found === undefined) throw faults.RouterInterfaceNotFound({ router_id: router.id, port_id: portId })
    if (subnetId !== null && !found.subnets.some(subnet => subnet.id === subnetId))
      throw faults.SubnetMismatchForPort({ port_id: portId, subnet_id: subnetId })
  } else {
    if ((await subnetsDb.byId(q, subnetId ?? '')) === null) throw faults.SubnetNotFound({ subnet_id: subnetId ?? '' })
    found = interfaces.find(one => one.subnets.some(subnet => subnet.id === subnetId))
    if (found === undefined)
      throw faults.RouterInterfaceNotFoundForSubnet({ router_id: router.id, subnet_id: subnetId ?? '' })
  }
  const { port } = found
  const parted = portId === null ? found.subnets.filter(subnet => subnet.id === subnetId) : found.subnets
  await checkUnused(q, router, parted)
  if (parted.length < found.subnets.length) {
    const holder = { portId: port.id, networkId: port.networkId, mac: port.macAddress, deviceOwner: port.deviceOwner }
    const has = await allocationsDb.ofPort(q, port.id)
    const left = has.filter(ip => ip.subnetId !== subnetId).map(ip => ({ subnetId: ip.subnetId, ip: ip.ip }))
    await reallocate(q, holder, await subnetsDb.ofNetwork(q, port.networkId), has, left)
    await revise(q, 'ports', port.id, tools.clock.now())
  } else await portsDb.remove(q, port.id)
  await revise(q, 'routers', router.id, tools.clock.now())
  return {
    routerId: router.id,
    projectId: port.projectId,
    portId: port.id,
    networkId: port.networkId,
    subnetIds: parted.map(subnet => subnet.id),
  }
}
