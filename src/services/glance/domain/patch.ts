// Glance's JSON patch: one level deep, and `tags` as a whole. Both media types' forms are understood.
import { wordTable } from '#kernel/lib/word-table.ts'
import { READ_ONLY, RESERVED } from '#services/glance/contract/images.ts'
import { RESERVED_NAMESPACE } from '#services/glance/contract/imports.ts'
import { faults } from '#services/glance/contract/faults.ts'
import type { Image } from '#services/glance/db/images.ts'

interface Operation {
  readonly op: 'add' | 'replace' | 'remove'
  readonly name: string
  readonly value: unknown
}
const FIELDS: Readonly<Record<string, keyof Image>> = wordTable<keyof Image>({
  name: 'name',
  owner: 'owner',
  visibility: 'visibility',
  protected: 'isProtected',
  os_hidden: 'osHidden',
  container_format: 'containerFormat',
  disk_format: 'diskFormat',
  min_ram: 'minRam',
  min_disk: 'minDisk',
})

function read(entry: Readonly<Record<string, unknown>>): Operation {
  let op = entry['op']
  let path = entry['path']
  if (op === undefined) {
    // v2.0: the operation's name is the key of its path
    const key = (['add', 'replace', 'remove'] as const).find(name => name in entry)
    op = key
    path = key === undefined ? undefined : entry[key]
  }
  if (op !== 'add' && op !== 'replace' && op !== 'remove')
    throw faults.BadRequest({ reason: `Operations must be JSON objects with one of 'add', 'replace', 'remove'.` })
  if (typeof path !== 'string' || !path.startsWith('/'))
    throw faults.BadRequest({ reason: `Invalid JSON pointer for this resource: '${String(path)}'` })
  const parts = path
    .slice(1)
    .split('/')
    .map(part => part.replaceAll('~1', '/').replaceAll('~0', '~'))
  const name = parts[0] ?? ''
  const depth = name === 'locations' && op !== 'replace' ? 2 : 1
  if (parts.length !== depth || name === '')
    throw faults.BadRequest({ reason: `Invalid JSON pointer for this resource: '${path}'` })
  if (op !== 'remove' && !('value' in entry))
    throw faults.BadRequest({ reason: `Operation "${op}" requires a member named "value".` })
  return { op, name, value: entry['value'] }
}

const isText = (value: unknown): value is string => typeof value === 'string'
/** What a field's new value must be. */
const FITS: Readonly<Record<string, (value: unknown) => boolean>> = wordTable<(value: unknown) => boolean>({
  name: value => value === null || (isText(value) && value.length <= 255),
  owner: value => value === null || (isText(value) && value.length <= 255),
  visibility: isText,
  protected: value => typeof value === 'boolean',
  os_hidden: value => typeof value === 'boolean',
  container_format: value => value === null || isText(value),
  disk_format: value => value === null || isText(value),
  min_ram: value => Number.isInteger(value) && (value as number) >= 0 && (value as number) <= 2147483647,
  min_disk: value => Number.isInteger(value) && (value as number) >= 0 && (value as number) <= 2147483647,
})

/** The image and tags after all operations. Throws 400, 403 (read-only), 409 (no such property). */
export function applyPatch(
  before: { image: Image; tags: readonly string[] },
  operations: readonly Readonly<Record<string, unknown>>[],
): { image: Image; tags: readonly string[] } {
  let image: Record<string, unknown> = { ...before.image }
  const properties: Record<string, string | null> = { ...before.image.properties }
  let { tags } = before
  for (const entry of operations) {
    const { op, name, value } = read(entry)
    if (READ_ONLY.includes(name) || name === 'id') throw faults.ReadOnly({ name })
    if (name === 'locations') {
      const verb = op === 'remove' ? 'remove' : op === 'add' ? 'add' : 'update'
      if (op === 'replace' && Array.isArray(value) && value.length === 0)
        throw faults.Forbidden({ reason: 'Cannot set locations to empty list.' })
      throw faults.Forbidden({ reason: `It's not allowed to ${verb} locations if locations are invisible.` })
    }
    if (RESERVED.includes(name) || name.startsWith(RESERVED_NAMESPACE)) throw faults.Reserved({ name })
    if (name === 'tags') {
      if (op === 'remove') throw faults.Forbidden({ reason: 'Property tags may not be removed.' })
      if (!Array.isArray(value) || !value.every(tag => isText(tag) && tag.length <= 255))
        throw faults.BadRequest({ reason: 'tags must be a list of strings of at most 255 characters.' })
      tags = value as string[]
      continue
    }
    const field = FIELDS[name]
    if (field !== undefined) {
      if (op === 'remove') throw faults.Forbidden({ reason: `Property ${name} may not be removed.` })
      if (FITS[name]?.(value) !== true) throw faults.BadRequest({ reason: `Invalid value for ${name}.` })
      image = { ...image, [field]: value }
      continue
    }
    if (op !== 'add' && !Object.hasOwn(properties, name))
      throw faults.Conflict({ reason: `Property ${name} does not exist.` })
    if (op === 'remove') delete properties[name]
    else {
      if (value !== null && !isText(value))
        throw faults.BadRequest({ reason: `Invalid value for ${name}: it must be a string.` })
      if (name.length > 255) throw faults.BadRequest({ reason: 'A property name is longer than 255 characters.' })
      properties[name] = value
    }
  }
  return { image: { ...(image as unknown as Image), properties }, tags }
}
