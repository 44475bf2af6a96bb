// Query strings as plain objects: a key given once is a string, given several times a list.
import type { Shape } from '#kernel/contract/shape.ts'

/** `a=1&b=2&b=3` → `{ a: '1', b: ['2', '3'] }`. */
export function parseQuery(text: string): Record<string, string | string[]> {
  const query: Record<string, string | string[]> = {}
  if (text === '') return query
  for (const [key, value] of new URLSearchParams(text)) {
    const known = Object.hasOwn(query, key) ? query[key] : undefined
    if (known === undefined) query[key] = value
    else if (Array.isArray(known)) known.push(value)
    else query[key] = [known, value]
  }
  return query
}

/** Where the shape wants one value and several came, the last counts, as in webob. */
export function singleWhereSingle(
  shape: Shape<unknown>,
  query: Record<string, string | string[]>,
): Record<string, string | string[]> {
  for (const [key, value] of Object.entries(query)) {
    if (Array.isArray(value) && shape.fields?.[key]?.shape.item === undefined && shape.fields?.[key] !== undefined) {
      query[key] = value.at(-1) ?? ''
    }
  }
  return query
}
