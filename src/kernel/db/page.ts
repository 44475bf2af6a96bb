// One page of a sorted list, found from where the last one ended, however long the list is.
import { sql, type RawBuilder, type SelectQueryBuilder, type SqlBool } from 'kysely'
import { dialectOf, type AnyKysely } from '#kernel/db/dialect.ts'

export type Direction = 'asc' | 'desc'

/** `column` as the query knows it, `created_at` or `servers.created_at`. Never take it from a request without a table of allowed ones. */
export interface SortKey {
  readonly column: string
  readonly direction: Direction
}

export interface PageOptions {
  /** Most important first. NULL counts as smaller than everything. */
  readonly sort: readonly SortKey[]
  /** The unique, not-null column that breaks ties; default `id`, in the direction of the last sort key. */
  readonly tie?: SortKey | string
  /** The row after which the page begins, with the sort columns and the tie breaker in it (names without the table). */
  readonly marker?: Readonly<Record<string, unknown>> | undefined
  /** No limit when absent. 0 gives no rows. */
  readonly limit?: number | undefined
  /** The page *before* the marker (or the last page), still in the order of `sort`. */
  readonly backwards?: boolean | undefined
}

/**
 * Runs `query` for one page. With an index on the filter columns followed by the sort columns and the tie breaker, it reads
 * only the page's rows: what lies behind the marker is cut into ranges (same first key and greater second, greater first
 * key, …) which are read in turn until the page is full.
 * @throws Error when the marker lacks one of the columns.
 */
export async function page<DB, TB extends keyof DB, O>(
  q: AnyKysely,
  query: SelectQueryBuilder<DB, TB, O>,
  options: PageOptions,
): Promise<O[]> {
  const keys = sortKeys(options)
  const { nullsFirst } = dialectOf(q)
  const rows: O[] = []
  for (const range of options.marker === undefined ? [undefined] : rangesAfter(keys, options.marker)) {
    const left = options.limit === undefined ? undefined : options.limit - rows.length
    if (left !== undefined && left <= 0) break
    let some = range === undefined ? query : query.where(range)
    for (const [index, key] of keys.entries()) some = some.orderBy(order(key, nullsFirst || index === keys.length - 1))
    for (const row of await (left === undefined ? some : some.limit(left)).execute()) rows.push(row)
  }
  return options.backwards === true ? rows.reverse() : rows
}

/** The keys in the order of reading, with the tie breaker at the end. */
function sortKeys(options: PageOptions): SortKey[] {
  const tie =
    typeof options.tie === 'object'
      ? options.tie
      : { column: options.tie ?? 'id', direction: options.sort.at(-1)?.direction ?? ('asc' as const) }
  const keys: SortKey[] = []
  for (const key of [...options.sort, tie]) {
    if (keys.some(earlier => bare(earlier.column) === bare(key.column))) continue
    keys.push(key)
    if (bare(key.column) === bare(tie.column)) break // unique: what follows cannot matter
  }
  return options.backwards === true
    ? keys.map(key => ({ ...key, direction: key.direction === 'asc' ? 'desc' : 'asc' }))
    : keys
}

const bare = (column: string): string => column.slice(column.lastIndexOf('.') + 1)

/** Disjoint conditions that together mean "behind the marker", nearest first. */
function rangesAfter(keys: readonly SortKey[], marker: Readonly<Record<string, unknown>>): RawBuilder<SqlBool>[] {
  const values = keys.map(key => {
    const value = marker[bare(key.column)]
    if (value === undefined) throw new Error(`the marker has no ${bare(key.column)}`)
    return value
  })
  const ranges: RawBuilder<SqlBool>[] = []
  for (let depth = keys.length - 1; depth >= 0; depth -= 1) {
    const same = keys.slice(0, depth).map((key, index) => equal(key.column, values[index]))
    // The tie breaker is never NULL.
    const all = behind(keys[depth] as SortKey, values[depth])
    for (const beyond of depth === keys.length - 1 ? all.slice(0, 1) : all)
      ranges.push(sql<SqlBool>`${sql.join([...same, beyond], sql` and `)}`)
  }
  return ranges
}

const equal = (column: string, value: unknown): RawBuilder<SqlBool> =>
  value === null ? sql<SqlBool>`${sql.ref(column)} is null` : sql<SqlBool>`${sql.ref(column)} = ${value}`

/** The ranges of one column behind a value, NULL being the smallest. */
function behind(key: SortKey, value: unknown): RawBuilder<SqlBool>[] {
  const name = sql.ref(key.column)
  if (key.direction === 'asc')
    return [value === null ? sql<SqlBool>`${name} is not null` : sql<SqlBool>`${name} > ${value}`]
  return value === null ? [] : [sql<SqlBool>`${name} < ${value}`, sql<SqlBool>`${name} is null`]
}

/** `plain`: the dialect's own place for NULL will do. */
const order = (key: SortKey, plain: boolean): RawBuilder<unknown> => {
  const nulls = plain ? sql`` : key.direction === 'asc' ? sql` nulls first` : sql` nulls last`
  return sql`${sql.ref(key.column)} ${sql.raw(key.direction === 'asc' ? 'asc' : 'desc')}${nulls}`
}
