// What lies in a back end and belongs to nobody: listed, and made a volume or a snapshot. Each under its older path too.
import { action, get, post } from '#kernel/contract/route.ts'
import { may, must, object } from '#kernel/contract/shape.ts'
import { any, boolLike, nullable, raw, text } from '#kernel/contract/shapes.ts'
import { faults } from '#services/cinder/contract/faults.ts'
import { rules } from '#services/cinder/contract/rules.ts'
import { label, metadata } from '#services/cinder/contract/shapes.ts'
import { SnapshotMade } from '#services/cinder/contract/snapshots.ts'
import { listQuery, VolumeMade } from '#services/cinder/contract/volumes.ts'

type Ref = Readonly<Record<string, unknown>> | string | null
const host = raw<string | null>({
  type: ['string', 'null'],
  minLength: 1,
  maxLength: 255,
  pattern: '^[a-zA-Z0-9\\-._#@:/+\\[\\]]*$',
})
const name = nullable(text({ max: 255 }))
const volumeBody = object({
  volume: must(
    object({
      ref: must(raw<Ref>({ type: ['object', 'string'] })),
      host: may(host),
      name: may(label),
      description: may(label),
      volume_type: may(name),
      availability_zone: may(name),
      bootable: may(boolLike),
      metadata: may(nullable(metadata)),
      cluster: may(name).since('3.16'),
    }),
  ),
})
const snapshotBody = object({
  snapshot: must(
    object({
      ref: must(raw<Ref>({ type: ['object', 'null', 'string'] })),
      volume_id: must(text({ format: 'uuid' })),
      name: may(label),
      description: may(label),
      metadata: may(nullable(metadata)),
    }),
  ),
})
const volumeList = {
  policy: rules.listManageable,
  query: listQuery,
  faults: [faults.ServiceNotFound, faults.InvalidInput],
}
const volumeMade = {
  policy: rules.volumeManage,
  status: 202,
  body: volumeBody,
  reply: object({ volume: must(VolumeMade) }),
  faults: [
    faults.ServiceNotFound,
    faults.InvalidInput,
    faults.InvalidVolume,
    faults.VolumeTypeNotFound,
    faults.VolumeTypeNotFoundByName,
    faults.VolumeLimitExceeded,
    faults.VolumeSizeExceedsAvailableQuota,
  ],
} as const
const snapshotList = {
  policy: rules.snapshotExtensionListManageable,
  query: listQuery,
  faults: [faults.ServiceNotFound, faults.InvalidInput],
}
const snapshotMade = {
  policy: rules.snapshotExtensionSnapshotManage,
  status: 202,
  body: snapshotBody,
  reply: object({ snapshot: must(SnapshotMade) }),
  faults: [faults.VolumeNotFound, faults.InvalidInput, faults.InvalidVolume, faults.SnapshotLimitExceeded],
} as const

export const manageableVolumes = {
  list: get('/v3/manageable_volumes', { ...volumeList, since: '3.8' }),
  detail: get('/v3/manageable_volumes/detail', { ...volumeList, since: '3.8' }),
  create: post('/v3/manageable_volumes', { ...volumeMade, since: '3.8' }),
}
export const volumeManage = {
  list: get('/v3/os-volume-manage', volumeList),
  detail: get('/v3/os-volume-manage/detail', volumeList),
  create: post('/v3/os-volume-manage', volumeMade),
}
export const manageableSnapshots = {
  list: get('/v3/manageable_snapshots', { ...snapshotList, since: '3.8' }),
  detail: get('/v3/manageable_snapshots/detail', { ...snapshotList, since: '3.8' }),
  create: post('/v3/manageable_snapshots', { ...snapshotMade, since: '3.8' }),
}
export const snapshotManage = {
  list: get('/v3/os-snapshot-manage', snapshotList),
  detail: get('/v3/os-snapshot-manage/detail', snapshotList),
  create: post('/v3/os-snapshot-manage', snapshotMade),
}
export const snapshotUnmanage = {
  unmanage: action('/v3/snapshots/{id}/action', 'os-unmanage', {
    policy: rules.snapshotExtensionSnapshotUnmanage,
    body: any,
    faults: [faults.SnapshotNotFound, faults.InvalidSnapshot],
  }),
}
