// The formats that contracts may name, checked by code of ours rather than by patterns.
import ipaddr from 'ipaddr.js'

const UUID = /^[0-9a-f]{8}-?[0-9a-f]{4}-?[0-9a-f]{4}-?[0-9a-f]{4}-?[0-9a-f]{12}$/i
const MAC = /^([0-9a-f]{2}[:-]){5}[0-9a-f]{2}$/i
const DATE = /^(\d{4})-(\d{2})-(\d{2})([T ](\d{2}):(\d{2})(:(\d{2})(\.\d{1,9})?)?(Z|[+-]\d{2}:?\d{2})?)?$/
const isIpv4 = (value: string): boolean => ipaddr.IPv4.isValidFourPartDecimal(value)
const isIpv6 = (value: string): boolean => !value.includes('%') && ipaddr.IPv6.isValid(value)

function isCidr(value: string): boolean {
  const slash = value.indexOf('/')
  if (slash < 0) return false
  const bits = value.slice(slash + 1)
  if (!/^\d{1,3}$/.test(bits)) return false
  const address = value.slice(0, slash)
  return (isIpv4(address) && Number(bits) <= 32) || (isIpv6(address) && Number(bits) <= 128)
}

/** Python's str.isprintable as far as names need it: no control, format-less or unassigned separators. */
const isPrintable = (value: string): boolean => !/[\p{Cc}\p{Cs}\p{Co}\p{Cn}\p{Zl}\p{Zp}]/u.test(value)

/** Format name → test. Handed to Ajv by kernel/http/validation.ts. */
export const formats: Readonly<Record<string, (value: string) => boolean>> = {
  uuid: value => UUID.test(value),
  'date-time': value => DATE.test(value) && !Number.isNaN(Date.parse(value.replace(' ', 'T'))),
  ipv4: isIpv4,
  ipv6: isIpv6,
  ip: value => isIpv4(value) || isIpv6(value),
  cidr: isCidr,
  'mac-address': value => MAC.test(value),
  base64: value => value.length % 4 === 0 && /^[A-Za-z0-9+/]*={0,2}$/.test(value),
  uri: value => URL.canParse(value),
  /** Nova's and Cinder's name: printable, no blanks around, not empty. */
  name: value => value.trim() !== '' && value.trim() === value && isPrintable(value),
  /** The same with blanks around allowed (they are stripped). */
  name_with_leading_trailing_spaces: value => value.trim() !== '' && isPrintable(value),
  email: value => /^[^@\s]+@[^@\s]+$/.test(value),
}
