// What the verbs of this service work with.
import type { Settings } from '#kernel/config/config.ts'
import type { Database } from '#kernel/db/database.ts'
import type { Clock } from '#kernel/lib/clock.ts'
import type { Ids } from '#kernel/lib/ids.ts'
import type { placementConfig } from '#services/placement/config.ts'
import type { PlacementTables } from '#services/placement/db/tables.ts'

export interface DomainTools {
  readonly database: Database<PlacementTables>
  readonly clock: Clock
  readonly ids: Ids
  readonly settings: Settings<(typeof placementConfig)['options']>
}
