// A port changes: addresses, binding, filters. Runs inside the caller's transaction and says who must hear of it.
import { flag, json } from '#kernel/db/codecs.ts'
import type { Ctx } from '#kernel/lib/context.ts'
import { faults } from '#services/neutron/contract/faults.ts'
import { portBindingsDb } from '#services/neutron/db/port-bindings.ts'
import { portsDb, type Port } from '#services/neutron/db/ports.ts'
import { floatingIpsDb } from '#services/neutron/db/routers.ts'
import { revise, type Q } from '#services/neutron/db/standard.ts'
import { allocationsDb, subnetsDb } from '#services/neutron/db/subnets.ts'
import type { PortTable } from '#services/neutron/db/tables.ts'
import { reallocate, type Reallocation } from '#services/neutron/domain/ipam.ts'
import { askedMac } from '#services/neutron/domain/mac.ts'
import { isCompute, isRouterPort, isTrusted } from '#services/neutron/domain/owners.ts'
import { bindTo } from '#services/neutron/domain/port-binding.ts'
import {
  addressPairsFor,
  checkDevice,
  checkFixedIps,
  checkGroups,
  dhcpOptionsFor,
} from '#services/neutron/domain/port-checks.ts'
import { putQos } from '#services/neutron/domain/qos-bindings.ts'
import { followParent } from '#services/neutron/domain/trunk-binding.ts'
import { forwardingsWithout, removeForwardings } from '#services/neutron/domain/port-forwardings.ts'
import type { UpdatePort } from '#services/neutron/domain/ports.ts'
import type { DomainTools, NovaNews } from '#services/neutron/domain/tools.ts'

export interface PortChange {
  readonly port: Port
  readonly routers: readonly string[]
  /** Subports that moved with it. */
  readonly along: readonly string[]
  readonly news: readonly NovaNews[]
}

const UNPLUGGED: ReadonlySet<string> = new Set(['unbound', 'binding_failed'])

/** An address that a floating IP leads to stays. @throws BadRequest */
async function checkFloating(
  q: Q,
  port: Port,
  asked: readonly { ip_address?: string; subnet_id?: string }[],
): Promise<void> {
  const floating = await floatingIpsDb.ofPort(q, port.id)
  for (const one of floating)
    if (one.fixedIpAddress !== null && !asked.some(ip => ip.ip_address === one.fixedIpAddress))
      throw faults.BadRequest({
        resource: 'port',
        msg: `Cannot update the fixed_ips of the port ${port.id}, because its original fixed_ip has been associated to a floating ip`,
      })
}

async function changeAddresses(
  q: Q,
  tools: DomainTools,
  port: Port,
  body: UpdatePort,
  mac: string,
): Promise<Reallocation | null> {
  const asked = body.fixed_ips
  const has = await allocationsDb.ofPort(q, port.id)
  if (asked === undefined && mac === port.macAddress) return null
  if (asked !== undefined) {
    checkFixedIps(asked, tools.settings)
    await checkFloating(q, port, asked)
  }
  const owner = body.device_owner ?? port.deviceOwner
  const holder = { portId: port.id, networkId: port.networkId, mac, deviceOwner: owner }
  const wishes = (asked ?? has.map(one => ({ subnet_id: one.subnetId, ip_address: one.ip }))).map(ip => ({
    ...(ip.subnet_id === undefined ? {} : { subnetId: ip.subnet_id }),
    ...(ip.ip_address === undefined ? {} : { ip: ip.ip_address }),
  }))
  return reallocate(q, holder, await subnetsDb.ofNetwork(q, port.networkId), has, wishes)
}

/** Who filters the port afterwards. @throws PortSecurityPortHasSecurityGroup, PortSecurityAndIPRequiredForSecurityGroups, … */
async function changeGroups(
  q: Q,
  ctx: Ctx,
  tools: DomainTools,
  port: Port,
  body: UpdatePort,
  hasIps: boolean,
): Promise<{ secure: boolean; before: readonly string[]; after: readonly string[] }> {
  const before = (await portsDb.groupsOf(q, [port.id])).get(port.id) ?? []
  const owner = body.device_owner ?? port.deviceOwner
  const secure = isTrusted(owner) ? false : (body.port_security_enabled ?? port.portSecurityEnabled)
  const after =
    body.security_groups === undefined
      ? before
      : await checkGroups(q, body.security_groups, port.projectId, tools.access.isAdmin(ctx))
  if (after.length > 0 && !secure && !isTrusted(owner)) {
    if (body.security_groups === undefined || body.security_groups.length === 0)
      throw faults.PortSecurityPortHasSecurityGroup()
    throw faults.PortSecurityAndIPRequiredForSecurityGroups()
  }
  if (body.security_groups !== undefined && after.length > 0 && !hasIps)
    throw faults.PortSecurityAndIPRequiredForSecurityGroups()
  return { secure, before, after: isTrusted(owner) ? [] : after }
}

/** @throws all that can be wrong with a port */
export async function changePort(
  q: Q,
  ctx: Ctx,
  tools: DomainTools,
  port: Port,
  body: UpdatePort,
): Promise<PortChange> {
  const { access, settings, clock } = tools
  const owner = body.device_owner ?? port.deviceOwner
  const deviceId = body.device_id ?? port.deviceId
  if (body.device_owner !== undefined || body.device_id !== undefined)
    await checkDevice(q, ctx, access, { owner, id: deviceId }, port.projectId)
  let mac = port.macAddress
  if (typeof body.mac_address === 'string') {
    mac = await askedMac(q, port.networkId, body.mac_address, port.id)
    if (mac !== port.macAddress && !UNPLUGGED.has(port.vifType))
      throw faults.PortBound({ port_id: port.id, vif_type: port.vifType, old_mac: port.macAddress, new_mac: mac })
  }
  const moved = await changeAddresses(q, tools, port, body, mac)
  const hasIps = moved === null ? (await allocationsDb.ofPort(q, port.id)).length > 0 : moved.all.length > 0
  const filters = await changeGroups(q, ctx, tools, port, body, hasIps)
  const pairs =
    body.allowed_address_pairs === undefined
      ? port.allowedAddressPairs
      : addressPairsFor(body.allowed_address_pairs, mac, settings)
  if (pairs.length > 0 && !filters.secure) throw faults.AddressPairAndPortSecurityRequired()

  const host = body['binding:host_id'] === undefined ? port.hostId : (body['binding:host_id'] ?? '')
  const vnicType = body['binding:vnic_type'] ?? port.vnicType
  const rebinds =
    host !== port.hostId || vnicType !== port.vnicType || (host !== '' && port.vifType === 'binding_failed')
  const set: Partial<PortTable> = {
    ...(body.name === undefined ? {} : { name: body.name }),
    ...(body.description === undefined ? {} : { description: body.description }),
    ...(body.dns_name === undefined ? {} : { dns_name: body.dns_name }),
    ...(body.admin_state_up === undefined ? {} : { admin_state_up: flag(body.admin_state_up) }),
    ...(body.extra_dhcp_opts === undefined
      ? {}
      : { extra_dhcp_opts: json(dhcpOptionsFor(port.extraDhcpOpts, body.extra_dhcp_opts)) }),
    ...(body['binding:profile'] === undefined ? {} : { profile: json(body['binding:profile'] ?? {}) }),
    mac_address: mac,
    device_owner: owner,
    device_id: deviceId,
    port_security_enabled: flag(filters.secure),
    allowed_address_pairs: json([...pairs]),
    vnic_type: vnicType,
    ...(rebinds ? { ...(await bindTo(q, host, vnicType)), status: 'DOWN' } : {}),
  }
  await putQos(q, ctx, tools, 'port', port.id, body.qos_policy_id)
  await revise(q, 'ports', port.id, clock.now(), set)
  // invariant: a port has one binding to a host.
  if (host !== port.hostId) await portBindingsDb.remove(q, port.id, host)
  if (body.security_groups !== undefined || filters.after.length !== filters.before.length)
    await portsDb.setGroups(q, port.id, filters.after)
  const along = rebinds ? await followParent(q, tools, port.id) : []
  const changed = (await portsDb.byId(q, port.id)) ?? port
  const left = moved === null ? null : (await allocationsDb.ofPort(q, port.id)).map(one => one.ip)
  const forwarding = left === null ? [] : await removeForwardings(q, tools, await forwardingsWithout(q, port.id, left))
  const addressesChanged = moved !== null && (moved.added.length > 0 || moved.removed.length > 0)
  const news: NovaNews[] = []
  if (addressesChanged && isCompute(changed.deviceOwner) && changed.deviceId !== '')
    news.push({ event: 'network-changed', serverId: changed.deviceId, portId: port.id })
  return {
    port: changed,
    along,
    routers: [...forwarding, ...(isRouterPort(owner) && deviceId !== '' ? [deviceId] : [])],
    news,
  }
}
