// Links to the next page, in the styles upstream has. Which rows are on a page is kernel/db's business.
import type { Call } from '#kernel/http/handlers.ts'

/** The same request with another marker: `http://…/compute/v2.1/servers?limit=2&marker=ID`. */
export function nextHref(call: Pick<Call, 'base' | 'path' | 'rawQuery'>, marker: string): string {
  const query = new URLSearchParams(call.rawQuery)
  query.set('marker', marker)
  return `${call.base}${call.path}?${query.toString()}`
}

/** Upstream links from every full page to the next, though that one may turn out empty. */
export const isFull = (rows: number, limit: number): boolean => limit > 0 && rows >= limit

/** Nova's, Cinder's and Neutron's `NAME_links`: present only when there is a next page. */
export const linksRow = (
  call: Pick<Call, 'base' | 'path' | 'rawQuery'>,
  name: string,
  last: string | null,
): Record<string, { rel: string; href: string }[]> =>
  last === null ? {} : { [`${name}_links`]: [{ rel: 'next', href: nextHref(call, last) }] }

/** Cuts a page fetched with `limit + 1` rows: the rows to show, and the marker of the next page or null. */
export function cut<R extends { id: string }>(
  rows: readonly R[],
  limit: number,
): { rows: readonly R[]; next: string | null } {
  if (rows.length <= limit) return { rows, next: null }
  const shown = rows.slice(0, limit)
  return { rows: shown, next: shown.at(-1)?.id ?? null }
}
