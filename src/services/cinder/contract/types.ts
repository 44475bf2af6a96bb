// Volume types: which kind of storage, with extra specs that the scheduler reads, public or for some projects.
import { action, del, get, post, put } from '#kernel/contract/route.ts'
import { may, must, object } from '#kernel/contract/shape.ts'
import { bool, boolLike, dict, nullable, raw, text } from '#kernel/contract/shapes.ts'
import { faults } from '#services/cinder/contract/faults.ts'
import { rules } from '#services/cinder/contract/rules.ts'
import { label } from '#services/cinder/contract/shapes.ts'
import { listQuery } from '#services/cinder/contract/volumes.ts'

/** What an update answers: less than the others, as upstream does. */
const TypeChanged = object({
  id: must(text()),
  name: must(text()),
  is_public: must(bool),
  description: must(nullable(text())),
  extra_specs: may(dict(text())).seenBy(rules.accessTypesExtraSpecs),
})
export const TypeView = object({
  id: must(text()),
  name: must(text()),
  is_public: must(bool),
  description: must(nullable(text())),
  extra_specs: may(dict(text())).seenBy(rules.accessTypesExtraSpecs),
  qos_specs_id: may(nullable(text())).seenBy(rules.accessTypesQosSpecsId),
  'os-volume-type-access:is_public': must(bool).seenBy(rules.volumeTypeAccess),
})
const one = object({ volume_type: must(TypeView) })
const specs = dict(nullable(text({ max: 255 })), { key: '^[a-zA-Z0-9-_:.]{1,255}$' })

export const types = {
  list: get('/v3/types', { policy: rules.typeGetAll, query: listQuery, switches: { generalFilters: '3.52' } }),
  theDefault: get('/v3/types/default', { policy: rules.typeGet, reply: one, faults: [faults.VolumeTypeNotFound] }),
  show: get('/v3/types/{id}', { policy: rules.typeGet, reply: one, faults: [faults.VolumeTypeNotFound] }),
  create: post('/v3/types', {
    policy: rules.typeCreate,
    status: 200,
    body: object({
      volume_type: must(
        object({
          name: must(
            raw<string>(
              { type: 'string', minLength: 1, maxLength: 255, format: 'name_with_leading_trailing_spaces' },
              value => String(value).trim(),
            ),
          ),
          description: may(label),
          extra_specs: may(dict(nullable(text({ max: 255 })), { key: '^[a-zA-Z0-9-_:. /]{1,255}$' })),
          'os-volume-type-access:is_public': may(boolLike),
        }),
      ),
    }),
    reply: one,
    faults: [faults.VolumeTypeExists],
  }),
  update: put('/v3/types/{id}', {
    policy: rules.typeUpdate,
    body: object({
      volume_type: must(
        object({
          name: may(nullable(text({ min: 1, max: 255 }))),
          description: may(label),
          is_public: may(boolLike),
        }),
      ),
    }),
    reply: object({ volume_type: must(TypeChanged) }),
    faults: [faults.VolumeTypeNotFound, faults.VolumeTypeExists, faults.BadRequest],
  }),
  remove: del('/v3/types/{id}', {
    policy: rules.typeDelete,
    status: 202,
    faults: [faults.VolumeTypeNotFound, faults.VolumeTypeInUse, faults.VolumeTypeIsDefault, faults.VolumeTypeIsLast],
  }),
}

const at = '/v3/types/{type_id}/extra_specs'
export const typeExtraSpecs = {
  list: get(at, { policy: rules.typesExtraSpecsIndex, faults: [faults.VolumeTypeNotFound] }),
  create: post(at, {
    policy: rules.typesExtraSpecsCreate,
    status: 200,
    body: object({ extra_specs: must(specs) }),
    faults: [faults.VolumeTypeNotFound, faults.VolumeTypeSpecsInUse],
  }),
  show: get(`${at}/{key}`, { policy: rules.typesExtraSpecsShow, faults: [faults.ExtraSpecNotFound] }),
  set: put(`${at}/{key}`, {
    policy: rules.typesExtraSpecsUpdate,
    body: dict(nullable(text({ max: 255 })), { key: '^[a-zA-Z0-9-_:.]{1,255}$', min: 1, max: 1 }),
    faults: [faults.BadRequest, faults.VolumeTypeSpecsInUse],
  }),
  remove: del(`${at}/{key}`, {
    policy: rules.typesExtraSpecsDelete,
    status: 202,
    faults: [faults.ExtraSpecNotFound, faults.VolumeTypeSpecsInUse],
  }),
}

const project = object({ project: must(text({ min: 1, max: 255 })) })
export const typeAccess = {
  list: get('/v3/types/{id}/os-volume-type-access', {
    policy: rules.volumeTypeAccessGetAllForType,
    faults: [faults.VolumeTypeNotFound, faults.VolumeTypeAccessPublic],
  }),
  add: action('/v3/types/{id}/action', 'addProjectAccess', {
    policy: rules.volumeTypeAccessAddProjectAccess,
    body: project,
    faults: [faults.VolumeTypeNotFound, faults.VolumeTypeAccessExists],
  }),
  remove: action('/v3/types/{id}/action', 'removeProjectAccess', {
    policy: rules.volumeTypeAccessRemoveProjectAccess,
    body: project,
    faults: [faults.VolumeTypeNotFound, faults.VolumeTypeAccessNotFound],
  }),
}
