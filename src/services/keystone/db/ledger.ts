// The database with a counter on it: every write that can change what a token means moves the counter, and what was
// worked out from older rows is worked out again. Holds while one process writes the database.
import type { Kysely } from 'kysely'
import type { Database, DbCtx } from '#kernel/db/database.ts'
import type { KeystoneTables } from '#services/keystone/db/tables.ts'

export type Query = Kysely<KeystoneTables>

export interface Ledger {
  /** Moves with every write. */
  generation(): number
  read<R>(ctx: DbCtx, name: string, deed: (q: Query) => Promise<R>): Promise<R>
  /** A transaction that may change who may do what. */
  write<R>(ctx: DbCtx, name: string, deed: (q: Query) => Promise<R>): Promise<R>
  /** A transaction that no token depends on: failed log-ins, days of last use. */
  note<R>(ctx: DbCtx, name: string, deed: (q: Query) => Promise<R>): Promise<R>
}

export function createLedger(database: Database<KeystoneTables>): Ledger {
  let generation = 0
  return {
    generation: () => generation,
    read: (ctx, name, deed) => database.read(ctx, name, deed),
    async write(ctx, name, deed) {
      try {
        return await database.tx(ctx, name, deed)
      } finally {
        generation += 1
      }
    },
    note: (ctx, name, deed) => database.tx(ctx, name, deed),
  }
}
