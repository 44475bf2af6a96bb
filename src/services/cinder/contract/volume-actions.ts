// What may be done to a volume: the body's one key names the action.
import { action } from '#kernel/contract/route.ts'
import { may, must, object } from '#kernel/contract/shape.ts'
import { any, boolLike, dict, nullable, raw, text, words } from '#kernel/contract/shapes.ts'
import { faults } from '#services/cinder/contract/faults.ts'
import { rules } from '#services/cinder/contract/rules.ts'
import { anyCase, KEY, optionalUuid, sizeGb } from '#services/cinder/contract/shapes.ts'
import { RESETTABLE_ATTACH_STATUSES, RESETTABLE_STATUSES } from '#services/cinder/contract/states.ts'

const at = '/v3/volumes/{id}/action'
const state = [faults.VolumeNotFound, faults.InvalidVolume]
type Bag = Readonly<Record<string, unknown>>
const connector = raw<Bag | string | null>({ type: ['object', 'string', 'null'] })
export const volumeActions = {
  attach: action(at, 'os-attach', {
    policy: rules.volumeActionsAttach,
    body: object(
      {
        instance_uuid: may(text({ format: 'uuid' })),
        mountpoint: must(text({ min: 1, max: 255 })),
        host_name: may(text({ max: 255 })),
        mode: may(words('rw', 'ro')),
      },
      { rest: { anyOf: [{ required: ['instance_uuid'] }, { required: ['host_name'] }] } },
    ),
    faults: [...state, faults.InvalidAttachMode, faults.BadRequest],
  }),
  detach: action(at, 'os-detach', {
    policy: rules.volumeActionsDetach,
    body: nullable(object({ attachment_id: may(optionalUuid) })),
    faults: [...state, faults.NovaUsesAttachment, faults.BadRequest],
  }),
  reserve: action(at, 'os-reserve', { policy: rules.volumeActionsReserve, body: any, faults: state }),
  unreserve: action(at, 'os-unreserve', { policy: rules.volumeActionsUnreserve, body: any, faults: state }),
  beginDetaching: action(at, 'os-begin_detaching', {
    policy: rules.volumeActionsBeginDetaching,
    body: any,
    faults: state,
  }),
  rollDetaching: action(at, 'os-roll_detaching', {
    policy: rules.volumeActionsRollDetaching,
    body: any,
    faults: state,
  }),
  initializeConnection: action(at, 'os-initialize_connection', {
    policy: rules.volumeActionsInitializeConnection,
    status: 200,
    body: object({ connector: must(raw<Bag | string>({ type: ['object', 'string'] })) }),
    faults: [...state, faults.InvalidInput],
  }),
  terminateConnection: action(at, 'os-terminate_connection', {
    policy: rules.volumeActionsTerminateConnection,
    body: object({ connector: must(connector) }),
    faults: [...state, faults.NovaUsesAttachment],
  }),
  extend: action(at, 'os-extend', {
    policy: rules.volumeExtend,
    body: object({ new_size: must(sizeGb) }),
    switches: { inUse: '3.42' },
    faults: [...state, faults.InvalidInput, faults.VolumeSizeExceedsAvailableQuota, faults.VolumeSizeExceedsLimit],
  }),
  resetStatus: action(at, 'os-reset_status', {
    policy: rules.volumeAdminActionsResetStatus,
    body: object(
      {
        status: may(anyCase(RESETTABLE_STATUSES, true)),
        attach_status: may(anyCase(RESETTABLE_ATTACH_STATUSES, true)),
        migration_status: may(anyCase(['migrating', 'error', 'success', 'completing', 'none', 'starting'], true)),
      },
      { minProperties: 1 },
    ),
    faults: [faults.VolumeNotFound, faults.BadRequest],
  }),
  setBootable: action(at, 'os-set_bootable', {
    policy: rules.volumeUpdate,
    status: 200,
    body: object({ bootable: must(boolLike) }),
    faults: state,
  }),
  updateReadonly: action(at, 'os-update_readonly_flag', {
    policy: rules.volumeUpdateReadonlyFlag,
    body: object({ readonly: must(boolLike) }),
    faults: state,
  }),
  forceDelete: action(at, 'os-force_delete', {
    policy: rules.volumeAdminActionsForceDelete,
    body: any,
    faults: state,
  }),
  forceDetach: action(at, 'os-force_detach', {
    policy: rules.volumeAdminActionsForceDetach,
    body: object({ connector: may(connector), attachment_id: may(nullable(text())) }),
    faults: [...state, faults.BadRequest],
  }),
  setImageMetadata: action(at, 'os-set_image_metadata', {
    policy: rules.volumeImageMetadataSet,
    status: 200,
    body: object({ metadata: must(dict(text({ max: 65_535 }), { key: KEY })) }),
    faults: [faults.VolumeNotFound],
  }),
  showImageMetadata: action(at, 'os-show_image_metadata', {
    policy: rules.volumeGetVolumeMetadata,
    status: 200,
    body: any,
    faults: [faults.VolumeNotFound],
  }),
  unsetImageMetadata: action(at, 'os-unset_image_metadata', {
    policy: rules.volumeImageMetadataRemove,
    status: 200,
    body: object({ key: must(text({ min: 1, max: 255 })) }),
    faults: [faults.VolumeNotFound, faults.ImageMetadataNotFound],
  }),
}
