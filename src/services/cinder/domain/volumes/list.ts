// Which volumes a list shows: who may filter by what, values in upstream's own notations, one page.
import { isFull } from '#kernel/http/paging.ts'
import type { Ctx } from '#kernel/lib/context.ts'
import { faults } from '#services/cinder/contract/faults.ts'
import {
  countVolumes,
  EQUAL_COLUMNS,
  listVolumes,
  SORT_COLUMNS,
  type TimeOperator,
  type VolumeFilters,
} from '#services/cinder/db/volume-list.ts'
import { volumesDb, type Volume } from '#services/cinder/db/volumes.ts'
import { pythonDict } from '#services/cinder/domain/python-dict.ts'
import { isAdmin, projectOf, type DomainTools } from '#services/cinder/domain/tools.ts'
import { usableFilters, type ListRequest } from '#services/cinder/domain/listing.ts'

const OPERATORS: readonly string[] = ['gt', 'gte', 'eq', 'neq', 'lt', 'lte']
const BOOLEANS: readonly string[] = ['bootable', 'multiattach']

/** A page, whether another follows, and the count of all when asked. Throws 400 for values that make no sense. */
export async function pageOfVolumes(
  tools: DomainTools,
  ctx: Ctx,
  request: ListRequest & { readonly strictBooleans: boolean },
): Promise<{ volumes: Volume[]; more: boolean; count: number | null }> {
  const usable = usableFilters(ctx, 'volume', request)
  const filters = filtersOf(ctx, usable, request)
  if (filters === 'nothing') return { volumes: [], more: false, count: request.withCount ? 0 : null }
  const sort = request.sort.map(({ key, direction }) => {
    const column = SORT_COLUMNS[key]
    if (column === undefined) throw faults.InvalidInput({ reason: 'Invalid sort key' })
    return { column, direction }
  })
  const { rows, count } = await tools.database.read(ctx, 'list-volumes', async q => ({
    rows:
      request.limit === 0
        ? []
        : await listVolumes(q, filters, {
            sort,
            marker: request.marker,
            limit: request.limit,
            offset: request.offset,
          }),
    count: request.withCount ? await countVolumes(q, filters) : null,
  }))
  if (rows === undefined) throw faults.VolumeNotFound({ id: request.marker ?? '' })
  return { volumes: rows.slice(0, request.limit), more: isFull(rows.length, request.limit), count }
}

/** Count and size of the volumes in sight, with the distinct metadata when asked. */
export async function summaryOfVolumes(
  tools: DomainTools,
  ctx: Ctx,
  allProjects: boolean,
  withMetadata: boolean,
): Promise<{ count: number; sizeGb: number; metadata: Record<string, string[]> | null }> {
  const projectId = allProjects && isAdmin(ctx) ? null : projectOf(ctx)
  return tools.database.read(ctx, 'summary-of-volumes', async q => ({
    ...(await volumesDb(q).summary(projectId)),
    metadata: withMetadata ? await volumesDb(q).distinctMetadata(projectId) : null,
  }))
}

function filtersOf(
  ctx: Ctx,
  usable: Readonly<Record<string, string>>,
  request: ListRequest & { readonly strictBooleans: boolean },
): VolumeFilters | 'nothing' {
  const equal: Record<string, string | number | null> = {}
  const like: Record<string, string> = {}
  const times: VolumeFilters['times'][number][] = []
  let metadata: Record<string, string> = {}
  let imageMetadata: Record<string, string> = {}
  let groupId: string | null | undefined
  for (const [key, value] of Object.entries(usable)) {
    if (key === 'metadata' || key === 'glance_metadata') {
      const parsed = pythonDict(value)
      if (parsed === null) return 'nothing'
      if (key === 'metadata') metadata = parsed
      else imageMetadata = parsed
    } else if (key === 'created_at' || key === 'updated_at') times.push(...timesOf(key, value))
    else if (key === 'use_quota' || key === 'consumes_quota') {
      // Every volume here counts against its project's quota.
      if (!truthOf(key, value, true)) return 'nothing'
    } else if (key === 'group_id' || key === 'consistencygroup_id')
      groupId = value === 'None' || value === '' ? null : value
    else if (key === 'cluster_name') {
      if (value !== 'None' && value !== '') return 'nothing'
    } else if (key.endsWith('~') && EQUAL_COLUMNS[key.slice(0, -1)] !== undefined)
      like[EQUAL_COLUMNS[key.slice(0, -1)] as string] = value
    else {
      const column = EQUAL_COLUMNS[key]
      if (column === undefined) return 'nothing' // upstream's: a filter that no column has matches nothing
      equal[column] = BOOLEANS.includes(key)
        ? Number(truthOf(key, value, request.strictBooleans))
        : column === 'size_gb'
          ? Number(value)
          : value === 'None'
            ? null
            : value
    }
  }
  return {
    projectId: request.allProjects && isAdmin(ctx) ? null : projectOf(ctx),
    equal,
    like,
    metadata,
    imageMetadata,
    ...(groupId === undefined ? {} : { groupId }),
    times,
  }
}

function truthOf(key: string, value: string, strict: boolean): boolean {
  const word = value.toLowerCase()
  if (['true', '1', 't', 'on', 'y', 'yes'].includes(word)) return true
  if (['false', '0', 'f', 'off', 'n', 'no'].includes(word)) return strict ? false : word !== 'false'
  if (strict) throw faults.InvalidInput({ reason: `'${key} = ${value}'` })
  return value !== ''
}

function timesOf(column: 'created_at' | 'updated_at', text: string): VolumeFilters['times'][number][] {
  return text.split(',').map(unit => {
    const colon = unit.indexOf(':')
    if (colon < 0) throw faults.BadRequest({ reason: `Invalid ${column} value` })
    const operator = unit.slice(0, colon)
    if (!OPERATORS.includes(operator)) throw faults.BadRequest({ reason: `Invalid ${operator} operator` })
    const when = unit.slice(colon + 1).trim()
    const at = Date.parse(/[zZ]|[+-]\d\d:?\d\d$/.test(when) ? when : `${when}Z`)
    if (Number.isNaN(at)) throw faults.BadRequest({ reason: `Invalid ${when} value` })
    return { column, operator: operator as TimeOperator, at }
  })
}
