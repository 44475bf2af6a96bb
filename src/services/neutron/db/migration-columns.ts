// A migration's tables as text: a column a line.
import type { Kysely } from 'kysely'
import type { AnyTables } from '#kernel/db/migrations.ts'

export interface TableSpec {
  /** `name type [!]`; `!` is NOT NULL; types `id`, `str`, `int`, `text`, `time`. */
  readonly columns: string
  readonly key: readonly string[]
  readonly unique?: readonly (readonly string[])[]
  readonly indexes?: readonly (readonly string[])[]
}
const TYPES = { id: 'varchar(36)', str: 'varchar(255)', int: 'integer', text: 'text', time: 'varchar(24)' } as const
/** What every noun with standard attributes has. */
export const STANDARD = `
  id id !
  project_id str !
  name str !
  description str !
  created_at time !
  updated_at time !
  revision_number int !`

export async function makeTables(q: Kysely<AnyTables>, tables: Readonly<Record<string, TableSpec>>): Promise<void> {
  for (const [name, spec] of Object.entries(tables)) {
    let table = q.schema.createTable(name)
    for (const line of spec.columns.trim().split('\n')) {
      const [column = '', type = 'str', needed] = line.trim().split(/\s+/)
      table = table.addColumn(column, TYPES[type as keyof typeof TYPES], c => (needed === '!' ? c.notNull() : c))
    }
    table = table.addPrimaryKeyConstraint(`${name}_key`, [...spec.key] as never)
    for (const [index, columns] of (spec.unique ?? []).entries())
      table = table.addUniqueConstraint(`${name}_unique_${index}`, [...columns] as never)
    await table.execute()
    for (const [index, columns] of (spec.indexes ?? []).entries())
      await q.schema
        .createIndex(`${name}_index_${index}`)
        .on(name)
        .columns([...columns] as never)
        .execute()
  }
}
