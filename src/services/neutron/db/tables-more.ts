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

export interface MoreTables {
  port_forwardings: PortForwardingTable
  conntrack_helpers: ConntrackHelperTable
  rbac_policies: RbacPolicyTable
  address_scopes: AddressScopeTable
  address_groups: AddressGroupTable
  port_bindings: PortBindingTable
}
