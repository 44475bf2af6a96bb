import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { SecurityRuleState } from '#services/neutron/drivers/mechanism.ts'
import { ruleOf } from '#services/neutron/drivers/mechanism-samples.ts'
import { ruleMatch } from '#services/neutron/drivers/security-rule.ts'

const GROUP = '11111111-2222-4333-8444-555555555555'

test('rules as matches', () => {
  const table: [Partial<SecurityRuleState>, string][] = [
    [{}, 'ether type ip'],
    [{ direction: 'egress', ethertype: 'IPv6' }, 'ether type ip6'],
    [{ remote: { cidr: '0.0.0.0/0' } }, 'ether type ip'],
    [{ remote: { cidr: '10.0.0.0/24' } }, 'ether type ip ip saddr 10.0.0.0/24'],
    [{ direction: 'egress', remote: { cidr: '10.0.0.1' } }, 'ether type ip ip daddr 10.0.0.1'],
    [{ remote: { addressSet: GROUP } }, 'ether type ip ip saddr @m4_11111111_2222_4333_8444_555555555555'],
    [
      { ethertype: 'IPv6', direction: 'egress', remote: { addressSet: GROUP } },
      'ether type ip6 ip6 daddr @m6_11111111_2222_4333_8444_555555555555',
    ],
    [{ protocol: 'tcp' }, 'ether type ip meta l4proto 6'],
    [{ protocol: 'tcp', portMin: 22, portMax: 22 }, 'ether type ip tcp dport 22'],
    [{ protocol: '6', portMin: 1, portMax: 65535 }, 'ether type ip tcp dport 1-65535'],
    [{ protocol: 'udp', portMin: 53, portMax: null }, 'ether type ip udp dport 53'],
    [{ protocol: 'icmp' }, 'ether type ip meta l4proto 1'],
    [{ protocol: 'icmp', portMin: 8, portMax: 0 }, 'ether type ip icmp type 8 icmp code 0'],
    [{ protocol: 'icmp', portMin: 3 }, 'ether type ip icmp type 3'],
    [{ ethertype: 'IPv6', protocol: 'icmp', portMin: 128 }, 'ether type ip6 icmpv6 type 128'],
    [{ ethertype: 'IPv6', protocol: 'ipv6-icmp' }, 'ether type ip6 meta l4proto 58'],
    [{ ethertype: 'IPv6', protocol: 'ipv6-frag' }, 'ether type ip6 ip6 nexthdr 44'],
    [{ protocol: 'vrrp' }, 'ether type ip meta l4proto 112'],
    [{ protocol: '99' }, 'ether type ip meta l4proto 99'],
    [{ protocol: 'sctp', portMin: 5000, portMax: 5010 }, 'ether type ip sctp dport 5000-5010'],
    [{ protocol: 'any' }, 'ether type ip'],
  ]
  for (const [change, match] of table) assert.equal(ruleMatch(ruleOf(change)), match)
})

test('a rule that cannot be meant is refused', () => {
  for (const change of [
    { protocol: '256' },
    { protocol: 'tcp; accept' },
    { protocol: '__proto__' },
    { protocol: 'tcp', portMin: 10, portMax: 5 },
    { protocol: 'tcp', portMin: 1.5, portMax: 2 },
    { protocol: 'icmp', portMin: 256 },
    { remote: { cidr: 'fd00::/8' } },
    { remote: { cidr: '10.0.0.0/8 accept' } },
  ]) {
    assert.throws(() => ruleMatch(ruleOf(change)), /not usable/, JSON.stringify(change))
  }
})
