// What a subnet may look like: CIDR, gateway, pools, DNS servers, routes, IPv6 modes. Pure; refusals in upstream's words.
import { faults } from '#services/neutron/contract/faults.ts'
import type { NeutronSettings } from '#services/neutron/config.ts'
import type { Range, Route } from '#services/neutron/db/tables.ts'
import {
  canonicalIp,
  defaultPools,
  formatCidr,
  formatIp,
  hostRange,
  isLoopback,
  isMulticast,
  parseCidr,
  parseIp,
  within,
  type Cidr,
  type NumberRange,
} from '#services/neutron/domain/addresses.ts'

const invalid = (says: string): never => {
  throw faults.InvalidInput({ error_message: says })
}
const bad = (reason: string): never => {
  throw faults.HTTPBadRequest({ reason })
}

/** `10.0.0.5/24` → 10.0.0.0/24. @throws InvalidInput, HTTPBadRequest */
export function cidrFor(text: string, version: 4 | 6): Cidr {
  const cidr = parseCidr(text)
  if (cidr === null) return bad(`Invalid input for cidr. Reason: '${text}' is not a valid IP subnet.`)
  if (cidr.version !== version) invalid(`cidr '${text}' does not match the ip_version '${version}'`)
  if (cidr.prefix === 0) invalid('0 is not allowed as CIDR prefix length')
  if (version === 6 && cidr.first === 0n) invalid("IPv6 subnet '::' is not supported")
  return cidr
}

/** What DHCP cannot serve. @throws InvalidInput */
export function checkDhcp(cidr: Cidr): void {
  if ((cidr.version === 4 && cidr.prefix > 30) || (cidr.version === 6 && cidr.prefix > 126))
    invalid('Subnet has a prefix length that is incompatible with DHCP service enabled')
  if (isMulticast(cidr)) invalid('Multicast IP subnet is not supported if enable_dhcp is True')
  if (isLoopback(cidr)) invalid('Loopback IP subnet is not supported if enable_dhcp is True')
  if (cidr.version === 4 && cidr.first === 0n)
    invalid("First IP '0.0.0.0' of network is not supported if enable_dhcp is True.")
}

/** The gateway asked for, the first host address when nothing is said, none for null. @throws InvalidInput */
export function gatewayFor(cidr: Cidr, asked: string | null | undefined): string | null {
  if (asked === null) return null
  if (asked === undefined) {
    const { first } = hostRange(cidr)
    return formatIp(cidr.version, cidr.version === 6 && cidr.prefix < 127 ? cidr.first + 1n : first)
  }
  const ip = parseIp(asked)
  if (ip === null || ip.version !== cidr.version)
    return invalid(`gateway_ip '${asked}' does not match the ip_version '${cidr.version}'`)
  if (
    cidr.version === 4 &&
    cidr.prefix <= 30 &&
    within(cidr, ip) &&
    (ip.value === cidr.first || ip.value === cidr.last)
  )
    invalid('Gateway is not valid on subnet')
  return canonicalIp(asked)
}

const shown = (version: 4 | 6, range: NumberRange): string =>
  `${formatIp(version, range.first)}-${formatIp(version, range.last)}`

/** @throws InvalidAllocationPool, OutOfBoundsAllocationPool, OverlappingAllocationPools, GatewayConflictWithAllocationPools */
export function poolsFor(cidr: Cidr, gateway: string | null, asked: readonly Range[] | undefined): Range[] {
  const gatewayIp = gateway === null ? null : parseIp(gateway)
  const ranges =
    asked === undefined
      ? defaultPools(cidr, gatewayIp === null || !within(cidr, gatewayIp) ? null : gatewayIp.value)
      : asked.map(pool => rangeOf(pool, cidr))
  const { first, last } = hostRange(cidr)
  for (const range of ranges)
    if (range.first < first || range.last > last)
      throw faults.OutOfBoundsAllocationPool({ pool: shown(cidr.version, range), subnet_cidr: formatCidr(cidr) })
  for (const [index, one] of ranges.entries())
    for (const other of ranges.slice(index + 1))
      if (one.first <= other.last && other.first <= one.last)
        throw faults.OverlappingAllocationPools({
          pool_1: shown(cidr.version, one),
          pool_2: shown(cidr.version, other),
          subnet_cidr: formatCidr(cidr),
        })
  const pools = ranges.map(range => ({
    start: formatIp(cidr.version, range.first),
    end: formatIp(cidr.version, range.last),
  }))
  if (asked !== undefined) checkGateway(gateway, pools)
  return pools
}
/** @throws GatewayConflictWithAllocationPools when guests could be given the gateway's address. */
export function checkGateway(gateway: string | null, pools: readonly Range[]): void {
  const ip = gateway === null ? null : parseIp(gateway)
  if (ip === null) return
  for (const pool of pools) {
    const start = parseIp(pool.start)
    const end = parseIp(pool.end)
    if (
      start !== null &&
      end !== null &&
      start.version === ip.version &&
      ip.value >= start.value &&
      ip.value <= end.value
    )
      throw faults.GatewayConflictWithAllocationPools({ pool: `${pool.start}-${pool.end}`, ip_address: gateway ?? '' })
  }
}
function rangeOf(pool: Range, cidr: Cidr): NumberRange {
  const start = parseIp(pool.start)
  const end = parseIp(pool.end)
  if (
    start === null ||
    end === null ||
    start.version !== cidr.version ||
    end.version !== cidr.version ||
    start.value > end.value
  )
    throw faults.InvalidAllocationPool({ pool: `{'start': '${pool.start}', 'end': '${pool.end}'}` })
  return { first: start.value, last: end.value }
}

/** @throws InvalidInput, DNSNameServersExhausted, HTTPBadRequest */
export function nameserversFor(
  version: 4 | 6,
  asked: readonly string[],
  settings: NeutronSettings,
  subnetId: string,
): string[] {
  const seen = new Set<string>()
  for (const host of asked) {
    if (parseIp(host) === null)
      bad(
        `Invalid input for dns_nameservers. Reason: '${host}' is not a valid nameserver. '${host}' is not a valid IP address.`,
      )
    if (seen.has(host)) bad(`Invalid input for dns_nameservers. Reason: Duplicate nameserver '${host}'.`)
    seen.add(host)
  }
  if (asked.length > settings.maxDnsNameservers)
    throw faults.DNSNameServersExhausted({ subnet_id: subnetId, quota: settings.maxDnsNameservers })
  for (const host of asked)
    if (parseIp(host)?.version !== version)
      invalid(`dns_nameserver '${host}' does not match the ip_version '${version}'`)
  return asked.map(canonicalIp)
}

/** Routes that are told to guests or routers: real CIDRs, each once. @throws HTTPBadRequest */
export function checkedRoutes(attribute: string, asked: readonly Route[]): Route[] {
  const seen = new Set<string>()
  return asked.map(route => {
    const cidr = parseCidr(route.destination)
    if (cidr === null || cidr.ip !== cidr.first)
      return bad(`Invalid input for ${attribute}. Reason: '${route.destination}' is not a valid CIDR.`)
    if (isLoopback(cidr)) bad(`Invalid input for ${attribute}. Reason: '${route.destination}' is not a routable CIDR.`)
    const made = { destination: formatCidr(cidr), nexthop: canonicalIp(route.nexthop) }
    const key = `${made.destination} ${made.nexthop}`
    if (seen.has(key))
      bad(
        `Invalid input for ${attribute}. Reason: Duplicate hostroute '{'destination': '${route.destination}', 'nexthop': '${route.nexthop}'}'.`,
      )
    seen.add(key)
    return made
  })
}
/** @throws HostRoutesExhausted, InvalidInput, HTTPBadRequest */
export function hostRoutesFor(
  version: 4 | 6,
  asked: readonly Route[],
  settings: NeutronSettings,
  subnetId: string,
): Route[] {
  const routes = checkedRoutes('host_routes', asked)
  if (routes.length > settings.maxSubnetHostRoutes)
    throw faults.HostRoutesExhausted({ subnet_id: subnetId, quota: settings.maxSubnetHostRoutes })
  for (const route of routes)
    for (const [name, text] of [
      ['destination', route.destination],
      ['nexthop', route.nexthop],
    ] as const)
      if ((parseCidr(text, { bare: true })?.version ?? 0) !== version)
        invalid(`${name} '${text}' does not match the ip_version '${version}'`)
  return routes
}

interface Modes {
  readonly ra: string | null
  readonly address: string | null
}
/** @throws InvalidInput for modes that fit neither each other, nor the family, nor the prefix. */
export function checkModes(cidr: Cidr, modes: Modes, enableDhcp: boolean): void {
  if (cidr.version === 4) {
    if (modes.ra !== null) invalid('ipv6_ra_mode is not valid when ip_version is 4')
    if (modes.address !== null) invalid('ipv6_address_mode is not valid when ip_version is 4')
    return
  }
  if ((modes.ra !== null || modes.address !== null) && !enableDhcp)
    invalid('ipv6_ra_mode or ipv6_address_mode cannot be set when enable_dhcp is set to False')
  if (modes.ra !== null && modes.address !== null && modes.ra !== modes.address)
    invalid(
      `ipv6_ra_mode set to '${modes.ra}' with ipv6_address_mode set to '${modes.address}' is not valid. If both attributes are set, they must be the same value`,
    )
  const automatic = (mode: string | null): boolean => mode === 'slaac' || mode === 'dhcpv6-stateless'
  if ((automatic(modes.ra) || automatic(modes.address)) && cidr.prefix !== 64)
    invalid(
      `Invalid CIDR ${formatCidr(cidr)} for IPv6 address mode. OpenStack uses the EUI-64 address format, which requires the prefix to be /64`,
    )
}

/** Owners that a subnet may be kept for: those of Neutron's kinds. @throws InvalidSubnetServiceType */
export function checkServiceTypes(types: readonly string[]): void {
  const unknown = types.find(type => !/^(network|compute|baremetal|trunk)(:|$)/.test(type))
  if (unknown !== undefined) throw faults.InvalidSubnetServiceType({ service_type: unknown })
}
