// Metadata definitions: namespaces and what is in them. All rules are asked of the stored namespace, hence `judged: domain`.
import { del, get, post, put } from '#kernel/contract/route.ts'
import { may, object } from '#kernel/contract/shape.ts'
import { raw, text } from '#kernel/contract/shapes.ts'
import {
  associationSchema,
  forBody,
  namespaceSchema,
  objectSchema,
  propertySchema,
  tagListSchema,
  tagSchema,
} from '#services/glance/contract/metadef-schemas.ts'
import { rules } from '#services/glance/contract/rules.ts'

type Body = Readonly<Record<string, unknown>>
const NAMESPACES = '/v2/metadefs/namespaces'
const NAMESPACE = '/v2/metadefs/namespaces/{namespace}'
const paging = object(
  {
    limit: may(text({ max: 255 })),
    marker: may(text({ max: 255 })),
    sort_key: may(text({ max: 255 })),
    sort_dir: may(text({ max: 255 })),
    visibility: may(text({ max: 255 })),
    resource_types: may(text({ max: 4096 })),
  },
  { extra: true },
)
const ofType = object({ resource_type: may(text({ max: 255 })) }, { extra: true })
const judged = 'domain' as const

export const metadefNamespaces = {
  list: get(NAMESPACES, { policy: rules.getMetadefNamespaces, query: paging }),
  create: post(NAMESPACES, { policy: rules.addMetadefNamespace, body: raw<Body>(forBody(namespaceSchema)) }),
  show: get(NAMESPACE, { policy: rules.getMetadefNamespace, judged, query: ofType }),
  update: put(NAMESPACE, {
    policy: rules.modifyMetadefNamespace,
    judged,
    body: raw<Body>(forBody(namespaceSchema)),
  }),
  remove: del(NAMESPACE, { policy: rules.deleteMetadefNamespace, judged }),
  removeObjects: del('/v2/metadefs/namespaces/{namespace}/objects', { policy: rules.deleteMetadefNamespace, judged }),
  removeProperties: del('/v2/metadefs/namespaces/{namespace}/properties', {
    policy: rules.deleteMetadefNamespace,
    judged,
  }),
  removeTags: del('/v2/metadefs/namespaces/{namespace}/tags', { policy: rules.deleteMetadefTags, judged }),
  resourceTypes: get('/v2/metadefs/resource_types', { policy: rules.listMetadefResourceTypes }),
}

export const metadefContents = {
  listObjects: get('/v2/metadefs/namespaces/{namespace}/objects', {
    policy: rules.getMetadefObjects,
    judged,
    query: paging,
  }),
  addObject: post('/v2/metadefs/namespaces/{namespace}/objects', {
    policy: rules.addMetadefObject,
    judged,
    body: raw<Body>(forBody(objectSchema)),
  }),
  showObject: get('/v2/metadefs/namespaces/{namespace}/objects/{name}', { policy: rules.getMetadefObject, judged }),
  updateObject: put('/v2/metadefs/namespaces/{namespace}/objects/{name}', {
    policy: rules.modifyMetadefObject,
    judged,
    body: raw<Body>(forBody(objectSchema)),
  }),
  removeObject: del('/v2/metadefs/namespaces/{namespace}/objects/{name}', {
    policy: rules.deleteMetadefObject,
    judged,
  }),
  listProperties: get('/v2/metadefs/namespaces/{namespace}/properties', {
    policy: rules.getMetadefProperties,
    judged,
  }),
  addProperty: post('/v2/metadefs/namespaces/{namespace}/properties', {
    policy: rules.addMetadefProperty,
    judged,
    body: raw<Body>(forBody(propertySchema)),
  }),
  showProperty: get('/v2/metadefs/namespaces/{namespace}/properties/{name}', {
    policy: rules.getMetadefProperty,
    judged,
    query: ofType,
  }),
  updateProperty: put('/v2/metadefs/namespaces/{namespace}/properties/{name}', {
    policy: rules.modifyMetadefProperty,
    judged,
    body: raw<Body>(forBody(propertySchema)),
  }),
  removeProperty: del('/v2/metadefs/namespaces/{namespace}/properties/{name}', {
    policy: rules.removeMetadefProperty,
    judged,
  }),
  listTags: get('/v2/metadefs/namespaces/{namespace}/tags', { policy: rules.getMetadefTags, judged, query: paging }),
  setTags: post('/v2/metadefs/namespaces/{namespace}/tags', {
    policy: rules.addMetadefTags,
    judged,
    body: raw<{ tags?: { name: string }[] }>(forBody(tagListSchema)),
  }),
  addTag: post('/v2/metadefs/namespaces/{namespace}/tags/{name}', {
    policy: rules.addMetadefTag,
    judged,
    bodyOptional: true,
  }),
  showTag: get('/v2/metadefs/namespaces/{namespace}/tags/{name}', { policy: rules.getMetadefTag, judged }),
  updateTag: put('/v2/metadefs/namespaces/{namespace}/tags/{name}', {
    policy: rules.modifyMetadefTag,
    judged,
    body: raw<Body>(forBody(tagSchema)),
  }),
  removeTag: del('/v2/metadefs/namespaces/{namespace}/tags/{name}', { policy: rules.deleteMetadefTag, judged }),
  listAssociations: get('/v2/metadefs/namespaces/{namespace}/resource_types', {
    policy: rules.listMetadefResourceTypes,
    judged,
  }),
  addAssociation: post('/v2/metadefs/namespaces/{namespace}/resource_types', {
    policy: rules.addMetadefResourceTypeAssociation,
    judged,
    body: raw<Body>(forBody(associationSchema)),
  }),
  removeAssociation: del('/v2/metadefs/namespaces/{namespace}/resource_types/{name}', {
    policy: rules.removeMetadefResourceTypeAssociation,
    judged,
  }),
}

const seen = { policy: 'authenticated' } as const
export const metadefSchemas = {
  namespace: get('/v2/schemas/metadefs/namespace', seen),
  namespaces: get('/v2/schemas/metadefs/namespaces', seen),
  resourceType: get('/v2/schemas/metadefs/resource_type', seen),
  resourceTypes: get('/v2/schemas/metadefs/resource_types', seen),
  property: get('/v2/schemas/metadefs/property', seen),
  properties: get('/v2/schemas/metadefs/properties', seen),
  object: get('/v2/schemas/metadefs/object', seen),
  objects: get('/v2/schemas/metadefs/objects', seen),
  tag: get('/v2/schemas/metadefs/tag', seen),
  tags: get('/v2/schemas/metadefs/tags', seen),
}
