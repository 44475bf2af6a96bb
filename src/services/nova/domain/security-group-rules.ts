// A security group's rule as Nova's old API takes it: what makes sense, and what Neutron is asked for.
import { formats } from '#kernel/http/formats.ts'
import { faults } from '#services/nova/contract/faults.ts'

/** As clients wrote it; numbers may be texts. */
export interface OldRule {
  readonly groupId: string | null
  readonly cidr: unknown
  readonly protocol: unknown
  readonly from: unknown
  readonly to: unknown
}
export interface NewRule {
  readonly groupId: string | null
  readonly cidr: string | null
  readonly protocol: string | null
  readonly from: number | null
  readonly to: number | null
}
const bad = (reason: string): never => {
  throw faults.BadRequest({ reason })
}
const EVERYWHERE = '0.0.0.0/0'

/** A range as the old API reads it: nothing is everywhere. Throws 400. */
export function rangeOf(given: unknown): string {
  if (given === undefined || given === null || given === '') return EVERYWHERE
  let text = typeof given === 'string' ? given : JSON.stringify(given)
  try {
    text = decodeURIComponent(text)
  } catch {
    bad(`${text} is not a valid IP network.`)
  }
  if (!text.includes('/') || formats['cidr']?.(text) !== true) bad(`${text} is not a valid IP network.`)
  return text
}

/** Throws 400 in upstream's words for what is no rule. */
export function checkedRule(given: OldRule): NewRule {
  const cidr = given.groupId === null ? rangeOf(given.cidr) : null
  const protocol = given.protocol === undefined || given.protocol === null ? '' : `${given.protocol as string}`
  const upper = protocol.toUpperCase()
  let [from, to] = [given.from ?? null, given.to ?? null]
  if (given.groupId !== null && from === null && to === null) {
    // A group alone opens everything of the protocol.
    if (upper === 'ICMP') [from, to] = [-1, -1]
    else if (upper === 'TCP' || upper === 'UDP') [from, to] = [1, 65_535]
  }
  if (protocol === '' || from === null || to === null) {
    if (cidr !== null) bad('Not enough parameters to build a valid rule.')
    return { groupId: given.groupId, cidr: null, protocol: null, from: null, to: null }
  }
  const [low, high] = [integer(from, upper), integer(to, upper)]
  if (!['TCP', 'UDP', 'ICMP'].includes(upper)) bad(`Invalid IP protocol ${protocol}.`)
  const range = (says: string): never => bad(`Invalid port range ${low}:${high}. ${says}`)
  if (upper === 'ICMP') {
    if ([low, high].some(code => code < -1 || code > 255)) range('For ICMP, the type:code must be valid')
  } else {
    if (low > high) range('Former value cannot be greater than the later')
    if (low < 1 || high > 65_535) range(`Valid ${upper} ports should be between 1-65535`)
  }
  if (cidr !== null && cidr.endsWith('/0') && cidr !== EVERYWHERE && cidr !== '::/0')
    bad(`Bad prefix for network in cidr ${cidr}`)
  return { groupId: given.groupId, cidr, protocol, from: low, to: high }
}
function integer(value: unknown, protocol: string): number {
  if (typeof value === 'number' && Number.isFinite(value)) return Math.trunc(value)
  if (typeof value === 'string' && /^\s*[+-]?\d{1,9}\s*$/.test(value)) return Number(value)
  return bad(
    `Invalid input received: ${protocol === 'ICMP' ? 'Type and Code must be integers for ICMP protocol type' : 'To and From ports must be integers'}`,
  )
}
