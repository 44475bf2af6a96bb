// QoS specs of volume types, and the encryption of types.
import { del, get, post, put } from '#kernel/contract/route.ts'
import { may, must, object } from '#kernel/contract/shape.ts'
import { dict, list, nullable, raw, text, words } from '#kernel/contract/shapes.ts'
import { faults } from '#services/cinder/contract/faults.ts'
import { groupFaults } from '#services/cinder/contract/group-faults.ts'
import { rules } from '#services/cinder/contract/rules.ts'
import { KEY } from '#services/cinder/contract/shapes.ts'
import { listQuery } from '#services/cinder/contract/volumes.ts'

const at = '/v3/qos-specs'
const one = '/v3/qos-specs/{id}'

export const qosSpecs = {
  list: get(at, { policy: rules.qosSpecsManageGetAll, query: listQuery }),
  create: post(at, {
    policy: rules.qosSpecsManageCreate,
    status: 200,
    body: object({
      qos_specs: must(
        // Any key may stand beside the name; the domain looks at their lengths.
        raw<Record<string, unknown> & { name: string }>({
          type: 'object',
          properties: {
            name: { type: 'string', minLength: 1, maxLength: 255, format: 'name_with_leading_trailing_spaces' },
          },
          required: ['name'],
          maxProperties: 256,
        }),
      ),
    }),
    faults: [groupFaults.QosSpecsExists, groupFaults.InvalidQosSpecs, faults.InvalidInput],
  }),
  show: get(one, { policy: rules.qosSpecsManageGet, faults: [groupFaults.QosSpecsNotFound] }),
  update: put(one, {
    policy: rules.qosSpecsManageUpdate,
    body: object({ qos_specs: must(dict(nullable(text({ max: 255 })), { key: KEY })) }),
    faults: [groupFaults.QosSpecsNotFound, groupFaults.InvalidQosSpecs],
  }),
  remove: del(one, {
    policy: rules.qosSpecsManageDelete,
    status: 202,
    query: listQuery,
    faults: [groupFaults.QosSpecsNotFound, groupFaults.QosSpecsInUse],
  }),
  deleteKeys: put(`${one}/delete_keys`, {
    policy: rules.qosSpecsManageDelete,
    status: 202,
    body: object({ keys: must(list(text({ min: 1, max: 255 }), { unique: true })) }),
    faults: [groupFaults.QosSpecsNotFound, groupFaults.QosSpecsKeyNotFound],
  }),
  associations: get(`${one}/associations`, {
    policy: rules.qosSpecsManageGetAll,
    faults: [groupFaults.QosSpecsNotFound],
  }),
  associate: get(`${one}/associate`, {
    policy: rules.qosSpecsManageUpdate,
    status: 202,
    query: listQuery,
    faults: [groupFaults.QosSpecsNotFound, faults.VolumeTypeNotFound, groupFaults.InvalidVolumeType],
  }),
  disassociate: get(`${one}/disassociate`, {
    policy: rules.qosSpecsManageUpdate,
    status: 202,
    query: listQuery,
    faults: [groupFaults.QosSpecsNotFound, faults.VolumeTypeNotFound],
  }),
  disassociateAll: get(`${one}/disassociate_all`, {
    policy: rules.qosSpecsManageUpdate,
    status: 202,
    faults: [groupFaults.QosSpecsNotFound],
  }),
}

/** A key's size in bits, as a number or its text. */
const keySize = raw<number | null>(
  {
    type: ['integer', 'string', 'null'],
    pattern: '^[0-9]+$',
    intLike: { minimum: 0, maximum: 2_147_483_647 },
  },
  value => (value === null ? null : Number(value)),
)
const change = {
  key_size: may(keySize),
  provider: may(text({ max: 255 })),
  control_location: may(words('front-end', 'back-end')),
  cipher: may(nullable(text({ max: 255 }))),
}
const encryptionAt = '/v3/types/{type_id}/encryption'
export const typeEncryption = {
  list: get(encryptionAt, { policy: rules.volumeTypeEncryptionGet, faults: [faults.VolumeTypeNotFound] }),
  create: post(encryptionAt, {
    policy: rules.volumeTypeEncryptionCreate,
    status: 200,
    body: object({
      encryption: must(
        object(
          {
            ...change,
            provider: must(text({ max: 255 })),
            control_location: must(words('front-end', 'back-end')),
          },
          { extra: true },
        ),
      ),
    }),
    faults: [faults.VolumeTypeNotFound, groupFaults.TypeEncryptionExists, faults.BadRequest],
  }),
  show: get(`${encryptionAt}/{key}`, {
    policy: rules.volumeTypeEncryptionGet,
    faults: [faults.VolumeTypeNotFound, groupFaults.TypeEncryptionNotFound],
  }),
  update: put(`${encryptionAt}/{key}`, {
    policy: rules.volumeTypeEncryptionUpdate,
    body: object({ encryption: must(object(change, { extra: true })) }),
    faults: [faults.VolumeTypeNotFound, groupFaults.TypeEncryptionNotFound, faults.BadRequest],
  }),
  remove: del(`${encryptionAt}/{key}`, {
    policy: rules.volumeTypeEncryptionDelete,
    status: 202,
    faults: [groupFaults.TypeEncryptionNotFound, faults.BadRequest],
  }),
}

export const volumeEncryption = {
  list: get('/v3/volumes/{volume_id}/encryption', {
    policy: rules.volumeEncryptionMetadata,
    faults: [faults.VolumeNotFound],
  }),
  show: get('/v3/volumes/{volume_id}/encryption/{key}', {
    policy: rules.volumeEncryptionMetadata,
    faults: [faults.VolumeNotFound, faults.NotFound],
  }),
}

export const defaultTypes = {
  list: get('/v3/default-types', { policy: rules.defaultGetAll, since: '3.62' }),
  show: get('/v3/default-types/{project_id}', {
    policy: rules.defaultGet,
    since: '3.62',
    faults: [groupFaults.ProjectNotFound, groupFaults.DefaultTypeOfProjectNotFound],
  }),
  set: put('/v3/default-types/{project_id}', {
    policy: rules.defaultSetOrUpdate,
    since: '3.62',
    body: object({ default_type: must(object({ volume_type: must(text({ min: 1, max: 255, format: 'name' })) })) }),
    faults: [groupFaults.ProjectNotFound, faults.BadRequest],
  }),
  unset: del('/v3/default-types/{project_id}', { policy: rules.defaultUnset, since: '3.62' }),
}
