// What the image API says about itself: versions, schemas, import methods.
import { NEWEST } from '#kernel/contract/version.ts'
import { handlers, type HandlerTable } from '#kernel/http/handlers.ts'
import { IMPORT_METHODS } from '#services/glance/contract/imports.ts'
import { about, CreateImage, DISK_FORMATS, ImageView } from '#services/glance/contract/images.ts'

/** Versions of the API that are built: those of one store with an identifier and a cache. */
const VERSIONS: readonly [version: string, status: string][] = [
  ['v2.18', 'CURRENT'],
  ...[17, 16, 15, 14, 13, 12, 11, 10, 9, 8, 7, 6, 5, 4, 3, 2, 1, 0].map((minor): [string, string] => [
    `v2.${minor}`,
    'SUPPORTED',
  ]),
]
const versionList = (base: string): object => ({
  versions: VERSIONS.map(([id, status]) => ({ id, status, links: [{ rel: 'self', href: `${base}/v2/` }] })),
})
const READ_ONLY = new Set([
  'status',
  'size',
  'virtual_size',
  'checksum',
  'os_hash_algo',
  'os_hash_value',
  'created_at',
  'updated_at',
  'self',
  'file',
  'schema',
])
function imageSchema(): {
  name: string
  properties: Record<string, unknown>
  additionalProperties: object
  links: object[]
} {
  const shown = ImageView.schema(NEWEST)['properties'] as Record<string, object>
  const asked = CreateImage.schema(NEWEST)['properties'] as Record<string, object>
  const properties = Object.fromEntries(
    Object.entries({ ...shown, ...asked }).map(([name, schema]) => [
      name,
      READ_ONLY.has(name) ? { ...schema, readOnly: true } : schema,
    ]),
  )
  properties['disk_format'] = { type: ['null', 'string'], enum: [null, ...DISK_FORMATS] }
  return {
    name: 'image',
    properties,
    additionalProperties: { type: 'string' },
    links: [
      { rel: 'self', href: '{self}' },
      { rel: 'enclosure', href: '{file}' },
      { rel: 'describedby', href: '{schema}' },
    ],
  }
}
const memberSchema = {
  name: 'member',
  properties: {
    member_id: { type: 'string' },
    image_id: { type: 'string' },
    created_at: { type: 'string' },
    updated_at: { type: 'string' },
    status: { type: 'string', enum: ['pending', 'accepted', 'rejected'] },
    schema: { readOnly: true, type: 'string' },
  },
}
export const collection = (name: string, key: string, item: object, links: object[] = []): object => ({
  name,
  properties: {
    [key]: { type: 'array', items: item },
    first: { type: 'string' },
    next: { type: 'string' },
    schema: { type: 'string' },
  },
  links,
})

export const aboutHandlers = (): HandlerTable =>
  handlers(about, {
    root: call => versionList(call.base),
    versions: call => versionList(call.base),
    imageSchema: () => imageSchema(),
    imagesSchema: () =>
      collection('images', 'images', imageSchema(), [
        { rel: 'first', href: '{first}' },
        { rel: 'next', href: '{next}' },
        { rel: 'describedby', href: '{schema}' },
      ]),
    memberSchema: () => memberSchema,
    membersSchema: () => collection('members', 'members', memberSchema, [{ rel: 'describedby', href: '{schema}' }]),
    importInfo: () => ({
      'import-methods': { description: 'Import methods available.', type: 'array', value: IMPORT_METHODS },
    }),
  })
