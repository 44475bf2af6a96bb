// Actions that change what a volume holds, is of, or where it lies: upload, retype, migrate, revert, reimage, unmanage.
import { action } from '#kernel/contract/route.ts'
import { may, must, object } from '#kernel/contract/shape.ts'
import { any, boolLike, nullable, raw, text, words } from '#kernel/contract/shapes.ts'
import { faults } from '#services/cinder/contract/faults.ts'
import { rules } from '#services/cinder/contract/rules.ts'

const at = '/v3/volumes/{id}/action'
const state = [faults.VolumeNotFound, faults.InvalidVolume]
const failed = raw<boolean | string | null>({ type: ['string', 'null', 'boolean'] })

export const volumeChanges = {
  uploadImage: action(at, 'os-volume_upload_image', {
    policy: rules.volumeActionsUploadImage,
    body: object({
      image_name: must(text({ min: 1, max: 255 })),
      force: may(boolLike),
      disk_format: may(words('raw', 'vmdk', 'vdi', 'qcow2', 'vhd', 'vhdx', 'ploop')),
      container_format: may(nullable(text({ max: 255 }))),
      visibility: may(words('community', 'public', 'private', 'shared')).since('3.1'),
      protected: may(boolLike).since('3.1'),
    }),
    switches: { shares: '3.1' },
    faults: [...state, faults.BadRequest],
  }),
  retype: action(at, 'os-retype', {
    policy: rules.volumeRetype,
    body: object({
      new_type: must(text({ max: 255 })),
      migration_policy: may(raw<string | null>({ type: ['string', 'null'], enum: ['on-demand', 'never'] })),
    }),
    faults: [
      ...state,
      faults.InvalidInput,
      faults.VolumeTypeNotFound,
      faults.VolumeTypeNotFoundByName,
      faults.VolumeLimitExceeded,
      faults.VolumeSizeExceedsAvailableQuota,
    ],
  }),
  migrate: action(at, 'os-migrate_volume', {
    policy: rules.volumeAdminActionsMigrateVolume,
    body: object({
      host: must(text({ max: 255 })).becomes('3.16', nullable(text({ max: 255 }))),
      force_host_copy: may(boolLike),
      lock_volume: may(boolLike),
      cluster: may(nullable(text({ max: 255 }))).since('3.16'),
    }),
    faults: [...state, faults.InvalidHost, faults.InvalidInput],
  }),
  completeMigration: action(at, 'os-migrate_volume_completion', {
    policy: rules.volumeAdminActionsMigrateVolumeCompletion,
    status: 200,
    body: object({ new_volume: must(text({ format: 'uuid' })), error: may(failed) }),
    reply: object({ save_volume_id: must(text()) }),
    faults: state,
  }),
  completeExtension: action(at, 'os-extend_volume_completion', {
    policy: rules.volumeAdminActionsExtendVolumeCompletion,
    body: object({ error: may(failed) }),
    faults: state,
  }),
  revert: action(at, 'revert', {
    policy: rules.volumeRevertToSnapshot,
    since: '3.40',
    body: object({ snapshot_id: must(nullable(text({ format: 'uuid' }))) }),
    faults: [faults.VolumeNotFound, faults.BadRequest, faults.Conflict],
  }),
  reimage: action(at, 'os-reimage', {
    policy: rules.volumeReimage,
    since: '3.68',
    body: object({ image_id: must(text({ format: 'uuid' })), reimage_reserved: may(boolLike) }),
    faults: [...state, faults.ImageNotFound, faults.InvalidInput, faults.ImageUnacceptable, faults.Conflict],
  }),
  unmanage: action(at, 'os-unmanage', { policy: rules.volumeUnmanage, body: any, faults: state }),
}
