// The few statements that dialects spell differently or people get wrong, said once: swap, upsert, like, long id lists.
import {
  sql,
  type Expression,
  type Insertable,
  type Kysely,
  type Selectable,
  type SqlBool,
  type Updateable,
} from 'kysely'
import type { AnyTables } from '#kernel/db/migrations.ts'
import { dialectOf } from '#kernel/db/dialect.ts'
import { isDuplicate } from '#kernel/db/errors.ts'

type TableName<T> = keyof T & string
type ColumnName<T, N extends TableName<T>> = keyof Selectable<T[N]> & string

/** Column values that a row must have now: a value, `null` for IS NULL, or a list for one of these (which may hold null). */
export type Where<Row> = { readonly [K in keyof Row]?: Row[K] | readonly Row[K][] }

const untyped = <T>(q: Kysely<T>): Kysely<AnyTables> => q as unknown as Kysely<AnyTables>

/**
 * The column is the lock: sets `set` on the rows that are as `where` says, and tells whether there was one.
 * `if (!(await swap(q, 'servers', { id, task_state: null }, { task_state: 'deleting' }))) throw faults.InstanceInvalidState(…)`
 * A swap that changes nothing still wins. An empty list in `where` matches nothing; `undefined` in `where` is refused.
 */
export async function swap<T, N extends TableName<T>>(
  q: Kysely<T>,
  table: N,
  where: Where<Selectable<T[N]>>,
  set: Updateable<T[N]>,
): Promise<boolean> {
  const result = await untyped(q)
    .updateTable(table as string)
    .set(set as Record<string, unknown>)
    .where(matches(where as Record<string, unknown>))
    .executeTakeFirstOrThrow()
  return result.numUpdatedRows > 0n
}

/** The condition of {@link swap} for other queries: `.where(matches<Row>({ status: ['error', null], host }))`. */
export function matches<Row>(where: Where<Row>): Expression<SqlBool> {
  const parts = Object.entries(where as Record<string, unknown>).map(([column, wanted]) => {
    if (wanted === undefined) throw new Error(`a condition on ${column} is undefined: say null, or leave it out`)
    const name = sql.ref(column)
    if (wanted === null) return sql<SqlBool>`${name} is null`
    if (!Array.isArray(wanted)) return sql<SqlBool>`${name} = ${wanted}`
    const values = wanted.filter(value => value !== null)
    const some = values.length === 0 ? sql<SqlBool>`1 = 0` : sql<SqlBool>`${name} in (${sql.join(values)})`
    return values.length === wanted.length ? some : sql<SqlBool>`(${some} or ${name} is null)`
  })
  return parts.length === 0 ? sql<SqlBool>`1 = 1` : sql<SqlBool>`${sql.join(parts, sql` and `)}`
}

/** Inserts, or overwrites the other columns of the row that has the same `keys` (a primary or unique key). */
export async function upsert<T, N extends TableName<T>>(
  q: Kysely<T>,
  table: N,
  row: Insertable<T[N]>,
  keys: readonly ColumnName<T, N>[],
): Promise<void> {
  const values = row as Record<string, unknown>
  const rest = Object.fromEntries(
    Object.entries(values).filter(([column]) => !keys.includes(column as ColumnName<T, N>)),
  )
  const insert = untyped(q)
    .insertInto(table as string)
    .values(values)
  const isEmpty = Object.keys(rest).length === 0
  if (isEmpty) await insertIfAbsent(q, table, row, keys)
  else if (dialectOf(q).onConflict) await insert.onConflict(on => on.columns(keys).doUpdateSet(rest)).execute()
  else await insert.onDuplicateKeyUpdate(rest).execute()
}

/** Inserts unless a row with the same `keys` is there; true if it did. Other violated keys throw `DuplicateKey`. */
export async function insertIfAbsent<T, N extends TableName<T>>(
  q: Kysely<T>,
  table: N,
  row: Insertable<T[N]>,
  keys: readonly ColumnName<T, N>[],
): Promise<boolean> {
  const insert = untyped(q)
    .insertInto(table as string)
    .values(row as Record<string, unknown>)
  if (dialectOf(q).onConflict) {
    const result = await insert.onConflict(on => on.columns(keys).doNothing()).executeTakeFirstOrThrow()
    return (result.numInsertedOrUpdatedRows ?? 0n) > 0n
  }
  try {
    await insert.execute()
    return true
  } catch (error) {
    if (isDuplicate(error, ...keys)) return false
    throw error
  }
}

const ROWS_AT_ONCE = 100

/** Inserts any number of rows, so many per statement as the dialect bears. Not atomic by itself: use it in a `tx`. */
export async function insertAll<T, N extends TableName<T>>(
  q: Kysely<T>,
  table: N,
  rows: readonly Insertable<T[N]>[],
): Promise<void> {
  const width = Math.max(1, ...rows.map(row => Object.keys(row).length))
  const some = Math.max(1, Math.min(ROWS_AT_ONCE, Math.floor(dialectOf(q).maxParameters / width)))
  for (let start = 0; start < rows.length; start += some)
    await untyped(q)
      .insertInto(table as string)
      .values(rows.slice(start, start + some) as unknown as Record<string, unknown>[])
      .execute()
}

/** Where in the column the text is looked for. */
export type LikeWhere = 'anywhere' | 'start' | 'end' | 'whole'

/**
 * `.where(like('display_name', 'start', prefix))`: `%` and `_` in the text are ordinary characters. Case counts, unless
 * `anyCase` (which folds ASCII letters only on SQLite and cannot use an index).
 */
export function like(column: string, where: LikeWhere, text: string, anyCase = false): Expression<SqlBool> {
  const escaped = text.replaceAll(/[!%_]/g, '!$&')
  const pattern =
    (where === 'anywhere' || where === 'end' ? '%' : '') +
    escaped +
    (where === 'anywhere' || where === 'start' ? '%' : '')
  const name = sql.ref(column)
  return anyCase
    ? sql<SqlBool>`lower(${name}) like lower(${pattern}) escape '!'`
    : sql<SqlBool>`${name} like ${pattern} escape '!'`
}

const CHUNK = 512

/**
 * Runs a query once per piece of a long id list and joins the rows; the order is the pieces'. Doubles are dropped.
 * `inChunks(ids, some => q.selectFrom('servers').selectAll().where('id', 'in', some).execute())`
 * A piece is padded by repeating its last id, so that few different statements are prepared.
 */
export async function inChunks<Id, Row>(
  ids: Iterable<Id>,
  query: (some: readonly Id[]) => Promise<readonly Row[]>,
): Promise<Row[]> {
  const all = [...new Set(ids)]
  const rows: Row[] = []
  for (let start = 0; start < all.length; start += CHUNK) {
    const piece = all.slice(start, start + CHUNK)
    const last = piece.at(-1) as Id
    const width = 2 ** Math.ceil(Math.log2(piece.length))
    while (piece.length < width) piece.push(last)
    for (const row of await query(piece)) rows.push(row)
  }
  return rows
}
