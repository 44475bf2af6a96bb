// The query of a list, in upstream's words: limit, marker, offset, sort (or the older sort_key and sort_dir), filters; and links.
import { linksRow } from '#kernel/http/paging.ts'
import type { Call } from '#kernel/http/handlers.ts'
import { faults } from '#services/cinder/contract/faults.ts'
import type { ListRequest } from '#services/cinder/domain/listing.ts'

type Query = Readonly<Record<string, string | readonly string[]>>
const TRUE = ['1', 't', 'true', 'on', 'y', 'yes']
const FALSE = ['0', 'f', 'false', 'off', 'n', 'no']

/** Flattened: of a key given several times the last counts. */
export const lastOf = (query: unknown): Record<string, string> => {
  const flat: Record<string, string> = {}
  for (const [key, value] of Object.entries((query ?? {}) as Query))
    flat[key] = typeof value === 'string' ? value : (value.at(-1) ?? '')
  return flat
}

/** A boolean parameter as oslo reads it strictly. Throws 400 on anything else. */
export function boolOf(query: Readonly<Record<string, string>>, key: string, otherwise = false): boolean {
  const value = query[key]
  if (value === undefined) return otherwise
  const word = value.toLowerCase()
  if (TRUE.includes(word)) return true
  if (FALSE.includes(word)) return false
  throw faults.BadRequest({ reason: `Invalid value for '${key}': '${value}'` })
}

const whole = (value: string | undefined, name: string, otherwise: number): number => {
  if (value === undefined) return otherwise
  if (!/^-?\d{1,10}$/.test(value.trim())) throw faults.BadRequest({ reason: `${name} param must be an integer` })
  const number = Number(value)
  if (number < 0) throw faults.BadRequest({ reason: `${name} param must be positive` })
  return number
}

function sortOf(query: Readonly<Record<string, string>>): ListRequest['sort'] {
  const { sort, sort_key, sort_dir } = query
  if (sort !== undefined && (sort_key !== undefined || sort_dir !== undefined))
    throw faults.BadRequest({
      reason: "The 'sort_key' and 'sort_dir' parameters are deprecated and cannot be used with the 'sort' parameter.",
    })
  const wanted =
    sort === undefined
      ? [{ key: (sort_key ?? 'created_at').trim(), direction: (sort_dir ?? 'desc').trim() }]
      : sort.split(',').map(one => {
          const [key = '', direction] = one.split(':')
          return { key: key.trim(), direction: (direction ?? 'desc').trim() || 'desc' }
        })
  return wanted.map(({ key, direction }) => {
    if (direction !== 'asc' && direction !== 'desc')
      throw faults.InvalidInput({ reason: 'Unknown sort direction, must be one of: asc, desc' })
    return { key, direction }
  })
}

/** What a list was asked for. `maxLimit`: the most entries of a page. `unknownYet`: filter → the version it came with. */
export function listRequest(
  call: Pick<Call, 'query' | 'at'>,
  maxLimit: number,
  unknownYet: Readonly<Record<string, number>> = {},
): ListRequest {
  const query = lastOf(call.query)
  const { limit, offset, marker, sort, sort_key, sort_dir, all_tenants, with_count, ...filters } = query
  const counts = call.at >= 3045
  return {
    limit: Math.min(whole(limit, 'limit', maxLimit), maxLimit),
    offset: whole(offset, 'offset', 0),
    marker: marker === undefined || marker === '' ? null : marker,
    sort: sortOf({
      ...(sort === undefined ? {} : { sort }),
      ...(sort_key === undefined ? {} : { sort_key }),
      ...(sort_dir === undefined ? {} : { sort_dir }),
    }),
    filters: counts || with_count === undefined ? filters : { ...filters, with_count },
    allProjects:
      all_tenants === undefined
        ? false
        : boolOf({ all_tenants: all_tenants === '' ? '1' : all_tenants }, 'all_tenants'),
    withCount: counts && boolOf(query, 'with_count'),
    refusesFilters: call.at >= 3031,
    likeFilters: call.at >= 3034,
    unknownYet: Object.entries(unknownYet).flatMap(([key, since]) => (call.at < since ? [key] : [])),
  }
}

/** `volumes_links` when another page follows. The call's base carries the version, and the project where the URL had it. */
export const pageLinks = (
  call: Pick<Call, 'base' | 'path' | 'rawQuery'>,
  name: string,
  more: boolean,
  last: string | undefined,
): Record<string, unknown> =>
  more && last !== undefined
    ? linksRow({ base: call.base, path: call.path.replace(/^\/v3/, ''), rawQuery: call.rawQuery }, name, last)
    : {}

/** `self` under the version and project as the client wrote them, `bookmark` without the version. */
export const linksOf = (base: string, kind: string, id: string): { rel: string; href: string }[] => [
  { rel: 'self', href: `${base}/${kind}/${id}` },
  { rel: 'bookmark', href: `${base.replace(/\/v3(?=\/|$)/, '')}/${kind}/${id}` },
]
