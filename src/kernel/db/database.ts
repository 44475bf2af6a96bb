// One service's database: named sessions that cross the seam, and transactions that are retried whole.
import type { Kysely } from 'kysely'
import type { Ctx } from '#kernel/lib/context.ts'
import type { Clock } from '#kernel/lib/clock.ts'
import { isTransient } from '#kernel/db/errors.ts'

/** The part of a context that a session needs. */
export type DbCtx = Pick<Ctx, 'cross' | 'actor' | 'requestId' | 'subject'>

/** A session's work. It may be run more than once, so it does SQL through `q` and nothing else. */
export type Deed<T, R> = (q: Kysely<T>) => Promise<R>

/**
 * `T` maps table names to row interfaces, as Kysely wants it. All sessions may throw `DatabaseUnavailable`, `DuplicateKey`
 * and `BrokenReference` (kernel/db/errors.ts) beside what the deed throws.
 */
export interface Database<T> {
  /** `nova-db`: the other end of its crossings. */
  readonly name: string
  /** Crosses nothing. Queries outside a session: start-up, tests, reconcilers' small change. Never inside a `tx`: it would wait for itself. */
  readonly kysely: Kysely<T>
  /**
   * A named look. Each statement sees the newest committed rows and waits for no transaction (in memory it does wait);
   * `q` refuses to write. Inside a `tx`, `within(q).read` sees what that has written.
   */
  read<R>(ctx: DbCtx, name: string, deed: Deed<T, R>): Promise<R>
  /**
   * A named transaction: all of it or nothing, one at a time, seeing nothing uncommitted of others. Run again from its
   * beginning when the database was busy, deadlocked or could not serialise. Await only SQL inside: everybody else waits.
   */
  tx<R>(ctx: DbCtx, name: string, deed: Deed<T, R>): Promise<R>
  /**
   * The same database inside the transaction that gave `q`: its `tx` and `read` cross the seam under their own names and
   * join. When a joined `tx` throws, the whole transaction is undone, even if the outer deed swallows the error.
   */
  within(q: Kysely<T>): Database<T>
  /** Damage found in the file and references that lead nowhere, a sentence each; empty when sound. */
  check(): Promise<readonly string[]>
  /** A consistent copy in a new file, complete or not there at all. Writers wait meanwhile. */
  backupTo(path: string): Promise<void>
  /** Lets the running transaction end, then closes. Idempotent; afterwards everything throws `DatabaseUnavailable`. */
  close(): Promise<void>
}

/** What a host gives for {@link createDatabase}. */
export interface DatabaseParts<T> {
  readonly name: string
  readonly kysely: Kysely<T>
  /** Refuses to write and does not wait for transactions where the dialect can do so. */
  readonly reader: Kysely<T>
  readonly clock: Clock
  /** Wraps the deed of each transaction; a host may notice there that one waits for itself. */
  readonly around?: <R>(deed: () => Promise<R>) => Promise<R>
  readonly check: () => Promise<readonly string[]>
  readonly backupTo: (path: string) => Promise<void>
  readonly close: () => Promise<void>
}

const TRIES = 6
const FIRST_PAUSE_MS = 10
/** A try that took this long is not followed by another: it has waited for the database already. */
const PATIENCE_MS = 5000

/** Sessions over what a host opened; `openSqlite` in host/node is the usual caller. */
export function createDatabase<T>(parts: DatabaseParts<T>): Database<T> {
  const { name, kysely, reader, clock, check, backupTo, close } = parts
  const around = parts.around ?? (<R>(deed: () => Promise<R>): Promise<R> => deed())
  /** The transactions under way, and the error of a joined part that must undo them. */
  const open = new WeakMap<Kysely<T>, { failed?: { readonly error: unknown } }>()

  const crossing = <R>(ctx: DbCtx, deedName: string, deed: () => Promise<R>): Promise<R> =>
    ctx.cross(
      {
        kind: 'db',
        side: 'send',
        from: ctx.actor,
        to: name,
        name: deedName,
        requestId: ctx.requestId,
        ...(ctx.subject === undefined ? {} : { subject: ctx.subject }),
      },
      deed,
    )

  const once = <R>(deed: Deed<T, R>): Promise<R> =>
    kysely.transaction().execute(async q => {
      const state: { failed?: { readonly error: unknown } } = {}
      open.set(q, state)
      try {
        const result = await around(() => deed(q))
        if (state.failed !== undefined) throw state.failed.error
        return result
      } finally {
        open.delete(q)
      }
    })

  const retried = async <R>(deed: Deed<T, R>): Promise<R> => {
    const giveUpAt = clock.monotonic() + PATIENCE_MS
    for (let attempt = 1; ; attempt += 1) {
      try {
        return await once(deed)
      } catch (error) {
        if (!isTransient(error) || attempt === TRIES || clock.monotonic() >= giveUpAt) throw error
        await clock.sleep(FIRST_PAUSE_MS * 2 ** (attempt - 1))
      }
    }
  }

  const within = (q: Kysely<T>): Database<T> => {
    const state = open.get(q)
    if (state === undefined) throw new Error(`within: this is no open transaction of ${name}`)
    return {
      ...database,
      kysely: q,
      read: (ctx, deedName, deed) => crossing(ctx, deedName, () => deed(q)),
      tx: (ctx, deedName, deed) =>
        crossing(ctx, deedName, () => deed(q)).catch((error: unknown) => {
          state.failed ??= { error }
          throw error
        }),
    }
  }

  const database: Database<T> = {
    name,
    kysely,
    read: (ctx, deedName, deed) => crossing(ctx, deedName, () => deed(reader)),
    tx: (ctx, deedName, deed) => crossing(ctx, deedName, () => retried(deed)),
    within,
    check,
    backupTo,
    close,
  }
  return database
}
