// The wanted network as the server keeps it in memory, piece by piece: read anew where something changed, so that telling a host costs
// what changed and not what there is. Pieces are never changed in place: a new one means a change.
import { inChunks } from '#kernel/db/helpers.ts'
import { addressGroupsDb } from '#services/neutron/db/address-sets.ts'
import { networksDb, type Network } from '#services/neutron/db/networks.ts'
import { portForwardingsDb, type PortForwarding } from '#services/neutron/db/port-forwardings.ts'
import { portsDb, type Port } from '#services/neutron/db/ports.ts'
import { floatingIpsDb, routersDb } from '#services/neutron/db/routers.ts'
import { schedulesDb } from '#services/neutron/db/schedules.ts'
import { rulesDb, securityGroupsDb } from '#services/neutron/db/security-groups.ts'
import type { Q } from '#services/neutron/db/standard.ts'
import { allocationsDb, subnetsDb, type Allocation, type Subnet } from '#services/neutron/db/subnets.ts'
import { cidrOf } from '#services/neutron/domain/ipam.ts'
import { extrasOf, type Extras } from '#services/neutron/domain/wiring-extras.ts'
import { effectsOf } from '#services/neutron/domain/qos-effects.ts'
import { DHCP, isTrusted, ROUTER_GATEWAY, ROUTER_INTERFACE } from '#services/neutron/domain/owners.ts'
import type {
  AddressWithPrefix,
  PortForwardingState,
  PortState,
  QosState,
  RouterState,
  SecurityGroupState,
  SubnetState,
} from '#services/neutron/drivers/mechanism.ts'

export interface KnownPort {
  readonly port: Port
  readonly fixedIps: readonly Allocation[]
  readonly groups: readonly string[]
  /** For a port whose guest is on a host; null for Neutron's own ports and unbound ones. */
  readonly state: PortState | null
  /** What a rule that names one of its groups means by it. */
  readonly addresses: readonly string[]
}
export interface KnownNetwork {
  readonly network: Network
  readonly subnets: readonly SubnetState[]
  /** False when an operator took it from the DHCP agent. */
  readonly served: boolean
}
export interface KnownGroup {
  readonly state: SecurityGroupState
  readonly remoteGroups: readonly string[]
  /** What the address groups that its rules name hold. */
  readonly addressSets: ReadonlyMap<string, readonly string[]>
}
export interface KnownRouter {
  readonly state: RouterState
  /** Its own ports: gateway and interfaces. */
  readonly portIds: readonly string[]
  readonly networkIds: readonly string[]
}

const forwardingState = (floating: string, one: PortForwarding): PortForwardingState => ({
  id: one.id,
  floating,
  protocol: one.protocol === 'udp' ? 'udp' : 'tcp',
  externalPort: one.externalPort,
  externalPortEnd: one.externalPortEnd,
  fixed: one.internalIp,
  internalPort: one.internalPort,
  internalPortEnd: one.internalPortEnd,
})

/** Sets by key that vanish when they are empty. */
class Index {
  readonly #sets = new Map<string, Set<string>>()
  readonly #none: ReadonlySet<string> = new Set()
  add(key: string, id: string): void {
    const set = this.#sets.get(key)
    if (set === undefined) this.#sets.set(key, new Set([id]))
    else set.add(id)
  }
  remove(key: string, id: string): void {
    const set = this.#sets.get(key)
    if (set?.delete(id) === true && set.size === 0) this.#sets.delete(key)
  }
  of(key: string): ReadonlySet<string> {
    return this.#sets.get(key) ?? this.#none
  }
  keys(): Iterable<string> {
    return this.#sets.keys()
  }
}
const subnetState = (subnet: Subnet): SubnetState => ({
  id: subnet.id,
  cidr: subnet.cidr,
  ipVersion: subnet.ipVersion,
  gatewayIp: subnet.gatewayIp,
  dhcp: subnet.enableDhcp,
  pools: subnet.allocationPools,
  dnsServers: subnet.dnsNameservers,
  hostRoutes: subnet.hostRoutes,
  ipv6AddressMode: modeOf(subnet.ipv6AddressMode),
  ipv6RaMode: modeOf(subnet.ipv6RaMode),
})
const modeOf = (text: string | null): 'slaac' | 'dhcpv6-stateful' | 'dhcpv6-stateless' | null =>
  text === 'slaac' || text === 'dhcpv6-stateful' || text === 'dhcpv6-stateless' ? text : null

const isGuest = (port: Port): boolean =>
  port.hostId !== '' && !isTrusted(port.deviceOwner) && port.vifType !== 'unbound' && port.vifType !== 'binding_failed'

function knownPort(port: Port, fixedIps: readonly Allocation[], groups: readonly string[], extras: Extras): KnownPort {
  const guest = isGuest(port)
  return {
    port,
    fixedIps,
    groups,
    addresses: [...fixedIps.map(one => one.ip), ...port.allowedAddressPairs.map(pair => pair.ip_address)],
    state: !guest
      ? null
      : {
          id: port.id,
          networkId: port.networkId,
          mac: port.macAddress,
          fixedIps: fixedIps.map(one => ({ subnetId: one.subnetId, ip: one.ip })),
          adminUp: port.adminStateUp,
          portSecurity: port.portSecurityEnabled,
          allowedAddressPairs: port.allowedAddressPairs.map(pair => ({ mac: pair.mac_address, ip: pair.ip_address })),
          securityGroupIds: port.portSecurityEnabled ? groups : [],
          deviceOwner: port.deviceOwner,
          deviceId: port.deviceId,
          // Guests know themselves by the first part of the name.
          ...(port.dnsName === '' ? {} : { hostname: port.dnsName.split('.')[0] ?? '' }),
          ...extras,
          ...(port.extraDhcpOpts.length === 0
            ? {}
            : {
                extraDhcpOpts: port.extraDhcpOpts.map(option => ({
                  name: option.opt_name,
                  value: option.opt_value,
                  ipVersion: option.ip_version,
                })),
              }),
        },
  }
}

/** What a reload says has changed, wider than what was asked for where one thing follows from another. */
export interface Reloaded {
  readonly hosts: ReadonlySet<string>
  /** The host of DHCP and routers is concerned. */
  readonly node: boolean
}

export function createWiringModel() {
  const networks = new Map<string, KnownNetwork>()
  const ports = new Map<string, KnownPort>()
  const groups = new Map<string, KnownGroup>()
  const routers = new Map<string, KnownRouter>()
  const byNetwork = new Index()
  const byHost = new Index()
  const byGroup = new Index()
  /** Group → groups with rules that name it. */
  const namedBy = new Index()

  /** Addresses of a group's members, sorted: worked out once for all hosts that must know them, and the same list while nothing changed. */
  const members = new Map<string, readonly string[]>()
  const changed = new Set<string>()
  function membersOf(group: string): readonly string[] {
    const known = members.get(group)
    if (known !== undefined && !changed.has(group)) return known
    changed.delete(group)
    const found = [...new Set([...byGroup.of(group)].flatMap(port => ports.get(port)?.addresses ?? []))].sort()
    if (known !== undefined && known.length === found.length && known.every((one, index) => one === found[index]))
      return known
    if (found.length === 0) members.delete(group)
    else members.set(group, found)
    return found
  }

  function forgetPort(id: string): KnownPort | undefined {
    const known = ports.get(id)
    if (known === undefined) return undefined
    ports.delete(id)
    byNetwork.remove(known.port.networkId, id)
    if (known.state !== null) byHost.remove(known.port.hostId, id)
    for (const group of known.groups) {
      byGroup.remove(group, id)
      changed.add(group)
    }
    return known
  }
  function keepPort(known: KnownPort): void {
    const { id, networkId, hostId } = known.port
    ports.set(id, known)
    byNetwork.add(networkId, id)
    if (known.state !== null) byHost.add(hostId, id)
    for (const group of known.groups) {
      byGroup.add(group, id)
      changed.add(group)
    }
  }
  const hostsOfNetwork = (id: string): string[] =>
    [...byNetwork.of(id)].flatMap(port => {
      const known = ports.get(port)
      return known?.state === null || known === undefined ? [] : [known.port.hostId]
    })
  const hostsOfGroup = (id: string): string[] =>
    [...byGroup.of(id)].flatMap(port => {
      const known = ports.get(port)
      return known?.state === null || known === undefined ? [] : [known.port.hostId]
    })
  /** Hosts that know the addresses of a group's members. */
  const hostsNaming = (id: string): string[] => [...namedBy.of(id)].flatMap(hostsOfGroup)

  async function loadPorts(q: Q, asked: readonly string[], hosts: Set<string>): Promise<boolean> {
    const { ids, extras } = await extrasOf(q, asked)
    const found = await portsDb.byIds(q, ids)
    const there = [...found.keys()]
    const ips = await allocationsDb.ofPorts(q, there)
    const groupsOf = await portsDb.groupsOf(q, there)
    const unknown = new Set<string>()
    for (const id of ids) {
      const before = forgetPort(id)
      const port = found.get(id)
      const after =
        port === undefined
          ? undefined
          : knownPort(port, ips.get(id) ?? [], groupsOf.get(id) ?? [], extras.get(id) ?? {})
      if (after !== undefined) keepPort(after)
      for (const known of [before, after]) {
        if (known === undefined) continue
        if (known.state !== null) hosts.add(known.port.hostId)
        // Members are known by their addresses wherever a rule names the group.
        for (const group of known.groups) for (const host of hostsNaming(group)) hosts.add(host)
        for (const group of known.groups) if (!groups.has(group)) unknown.add(group)
      }
    }
    if (unknown.size > 0) await loadGroups(q, [...unknown], hosts)
    return ids.length > 0
  }
  async function loadNetworks(q: Q, ids: readonly string[], hosts: Set<string>): Promise<void> {
    const found = await networksDb.byIds(q, ids)
    const subnets = await subnetsDb.ofNetworks(q, found.keys())
    const said = await schedulesDb.of(q, ids)
    const inside = await inChunks(ids, some =>
      q.selectFrom('ports').select('id').where('network_id', 'in', some).execute(),
    )
    for (const id of ids) {
      for (const host of hostsOfNetwork(id)) hosts.add(host)
      const network = found.get(id)
      if (network === undefined) networks.delete(id)
      else
        networks.set(id, {
          network,
          subnets: subnets.filter(one => one.networkId === id).map(subnetState),
          served: said.get(id) ?? true,
        })
    }
    const known = ids.flatMap(id => [...byNetwork.of(id)])
    await loadPorts(q, [...new Set([...known, ...inside.map(row => row.id)])], hosts)
    for (const id of ids) for (const host of hostsOfNetwork(id)) hosts.add(host)
  }
  async function loadGroups(q: Q, ids: readonly string[], hosts: Set<string>): Promise<void> {
    const found = await securityGroupsDb.byIds(q, ids)
    const rules = await rulesDb.ofGroups(q, found.keys())
    const sets = await addressGroupsDb.byIds(q, new Set(rules.flatMap(rule => rule.remoteAddressGroupId ?? [])))
    for (const id of ids) {
      for (const remote of groups.get(id)?.remoteGroups ?? []) namedBy.remove(remote, id)
      groups.delete(id)
      const group = found.get(id)
      if (group !== undefined) {
        const own = rules.filter(rule => rule.securityGroupId === id)
        const remoteGroups = [...new Set(own.flatMap(rule => rule.remoteGroupId ?? []))]
        for (const remote of remoteGroups) namedBy.add(remote, id)
        groups.set(id, {
          remoteGroups,
          addressSets: new Map(
            own.flatMap(rule => {
              const set = sets.get(rule.remoteAddressGroupId ?? '')
              return set === undefined ? [] : [[set.id, [...set.addresses].sort()] as const]
            }),
          ),
          state: {
            id,
            stateful: group.stateful,
            rules: own.map(rule => ({
              id: rule.id,
              direction: rule.direction,
              ethertype: rule.ethertype,
              protocol: rule.protocol,
              portMin: rule.portMin,
              portMax: rule.portMax,
              remote:
                rule.remoteGroupId !== null
                  ? { addressSet: rule.remoteGroupId }
                  : rule.remoteAddressGroupId !== null
                    ? { addressSet: rule.remoteAddressGroupId }
                    : rule.normalizedCidr !== null
                      ? { cidr: rule.normalizedCidr }
                      : null,
            })),
          },
        })
      }
      for (const host of hostsOfGroup(id)) hosts.add(host)
    }
  }
  async function loadRouters(q: Q, ids: readonly string[]): Promise<void> {
    const found = await routersDb.byIds(q, ids)
    const there = [...found.keys()]
    const own = (await portsDb.ofDevices(q, there)).filter(
      port => port.deviceOwner === ROUTER_INTERFACE || port.deviceOwner === ROUTER_GATEWAY,
    )
    const ips = await allocationsDb.ofPorts(
      q,
      own.map(port => port.id),
    )
    const subnets = await subnetsDb.byIds(q, new Set([...ips.values()].flat().map(ip => ip.subnetId)))
    const floating = await floatingIpsDb.ofRouters(q, there)
    const effects = await effectsOf(
      q,
      new Map([
        ...there.map(id => [id, found.get(id)?.gatewayNetworkId ?? null] as const),
        ...floating.map(one => [one.id, one.floatingNetworkId] as const),
      ]),
    )
    const withQos = (id: string): { qos?: QosState } => {
      const qos = effects.get(id)
      return qos === undefined ? {} : { qos }
    }
    const forwarded = await portForwardingsDb.ofFloatingIps(
      q,
      floating.map(one => one.id),
    )
    const said = await schedulesDb.of(q, there)
    for (const id of ids) {
      const router = found.get(id)
      if (router === undefined || said.get(id) === false) {
        routers.delete(id)
        continue
      }
      const withPrefix = (portId: string): AddressWithPrefix[] =>
        (ips.get(portId) ?? []).flatMap(ip => {
          const subnet = subnets.get(ip.subnetId)
          return subnet === undefined ? [] : [{ ip: ip.ip, prefix: cidrOf(subnet).prefix }]
        })
      const mine = own.filter(port => port.deviceId === id)
      const gateway = mine.find(port => port.id === router.gatewayPortId)
      routers.set(id, {
        portIds: mine.map(port => port.id),
        networkIds: [...new Set(mine.map(port => port.networkId))],
        state: {
          id,
          adminUp: router.adminStateUp,
          gateway:
            gateway === undefined
              ? null
              : {
                  portId: gateway.id,
                  mac: gateway.macAddress,
                  networkId: gateway.networkId,
                  ips: withPrefix(gateway.id),
                  nexthops: (ips.get(gateway.id) ?? []).flatMap(ip => subnets.get(ip.subnetId)?.gatewayIp ?? []),
                  snat: router.enableSnat,
                  ...withQos(id),
                },
          interfaces: mine
            // Further gateways are addresses on further networks: the default route is the first one's.
            .filter(port => port.id !== router.gatewayPortId)
            .map(port => ({
              portId: port.id,
              mac: port.macAddress,
              networkId: port.networkId,
              ips: withPrefix(port.id),
            })),
          routes: router.routes,
          floatingIps: floating
            .filter(one => one.routerId === id && one.fixedIpAddress !== null)
            .map(one => ({
              id: one.id,
              floating: one.floatingIpAddress,
              fixed: one.fixedIpAddress ?? '',
              ...withQos(one.id),
            })),
          portForwardings: floating
            .filter(one => one.routerId === id)
            .flatMap(one => (forwarded.get(one.id) ?? []).map(each => forwardingState(one.floatingIpAddress, each))),
        },
      })
    }
  }

  return {
    networks: networks as ReadonlyMap<string, KnownNetwork>,
    ports: ports as ReadonlyMap<string, KnownPort>,
    groups: groups as ReadonlyMap<string, KnownGroup>,
    routers: routers as ReadonlyMap<string, KnownRouter>,
    portsOfNetwork: (id: string): ReadonlySet<string> => byNetwork.of(id),
    portsOfHost: (host: string): ReadonlySet<string> => byHost.of(host),
    membersOf,
    hosts: (): Iterable<string> => byHost.keys(),
    dhcpPortOf(networkId: string): KnownPort | undefined {
      for (const id of byNetwork.of(networkId)) {
        const known = ports.get(id)
        if (known?.port.deviceOwner === DHCP) return known
      }
      return undefined
    },
    /** Reads these anew. */
    async reload(
      q: Q,
      what: {
        networks: Iterable<string>
        ports: Iterable<string>
        groups: Iterable<string>
        routers: Iterable<string>
      },
    ): Promise<Reloaded> {
      const hosts = new Set<string>()
      const networkIds = [...what.networks]
      const portIds = [...what.ports]
      const routerIds = [...what.routers]
      if (networkIds.length > 0) await loadNetworks(q, networkIds, hosts)
      await loadPorts(q, portIds, hosts)
      const groupIds = [...what.groups]
      if (groupIds.length > 0) await loadGroups(q, groupIds, hosts)
      if (routerIds.length > 0) await loadRouters(q, routerIds)
      return { hosts, node: networkIds.length > 0 || portIds.length > 0 || routerIds.length > 0 }
    },
    /** Reads everything. */
    async load(q: Q): Promise<void> {
      const idsOf = async (table: 'networks' | 'routers' | 'security_groups'): Promise<string[]> =>
        (await q.selectFrom(table).select('id').execute()).map(row => row.id)
      const hosts = new Set<string>()
      await loadNetworks(q, await idsOf('networks'), hosts)
      await loadRouters(q, await idsOf('routers'))
      const used = [...new Set([...ports.values()].flatMap(known => known.groups))].filter(id => !groups.has(id))
      if (used.length > 0) await loadGroups(q, used, hosts)
    },
  }
}
export type WiringModel = ReturnType<typeof createWiringModel>
