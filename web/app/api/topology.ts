// Where things stand in the picture of the networks: a bar for each network, and under it what hangs on it. Pure.
import type { Network, Port, Router } from '#app/api/network.ts'

export interface Bar {
  readonly id: string
  readonly name: string
  readonly external: boolean
  readonly y: number
}
export interface Node {
  readonly id: string
  readonly kind: 'router' | 'server'
  readonly name: string
  readonly x: number
  readonly y: number
  /** The bars it hangs on, with its address there. */
  readonly links: readonly { readonly y: number; readonly address: string }[]
}
export interface Topology {
  readonly width: number
  readonly height: number
  readonly bars: readonly Bar[]
  readonly nodes: readonly Node[]
}
const ROW = 120
const COLUMN = 150
const LEFT = 150

/** External networks above; routers first, then servers, each in a column of its own. What hangs on nothing is left out. */
export function layOut(
  networks: readonly Network[],
  routers: readonly Router[],
  servers: readonly { readonly id: string; readonly name: string }[],
  ports: readonly Port[],
): Topology {
  const outside = (network: Network): boolean => network['router:external'] === true
  const used = new Set(ports.map(port => port.network_id))
  const bars = networks
    .filter(network => used.has(network.id) || outside(network) || network.subnets.length > 0)
    .toSorted((a, b) => Number(outside(b)) - Number(outside(a)) || a.name.localeCompare(b.name))
    .map((network, row) => ({
      id: network.id,
      name: network.name,
      external: outside(network),
      y: 30 + row * ROW,
    }))
  const barOf = new Map(bars.map(bar => [bar.id, bar.y]))
  const gateway = ({ external_gateway_info: out }: Router) =>
    out == null ? [] : [{ network: out.network_id, address: out.external_fixed_ips?.[0]?.ip_address ?? '' }]
  const things = [
    ...routers.map(one => ({ id: one.id, name: one.name, kind: 'router' as const, ways: gateway(one) })),
    ...servers.map(one => ({ id: one.id, name: one.name, kind: 'server' as const, ways: [] })),
  ]
  const nodes: Node[] = []
  for (const thing of things) {
    const { ways, ...node } = thing
    const own = ports
      .filter(port => port.device_id === thing.id)
      .map(port => ({ network: port.network_id, address: port.fixed_ips[0]?.ip_address ?? '' }))
    // A way out that is seen as a port too is one line.
    const links = [...ways.filter(way => !own.some(one => one.network === way.network)), ...own]
      .flatMap(({ network, address }) => {
        const y = barOf.get(network)
        return y === undefined ? [] : [{ y, address }]
      })
      .toSorted((a, b) => a.y - b.y)
    const top = links[0]
    if (top === undefined) continue
    nodes.push({ ...node, x: LEFT + nodes.length * COLUMN, y: top.y + ROW / 2, links })
  }
  return {
    width: LEFT + Math.max(2, nodes.length) * COLUMN,
    height: 30 + Math.max(1, bars.length) * ROW,
    bars,
    nodes,
  }
}
