// Glance's images in Nova's old words: until 2.35, their metadata until 2.38. Later versions are to ask Glance itself.
import { del, get, post, put } from '#kernel/contract/route.ts'
import { may, must, object } from '#kernel/contract/shape.ts'
import { dict, intLike, repeated, text } from '#kernel/contract/shapes.ts'
import { faults } from '#services/nova/contract/faults.ts'

const until = '2.35'
const untilMetadata = '2.38'
const open = { policy: 'authenticated', faults: [faults.NotFound, faults.Forbidden, faults.BadRequest] } as const
const word = repeated(text())
const query = object(
  {
    name: may(word),
    status: may(word),
    'changes-since': may(word),
    server: may(word),
    type: may(word),
    minRam: may(word),
    minDisk: may(word),
    limit: may(repeated(intLike({ min: 1 }))),
    page_size: may(repeated(intLike({ min: 1 }))),
    offset: may(repeated(intLike({ min: 1 }))),
    marker: may(word),
  },
  { extra: true },
)
export const images = {
  list: get('/v2.1/images', { ...open, until, query }),
  detail: get('/v2.1/images/detail', { ...open, until, query }),
  show: get('/v2.1/images/{id}', { ...open, until }),
  remove: del('/v2.1/images/{id}', { ...open, until }),
}

const KEY = '^[a-zA-Z0-9-_:. ]{1,255}$'
const value = text({ max: 255 })
const whole = object({ metadata: must(dict(value, { key: KEY })) })
const at = '/v2.1/images/{id}/metadata'
const one = '/v2.1/images/{id}/metadata/{key}'
export const imageMetadata = {
  list: get(at, { ...open, until: untilMetadata }),
  merge: post(at, { ...open, until: untilMetadata, body: whole, status: 200 }),
  replace: put(at, { ...open, until: untilMetadata, body: whole }),
  show: get(one, { ...open, until: untilMetadata }),
  set: put(one, {
    ...open,
    until: untilMetadata,
    body: object({ meta: must(dict(value, { key: KEY, min: 1, max: 1 })) }),
  }),
  remove: del(one, { ...open, until: untilMetadata }),
}

/** Fields of Glance's own; all others are properties. */
const BASE = new Set([
  ...['id', 'name', 'status', 'visibility', 'protected', 'os_hidden', 'checksum', 'os_hash_algo', 'os_hash_value'],
  ...['owner', 'size', 'virtual_size', 'container_format', 'disk_format', 'created_at', 'updated_at', 'tags'],
  ...['direct_url', 'locations', 'stores', 'min_ram', 'min_disk', 'self', 'file', 'schema'],
])
/** The custom properties of an image. */
export const propertiesOfImage = (image: object): Record<string, string> =>
  Object.fromEntries(
    Object.entries(image)
      .filter(([key, value]) => !BASE.has(key) && value !== null)
      .map(([key, value]) => [key, typeof value === 'string' ? value : JSON.stringify(value)]),
  )
