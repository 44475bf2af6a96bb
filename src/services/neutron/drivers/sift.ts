// Takes out of a wanted state what cannot be used, so that one bad thing fails alone. Network trouble takes its ports along.
import type { HostNetworkState, NetworkState, PortState, RouterState } from '#services/neutron/drivers/mechanism.ts'
import { cidr, family, id, ip, mac, reason, whole } from '#services/neutron/drivers/checked.ts'
import { routerPlan } from '#services/neutron/drivers/router-plan.ts'

/** Why things are left out, by id. */
export interface Refused {
  readonly networks: Map<string, string>
  readonly ports: Map<string, string>
  readonly routers: Map<string, string>
}

/** Throws where the network's own values cannot be used. */
export function checkNetwork(network: NetworkState): void {
  id(network.id)
  whole(network.mtu, 68, 65_535, 'an MTU')
  for (const subnet of network.subnets) {
    id(subnet.id)
    if (family(cidr(subnet.cidr)) !== subnet.ipVersion)
      throw new Error(`subnet ${subnet.id} is not of its own IP version`)
    if (subnet.gatewayIp !== null) ip(subnet.gatewayIp)
  }
  if (network.dhcpPort !== undefined) {
    id(network.dhcpPort.id)
    mac(network.dhcpPort.mac)
    network.dhcpPort.ips.forEach(address => ip(address.ip))
  }
}
/** Throws where the port's own values cannot be used; its network is another matter. */
export function checkPort(port: PortState): void {
  id(port.id)
  mac(port.mac)
  port.fixedIps.forEach(fixed => ip(fixed.ip))
}
/** Throws where the router's own values cannot be used; the networks it is on are another matter. */
export function checkRouter(router: RouterState): void {
  id(router.id)
  router.interfaces.forEach(part => id(part.portId))
  if (router.gateway !== null) id(router.gateway.portId)
  routerPlan(router)
}
/** Networks that a router stands on. */
export const networksOf = (router: RouterState): string[] => [
  ...router.interfaces.map(part => part.networkId),
  ...(router.gateway === null ? [] : [router.gateway.networkId]),
]
export const notHere = (networkId: string): string => `its network ${networkId.slice(0, 36)} is not on this host`

/** The usable part of the state. Routers that are administratively down are not built at all, as Neutron's l3 agent does. */
export function sift(state: HostNetworkState): { usable: HostNetworkState; refused: Refused } {
  const refused: Refused = { networks: new Map(), ports: new Map(), routers: new Map() }
  const keep = <T extends { readonly id: string }>(
    items: readonly T[],
    into: Map<string, string>,
    check: (item: T) => void,
  ): T[] =>
    items.filter(item => {
      try {
        check(item)
        return true
      } catch (error) {
        into.set(item.id, reason(error))
        return false
      }
    })
  const networks = keep(state.networks, refused.networks, checkNetwork)
  const usableNetworks = new Set(networks.map(network => network.id))
  const onNetwork = (networkId: string): void => {
    if (!usableNetworks.has(networkId)) throw new Error(notHere(networkId))
  }
  const ports = keep(state.ports, refused.ports, port => {
    onNetwork(port.networkId)
    checkPort(port)
  })
  const routers = keep(
    state.routers.filter(router => router.adminUp),
    refused.routers,
    router => {
      networksOf(router).forEach(onNetwork)
      checkRouter(router)
    },
  )
  const securityGroups = state.securityGroups.filter(group => /^[0-9a-f-]{32,36}$/.test(group.id))
  return { usable: { ...state, networks, ports, routers, securityGroups }, refused }
}
