// What an apply finds wrong. Pieces of a wanted state are never changed in place, so a piece that was looked at before is not looked at
// again: an apply costs what changed. The tables themselves are worked out when somebody asks for them.
import { reason } from '#services/neutron/drivers/checked.ts'
import { dhcpPlan } from '#services/neutron/drivers/dhcp-plan.ts'
import type {
  ApplyResult,
  HostNetworkState,
  NetworkState,
  PortState,
  RouterState,
  Wired,
} from '#services/neutron/drivers/mechanism.ts'
import { checkNetwork, checkPort, checkRouter, networksOf, notHere } from '#services/neutron/drivers/sift.ts'
import { spoofRules } from '#services/neutron/drivers/spoofing.ts'

/** Null: nothing is wrong. */
type Why = string | null

const remembered = <T extends object>(look: (piece: T) => void): ((piece: T) => Why) => {
  const known = new WeakMap<T, Why>()
  return piece => {
    const before = known.get(piece)
    if (before !== undefined) return before
    let why: Why = null
    try {
      look(piece)
    } catch (error) {
      why = reason(error)
    }
    known.set(piece, why)
    return why
  }
}
/** What a network's DHCP server must know of it to serve one port. */
const servingOf = (network: NetworkState): string =>
  JSON.stringify([network.subnets, network.dhcpPort, network.dnsDomain, network.adminUp, network.mtu])

export function createCheck(): (desired: HostNetworkState) => ApplyResult {
  const network = remembered(checkNetwork)
  const port = remembered((piece: PortState) => {
    checkPort(piece)
    if (piece.portSecurity) spoofRules(piece)
  })
  const router = remembered<RouterState>(checkRouter)
  const serving = new WeakMap<NetworkState, string>()
  const served = new WeakMap<PortState, { readonly by: string; readonly why: Why }>()

  function dhcp(piece: PortState, on: NetworkState): Why {
    let by = serving.get(on)
    if (by === undefined) serving.set(on, (by = servingOf(on)))
    const before = served.get(piece)
    if (before?.by === by) return before.why
    let why: Why = null
    const { reservations: _, ...alone } = on
    dhcpPlan(alone, [piece], 'nobody', (_id, error) => (why = reason(error)))
    served.set(piece, { by, why })
    return why
  }
  const wired = (why: Why, up: boolean): Wired => (why === null ? (up ? 'up' : 'down') : { failed: why })

  return desired => {
    const networks: Record<string, Wired> = {}
    const usable = new Map<string, NetworkState>()
    for (const piece of desired.networks) {
      const why = network(piece)
      if (why === null) usable.set(piece.id, piece)
      networks[piece.id] = wired(why, piece.adminUp)
    }
    const ports: Record<string, Wired> = {}
    for (const piece of desired.ports) {
      const on = usable.get(piece.networkId)
      const why = on === undefined ? notHere(piece.networkId) : (port(piece) ?? dhcp(piece, on))
      ports[piece.id] = wired(why, piece.adminUp && on?.adminUp === true)
    }
    const routers: Record<string, Wired> = {}
    for (const piece of desired.routers) {
      const missing = piece.adminUp ? networksOf(piece).find(id => !usable.has(id)) : undefined
      const why = !piece.adminUp ? null : missing === undefined ? router(piece) : notHere(missing)
      routers[piece.id] = wired(why, piece.adminUp)
    }
    return { ports, networks, routers }
  }
}
