// Takes out of a wanted state what cannot be used, so that one bad thing fails alone. Network trouble takes its ports along.
import type { HostNetworkState } from '#services/neutron/drivers/mechanism.ts'
import { cidr, family, id, ip, mac, reason, whole } from '#services/neutron/drivers/checked.ts'
import { routerPlan } from '#services/neutron/drivers/router-plan.ts'

/** Why things are left out, by id. */
export interface Refused {
  readonly networks: Map<string, string>
  readonly ports: Map<string, string>
  readonly routers: Map<string, string>
}

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
        id(item.id)
        check(item)
        return true
      } catch (error) {
        into.set(item.id, reason(error))
        return false
      }
    })
  const networks = keep(state.networks, refused.networks, network => {
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
  })
  const usableNetworks = new Set(networks.map(network => network.id))
  const onNetwork = (networkId: string): void => {
    if (!usableNetworks.has(networkId)) throw new Error(`its network ${networkId.slice(0, 36)} is not on this host`)
  }
  const ports = keep(state.ports, refused.ports, port => {
    onNetwork(port.networkId)
    mac(port.mac)
    port.fixedIps.forEach(fixed => ip(fixed.ip))
  })
  const routers = keep(
    state.routers.filter(router => router.adminUp),
    refused.routers,
    router => {
      router.interfaces.forEach(part => (onNetwork(part.networkId), id(part.portId)))
      if (router.gateway !== null) {
        onNetwork(router.gateway.networkId)
        id(router.gateway.portId)
      }
      routerPlan(router)
    },
  )
  const securityGroups = state.securityGroups.filter(group => /^[0-9a-f-]{32,36}$/.test(group.id))
  return { usable: { ...state, networks, ports, routers, securityGroups }, refused }
}
