// Networks that span hosts: per VXLAN network a device on its bridge, and where each hardware address of another host is to be sent.
import type { HostNetworkState, NetworkState } from '#services/neutron/drivers/mechanism.ts'
import { ip, mac, whole } from '#services/neutron/drivers/checked.ts'
import { vxlanName } from '#services/neutron/drivers/names.ts'

export const VXLAN_PORT = 4789
/** Broadcasts and multicasts: ARP, DHCP, advertisements. They go to the hosts that have a part of the network, and to no other. */
const TO_ALL = '00:00:00:00:00:00'

export interface OverlayDevice {
  readonly networkId: string
  readonly device: string
  readonly number: number
  readonly mtu: number
  /** Forwarding entries: for `bridge fdb`, without verb. */
  readonly entries: ReadonlySet<string>
}

const spans = (network: NetworkState): boolean =>
  network.kind === 'vxlan' && network.segmentationId !== undefined && (network.remotes?.length ?? 0) > 0

/** A network that lives on this host alone needs no device. */
export function overlayOf(state: HostNetworkState): OverlayDevice[] {
  return state.networks.filter(spans).map(network => {
    const device = vxlanName(network.id)
    const entries = new Set<string>()
    for (const remote of network.remotes ?? []) {
      const host = ip(remote.host)
      entries.add(`${mac(remote.mac)} dev ${device} dst ${host} self static`)
      entries.add(`${mac(remote.mac)} dev ${device} master static`)
      entries.add(`${TO_ALL} dev ${device} dst ${host} self permanent`)
    }
    return {
      networkId: network.id,
      device,
      number: whole(network.segmentationId ?? 0, 1, 16_777_215, 'a VXLAN number'),
      mtu: whole(network.mtu, 68, 65_535, 'an MTU'),
      entries,
    }
  })
}

/** Names of overlay devices of a state, with their networks. */
export const overlayDevices = (state: HostNetworkState): (readonly [string, string])[] =>
  state.networks.filter(spans).map(network => [vxlanName(network.id), network.id] as const)
