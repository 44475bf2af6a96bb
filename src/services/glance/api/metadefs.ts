// Metadata definitions over HTTP. What a field has no value for is left out, as upstream does.
import { isoSeconds } from '#kernel/lib/clock.ts'
import { handlers, type HandlerTable } from '#kernel/http/handlers.ts'
import {
  associationSchema,
  collectionSchema,
  namespaceSchema,
  objectSchema,
  propertySchema,
  tagSchema,
} from '#services/glance/contract/metadef-schemas.ts'
import { metadefContents, metadefNamespaces, metadefSchemas } from '#services/glance/contract/metadefs.ts'
import type { Item, Namespace } from '#services/glance/db/metadefs.ts'
import type { Given, PageQuery } from '#services/glance/domain/metadef-access.ts'
import type { ContentsDomain } from '#services/glance/domain/metadef-contents.ts'
import type { NamespacesDomain, WholeNamespace } from '#services/glance/domain/metadef-namespaces.ts'

type View = Record<string, unknown>
const LIST = '/v2/metadefs/namespaces'
const times = (it: { createdAt: number; updatedAt: number }): View => ({
  created_at: isoSeconds(it.createdAt),
  updated_at: isoSeconds(it.updatedAt),
})
const present = (view: View): View => Object.fromEntries(Object.entries(view).filter(([, value]) => value !== null))
const some = (key: string, list: readonly unknown[]): View => (list.length === 0 ? {} : { [key]: list })

const associationView = (it: Item): View => ({ name: it.name, ...it.body, ...times(it) })
const propertyView = (it: Item): View => ({ name: it.name, ...it.body })
const tagView = (it: Item): View => ({ name: it.name, ...times(it) })
const objectView = (namespace: string, it: Item): View => ({
  name: it.name,
  ...it.body,
  ...times(it),
  self: `${LIST}/${namespace}/objects/${it.name}`,
  schema: '/v2/schemas/metadefs/object',
})
const namespaceView = (it: Namespace): View =>
  present({
    namespace: it.namespace,
    display_name: it.displayName,
    description: it.description,
    visibility: it.visibility,
    protected: it.isProtected,
    owner: it.owner,
    ...times(it),
    self: `${LIST}/${it.namespace}`,
    schema: '/v2/schemas/metadefs/namespace',
  })
const byName = (items: readonly Item[], prefix = ''): View =>
  Object.fromEntries(items.map(it => [prefix + it.name, it.body]))

/** A namespace with all that is in it; names of properties begin with what the resource type asks for. */
function wholeView(whole: WholeNamespace, resourceType: string | undefined): View {
  const { namespace, objects, properties, tags, associations } = whole
  const wanted = associations.find(one => one.name === resourceType)?.body['prefix']
  const prefix = typeof wanted === 'string' ? wanted : ''
  const prefixed = (view: View): View => {
    if (prefix === '') return view
    const inner = (view['properties'] as View | undefined) ?? {}
    const required = view['required'] as string[] | undefined
    return {
      ...view,
      properties: Object.fromEntries(Object.entries(inner).map(([key, value]) => [prefix + key, value])),
      ...(required === undefined ? {} : { required: required.map(name => prefix + name) }),
    }
  }
  return {
    ...namespaceView(namespace),
    ...some(
      'objects',
      objects.map(one => prefixed(objectView(namespace.namespace, one))),
    ),
    ...some('resource_type_associations', associations.map(associationView)),
    ...(properties.length === 0 ? {} : { properties: byName(properties, prefix) }),
    ...some(
      'tags',
      tags.map(one => ({ name: one.name })),
    ),
  }
}

export function metadefHandlers(namespaces: NamespacesDomain, contents: ContentsDomain): HandlerTable[] {
  const own = handlers(metadefNamespaces, {
    list: async call => {
      const page = await namespaces.list(call.ctx, call.query as PageQuery)
      const link = (marker: string | null): string => {
        const query = new URLSearchParams(call.rawQuery)
        query.delete('marker')
        if (marker !== null) query.set('marker', marker)
        const text = query.toString()
        return text === '' ? LIST : `${LIST}?${text}`
      }
      return {
        first: link(null),
        namespaces: page.namespaces.map(one => ({
          ...namespaceView(one),
          ...some('resource_type_associations', (page.associations.get(one.id) ?? []).map(associationView)),
        })),
        schema: '/v2/schemas/metadefs/namespaces',
        ...(page.more ? { next: link(page.namespaces.at(-1)?.namespace ?? null) } : {}),
      }
    },
    create: async call => {
      const made = await namespaces.create(call.ctx, call.body)
      call.header('location', `${LIST}/${made.namespace}`)
      const { objects, properties, tags, resource_type_associations } = call.body
      const given = { objects, properties, tags, resource_type_associations }
      return { ...namespaceView(made), ...given }
    },
    show: async call => wholeView(await namespaces.show(call.ctx, call.params.namespace), call.query.resource_type),
    update: async call => namespaceView(await namespaces.update(call.ctx, call.params.namespace, call.body)),
    remove: call => namespaces.remove(call.ctx, call.params.namespace),
    removeObjects: call => namespaces.empty(call.ctx, call.params.namespace, 'object'),
    removeProperties: call => namespaces.empty(call.ctx, call.params.namespace, 'property'),
    removeTags: call => namespaces.empty(call.ctx, call.params.namespace, 'tag'),
    resourceTypes: async call => ({
      resource_types: (await namespaces.resourceTypes(call.ctx)).map(one => ({ name: one.name, ...times(one) })),
    }),
  })
  const inner = handlers(metadefContents, {
    listObjects: async call => ({
      objects: (await contents.page(call.ctx, call.params.namespace, 'object', call.query)).map(one =>
        objectView(call.params.namespace, one),
      ),
      schema: 'v2/schemas/metadefs/objects',
    }),
    addObject: async call =>
      objectView(
        call.params.namespace,
        await contents.add(call.ctx, call.params.namespace, 'object', call.body['name'], call.body),
      ),
    showObject: async ({ ctx, params }) =>
      objectView(params.namespace, await contents.show(ctx, params.namespace, 'object', params.name)),
    updateObject: async ({ ctx, params, body }) =>
      objectView(params.namespace, await contents.replace(ctx, params.namespace, 'object', params.name, body)),
    removeObject: ({ ctx, params }) => contents.remove(ctx, params.namespace, 'object', params.name),
    listProperties: async ({ ctx, params }) => ({
      properties: byName(await contents.list(ctx, params.namespace, 'property')),
    }),
    addProperty: async ({ ctx, params, body }) =>
      propertyView(await contents.add(ctx, params.namespace, 'property', body['name'], body)),
    showProperty: async ({ ctx, params, query }) =>
      propertyView(await contents.show(ctx, params.namespace, 'property', params.name, query.resource_type)),
    updateProperty: async ({ ctx, params, body }) =>
      propertyView(await contents.replace(ctx, params.namespace, 'property', params.name, body)),
    removeProperty: ({ ctx, params }) => contents.remove(ctx, params.namespace, 'property', params.name),
    listTags: async call => ({
      tags: (await contents.page(call.ctx, call.params.namespace, 'tag', call.query)).map(one => ({ name: one.name })),
    }),
    setTags: async ({ ctx, params, body, headers }) => {
      const append = /^(1|t|true|on|y|yes)$/i.test((headers['x-openstack-append'] ?? '').trim())
      const names = (body.tags ?? []).map(one => one.name)
      return { tags: (await contents.setTags(ctx, params.namespace, names, append)).map(one => ({ name: one.name })) }
    },
    addTag: async ({ ctx, params }) => tagView(await contents.add(ctx, params.namespace, 'tag', params.name, {})),
    showTag: async ({ ctx, params }) => tagView(await contents.show(ctx, params.namespace, 'tag', params.name)),
    updateTag: async ({ ctx, params, body }) =>
      tagView(await contents.replace(ctx, params.namespace, 'tag', params.name, body)),
    removeTag: ({ ctx, params }) => contents.remove(ctx, params.namespace, 'tag', params.name),
    listAssociations: async ({ ctx, params }) => ({
      resource_type_associations: (await contents.list(ctx, params.namespace, 'association')).map(associationView),
    }),
    addAssociation: async ({ ctx, params, body }) =>
      associationView(await contents.add(ctx, params.namespace, 'association', (body as Given)['name'], body)),
    removeAssociation: ({ ctx, params }) => contents.remove(ctx, params.namespace, 'association', params.name),
  })
  const schemas = handlers(metadefSchemas, {
    namespace: () => namespaceSchema,
    namespaces: () => collectionSchema('namespaces', namespaceSchema),
    resourceType: () => associationSchema,
    resourceTypes: () => collectionSchema('resource_type_associations', associationSchema),
    property: () => propertySchema,
    properties: () => collectionSchema('properties', propertySchema, true),
    object: () => objectSchema,
    objects: () => collectionSchema('objects', objectSchema),
    tag: () => tagSchema,
    tags: () => collectionSchema('tags', tagSchema),
  })
  return [own, inner, schemas]
}
