// The verbs of what is in a metadata namespace: objects, properties, tags, associations with resource types.
import type { Rule } from '#kernel/contract/rule.ts'
import type { Ctx } from '#kernel/lib/context.ts'
import { faults } from '#services/glance/contract/faults.ts'
import { rules } from '#services/glance/contract/rules.ts'
import { metadefsDb, type Item, type ItemKind } from '#services/glance/db/metadefs.ts'
import {
  demand,
  demandWritable,
  holdNamespace,
  itemFrom,
  pagingOf,
  targetOf,
  type Given,
  type MetadefTools,
  type PageQuery,
} from '#services/glance/domain/metadef-access.ts'
import { addAll } from '#services/glance/domain/metadef-namespaces.ts'

interface KindRules {
  readonly list: Rule
  readonly show: Rule
  readonly add: Rule
  readonly change: Rule
  readonly remove: Rule
}
const RULES: Readonly<Record<ItemKind, KindRules>> = {
  object: {
    list: rules.getMetadefObjects,
    show: rules.getMetadefObject,
    add: rules.addMetadefObject,
    change: rules.modifyMetadefObject,
    remove: rules.deleteMetadefObject,
  },
  property: {
    list: rules.getMetadefProperties,
    show: rules.getMetadefProperty,
    add: rules.addMetadefProperty,
    change: rules.modifyMetadefProperty,
    remove: rules.removeMetadefProperty,
  },
  tag: {
    list: rules.getMetadefTags,
    show: rules.getMetadefTag,
    add: rules.addMetadefTag,
    change: rules.modifyMetadefTag,
    remove: rules.deleteMetadefTag,
  },
  association: {
    list: rules.listMetadefResourceTypes,
    show: rules.getMetadefResourceType,
    add: rules.addMetadefResourceTypeAssociation,
    change: rules.metadefAdmin,
    remove: rules.removeMetadefResourceTypeAssociation,
  },
}
const WORDS: Readonly<Record<ItemKind, string>> = {
  object: 'object',
  property: 'property',
  tag: 'tag',
  association: 'resource-type-association',
}
const missing = (kind: ItemKind, name: string, namespace: string) =>
  kind === 'association'
    ? faults.NotFound({ reason: `Failed to find resource type ${name} to delete` })
    : faults.NotFound({
        reason: `The metadata definition ${kind} with name=${name} was not found in namespace=${namespace}.`,
      })

export const createContentsDomain = (tools: MetadefTools) => {
  const { database, clock } = tools
  const itemOf = async (ctx: Ctx, id: string, kind: ItemKind, name: string): Promise<Item | undefined> =>
    database.read(ctx, `find-${kind}`, q => metadefsDb(q).item(id, kind, name))

  return {
    async list(ctx: Ctx, namespace: string, kind: ItemKind): Promise<Item[]> {
      const held = await holdNamespace(tools, ctx, namespace, RULES[kind].list)
      if (!tools.policy.allows(ctx.who, RULES[kind].show, targetOf(held))) return []
      return database.read(ctx, `list-${kind}`, q => metadefsDb(q).items(held.id, kind))
    },
    /** Objects and tags, sorted. compat: the query of an object list is judged but pages nothing, as upstream's. */
    async page(ctx: Ctx, namespace: string, kind: 'object' | 'tag', query: PageQuery): Promise<Item[]> {
      const asked = pagingOf(query, {
        columns: ['created_at', 'updated_at', 'name', 'id'],
        visibilities: ['public', 'private', 'shared'],
        least: kind === 'object' ? 1 : 0,
      })
      const held = await holdNamespace(tools, ctx, namespace, RULES[kind].list)
      if (kind === 'object') return database.read(ctx, 'list-object', q => metadefsDb(q).items(held.id, kind))
      const marker = query.marker === undefined || query.marker === '' ? null : query.marker
      if (marker !== null && (await itemOf(ctx, held.id, kind, marker)) === undefined)
        throw missing(kind, marker, namespace)
      const limit = asked.limit === undefined || asked.limit === 0 ? undefined : Math.min(asked.limit, tools.maxLimit)
      const column = asked.column === 'id' ? 'created_at' : asked.column
      return database.read(ctx, 'list-tag', q =>
        metadefsDb(q).items(held.id, kind, { sort: { column, direction: asked.direction }, marker, limit }),
      )
    },
    async show(ctx: Ctx, namespace: string, kind: ItemKind, name: string, resourceType?: string): Promise<Item> {
      const held = await holdNamespace(tools, ctx, namespace, RULES[kind].show)
      let plain = name
      if (resourceType !== undefined && resourceType !== '') {
        demand(tools, ctx, targetOf(held), rules.getMetadefResourceType)
        const prefix = (await itemOf(ctx, held.id, 'association', resourceType))?.body['prefix']
        if (typeof prefix !== 'string' || prefix === '' || !name.startsWith(prefix))
          throw faults.NotFound({
            reason: `Property ${name} does not start with the expected resource type association prefix of '${typeof prefix === 'string' ? prefix : 'None'}'.`,
          })
        plain = name.slice(prefix.length)
      }
      const found = await itemOf(ctx, held.id, kind, plain)
      if (found === undefined) throw missing(kind, plain, namespace)
      return found
    },
    /** Throws 400, 403, 404, 409. */
    async add(ctx: Ctx, namespace: string, kind: ItemKind, name: unknown, body: Given): Promise<Item> {
      const held = await holdNamespace(tools, ctx, namespace, RULES[kind].add)
      demandWritable(body)
      const made = itemFrom(held.id, kind, name, body, clock.now())
      await database.tx({ ...ctx, subject: held.id }, `add-${kind}`, async q => {
        await addAll(q, held, [made])
        if (kind === 'association') await metadefsDb(q).knowResourceType(made.name, made.createdAt)
      })
      return made
    },
    /** Replaces it whole, its name included. Throws 400, 403, 404, 409. */
    async replace(ctx: Ctx, namespace: string, kind: ItemKind, name: string, body: Given): Promise<Item> {
      const held = await holdNamespace(tools, ctx, namespace, RULES[kind].change)
      demandWritable(body)
      const now = clock.now()
      const next = itemFrom(held.id, kind, body['name'], body, now)
      return database.tx({ ...ctx, subject: held.id }, `update-${kind}`, async q => {
        const before = await metadefsDb(q).item(held.id, kind, name)
        if (before === undefined) throw missing(kind, name, namespace)
        if (next.name !== name && (await metadefsDb(q).item(held.id, kind, next.name)) !== undefined)
          throw faults.Conflict({
            reason: `Invalid update. It would result in a duplicate metadata definition ${kind} with the same name=${next.name} in namespace=${namespace}.`,
          })
        const changed = { ...next, createdAt: before.createdAt }
        await metadefsDb(q).replaceItem(name, changed)
        return changed
      })
    },
    async remove(ctx: Ctx, namespace: string, kind: ItemKind, name: string): Promise<void> {
      const held = await holdNamespace(tools, ctx, namespace, RULES[kind].remove)
      if ((await itemOf(ctx, held.id, kind, name)) === undefined) throw missing(kind, name, namespace)
      if (held.isProtected)
        throw faults.Forbidden({
          reason: `Metadata definition ${WORDS[kind]} ${name} is protected and cannot be deleted.`,
        })
      await database.tx({ ...ctx, subject: held.id }, `remove-${kind}`, q =>
        metadefsDb(q).removeItems(held.id, kind, name),
      )
    },
    /** Sets the tags of a namespace, or adds to them. Throws 403, 404, 409 (a name is there, or given twice). */
    async setTags(ctx: Ctx, namespace: string, names: readonly string[], append: boolean): Promise<Item[]> {
      const held = await holdNamespace(tools, ctx, namespace, rules.addMetadefTags)
      const now = clock.now()
      const made = names.map(name => itemFrom(held.id, 'tag', name, {}, now))
      if (made.length === 0) return []
      await database.tx({ ...ctx, subject: held.id }, 'set-tags', async q => {
        if (!append) await metadefsDb(q).removeItems(held.id, 'tag')
        await addAll(q, held, made)
      })
      return made
    },
  }
}
export type ContentsDomain = ReturnType<typeof createContentsDomain>
