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
const TOP = 30
/** A row with things under its bar, and one without. */
const ROW = 120
const EMPTY_ROW = 50
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
  const shown = networks
    .filter(network => used.has(network.id) || outside(network) || network.subnets.length > 0)
    .toSorted((a, b) => Number(outside(b)) - Number(outside(a)) || a.name.localeCompare(b.name))
  const rank = new Map(shown.map((network, row) => [network.id, row]))
  const gateway = ({ external_gateway_info: out }: Router) =>
    out == null ? [] : [{ network: out.network_id, address: out.external_fixed_ips?.[0]?.ip_address ?? '' }]
  const things = [
    ...routers.map(one => ({ id: one.id, name: one.name, kind: 'router' as const, ways: gateway(one) })),
    ...servers.map(one => ({ id: one.id, name: one.name, kind: 'server' as const, ways: [] })),
  ]
  // First who hangs where, then how tall each row must be.
  const hung = things.flatMap(({ ways, ...thing }) => {
    const own = ports
      .filter(port => port.device_id === thing.id)
      .map(port => ({ network: port.network_id, address: port.fixed_ips[0]?.ip_address ?? '' }))
    // A way out that is seen as a port too is one line.
    const links = [...ways.filter(way => !own.some(one => one.network === way.network)), ...own]
      .flatMap(({ network, address }) => {
        const row = rank.get(network)
        return row === undefined ? [] : [{ row, address }]
      })
      .toSorted((a, b) => a.row - b.row)
    const top = links[0]
    return top === undefined ? [] : [{ ...thing, links, row: top.row }]
  })
  let height = TOP
  const rows = shown.map((_network, row) => {
    const y = height
    height += hung.some(one => one.row === row) ? ROW : EMPTY_ROW
    return y
  })
  const yOf = (row: number): number => rows[row] ?? TOP
  return {
    width: LEFT + Math.max(4, hung.length) * COLUMN,
    height: Math.max(height, TOP + EMPTY_ROW),
    bars: shown.map((network, row) => ({
      id: network.id,
      name: network.name,
      external: outside(network),
      y: yOf(row),
    })),
    nodes: hung.map(({ links, row, ...thing }, column) => ({
      ...thing,
      x: LEFT + column * COLUMN,
      y: yOf(row) + ROW / 2,
      links: links.map(link => ({ y: yOf(link.row), address: link.address })),
    })),
  }
}
