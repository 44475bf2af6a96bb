// The verbs of metadata namespaces: create with all that is in them, list, show, replace, delete.
import type { Kysely } from 'kysely'

import type { Ctx } from '#kernel/lib/context.ts'
import { faults } from '#services/glance/contract/faults.ts'
import { rules } from '#services/glance/contract/rules.ts'
import {
  metadefsDb,
  type Item,
  type ItemKind,
  type Namespace,
  type ResourceType,
} from '#services/glance/db/metadefs.ts'
import type { GlanceTables } from '#services/glance/db/tables.ts'
import {
  demand,
  demandWritable,
  holdNamespace,
  itemFrom,
  pagingOf,
  type Given,
  type MetadefTools,
  type PageQuery,
} from '#services/glance/domain/metadef-access.ts'

export interface WholeNamespace {
  readonly namespace: Namespace
  readonly objects: readonly Item[]
  readonly properties: readonly Item[]
  readonly tags: readonly Item[]
  readonly associations: readonly Item[]
}
const COLUMNS = [
  'created_at',
  'updated_at',
  'id',
  'namespace',
  'display_name',
  'description',
  'visibility',
  'owner',
] as const

export const createNamespacesDomain = (tools: MetadefTools) => {
  const { database, clock, ids } = tools
  const fields = (ctx: Ctx, body: Given): Omit<Namespace, 'id' | 'createdAt' | 'updatedAt'> => ({
    namespace: body['namespace'] as string,
    displayName: (body['display_name'] as string | undefined) ?? null,
    description: (body['description'] as string | undefined) ?? null,
    visibility: (body['visibility'] as string | undefined) ?? 'private',
    isProtected: body['protected'] === true,
    owner: (body['owner'] as string | undefined) ?? ctx.who?.projectId ?? null,
  })
  const insides = (namespaceId: string, body: Given, now: number): Record<ItemKind, Item[]> => {
    const list = (key: string): Given[] => (body[key] as Given[] | undefined) ?? []
    const properties = Object.entries((body['properties'] as Readonly<Record<string, Given>> | undefined) ?? {})
    return {
      association: list('resource_type_associations').map(one =>
        itemFrom(namespaceId, 'association', one['name'], one, now),
      ),
      object: list('objects').map(one => itemFrom(namespaceId, 'object', one['name'], one, now)),
      tag: list('tags').map(one => itemFrom(namespaceId, 'tag', one['name'], one, now)),
      property: properties.map(([name, one]) => itemFrom(namespaceId, 'property', name, one, now)),
    }
  }
  const holdForDelete = async (ctx: Ctx, name: string, ...more: readonly (typeof rules.deleteMetadefTags)[]) => {
    const held = await holdNamespace(tools, ctx, name, rules.deleteMetadefNamespace, ...more)
    if (held.isProtected) throw faults.ProtectedNamespace({ name })
    return held
  }
  return {
    /** Those the caller may see, a page of them; `more`: the page is full. Throws 400, 404 (marker). */
    async list(
      ctx: Ctx,
      query: PageQuery,
    ): Promise<{ namespaces: Namespace[]; associations: Map<string, Item[]>; more: boolean }> {
      demand(tools, ctx, { project_id: ctx.who?.projectId ?? null }, rules.listMetadefResourceTypes)
      const asked = pagingOf(query, { columns: COLUMNS, visibilities: ['public', 'private'], least: 0 })
      const limit = Math.min(asked.limit ?? tools.defaultLimit, tools.maxLimit)
      const marker = query.marker ?? null
      if (marker !== null) await holdNamespace(tools, ctx, marker)
      const all = tools.policy.allows(ctx.who, rules.getMetadefNamespace, { project_id: null, visibility: 'private' })
      return database.read(ctx, 'list-namespaces', async q => {
        const namespaces = await metadefsDb(q).list(
          {
            owner: all ? null : (ctx.who?.projectId ?? ''),
            visibility: query.visibility === undefined || query.visibility === '' ? null : query.visibility,
            types: query.resource_types === undefined ? null : query.resource_types.split(',').slice(0, 100),
          },
          { sort: { column: asked.column, direction: asked.direction }, marker, limit },
        )
        return {
          namespaces,
          associations: await metadefsDb(q).associationsOf(namespaces.map(one => one.id)),
          more: limit > 0 && namespaces.length === limit,
        }
      })
    },

    /** All of it is there afterwards, or nothing. Throws 400, 403, 409. */
    async create(ctx: Ctx, body: Given): Promise<Namespace> {
      demandWritable(body)
      const now = clock.now()
      const made: Namespace = { id: ids.uuid(), ...fields(ctx, body), createdAt: now, updatedAt: now }
      const parts = insides(made.id, body, now)
      const target = { project_id: ctx.who?.projectId ?? null }
      if (parts.association.length > 0) demand(tools, ctx, target, rules.addMetadefResourceTypeAssociation)
      if (parts.object.length > 0) demand(tools, ctx, target, rules.addMetadefObject)
      if (parts.property.length > 0) demand(tools, ctx, target, rules.addMetadefProperty)
      if (parts.tag.length > 0) demand(tools, ctx, target, rules.addMetadefTag)
      await database.tx({ ...ctx, subject: made.id }, 'create-namespace', async q => {
        if ((await metadefsDb(q).byName(made.namespace)) !== undefined)
          throw faults.DuplicateNamespace({ name: made.namespace })
        await metadefsDb(q).add(made)
        for (const items of Object.values(parts)) await addAll(q, made, items)
        for (const one of parts.association) await metadefsDb(q).knowResourceType(one.name, now)
      })
      return made
    },

    async show(ctx: Ctx, name: string): Promise<WholeNamespace> {
      const namespace = await holdNamespace(
        tools,
        ctx,
        name,
        rules.listMetadefResourceTypes,
        rules.getMetadefObjects,
        rules.getMetadefProperties,
        rules.getMetadefTags,
      )
      return database.read(ctx, 'whole-namespace', async q => ({
        namespace,
        objects: await metadefsDb(q).items(namespace.id, 'object'),
        properties: await metadefsDb(q).items(namespace.id, 'property'),
        tags: await metadefsDb(q).items(namespace.id, 'tag'),
        associations: await metadefsDb(q).items(namespace.id, 'association'),
      }))
    },

    /** Replaces the namespace's own fields; what is in it stays. Throws 400, 403, 404, 409. */
    async update(ctx: Ctx, name: string, body: Given): Promise<Namespace> {
      const held = await holdNamespace(tools, ctx, name, rules.modifyMetadefNamespace)
      demandWritable(body)
      const changed: Namespace = { ...held, ...fields(ctx, body), updatedAt: clock.now() }
      await database.tx({ ...ctx, subject: held.id }, 'update-namespace', async q => {
        if (changed.namespace !== held.namespace && (await metadefsDb(q).byName(changed.namespace)) !== undefined)
          throw faults.Conflict({
            reason: `Invalid update. It would result in a duplicate metadata definition namespace with the same name of ${changed.namespace}`,
          })
        if (!(await metadefsDb(q).replace(changed))) throw faults.NamespaceNotFound({ name })
      })
      return changed
    },

    async remove(ctx: Ctx, name: string): Promise<void> {
      const held = await holdForDelete(ctx, name)
      await database.tx({ ...ctx, subject: held.id }, 'delete-namespace', q => metadefsDb(q).remove(held.id))
    },
    /** All objects, properties or tags of it. */
    async empty(ctx: Ctx, name: string, kind: 'object' | 'property' | 'tag'): Promise<void> {
      const held = await holdForDelete(ctx, name, ...(kind === 'tag' ? [rules.deleteMetadefTags] : []))
      await database.tx({ ...ctx, subject: held.id }, `delete-all-${kind}`, q =>
        metadefsDb(q).removeItems(held.id, kind),
      )
    },
    resourceTypes: (ctx: Ctx): Promise<ResourceType[]> =>
      database.read(ctx, 'resource-types', q => metadefsDb(q).resourceTypes()),
  }
}
export type NamespacesDomain = ReturnType<typeof createNamespacesDomain>

/** Inserts items of one kind. Throws 409 for a name that is there, or is given twice. */
export async function addAll(q: Kysely<GlanceTables>, namespace: Namespace, items: readonly Item[]): Promise<void> {
  for (const item of items)
    if (!(await metadefsDb(q).addItem(item)))
      throw faults.DuplicateItem({ reason: duplicate(namespace.namespace, item.kind, item.name) })
}
function duplicate(namespace: string, kind: ItemKind, name: string): string {
  const inIt = `already exists in namespace=${namespace}.`
  switch (kind) {
    case 'tag':
      return `A metadata tag with name=${name} ${inIt} (Please note that metadata tag names are case insensitive).`
    case 'association':
      return `The metadata definition resource-type association of resource-type=${name} to namespace=${namespace} already exists.`
    default:
      return `A metadata definition ${kind} with name=${name} ${inIt}`
  }
}
