// One page of any table's rows by the filters of a list.
import { sql, type Kysely, type SelectQueryBuilder } from 'kysely'
import { like } from '#kernel/db/helpers.ts'
import { page } from '#kernel/db/page.ts'
import type { CinderTables } from '#services/cinder/db/tables.ts'

type Row = Readonly<Record<string, unknown>>

export interface RowFilters {
  readonly projectId: string | null
  /** Column → value. */
  readonly equal: Readonly<Record<string, string | number>>
  /** Column → part of the value. */
  readonly like?: Readonly<Record<string, string>>
}
export interface RowPage {
  readonly sort: readonly { column: string; direction: 'asc' | 'desc' }[]
  readonly marker: string | null
  readonly limit: number
  readonly offset?: number
}

/** One row longer than the limit when there is more. Undefined: the marker is not among them. `owner` is the project's column. */
export async function pageOfRows<TB extends keyof CinderTables, O extends Readonly<Record<keyof O, unknown>>>(
  q: Kysely<CinderTables>,
  query: SelectQueryBuilder<CinderTables, TB, O>,
  filters: RowFilters,
  paging: RowPage,
  owner = 'project_id',
): Promise<O[] | undefined> {
  const { projectId, equal, like: parts = {} } = filters
  let found = query
  for (const [column, value] of Object.entries(projectId === null ? equal : { ...equal, [owner]: projectId }))
    found = found.where(sql<boolean>`${sql.ref(column)} = ${value}`)
  for (const [column, value] of Object.entries(parts)) found = found.where(like(column, 'anywhere', value))
  let marker
  if (paging.marker !== null) {
    marker = await found.where(sql<boolean>`id = ${paging.marker}`).executeTakeFirst()
    if (marker === undefined) return undefined
  }
  const offset = paging.offset ?? 0
  const rows = await page(q, found, {
    sort: [...paging.sort],
    marker: marker as Row | undefined,
    limit: paging.limit + offset + 1,
  })
  return rows.slice(offset)
}
