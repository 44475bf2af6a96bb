// Columns of the nouns beside networks, ports and routers; see tables.ts.
import type { Json } from '#kernel/db/codecs.ts'

/** Bindings that are not in force; the one that is stands in its port's own columns. */
export interface PortBindingTable {
  port_id: string
  host: string
  vif_type: string
  vif_details: Json<Record<string, unknown>>
  vnic_type: string
  profile: Json<Record<string, unknown>>
}

export interface MoreTables {
  port_bindings: PortBindingTable
}
