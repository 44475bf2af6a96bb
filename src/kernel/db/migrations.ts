// Brings a database's tables to what this version wants: numbered steps, forward only, each in one transaction.
import type { Kysely } from 'kysely'
import type { Database } from '#kernel/db/database.ts'
import type { Clock } from '#kernel/lib/clock.ts'
import { time } from '#kernel/db/codecs.ts'
import { dialectOf } from '#kernel/db/dialect.ts'
import { isDuplicate, NewerDatabase } from '#kernel/db/errors.ts'

/** Tables as a migration sees them: those of the past, so nothing is known of their columns. */
export type AnyTables = Record<string, Record<string, unknown>>

export interface Migration {
  /** `0001-first`: four digits and a name. Once released, neither the id nor what `up` does changes. */
  readonly id: string
  /**
   * Schema and data, in one transaction where the dialect can (`dialectOf(q).transactionalSchema`); elsewhere each
   * statement must bear being repeated (`ifNotExists`). Text columns that are compared are `text` with binary collation.
   */
  up(q: Kysely<AnyTables>): Promise<void>
}

const TABLE = 'koto_migrations'

/**
 * Runs what has not run yet, in order, and says which. Two starters at once: one works, the other waits and finds it done.
 * Killed in the middle: the started step was undone, and the next run does it again.
 * @throws NewerDatabase when the file knows migrations that we do not; Error when ours are misnumbered or out of order.
 */
export async function migrate<T>(
  db: Database<T>,
  migrations: readonly Migration[],
  clock: Clock,
): Promise<readonly string[]> {
  const ids = migrations.map(migration => migration.id)
  const misnamed = ids.find(
    (id, index) => !/^\d{4}-[a-z0-9-]+$/.test(id) || (index > 0 && (ids[index - 1] ?? '') >= id),
  )
  if (misnamed !== undefined) throw new Error(`${db.name}: migration ${misnamed} is misnamed or out of order`)

  const q = db.kysely as unknown as Kysely<AnyTables>
  await q.schema
    .createTable(TABLE)
    .ifNotExists()
    .addColumn('id', 'varchar(255)', column => column.primaryKey())
    .addColumn('applied_at', 'varchar(24)', column => column.notNull())
    .execute()

  const done = await applied(q)
  const unknown = done.filter(id => !ids.includes(id))
  const newest = unknown.at(-1)
  if (newest !== undefined) throw new NewerDatabase(db.name, newest)

  const ran: string[] = []
  for (const migration of migrations) {
    if (done.includes(migration.id)) continue
    const last = done.at(-1)
    if (last !== undefined && last > migration.id)
      throw new Error(`${db.name}: migration ${migration.id} came after ${last} had run; give it a higher number`)
    if (await run(q, migration, clock)) ran.push(migration.id)
  }
  return ran
}

const applied = async (q: Kysely<AnyTables>): Promise<string[]> => {
  const rows = await q.selectFrom(TABLE).select('id').orderBy('id').execute()
  return rows.map(row => String(row['id']))
}

/** False when another process did it while we waited for the transaction. */
async function run(q: Kysely<AnyTables>, migration: Migration, clock: Clock): Promise<boolean> {
  const row = { id: migration.id, applied_at: time(clock.now()) }
  if (!dialectOf(q).transactionalSchema) {
    await migration.up(q)
    await q.insertInto(TABLE).values(row).execute()
    return true
  }
  try {
    // The record goes first: it is the lock, and it is undone with the rest.
    await q.transaction().execute(async trx => {
      await trx.insertInto(TABLE).values(row).execute()
      await migration.up(trx)
    })
    return true
  } catch (error) {
    if (isDuplicate(error) && (await applied(q)).includes(migration.id)) return false
    throw error
  }
}
