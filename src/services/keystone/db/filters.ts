// Keystone's list queries in SQL: exact and inexact filters over allowed columns, and pages by id.
import { sql, type Expression, type SelectQueryBuilder, type SqlBool } from 'kysely'
import { like } from '#kernel/db/helpers.ts'
import { page } from '#kernel/db/page.ts'
import type { Query } from '#services/keystone/db/ledger.ts'
import type { KeystoneTables } from '#services/keystone/db/tables.ts'

export type Comparator = 'equals' | 'contains' | 'startswith' | 'endswith'
/** `name__icontains=web` → `{ name: 'name', comparator: 'contains', anyCase: true, value: 'web' }`. */
export interface Filter {
  readonly name: string
  readonly comparator: Comparator
  readonly anyCase: boolean
  readonly value: string
}
export interface ListQuery {
  readonly filters: readonly Filter[]
  readonly limit?: number | undefined
  readonly marker?: string | undefined
}
/** Attribute → column and how it is compared. Attributes outside it are not filtered by. */
export type Columns = Readonly<Record<string, { readonly column: string; readonly as?: 'flag' }>>

/** What a client may write for true; everything else but the words for false is true as well, as upstream has it. */
const FALSE = new Set(['0', 'false', 'f', 'no', 'n', 'off'])
export const truth = (value: string): boolean => !FALSE.has(value.toLowerCase())

const WHERE = { contains: 'anywhere', startswith: 'start', endswith: 'end', equals: 'whole' } as const

/** The conditions of a list query; filters on unknown attributes are left out. */
export function conditions(columns: Columns, filters: readonly Filter[]): Expression<SqlBool>[] {
  const found: Expression<SqlBool>[] = []
  for (const filter of filters) {
    const known = columns[filter.name]
    if (known === undefined) continue
    if (known.as === 'flag') {
      if (filter.comparator === 'equals')
        found.push(sql<SqlBool>`${sql.ref(known.column)} = ${truth(filter.value) ? 1 : 0}`)
    } else if (filter.comparator === 'equals' && !filter.anyCase) {
      found.push(
        filter.value === ''
          ? sql<SqlBool>`(${sql.ref(known.column)} = '' or ${sql.ref(known.column)} is null)`
          : sql<SqlBool>`${sql.ref(known.column)} = ${filter.value}`,
      )
    } else found.push(like(known.column, WHERE[filter.comparator], filter.value, filter.anyCase))
  }
  return found
}

/** One more row than `limit` is fetched, so that the caller can tell whether there are more. */
export async function listPage<TB extends keyof KeystoneTables, O>(
  q: Query,
  query: SelectQueryBuilder<KeystoneTables, TB, O>,
  columns: Columns,
  list: ListQuery,
  table?: string,
): Promise<O[]> {
  let some = query
  for (const condition of conditions(columns, list.filters)) some = some.where(condition)
  const id = table === undefined ? 'id' : `${table}.id`
  return page(q, some, {
    sort: [{ column: id, direction: 'asc' }],
    tie: id,
    ...(list.marker === undefined ? {} : { marker: { id: list.marker } }),
    ...(list.limit === undefined ? {} : { limit: list.limit + 1 }),
  })
}
