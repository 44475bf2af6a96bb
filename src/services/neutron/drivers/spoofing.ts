// Who a guest may claim to be: its own MAC and addresses, the address pairs it was allowed, and never a DHCP server or a router.
import type { PortState } from '#services/neutron/drivers/mechanism.ts'
import { disjoint, hex128, linkLocal } from '#services/neutron/drivers/addresses.ts'
import { cidr, family, ip, mac } from '#services/neutron/drivers/checked.ts'

/**
 * The rules of a port's first chain: what it sends is accepted or dropped here before anything learns from it. Follows Neutron's
 * iptables driver and its ARP protection; frames that are neither ARP, IPv4 nor IPv6 do not leave a filtered port.
 */
export function spoofRules(port: PortState): string[] {
  const claims = claimsOf(port)
  const rules: string[] = [
    `ether saddr != ${setOf([...claims.keys()])} counter drop`,
    // A guest is no DHCP server and no router, whatever its security groups say.
    'ether type ip udp sport 67 udp dport 68 counter drop',
    'ether type ip6 udp sport 547 udp dport 546 counter drop',
    'ether type ip6 icmpv6 type { 134, 137 } counter drop',
  ]
  for (const [address, { v4, v6 }] of claims) {
    const from = `ether saddr ${address}`
    // 0.0.0.0: a probe before use; it poisons nobody's table.
    rules.push(
      `ether type arp ${from} arp saddr ether ${address} arp saddr ip ${setOf(disjoint(['0.0.0.0', ...v4]))} accept`,
    )
    rules.push(`ether type ip ${from} ip saddr 0.0.0.0 udp sport 68 udp dport 67 accept`)
    if (v4.length > 0) rules.push(`ether type ip ${from} ip saddr ${setOf(disjoint(v4))} accept`)
    const six = [linkLocal(address), ...v6]
    // Duplicate address detection and multicast reports go out before there is an address.
    rules.push(`ether type ip6 ${from} ip6 saddr :: icmpv6 type { 131, 132, 135, 143 } accept`)
    const exact = six.filter(text => !text.includes('/'))
    const wide = six.length > exact.length
    // An advertisement must be about an address of the guest's own. A pair that is a whole prefix cannot be compared this way.
    if (!wide)
      rules.push(`ether type ip6 ${from} icmpv6 type 136 @th,64,128 != ${setOf(exact.map(hex128))} counter drop`)
    rules.push(`ether type ip6 ${from} ip6 saddr ${setOf(disjoint(six))} accept`)
  }
  rules.push('counter drop')
  return rules
}

/** What may be claimed, by MAC. */
function claimsOf(port: PortState): Map<string, { v4: string[]; v6: string[] }> {
  const claims = new Map<string, { v4: string[]; v6: string[] }>()
  const add = (address: string, what: string): void => {
    const own = claims.get(address) ?? { v4: [], v6: [] }
    own[family(what) === 4 ? 'v4' : 'v6'].push(what)
    claims.set(address, own)
  }
  const own = mac(port.mac)
  claims.set(own, { v4: [], v6: [] })
  for (const fixed of port.fixedIps) add(own, ip(fixed.ip))
  for (const pair of port.allowedAddressPairs) add(mac(pair.mac ?? own), cidr(pair.ip).replace(/\/(32|128)$/, exactly))
  return claims
}

/** `/32` of IPv4 and `/128` of IPv6 are single addresses; `/32` of IPv6 is not. */
function exactly(suffix: string, _bits: string, _at: number, whole: string): string {
  return suffix === '/128' || !whole.includes(':') ? '' : suffix
}

const setOf = (items: readonly string[]): string => `{ ${[...new Set(items)].join(', ')} }`
