// Marks and packet rates of ports as chains beside the filters: what a guest sends is marked after it was found honest, and what is
// too much is dropped.
import type { Limit, PortState } from '#services/neutron/drivers/mechanism.ts'
import { whole } from '#services/neutron/drivers/checked.ts'
import { chainWord, portDevice } from '#services/neutron/drivers/names.ts'

type Chain = { readonly hook?: string; readonly rules: readonly string[] }
export interface Marking {
  readonly chains: readonly (readonly [string, Chain])[]
  readonly maps: readonly (readonly [
    string,
    { readonly body: string; readonly elements: ReadonlyMap<string, string> },
  ])[]
}

const MOST = 4_000_000
function tooMany(limit: Limit): string {
  // nft has no zero: one packet a second is as good as none.
  const rate = Math.max(1, Math.min(MOST, whole(limit.rate, 0, 2_147_483_647, 'a packet rate')) * 1000)
  const burst = Math.min(MOST, whole(limit.burst, 0, 2_147_483_647, 'a burst') || Math.ceil(limit.rate * 0.8)) * 1000
  return `limit rate over ${rate}/second burst ${Math.max(5, burst)} packets counter drop`
}

/** Nothing at all where no port is marked or limited. */
export function markingOf(ports: readonly PortState[]): Marking {
  const out = new Map<string, string>()
  const into = new Map<string, string>()
  const chains: [string, Chain][] = []
  for (const port of ports) {
    const { qos } = port
    if (qos === undefined) continue
    const name = chainWord(port.id)
    const device = `"${portDevice(port)}"`
    const leaving = [
      ...(qos.egressKpps === undefined ? [] : [tooMany(qos.egressKpps)]),
      ...(qos.dscp === undefined
        ? []
        : [`ether type ip ip dscp set ${whole(qos.dscp, 0, 63, 'a mark')}`, `ether type ip6 ip6 dscp set ${qos.dscp}`]),
    ]
    if (leaving.length > 0) {
      chains.push([`qo_${name}`, { rules: leaving }])
      out.set(device, `goto qo_${name}`)
    }
    if (qos.ingressKpps !== undefined) {
      chains.push([`qi_${name}`, { rules: [tooMany(qos.ingressKpps)] }])
      into.set(device, `goto qi_${name}`)
    }
  }
  if (chains.length === 0) return { chains: [], maps: [] }
  return {
    chains: [
      ...chains,
      [
        'quality_out',
        { hook: 'type filter hook prerouting priority -305; policy accept;', rules: ['iifname vmap @quality_out'] },
      ],
      [
        'quality_in',
        { hook: 'type filter hook forward priority 20; policy accept;', rules: ['oifname vmap @quality_in'] },
      ],
    ],
    maps: [
      ['quality_out', { body: 'type ifname : verdict;', elements: out }],
      ['quality_in', { body: 'type ifname : verdict;', elements: into }],
    ],
  }
}
