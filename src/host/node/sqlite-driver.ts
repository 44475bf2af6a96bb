// Kysely's driver over node:sqlite: cached statements, rows as arrays turned into objects by a generated mapper, one writer
// that transactions take in turn, and a second connection for reading that waits for nobody.
import type { Turnstile } from '#host/node/sqlite-turnstile.ts'
import type { DatabaseSync, SQLInputValue, StatementSync } from 'node:sqlite'
import { SqliteAdapter, type CompiledQuery, type DatabaseConnection, type Driver, type QueryResult } from 'kysely'
import { SQLITE } from '#kernel/db/dialect.ts'
import type { Clock } from '#kernel/lib/clock.ts'
import { isBusy, translate, unavailable } from '#host/node/sqlite-errors.ts'

type Row = Record<string, unknown>
interface Mapper {
  readonly width: number
  toObjects(rows: unknown[][]): Row[]
}
interface Prepared {
  readonly statement: StatementSync
  readonly returnsRows: boolean
  /** Made at the first row. */
  mapper: Mapper | null
}

const MAX_STATEMENTS = 256

/** One connection with its prepared statements, the least recently used of which are let go. */
export class Connection {
  readonly db: DatabaseSync
  readonly #name: string
  readonly #onStatement: ((sql: string) => void) | null
  readonly #prepared = new Map<string, Prepared>()

  constructor(name: string, db: DatabaseSync, onStatement: ((sql: string) => void) | null = null) {
    this.#name = name
    this.db = db
    this.#onStatement = onStatement
  }

  run(sql: string, parameters: readonly unknown[]): QueryResult<unknown> {
    try {
      const prepared = this.#prepare(sql)
      const values = parameters as SQLInputValue[]
      if (!prepared.returnsRows) {
        const { changes } = prepared.statement.run(...values)
        return { numAffectedRows: BigInt(changes), rows: [] }
      }
      const rows = prepared.statement.all(...values) as unknown as unknown[][]
      const width = rows[0]?.length
      if (width === undefined) return { rows: [] }
      // Only now, since running may have found the table changed and prepared anew.
      if (prepared.mapper?.width !== width)
        prepared.mapper = rowMapper(prepared.statement.columns().map(column => column.name))
      return { rows: prepared.mapper.toObjects(rows) }
    } catch (error) {
      throw translate(this.#name, error)
    }
  }

  /** After a change of the schema: the columns of `select *` may be others. */
  forget(): void {
    this.#prepared.clear()
  }

  close(): void {
    this.#prepared.clear()
    if (this.db.isOpen) this.db.close()
  }

  #prepare(sql: string): Prepared {
    const known = this.#prepared.get(sql)
    if (known !== undefined) {
      this.#prepared.delete(sql)
      this.#prepared.set(sql, known)
      return known
    }
    this.#onStatement?.(sql)
    const statement = this.db.prepare(sql)
    const returnsRows = statement.columns().length > 0
    if (returnsRows) statement.setReturnArrays(true)
    const prepared: Prepared = { statement, returnsRows, mapper: null }
    if (this.#prepared.size >= MAX_STATEMENTS) {
      const oldest = this.#prepared.keys().next()
      if (oldest.done !== true) this.#prepared.delete(oldest.value)
    }
    this.#prepared.set(sql, prepared)
    return prepared
  }
}

/** Compiles `rows => [{ id: r[0], name: r[1] }, …]`: an object literal is made several times faster than a loop over names. */
function rowMapper(names: readonly string[]): Mapper {
  const fields = names.map((name, index) => `[${JSON.stringify(name)}]: r[${index}]`).join(', ')
  const source = `const out = new Array(rows.length); for (let i = 0; i < rows.length; i++) { const r = rows[i]; out[i] = { ${fields} } } return out`
  // The only generated code in the project: column names come from our own statements and are quoted.
  // oxlint-disable-next-line typescript/no-implied-eval
  return { width: names.length, toObjects: new Function('rows', source) as Mapper['toObjects'] }
}

/** The connections of one database, shared by the Kysely that writes and the one that only reads. */
export interface Shared {
  readonly name: string
  readonly writer: Connection
  /** Null for a database in memory: there is only one connection then. */
  readonly reader: Connection | null
  readonly turnstile: Turnstile
  readonly clock: Clock
  /** How long to wait for another process that holds the file. */
  readonly busyTimeoutMs: number
}

/** Kysely's adapter: several connections at once (we make our own order), and the facts the kernel's helpers ask for. */
export class KotoSqliteAdapter extends SqliteAdapter {
  readonly dialect = SQLITE
  override get supportsMultipleConnections(): boolean {
    return true
  }
  override get supportsTransactionalDdl(): boolean {
    return true
  }
}

/** `readsOnly` refuses everything but selects. */
export class KotoSqliteDriver implements Driver {
  readonly #shared: Shared
  readonly #readsOnly: boolean
  constructor(shared: Shared, readsOnly: boolean) {
    this.#shared = shared
    this.#readsOnly = readsOnly
  }
  async init(): Promise<void> {}
  async acquireConnection(): Promise<Session> {
    return new Session(this.#shared, this.#readsOnly)
  }
  async beginTransaction(session: Session): Promise<void> {
    await session.begin()
  }
  async commitTransaction(session: Session): Promise<void> {
    session.commit()
  }
  async rollbackTransaction(session: Session): Promise<void> {
    session.rollback()
  }
  async releaseConnection(session: Session): Promise<void> {
    session.rollback()
  }
  async destroy(): Promise<void> {}
}

/** What Kysely holds as a connection: outside a transaction it takes the writer for one statement only. */
class Session implements DatabaseConnection {
  readonly #shared: Shared
  readonly #readsOnly: boolean
  #inTransaction = false

  constructor(shared: Shared, readsOnly: boolean) {
    this.#shared = shared
    this.#readsOnly = readsOnly
  }

  async executeQuery<R>(query: CompiledQuery): Promise<QueryResult<R>> {
    const { writer, reader, turnstile, name } = this.#shared
    const isSelect = query.query.kind === 'SelectQueryNode'
    if (this.#readsOnly && !isSelect && query.query.kind !== 'RawNode')
      throw new Error(`${name}: a read session cannot write; use tx`)
    if (this.#inTransaction) {
      // A full disk makes SQLite undo the transaction by itself; what followed would then be kept one by one.
      if (!writer.db.isTransaction) throw unavailable(name, 'rolled-back')
      return this.#run(query) as QueryResult<R>
    }
    if (reader !== null && (isSelect || this.#readsOnly))
      return reader.run(query.sql, query.parameters) as QueryResult<R>
    await turnstile.enter()
    try {
      return (await this.#whenFree(() => {
        this.#clearAway()
        return this.#run(query)
      })) as QueryResult<R>
    } finally {
      turnstile.leave()
    }
  }

  /** Rows one statement at a time; Kysely wants the method. The result is read whole: node:sqlite waits for nobody. */
  async *streamQuery<R>(query: CompiledQuery): AsyncIterableIterator<QueryResult<R>> {
    yield await this.executeQuery<R>(query)
  }

  async begin(): Promise<void> {
    if (this.#readsOnly) throw new Error(`${this.#shared.name}: a read session has no transactions; use tx`)
    await this.#shared.turnstile.enter()
    try {
      await this.#whenFree(() => {
        this.#clearAway()
        this.#shared.writer.run('begin immediate', [])
      })
      this.#inTransaction = true
    } finally {
      if (!this.#inTransaction) this.#shared.turnstile.leave()
    }
  }

  /** When it fails, Kysely calls {@link rollback}. */
  commit(): void {
    const { writer, name } = this.#shared
    if (!writer.db.isTransaction) throw unavailable(name, 'rolled-back')
    writer.run('commit', [])
    this.#end()
  }

  rollback(): void {
    if (!this.#inTransaction) return
    try {
      this.#clearAway()
    } catch {
      // What made us roll back is the better error; whoever comes next tries again to clear away.
    } finally {
      this.#end()
    }
  }

  /** Undoes what a transaction of the past left open, as when the file could not be written for its rollback. */
  #clearAway(): void {
    const { writer } = this.#shared
    if (writer.db.isOpen && writer.db.isTransaction) writer.run('rollback', [])
  }

  #end(): void {
    this.#inTransaction = false
    this.#shared.turnstile.leave()
  }

  #run(query: CompiledQuery): QueryResult<unknown> {
    const { writer, reader } = this.#shared
    const result = writer.run(query.sql, query.parameters)
    if (changesSchema(query)) {
      writer.forget()
      reader?.forget()
    }
    return result
  }

  /** Another process may hold the file: asks again, without stopping this one, until the time is up. */
  async #whenFree<R>(deed: () => R): Promise<R> {
    const { clock, busyTimeoutMs } = this.#shared
    const giveUpAt = clock.monotonic() + busyTimeoutMs
    for (let pauseMs = 1; ; pauseMs = Math.min(pauseMs * 2, 50)) {
      try {
        return deed()
      } catch (error) {
        if (!isBusy(error instanceof Error ? error.cause : error) || clock.monotonic() >= giveUpAt) throw error
        await clock.sleep(pauseMs)
      }
    }
  }
}

const ROWS_ONLY = new Set(['SelectQueryNode', 'InsertQueryNode', 'UpdateQueryNode', 'DeleteQueryNode'])
const changesSchema = (query: CompiledQuery): boolean =>
  !ROWS_ONLY.has(query.query.kind) && !/^\s*(select|insert|update|delete|with|pragma)\b/i.test(query.sql)
