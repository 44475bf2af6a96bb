// Neutron's columns as they lie in the database. Ids are made by us; times are UTC text; JSON is text with a codec.
import type { Flag, Json, TimeText } from '#kernel/db/codecs.ts'
import type { MoreTables } from '#services/neutron/db/tables-more.ts'

/** What every noun with standard attributes has. */
export interface StandardColumns {
  id: string
  project_id: string
  name: string
  description: string
  created_at: TimeText
  updated_at: TimeText
  /** Raised by one with every change of it or of what belongs to it. */
  revision_number: number
}
export interface NetworkTable extends StandardColumns {
  admin_state_up: Flag
  shared: Flag
  external: Flag
  mtu: number
  port_security_enabled: Flag
  network_type: string
  /** Empty where the type has none: then type and segmentation id alone are unique. */
  physical_network: string
  segmentation_id: number | null
  availability_zone_hints: Json<string[]>
  /** The one external network that topologies made by themselves lead out by. */
  is_default: Flag
  dns_domain: string
}
export interface Range {
  readonly start: string
  readonly end: string
}
export interface Route {
  readonly destination: string
  readonly nexthop: string
}
export interface SubnetTable extends StandardColumns {
  network_id: string
  ip_version: number
  cidr: string
  gateway_ip: string | null
  enable_dhcp: Flag
  ipv6_ra_mode: string | null
  ipv6_address_mode: string | null
  allocation_pools: Json<Range[]>
  dns_nameservers: Json<string[]>
  host_routes: Json<Route[]>
  service_types: Json<string[]>
  subnetpool_id: string | null
  segment_id: string | null
}
export interface SubnetPoolTable extends StandardColumns {
  ip_version: number
  prefixes: Json<string[]>
  default_prefixlen: number
  min_prefixlen: number
  max_prefixlen: number
  default_quota: number | null
  is_default: Flag
  shared: Flag
  address_scope_id: string | null
}
export interface AddressPair {
  readonly mac_address: string
  readonly ip_address: string
}
export interface DhcpOption {
  readonly opt_name: string
  readonly opt_value: string
  readonly ip_version: 4 | 6
}
export interface PortTable extends StandardColumns {
  network_id: string
  admin_state_up: Flag
  status: string
  mac_address: string
  device_id: string
  device_owner: string
  port_security_enabled: Flag
  allowed_address_pairs: Json<AddressPair[]>
  extra_dhcp_opts: Json<DhcpOption[]>
  host_id: string
  vif_type: string
  vif_details: Json<Record<string, unknown>>
  vnic_type: string
  profile: Json<Record<string, unknown>>
  dns_name: string
}
/** invariant: one address belongs to one port; the key says so. */
export interface AllocationTable {
  subnet_id: string
  /** The address as hexadecimal digits of one length, so that text order is the order of addresses. */
  ip_key: string
  ip_address: string
  port_id: string
  network_id: string
  /** Its place in the port's list. */
  position: number
}
export interface SecurityGroupTable extends StandardColumns {
  stateful: Flag
  shared: Flag
}
/** invariant: a project has one default group; the key says so. */
export interface DefaultSecurityGroupTable {
  project_id: string
  security_group_id: string
}
export interface SecurityGroupRuleTable {
  id: string
  project_id: string
  security_group_id: string
  direction: string
  ethertype: string
  protocol: string | null
  port_range_min: number | null
  port_range_max: number | null
  remote_ip_prefix: string | null
  normalized_cidr: string | null
  remote_group_id: string | null
  remote_address_group_id: string | null
  description: string
  /** Everything that makes it a rule, as one text: no group has the same rule twice. */
  fingerprint: string
  created_at: TimeText
  updated_at: TimeText
  revision_number: number
}
export interface PortSecurityGroupTable {
  port_id: string
  security_group_id: string
}
export interface RouterTable extends StandardColumns {
  admin_state_up: Flag
  status: string
  gateway_port_id: string | null
  gateway_network_id: string | null
  enable_snat: Flag
  enable_default_route_bfd: Flag
  enable_default_route_ecmp: Flag
  routes: Json<Route[]>
  availability_zone_hints: Json<string[]>
}
export interface FloatingIpTable extends Omit<StandardColumns, 'name'> {
  floating_ip_address: string
  floating_network_id: string
  /** The port on the external network that holds the address. */
  floating_port_id: string
  router_id: string | null
  port_id: string | null
  fixed_ip_address: string | null
  status: string
  dns_name: string
  dns_domain: string
}
export interface TagTable {
  resource_id: string
  tag: string
}
export interface QuotaTable {
  project_id: string
  resource: string
  hard_limit: number
}
export interface AgentTable {
  id: string
  agent_type: string
  binary: string
  topic: string
  host: string
  availability_zone: string | null
  admin_state_up: Flag
  description: string
  configurations: Json<Record<string, unknown>>
  created_at: TimeText
  started_at: TimeText
  heartbeat_at: TimeText
}

/** What an operator said of a network's DHCP or a router. */
export interface ScheduleTable {
  resource_id: string
  hosted: Flag
}

export interface QosPolicyTable extends StandardColumns {
  shared: Flag
  is_default: Flag
}
/** invariant: a policy has one rule of a kind in a direction; the key says so. */
export interface QosRuleTable {
  id: string
  policy_id: string
  type: string
  /** Empty where the kind has none. */
  direction: string
  max_kbps: number | null
  max_burst_kbps: number | null
  min_kbps: number | null
  max_kpps: number | null
  max_burst_kpps: number | null
  min_kpps: number | null
  dscp_mark: number | null
}
export interface QosBindingTable {
  object_id: string
  kind: string
  policy_id: string
}
export interface TrunkTable extends StandardColumns {
  port_id: string
  admin_state_up: Flag
  status: string
}
/** invariant: a port is in one trunk; a number is one port's in a trunk. */
export interface SubportTable {
  port_id: string
  trunk_id: string
  segmentation_type: string
  segmentation_id: number
}

export interface NeutronTables extends MoreTables {
  networks: NetworkTable
  subnets: SubnetTable
  subnetpools: SubnetPoolTable
  ports: PortTable
  allocations: AllocationTable
  security_groups: SecurityGroupTable
  default_security_groups: DefaultSecurityGroupTable
  security_group_rules: SecurityGroupRuleTable
  port_security_groups: PortSecurityGroupTable
  routers: RouterTable
  floatingips: FloatingIpTable
  tags: TagTable
  quotas: QuotaTable
  agents: AgentTable
  schedules: ScheduleTable
  qos_policies: QosPolicyTable
  qos_rules: QosRuleTable
  qos_bindings: QosBindingTable
  trunks: TrunkTable
  subports: SubportTable
}
