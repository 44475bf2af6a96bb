// One network's DHCP server: the namespace it stands in, its command line and the two files it reads again on a signal.
import type { NetworkState, PortState, Reservation, SubnetState } from '#services/neutron/drivers/mechanism.ts'
import { contains, netmask, networkAddress, prefixOf } from '#services/neutron/drivers/addresses.ts'
import { cidr, dhcpOption, domain, family, id, ip, label, mac, whole } from '#services/neutron/drivers/checked.ts'
import { serverFolder, type DnsmasqPlan } from '#services/neutron/drivers/dnsmasq-plan.ts'
import { dhcpNamespace, dhcpPair } from '#services/neutron/drivers/names.ts'
import type { NamespacePlan, RoutePlan } from '#services/neutron/drivers/namespace-plan.ts'
import { METADATA_IP } from '#services/neutron/drivers/router-plan.ts'

/** The link-local address that serves metadata to IPv6-only guests. */
export const METADATA_IP6 = 'fe80::a9fe:a9fe'
const LEASE_SECONDS = 86_400
const DEFAULT_DOMAIN = 'openstacklocal'

/** Addresses of the server and of metadata. Without a DHCP port there is nothing. */
export function dhcpNamespacePlan(network: NetworkState): NamespacePlan | null {
  const port = network.dhcpPort
  if (port === undefined) return null
  const [device] = dhcpPair(port.id)
  const own = port.ips.flatMap(address => {
    const subnet = network.subnets.find(one => one.id === address.subnetId)
    return subnet === undefined ? [] : [`${ip(address.ip)}/${prefixOf(cidr(subnet.cidr))}`]
  })
  const routes: RoutePlan[] = []
  const served = new Set(port.ips.map(address => address.subnetId))
  for (const subnet of network.subnets) {
    // Guests of a subnet without DHCP still ask for metadata; the answer must find them.
    if (!served.has(subnet.id)) routes.push({ destination: cidr(subnet.cidr), via: null, device })
  }
  for (const version of [4, 6] as const) {
    const gateway = network.subnets.find(subnet => subnet.ipVersion === version && subnet.gatewayIp !== null)?.gatewayIp
    if (gateway !== null && gateway !== undefined && own.some(address => family(address) === version)) {
      routes.push({ destination: 'default', via: ip(gateway), device })
    }
  }
  return {
    devices: new Map([[device, [...own, `${METADATA_IP}/32`, `${METADATA_IP6}/64`]]]),
    routes,
    switches: [],
    tables: [],
    announce: new Map(),
  }
}

const served = (network: NetworkState): SubnetState[] =>
  network.subnets.filter(
    subnet =>
      subnet.dhcp &&
      (subnet.ipVersion === 4 ||
        subnet.ipv6AddressMode === 'dhcpv6-stateful' ||
        subnet.ipv6AddressMode === 'dhcpv6-stateless'),
  )

/**
 * The server of a network, or null when no subnet wants one. `ports` are the network's ports on this host. A port whose values cannot be
 * used is reported to `bad` and left out; the others are served.
 */
export function dhcpPlan(
  network: NetworkState,
  ports: readonly PortState[],
  asUser: string,
  bad: (portId: string, why: unknown) => void,
): DnsmasqPlan | null {
  const subnets = served(network)
  if (network.dhcpPort === undefined || !network.adminUp || subnets.length === 0) return null
  const key = `dhcp/${id(network.id)}`
  const folder = serverFolder(key)
  const suffix = domain(
    network.dnsDomain === undefined || network.dnsDomain === '' ? DEFAULT_DOMAIN : network.dnsDomain,
  )
  const hosts: string[] = []
  const options = subnets.flatMap(subnet => subnetOptions(network, subnet))
  const leasable = new Set<string>()
  for (const port of [...ports, ...(network.reservations ?? [])]) {
    try {
      const rows = reservationRows(port, subnets, suffix)
      hosts.push(...rows.hosts)
      options.push(...rows.options)
      for (const fixed of port.fixedIps) leasable.add(`${mac(port.mac)} ${ip(fixed.ip)}`)
    } catch (error) {
      bad(port.id, error)
    }
  }
  const argv = [
    'dnsmasq',
    '--keep-in-foreground',
    '--log-facility=-',
    '--conf-file=/dev/null',
    '--pid-file=',
    '--no-hosts',
    '--no-resolv',
    // It would ask the network for three seconds before the first offer; Neutron has already given the address to one port only.
    '--no-ping',
    '--quiet-dhcp',
    '--quiet-dhcp6',
    '--bind-interfaces',
    '--except-interface=lo',
    `--interface=${dhcpPair(network.dhcpPort.id)[0]}`,
    `--user=${asUser}`,
    `--group=${asUser === 'root' ? '' : 'nogroup'}`,
    `--domain=${suffix}`,
    '--dhcp-authoritative',
    '--dhcp-lease-max=16384',
    `--dhcp-leasefile=${folder}/leases`,
    `--dhcp-hostsfile=${folder}/hosts`,
    `--dhcp-optsfile=${folder}/options`,
    `--dhcp-option-force=option:mtu,${whole(network.mtu, 68, 65_535, 'an MTU')}`,
    ...subnets.map(rangeOf),
  ]
  return { key, namespace: dhcpNamespace(network.id), argv, hosts: text(hosts), options: text(options), leasable }
}

const text = (lines: readonly string[]): string => lines.map(line => `${line}\n`).join('')
const tagOf = (subnet: SubnetState): string => `subnet-${id(subnet.id)}`

function rangeOf(subnet: SubnetState): string {
  const range = cidr(subnet.cidr)
  if (subnet.ipVersion === 4) {
    return `--dhcp-range=set:${tagOf(subnet)},${networkAddress(range)},static,${netmask(prefixOf(range))},${LEASE_SECONDS}s`
  }
  const address = range.split('/')[0] ?? ''
  if (subnet.ipv6AddressMode === 'dhcpv6-stateless')
    return `--dhcp-range=set:${tagOf(subnet)},${address},static,${prefixOf(range)}`
  // dnsmasq serves DHCPv6 for prefixes of 64 and longer only.
  return `--dhcp-range=set:${tagOf(subnet)},${address},static,${Math.max(64, prefixOf(range))},${LEASE_SECONDS}s`
}

/** Options of everyone on a subnet. Option 121 carries metadata's route; a client that takes it ignores option 3, so it names the gateway too. */
function subnetOptions(network: NetworkState, subnet: SubnetState): string[] {
  const tag = `tag:${tagOf(subnet)}`
  const own = network.dhcpPort?.ips.find(address => address.subnetId === subnet.id)?.ip
  const servers = subnet.dnsServers.map(ip).filter(server => family(server) === subnet.ipVersion)
  if (subnet.ipVersion === 6) {
    const names = servers.length > 0 ? servers : own === undefined ? [] : [ip(own)]
    return names.length === 0 ? [] : [`${tag},option6:dns-server,${names.map(name => `[${name}]`).join(',')}`]
  }
  // compat: a server 0.0.0.0 means "offer none", as Neutron reads it.
  const none = servers.includes('0.0.0.0')
  const names = none ? [] : servers.length > 0 ? servers : own === undefined ? [] : [ip(own)]
  const routes: string[] = []
  if (own !== undefined) routes.push(`${METADATA_IP}/32,${ip(own)}`)
  for (const route of subnet.hostRoutes) routes.push(`${cidr(route.destination)},${ip(route.nexthop)}`)
  for (const other of network.subnets) {
    if (other.id !== subnet.id && other.ipVersion === 4) routes.push(`${cidr(other.cidr)},0.0.0.0`)
  }
  const gateway = subnet.gatewayIp === null ? null : ip(subnet.gatewayIp)
  if (gateway !== null && !subnet.hostRoutes.some(route => route.destination === '0.0.0.0/0'))
    routes.push(`0.0.0.0/0,${gateway}`)
  return [
    `${tag},option:dns-server${names.length === 0 ? '' : `,${names.join(',')}`}`,
    ...(routes.length === 0
      ? []
      : [`${tag},option:classless-static-route,${routes.join(',')}`, `${tag},249,${routes.join(',')}`]),
    `${tag},option:router${gateway === null ? '' : `,${gateway}`}`,
  ]
}

function reservationRows(
  port: Reservation,
  subnets: readonly SubnetState[],
  suffix: string,
): { hosts: string[]; options: string[] } {
  const hosts: string[] = []
  const extras = port.extraDhcpOpts ?? []
  const tag = extras.length === 0 ? '' : `set:port-${id(port.id)},`
  for (const fixed of port.fixedIps) {
    const subnet = subnets.find(one => one.id === fixed.subnetId && contains(one.cidr, ip(fixed.ip)))
    if (subnet === undefined || subnet.ipv6AddressMode === 'dhcpv6-stateless') continue
    const address = ip(fixed.ip)
    const name =
      port.hostname === undefined || port.hostname === ''
        ? `host-${address.replaceAll(/[.:]/g, '-')}`
        : label(port.hostname)
    const shown = subnet.ipVersion === 6 ? `[${address}]` : address
    hosts.push(`${mac(port.mac)},${tag}${name.replace(/-$/, '-0')}.${suffix},${shown}`)
  }
  const options = extras.map(dhcpOption).map(({ name, value }, index) => {
    const kind = extras[index]?.ipVersion === 6 ? 'option6' : 'option'
    return `tag:port-${id(port.id)},${/^\d+$/.test(name) && kind === 'option' ? name : `${kind}:${name}`},${value}`
  })
  return { hosts, options: hosts.length === 0 ? [] : options }
}
