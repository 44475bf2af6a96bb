// Columns of the nouns beside networks, ports and routers; see tables.ts.
import type { Flag, Json } from '#kernel/db/codecs.ts'
import type { StandardColumns } from '#services/neutron/db/tables.ts'

/** Bindings that are not in force; the one that is stands in its port's own columns. */
export interface PortBindingTable {
  port_id: string
  host: string
  vif_type: string
  vif_details: Json<Record<string, unknown>>
  vnic_type: string
  profile: Json<Record<string, unknown>>
}

/** Who may see and use somebody's thing: one project, or `*`. */
export interface RbacPolicyTable {
  id: string
  project_id: string
  object_type: string
  object_id: string
  target_project: string
  action: string
}
export interface AddressScopeTable extends StandardColumns {
  ip_version: number
  /** invariant: 1 exactly when a policy shares it with everybody; so in every noun that can be shared. */
  shared: Flag
}
export interface AddressGroupTable extends StandardColumns {
  addresses: Json<string[]>
  shared: Flag
}

export interface PortForwardingTable extends StandardColumns {
  floatingip_id: string
  protocol: string
  external_port: number
  external_port_end: number
  internal_port_id: string
  internal_ip_address: string
  internal_port: number
  internal_port_end: number
}
export interface ConntrackHelperTable extends StandardColumns {
  router_id: string
  protocol: string
  port: number
  helper: string
}

export interface MeteringLabelTable extends StandardColumns {
  shared: Flag
}
export interface MeteringLabelRuleTable extends StandardColumns {
  metering_label_id: string
  direction: string
  excluded: Flag
  remote_ip_prefix: string
}
export interface ServiceFlavorTable extends StandardColumns {
  service_type: string
  service_profiles: Json<string[]>
  enabled: Flag
}
export interface ServiceProfileTable extends StandardColumns {
  driver: string
  metainfo: string
  enabled: Flag
}
/** What groups that are made begin with. `remote_group_id` may be `PARENT`: the group itself. */
export interface DefaultRuleTable extends StandardColumns {
  direction: string
  ethertype: string
  protocol: string | null
  port_range_min: number | null
  port_range_max: number | null
  remote_ip_prefix: string | null
  remote_group_id: string | null
  remote_address_group_id: string | null
  fingerprint: string
  used_in_default_sg: Flag
  used_in_non_default_sg: Flag
}
/** Whether new groups of a project are stateful; the empty project speaks for all that say nothing. */
export interface DefaultStatefulnessTable extends StandardColumns {
  stateful: Flag
}
export interface SegmentTable extends StandardColumns {
  network_id: string
  network_type: string
  physical_network: string | null
  segmentation_id: number | null
}
export interface SegmentRangeTable extends StandardColumns {
  is_default: Flag
  shared: Flag
  network_type: string
  physical_network: string
  minimum: number
  maximum: number
}
export interface AutoTopologyTable {
  project_id: string
  network_id: string
  router_id: string
}

export interface MoreTables {
  metering_labels: MeteringLabelTable
  metering_label_rules: MeteringLabelRuleTable
  service_flavors: ServiceFlavorTable
  service_profiles: ServiceProfileTable
  default_security_group_rules: DefaultRuleTable
  default_statefulness: DefaultStatefulnessTable
  segments: SegmentTable
  segment_ranges: SegmentRangeTable
  auto_topologies: AutoTopologyTable
  port_forwardings: PortForwardingTable
  conntrack_helpers: ConntrackHelperTable
  rbac_policies: RbacPolicyTable
  address_scopes: AddressScopeTable
  address_groups: AddressGroupTable
  port_bindings: PortBindingTable
}
