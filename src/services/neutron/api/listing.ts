// The query of a list as Neutron reads it: filters, fields, sorting, pages. And the links to the pages beside it.
import type { AnyResource } from '#kernel/contract/resource.ts'
import type { Call } from '#kernel/http/handlers.ts'
import { faults } from '#services/neutron/contract/faults.ts'
import type { FilterValue, Listing } from '#services/neutron/db/listing.ts'

type Query = Readonly<Record<string, string | string[]>>
const NOT_FILTERS: ReadonlySet<string> = new Set(['fields', 'sort_key', 'sort_dir', 'limit', 'marker', 'page_reverse'])
const listOf = (value: string | string[] | undefined): string[] =>
  value === undefined ? [] : Array.isArray(value) ? value : [value]
const last = (value: string | string[] | undefined): string | undefined => listOf(value).at(-1)
const bad = (reason: string): never => {
  throw faults.HTTPBadRequest({ reason })
}
const shown = (names: readonly string[]): string => `[${names.map(name => `'${name}'`).join(', ')}]`

/** Filter values as the attribute's shape has them: booleans as 0 and 1, numbers as numbers. */
function valuesOf(of: AnyResource, attribute: string, given: readonly string[]): FilterValue[] {
  const schema = of.rows[attribute]?.shape.schema(0) ?? {}
  const types = listOf(schema['type'] as string | string[] | undefined)
  if (Array.isArray(schema['enum']) && schema['enum'].includes(true)) {
    const raise = of.rows[attribute]?.shape.raise
    return given.map(value => {
      if (!(schema['enum'] as unknown[]).includes(value))
        throw faults.InvalidInput({ error_message: `'${value}' cannot be converted to boolean` })
      return raise?.(value, 0) === true ? 1 : 0
    })
  }
  if (types.includes('integer') || types.includes('number')) {
    if (types.includes('string') && !('intLike' in schema)) return given.map(value => value)
    return given.map(value => {
      if (!/^-?\d{1,15}$/.test(value)) throw faults.InvalidInput({ error_message: `'${value}' is not an integer` })
      return Number(value)
    })
  }
  return [...given]
}

function sortsOf(of: AnyResource, query: Query): Listing['sorts'] {
  const keys = listOf(query['sort_key']).filter(key => key !== '')
  const directions = listOf(query['sort_dir']).filter(direction => direction !== '')
  if (keys.length !== directions.length) bad('The number of sort_keys and sort_dirs must be same')
  const unknown = keys.filter(key => !of.sorts.has(key))
  if (unknown.length > 0) bad(`${shown(unknown)} is invalid attribute for sort_keys`)
  const wrong = directions.filter(direction => direction !== 'asc' && direction !== 'desc')
  if (wrong.length > 0) bad(`${shown(wrong)} is invalid value for sort_dirs, valid value is 'asc' and 'desc'`)
  return keys.map((key, index) => ({ key, direction: directions[index] === 'desc' ? 'desc' : 'asc' }))
}

export interface ListCall {
  readonly listing: Listing
  /** Null: all of them. */
  readonly fields: ReadonlySet<string> | null
}

/** @throws HTTPBadRequest, BadRequest, InvalidInput */
export function listCall(of: AnyResource, query: Query): ListCall {
  const unknown = Object.keys(query).filter(key => !NOT_FILTERS.has(key) && !of.filters.has(key))
  if (unknown.length > 0) bad(`${shown(unknown)} is invalid attribute for filtering`)
  const filters: Record<string, FilterValue[]> = {}
  for (const [key, value] of Object.entries(query))
    if (!NOT_FILTERS.has(key)) filters[key] = valuesOf(of, key, listOf(value))
  const limitText = last(query['limit']) ?? '0'
  if (!/^\s*\+?\d{1,15}\s*$/.test(limitText))
    throw faults.BadRequest({ resource: 'limit', msg: `Limit must be an integer 0 or greater and not '${limitText}'` })
  const limit = Number(limitText)
  return {
    listing: {
      filters,
      sorts: sortsOf(of, query),
      limit: limit === 0 ? null : limit,
      marker: last(query['marker']) ?? null,
      backwards: last(query['page_reverse'])?.toLowerCase() === 'true',
    },
    fields: fieldsOf(query),
  }
}
export const fieldsOf = (query: Query): ReadonlySet<string> | null => {
  const names = listOf(query['fields']).filter(name => name !== '')
  return names.length === 0 ? null : new Set(names)
}
/** Only these fields of each. */
export function onlyFields(
  shownOnes: readonly Record<string, unknown>[],
  fields: ReadonlySet<string> | null,
): Record<string, unknown>[] {
  if (fields === null) return [...shownOnes]
  return shownOnes.map(one => Object.fromEntries(Object.entries(one).filter(([key]) => fields.has(key))))
}

/** `networks_links`: the next and the previous page, when a limit was set. */
export function pageLinks(
  call: Pick<Call, 'base' | 'path' | 'rawQuery'>,
  plural: string,
  listing: Listing,
  ids: readonly string[],
): Record<string, { rel: string; href: string }[]> {
  if (listing.limit === null) return {}
  const link = (rel: 'next' | 'previous', marker: string | undefined): { rel: string; href: string } => {
    const query = new URLSearchParams(call.rawQuery)
    query.delete('marker')
    query.delete('page_reverse')
    if (marker !== undefined) query.set('marker', marker)
    if (rel === 'previous') query.set('page_reverse', 'True')
    return { rel, href: `${call.base}${call.path}?${query.toString()}` }
  }
  const short = ids.length < listing.limit
  const links = [
    ...(short && !listing.backwards ? [] : [link('next', ids.at(-1))]),
    ...(short && listing.backwards ? [] : [link('previous', ids[0])]),
  ]
  return links.length === 0 ? {} : { [`${plural}_links`]: links }
}
