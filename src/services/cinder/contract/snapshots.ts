// Snapshots of volumes, also of volumes in use.
import { action, del, get, post, put } from '#kernel/contract/route.ts'
import { fieldsOf, may, must, object } from '#kernel/contract/shape.ts'
import { any, bool, boolLike, dict, int, list, nullable, raw, text } from '#kernel/contract/shapes.ts'
import { faults } from '#services/cinder/contract/faults.ts'
import { rules } from '#services/cinder/contract/rules.ts'
import { anyCase, KEY, label, metadata } from '#services/cinder/contract/shapes.ts'
import { RESETTABLE_SNAPSHOT_STATUSES } from '#services/cinder/contract/states.ts'
import { listQuery } from '#services/cinder/contract/volumes.ts'

export const SnapshotMade = object({
  id: must(text()),
  created_at: must(text()),
  updated_at: must(nullable(text())),
  name: must(nullable(text())),
  description: must(nullable(text())),
  volume_id: must(text()),
  status: must(text()),
  size: must(int()),
  metadata: must(dict(text())),
  group_snapshot_id: must(nullable(text())).since('3.14'),
  user_id: must(nullable(text())).since('3.41'),
  consumes_quota: must(bool).since('3.65'),
})
export const SnapshotView = object({
  ...fieldsOf(SnapshotMade),
  'os-extended-snapshot-attributes:project_id': must(text()).seenBy(rules.extendedSnapshotAttributes),
  'os-extended-snapshot-attributes:progress': must(text()).seenBy(rules.extendedSnapshotAttributes),
})
const made = object({ snapshot: must(SnapshotMade) })
const change = {
  name: may(label),
  description: may(label),
  display_name: may(label),
  display_description: may(label),
}

export const snapshots = {
  list: get('/v3/snapshots', { policy: rules.volumeGetAllSnapshots, query: listQuery }),
  detail: get('/v3/snapshots/detail', {
    policy: rules.volumeGetAllSnapshots,
    query: listQuery,
    reply: object({ snapshots: must(list(SnapshotView)) }, { extra: true }),
  }),
  show: get('/v3/snapshots/{id}', {
    policy: rules.volumeGetSnapshot,
    reply: object({ snapshot: must(SnapshotView) }),
    faults: [faults.SnapshotNotFound],
  }),
  create: post('/v3/snapshots', {
    policy: rules.volumeCreateSnapshot,
    status: 202,
    body: object({
      snapshot: must(
        object({
          name: may(label),
          display_name: may(label),
          description: may(label),
          volume_id: must(nullable(text({ format: 'uuid' }))),
          force: may(boolLike),
          metadata: may(nullable(metadata)),
        }),
      ),
    }),
    reply: made,
    switches: { inUse: '3.66' },
    faults: [
      faults.VolumeNotFound,
      faults.InvalidVolume,
      faults.SnapshotLimitExceeded,
      faults.VolumeSizeExceedsAvailableQuota,
      faults.BadRequest,
    ],
  }),
  update: put('/v3/snapshots/{id}', {
    policy: rules.volumeUpdateSnapshot,
    body: object({ snapshot: must(object(change, { minProperties: 1 })) }),
    reply: made,
    faults: [faults.SnapshotNotFound],
  }),
  remove: del('/v3/snapshots/{id}', {
    policy: rules.volumeDeleteSnapshot,
    status: 202,
    faults: [faults.SnapshotNotFound, faults.InvalidSnapshot],
  }),
}

const at = '/v3/snapshots/{id}/action'
export const snapshotActions = {
  resetStatus: action(at, 'os-reset_status', {
    policy: rules.snapshotAdminActionsResetStatus,
    body: object({
      status: must(anyCase(RESETTABLE_SNAPSHOT_STATUSES, false)),
    }),
    faults: [faults.SnapshotNotFound],
  }),
  forceDelete: action(at, 'os-force_delete', {
    policy: rules.snapshotAdminActionsForceDelete,
    body: any,
    faults: [faults.SnapshotNotFound],
  }),
  /** A file back end's snapshot is made by Nova; this is how Nova says how far it is. */
  updateStatus: action(at, 'os-update_snapshot_status', {
    policy: rules.snapshotExtensionSnapshotActionsUpdateSnapshotStatus,
    body: object({
      status: must(text()),
      progress: may(raw<string>({ type: 'string', pattern: '^([0-9]|[1-9][0-9]|100)%$' })),
    }),
    faults: [faults.SnapshotNotFound, faults.BadRequest],
  }),
}

const meta = '/v3/snapshots/{snapshot_id}/metadata'
const body = object({ metadata: must(dict(text({ max: 255 }), { key: KEY })) }, { extra: true })
export const snapshotMetadata = {
  list: get(meta, { policy: rules.volumeGetSnapshotMetadata }),
  create: post(meta, { policy: rules.volumeUpdateSnapshotMetadata, status: 200, body }),
  replace: put(meta, { policy: rules.volumeUpdateSnapshotMetadata, body }),
  show: get(`${meta}/{key}`, {
    policy: rules.volumeGetSnapshotMetadata,
    faults: [faults.SnapshotMetadataNotFound],
  }),
  set: put(`${meta}/{key}`, {
    policy: rules.volumeUpdateSnapshotMetadata,
    body: object({ meta: must(dict(text({ max: 255 }), { key: KEY, min: 1, max: 1 })) }, { extra: true }),
    faults: [faults.BadRequest],
  }),
  remove: del(`${meta}/{key}`, {
    policy: rules.volumeDeleteSnapshotMetadata,
    status: 200,
    faults: [faults.SnapshotMetadataNotFound],
  }),
}
