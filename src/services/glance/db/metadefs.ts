// Metadata definitions as entities, and the queries about them. Objects, properties, tags and associations are one table: they
// are found by namespace, kind and name, and their insides are JSON that only clients read.
import type { Kysely, Selectable } from 'kysely'

import { flag, fromJson, fromTime, isSet, json, time } from '#kernel/db/codecs.ts'
import { inChunks, insertAll, insertIfAbsent, swap } from '#kernel/db/helpers.ts'
import { page } from '#kernel/db/page.ts'
import type { GlanceTables } from '#services/glance/db/tables.ts'

export interface Namespace {
  readonly id: string
  readonly namespace: string
  readonly displayName: string | null
  readonly description: string | null
  readonly visibility: string
  readonly isProtected: boolean
  readonly owner: string | null
  readonly createdAt: number
  readonly updatedAt: number
}
export type ItemKind = 'object' | 'property' | 'tag' | 'association'
export interface Item {
  readonly namespaceId: string
  readonly kind: ItemKind
  readonly name: string
  readonly body: Readonly<Record<string, unknown>>
  readonly createdAt: number
  readonly updatedAt: number
}
export interface ResourceType {
  readonly name: string
  readonly createdAt: number
  readonly updatedAt: number
}
export interface Paging {
  readonly sort: { readonly column: string; readonly direction: 'asc' | 'desc' }
  readonly marker: string | null
  readonly limit: number | undefined
}

const toRow = (it: Namespace) => ({
  id: it.id,
  namespace: it.namespace,
  display_name: it.displayName,
  description: it.description,
  visibility: it.visibility,
  is_protected: flag(it.isProtected),
  owner: it.owner,
  created_at: time(it.createdAt),
  updated_at: time(it.updatedAt),
})
const fromRow = (row: Selectable<GlanceTables['metadef_namespaces']>): Namespace => ({
  id: row.id,
  namespace: row.namespace,
  displayName: row.display_name,
  description: row.description,
  visibility: row.visibility,
  isProtected: isSet(row.is_protected),
  owner: row.owner,
  createdAt: fromTime(row.created_at),
  updatedAt: fromTime(row.updated_at),
})
const itemRow = (it: Item) => ({
  namespace_id: it.namespaceId,
  kind: it.kind,
  name: it.name,
  body: json({ ...it.body }),
  created_at: time(it.createdAt),
  updated_at: time(it.updatedAt),
})
const itemOf = (row: Selectable<GlanceTables['metadef_items']>): Item => ({
  namespaceId: row.namespace_id,
  kind: row.kind as ItemKind,
  name: row.name,
  body: fromJson(row.body),
  createdAt: fromTime(row.created_at),
  updatedAt: fromTime(row.updated_at),
})

export const metadefsDb = (q: Kysely<GlanceTables>) => {
  const items = (namespaceId: string, kind: ItemKind) =>
    q.selectFrom('metadef_items').selectAll().where('namespace_id', '=', namespaceId).where('kind', '=', kind)
  return {
    async byName(namespace: string): Promise<Namespace | undefined> {
      const row = await q
        .selectFrom('metadef_namespaces')
        .selectAll()
        .where('namespace', '=', namespace)
        .executeTakeFirst()
      return row && fromRow(row)
    },
    /** `owner`: null for those who see all. `types`: only those that are for one of these resource types. */
    async list(
      filters: { owner: string | null; visibility: string | null; types: readonly string[] | null },
      paging: Paging,
    ): Promise<Namespace[]> {
      const { owner, visibility, types } = filters
      let query = q.selectFrom('metadef_namespaces').selectAll()
      if (owner !== null)
        query = query.where(({ or, eb }) => or([eb('owner', '=', owner), eb('visibility', '=', 'public')]))
      if (visibility !== null) query = query.where('visibility', '=', visibility)
      if (types !== null)
        query = query.where('id', 'in', inner =>
          inner
            .selectFrom('metadef_items')
            .select('namespace_id')
            .where('kind', '=', 'association')
            .where('name', 'in', [...types]),
        )
      const marker =
        paging.marker === null
          ? undefined
          : await q
              .selectFrom('metadef_namespaces')
              .selectAll()
              .where('namespace', '=', paging.marker)
              .executeTakeFirst()
      return (await page(q, query, { sort: [paging.sort], marker, limit: paging.limit })).map(fromRow)
    },
    async add(namespace: Namespace): Promise<void> {
      await q.insertInto('metadef_namespaces').values(toRow(namespace)).execute()
    },
    async replace(namespace: Namespace): Promise<boolean> {
      const { id, ...rest } = toRow(namespace)
      return swap(q, 'metadef_namespaces', { id }, rest)
    },
    async remove(id: string): Promise<void> {
      await q.deleteFrom('metadef_items').where('namespace_id', '=', id).execute()
      await q.deleteFrom('metadef_namespaces').where('id', '=', id).execute()
    },
    async item(namespaceId: string, kind: ItemKind, name: string): Promise<Item | undefined> {
      const row = await items(namespaceId, kind).where('name', '=', name).executeTakeFirst()
      return row && itemOf(row)
    },
    async items(namespaceId: string, kind: ItemKind, paging?: Paging): Promise<Item[]> {
      if (paging === undefined)
        return (await items(namespaceId, kind).orderBy('created_at').orderBy('name').execute()).map(itemOf)
      const marker =
        paging.marker === null
          ? undefined
          : await items(namespaceId, kind).where('name', '=', paging.marker).executeTakeFirst()
      return (
        await page(q, items(namespaceId, kind), { sort: [paging.sort], tie: 'name', marker, limit: paging.limit })
      ).map(itemOf)
    },
    async associationsOf(namespaceIds: readonly string[]): Promise<Map<string, Item[]>> {
      const rows = await inChunks(namespaceIds, some =>
        q
          .selectFrom('metadef_items')
          .selectAll()
          .where('kind', '=', 'association')
          .where('namespace_id', 'in', [...some])
          .orderBy('created_at')
          .orderBy('name')
          .execute(),
      )
      const found = new Map<string, Item[]>()
      for (const row of rows) found.set(row.namespace_id, [...(found.get(row.namespace_id) ?? []), itemOf(row)])
      return found
    },
    /** False: there is one of that name. */
    addItem: (item: Item): Promise<boolean> =>
      insertIfAbsent(q, 'metadef_items', itemRow(item), ['namespace_id', 'kind', 'name']),
    addItems: (all: readonly Item[]): Promise<void> => insertAll(q, 'metadef_items', all.map(itemRow)),
    async replaceItem(name: string, item: Item): Promise<boolean> {
      const { namespace_id, kind, ...rest } = itemRow(item)
      return swap(q, 'metadef_items', { namespace_id, kind, name }, rest)
    },
    async removeItems(namespaceId: string, kind: ItemKind, name?: string): Promise<void> {
      const all = q.deleteFrom('metadef_items').where('namespace_id', '=', namespaceId).where('kind', '=', kind)
      await (name === undefined ? all : all.where('name', '=', name)).execute()
    },
    async resourceTypes(): Promise<ResourceType[]> {
      const rows = await q.selectFrom('metadef_resource_types').selectAll().orderBy('name').execute()
      return rows.map(row => ({
        name: row.name,
        createdAt: fromTime(row.created_at),
        updatedAt: fromTime(row.updated_at),
      }))
    },
    async knowResourceType(name: string, now: number): Promise<void> {
      await insertIfAbsent(q, 'metadef_resource_types', { name, created_at: time(now), updated_at: time(now) }, [
        'name',
      ])
    },
  }
}
