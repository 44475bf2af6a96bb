// What an image made from a server says of itself.
import type { Who } from '#kernel/lib/context.ts'
import type { ServerImages } from '#services/nova/db/server-images.ts'
import type { Server } from '#services/nova/db/servers.ts'
import type { NewImage } from '#services/nova/sagas/image-tools.ts'

/** Properties that the next image must not have of the one before. */
const NOT_INHERITED = new Set([
  'cache_in_nova',
  'bittorrent',
  'cinder_encryption_key_id',
  'cinder_encryption_key_deletion_policy',
  'img_signature',
  'img_signature_hash_method',
  'img_signature_key_type',
  'img_signature_certificate_uuid',
  'mappings',
  'img_mappings',
  'block_device_mapping',
  'img_block_device_mapping',
  'bdm_v2',
  'img_bdm_v2',
  'root_device_name',
  'img_root_device_name',
  'disk_format',
  'container_format',
])

/** The most a property's value may be long in Glance's older tables; what is longer is left out as upstream leaves it out of its own. */
const LONGEST = 255

/** `kind`: `snapshot` and `backup` have bytes; `volumes` is a bag of properties. */
export function newImage(
  server: Server,
  images: ServerImages,
  who: Who,
  given: {
    readonly id: string
    readonly name: string
    readonly kind: 'snapshot' | 'backup' | 'volumes'
    readonly more: Readonly<Record<string, string>>
  },
): NewImage {
  const { origin } = images
  const own = who.projectId === server.projectId
  const inherited = Object.fromEntries(
    Object.entries(server.imageProperties).filter(
      ([key, value]) => !NOT_INHERITED.has(key) && !key.startsWith('os_glance_') && value.length <= LONGEST,
    ),
  )
  const said: Record<string, string> = {
    ...inherited,
    ...(origin.baseImageId === '' ? {} : { base_image_ref: origin.baseImageId }),
    ...(origin.userName === null ? {} : { owner_user_name: origin.userName }),
    ...(origin.projectName === null ? {} : { owner_project_name: origin.projectName }),
    ...(origin.roles === null ? {} : { boot_roles: origin.roles }),
    ...(server.kernelId === '' ? {} : { kernel_id: server.kernelId }),
    ...(server.ramdiskId === '' ? {} : { ramdisk_id: server.ramdiskId }),
    ...(given.kind === 'volumes'
      ? {}
      : { instance_uuid: server.id, user_id: who.userId, image_type: given.kind, owner_id: server.projectId }),
    ...(own ? {} : { instance_owner: server.projectId }),
    ...given.more,
  }
  const format = (key: string): string | null =>
    given.kind === 'backup' ? (server.imageProperties[key] ?? null) : null
  return {
    id: given.id,
    name: given.name,
    owner: who.projectId ?? server.projectId,
    visibility: own ? 'private' : 'shared',
    minDiskGb: Math.max(origin.minDiskGb, given.kind === 'volumes' ? 0 : server.flavor.diskGb),
    minRamMb: origin.minRamMb,
    diskFormat: format('disk_format'),
    containerFormat: format('container_format'),
    properties: said,
    sharedWith: own ? null : server.projectId,
  }
}
