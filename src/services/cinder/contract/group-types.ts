// Group types and their specs.
import { del, get, post, put } from '#kernel/contract/route.ts'
import { may, must, object } from '#kernel/contract/shape.ts'
import { bool, boolLike, dict, nullable, text } from '#kernel/contract/shapes.ts'
import { faults } from '#services/cinder/contract/faults.ts'
import { groupFaults } from '#services/cinder/contract/group-faults.ts'
import { rules } from '#services/cinder/contract/rules.ts'
import { KEY, label } from '#services/cinder/contract/shapes.ts'
import { listQuery } from '#services/cinder/contract/volumes.ts'

export const GroupTypeView = object({
  id: must(text()),
  name: must(text()),
  description: must(nullable(text())),
  is_public: must(bool),
  group_specs: may(dict(nullable(text()))).seenBy(rules.groupAccessGroupTypesSpecs),
})
const reply = object({ group_type: must(GroupTypeView) })
const since = '3.11'

export const groupTypes = {
  list: get('/v3/group_types', { policy: 'authenticated', since, query: listQuery }),
  show: get('/v3/group_types/{id}', {
    policy: 'authenticated',
    since,
    reply,
    faults: [groupFaults.GroupTypeNotFound],
  }),
  theDefault: get('/v3/group_types/default', {
    policy: 'authenticated',
    since,
    reply,
    faults: [groupFaults.GroupTypeDefaultMissing],
  }),
  create: post('/v3/group_types', {
    policy: rules.groupGroupTypesCreate,
    since,
    status: 202,
    body: object({
      group_type: must(
        object({
          name: must(text({ min: 1, max: 255, format: 'name' })),
          description: may(label),
          is_public: may(boolLike),
          group_specs: may(nullable(dict(text({ max: 255 }), { key: KEY }))),
        }),
      ),
    }),
    reply,
    faults: [groupFaults.GroupTypeExists],
  }),
  update: put('/v3/group_types/{id}', {
    policy: rules.groupGroupTypesUpdate,
    since,
    body: object({
      group_type: must(
        object({ name: may(nullable(text({ max: 255 }))), description: may(label), is_public: may(boolLike) }),
      ),
    }),
    reply,
    faults: [groupFaults.GroupTypeNotFound, groupFaults.GroupTypeExists, faults.BadRequest],
  }),
  remove: del('/v3/group_types/{id}', {
    policy: rules.groupGroupTypesDelete,
    since,
    status: 202,
    faults: [groupFaults.GroupTypeNotFound, groupFaults.GroupTypeInUse],
  }),
}

const at = '/v3/group_types/{group_type_id}/group_specs'
const SPEC = '^[a-zA-Z0-9-_:.]{1,255}$'
const value = nullable(text({ max: 255 }))
export const groupSpecs = {
  list: get(at, { policy: rules.groupGroupTypesSpecsGetAll, since, faults: [groupFaults.GroupTypeNotFound] }),
  create: post(at, {
    policy: rules.groupGroupTypesSpecsCreate,
    since,
    status: 202,
    body: object({ group_specs: must(dict(value, { key: SPEC })) }),
    faults: [groupFaults.GroupTypeNotFound],
  }),
  show: get(`${at}/{key}`, {
    policy: rules.groupGroupTypesSpecsGet,
    since,
    faults: [groupFaults.GroupTypeNotFound, groupFaults.GroupSpecMissing],
  }),
  set: put(`${at}/{key}`, {
    policy: rules.groupGroupTypesSpecsUpdate,
    since,
    body: dict(value, { key: SPEC, min: 1, max: 1 }),
    faults: [groupFaults.GroupTypeNotFound, faults.BadRequest],
  }),
  remove: del(`${at}/{key}`, {
    policy: rules.groupGroupTypesSpecsDelete,
    since,
    status: 202,
    faults: [groupFaults.GroupTypeNotFound, groupFaults.GroupSpecNotFound],
  }),
}
