// One security group rule as the match of an nft rule on a bridge.
import { wordTable } from '#kernel/lib/word-table.ts'
import type { SecurityRuleState } from '#services/neutron/drivers/mechanism.ts'
import { prefixOf } from '#services/neutron/drivers/addresses.ts'
import { Unfit, cidr, family, whole } from '#services/neutron/drivers/checked.ts'
import { word } from '#services/neutron/drivers/names.ts'

/** Neutron's protocol names (neutron-lib `IP_PROTOCOL_MAP`) and their numbers. */
const PROTOCOLS: Readonly<Record<string, number>> = wordTable<number>({
  hopopt: 0,
  icmp: 1,
  igmp: 2,
  ipip: 4,
  tcp: 6,
  egp: 8,
  udp: 17,
  dccp: 33,
  'ipv6-encap': 41,
  'ipv6-route': 43,
  'ipv6-frag': 44,
  rsvp: 46,
  gre: 47,
  esp: 50,
  ah: 51,
  'ipv6-icmp': 58,
  icmpv6: 58,
  'ipv6-nonxt': 59,
  'ipv6-opts': 60,
  ospf: 89,
  vrrp: 112,
  pgm: 113,
  sctp: 132,
  udplite: 136,
})

/** Those that nft can match ports of. */
const WITH_PORTS: Readonly<Record<number, string>> = { 6: 'tcp', 17: 'udp', 33: 'dccp', 132: 'sctp', 136: 'udplite' }
/** IPv6 extension headers: they are never the last header, so they are looked for as the next one. */
const EXTENSION = new Set([0, 43, 44, 60])

/** The name of the nft set that holds an address set's members of one family. */
export const addressSetName = (setId: string, ethertype: 'IPv4' | 'IPv6'): string =>
  `m${ethertype === 'IPv4' ? 4 : 6}_${word(setId)}`

/**
 * The match part, ready for a verdict. Ingress rules match the source, egress rules the destination. Throws {@link Unfit} for
 * values the API should never have let through, so that the caller can leave this one rule out.
 */
export function ruleMatch(rule: SecurityRuleState): string {
  const v4 = rule.ethertype === 'IPv4'
  const parts = [`ether type ${v4 ? 'ip' : 'ip6'}`]
  const side = `${v4 ? 'ip' : 'ip6'} ${rule.direction === 'ingress' ? 'saddr' : 'daddr'}`
  if (rule.remote !== null && 'cidr' in rule.remote) {
    const remote = cidr(rule.remote.cidr)
    if (family(remote) !== (v4 ? 4 : 6)) throw new Unfit(`a remote prefix of an ${rule.ethertype} rule`, remote)
    if (prefixOf(remote) > 0) parts.push(`${side} ${remote}`)
  } else if (rule.remote !== null) {
    parts.push(`${side} @${addressSetName(rule.remote.addressSet, rule.ethertype)}`)
  }
  parts.push(...protocolMatch(rule, v4))
  return parts.join(' ')
}

function protocolMatch(rule: SecurityRuleState, v4: boolean): string[] {
  if (rule.protocol === null || rule.protocol === 'any') return []
  const named = Object.hasOwn(PROTOCOLS, rule.protocol) ? PROTOCOLS[rule.protocol] : undefined
  let number =
    named ?? whole(/^\d{1,3}$/.test(rule.protocol) ? Number(rule.protocol) : Number.NaN, 0, 255, 'a protocol')
  // compat: `icmp` in an IPv6 rule means ICMPv6, as Neutron has always read it.
  if (!v4 && number === 1) number = 58
  const { portMin, portMax } = rule
  if (number === 1 || number === 58) {
    const name = number === 1 ? 'icmp' : 'icmpv6'
    if (portMin === null) return [`meta l4proto ${number}`]
    const type = `${name} type ${whole(portMin, 0, 255, 'an ICMP type')}`
    return portMax === null ? [type] : [type, `${name} code ${whole(portMax, 0, 255, 'an ICMP code')}`]
  }
  const transport = WITH_PORTS[number]
  if (transport !== undefined && (portMin !== null || portMax !== null)) {
    const low = whole(portMin ?? portMax ?? 0, 0, 65_535, 'a port')
    const high = whole(portMax ?? low, low, 65_535, 'a port range')
    return [`${transport} dport ${low === high ? low : `${low}-${high}`}`]
  }
  return [!v4 && EXTENSION.has(number) ? `ip6 nexthdr ${number}` : `meta l4proto ${number}`]
}
