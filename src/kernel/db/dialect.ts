// Where the three dialects differ, as a table of facts. Repositories never ask; the helpers of this folder do.
import type { Kysely } from 'kysely'

/** What a helper must know about the database behind a Kysely. */
export interface Dialect {
  readonly name: 'sqlite' | 'postgres' | 'mysql'
  /** `insert … on conflict`; otherwise `on duplicate key update` (MySQL, MariaDB). */
  readonly onConflict: boolean
  /** NULL sorts before every value when ascending (SQLite, MySQL); PostgreSQL puts it last and must be told. */
  readonly nullsFirst: boolean
  /** `create table` inside a transaction is undone with it; MySQL commits at each one. */
  readonly transactionalSchema: boolean
  /** How many `?` one statement may carry, with room to spare. */
  readonly maxParameters: number
}

export const SQLITE: Dialect = {
  name: 'sqlite',
  onConflict: true,
  nullsFirst: true,
  transactionalSchema: true,
  maxParameters: 30_000,
}
export const POSTGRES: Dialect = {
  name: 'postgres',
  onConflict: true,
  nullsFirst: false,
  transactionalSchema: true,
  maxParameters: 60_000,
}
export const MYSQL: Dialect = {
  name: 'mysql',
  onConflict: false,
  nullsFirst: true,
  transactionalSchema: false,
  maxParameters: 60_000,
}

/** A Kysely, whatever its tables, or a transaction of one. */
export type AnyKysely = Pick<Kysely<unknown>, 'getExecutor'>

/** The dialect behind `q`: our hosts put it on their adapter, and Kysely hands the adapter through transactions. */
export function dialectOf(q: AnyKysely): Dialect {
  const { dialect } = q.getExecutor().adapter as { dialect?: Dialect }
  if (dialect === undefined)
    throw new Error('this Kysely was not opened by one of our hosts: its adapter names no dialect')
  return dialect
}
