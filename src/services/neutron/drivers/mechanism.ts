// The port between Neutron and a host's network: the whole wanted state goes in as plain JSON, what is really wired comes out.
// Level-triggered: a driver compares with what is there and converges; to repeat it is harmless, to miss one is repaired by the next.

/** Everything that one host's network should be. Ids are UUIDs; addresses and CIDRs are in their ordinary text form. */
export interface HostNetworkState {
  /** The host this is for, as Nova calls it. */
  readonly host: string
  readonly networks: readonly NetworkState[]
  /** Ports whose guests are on this host. Router and DHCP ports are not here: routers and networks carry them. */
  readonly ports: readonly PortState[]
  readonly securityGroups: readonly SecurityGroupState[]
  /** Addresses that rules name by id: the members of a remote group, or a remote address group. Addresses or CIDRs, both families. */
  readonly addressSets: Readonly<Record<string, readonly string[]>>
  readonly routers: readonly RouterState[]
}

export interface NetworkState {
  readonly id: string
  readonly kind: 'flat' | 'vlan' | 'vxlan' | 'local'
  /** The VXLAN or VLAN number; used only between hosts. */
  readonly segmentationId?: number
  /** The operator's name of what a flat or VLAN network runs over. */
  readonly physicalNetwork?: string
  /** What of this network lives on other hosts, for VXLAN: each hardware address and the host to send it to. */
  readonly remotes?: readonly RemoteState[]
  readonly mtu: number
  readonly adminUp: boolean
  /** `router:external`: its gateway address is owned by the `external` namespace, from which floating IPs are reached. */
  readonly external: boolean
  readonly dnsDomain?: string
  readonly subnets: readonly SubnetState[]
  /** Present when this host serves DHCP (and metadata) for the network. */
  readonly dhcpPort?: DhcpPortState
  /** Ports of this network on other hosts that get their addresses from this one. */
  readonly reservations?: readonly Reservation[]
}

/** Something of a network on another host: frames for `mac` go to `host`; ARP and ND for `ips` are answered here. */
export interface RemoteState {
  readonly mac: string
  readonly ips: readonly string[]
  /** The other host's address in the network below. */
  readonly host: string
}

export interface SubnetState {
  readonly id: string
  readonly cidr: string
  readonly ipVersion: 4 | 6
  readonly gatewayIp: string | null
  readonly dhcp: boolean
  readonly pools: readonly { readonly start: string; readonly end: string }[]
  readonly dnsServers: readonly string[]
  readonly hostRoutes: readonly { readonly destination: string; readonly nexthop: string }[]
  /** Both null for IPv4, and for IPv6 whose addresses are given by hand. */
  readonly ipv6AddressMode?: Ipv6Mode | null
  readonly ipv6RaMode?: Ipv6Mode | null
}

export type Ipv6Mode = 'slaac' | 'dhcpv6-stateful' | 'dhcpv6-stateless'

export interface AddressOnSubnet {
  readonly subnetId: string
  readonly ip: string
}

export interface DhcpPortState {
  readonly id: string
  readonly mac: string
  readonly ips: readonly AddressOnSubnet[]
}

/** What DHCP must know of a port: also part of {@link PortState}. */
export interface Reservation {
  readonly id: string
  readonly mac: string
  readonly fixedIps: readonly AddressOnSubnet[]
  /** One label, as guests see it; default `host-10-0-0-5`. */
  readonly hostname?: string
  readonly extraDhcpOpts?: readonly { readonly name: string; readonly value: string; readonly ipVersion: 4 | 6 }[]
}

export interface PortState extends Reservation {
  readonly networkId: string
  readonly adminUp: boolean
  /** False: neither anti-spoofing nor security groups; every frame passes. */
  readonly portSecurity: boolean
  /** `mac` defaults to the port's own. `ip` is an address or a CIDR. */
  readonly allowedAddressPairs: readonly { readonly mac?: string; readonly ip: string }[]
  readonly securityGroupIds: readonly string[]
  readonly deviceOwner: string
  /** The server's id. */
  readonly deviceId: string
  /** A subport of a trunk: its frames come and go through the parent's device with this VLAN number. */
  readonly trunk?: { readonly parentId: string; readonly segmentationId: number }
  readonly qos?: QosState
}

/** A burst of 0 lets the driver choose. */
export interface Limit {
  readonly rate: number
  readonly burst: number
}
/** Limits and marks; egress is what the guest (or the router) sends. Rates in thousands of bits and of packets a second. */
export interface QosState {
  readonly egressKbps?: Limit
  readonly ingressKbps?: Limit
  readonly egressKpps?: Limit
  readonly ingressKpps?: Limit
  readonly dscp?: number
}

export interface SecurityGroupState {
  readonly id: string
  /** False: replies need a rule of their own. */
  readonly stateful: boolean
  readonly rules: readonly SecurityRuleState[]
}

export interface SecurityRuleState {
  readonly id: string
  readonly direction: 'ingress' | 'egress'
  readonly ethertype: 'IPv4' | 'IPv6'
  /** A name of Neutron's (`tcp`, `icmp`, `vrrp`, …), a number as text, or null for any. */
  readonly protocol: string | null
  /** Ports; for ICMP the type and the code. */
  readonly portMin: number | null
  readonly portMax: number | null
  readonly remote: { readonly cidr: string } | { readonly addressSet: string } | null
}

export interface AddressWithPrefix {
  readonly ip: string
  readonly prefix: number
}

export interface RouterState {
  readonly id: string
  readonly adminUp: boolean
  readonly gateway: RouterGatewayState | null
  readonly interfaces: readonly RouterInterfaceState[]
  readonly routes: readonly { readonly destination: string; readonly nexthop: string }[]
  readonly floatingIps: readonly FloatingIpState[]
  readonly portForwardings?: readonly PortForwardingState[]
}

export interface FloatingIpState {
  readonly id: string
  readonly floating: string
  readonly fixed: string
  readonly qos?: QosState
}

export interface RouterGatewayState {
  readonly portId: string
  readonly mac: string
  readonly networkId: string
  readonly ips: readonly AddressWithPrefix[]
  /** The external subnets' own gateways: default routes, one per family. */
  readonly nexthops: readonly string[]
  /** `enable_snat`. */
  readonly snat: boolean
  /** On what has the gateway's own address. */
  readonly qos?: QosState
}

export interface RouterInterfaceState {
  readonly portId: string
  readonly mac: string
  readonly networkId: string
  readonly ips: readonly AddressWithPrefix[]
}

export interface PortForwardingState {
  readonly id: string
  readonly floating: string
  readonly protocol: 'tcp' | 'udp'
  readonly externalPort: number
  readonly externalPortEnd?: number
  readonly fixed: string
  readonly internalPort: number
  readonly internalPortEnd?: number
}

/** `up`: wired and filtered. `down`: not wanted up, or the guest's device is not there yet. `failed`: why, in one sentence. */
export type Wired = 'up' | 'down' | { readonly failed: string }

/** Only failures and waits are worth a look; one bad thing never stops the others. */
export interface ApplyResult {
  readonly ports: Readonly<Record<string, Wired>>
  readonly networks: Readonly<Record<string, Wired>>
  readonly routers: Readonly<Record<string, Wired>>
}

/** What a driver can do on this machine, and in `says` one sentence for each thing it cannot. */
export interface MechanismCapabilities {
  readonly driver: string
  /** False: no packet moves. */
  readonly real: boolean
  readonly firewall: 'conntrack' | 'reflexive' | 'none'
  readonly ipv6: boolean
  /** Networks span hosts. */
  readonly overlay: boolean
  /** This host's own address in the network below, where VXLAN comes from and goes to. */
  readonly tunnelIp?: string
  /** VLAN devices can be made: trunks, and VLAN networks. */
  readonly vlan?: boolean
  /** Guests reach the world outside. */
  readonly egress: boolean
  readonly says: readonly string[]
}

/** What is really there, for the audit; read from the system, not remembered. */
export interface MechanismInventory {
  readonly namespaces: readonly string[]
  readonly links: readonly {
    readonly name: string
    readonly master: string | null
    readonly up: boolean
    readonly mtu: number
  }[]
  readonly dhcpServers: readonly {
    readonly networkId: string
    readonly pid: number
    readonly hosts: readonly { readonly mac: string; readonly ips: readonly string[] }[]
    readonly leases: readonly { readonly mac: string; readonly ip: string }[]
  }[]
  /** Per filtered port how many rules stand in its chains, and whether each chain ends by dropping the rest. */
  readonly filters: Readonly<
    Record<string, { readonly rules: number; readonly defaultDeny: boolean; readonly digest: string }>
  >
  readonly routers: readonly { readonly routerId: string; readonly floatingIps: Readonly<Record<string, string>> }[]
  /** Networks and routers where metadata is answered. */
  readonly metadata: readonly string[]
}

/** A guest's request to 169.254.169.254, with where it came from: enough to know which port asked. */
export interface MetadataRequest {
  readonly method: string
  readonly path: string
  readonly headers: Readonly<Record<string, string>>
  readonly body: Uint8Array
  readonly sourceIp: string
  /** One of the two is set: where the request arrived. */
  readonly networkId?: string
  readonly routerId?: string
}

export interface MetadataReply {
  readonly status: number
  readonly headers?: Readonly<Record<string, string>>
  readonly body: string | Uint8Array
}

export type OnMetadata = (request: MetadataRequest) => Promise<MetadataReply>

/** One host's network. */
export interface Mechanism {
  readonly capabilities: MechanismCapabilities
  /**
   * Makes the host as `desired` says. Calls that arrive while one runs are served together by the next run, with the newest state.
   * The first run of a process compares with the machine itself (guests and rules of an earlier process are adopted), later ones with
   * what was applied; `full` asks for the first kind again. Rejects only when nothing at all can be done.
   */
  apply(desired: HostNetworkState, options?: { full?: boolean }): Promise<ApplyResult>
  /**
   * Calls back when a guest's device came or went, so that `apply` may be called again: compute makes devices, this wires them.
   * Returns the end of it.
   */
  watch(changed: () => void): () => void
  /** Resolves when background work of the last apply (metadata sockets) is finished. */
  settled(): Promise<void>
  inventory(): Promise<MechanismInventory>
  /** The digest that `inventory().filters` should show for each filtered port of this state. */
  expectedFilters(desired: HostNetworkState): Readonly<Record<string, string>>
  /** Removes everything it ever made on this host. */
  remove(): Promise<void>
  /** Lets go; guests and networks run on. */
  close(): Promise<void>
}
