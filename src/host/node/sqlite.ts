// Opens a service's SQLite file, or one in memory, as the kernel's Database.
import { chmodSync, closeSync, mkdirSync, openSync, renameSync, rmSync } from 'node:fs'
import { dirname } from 'node:path'
import { backup, DatabaseSync } from 'node:sqlite'
import { Kysely, SqliteIntrospector, SqliteQueryCompiler } from 'kysely'
import { createDatabase, type Database } from '#kernel/db/database.ts'
import { DatabaseUnavailable } from '#kernel/db/errors.ts'
import type { Clock } from '#kernel/lib/clock.ts'
import { translate } from '#host/node/sqlite-errors.ts'
import { Turnstile } from '#host/node/sqlite-turnstile.ts'
import { Connection, KotoSqliteAdapter, KotoSqliteDriver, type Shared } from '#host/node/sqlite-driver.ts'

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
  /** Told each statement's text when it is first prepared: for tests of query plans. */
  readonly onStatement?: (sql: string) => void
}

const MEMORY = ':memory:'
/** Kibibytes of page cache per connection: six databases with two connections each stay near 12 MB. */
const CACHE_KIB = 1024
/**
 * What a connection itself waits for another process, stopping this one: at opening as long as it takes, afterwards the
 * writer not at all (the driver waits, stopping nobody) and the reader, which in WAL hardly ever has to, a little.
 */
const OPEN_BUSY_MS = 5000
const WRITER_BUSY_MS = 0
const READER_BUSY_MS = 250

/** @throws DatabaseUnavailable when the file cannot be opened or is no database. */
export function openSqlite<T>(options: SqliteOptions): Database<T> {
  const name = `${options.name}-db`
  const { clock, busyTimeoutMs = 5000 } = options
  const connections: Connection[] = []
  const connect = (readOnly: boolean): Connection => {
    const db = new DatabaseSync(options.file, { readOnly, timeout: OPEN_BUSY_MS, defensive: true })
    const connection = new Connection(name, db, options.onStatement ?? null)
    connections.push(connection)
    return connection
  }
  try {
    const isMemory = options.file === MEMORY
    if (!isMemory) makeFile(options.file)
    const writer = connect(false)
    set(writer, [
      ...(isMemory ? [] : ['journal_mode = wal', 'journal_size_limit = 8388608']),
      `synchronous = ${options.synchronous ?? 'FULL'}`,
      'foreign_keys = on',
      ...EVERY_CONNECTION,
      `busy_timeout = ${WRITER_BUSY_MS}`,
    ])
    const reader = isMemory ? null : connect(true)
    if (reader !== null) set(reader, [...EVERY_CONNECTION, `busy_timeout = ${READER_BUSY_MS}`])
    return databaseOver<T>({ name, writer, reader, clock, busyTimeoutMs, turnstile: new Turnstile(name) })
  } catch (error) {
    for (const connection of connections) connection.close()
    throw translate(name, error)
  }
}

const set = (connection: Connection, pragmas: readonly string[]): void => {
  for (const pragma of pragmas) connection.db.exec(`pragma ${pragma}`)
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
    await turnstile.enter()
    try {
      return await deed()
    } catch (error) {
      throw translate(name, error)
    } finally {
      turnstile.leave()
    }
  }

  return createDatabase<T>({
    name,
    kysely: kysely(false),
    reader: kysely(true),
    clock,
    around: deed => turnstile.around(deed),
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
  try {
    return findings(connection)
  } catch (error) {
    // Damage where even the inspection stumbles over it.
    if (error instanceof DatabaseUnavailable && error.reason === 'corrupt') return [error.message]
    throw error
  }
}

function findings(connection: Connection): string[] {
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
