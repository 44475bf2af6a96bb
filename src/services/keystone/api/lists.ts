// Keystone's way with lists and links: filters from the query, `links`, `truncated`, pages by limit and marker.
import { wordTable } from '#kernel/lib/word-table.ts'
import type { Call } from '#kernel/http/handlers.ts'
import type { Comparator, Filter, ListQuery } from '#services/keystone/db/filters.ts'
import { faults } from '#services/keystone/contract/faults.ts'

type ListCall = Pick<Call, 'base' | 'path' | 'rawQuery' | 'query'>
export interface ListSettings {
  readonly listLimit: number
  readonly maxPageSize: number
}

const COMPARATORS: Readonly<Record<string, { comparator: Comparator; anyCase: boolean }>> = wordTable<{
  comparator: Comparator
  anyCase: boolean
}>({
  contains: { comparator: 'contains', anyCase: false },
  icontains: { comparator: 'contains', anyCase: true },
  startswith: { comparator: 'startswith', anyCase: false },
  istartswith: { comparator: 'startswith', anyCase: true },
  endswith: { comparator: 'endswith', anyCase: false },
  iendswith: { comparator: 'endswith', anyCase: true },
})

const single = (value: unknown): string | undefined => {
  const last: unknown = Array.isArray(value) ? value.at(-1) : value
  return typeof last === 'string' ? last : undefined
}
/** One value of the query as text; the last, when it was given several times. */
export const queryText = (query: unknown, name: string): string | undefined =>
  single((query as Readonly<Record<string, unknown>>)[name])
/** `?flag`, `?flag=1` and `?flag=true` set it, `?flag=0` and `?flag=false` do not. */
export const queryFlag = (query: unknown, name: string): boolean => {
  const value = queryText(query, name)
  return value !== undefined && !['0', 'false', 'f', 'no', 'n', 'off'].includes(value.toLowerCase())
}

/** What a list request asks for; attributes outside `names` are not looked at. */
export function listQuery(call: ListCall, names: readonly string[], settings: ListSettings): ListQuery {
  const filters: Filter[] = []
  for (const [key, given] of Object.entries(call.query as Record<string, unknown>)) {
    const value = single(given)
    const [name = '', word] = key.split('__')
    if (value === undefined || !names.includes(name)) continue
    if (word === undefined) filters.push({ name, value, comparator: 'equals', anyCase: false })
    else {
      const how = COMPARATORS[word]
      if (how !== undefined) filters.push({ name, value, ...how })
    }
  }
  return { filters, ...pageQuery(call, settings) }
}
/** Only `limit` and `marker`. */
export function pageQuery(call: ListCall, settings: ListSettings): { limit?: number; marker?: string } {
  const limitText = queryText(call.query, 'limit')
  if (limitText !== undefined && !/^\d{1,9}$/.test(limitText))
    throw faults.ValidationError({ detail: `Invalid input for field 'limit': '${limitText}' is not a number.` })
  const asked = limitText === undefined ? 0 : Number(limitText)
  const limit = asked > 0 ? Math.min(asked, settings.maxPageSize) : settings.listLimit
  const marker = queryText(call.query, 'marker')
  return { ...(limit > 0 ? { limit } : {}), ...(marker === undefined || marker === '' ? {} : { marker }) }
}

/** `rows` may hold one more than the limit: then there is a next page. */
export function collection<R extends { readonly id: string }>(
  call: ListCall,
  name: string,
  rows: readonly R[],
  show: (row: R) => object,
  list: Pick<ListQuery, 'limit'> = {},
): Record<string, unknown> {
  const { limit } = list
  const isCut = limit !== undefined && rows.length > limit
  const shown = isCut ? rows.slice(0, limit) : rows
  const last = shown.at(-1)
  let next: string | null = null
  if (isCut && last !== undefined) {
    const query = new URLSearchParams(call.rawQuery)
    query.set('limit', String(limit))
    query.set('marker', last.id)
    next = `${call.base}${call.path}?${query.toString()}`
  }
  return { [name]: shown.map(show), links: links(call, next), ...(isCut ? { truncated: true } : {}) }
}
export const links = (call: Pick<Call, 'base' | 'path' | 'rawQuery'>, next: string | null = null): object => ({
  next,
  self: `${call.base}${call.path}${call.rawQuery === '' ? '' : `?${call.rawQuery}`}`,
  previous: null,
})
/** `{"links": {"self": …}}` of one thing: `selfLink(call, 'users', user.id)`. */
export const selfLink = (call: Pick<Call, 'base'>, collectionPath: string, id: string): { self: string } => ({
  self: `${call.base}/v3/${collectionPath}/${encodeURIComponent(id)}`,
})
