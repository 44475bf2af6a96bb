// Resource providers: rows, trees, and the generation that guards each of them.
import type { Kysely, Selectable } from 'kysely'
import { fromTime, time } from '#kernel/db/codecs.ts'
import { inChunks, swap } from '#kernel/db/helpers.ts'
import type { PlacementTables } from '#services/placement/db/tables.ts'

export type Q = Kysely<PlacementTables>

export interface Provider {
  readonly id: string
  readonly name: string
  readonly generation: number
  readonly rootId: string
  readonly parentId: string | null
  readonly createdAt: number
  readonly updatedAt: number
}

const entity = (row: Selectable<PlacementTables['resource_providers']>): Provider => ({
  id: row.id,
  name: row.name,
  generation: Number(row.generation),
  rootId: row.root_id,
  parentId: row.parent_id,
  createdAt: fromTime(row.created_at),
  updatedAt: fromTime(row.updated_at),
})

export async function providerById(q: Q, id: string): Promise<Provider | null> {
  const row = await q.selectFrom('resource_providers').selectAll().where('id', '=', id).executeTakeFirst()
  return row === undefined ? null : entity(row)
}

/** By id; those that are not there are missing from the map. */
export async function providersByIds(q: Q, ids: Iterable<string>): Promise<Map<string, Provider>> {
  const rows = await inChunks(ids, some =>
    q
      .selectFrom('resource_providers')
      .selectAll()
      .where('id', 'in', [...some])
      .execute(),
  )
  return new Map(rows.map(row => [row.id, entity(row)]))
}

/** Oldest first. */
export async function allProviders(q: Q): Promise<Provider[]> {
  const rows = await q.selectFrom('resource_providers').selectAll().orderBy('created_at').orderBy('id').execute()
  return rows.map(entity)
}

/** The one of that name, in a list: oldest first, as all lists here. */
export async function providersByName(q: Q, name: string): Promise<Provider[]> {
  const rows = await q.selectFrom('resource_providers').selectAll().where('name', '=', name).execute()
  return rows.map(entity)
}

/** All of the trees with these roots, oldest first. */
export async function providersOfTrees(q: Q, rootIds: Iterable<string>): Promise<Provider[]> {
  const rows = await inChunks(rootIds, some =>
    q
      .selectFrom('resource_providers')
      .selectAll()
      .where('root_id', 'in', [...some])
      .execute(),
  )
  return rows.map(entity).sort(oldestFirst)
}

/** The order of all lists of providers. */
export const oldestFirst = (a: Provider, b: Provider): number =>
  a.createdAt - b.createdAt || (a.id < b.id ? -1 : a.id > b.id ? 1 : 0)

/** Throws DuplicateKey when id or name is taken. */
export async function insertProvider(
  q: Q,
  provider: { id: string; name: string; rootId: string; parentId: string | null },
  now: number,
): Promise<void> {
  await q
    .insertInto('resource_providers')
    .values({
      id: provider.id,
      name: provider.name,
      generation: 0,
      root_id: provider.rootId,
      parent_id: provider.parentId,
      created_at: time(now),
      updated_at: time(now),
    })
    .execute()
}

/** Throws DuplicateKey when the name is taken. */
export async function renameProvider(q: Q, id: string, name: string, now: number): Promise<void> {
  await q
    .updateTable('resource_providers')
    .set({ name, updated_at: time(now) })
    .where('id', '=', id)
    .execute()
}

/** Hangs a provider, with all below it (`subtree` holds their ids and its own), under another parent or under none. */
export async function moveProvider(
  q: Q,
  id: string,
  to: { parentId: string | null; rootId: string },
  subtree: readonly string[],
): Promise<void> {
  await q.updateTable('resource_providers').set({ parent_id: to.parentId }).where('id', '=', id).execute()
  await inChunks(subtree, async some => {
    await q
      .updateTable('resource_providers')
      .set({ root_id: to.rootId })
      .where('id', 'in', [...some])
      .execute()
    return []
  })
}

/** The generation is the lock: one further, or false when somebody else moved it since the provider was read. */
export const bumpProvider = (q: Q, provider: Provider, now: number): Promise<boolean> =>
  swap(
    q,
    'resource_providers',
    { id: provider.id, generation: provider.generation },
    { generation: provider.generation + 1, updated_at: time(now) },
  )

export async function hasChildren(q: Q, id: string): Promise<boolean> {
  const row = await q
    .selectFrom('resource_providers')
    .select('id')
    .where('parent_id', '=', id)
    .limit(1)
    .executeTakeFirst()
  return row !== undefined
}

/** With its inventories, traits and aggregates. Throws BrokenReference while it has children or allocations. */
export async function deleteProvider(q: Q, id: string): Promise<void> {
  await q.deleteFrom('inventories').where('provider_id', '=', id).execute()
  await q.deleteFrom('provider_traits').where('provider_id', '=', id).execute()
  await q.deleteFrom('provider_aggregates').where('provider_id', '=', id).execute()
  await q.deleteFrom('resource_providers').where('id', '=', id).execute()
}

/** Whether any provider has a parent at all. */
export async function hasTrees(q: Q): Promise<boolean> {
  const row = await q
    .selectFrom('resource_providers')
    .select('id')
    // Not `is not null`: that would read the whole table to find none.
    .where('parent_id', '>', '')
    .limit(1)
    .executeTakeFirst()
  return row !== undefined
}
