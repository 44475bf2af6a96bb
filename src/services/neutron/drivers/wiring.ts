// Bridges, and what is plugged into them: the commands between the devices that are there and those that should be.
import type { LinkRow } from '#host/linux/ip-batch.ts'
import type { HostNetworkState, NetworkState } from '#services/neutron/drivers/mechanism.ts'
import { overlayDevices } from '#services/neutron/drivers/overlay-plan.ts'
import { mac, whole } from '#services/neutron/drivers/checked.ts'
import {
  EXTERNAL,
  IFB_DEVICE,
  OWN_DEVICE,
  bridgeName,
  dhcpNamespace,
  dhcpPair,
  externalPair,
  gatewayPair,
  portDevice,
  routerNamespace,
  routerPair,
  tapName,
} from '#services/neutron/drivers/names.ts'

/** A line for `ip`, and what fails when it does. */
export interface WiringLine {
  readonly line: string
  readonly owner: { readonly kind: 'network' | 'port' | 'router' | 'none'; readonly id: string }
  /** The namespace that got a new device by this line: its contents must be set again. */
  readonly renews?: string
}

/** A pair of devices: one end in a namespace, the other on a bridge. */
interface Pair {
  readonly ends: readonly [string, string]
  readonly namespace: string
  readonly mac: string | null
  readonly network: NetworkState
  readonly owner: WiringLine['owner']
}

export interface Wiring {
  /** Removals come first. */
  readonly lines: readonly WiringLine[]
  /** Taps that are there and wanted, so wired by these lines at the latest. */
  readonly wired: ReadonlySet<string>
}

/** `state` holds only what passed the checks. */
export function wiringOf(state: HostNetworkState, links: readonly LinkRow[]): Wiring {
  const there = new Map(links.map(link => [link.name, link]))
  const lines: WiringLine[] = []
  const pairs = pairsOf(state)
  const overlays = overlayDevices(state)
  const wanted = new Set([
    ...state.networks.map(network => bridgeName(network.id)),
    ...pairs.map(pair => pair.ends[1]),
    ...overlays.map(([name]) => name),
    ...state.ports.filter(port => port.trunk !== undefined).map(portDevice),
  ])
  const none = { kind: 'none', id: '' } as const
  // Ends of pairs before the bridges they are on: a pair's other end goes with it.
  // Those for queues are kept and removed where the queues are.
  const stale = links.filter(
    link => OWN_DEVICE.test(link.name) && !IFB_DEVICE.test(link.name) && !wanted.has(link.name),
  )
  for (const link of stale.sort((a, b) => Number(a.name.startsWith('br-')) - Number(b.name.startsWith('br-')))) {
    lines.push({ line: `link del dev ${link.name}`, owner: none })
  }
  for (const network of state.networks) lines.push(...bridgeLines(network, there))
  for (const pair of pairs) lines.push(...pairLines(pair, there))
  for (const [name, networkId] of overlays) {
    const network = state.networks.find(one => one.id === networkId)
    const link = there.get(name)
    if (network !== undefined && link !== undefined)
      lines.push(...attachLines(name, network, link, { kind: 'network', id: networkId }))
  }
  const wired = new Set<string>()
  const networks = new Map(state.networks.map(network => [network.id, network]))
  for (const port of state.ports) {
    const name = portDevice(port)
    const parent = port.trunk === undefined ? undefined : there.get(tapName(port.trunk.parentId))
    const tap = there.get(name) ?? (parent === undefined ? undefined : { ...parent, name, master: null, up: false })
    const network = networks.get(port.networkId)
    if (tap === undefined || network === undefined) continue
    const owner = { kind: 'port', id: port.id } as const
    if (port.trunk !== undefined && !there.has(name)) {
      // Frames with its number leave the parent's device here, before the parent's own bridge sees them.
      const number = whole(port.trunk.segmentationId, 1, 4094, 'a VLAN number')
      lines.push({ line: `link add link ${tapName(port.trunk.parentId)} name ${name} type vlan id ${number}`, owner })
    }
    if (!port.adminUp || !network.adminUp) {
      if (tap.master !== null) lines.push({ line: `link set dev ${tap.name} nomaster`, owner })
      continue
    }
    wired.add(port.id)
    lines.push(...attachLines(tap.name, network, tap, owner))
  }
  // A tap on a bridge that no port wants: its guest is being taken down, or was never ours to connect.
  const taps = new Set(state.ports.map(port => tapName(port.id)))
  for (const link of links) {
    if (link.name.startsWith('tap') && link.master !== null && !taps.has(link.name))
      lines.push({ line: `link set dev ${link.name} nomaster`, owner: none })
  }
  return { lines, wired }
}

const mtuOf = (network: NetworkState): number => whole(network.mtu, 68, 65_535, 'an MTU')

function bridgeLines(network: NetworkState, there: ReadonlyMap<string, LinkRow>): WiringLine[] {
  const owner = { kind: 'network', id: network.id } as const
  const name = bridgeName(network.id)
  const bridge = there.get(name)
  const lines: WiringLine[] = []
  if (bridge === undefined)
    lines.push({
      line: `link add dev ${name} mtu ${mtuOf(network)} type bridge forward_delay 0 mcast_snooping 0`,
      owner,
    })
  else if (bridge.mtu !== network.mtu) lines.push({ line: `link set dev ${name} mtu ${mtuOf(network)}`, owner })
  if (bridge === undefined ? network.adminUp : bridge.up !== network.adminUp)
    lines.push({ line: `link set dev ${name} ${network.adminUp ? 'up' : 'down'}`, owner })
  return lines
}

function pairLines(pair: Pair, there: ReadonlyMap<string, LinkRow>): WiringLine[] {
  const [inner, outer] = pair.ends
  const mtu = mtuOf(pair.network)
  const lines: WiringLine[] = []
  const link = there.get(outer)
  if (link === undefined) {
    const address = pair.mac === null ? '' : ` address ${mac(pair.mac)}`
    const line = `link add dev ${outer} mtu ${mtu} type veth peer name ${inner} mtu ${mtu}${address} netns ${pair.namespace}`
    lines.push({ line, owner: pair.owner, renews: pair.namespace })
  }
  lines.push(...attachLines(outer, pair.network, link, pair.owner))
  return lines
}

/** On its bridge, with its MTU, up: only what is not so already. */
function attachLines(
  name: string,
  network: NetworkState,
  link: LinkRow | undefined,
  owner: WiringLine['owner'],
): WiringLine[] {
  const bridge = bridgeName(network.id)
  const words = [
    ...(link === undefined || link.mtu === network.mtu ? [] : [`mtu ${mtuOf(network)}`]),
    ...(link?.master === bridge ? [] : [`master ${bridge}`]),
    ...(link?.up === true ? [] : ['up']),
  ]
  return words.length === 0 ? [] : [{ line: `link set dev ${name} ${words.join(' ')}`, owner }]
}

function pairsOf(state: HostNetworkState): Pair[] {
  const pairs: Pair[] = []
  const networks = new Map(state.networks.map(network => [network.id, network]))
  for (const network of state.networks) {
    const owner = { kind: 'network', id: network.id } as const
    const port = network.dhcpPort
    if (port !== undefined)
      pairs.push({ ends: dhcpPair(port.id), namespace: dhcpNamespace(network.id), mac: port.mac, network, owner })
    if (network.external) pairs.push({ ends: externalPair(network.id), namespace: EXTERNAL, mac: null, network, owner })
  }
  for (const router of state.routers) {
    const owner = { kind: 'router', id: router.id } as const
    const namespace = routerNamespace(router.id)
    const add = (ends: readonly [string, string], part: { networkId: string; mac: string }): void => {
      const network = networks.get(part.networkId)
      if (network !== undefined) pairs.push({ ends, namespace, mac: part.mac, network, owner })
    }
    for (const part of router.interfaces) add(routerPair(part.portId), part)
    if (router.gateway !== null) add(gatewayPair(router.gateway.portId), router.gateway)
  }
  return pairs
}

/** Every device that is plugged into a network's bridge, with that network. */
export function bridgePorts(state: HostNetworkState): (readonly [string, string])[] {
  return [
    ...pairsOf(state).map(pair => [pair.ends[1], pair.network.id] as const),
    ...state.ports.map(port => [portDevice(port), port.networkId] as const),
    ...overlayDevices(state),
  ]
}
