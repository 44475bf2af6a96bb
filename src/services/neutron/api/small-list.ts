// Lists that are small by nature (what belongs to one port, one floating IP, one router; what an operator wrote down by hand): filtered,
// sorted and paged after they were presented.
import type { AnyResource } from '#kernel/contract/resource.ts'
import type { Call } from '#kernel/http/handlers.ts'
import { listCall, onlyFields, pageLinks } from '#services/neutron/api/listing.ts'
import type { FilterValue } from '#services/neutron/db/listing.ts'

type Shown = Record<string, unknown>
type AnyCall = Pick<Call, 'base' | 'path' | 'rawQuery'> & {
  readonly query: Readonly<Record<string, string | string[]>>
}

const plain = (value: unknown): FilterValue =>
  value === true ? 1 : value === false ? 0 : typeof value === 'number' || value === null ? value : String(value)
const fits = (value: unknown, wanted: readonly FilterValue[]): boolean =>
  (Array.isArray(value) ? value : [value]).some(one =>
    wanted.some(want => want === plain(one) || (want !== null && String(want) === String(plain(one)))),
  )
function compare(a: unknown, b: unknown): number {
  const [one, two] = [plain(a), plain(b)]
  if (one === two) return 0
  if (one === null) return -1
  if (two === null) return 1
  return one < two ? -1 : 1
}

/** `key`: what identifies one of them, for markers and links. An unknown marker begins at the beginning. */
export function smallList(of: AnyResource, call: AnyCall, all: readonly Shown[], key = 'id'): Shown {
  const { listing, fields } = listCall(of, call.query)
  let found = all.filter(one => Object.entries(listing.filters).every(([name, wanted]) => fits(one[name], wanted)))
  for (const sort of [...listing.sorts].reverse())
    found = [...found].sort((a, b) => compare(a[sort.key], b[sort.key]) * (sort.direction === 'desc' ? -1 : 1))
  if (listing.limit !== null) {
    const at = listing.marker === null ? -1 : found.findIndex(one => one[key] === listing.marker)
    if (listing.backwards && at >= 0) found = found.slice(Math.max(0, at - listing.limit), at)
    else found = found.slice(at + 1, at + 1 + listing.limit)
  }
  return {
    [of.plural]: onlyFields(found, fields),
    ...pageLinks(
      call,
      of.plural,
      listing,
      found.map(one => String(one[key])),
    ),
  }
}
