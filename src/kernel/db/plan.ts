// How the database would find the rows of a statement: for tests that keep long lists from being read whole.
import { sql } from 'kysely'
import type { Database } from '#kernel/db/database.ts'
import { dialectOf } from '#kernel/db/dialect.ts'

/**
 * SQLite's plan of each statement that reads a whole table or sorts rows that no index gives in order: a sentence each.
 * Collect the statements with `openSqlite({ onStatement })` while the list queries run once.
 * `assert.deepEqual(await slowPlans(db, statements), [])`
 */
export async function slowPlans<T>(db: Database<T>, statements: Iterable<string>): Promise<string[]> {
  if (dialectOf(db.kysely).name !== 'sqlite') throw new Error(`${db.name}: plans are read on SQLite only`)
  const slow: string[] = []
  for (const statement of new Set(statements)) {
    if (!/^\s*(select|update|delete|with)\b/i.test(statement)) continue
    const { rows } = await sql<{ detail: string }>`${sql.raw(`explain query plan ${statement}`)}`.execute(db.kysely)
    for (const { detail } of rows)
      if (/^SCAN (?!.*CONSTANT ROW)|TEMP B-TREE/.test(detail)) slow.push(`${detail}: ${statement}`)
  }
  return slow
}
