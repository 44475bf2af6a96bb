// What all lists of Cinder have in common: which filters a person may use, and how that changed with versions.
import { wordTable } from '#kernel/lib/word-table.ts'
import type { Ctx } from '#kernel/lib/context.ts'
import { faults } from '#services/cinder/contract/faults.ts'
import { isAdmin } from '#services/cinder/domain/tools.ts'

export interface ListRequest {
  readonly limit: number
  readonly offset: number
  readonly marker: string | null
  readonly sort: readonly { readonly key: string; readonly direction: 'asc' | 'desc' }[]
  /** Everything else of the query. */
  readonly filters: Readonly<Record<string, string>>
  readonly allProjects: boolean
  readonly withCount: boolean
  /** From 3.31 on a filter that is not allowed is 400; before, it is left out. */
  readonly refusesFilters: boolean
  /** From 3.34 on `name~` compares by likeness. */
  readonly likeFilters: boolean
  /** Filters that the version does not know yet: left out for everybody. */
  readonly unknownYet: readonly string[]
}

/** Upstream's `resource_filters.json`: what everybody may filter by. */
export const RESOURCE_FILTERS: Readonly<Record<string, readonly string[]>> = wordTable<readonly string[]>({
  volume: [
    'name',
    'status',
    'metadata',
    'bootable',
    'migration_status',
    'availability_zone',
    'group_id',
    'size',
    'created_at',
    'updated_at',
    'consumes_quota',
  ],
  backup: ['name', 'status', 'volume_id'],
  snapshot: ['name', 'status', 'volume_id', 'metadata', 'availability_zone', 'consumes_quota'],
  group: ['name'],
  group_snapshot: ['name', 'status', 'group_id'],
  attachment: ['volume_id', 'status', 'instance_id', 'attach_status'],
  message: ['resource_uuid', 'resource_type', 'event_id', 'request_id', 'message_level'],
  pool: ['name', 'volume_type'],
  volume_type: ['is_public', 'extra_specs'],
})

/** The filters that count. Throws 400 for one that is not allowed, where the version refuses such. */
export function usableFilters(ctx: Ctx, resource: string, request: ListRequest): Record<string, string> {
  const allowed = RESOURCE_FILTERS[resource] ?? []
  const usable: Record<string, string> = {}
  const refused: string[] = []
  const everything = isAdmin(ctx) && resource !== 'pool'
  for (const [key, value] of Object.entries(request.filters)) {
    if (request.unknownYet.includes(key)) continue
    const bare = request.likeFilters && key.endsWith('~') ? key.slice(0, -1) : key
    // compat: before general filters glance_metadata was there for everybody
    if (everything || allowed.includes(key) || (request.likeFilters && allowed.includes(bare))) usable[key] = value
    else if (request.refusesFilters) refused.push(key)
  }
  if (refused.length > 0)
    throw faults.BadRequest({ reason: `Invalid filters ${refused.join(',')} are found in query options.` })
  return usable
}
