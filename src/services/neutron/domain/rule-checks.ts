// Security group rules before they are written: protocols, port ranges, prefixes; what is odd is refused in upstream's words.
import { wordTable } from '#kernel/lib/word-table.ts'
import { faults } from '#services/neutron/contract/faults.ts'
import { formatCidr, formatIp, parseCidr } from '#services/neutron/domain/addresses.ts'

/** Names Neutron knows, with their numbers. */
const PROTOCOLS: Readonly<Record<string, number>> = wordTable<number>({
  ah: 51,
  dccp: 33,
  egp: 8,
  esp: 50,
  gre: 47,
  hopopt: 0,
  icmp: 1,
  igmp: 2,
  ip: 0,
  ipip: 4,
  'ipv6-encap': 41,
  'ipv6-frag': 44,
  'ipv6-icmp': 58,
  icmpv6: 58,
  'ipv6-nonxt': 59,
  'ipv6-opts': 60,
  'ipv6-route': 43,
  ospf: 89,
  pgm: 113,
  rsvp: 46,
  sctp: 132,
  tcp: 6,
  udp: 17,
  udplite: 136,
  vrrp: 112,
})
const SHOWN = `(None, 'any', ${Object.keys(PROTOCOLS)
  .map(name => `'${name}'`)
  .join(', ')})`
const WITH_PORTS: ReadonlySet<number> = new Set([33, 132, 6, 17, 136])
const WITH_PORTS_SHOWN = 'DCCP, SCTP, TCP, UDP, UDPLITE'
const ICMP: ReadonlySet<number> = new Set([1, 58])
const ONLY_IPV6: ReadonlySet<string> = new Set([
  'ipv6-encap',
  'ipv6-frag',
  'ipv6-icmp',
  'icmpv6',
  'ipv6-nonxt',
  'ipv6-opts',
  'ipv6-route',
  '41',
  '44',
  '58',
  '59',
  '60',
  '43',
])

/** The columns of a rule that make it one. */
export interface RuleFacts {
  readonly direction: string
  readonly ethertype: 'IPv4' | 'IPv6'
  readonly protocol: string | null
  readonly port_range_min: number | null
  readonly port_range_max: number | null
  readonly remote_ip_prefix: string | null
  readonly normalized_cidr: string | null
  readonly remote_group_id: string | null
  readonly remote_address_group_id: string | null
}
/** A rule as it was asked for. */
export interface AskedRule {
  readonly direction: string
  readonly ethertype: string
  readonly protocol: string | number | null
  readonly port_range_min: string | number | null
  readonly port_range_max: string | number | null
  readonly remote_ip_prefix: string | null
  readonly remote_group_id: string | null
  readonly remote_address_group_id: string | null
}

function protocolOf(asked: string | number | null): string | null {
  if (asked === null || asked === 'any') return null
  const text = String(asked).toLowerCase()
  if (/^\d{1,3}$/.test(text) && Number(text) <= 255) return String(Number(text))
  if (Object.hasOwn(PROTOCOLS, text)) return text
  throw faults.SecurityGroupRuleInvalidProtocol({ protocol: asked, values: SHOWN })
}
function portOf(asked: string | number | null): number | null {
  if (asked === null) return null
  const text = String(asked)
  if (!/^\d{1,5}$/.test(text) || Number(text) > 65_535) throw faults.SecurityGroupInvalidPortValue({ port: asked })
  return Number(text)
}
const numberOf = (protocol: string): number => PROTOCOLS[protocol] ?? Number(protocol)

function checkPorts(protocol: string | null, min: number | null, max: number | null): void {
  if (min === null && max === null) return
  if (protocol === null) throw faults.SecurityGroupProtocolRequiredWithPorts()
  const number = numberOf(protocol)
  if (WITH_PORTS.has(number)) {
    if (min === 0 || max === 0) throw faults.SecurityGroupInvalidPortValue({ port: 0 })
    if (min === null || max === null || min > max) throw faults.SecurityGroupInvalidPortRange()
  } else if (ICMP.has(number)) {
    for (const [attr, field, value] of [
      ['port_range_min', 'type', min],
      ['port_range_max', 'code', max],
    ] as const)
      if (value !== null && value > 255) throw faults.SecurityGroupInvalidIcmpValue({ field, attr, value })
    if (min === null && max !== null) throw faults.SecurityGroupMissingIcmpType({ value: max })
  } else throw faults.SecurityGroupInvalidProtocolForPort({ protocol: number, valid_port_protocols: WITH_PORTS_SHOWN })
}

/** Checks and normalises. @throws the faults of SecurityGroup* and InvalidCIDR */
export function checkedRule(asked: AskedRule): RuleFacts {
  const ethertype =
    asked.ethertype.toLowerCase() === 'ipv4' ? 'IPv4' : asked.ethertype.toLowerCase() === 'ipv6' ? 'IPv6' : null
  if (ethertype === null)
    throw faults.SecurityGroupRuleInvalidEtherType({ ethertype: asked.ethertype, values: "['IPv4', 'IPv6']" })
  let protocol = protocolOf(asked.protocol)
  let min = portOf(asked.port_range_min)
  let max = portOf(asked.port_range_max)
  const prefix = asked.remote_ip_prefix === '' ? null : asked.remote_ip_prefix
  const cidr = prefix === null ? null : parseCidr(prefix, { bare: true })
  if (prefix !== null && cidr === null) throw faults.InvalidCIDR({ input: prefix })
  // compat: older clients say icmp for the ICMP of IPv6
  if (ethertype === 'IPv6' && (protocol === 'icmp' || protocol === 'icmpv6')) protocol = 'ipv6-icmp'
  if (ethertype === 'IPv6' && protocol === '1') protocol = '58'
  if (min === 1 && max === 65_535) min = max = null
  checkPorts(protocol, min, max)
  if (cidr !== null && (cidr.version === 4) !== (ethertype === 'IPv4'))
    throw faults.SecurityGroupRuleParameterConflict({ ethertype, cidr: prefix ?? '' })
  if (ethertype === 'IPv4' && protocol !== null && ONLY_IPV6.has(protocol))
    throw faults.SecurityGroupEthertypeConflictWithProtocol({ ethertype, protocol })
  const remotes = [prefix, asked.remote_group_id, asked.remote_address_group_id]
  if (remotes.filter(one => one !== null && one !== '').length > 1) throw faults.SecurityGroupMultipleRemoteEntites()
  return {
    direction: asked.direction,
    ethertype,
    protocol,
    port_range_min: min,
    port_range_max: max,
    remote_ip_prefix: cidr === null ? null : `${formatIp(cidr.version, cidr.ip)}/${cidr.prefix}`,
    normalized_cidr: cidr === null ? null : formatCidr(cidr),
    remote_group_id: asked.remote_group_id === '' ? null : asked.remote_group_id,
    remote_address_group_id: asked.remote_address_group_id === '' ? null : asked.remote_address_group_id,
  }
}

/** Two rules with the same text let the same packets through. */
export function fingerprintOf(rule: RuleFacts): string {
  const prefix =
    rule.remote_ip_prefix === '0.0.0.0/0' || rule.remote_ip_prefix === '::/0' ? null : rule.remote_ip_prefix
  return [
    rule.direction,
    rule.ethertype,
    rule.port_range_max,
    rule.port_range_min,
    rule.protocol === null ? null : numberOf(rule.protocol),
    rule.remote_group_id,
    prefix,
    // Not there in rules of older clouds: their text stays as it was.
    ...(rule.remote_address_group_id === null ? [] : [rule.remote_address_group_id]),
  ]
    .map(value => (value === null ? '+' : String(value)))
    .join('_')
}
