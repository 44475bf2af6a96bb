// What can be done to a server with images: snapshots, backups, rebuilds, rescues, and the shelf.
import { action } from '#kernel/contract/route.ts'
import { may, must, object } from '#kernel/contract/shape.ts'
import {
  any,
  anyOf,
  boolLike,
  intLike,
  list,
  literal,
  name,
  nullable,
  raw,
  text,
  words,
} from '#kernel/contract/shapes.ts'
import { faults } from '#services/nova/contract/faults.ts'
import { rules } from '#services/nova/contract/rules.ts'
import { accessV4, accessV6, hostnameLong, hostnameShort, metadata, userData } from '#services/nova/contract/servers.ts'

const at = '/v2.1/servers/{id}/action'
const state = [faults.InstanceNotFound, faults.InstanceInvalidState, faults.InstanceIsLocked]
/** An image by its id; a whole address was taken in older days and is no more. */
const imageId = text({ format: 'uuid' })
const nothing = { body: nullable(any), bodyOptional: true } as const

export const RebuildServer = object(
  {
    imageRef: must(anyOf(imageId, literal(''))),
    name: may(name()),
    adminPass: may(text()),
    metadata: may(metadata),
    preserve_ephemeral: may(boolLike),
    'OS-DCF:diskConfig': may(words('AUTO', 'MANUAL')),
    accessIPv4: may(accessV4),
    accessIPv6: may(accessV6),
    personality: may(
      list(object({ path: must(text()), contents: must(text({ format: 'base64' })) }, { extra: true })),
    ).until('2.56'),
    description: may(nullable(text({ max: 255 }))).since('2.19'),
    key_name: may(nullable(name())).since('2.54'),
    user_data: may(userData).since('2.57'),
    trusted_image_certificates: may(nullable(list(text({ min: 1 }), { min: 1, max: 50, unique: true }))).since('2.63'),
    hostname: may(hostnameShort).since('2.90').becomes('2.94', hostnameLong),
  },
  { extra: false },
)

export const serverImageActions = {
  createImage: action(at, 'createImage', {
    policy: rules.serversCreateImage,
    body: object({ name: must(name()), metadata: may(metadata) }, { extra: false }),
    faults: state,
  }),
  createBackup: action(at, 'createBackup', {
    policy: rules.createBackup,
    body: object(
      {
        name: must(name()),
        backup_type: must(text()),
        rotation: must(intLike({ min: 0 })),
        metadata: may(metadata),
      },
      { extra: false },
    ),
    faults: state,
  }),
  rebuild: action(at, 'rebuild', {
    policy: rules.serversRebuild,
    body: RebuildServer,
    switches: { reimage: '2.93' },
    faults: state,
  }),
  rescue: action(at, 'rescue', {
    policy: rules.rescue,
    status: 200,
    body: nullable(
      object({ adminPass: may(text()), rescue_image_ref: may(anyOf(imageId, literal(''))) }, { extra: false }),
    ),
    bodyOptional: true,
    switches: { onVolume: '2.87' },
    faults: state,
  }),
  unrescue: action(at, 'unrescue', { policy: rules.unrescue, ...nothing, faults: state }),
  shelve: action(at, 'shelve', { policy: rules.shelveShelve, ...nothing, faults: state }),
  shelveOffload: action(at, 'shelveOffload', { policy: rules.shelveShelveOffload, ...nothing, faults: state }),
  unshelve: action(at, 'unshelve', {
    policy: rules.shelveUnshelve,
    body: nullable(
      object(
        {
          availability_zone: may(raw<string | null>(name().schema(0)))
            .since('2.77')
            .becomes('2.91', nullable(text())),
          host: may(text()).since('2.91'),
        },
        { extra: { refusedFrom: '2.77' } },
      ),
    ),
    bodyOptional: true,
    faults: state,
  }),
}
