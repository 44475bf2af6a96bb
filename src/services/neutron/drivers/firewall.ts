// Security groups and anti-spoofing as one nft table on the fabric's bridges: every filtered port has three chains, and what no
// rule lets through is dropped. How a reply is recognised differs between kernels (see `Replies`); the rules do not.
import type { HostNetworkState, PortState, SecurityGroupState } from '#services/neutron/drivers/mechanism.ts'
import { cidr, family, id, reason } from '#services/neutron/drivers/checked.ts'
import { disjoint } from '#services/neutron/drivers/addresses.ts'
import { bridgeName, chainWord, portDevice } from '#services/neutron/drivers/names.ts'
import type { Ruleset } from '#services/neutron/drivers/ruleset.ts'
import { markingOf } from '#services/neutron/drivers/marking.ts'
import { addressSetName, ruleMatch } from '#services/neutron/drivers/security-rule.ts'
import { bridgePorts } from '#services/neutron/drivers/wiring.ts'
import { spoofRules } from '#services/neutron/drivers/spoofing.ts'

/**
 * How replies are known. `netfilter`: br_netfilter takes bridged packets through the inet hooks, where connection tracking leaves its
 * verdict in the packet's mark. `bridge`: connection tracking works on bridges itself. `reflexive`: none; each allowed packet
 * remembers the reverse of itself for a while.
 */
export type Replies = 'netfilter' | 'bridge' | 'reflexive'

/** The tables of a state, and what had to be left out of them. */
export interface Firewall {
  readonly tables: readonly Ruleset[]
  /** Per port why it is closed altogether. */
  readonly failed: ReadonlyMap<string, string>
  /** Rules that were left out, by id, with the reason; their ports work otherwise. */
  readonly skippedRules: ReadonlyMap<string, string>
  /** Per filtered port the digest of its chains. */
  readonly digests: Readonly<Record<string, string>>
}

export const TABLE = 'koto'
const REPLY = '0x1'
const INVALID = '0x2'
/** Devices of guests: one that no port names is shut. */
const NOBODY = ['"tap*"', '"sp-*"']
type Chain = { readonly hook?: string; readonly rules: readonly string[] }

/** `zones`: a number per network, so that equal addresses on two networks are two connections. `closed`: ports nft refused. */
export function firewallOf(
  state: HostNetworkState,
  replies: Replies,
  zones: ReadonlyMap<string, number>,
  closed: ReadonlyMap<string, string> = new Map(),
): Firewall {
  const failed = new Map<string, string>(closed)
  const skippedRules = new Map<string, string>()
  const digests: Record<string, string> = {}
  const groups = new Map(state.securityGroups.map(group => [group.id, group]))
  const matches = groupMatches(state.securityGroups, skippedRules)
  const chains = new Map<string, Chain>(baseChains(replies))
  const [spoof, egress, ingress] = [new Map<string, string>(), new Map<string, string>(), new Map<string, string>()]

  for (const port of state.ports) {
    const tap = quoted(portDevice(port))
    if (!port.portSecurity) {
      spoof.set(tap, 'accept')
      egress.set(tap, 'goto to_guest')
      ingress.set(tap, 'accept')
      continue
    }
    const name = chainWord(port.id)
    const three = portChains(port, groups, matches, replies, failed)
    const digest = digestOf(three)
    digests[port.id] = digest
    for (const [kind, rules] of Object.entries(three)) {
      const [head = '', ...rest] = rules
      chains.set(`${kind}_${name}`, { rules: [`${head} comment "${port.id} ${digest}"`, ...rest] })
    }
    spoof.set(tap, `goto a_${name}`)
    egress.set(tap, `goto e_${name}`)
    ingress.set(tap, `goto i_${name}`)
  }
  const marking = markingOf(state.ports)
  const verdicts = (elements: ReadonlyMap<string, string>) => ({ body: 'type ifname : verdict;', elements })
  const bridge: Ruleset = {
    family: 'bridge',
    table: TABLE,
    sets: new Map([...addressSets(state), ...(replies === 'reflexive' ? FLOW_SETS : [])]),
    maps: new Map([
      ['spoof', verdicts(spoof)],
      ['egress', verdicts(egress)],
      ['ingress', verdicts(ingress)],
      ...marking.maps,
      ...(replies === 'bridge' ? [['zones', zoneMap(state, zones, true)] as const] : []),
    ]),
    chains: new Map([...chains, ...marking.chains, ...(replies === 'bridge' ? tracking(zones) : [])]),
  }
  const tables = [bridge]
  if (replies === 'netfilter') {
    const maps = new Map([['zones', zoneMap(state, zones, false)]])
    tables.push({ family: 'inet', table: TABLE, sets: new Map(), maps, chains: new Map(tracking(zones)) })
  }
  return { tables, failed, skippedRules, digests }
}

/** Chains that are there whatever the ports. The order of the hooks: spoofing, tracking (−300…), then the forwarding decision. */
function baseChains(replies: Replies): [string, Chain][] {
  const remember = (direction: 'out' | 'in'): string[] => (replies === 'reflexive' ? reflexiveUpdates(direction) : [])
  return [
    [
      'from_guest',
      {
        hook: 'type filter hook prerouting priority -310; policy accept;',
        rules: ['iifname vmap @spoof', ...NOBODY.map(name => `iifname ${name} drop`)],
      },
    ],
    [
      'between',
      {
        // After br_netfilter's own hook at −1, where an IP packet has passed connection tracking.
        hook: 'type filter hook forward priority 10; policy accept;',
        rules: ['iifname vmap @egress', ...NOBODY.map(name => `iifname ${name} drop`), 'goto to_guest'],
      },
    ],
    ['to_guest', { rules: ['oifname vmap @ingress', ...NOBODY.map(name => `oifname ${name} drop`), 'accept'] }],
    ['left', { rules: [...remember('out'), 'goto to_guest'] }],
    ['entered', { rules: [...remember('in'), 'accept'] }],
  ]
}

/** Connection tracking's zone per network, and its verdict into the mark. */
function tracking(zones: ReadonlyMap<string, number>): [string, Chain][] {
  const perZone = [...new Set(zones.values())].map((zone): [string, Chain] => [
    `z_${zone}`,
    { rules: [`ct zone set ${zone}`] },
  ])
  return [
    ...perZone,
    ['zone', { hook: 'type filter hook prerouting priority -300; policy accept;', rules: ['iifname vmap @zones'] }],
    [
      'classify',
      {
        hook: 'type filter hook prerouting priority -150; policy accept;',
        rules: [
          `ct state related meta mark set meta mark or ${REPLY}`,
          `ct state established ct direction reply meta mark set meta mark or ${REPLY}`,
          `ct state invalid meta mark set meta mark or ${INVALID}`,
        ],
      },
    ],
  ]
}

/** By bridge where packets come through the inet hooks, by port of the bridge where they do not. */
function zoneMap(state: HostNetworkState, zones: ReadonlyMap<string, number>, byPort: boolean) {
  const elements = new Map<string, string>()
  for (const network of state.networks) {
    const zone = zones.get(network.id)
    if (zone !== undefined && !byPort) elements.set(quoted(bridgeName(network.id)), `jump z_${zone}`)
  }
  for (const [device, networkId] of byPort ? bridgePorts(state) : []) {
    const zone = zones.get(networkId)
    if (zone !== undefined) elements.set(quoted(device), `jump z_${zone}`)
  }
  return { body: 'type ifname : verdict;', elements }
}

/** The matches of each group's rules, by direction; a rule that cannot be said is noted and left out (closed, not open). */
function groupMatches(groups: readonly SecurityGroupState[], skipped: Map<string, string>) {
  const matches = new Map<string, { ingress: string[]; egress: string[] }>()
  for (const group of groups) {
    const lists = { ingress: [] as string[], egress: [] as string[] }
    for (const rule of group.rules) {
      try {
        lists[rule.direction].push(ruleMatch(rule))
      } catch (error) {
        skipped.set(rule.id, reason(error))
      }
    }
    matches.set(group.id, lists)
  }
  return matches
}

type ThreeChains = { readonly a: readonly string[]; readonly e: readonly string[]; readonly i: readonly string[] }
const CLOSED: ThreeChains = { a: ['counter drop'], e: ['counter drop'], i: ['counter drop'] }

function portChains(
  port: PortState,
  groups: ReadonlyMap<string, SecurityGroupState>,
  matches: ReadonlyMap<string, { ingress: string[]; egress: string[] }>,
  replies: Replies,
  failed: Map<string, string>,
): ThreeChains {
  if (failed.has(port.id)) return CLOSED
  try {
    const stateful = port.securityGroupIds.every(group => groups.get(group)?.stateful !== false)
    const rules = (direction: 'ingress' | 'egress'): string[] => [
      ...new Set(port.securityGroupIds.flatMap(group => matches.get(group)?.[direction] ?? [])),
    ]
    const pass = stateful ? ['goto left', 'goto entered'] : ['goto to_guest', 'accept']
    return {
      a: spoofRules(port),
      e: [
        'ether type arp goto to_guest',
        ...(stateful ? repliesOut(replies) : []),
        'ether type ip udp sport 68 udp dport 67 goto to_guest',
        'ether type ip6 udp sport 546 udp dport 547 goto to_guest',
        // Neighbour discovery and multicast membership, without which IPv6 does not begin.
        'ether type ip6 icmpv6 type { 131, 132, 133, 135, 136, 143 } goto to_guest',
        ...rules('egress').map(match => `${match} ${pass[0]}`),
        'counter drop',
      ],
      i: [
        'ether type arp accept',
        ...(stateful ? repliesIn(replies) : []),
        'ether type ip udp sport 67 udp dport 68 accept',
        'ether type ip6 udp sport 547 udp dport 546 accept',
        'ether type ip6 icmpv6 type { 130, 131, 132, 134, 135, 136 } accept',
        ...rules('ingress').map(match => `${match} ${pass[1]}`),
        'counter drop',
      ],
    }
  } catch (error) {
    failed.set(port.id, reason(error))
    return CLOSED
  }
}

/**
 * Only replies pass without a rule. A packet in a connection's own direction meets the rules each time, so taking a rule away cuts
 * what it had let in, at once and without touching the tracking table.
 */
function repliesOut(replies: Replies): string[] {
  if (replies !== 'reflexive')
    return [`meta mark & ${REPLY} != 0 goto to_guest`, `meta mark & ${INVALID} != 0 counter drop`]
  return reflexiveLookups('in', 'goto to_guest')
}

function repliesIn(replies: Replies): string[] {
  if (replies !== 'reflexive') return [`meta mark & ${REPLY} != 0 accept`, `meta mark & ${INVALID} != 0 counter drop`]
  return reflexiveLookups('out', 'accept')
}

// The reflexive sets: flows as the guest sees them (its device, its address, the other's). `out` were begun by the guest, `in` by others.
const flowSet = (type: string, seconds: number) => ({
  body: `type ${type}; flags dynamic,timeout; timeout ${seconds}s; size 65536;`,
  elements: [],
})
const FLOW_SETS: [string, { body: string; elements: string[] }][] = (['out', 'in'] as const).flatMap(direction => [
  [`${direction}4`, flowSet('ifname . ipv4_addr . ipv4_addr . inet_proto . inet_service . inet_service', 300)],
  [`${direction}6`, flowSet('ifname . ipv6_addr . ipv6_addr . inet_proto . inet_service . inet_service', 300)],
  [`${direction}4p`, flowSet('ifname . ipv4_addr . ipv4_addr', 30)],
  [`${direction}6p`, flowSet('ifname . ipv6_addr . ipv6_addr', 30)],
])

function reflexiveUpdates(direction: 'out' | 'in'): string[] {
  // Out of the guest: it is the source. Into it: it is the destination, so all is turned round.
  const [device, mine, other, near, far] =
    direction === 'out'
      ? ['iifname', 'saddr', 'daddr', 'sport', 'dport']
      : ['oifname', 'daddr', 'saddr', 'dport', 'sport']
  return [
    ['ip', '4', 'icmp type echo-request'],
    ['ip6', '6', 'icmpv6 type echo-request'],
  ].flatMap(([ip, digit, echo]) => {
    const pair = `${device} . ${ip} ${mine} . ${ip} ${other}`
    return [
      `ether type ${ip} meta l4proto { tcp, udp } update @${direction}${digit} { ${pair} . meta l4proto . th ${near} . th ${far} }`,
      `ether type ${ip} ${echo} update @${direction}${digit}p { ${pair} }`,
    ]
  })
}

function reflexiveLookups(direction: 'out' | 'in', verdict: string): string[] {
  // `out` is asked for packets into the guest, `in` for packets out of it.
  const [device, mine, other, near, far] =
    direction === 'out'
      ? ['oifname', 'daddr', 'saddr', 'dport', 'sport']
      : ['iifname', 'saddr', 'daddr', 'sport', 'dport']
  return [
    ['ip', '4', 'icmp type echo-reply'],
    ['ip6', '6', 'icmpv6 type echo-reply'],
  ].flatMap(([ip, digit, echo]) => {
    const pair = `${device} . ${ip} ${mine} . ${ip} ${other}`
    return [
      `ether type ${ip} meta l4proto { tcp, udp } ${pair} . meta l4proto . th ${near} . th ${far} @${direction}${digit} ${verdict}`,
      `ether type ${ip} ${echo} ${pair} @${direction}${digit}p ${verdict}`,
    ]
  })
}

/** Members of each address set that some rule names, split by family. Bad members are left out. */
function addressSets(state: HostNetworkState): [string, { body: string; elements: string[] }][] {
  const named = new Set(
    state.securityGroups.flatMap(group =>
      group.rules.flatMap(rule =>
        rule.remote !== null && 'addressSet' in rule.remote ? [rule.remote.addressSet] : [],
      ),
    ),
  )
  return [...named].flatMap(setId => {
    const members = (state.addressSets[setId] ?? []).flatMap(member => {
      try {
        return [cidr(member)]
      } catch {
        return []
      }
    })
    return ([4, 6] as const).map((version): [string, { body: string; elements: string[] }] => [
      addressSetName(id(setId), version === 4 ? 'IPv4' : 'IPv6'),
      {
        body: `type ipv${version}_addr; flags interval;`,
        elements: disjoint(members.filter(member => family(member) === version)),
      },
    ])
  })
}

const quoted = (name: string): string => `"${name}"`

/** Twelve digits that change when a rule does: for telling apart, not for keeping secrets (FNV-1a, 64 bits in two halves). */
function digestOf(chains: ThreeChains): string {
  const text = [chains.a, chains.e, chains.i].map(rules => rules.join('\n')).join('\n\n')
  let [one, two] = [0x811c9dc5, 0x01000193]
  for (let at = 0; at < text.length; at += 1) {
    one = Math.imul(one ^ text.charCodeAt(at), 0x01000193)
    two = Math.imul(two ^ text.charCodeAt(at), 0x85ebca6b)
  }
  const hex = (half: number): string => (half >>> 0).toString(16).padStart(8, '0')
  return (hex(one) + hex(two)).slice(0, 12)
}
