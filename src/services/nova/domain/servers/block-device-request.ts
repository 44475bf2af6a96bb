// From what a client wrote about disks to block device rows; refuses what contradicts itself.
import { faults } from '#services/nova/contract/faults.ts'

export interface RequestedDevice {
  readonly sourceType: 'image' | 'volume' | 'snapshot' | 'blank'
  readonly destinationType: 'local' | 'volume'
  readonly imageId: string | null
  readonly volumeId: string | null
  readonly snapshotId: string | null
  readonly sizeGb: number | null
  readonly bootIndex: number | null
  readonly device: string | null
  readonly deleteOnTermination: boolean
  readonly volumeType: string | null
  readonly diskBus: string | null
  readonly deviceType: string | null
  readonly guestFormat: string | null
  readonly tag: string | null
}

type V2 = Readonly<Record<string, unknown>>
type V1 = Readonly<Record<string, unknown>>

const invalid = (reason: string): Error => faults.BadRequest({ reason: `Block Device Mapping is Invalid: ${reason}` })
const device = (value: unknown): string | null =>
  typeof value === 'string' && value !== '' ? value.replace(/^\/dev\//, '') : null
const textOf = (value: unknown): string | null => (typeof value === 'string' && value !== '' ? value : null)

/** `block_device_mapping_v2`. Throws 400 in upstream's words. */
export function fromV2(entries: readonly V2[]): RequestedDevice[] {
  return entries
    .filter(
      entry =>
        entry['no_device'] === undefined ||
        entry['no_device'] === null ||
        entry['no_device'] === false ||
        entry['no_device'] === '',
    )
    .map(entry => {
      const source = (entry['source_type'] ?? 'blank') as RequestedDevice['sourceType']
      const destination = (entry['destination_type'] ??
        (source === 'blank' ? 'local' : 'volume')) as RequestedDevice['destinationType']
      const uuid = textOf(entry['uuid'])
      const bootIndex =
        entry['boot_index'] === undefined || entry['boot_index'] === null ? null : Number(entry['boot_index'])
      if (
        source !== 'blank' &&
        uuid === null &&
        entry['volume_id'] === undefined &&
        entry['snapshot_id'] === undefined &&
        entry['image_id'] === undefined
      ) {
        throw faults.BadRequest({ reason: 'Missing device UUID.' })
      }
      if (source === 'blank' && uuid !== null) throw faults.BadRequest({ reason: 'Invalid device UUID.' })
      if (destination === 'local' && (source === 'volume' || source === 'snapshot'))
        throw invalid(`Mapping ${source} to local is not supported.`)
      if (source === 'blank' && destination === 'volume' && entry['volume_size'] === undefined)
        throw invalid("Blank volumes (source: 'blank', dest: 'volume') need to have non-zero size")
      if (source === 'image' && destination === 'volume' && entry['volume_size'] === undefined)
        throw invalid("Images with destination_type 'volume' need to have a non-zero size specified")
      return {
        sourceType: source,
        destinationType: destination,
        imageId: source === 'image' ? (textOf(entry['image_id']) ?? uuid) : null,
        volumeId: source === 'volume' ? (textOf(entry['volume_id']) ?? uuid) : null,
        snapshotId: source === 'snapshot' ? (textOf(entry['snapshot_id']) ?? uuid) : null,
        sizeGb: typeof entry['volume_size'] === 'number' ? entry['volume_size'] : null,
        bootIndex: bootIndex !== null && bootIndex < 0 ? null : bootIndex,
        device: device(entry['device_name']),
        deleteOnTermination:
          entry['delete_on_termination'] === true ||
          (entry['delete_on_termination'] === undefined && destination === 'local'),
        volumeType: textOf(entry['volume_type']),
        diskBus: textOf(entry['disk_bus']),
        deviceType: textOf(entry['device_type']),
        guestFormat: textOf(entry['guest_format']),
        tag: textOf(entry['tag']),
      }
    })
}

/** The older `block_device_mapping`: volumes and snapshots by device name; `vda` boots. */
export function fromV1(entries: readonly V1[], hasImage: boolean): RequestedDevice[] {
  return entries
    .filter(entry => entry['no_device'] === undefined || entry['no_device'] === null || entry['no_device'] === false)
    .map((entry, index) => {
      const volumeId = textOf(entry['volume_id'])
      const snapshotId = textOf(entry['snapshot_id'])
      if (volumeId === null && snapshotId === null) throw invalid('Unrecognized legacy format.')
      return {
        sourceType: volumeId === null ? ('snapshot' as const) : ('volume' as const),
        destinationType: 'volume' as const,
        imageId: null,
        volumeId,
        snapshotId: volumeId === null ? snapshotId : null,
        sizeGb: typeof entry['volume_size'] === 'number' && entry['volume_size'] > 0 ? entry['volume_size'] : null,
        bootIndex: !hasImage && index === 0 ? 0 : null,
        device: device(entry['device_name']),
        deleteOnTermination: entry['delete_on_termination'] === true,
        volumeType: null,
        diskBus: null,
        deviceType: null,
        guestFormat: null,
        tag: null,
      }
    })
}

/** The whole list with the image as first disk where one was named. Throws 400 when nothing or more than one thing boots first. */
export function devicesOf(request: {
  imageId: string | null
  v1: readonly V1[] | undefined
  v2: readonly V2[] | undefined
}): RequestedDevice[] {
  if (request.v1 !== undefined && request.v2 !== undefined && request.v1.length > 0 && request.v2.length > 0) {
    throw faults.BadRequest({
      reason: 'Using different block_device_mapping syntaxes is not allowed in the same request.',
    })
  }
  const devices = request.v2 !== undefined ? fromV2(request.v2) : fromV1(request.v1 ?? [], request.imageId !== null)
  const boots = devices.filter(one => one.bootIndex === 0)
  const rootIsImage = boots.some(one => one.sourceType === 'image' && one.destinationType === 'local')
  const all =
    request.imageId !== null && boots.length === 0
      ? [
          { ...blank, sourceType: 'image' as const, imageId: request.imageId, bootIndex: 0, deleteOnTermination: true },
          ...devices,
        ]
      : devices
  if (all.filter(one => one.bootIndex === 0).length > 1)
    throw invalid('Boot sequence for the instance and image/block device mapping combination is not valid.')
  if (!all.some(one => one.bootIndex === 0))
    throw request.imageId === null && devices.length === 0
      ? faults.BadRequest({ reason: 'Invalid imageRef provided.' })
      : invalid('Boot sequence for the instance and image/block device mapping combination is not valid.')
  if (rootIsImage && request.imageId === null) throw faults.BadRequest({ reason: 'Invalid imageRef provided.' })
  const indexes = all.flatMap(one => (one.bootIndex === null ? [] : [one.bootIndex])).sort((a, b) => a - b)
  if (indexes.some((value, index) => value !== index))
    throw invalid('Boot sequence for the instance and image/block device mapping combination is not valid.')
  return named(all)
}
const blank: RequestedDevice = {
  sourceType: 'blank',
  destinationType: 'local',
  imageId: null,
  volumeId: null,
  snapshotId: null,
  sizeGb: null,
  bootIndex: null,
  device: null,
  deleteOnTermination: true,
  volumeType: null,
  diskBus: null,
  deviceType: null,
  guestFormat: null,
  tag: null,
}

/** The first free `vdX` that none of these takes. Throws 400 when there is none left. */
export function nextDevice(taken: readonly (string | null)[]): string {
  for (let index = 0; index < 26; index++) {
    const name = `vd${String.fromCodePoint(97 + index)}`
    if (!taken.includes(name)) return name
  }
  throw faults.BadRequest({ reason: "No free disk device names for prefix 'vd'" })
}
const named = (devices: readonly RequestedDevice[]): RequestedDevice[] => {
  const taken: (string | null)[] = devices.map(one => one.device)
  const inOrder = [...devices].sort((a, b) => (a.bootIndex ?? 1e6) - (b.bootIndex ?? 1e6))
  return inOrder.map(one => {
    if (one.device !== null) return one
    const name = nextDevice(taken)
    taken.push(name)
    return { ...one, device: name }
  })
}
