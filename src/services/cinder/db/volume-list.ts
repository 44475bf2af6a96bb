// The list of volumes: filters as SQL, one keyset page on the indexes it needs.
import { wordTable } from '#kernel/lib/word-table.ts'
import { sql, type Kysely } from 'kysely'

import { time } from '#kernel/db/codecs.ts'
import { like } from '#kernel/db/helpers.ts'
import { page } from '#kernel/db/page.ts'
import { hasMetadatum, volumeFromRow, type Volume } from '#services/cinder/db/volumes.ts'
import type { CinderTables } from '#services/cinder/db/tables.ts'

export type TimeOperator = 'gt' | 'gte' | 'eq' | 'neq' | 'lt' | 'lte'
const SIGNS = { gt: '>', gte: '>=', eq: '=', neq: '!=', lt: '<', lte: '<=' } as const

export interface VolumeFilters {
  /** Null: of all projects. */
  readonly projectId: string | null
  /** Column → value, from {@link EQUAL_COLUMNS}. */
  readonly equal: Readonly<Record<string, string | number | null>>
  /** Column → part of the text. */
  readonly like: Readonly<Record<string, string>>
  readonly metadata: Readonly<Record<string, string>>
  readonly imageMetadata: Readonly<Record<string, string>>
  /** Null: of no group. */
  readonly groupId?: string | null
  readonly times: readonly { column: 'created_at' | 'updated_at'; operator: TimeOperator; at: number }[]
}
export interface VolumePage {
  readonly sort: readonly { column: string; direction: 'asc' | 'desc' }[]
  readonly marker: string | null
  readonly limit: number
  readonly offset: number
}

/** Sort keys a client may name, and their columns. */
export const SORT_COLUMNS: Readonly<Record<string, string>> = wordTable<string>({
  id: 'id',
  name: 'name',
  display_name: 'name',
  display_description: 'description',
  description: 'description',
  size: 'size_gb',
  status: 'status',
  created_at: 'created_at',
  updated_at: 'updated_at',
  availability_zone: 'availability_zone',
  bootable: 'bootable',
  host: 'host',
  user_id: 'user_id',
  project_id: 'project_id',
  attach_status: 'attach_status',
  volume_type_id: 'type_id',
  snapshot_id: 'snapshot_id',
  source_volid: 'source_volume_id',
  migration_status: 'migration_status',
  launched_at: 'launched_at',
})
/** Filters that compare a column; which of them people may use is the domain's business. */
export const EQUAL_COLUMNS: Readonly<Record<string, string>> = wordTable<string>({
  id: 'id',
  name: 'name',
  display_name: 'name',
  display_description: 'description',
  description: 'description',
  size: 'size_gb',
  status: 'status',
  availability_zone: 'availability_zone',
  bootable: 'bootable',
  multiattach: 'multiattach',
  host: 'host',
  user_id: 'user_id',
  project_id: 'project_id',
  attach_status: 'attach_status',
  volume_type_id: 'type_id',
  snapshot_id: 'snapshot_id',
  source_volid: 'source_volume_id',
  migration_status: 'migration_status',
})

function filtered(q: Kysely<CinderTables>, filters: VolumeFilters) {
  let query = q.selectFrom('volumes').selectAll()
  if (filters.projectId !== null) query = query.where('project_id', '=', filters.projectId)
  for (const [column, value] of Object.entries(filters.equal)) {
    const ref = sql.ref(column)
    query = query.where(value === null ? sql<boolean>`${ref} is null` : sql<boolean>`${ref} = ${value}`)
  }
  for (const [column, value] of Object.entries(filters.like))
    query = query.where(like(column, 'anywhere', value) as never)
  for (const [key, value] of Object.entries(filters.metadata)) query = query.where(hasMetadatum(key, value))
  // One entry of the JSON as it was written: keys and values are encoded the same way each time.
  for (const [key, value] of Object.entries(filters.imageMetadata))
    query = query.where(like('image_metadata', 'anywhere', `${JSON.stringify(key)}:${JSON.stringify(value)}`) as never)
  if (filters.groupId === null)
    query = query.where(sql<boolean>`not exists (select 1 from group_volumes g where g.volume_id = volumes.id)`)
  else if (filters.groupId !== undefined)
    query = query.where(
      sql<boolean>`exists (select 1 from group_volumes g where g.volume_id = volumes.id and g.group_id = ${filters.groupId})`,
    )
  for (const { column, operator, at } of filters.times)
    query = query.where(sql<boolean>`${sql.ref(column)} ${sql.raw(SIGNS[operator])} ${time(at)}`)
  return query
}

/** One page, one row longer than the limit when there is more. Undefined: the marker is not among them. */
export async function listVolumes(
  q: Kysely<CinderTables>,
  filters: VolumeFilters,
  paging: VolumePage,
): Promise<Volume[] | undefined> {
  const query = filtered(q, filters)
  let marker
  if (paging.marker !== null) {
    marker = await query.where('id', '=', paging.marker).executeTakeFirst()
    if (marker === undefined) return undefined
  }
  const rows = await page(q, query, { sort: [...paging.sort], marker, limit: paging.limit + paging.offset + 1 })
  return rows.slice(paging.offset).map(volumeFromRow)
}

export async function countVolumes(q: Kysely<CinderTables>, filters: VolumeFilters): Promise<number> {
  const row = await filtered(q, filters)
    .clearSelect()
    .select(({ fn }) => fn.countAll<number>().as('many'))
    .executeTakeFirstOrThrow()
  return Number(row.many)
}
