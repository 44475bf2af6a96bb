// One host's wanted state out of the model's pieces, and what of it a host has not been told yet.
import type {
  HostNetworkState,
  NetworkState,
  PortState,
  RemoteState,
  Reservation,
  RouterState,
  SecurityGroupState,
} from '#services/neutron/drivers/mechanism.ts'
import type { KnownNetwork, WiringModel } from '#services/neutron/domain/wiring-model.ts'
import { FLOATING_IP, isTrusted } from '#services/neutron/domain/owners.ts'
import type { Delta, StateChange } from '#services/neutron/rpc.ts'

/** What a host was told: by id, the very pieces. */
export interface Pieces {
  readonly networks: ReadonlyMap<string, NetworkState>
  readonly ports: ReadonlyMap<string, PortState>
  readonly securityGroups: ReadonlyMap<string, SecurityGroupState>
  readonly routers: ReadonlyMap<string, RouterState>
  readonly addressSets: ReadonlyMap<string, readonly string[]>
}

const kindOf = (type: string): NetworkState['kind'] =>
  type === 'flat' || type === 'local' || type === 'vlan' ? type : 'vxlan'

function networkState(known: KnownNetwork): NetworkState {
  const { network, subnets } = known
  return {
    id: network.id,
    kind: kindOf(network.networkType),
    ...(network.physicalNetwork === null ? {} : { physicalNetwork: network.physicalNetwork }),
    ...(network.segmentationId === null ? {} : { segmentationId: network.segmentationId }),
    mtu: network.mtu,
    adminUp: network.adminStateUp,
    external: network.external,
    ...(network.dnsDomain === '' ? {} : { dnsDomain: network.dnsDomain.replace(/\.$/, '') }),
    subnets,
  }
}
function withDhcp(model: WiringModel, state: NetworkState, host: string): NetworkState {
  const dhcp = model.dhcpPortOf(state.id)
  if (dhcp === undefined) return state
  const reservations: Reservation[] = []
  for (const id of model.portsOfNetwork(state.id)) {
    const port = model.ports.get(id)?.state
    if (port === null || port === undefined || model.portsOfHost(host).has(id)) continue
    reservations.push({
      id: port.id,
      mac: port.mac,
      fixedIps: port.fixedIps,
      ...(port.extraDhcpOpts === undefined ? {} : { extraDhcpOpts: port.extraDhcpOpts }),
    })
  }
  return {
    ...state,
    dhcpPort: {
      id: dhcp.port.id,
      mac: dhcp.port.macAddress,
      ips: dhcp.fixedIps.map(one => ({ subnetId: one.subnetId, ip: one.ip })),
    },
    ...(reservations.length === 0 ? {} : { reservations }),
  }
}

/** Where hosts are in the network below, and which of them serves DHCP and routers. */
export interface Below {
  readonly tunnels: ReadonlyMap<string, string>
  readonly node: string | null
}
const NOWHERE: Below = { tunnels: new Map(), node: null }

/** What of a VXLAN network is on other hosts that this one can reach. */
function remotesOf(model: WiringModel, networkId: string, host: string, below: Below): RemoteState[] {
  const remotes: RemoteState[] = []
  for (const id of model.portsOfNetwork(networkId)) {
    const known = model.ports.get(id)
    if (known === undefined) continue
    // Ports of DHCP and of routers are where those are served.
    const there =
      known.state !== null
        ? known.port.hostId
        : isTrusted(known.port.deviceOwner) && known.port.deviceOwner !== FLOATING_IP
          ? below.node
          : null
    const address = there === null || there === host ? undefined : below.tunnels.get(there)
    if (address !== undefined)
      remotes.push({ mac: known.port.macAddress, ips: known.fixedIps.map(one => one.ip), host: address })
  }
  return remotes.sort((one, other) => (one.mac < other.mac ? -1 : 1))
}

/** `isNode`: this host serves DHCP, routers and metadata. */
export function piecesOf(model: WiringModel, host: string, isNode: boolean, below: Below = NOWHERE): Pieces {
  const ports = new Map<string, PortState>()
  const networkIds = new Set<string>()
  const groupIds = new Set<string>()
  for (const id of model.portsOfHost(host)) {
    const state = model.ports.get(id)?.state
    if (state === null || state === undefined) continue
    ports.set(id, state)
    networkIds.add(state.networkId)
    for (const group of state.securityGroupIds) groupIds.add(group)
  }
  const routers = new Map<string, RouterState>()
  if (isNode) {
    for (const [id, known] of model.networks)
      if (known.network.external || (known.served && model.dhcpPortOf(id) !== undefined)) networkIds.add(id)
    for (const [id, known] of model.routers) {
      if (known.portIds.length === 0) continue
      routers.set(id, known.state)
      for (const network of known.networkIds) networkIds.add(network)
    }
  }
  const networks = new Map<string, NetworkState>()
  for (const id of networkIds) {
    const known = model.networks.get(id)
    if (known === undefined) continue
    const remotes =
      below.tunnels.has(host) && known.network.networkType === 'vxlan' ? remotesOf(model, id, host, below) : []
    const state = remotes.length === 0 ? networkState(known) : { ...networkState(known), remotes }
    networks.set(id, isNode && known.served ? withDhcp(model, state, host) : state)
  }
  const securityGroups = new Map<string, SecurityGroupState>()
  const addressSets = new Map<string, readonly string[]>()
  for (const id of groupIds) {
    const group = model.groups.get(id)
    if (group === undefined) continue
    securityGroups.set(id, group.state)
    for (const [set, members] of group.addressSets) addressSets.set(set, members)
    for (const remote of group.remoteGroups) {
      if (addressSets.has(remote)) continue
      addressSets.set(remote, model.membersOf(remote))
    }
  }
  return { networks, ports, securityGroups, routers, addressSets }
}

export const stateOf = (host: string, pieces: Pieces): HostNetworkState => ({
  host,
  networks: [...pieces.networks.values()],
  ports: [...pieces.ports.values()],
  securityGroups: [...pieces.securityGroups.values()],
  routers: [...pieces.routers.values()],
  addressSets: Object.fromEntries(pieces.addressSets),
})

const same = (a: unknown, b: unknown): boolean => a === b || JSON.stringify(a) === JSON.stringify(b)
function delta<T>(
  before: ReadonlyMap<string, T>,
  after: ReadonlyMap<string, T>,
  force?: ReadonlySet<string>,
): Delta<T> {
  const set: T[] = []
  for (const [id, piece] of after) if (force?.has(id) === true || !same(before.get(id), piece)) set.push(piece)
  return { set, gone: [...before.keys()].filter(id => !after.has(id)) }
}

/** Null when a host that was told `before` has nothing to hear. `force`: ports that are told again though nothing changed. */
export function changeBetween(before: Pieces, after: Pieces, force: ReadonlySet<string>): StateChange | null {
  const networks = delta(before.networks, after.networks)
  const ports = delta(before.ports, after.ports, force)
  const securityGroups = delta(before.securityGroups, after.securityGroups)
  const routers = delta(before.routers, after.routers)
  const sets: Record<string, readonly string[]> = {}
  for (const [id, members] of after.addressSets) if (!same(before.addressSets.get(id), members)) sets[id] = members
  const gone = [...before.addressSets.keys()].filter(id => !after.addressSets.has(id))
  const quiet =
    [networks, ports, securityGroups, routers].every(one => one.set.length === 0 && one.gone.length === 0) &&
    Object.keys(sets).length === 0 &&
    gone.length === 0
  return quiet ? null : { networks, ports, securityGroups, routers, addressSets: { set: sets, gone } }
}
