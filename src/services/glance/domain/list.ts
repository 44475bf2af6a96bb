// Which images a list shows: filters, their operators, sorting, one page.
import { wordTable } from '#kernel/lib/word-table.ts'
import { isFull } from '#kernel/http/paging.ts'
import type { Ctx } from '#kernel/lib/context.ts'
import { faults } from '#services/glance/contract/faults.ts'
import { VISIBILITIES } from '#services/glance/contract/images.ts'
import { imagesDb, type Image, type ImageFilters } from '#services/glance/db/images.ts'
import type { AccessTools } from '#services/glance/domain/access.ts'

const COLUMNS: Readonly<Record<string, string>> = wordTable<string>({
  name: 'name',
  status: 'status',
  owner: 'owner',
  container_format: 'container_format',
  disk_format: 'disk_format',
  id: 'id',
  checksum: 'checksum',
  os_hash_value: 'hash_value',
  min_ram: 'min_ram',
  min_disk: 'min_disk',
  size: 'size',
})
/** Filters that may name several values by `in:`. */
const IN = new Set(['container_format', 'disk_format', 'id', 'name', 'status'])
const SORT: Readonly<Record<string, string>> = wordTable<string>({
  name: 'name',
  status: 'status',
  container_format: 'container_format',
  disk_format: 'disk_format',
  size: 'size',
  id: 'id',
  created_at: 'created_at',
  updated_at: 'updated_at',
  owner: 'owner',
  min_disk: 'min_disk',
  min_ram: 'min_ram',
  visibility: 'visibility',
  protected: 'is_protected',
  virtual_size: 'virtual_size',
  checksum: 'checksum',
  os_hidden: 'os_hidden',
})
const OPS = { eq: '=', neq: '!=', gt: '>', gte: '>=', lt: '<', lte: '<=' } as const
const KNOWN = new Set([
  'limit',
  'marker',
  'sort_key',
  'sort_dir',
  'sort',
  'tag',
  'visibility',
  'member_status',
  'os_hidden',
  'protected',
  'size_min',
  'size_max',
  'created_at',
  'updated_at',
])

export type ListQuery = Readonly<Record<string, string | number | readonly string[] | undefined>>

/** A page and whether another follows. Throws 400 for values that make no sense. */
export async function pageOfImages(
  tools: AccessTools & { readonly defaultLimit: number; readonly maxLimit: number },
  ctx: Ctx,
  query: ListQuery,
): Promise<{ images: Image[]; more: boolean; tags: Map<string, string[]> }> {
  const text = (key: string): string | undefined => {
    const value = query[key]
    return value === undefined ? undefined : String(Array.isArray(value) ? value.at(-1) : value)
  }
  if (text('changes-since') !== undefined)
    throw faults.BadRequest({ reason: 'The "changes-since" filter is no longer available on v2.' })
  const admin = ctx.who?.roles.includes('admin') === true
  const visibility = text('visibility') ?? null
  if (visibility !== null && visibility !== 'all' && !VISIBILITIES.includes(visibility as never))
    throw faults.BadRequest({ reason: `Invalid visibility value: ${visibility}` })
  const memberStatus = text('member_status') ?? 'accepted'
  if (!['accepted', 'pending', 'rejected', 'all'].includes(memberStatus))
    throw faults.BadRequest({ reason: `Invalid status: ${memberStatus}` })
  const equal: Record<string, string[]> = {}
  const properties: Record<string, string> = {}
  for (const key of Object.keys(query)) {
    if (KNOWN.has(key)) continue
    const value = text(key) ?? ''
    const column = COLUMNS[key]
    if (column === undefined) properties[key] = value
    else equal[column] = IN.has(key) && value.startsWith('in:') ? csv(value.slice(3)) : [value]
  }
  if (text('protected') !== undefined)
    equal['is_protected'] = [boolean('protected', text('protected') ?? '') ? '1' : '0']
  const size = (key: 'size_min' | 'size_max'): number | null => {
    const value = text(key)
    if (value === undefined) return null
    if (!/^\d{1,15}$/.test(value))
      throw faults.BadRequest({ reason: `Cannot convert ${key.replace('_', ' ')} "${value}" to an integer.` })
    return Number(value)
  }
  const filters: ImageFilters = {
    projectId: ctx.who?.projectId ?? null,
    admin,
    visibility,
    memberStatus: memberStatus as ImageFilters['memberStatus'],
    hidden: text('os_hidden') !== undefined && boolean('os_hidden', text('os_hidden') ?? ''),
    equal,
    properties,
    tags: (query['tag'] as string[] | undefined) ?? [],
    sizeMin: size('size_min'),
    sizeMax: size('size_max'),
    times: (['created_at', 'updated_at'] as const).flatMap(column => {
      const value = text(column)
      if (value === undefined) return []
      const match = /^(?:(eq|neq|gt|gte|lt|lte):)?(.+)$/.exec(value)
      const at = Date.parse(/[zZ]|[+-]\d\d:?\d\d$/.test(match?.[2] ?? '') ? (match?.[2] ?? '') : `${match?.[2] ?? ''}Z`)
      if (Number.isNaN(at)) throw faults.BadRequest({ reason: `Invalid time comparison: ${column}=${value}` })
      return [{ column, op: OPS[(match?.[1] ?? 'eq') as keyof typeof OPS], at }]
    }),
  }
  const wanted = query['limit'] as number | undefined
  const limit = Math.min(wanted ?? tools.defaultLimit, tools.maxLimit)
  if (limit === 0) return { images: [], more: false, tags: new Map() }
  const marker = text('marker') ?? null
  const sort = sortOf(query)
  return tools.database.read(ctx, 'list-images', async q => {
    const rows = await imagesDb(q).list(filters, { sort, marker, limit })
    if (rows === undefined) throw faults.MarkerNotFound({ marker: marker ?? '' })
    const images = rows.slice(0, limit)
    return { images, more: isFull(rows.length, limit), tags: await imagesDb(q).tagsOf(images.map(image => image.id)) }
  })
}

/** Comma-separated values; those in double quotes may hold commas. */
function csv(value: string): string[] {
  const parts = value.match(/("(\\.|[^"])*"|[^,]+)/g) ?? []
  return parts.map(part =>
    part.startsWith('"') && part.endsWith('"') ? part.slice(1, -1).replaceAll('\\"', '"') : part,
  )
}
function boolean(name: string, value: string): boolean {
  if (/^(true|1|yes|on|t|y)$/i.test(value)) return true
  if (/^(false|0|no|off|f|n)$/i.test(value)) return false
  throw faults.BadRequest({ reason: `Invalid value '${value}' for '${name}' filter.` })
}
function sortOf(query: ListQuery): { column: string; direction: 'asc' | 'desc' }[] {
  const both = query['sort'] as string | undefined
  const keys = (query['sort_key'] as string[] | undefined) ?? []
  const dirs = (query['sort_dir'] as string[] | undefined) ?? []
  if (both !== undefined && (keys.length > 0 || dirs.length > 0))
    throw faults.BadRequest({ reason: 'Old and new sorting syntax cannot be combined' })
  const pairs: [string, string][] =
    both === undefined
      ? (keys.length > 0 ? keys : ['created_at']).map((key, index) => [
          key,
          dirs.length === 1 ? (dirs[0] ?? 'desc') : (dirs[index] ?? 'desc'),
        ])
      : both.split(',').map(part => {
          const [key = '', direction = 'desc'] = part.trim().split(':')
          return [key, direction]
        })
  if (dirs.length > 1 && dirs.length !== keys.length)
    throw faults.BadRequest({ reason: 'Number of sort dirs does not match the number of sort keys' })
  const sort = pairs.map(([key, direction]) => {
    const column = SORT[key]
    if (column === undefined)
      throw faults.BadRequest({
        reason: `Invalid sort key: ${key}. It must be one of the following: ${Object.keys(SORT).join(', ')}.`,
      })
    if (direction !== 'asc' && direction !== 'desc')
      throw faults.BadRequest({ reason: `Invalid sort direction: ${direction}` })
    return { column, direction } as const
  })
  return sort.some(one => one.column === 'created_at') ? sort : [...sort, { column: 'created_at', direction: 'desc' }]
}
