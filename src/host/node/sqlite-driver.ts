// Kysely's driver over node:sqlite: cached statements, rows as arrays turned into objects by a generated mapper, one writer
// that transactions take in turn, and a second connection for reading that waits for nobody.
import type { DatabaseSync, SQLInputValue, StatementSync } from 'node:sqlite'
import { SqliteAdapter, type CompiledQuery, type DatabaseConnection, type Driver, type QueryResult } from 'kysely'
import { SQLITE } from '#kernel/db/dialect.ts'
import type { Clock } from '#kernel/lib/clock.ts'
import { isBusy, translate, unavailable } from '#host/node/sqlite-errors.ts'

type Row = Record<string, unknown>
interface Prepared {
  readonly statement: StatementSync
  readonly columns: number
  /** Null for statements that return no rows. */
  readonly toObjects: ((rows: unknown[][]) => Row[]) | null
}

const MAX_STATEMENTS = 256

/** One connection with its prepared statements, the least recently used of which are let go. */
export class Connection {
  readonly db: DatabaseSync
  readonly #name: string
  readonly #prepared = new Map<string, Prepared>()

  constructor(name: string, db: DatabaseSync) {
    this.#name = name
    this.db = db
  }

  run(sql: string, parameters: readonly unknown[]): QueryResult<unknown> {
    try {
      let { statement, toObjects, columns } = this.#prepare(sql)
      const values = parameters as SQLInputValue[]
      if (toObjects === null) {
        const { changes } = statement.run(...values)
        return { numAffectedRows: BigInt(changes), rows: [] }
      }
      const rows = statement.all(...values) as unknown as unknown[][]
      const first = rows[0]
      if (first === undefined) return { rows: [] }
      if (first.length !== columns) {
        // Another process changed the table since the statement was prepared.
        this.#prepared.delete(sql)
        toObjects = this.#prepare(sql).toObjects
      }
      return { rows: toObjects?.(rows) ?? [] }
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
    const statement = this.db.prepare(sql)
    const names = statement.columns().map(column => column.name)
    if (names.length > 0) statement.setReturnArrays(true)
    const prepared: Prepared = {
      statement,
      columns: names.length,
      toObjects: names.length === 0 ? null : rowMapper(names),
    }
    if (this.#prepared.size >= MAX_STATEMENTS) {
      const oldest = this.#prepared.keys().next()
      if (oldest.done !== true) this.#prepared.delete(oldest.value)
    }
    this.#prepared.set(sql, prepared)
    return prepared
  }
}

/** Compiles `rows => [{ id: r[0], name: r[1] }, …]`: an object literal is made several times faster than a loop over names. */
function rowMapper(names: readonly string[]): (rows: unknown[][]) => Row[] {
  const fields = names.map((name, index) => `[${JSON.stringify(name)}]: r[${index}]`).join(', ')
  const source = `const out = new Array(rows.length); for (let i = 0; i < rows.length; i++) { const r = rows[i]; out[i] = { ${fields} } } return out`
  // The only generated code in the project: column names come from our own statements and are quoted.
  return new Function('rows', source) as (rows: unknown[][]) => Row[]
}

/** Lets one in at a time, in the order of asking. */
class Turnstile {
  #last: Promise<void> = Promise.resolve()

  /** Resolves to the function that lets the next one in. */
  async enter(): Promise<() => void> {
    const before = this.#last
    let leave = (): void => {}
    this.#last = new Promise(resolve => (leave = resolve))
    await before
    return leave
  }
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

export const createShared = (parts: Omit<Shared, 'turnstile'>): Shared => ({ ...parts, turnstile: new Turnstile() })

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
  /** Set while in a transaction. */
  #leave: (() => void) | null = null

  constructor(shared: Shared, readsOnly: boolean) {
    this.#shared = shared
    this.#readsOnly = readsOnly
  }

  async executeQuery<R>(query: CompiledQuery): Promise<QueryResult<R>> {
    const { writer, reader, turnstile, name } = this.#shared
    const isSelect = query.query.kind === 'SelectQueryNode'
    if (this.#readsOnly && !isSelect && query.query.kind !== 'RawNode')
      throw new Error(`${name}: a read session cannot write; use tx`)
    if (this.#leave !== null) {
      // A full disk makes SQLite undo the transaction by itself; what followed would then be kept one by one.
      if (!writer.db.isTransaction) throw unavailable(name, 'rolled-back')
      return this.#run(query) as QueryResult<R>
    }
    if (reader !== null && (isSelect || this.#readsOnly))
      return reader.run(query.sql, query.parameters) as QueryResult<R>
    const leave = await turnstile.enter()
    try {
      return (await this.#whenFree(() => this.#run(query))) as QueryResult<R>
    } finally {
      leave()
    }
  }

  /** Rows one statement at a time; Kysely wants the method. The result is read whole: node:sqlite waits for nobody. */
  async *streamQuery<R>(query: CompiledQuery): AsyncIterableIterator<QueryResult<R>> {
    yield await this.executeQuery<R>(query)
  }

  async begin(): Promise<void> {
    if (this.#readsOnly) throw new Error(`${this.#shared.name}: a read session has no transactions; use tx`)
    const leave = await this.#shared.turnstile.enter()
    try {
      await this.#whenFree(() => this.#shared.writer.run('begin immediate', []))
      this.#leave = leave
    } finally {
      if (this.#leave === null) leave()
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
    if (this.#leave === null) return
    const { writer } = this.#shared
    try {
      if (writer.db.isOpen && writer.db.isTransaction) writer.run('rollback', [])
    } finally {
      this.#end()
    }
  }

  #end(): void {
    const leave = this.#leave
    this.#leave = null
    leave?.()
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
