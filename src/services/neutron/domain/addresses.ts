// Addresses as numbers: parsing, printing, CIDRs, pools. Pure; both families with one arithmetic.
import ipaddr from 'ipaddr.js'

export type IpVersion = 4 | 6
export interface Ip {
  readonly version: IpVersion
  readonly value: bigint
}
export interface Cidr {
  readonly version: IpVersion
  /** The network's own address and the last one. */
  readonly first: bigint
  readonly last: bigint
  readonly prefix: number
  /** The address as written, host bits included. */
  readonly ip: bigint
}
export interface NumberRange {
  readonly first: bigint
  readonly last: bigint
}

const bitsOf = (version: IpVersion): number => (version === 4 ? 32 : 128)

/** Null for anything that is no address. */
export function parseIp(text: string): Ip | null {
  if (text.length > 45) return null
  if (!text.includes(':')) {
    if (!ipaddr.IPv4.isValidFourPartDecimal(text)) return null
    const [a = '0', b = '0', c = '0', d = '0'] = text.split('.')
    return { version: 4, value: BigInt(((Number(a) * 256 + Number(b)) * 256 + Number(c)) * 256 + Number(d)) }
  }
  if (text.includes('%') || !ipaddr.IPv6.isValid(text)) return null
  let value = 0n
  for (const part of ipaddr.IPv6.parse(text).parts) value = (value << 16n) | BigInt(part)
  return { version: 6, value }
}

export function formatIp(version: IpVersion, value: bigint): string {
  if (version === 4) {
    const number = Number(value)
    return [number >>> 24, (number >>> 16) & 255, (number >>> 8) & 255, number & 255].join('.')
  }
  const parts: number[] = []
  for (let shift = 112n; shift >= 0n; shift -= 16n) parts.push(Number((value >> shift) & 0xffffn))
  return new ipaddr.IPv6(parts).toString()
}

/** An address in its ordinary form; anything else as it is. */
export function canonicalIp(text: string): string {
  const parsed = parseIp(text)
  return parsed === null ? text : formatIp(parsed.version, parsed.value)
}

/** Hexadecimal digits of one length: text order is the order of addresses. */
export const keyOf = (version: IpVersion, value: bigint): string =>
  value.toString(16).padStart(bitsOf(version) / 4, '0')
export const fromKey = (key: string): bigint => BigInt(`0x${key}`)

/** `10.0.0.5/24` → its network; null for anything that is none. A missing prefix counts as a single address when `bare`. */
export function parseCidr(text: string, options: { bare?: boolean } = {}): Cidr | null {
  const slash = text.indexOf('/')
  const address = parseIp(slash < 0 ? text : text.slice(0, slash))
  if (address === null || (slash < 0 && options.bare !== true)) return null
  const bits = bitsOf(address.version)
  const tail = slash < 0 ? String(bits) : text.slice(slash + 1)
  if (!/^\d{1,3}$/.test(tail) || Number(tail) > bits) return null
  const prefix = Number(tail)
  const host = (1n << BigInt(bits - prefix)) - 1n
  const first = address.value & ~host
  return { version: address.version, first, last: first | host, prefix, ip: address.value }
}
export const formatCidr = (cidr: Pick<Cidr, 'version' | 'first' | 'prefix'>): string =>
  `${formatIp(cidr.version, cidr.first)}/${cidr.prefix}`

export const within = (cidr: Cidr, ip: Ip): boolean =>
  ip.version === cidr.version && ip.value >= cidr.first && ip.value <= cidr.last
export const overlap = (a: Cidr, b: Cidr): boolean => a.version === b.version && a.first <= b.last && b.first <= a.last

/** The addresses that guests may have: without the network's own and, in IPv4, the broadcast one. */
export function hostRange(cidr: Cidr): NumberRange {
  if (cidr.version === 4) return cidr.prefix <= 30 ? { first: cidr.first + 1n, last: cidr.last - 1n } : cidr
  return cidr.first === cidr.last ? cidr : { first: cidr.first + 1n, last: cidr.last }
}

/** Neutron's default pools: all host addresses but the gateway. */
export function defaultPools(cidr: Cidr, gateway: bigint | null): NumberRange[] {
  const { first, last } = hostRange(cidr)
  if (gateway === null || gateway < first || gateway > last) return [{ first, last }]
  const pools: NumberRange[] = []
  if (gateway > first) pools.push({ first, last: gateway - 1n })
  if (gateway < last) pools.push({ first: gateway + 1n, last })
  return pools
}

/** May a port of an ordinary owner have it? Not the network's own address, nor in IPv4 the broadcast one. */
export function usable(cidr: Cidr, ip: Ip, isRouterPort: boolean): boolean {
  if (!within(cidr, ip)) return false
  if (cidr.version === 4) return cidr.prefix > 30 || (ip.value !== cidr.first && ip.value !== cidr.last)
  // The first address of an IPv6 subnet is the subnet-router anycast address: a router may have it.
  return cidr.prefix >= 127 || ip.value !== cidr.first || isRouterPort
}

/** `xx:xx:xx:xx:xx:xx`, lower case; null for anything that is no hardware address. */
export function canonicalMac(text: string): string | null {
  const digits = text.replace(/[:.-]/g, '').toLowerCase()
  return /^[0-9a-f]{12}$/.test(digits) ? (digits.match(/../g) ?? []).join(':') : null
}

/** The address that a guest gives itself by SLAAC in a /64. */
export function eui64(cidr: Cidr, mac: string): bigint {
  const bytes = mac.split(':').map(part => parseInt(part, 16))
  const [a = 0, b = 0, c = 0, d = 0, e = 0, f = 0] = bytes
  let tail = 0n
  for (const byte of [a ^ 2, b, c, 0xff, 0xfe, d, e, f]) tail = (tail << 8n) | BigInt(byte)
  return cidr.first | tail
}
const MULTICAST4 = { first: 0xe0000000n, last: 0xefffffffn }
const LOOPBACK4 = { first: 0x7f000000n, last: 0x7fffffffn }
export const isMulticast = (cidr: Cidr): boolean =>
  cidr.version === 4 ? cidr.first >= MULTICAST4.first && cidr.last <= MULTICAST4.last : cidr.first >> 120n === 0xffn
export const isLoopback = (cidr: Cidr): boolean =>
  cidr.version === 4
    ? cidr.first >= LOOPBACK4.first && cidr.last <= LOOPBACK4.last
    : cidr.first === 1n && cidr.prefix === 128
