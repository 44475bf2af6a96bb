// JSON Schemas of metadata definitions: what bodies are judged by, and what /v2/schemas/metadefs/* shows.
import type { JsonSchema } from '#kernel/contract/shape.ts'

const TYPES = ['array', 'boolean', 'integer', 'number', 'object', 'string', null]
const text = (max?: number, says?: string): JsonSchema => ({
  type: 'string',
  ...(says === undefined ? {} : { description: says }),
  ...(max === undefined ? {} : { maxLength: max }),
})
const readOnly = (says?: string): JsonSchema => ({
  type: 'string',
  readOnly: true,
  ...(says === undefined ? {} : { description: says, format: 'date-time' }),
})
const basic = (minItems: number): Record<string, JsonSchema> => ({
  positiveInteger: { type: 'integer', minimum: 0 },
  positiveIntegerDefault0: { allOf: [{ $ref: '#/definitions/positiveInteger' }, { default: 0 }] },
  stringArray: {
    type: 'array',
    items: { type: 'string' },
    ...(minItems === 0 ? {} : { minItems }),
    uniqueItems: true,
  },
})
const propertyFields: Record<string, JsonSchema> = {
  name: text(80),
  title: text(),
  description: text(),
  operators: { type: 'array', items: { type: 'string' } },
  type: { type: 'string', enum: TYPES },
  required: { $ref: '#/definitions/stringArray' },
  minimum: { type: 'number' },
  maximum: { type: 'number' },
  maxLength: { $ref: '#/definitions/positiveInteger' },
  minLength: { $ref: '#/definitions/positiveIntegerDefault0' },
  pattern: { type: 'string', format: 'regex' },
  enum: { type: 'array' },
  readonly: { type: 'boolean' },
  default: {},
  items: {
    type: 'object',
    properties: { type: { type: 'string', enum: TYPES }, enum: { type: 'array' } },
  },
  maxItems: { $ref: '#/definitions/positiveInteger' },
  minItems: { $ref: '#/definitions/positiveIntegerDefault0' },
  uniqueItems: { type: 'boolean', default: false },
  additionalItems: { type: 'boolean' },
}
const definitions: Record<string, JsonSchema> = {
  ...basic(0),
  property: {
    type: 'object',
    additionalProperties: { type: 'object', required: ['title', 'type'], properties: propertyFields },
  },
}
const named = (
  name: string,
  properties: Record<string, JsonSchema>,
  required: readonly string[],
  defs?: Record<string, JsonSchema>,
): JsonSchema => ({
  name,
  properties,
  additionalProperties: false,
  ...(defs === undefined ? {} : { definitions: defs }),
  required,
})
const object = {
  name: text(80),
  description: text(),
  required: { $ref: '#/definitions/stringArray' },
  properties: { $ref: '#/definitions/property' },
}

export const namespaceSchema = named(
  'namespace',
  {
    namespace: text(80, 'The unique namespace text.'),
    display_name: text(80, 'The user friendly name for the namespace. Used by UI if available.'),
    description: text(500, 'Provides a user friendly description of the namespace.'),
    visibility: { type: 'string', description: 'Scope of namespace accessibility.', enum: ['public', 'private'] },
    protected: { type: 'boolean', description: 'If true, namespace will not be deletable.' },
    owner: text(255, 'Owner of the namespace.'),
    created_at: readOnly('Date and time of namespace creation'),
    updated_at: readOnly('Date and time of the last namespace modification'),
    schema: readOnly(),
    self: readOnly(),
    resource_type_associations: {
      type: 'array',
      items: { type: 'object', properties: { name: text(), prefix: text(), properties_target: text() } },
    },
    properties: { $ref: '#/definitions/property' },
    objects: { type: 'array', items: { type: 'object', properties: { ...object, name: text() } } },
    tags: { type: 'array', items: { type: 'object', properties: { name: text() } } },
  },
  ['namespace'],
  definitions,
)
export const objectSchema = named(
  'object',
  {
    ...object,
    schema: readOnly(),
    self: readOnly(),
    created_at: readOnly('Date and time of object creation'),
    updated_at: readOnly('Date and time of the last object modification'),
  },
  ['name'],
  definitions,
)
export const propertySchema = named('property', propertyFields, ['type', 'title', 'name'], basic(1))
export const tagSchema = named(
  'tag',
  {
    name: text(80),
    created_at: readOnly('Date and time of tag creation'),
    updated_at: readOnly('Date and time of the last tag modification'),
  },
  ['name'],
)
export const tagListSchema: JsonSchema = {
  name: 'tags',
  properties: {
    tags: {
      type: 'array',
      items: { type: 'object', properties: { name: text() }, required: ['name'], additionalProperties: false },
    },
  },
  additionalProperties: false,
}
export const associationSchema = named(
  'resource_type_association',
  {
    name: text(80, 'The name of a resource type, as Heat spells it where Heat has it.'),
    prefix: text(
      80,
      'What the properties of the namespace begin with when they are applied to the resource type, its separator included.',
    ),
    properties_target: text(
      80,
      'Which of several sets of keys and values of the resource type is meant, where it has more than one.',
    ),
    created_at: readOnly('Date and time of resource type association'),
    updated_at: readOnly('Date and time of the last resource type association modification'),
  },
  ['name'],
)

/** The schema of a page of these: `key` is the collection's name. */
export function collectionSchema(key: string, item: JsonSchema, asDict = false): JsonSchema {
  const { definitions: defs, ...inner } = item
  const required = asDict ? (inner['required'] as string[]).filter(name => name !== 'name') : inner['required']
  const one = { ...inner, required }
  return {
    name: key,
    properties: {
      [key]: asDict ? { type: 'object', additionalProperties: one } : { type: 'array', items: one },
      first: { type: 'string' },
      next: { type: 'string' },
      schema: { type: 'string' },
    },
    links: [
      { rel: 'first', href: '{first}' },
      { rel: 'next', href: '{next}' },
      { rel: 'describedby', href: '{schema}' },
    ],
    ...(defs === undefined ? {} : { definitions: defs }),
  }
}

/** The same schema for a body: it must be an object; times and patterns of clients are never run. */
export const forBody = (schema: JsonSchema): JsonSchema => ({ type: 'object', ...(withoutFormats(schema) as object) })
function withoutFormats(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(withoutFormats)
  if (typeof value !== 'object' || value === null) return value
  return Object.fromEntries(
    Object.entries(value)
      .filter(([key, entry]) => key !== 'format' || typeof entry !== 'string')
      .map(([key, entry]) => [key, withoutFormats(entry)]),
  )
}
