// The gate between tenants' words and programs: whatever goes into a command, a rule or a file passes here first.
import ipaddr from 'ipaddr.js'

/** A value that must not reach a program. The message is fit for an operator. */
export class Unfit extends Error {
  constructor(what: string, value: unknown) {
    super(`${what} is not usable: ${JSON.stringify(value)?.slice(0, 80)}`)
    this.name = 'Unfit'
  }
}

const ID = /^[0-9a-f]{8}-?[0-9a-f]{4}-?[0-9a-f]{4}-?[0-9a-f]{4}-?[0-9a-f]{12}$/
const MAC = /^[0-9a-f]{2}(:[0-9a-f]{2}){5}$/
const LABEL = /^[A-Za-z0-9]([A-Za-z0-9-]{0,61}[A-Za-z0-9])?$/

export function id(value: string): string {
  if (!ID.test(value)) throw new Unfit('an id', value)
  return value
}

export function mac(value: string): string {
  const lower = value.toLowerCase()
  if (!MAC.test(lower)) throw new Unfit('a MAC address', value)
  return lower
}

export function ip(value: string): string {
  if (ipaddr.IPv4.isValidFourPartDecimal(value)) return value
  if (value.includes('%') || !ipaddr.IPv6.isValid(value)) throw new Unfit('an IP address', value)
  return value.toLowerCase()
}

export const family = (value: string): 4 | 6 => (value.includes(':') ? 6 : 4)

/** An address or CIDR. */
export function cidr(value: string): string {
  const [address, prefix, more] = value.split('/')
  const good = ip(address ?? '')
  if (prefix === undefined) return good
  whole(/^\d{1,3}$/.test(prefix) ? Number(prefix) : Number.NaN, 0, family(good) === 4 ? 32 : 128, 'a prefix length')
  if (more !== undefined) throw new Unfit('a CIDR', value)
  return `${good}/${Number(prefix)}`
}

export function whole(value: number, least: number, most: number, what: string): number {
  if (!Number.isInteger(value) || value < least || value > most) throw new Unfit(what, value)
  return value
}

/** One DNS label. */
export function label(value: string): string {
  if (!LABEL.test(value)) throw new Unfit('a host name', value)
  return value
}

/** Labels with dots, at most 253 characters; a dot at the end is taken off. */
export function domain(value: string): string {
  const bare = value.replace(/\.$/, '')
  if (bare.length > 253) throw new Unfit('a domain name', value)
  bare.split('.').forEach(label)
  return bare
}

/** A DHCP option: a name or number of dnsmasq's, and a value of one line without separators that would begin another. */
export function dhcpOption(option: { readonly name: string; readonly value: string }): { name: string; value: string } {
  if (!/^([a-z0-9][a-z0-9-]{0,63})$/.test(option.name)) throw new Unfit('a DHCP option name', option.name)
  if (!/^[\x20-\x7e]{0,255}$/.test(option.value) || /["\\]/.test(option.value))
    throw new Unfit('a DHCP option value', option.value)
  return option
}

/** The sentence of what went wrong, whatever was thrown. */
export const reason = (error: unknown): string => (error instanceof Error ? error.message : String(error))
