// Device owners: what kind of thing a port belongs to.
export const ROUTER_INTERFACE = 'network:router_interface'
export const ROUTER_GATEWAY = 'network:router_gateway'
export const FLOATING_IP = 'network:floatingip'
export const DHCP = 'network:dhcp'

/** Ports of routers, whose addresses are told to guests rather than taken by them. */
export const isRouterPort = (owner: string): boolean => owner === ROUTER_INTERFACE || owner === ROUTER_GATEWAY
/** Ports that only the verbs of their owners may remove. */
export const isServicePort = (owner: string): boolean => isRouterPort(owner) || owner === FLOATING_IP
/** Ports that vanish with their network. */
export const isAutoRemoved = (owner: string): boolean => owner === DHCP
/** Neutron's own ports are trusted: no security groups, no anti-spoofing. */
export const isTrusted = (owner: string): boolean => owner.startsWith('network:')
export const isCompute = (owner: string): boolean => owner.startsWith('compute:')
