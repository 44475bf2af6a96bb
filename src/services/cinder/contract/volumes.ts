// Volumes: what they look like at each version, and what may be asked about them.
import { del, get, post, put } from '#kernel/contract/route.ts'
import { fieldsOf, may, must, object } from '#kernel/contract/shape.ts'
import { bool, boolLike, dict, int, list, nullable, raw, text } from '#kernel/contract/shapes.ts'
import { faults } from '#services/cinder/contract/faults.ts'
import { rules } from '#services/cinder/contract/rules.ts'
import { anyValues, KEY, label, metadata, optionalUuid, sizeGb } from '#services/cinder/contract/shapes.ts'

export const Link = object({ rel: must(text()), href: must(text()) })
const time = text()
const strings = dict(text())

/** One server that holds the volume. */
export const VolumeAttachmentEntry = object({
  id: must(text()),
  attachment_id: must(text()),
  volume_id: must(text()),
  server_id: must(nullable(text())),
  host_name: must(nullable(text())),
  device: must(nullable(text())),
  attached_at: must(nullable(time)),
})

/** What create and update answer. */
export const VolumeMade = object({
  id: must(text()),
  status: must(text()),
  size: must(int()),
  availability_zone: must(nullable(text())),
  created_at: must(time),
  updated_at: must(nullable(time)),
  name: must(nullable(text())),
  description: must(nullable(text())),
  volume_type: must(nullable(text())),
  snapshot_id: must(nullable(text())),
  source_volid: must(nullable(text())),
  metadata: must(strings),
  links: must(list(Link)),
  user_id: must(nullable(text())),
  bootable: must(text()),
  encrypted: must(bool),
  replication_status: must(nullable(text())),
  consistencygroup_id: must(nullable(text())),
  multiattach: must(bool),
  attachments: must(list(VolumeAttachmentEntry)),
  /** Only for administrators. */
  migration_status: may(nullable(text())),
  group_id: must(nullable(text())).since('3.13'),
  /** Only for administrators. */
  provider_id: may(nullable(text())).since('3.21'),
  shared_targets: must(nullable(bool)).since('3.48'),
  service_uuid: must(nullable(text())).since('3.48'),
  /** Only for administrators. */
  cluster_name: may(nullable(text())).since('3.61'),
  volume_type_id: must(text()).since('3.63'),
  consumes_quota: must(bool).since('3.65'),
})
/** What show and the detailed list answer. */
export const VolumeView = object({
  ...fieldsOf(VolumeMade),
  volume_image_metadata: may(strings).seenBy(rules.volumeImageMetadataShow),
  'os-vol-host-attr:host': must(nullable(text())).seenBy(rules.volumeHostAttribute),
  'os-vol-tenant-attr:tenant_id': must(text()).seenBy(rules.volumeTenantAttribute),
  'os-vol-mig-status-attr:migstat': must(nullable(text())).seenBy(rules.volumeMigStatusAttribute),
  'os-vol-mig-status-attr:name_id': must(nullable(text())).seenBy(rules.volumeMigStatusAttribute),
})

export const CreateVolume = object({
  volume: must(
    object(
      {
        name: may(label),
        description: may(label),
        display_name: may(label),
        display_description: may(label),
        volume_type: may(nullable(text({ max: 255 }))),
        metadata: may(nullable(metadata)),
        snapshot_id: may(optionalUuid),
        source_volid: may(optionalUuid),
        consistencygroup_id: may(optionalUuid),
        size: may(nullable(sizeGb)),
        availability_zone: may(nullable(text({ min: 1, max: 255 }))),
        multiattach: may(nullable(boolLike)),
        image_id: may(nullable(text({ max: 255 }))),
        imageRef: may(nullable(text({ max: 255 }))),
        group_id: may(nullable(text({ max: 255 }))).since('3.13'),
        backup_id: may(optionalUuid).since('3.47'),
      },
      { extra: { refusedFrom: '3.53' } },
    ),
  ),
  'OS-SCH-HNT:scheduler_hints': may(raw<Record<string, unknown> | null>({ type: ['object', 'null'] })),
})
const updateFields = {
  name: may(label),
  description: may(label),
  display_name: may(label),
  display_description: may(label),
  metadata: may(dict(text({ max: 255 }), { key: KEY })),
}
export const UpdateVolume = object({
  volume: must(object(updateFields)).becomes('3.53', object(updateFields, { minProperties: 1 })),
})

/** Any filter may stand in the query of a list; who may use which is the domain's business. */
export const listQuery = raw<Record<string, string | string[]>>({
  type: 'object',
  additionalProperties: anyValues.schema(0),
})

export const volumes = {
  list: get('/v3/volumes', { policy: rules.volumeGetAll, query: listQuery }),
  detail: get('/v3/volumes/detail', {
    policy: rules.volumeGetAll,
    query: listQuery,
    reply: object({ volumes: must(list(VolumeView)) }, { extra: true }),
  }),
  summary: get('/v3/volumes/summary', { policy: rules.volumeGetAll, query: listQuery, since: '3.12' }),
  show: get('/v3/volumes/{id}', {
    policy: rules.volumeGet,
    reply: object({ volume: must(VolumeView) }),
    faults: [faults.VolumeNotFound],
  }),
  create: post('/v3/volumes', {
    policy: rules.volumeCreate,
    status: 202,
    body: CreateVolume,
    reply: object({ volume: must(VolumeMade) }),
    faults: [
      faults.VolumeLimitExceeded,
      faults.VolumeSizeExceedsAvailableQuota,
      faults.VolumeSizeExceedsLimit,
      faults.InvalidInput,
      faults.InvalidVolume,
      faults.InvalidSnapshot,
      faults.InvalidAvailabilityZone,
      faults.VolumeTypeNotFound,
      faults.VolumeTypeNotFoundByName,
      faults.SnapshotNotFound,
      faults.VolumeNotFound,
      faults.BadRequest,
      faults.Conflict,
    ],
  }),
  update: put('/v3/volumes/{id}', {
    policy: rules.volumeUpdate,
    body: UpdateVolume,
    reply: object({ volume: must(VolumeMade) }),
    faults: [faults.VolumeNotFound, faults.InvalidVolume],
  }),
  remove: del('/v3/volumes/{id}', {
    policy: rules.volumeDelete,
    status: 202,
    query: listQuery,
    switches: { force: '3.23' },
    faults: [faults.VolumeNotFound, faults.InvalidVolume],
  }),
}

const meta = '/v3/volumes/{volume_id}/metadata'
const metadataBody = object({ metadata: must(metadata) })
const metadataReply = object({ metadata: must(strings) })
export const volumeMetadata = {
  list: get(meta, { policy: rules.volumeGetVolumeMetadata, reply: metadataReply, switches: { etag: '3.15' } }),
  create: post(meta, {
    policy: rules.volumeCreateVolumeMetadata,
    status: 200,
    body: metadataBody,
    reply: metadataReply,
  }),
  replace: put(meta, {
    policy: rules.volumeUpdateVolumeMetadata,
    body: metadataBody,
    reply: metadataReply,
    switches: { etag: '3.15' },
  }),
  show: get(`${meta}/{key}`, { policy: rules.volumeGetVolumeMetadata, faults: [faults.VolumeMetadataNotFound] }),
  set: put(`${meta}/{key}`, {
    policy: rules.volumeUpdateVolumeMetadata,
    body: object({ meta: must(dict(text({ max: 255 }), { key: KEY, min: 1, max: 1 })) }),
    switches: { etag: '3.15' },
    faults: [faults.BadRequest, faults.PreconditionFailed],
  }),
  remove: del(`${meta}/{key}`, {
    policy: rules.volumeDeleteVolumeMetadata,
    status: 200,
    faults: [faults.VolumeMetadataNotFound],
  }),
}
