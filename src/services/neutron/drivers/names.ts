// Names of devices, namespaces and chains, all derived from ids: what is on the machine tells whose it is.

/** Interface names end at 15 characters, so eleven of the id are used, as Neutron does. */
const short = (id: string): string => id.slice(0, 11)

export const bridgeName = (networkId: string): string => `br-${short(networkId)}`
/** The guest's device; Nova's compute makes it by this name. */
export const tapName = (portId: string): string => `tap${short(portId)}`
/** A subport's: a VLAN of its parent's device, made by us. Another number is another device. */
const subportName = (portId: string, number: number): string => `sp-${portId.slice(0, 8)}${number.toString(36)}`
/** A network's way to other hosts. */
export const vxlanName = (networkId: string): string => `vx-${short(networkId)}`
/** Where a port's frames come and go. */
export const portDevice = (port: {
  readonly id: string
  readonly trunk?: { readonly segmentationId: number }
}): string => (port.trunk === undefined ? tapName(port.id) : subportName(port.id, port.trunk.segmentationId))
/** Beside a port whose sending is limited. */
export const ifbName = (portId: string): string => `qi-${short(portId)}`
export const IFB_DEVICE = /^qi-/
export const routerNamespace = (routerId: string): string => `qrouter-${routerId}`
export const dhcpNamespace = (networkId: string): string => `qdhcp-${networkId}`

/** Pairs: the first end is inside a namespace, the second on the network's bridge. */
export const dhcpPair = (portId: string): readonly [string, string] => [`ns-${short(portId)}`, `dh-${short(portId)}`]
export const routerPair = (portId: string): readonly [string, string] => [`qr-${short(portId)}`, `rp-${short(portId)}`]
export const gatewayPair = (portId: string): readonly [string, string] => [`qg-${short(portId)}`, `gp-${short(portId)}`]
export const externalPair = (networkId: string): readonly [string, string] => [
  `ex-${short(networkId)}`,
  `xp-${short(networkId)}`,
]

/** Devices in the fabric that are ours to remove when nothing wants them. Taps are compute's and stay. */
export const OWN_DEVICE = /^(br|dh|rp|gp|xp|vx|sp|sq|vl|qi)-/
export const TAP_DEVICE = /^tap/

/** The namespace that owns the external networks' gateway addresses; the fabric makes it by this name. */
export const EXTERNAL = 'external'

/** An id inside an nft identifier. */
export const word = (id: string): string => id.replaceAll('-', '_')
export const chainWord = (portId: string): string => word(short(portId))
