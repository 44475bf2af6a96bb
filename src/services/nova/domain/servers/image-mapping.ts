// Images without bytes that say which volumes a server is made of: snapshots of servers whose root is a volume.
import { faults } from '#services/nova/contract/faults.ts'
import type { BlockDevice } from '#services/nova/db/block-devices.ts'
import type { MadeSnapshot } from '#services/nova/sagas/image-tools.ts'

type Entry = Readonly<Record<string, unknown>>
const named = (entry: Entry): string => String(entry['device_name'] ?? '').replace(/^\/dev\//, '')

/** The mapping in an image's properties, null when it has none. Throws 400 for one that cannot be read. */
export function mappingOf(image: Readonly<Record<string, unknown>> | null): readonly Entry[] | null {
  const text = image?.['block_device_mapping']
  if (typeof text !== 'string' || text === '') return null
  const unreadable = (): Error => faults.BadRequest({ reason: 'Block Device Mapping is Invalid.' })
  let entries: unknown
  try {
    entries = JSON.parse(text)
  } catch {
    throw unreadable()
  }
  if (!Array.isArray(entries) || entries.length > 64) throw unreadable()
  if (!entries.every((entry): entry is Entry => typeof entry === 'object' && entry !== null && !Array.isArray(entry)))
    throw unreadable()
  return entries.map(entry =>
    Object.fromEntries(Object.entries(entry).filter(([key, value]) => value !== null && key !== 'no_device')),
  )
}

/** A request's devices with those of its image: a device named in the request takes the place of the image's. */
export function withMapping(
  image: Readonly<Record<string, unknown>> | null,
  asked: { imageId: string | null; v1: readonly Entry[] | undefined; v2: readonly Entry[] | undefined },
): typeof asked {
  const mapping = mappingOf(image)
  if (mapping === null) return asked
  const own = (asked.v2 ?? []).filter(
    entry => !(entry['source_type'] === 'image' && entry['destination_type'] === 'local' && entry['boot_index'] === 0),
  )
  const taken = new Set(own.map(named).filter(name => name !== ''))
  const hasRoot = own.some(entry => String(entry['boot_index']) === '0')
  const kept = mapping.filter(entry => !taken.has(named(entry)) && !(hasRoot && String(entry['boot_index']) === '0'))
  const hasBytes = !kept.some(entry => String(entry['boot_index']) === '0')
  return { imageId: hasBytes ? asked.imageId : null, v1: asked.v1, v2: [...kept, ...own] }
}

/** What the image shall say: each volume as its snapshot, each other disk as it is. */
export function mappingFor(devices: readonly BlockDevice[], snapshots: readonly MadeSnapshot[]): string {
  return JSON.stringify(
    devices.flatMap(device => {
      const snapshot = snapshots.find(one => one.volumeId === device.volumeId)
      if (device.destinationType === 'volume' && snapshot === undefined) return []
      return [
        {
          boot_index: device.bootIndex,
          delete_on_termination: device.deleteOnTermination,
          destination_type: device.destinationType,
          device_name: device.device === null ? null : `/dev/${device.device}`,
          device_type: device.deviceType,
          disk_bus: device.diskBus,
          guest_format: device.guestFormat,
          image_id: snapshot === undefined ? device.imageId : null,
          no_device: null,
          snapshot_id: snapshot?.snapshotId ?? null,
          source_type: snapshot === undefined ? device.sourceType : 'snapshot',
          tag: device.tag,
          volume_id: null,
          volume_size: snapshot?.sizeGb ?? device.sizeGb,
          volume_type: device.volumeType,
        },
      ]
    }),
  )
}
