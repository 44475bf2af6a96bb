// Images: what is asked for, what is shown, and the routes.
import { del, get, patch, post, put } from '#kernel/contract/route.ts'
import { may, must, object } from '#kernel/contract/shape.ts'
import { any, bool, int, intLike, list, nullable, raw, repeated, text, words } from '#kernel/contract/shapes.ts'
import { rules } from '#services/glance/contract/rules.ts'

export const DISK_FORMATS = ['ami', 'ari', 'aki', 'vhd', 'vhdx', 'vmdk', 'raw', 'qcow2', 'vdi', 'iso', 'ploop'] as const
export const CONTAINER_FORMATS = ['ami', 'ari', 'aki', 'bare', 'ovf', 'ova', 'docker', 'compressed'] as const
export const VISIBILITIES = ['public', 'private', 'shared', 'community'] as const

const imageId = raw<string>({
  type: 'string',
  pattern: '^([0-9a-fA-F]){8}-([0-9a-fA-F]){4}-([0-9a-fA-F]){4}-([0-9a-fA-F]){4}-([0-9a-fA-F]){12}$',
})
const settable = {
  name: may(nullable(text({ max: 255 }))),
  visibility: may(words(...VISIBILITIES)),
  protected: may(bool),
  os_hidden: may(bool),
  container_format: may(words(null, ...CONTAINER_FORMATS)),
  disk_format: may(words(null, ...DISK_FORMATS)),
  min_ram: may(int({ min: 0, max: 2147483647 })),
  min_disk: may(int({ min: 0, max: 2147483647 })),
  tags: may(list(text({ max: 255 }))),
}
export const CreateImage = object(
  { id: may(imageId), owner: may(nullable(text({ max: 255 }))), ...settable },
  { extra: nullable(text()) },
)

/** What a client may neither set nor change. */
export const READ_ONLY: readonly string[] = [
  'status',
  'size',
  'checksum',
  'created_at',
  'updated_at',
  'self',
  'file',
  'schema',
  'virtual_size',
  'direct_url',
  'os_hash_algo',
  'os_hash_value',
  'stores',
]
/** Names that are not properties of a person's own. */
export const RESERVED: readonly string[] = [
  'locations',
  'deleted',
  'deleted_at',
  'is_public',
  'properties',
  'member_id',
]
export const BASE: readonly string[] = ['id', 'owner', ...Object.keys(settable)]

/** Custom properties stand beside these: `extra`. */
export const ImageView = object(
  {
    id: must(text()),
    name: must(nullable(text())),
    status: must(text()),
    visibility: must(text()),
    protected: must(bool),
    os_hidden: must(bool),
    owner: must(nullable(text())),
    container_format: must(nullable(text())),
    disk_format: must(nullable(text())),
    min_ram: must(int()),
    min_disk: must(int()),
    size: must(nullable(int())),
    virtual_size: must(nullable(int())),
    checksum: must(nullable(text())),
    os_hash_algo: must(nullable(text())),
    os_hash_value: must(nullable(text())),
    tags: must(list(text())),
    created_at: must(text()),
    updated_at: must(text()),
    self: must(text()),
    file: must(text()),
    schema: must(text()),
  },
  { extra: true },
)

const imageQuery = object(
  {
    limit: may(intLike({ min: 0 })),
    marker: may(text({ max: 255 })),
    sort_key: may(repeated(text({ max: 255 }))),
    sort_dir: may(repeated(text({ max: 16 }))),
    sort: may(text({ max: 1024 })),
    tag: may(repeated(text({ max: 255 }))),
  },
  { extra: true },
)
const PATCH_TYPES = [
  'application/openstack-images-v2.1-json-patch',
  'application/openstack-images-v2.0-json-patch',
  'application/json-patch+json',
]

export const images = {
  list: get('/v2/images', { policy: rules.getImages, query: imageQuery }),
  create: post('/v2/images', { policy: rules.addImage, body: CreateImage }),
  show: get('/v2/images/{id}', { policy: rules.getImage }),
  update: patch('/v2/images/{id}', {
    policy: rules.modifyImage,
    body: raw<readonly Readonly<Record<string, unknown>>[]>({
      type: 'array',
      maxItems: 1000,
      items: { type: 'object' },
    }),
    accepts: PATCH_TYPES,
  }),
  remove: del('/v2/images/{id}', { policy: rules.deleteImage }),
  upload: put('/v2/images/{id}/file', { policy: rules.uploadImage, stream: 'in', status: 204 }),
  download: get('/v2/images/{id}/file', { policy: rules.downloadImage, stream: 'out' }),
  deactivate: post('/v2/images/{id}/actions/deactivate', { policy: rules.deactivate, status: 204, bodyOptional: true }),
  reactivate: post('/v2/images/{id}/actions/reactivate', { policy: rules.reactivate, status: 204, bodyOptional: true }),
  addTag: put('/v2/images/{id}/tags/{tag}', { policy: rules.modifyImage, status: 204 }),
  removeTag: del('/v2/images/{id}/tags/{tag}', { policy: rules.modifyImage }),
}

const memberName = object({ member: must(text({ min: 1, max: 255 })) })
export const members = {
  list: get('/v2/images/{id}/members', { policy: rules.getMembers }),
  show: get('/v2/images/{id}/members/{member}', { policy: rules.getMember }),
  add: post('/v2/images/{id}/members', { policy: rules.addMember, body: memberName, status: 200 }),
  update: put('/v2/images/{id}/members/{member}', {
    policy: rules.modifyMember,
    body: object({ status: must(words('pending', 'accepted', 'rejected')) }, { extra: true }),
  }),
  remove: del('/v2/images/{id}/members/{member}', { policy: rules.deleteMember }),
}

/** What the API says about itself. */
export const about = {
  root: get('/', { policy: 'public', status: 300 }),
  versions: get('/versions', { policy: 'public' }),
  imageSchema: get('/v2/schemas/image', { policy: 'authenticated', reply: any }),
  imagesSchema: get('/v2/schemas/images', { policy: 'authenticated', reply: any }),
  memberSchema: get('/v2/schemas/member', { policy: 'authenticated', reply: any }),
  membersSchema: get('/v2/schemas/members', { policy: 'authenticated', reply: any }),
  importInfo: get('/v2/info/import', { policy: 'authenticated', reply: any }),
}
