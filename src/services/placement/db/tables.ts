// Placement's columns. Names of resource classes and traits stand in the rows themselves: the standard ones are in no table.
import type { TimeText } from '#kernel/db/codecs.ts'

export interface PlacementTables {
  resource_providers: {
    /** The uuid people know it by. */
    id: string
    name: string
    generation: number
    /** The top of its tree: itself when it has no parent. */
    root_id: string
    parent_id: string | null
    created_at: TimeText
    updated_at: TimeText
  }
  inventories: {
    provider_id: string
    resource_class: string
    total: number
    reserved: number
    min_unit: number
    max_unit: number
    step_size: number
    allocation_ratio: number
    /** invariant: the sum of its allocations, moved in the transaction that writes them. */
    used: number
    created_at: TimeText
    updated_at: TimeText
  }
  consumers: {
    id: string
    project_id: string
    user_id: string
    /** NULL: written before 1.38, shown as `unknown`. */
    type: string | null
    generation: number
    created_at: TimeText
    updated_at: TimeText
  }
  /** invariant: no row without its inventory and its consumer; no consumer without a row. */
  allocations: {
    consumer_id: string
    provider_id: string
    resource_class: string
    used: number
    created_at: TimeText
  }
  provider_traits: { provider_id: string; trait: string }
  provider_aggregates: { provider_id: string; aggregate_id: string }
  custom_traits: { name: string; created_at: TimeText }
  custom_resource_classes: { name: string; created_at: TimeText; updated_at: TimeText }
}
