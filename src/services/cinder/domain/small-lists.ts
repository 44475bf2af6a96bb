// Lists of things of which there are never many: sorted and cut in memory, by upstream's rules.
import { faults } from '#services/cinder/contract/faults.ts'
import type { ListRequest } from '#services/cinder/domain/listing.ts'

type Paging = Pick<ListRequest, 'sort' | 'marker' | 'limit' | 'offset'>

/**
 * One page, and whether another follows. `sorts`: key → value. Throws 400 for a key there is none of, and what `lost` makes for a
 * marker that is not among them.
 */
export function smallPage<T extends { readonly id: string }>(
  all: readonly T[],
  request: Paging,
  sorts: Readonly<Record<string, (one: T) => string | number>>,
  lost: (marker: string) => Error,
): { page: T[]; more: boolean } {
  const by = [...request.sort, { key: 'id', direction: request.sort.at(-1)?.direction ?? ('desc' as const) }]
  const keys = by.map(({ key, direction }) => {
    const of = key === 'id' ? (one: T) => one.id : sorts[key]
    if (of === undefined) throw faults.InvalidInput({ reason: 'Invalid sort key' })
    return { of, sign: direction === 'asc' ? 1 : -1 }
  })
  const sorted = [...all].sort((a, b) => {
    for (const { of, sign } of keys) {
      const [x, y] = [of(a), of(b)]
      if (x !== y) return (x < y ? -1 : 1) * sign
    }
    return 0
  })
  let from = request.offset
  if (request.marker !== null) {
    const at = sorted.findIndex(one => one.id === request.marker)
    if (at < 0) throw lost(request.marker)
    from += at + 1
  }
  return { page: sorted.slice(from, from + request.limit), more: sorted.length > from + request.limit }
}
