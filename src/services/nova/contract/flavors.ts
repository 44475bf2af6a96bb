// Flavors: sizes that servers can have, their extra specs, and who may use the private ones.
import { action, del, get, post, put } from '#kernel/contract/route.ts'
import { may, must, object } from '#kernel/contract/shape.ts'
import {
  any,
  bool,
  boolLike,
  dict,
  int,
  intLike,
  list,
  name,
  nullable,
  raw,
  repeated,
  text,
  words,
} from '#kernel/contract/shapes.ts'
import { faults } from '#services/nova/contract/faults.ts'
import { rules } from '#services/nova/contract/rules.ts'

const MAX_INT = 0x7fffffff
const positive = intLike({ min: 1, max: MAX_INT })
const notNegative = intLike({ min: 0, max: MAX_INT })
const description = raw<string | null>({
  type: ['string', 'null'],
  maxLength: 65535,
  pattern: '^[^\\p{C}\\p{Zl}\\p{Zp}]*$',
})

const CreateFlavor = object({
  name: must(name()),
  /** Absent or null: an id is made. */
  id: may(
    raw<string | null>(
      {
        type: ['string', 'number', 'null'],
        minLength: 1,
        maxLength: 255,
        pattern: '^(?! )[a-zA-Z0-9. _-]+(?<! )$',
      },
      value => (value === null ? null : String(value)),
    ),
  ),
  ram: must(positive),
  vcpus: must(positive),
  disk: must(notNegative),
  'OS-FLV-EXT-DATA:ephemeral': may(notNegative),
  swap: may(notNegative),
  rxtx_factor: may(
    raw<number>(
      { type: ['number', 'string'], pattern: '^[0-9]+(\\.[0-9]+)?$', exclusiveMinimum: 0, maximum: 3.40282e38 },
      Number,
    ),
  ),
  'os-flavor-access:is_public': may(boolLike),
  description: may(description).since('2.55'),
})

/** A flavor in the short list. */
export const FlavorSummary = object({
  id: must(text()),
  name: must(text()),
  links: must(list(any)),
  description: must(nullable(text())).since('2.55'),
})
/** A flavor in full. `extra_specs` is left out for those who may not list them. */
export const FlavorView = object({
  id: must(text()),
  name: must(text()),
  ram: must(int()),
  disk: must(int()),
  /** Before 2.75 an empty text stands for none. */
  swap: must(any),
  'OS-FLV-EXT-DATA:ephemeral': must(int()),
  'OS-FLV-DISABLED:disabled': must(bool),
  vcpus: must(int()),
  'os-flavor-access:is_public': must(bool),
  rxtx_factor: must(any),
  links: must(list(any)),
  description: must(nullable(text())).since('2.55'),
  extra_specs: may(dict(text())).since('2.61'),
})

const SORT_KEYS = [
  'created_at',
  'description',
  'disabled',
  'ephemeral_gb',
  'flavorid',
  'id',
  'is_public',
  'memory_mb',
  'name',
  'root_gb',
  'rxtx_factor',
  'swap',
  'updated_at',
  'vcpu_weight',
  'vcpus',
] as const
const listQuery = object(
  {
    limit: may(repeated(intLike({ min: 0 }))),
    marker: may(repeated(text())),
    is_public: may(repeated(text())),
    minRam: may(repeated(text())),
    minDisk: may(repeated(text())),
    sort_key: may(repeated(words(...SORT_KEYS))),
    sort_dir: may(repeated(words('asc', 'desc'))),
  },
  { extra: { refusedFrom: '2.75' } },
)

const specValue = raw<string | number>({ type: ['string', 'number'], maxLength: 255 })
const SPEC_KEY = '^[a-zA-Z0-9-_:. ]{1,255}$'
const tenant = object({ tenant: must(text({ min: 1, max: 255 })) })
const missing = [faults.FlavorNotFound]
const at = '/v2.1/flavors/{id}/action'

export const flavors = {
  list: get('/v2.1/flavors', { policy: 'authenticated', query: listQuery, faults: [faults.MarkerNotFound] }),
  detail: get('/v2.1/flavors/detail', { policy: 'authenticated', query: listQuery, faults: [faults.MarkerNotFound] }),
  show: get('/v2.1/flavors/{id}', { policy: 'authenticated', faults: missing }),
  create: post('/v2.1/flavors', {
    policy: rules.flavorManageCreate,
    body: object({ flavor: must(CreateFlavor) }),
    status: 200,
    faults: [faults.FlavorExists, faults.FlavorIdExists],
  }),
  update: put('/v2.1/flavors/{id}', {
    policy: rules.flavorManageUpdate,
    since: '2.55',
    body: object({ flavor: must(object({ description: must(description) })) }),
    faults: missing,
  }),
  remove: del('/v2.1/flavors/{id}', { policy: rules.flavorManageDelete, status: 202, faults: missing }),

  specs: get('/v2.1/flavors/{id}/os-extra_specs', { policy: rules.flavorExtraSpecsIndex, faults: missing }),
  addSpecs: post('/v2.1/flavors/{id}/os-extra_specs', {
    policy: rules.flavorExtraSpecsCreate,
    body: object({ extra_specs: must(dict(specValue, { key: SPEC_KEY })) }),
    status: 200,
    switches: { validated: '2.86' },
    faults: missing,
  }),
  spec: get('/v2.1/flavors/{id}/os-extra_specs/{key}', {
    policy: rules.flavorExtraSpecsShow,
    faults: [...missing, faults.FlavorExtraSpecNotFound],
  }),
  setSpec: put('/v2.1/flavors/{id}/os-extra_specs/{key}', {
    policy: rules.flavorExtraSpecsUpdate,
    body: dict(specValue, { key: SPEC_KEY, min: 1, max: 1 }),
    switches: { validated: '2.86' },
    faults: missing,
  }),
  removeSpec: del('/v2.1/flavors/{id}/os-extra_specs/{key}', {
    policy: rules.flavorExtraSpecsDelete,
    status: 200,
    faults: [...missing, faults.FlavorExtraSpecNotFound],
  }),

  access: get('/v2.1/flavors/{id}/os-flavor-access', { policy: rules.flavorAccess, faults: missing }),
  addAccess: action(at, 'addTenantAccess', {
    policy: rules.flavorAccessAddTenantAccess,
    body: tenant,
    status: 200,
    switches: { privateOnly: '2.7' },
    faults: [...missing, faults.FlavorAccessExists, faults.ProjectNotFound, faults.Conflict],
  }),
  removeAccess: action(at, 'removeTenantAccess', {
    policy: rules.flavorAccessRemoveTenantAccess,
    body: tenant,
    status: 200,
    faults: [...missing, faults.FlavorAccessNotFound],
  }),
}
