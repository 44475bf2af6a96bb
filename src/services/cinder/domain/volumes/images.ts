// The image a volume is made from: found by id or name with the caller's own token, judged, and what is kept of it.
import type { Ctx } from '#kernel/lib/context.ts'
import type { Image } from '#services/cinder/actors/neighbours/glance.ts'
import { faults } from '#services/cinder/contract/faults.ts'
import { findSnapshot, isUuid } from '#services/cinder/domain/find.ts'
import { rules } from '#services/cinder/contract/rules.ts'
import type { Snapshot } from '#services/cinder/db/snapshots.ts'
import type { DomainTools } from '#services/cinder/domain/tools.ts'

const GIB = 2 ** 30
/** What Glance says of an image that is no property of it. */
const NOT_PROPERTIES = new Set([
  'id',
  'name',
  'status',
  'visibility',
  'created_at',
  'updated_at',
  'self',
  'file',
  'schema',
  'owner',
  'tags',
  'protected',
  'os_hash_algo',
  'os_hash_value',
  'os_hidden',
  'virtual_size',
  'locations',
  'direct_url',
  'stores',
  'checksum',
  'container_format',
  'disk_format',
  'min_disk',
  'min_ram',
  'size',
])

/** By id, by the id at the end of a URL, or by a name of which there is one. Throws 400, or 409 for several. */
export async function findImage(tools: DomainTools, ctx: Ctx, ref: string): Promise<Image> {
  const id = ref.split('/').at(-1) ?? ref
  if (isUuid(id)) {
    const image = await tools.glance.image(ctx, id)
    if (image !== null) return image
  }
  const named = ref === '' ? [] : await tools.glance.named(ctx, ref)
  if (named.length > 1)
    throw faults.Conflict({ reason: `Multiple matches found for '${ref}', use an ID to be more specific.` })
  const only = named[0]
  if (only === undefined)
    throw faults.BadRequest({ reason: 'Invalid image identifier or unable to access requested image.' })
  return only
}

/** The snapshot behind an image that Nova made of a server that boots from a volume; null for ordinary images. */
export async function snapshotOf(tools: DomainTools, ctx: Ctx, image: Image): Promise<Snapshot | null> {
  const text = image['block_device_mapping']
  if (typeof text !== 'string' || text === '') return null
  let mappings: unknown
  try {
    mappings = JSON.parse(text)
  } catch {
    return null
  }
  if (!Array.isArray(mappings)) return null
  const boot = (mappings as { source_type?: unknown; boot_index?: unknown; snapshot_id?: unknown }[]).find(
    one => one.source_type === 'snapshot' && one.boot_index === 0,
  )
  if (boot === undefined || typeof boot.snapshot_id !== 'string') return null
  return findSnapshot(tools, ctx, boot.snapshot_id, rules.volumeGetSnapshot)
}

/** Refuses (400) an image that cannot fill a volume of that size. */
export function judgeImage(image: Image, sizeGb: number): void {
  if (image.status !== 'active') throw faults.InvalidInput({ reason: `Image ${image.id} is not active.` })
  const imageGb = Math.ceil((image.size ?? 0) / GIB)
  if (imageGb > sizeGb)
    throw faults.InvalidInput({
      reason: `Size of specified image ${imageGb}GB is larger than volume size ${sizeGb}GB.`,
    })
  const minDisk = image.min_disk ?? 0
  if (sizeGb < minDisk)
    throw faults.InvalidInput({
      reason: `Volume size ${sizeGb}GB cannot be smaller than the image minDisk size ${minDisk}GB.`,
    })
  const virtualGb = Math.ceil((image.virtual_size ?? 0) / GIB)
  if (virtualGb > sizeGb)
    throw faults.ImageUnacceptable({
      id: image.id,
      reason: `Image virtual size is ${virtualGb}GB and doesn't fit in a volume of size ${sizeGb}GB.`,
    })
}

/** `volume_image_metadata`: the image's core facts and its properties, all as text. */
export function imageMetadata(image: Image): Record<string, string> {
  const kept: Record<string, string> = {
    signature_verified: 'False',
    image_id: image.id,
    image_name: image.name ?? '',
    checksum: image.checksum ?? '',
    container_format: image.container_format ?? '',
    disk_format: image.disk_format ?? '',
    min_disk: String(image.min_disk ?? 0),
    min_ram: String(image.min_ram ?? 0),
    size: String(image.size ?? 0),
  }
  for (const [key, value] of Object.entries(image))
    if (
      !NOT_PROPERTIES.has(key) &&
      !key.startsWith('os_glance') &&
      (typeof value === 'string' || typeof value === 'number' || typeof value === 'boolean')
    )
      kept[key] = String(value)
  return kept
}
