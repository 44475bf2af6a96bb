// Opens a service's SQLite file, or one in memory, as the kernel's Database.
import { chmodSync, closeSync, mkdirSync, openSync, renameSync, rmSync } from 'node:fs'
import { dirname } from 'node:path'
import { backup, DatabaseSync } from 'node:sqlite'
import { Kysely, SqliteIntrospector, SqliteQueryCompiler } from 'kysely'
import { createDatabase, type Database } from '#kernel/db/database.ts'
import type { Clock } from '#kernel/lib/clock.ts'
import { translate } from '#host/node/sqlite-errors.ts'
import { Connection, createShared, KotoSqliteAdapter, KotoSqliteDriver, type Shared } from '#host/node/sqlite-driver.ts'

export interface SqliteOptions {
  /** Made with mode 0600, its folder with 0700, when not there. `:memory:` lives as long as it is open. */
  readonly file: string
  /** The service: `nova`. Its crossings go to `nova-db`. */
  readonly name: string
  readonly clock: Clock
  /** FULL (default): what was committed survives a power cut. NORMAL: the last moments may be lost, the file never. */
  readonly synchronous?: 'FULL' | 'NORMAL'
  /** How long a writer waits for another process that holds the file; default 5000. */
  readonly busyTimeoutMs?: number
}

const MEMORY = ':memory:'
/** Kibibytes of page cache per connection: six databases with two connections each stay near 12 MB. */
const CACHE_KIB = 1024
/** What a connection itself waits, stopping the whole process; the rest of the wait is ours and stops nobody. */
const OWN_BUSY_MS = 10

/** @throws DatabaseUnavailable when the file cannot be opened or is no database. */
export function openSqlite<T>(options: SqliteOptions): Database<T> {
  const name = `${options.name}-db`
  const isMemory = options.file === MEMORY
  const connections: Connection[] = []
  try {
    if (!isMemory) makeFile(options.file)
    const writer = new Connection(
      name,
      new DatabaseSync(options.file, { timeout: OWN_BUSY_MS, enableForeignKeyConstraints: true, defensive: true }),
    )
    connections.push(writer)
    if (!isMemory) writer.run('pragma journal_mode = wal', [])
    for (const pragma of [
      `synchronous = ${options.synchronous ?? 'FULL'}`,
      'journal_size_limit = 8388608',
      ...EVERY_CONNECTION,
    ])
      writer.run(`pragma ${pragma}`, [])
    const reader = isMemory
      ? null
      : new Connection(name, new DatabaseSync(options.file, { timeout: OWN_BUSY_MS, readOnly: true, defensive: true }))
    if (reader !== null) {
      connections.push(reader)
      for (const pragma of EVERY_CONNECTION) reader.run(`pragma ${pragma}`, [])
    }
    const shared = createShared({
      name,
      writer,
      reader,
      clock: options.clock,
      busyTimeoutMs: options.busyTimeoutMs ?? 5000,
    })
    return databaseOver<T>(shared)
  } catch (error) {
    for (const connection of connections) connection.close()
    throw translate(name, error)
  }
}

const EVERY_CONNECTION = [
  `cache_size = -${CACHE_KIB}`,
  'temp_store = memory',
  'trusted_schema = off',
  // As PostgreSQL and a binary collation in MySQL have it.
  'case_sensitive_like = on',
]

function databaseOver<T>(shared: Shared): Database<T> {
  const { name, writer, reader, turnstile, clock } = shared
  const kysely = (readsOnly: boolean): Kysely<T> =>
    new Kysely<T>({
      dialect: {
        createAdapter: () => new KotoSqliteAdapter(),
        createDriver: () => new KotoSqliteDriver(shared, readsOnly),
        createIntrospector: db => new SqliteIntrospector(db),
        createQueryCompiler: () => new SqliteQueryCompiler(),
      },
    })

  const alone = async <R>(deed: () => R | Promise<R>): Promise<R> => {
    const leave = await turnstile.enter()
    try {
      return await deed()
    } catch (error) {
      throw translate(name, error)
    } finally {
      leave()
    }
  }

  return createDatabase<T>({
    name,
    kysely: kysely(false),
    reader: kysely(true),
    clock,
    check: () => (reader === null ? alone(() => problemsIn(writer)) : Promise.resolve().then(() => problemsIn(reader))),
    backupTo: path =>
      alone(async () => {
        const half = `${path}.part`
        try {
          rmSync(half, { force: true })
          makeFile(half)
          await backup(writer.db, half, { rate: 1000 })
          renameSync(half, path)
        } catch (error) {
          rmSync(half, { force: true })
          throw error
        }
      }),
    close: () =>
      alone(() => {
        reader?.close()
        writer.close()
      }),
  })
}

function makeFile(file: string): void {
  mkdirSync(dirname(file), { recursive: true, mode: 0o700 })
  closeSync(openSync(file, 'a', 0o600))
  chmodSync(file, 0o600)
}

/** SQLite's own two inspections, a sentence per finding. */
function problemsIn(connection: Connection): string[] {
  const damage = connection.run('pragma integrity_check', []).rows as { integrity_check: string }[]
  const dangling = connection.run('pragma foreign_key_check', []).rows as {
    table: string
    rowid: number | null
    parent: string
  }[]
  return [
    ...damage.filter(row => row.integrity_check !== 'ok').map(row => row.integrity_check),
    ...dangling.map(row => `${row.table}: row ${row.rowid ?? '?'} refers to a row of ${row.parent} that is not there`),
  ]
}
