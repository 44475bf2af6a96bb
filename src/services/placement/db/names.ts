// Names that people may add: custom traits and custom resource classes, with when they came.
import { fromTime, time } from '#kernel/db/codecs.ts'
import { inChunks, insertIfAbsent } from '#kernel/db/helpers.ts'
import type { Q } from '#services/placement/db/providers.ts'

export interface Named {
  readonly name: string
  readonly since: number
}
type NameTable = 'custom_traits' | 'custom_resource_classes'

export async function allNames(q: Q, table: NameTable): Promise<Named[]> {
  const rows = await q.selectFrom(table).select(['name', 'created_at']).orderBy('created_at').orderBy('name').execute()
  return rows.map(row => ({ name: row.name, since: fromTime(row.created_at) }))
}

/** Those of the names that are in the table. */
export async function knownNames(q: Q, table: NameTable, names: Iterable<string>): Promise<Named[]> {
  const rows = await inChunks(names, some =>
    q
      .selectFrom(table)
      .select(['name', 'created_at'])
      .where('name', 'in', [...some])
      .execute(),
  )
  return rows.map(row => ({ name: row.name, since: fromTime(row.created_at) }))
}

/** False when it was there already. */
export const insertTrait = (q: Q, name: string, now: number): Promise<boolean> =>
  insertIfAbsent(q, 'custom_traits', { name, created_at: time(now) }, ['name'])
export const insertResourceClass = (q: Q, name: string, now: number): Promise<boolean> =>
  insertIfAbsent(q, 'custom_resource_classes', { name, created_at: time(now), updated_at: time(now) }, ['name'])

export async function deleteName(q: Q, table: NameTable, name: string): Promise<void> {
  await q.deleteFrom(table).where('name', '=', name).execute()
}
