// Hostile input derived from a route: what its path, query, body and headers are not meant to hold, one wrong thing at a time.
import {
  WRONG_BODIES,
  WRONG_IDS,
  WRONG_QUERIES,
  WRONG_TYPES,
  WRONG_VALUES,
  WRONG_VALUES_OF_QUERIES,
  WRONG_VERSIONS,
} from './wrong.ts'
import { laidInto } from './usual.ts'
import { shapesOf, type KnownRoute } from './shapes.ts'

export interface Hostile {
  readonly method: string
  /** On the front door, with the query. */
  readonly url: string
  readonly headers: Readonly<Record<string, string>>
  readonly body: Buffer | string | null
}

type Schema = Readonly<Record<string, unknown>>
export type Sample = (field: string, schema: Schema) => unknown

interface Spot {
  readonly path: readonly (string | number)[]
  readonly schema: Schema
}

/** Every field of a schema: those of objects, of the first item of lists, and of each side of a choice. */
function spots(schema: Schema, path: readonly (string | number)[] = [], depth = 0): Spot[] {
  const found: Spot[] = []
  for (const side of ['anyOf', 'oneOf', 'allOf'])
    for (const choice of (schema[side] as Schema[] | undefined) ?? []) found.push(...spots(choice, path, depth))
  if (depth >= 5) return found
  for (const [name, inner] of Object.entries((schema['properties'] as Record<string, Schema> | undefined) ?? {}))
    if (typeof inner === 'object')
      found.push({ path: [...path, name], schema: inner }, ...spots(inner, [...path, name], depth + 1))
  const { items } = schema
  if (typeof items === 'object' && items !== null && !Array.isArray(items)) {
    found.push({ path: [...path, 0], schema: items as Schema }, ...spots(items as Schema, [...path, 0], depth + 1))
  }
  if (schema['patternProperties'] !== undefined || typeof schema['additionalProperties'] === 'object')
    found.push({ path: [...path, 'k'], schema: {} })
  return found
}

/** A value that is likely to fit: the least a schema wants. */
export function least(schema: Schema, field: string, sample: Sample, more: readonly (string | number)[] = []): unknown {
  const [next, ...rest] = more
  const choices = (schema['anyOf'] ?? schema['oneOf']) as Schema[] | undefined
  if (choices !== undefined && schema['properties'] === undefined) {
    const chosen =
      choices.find(one => next !== undefined && (one['properties'] as object | undefined)?.hasOwnProperty(next)) ??
      choices[0]
    return chosen === undefined ? null : least(chosen, field, sample, more)
  }
  const types = [schema['type']].flat()
  if (types.includes('object') || schema['properties'] !== undefined) {
    const properties = (schema['properties'] ?? {}) as Record<string, Schema>
    const made: Record<string, unknown> = {}
    const wanted = new Set<string>([
      ...((schema['required'] as string[] | undefined) ?? []),
      ...(typeof next === 'string' ? [next] : []),
    ])
    for (const name of wanted) made[name] = least(properties[name] ?? {}, name, sample, name === next ? rest : [])
    if (wanted.size === 0 && (field === '' || Number(schema['minProperties'] ?? 0) > 0)) {
      const first = Object.entries(properties)[0]
      if (first !== undefined) made[first[0]] = least(first[1], first[0], sample)
    }
    return made
  }
  if (types.includes('array')) {
    const items = (schema['items'] ?? {}) as Schema
    return next === 0 || Number(schema['minItems'] ?? 0) > 0
      ? [least(items, field, sample, rest)]
      : (sample(field, schema) ?? [])
  }
  const known = sample(field, schema)
  if (known !== undefined) return known
  const { enum: words, pattern, format } = schema as { enum?: unknown[]; pattern?: string; format?: string }
  if (words !== undefined) return words.find(word => word !== null) ?? null
  if (types.includes('integer') || types.includes('number')) return Number(schema['minimum'] ?? 1)
  if (types.includes('boolean')) return true
  if (types.includes('null') && types.length === 1) return null
  const formats: Record<string, string> = {
    uuid: '00000000-0000-4000-8000-00000000dead',
    'date-time': '2030-01-01T00:00:00Z',
    ip: '10.77.0.5',
    ipv4: '10.77.0.5',
    ipv6: 'fd77::5',
    cidr: '10.78.0.0/24',
    'mac-address': 'fa:16:3e:00:00:77',
    uri: 'http://127.0.0.1:9/',
  }
  if (format !== undefined && formats[format] !== undefined) return formats[format]
  const size = 'x'.repeat(Math.max(1, Number(schema['minLength'] ?? 1)))
  if (pattern === undefined) return size
  const tries = [
    size,
    '1',
    'CUSTOM_X',
    '00000000-0000-4000-8000-00000000dead',
    'default',
    'a-b',
    '0'.repeat(32),
    '/x',
    'x:y',
    '1.0',
    'http://x/',
    'a'.repeat(16),
  ]
  return tries.find(one => new RegExp(pattern, 'u').test(one)) ?? size
}

const put = (whole: unknown, path: readonly (string | number)[], value: unknown): unknown => {
  const [next, ...rest] = path
  if (next === undefined) return value
  if (typeof next === 'number') return [put(Array.isArray(whole) ? whole[0] : undefined, rest, value)]
  const known = typeof whole === 'object' && whole !== null && !Array.isArray(whole) ? whole : {}
  const made: Record<string, unknown> = { ...known }
  const inner = put(made[next], rest, value)
  if (inner === undefined) delete made[next]
  else made[next] = inner
  return made
}

/** Where a value stands whose JSON cannot be written from a value. */
const HOLE = '@@hole@@'

/**
 * Everything hostile there is for a route, the harmless way to ask first. `ids` gives a path's parameters; the last of `sample`'s values
 * are what makes the rest of a body fit.
 */
export function* hostile(
  route: KnownRoute,
  prefix: string,
  type: string | null,
  ids: (parameter: string, before: string) => string,
  sample: Sample,
  usual: unknown,
): Generator<Hostile> {
  const version: Record<string, string> =
    type === null ? {} : { 'openstack-api-version': `${type} ${route.until ?? 'latest'}` }
  const at = (replaced: string | null = null, id = ''): string =>
    prefix +
    route.path.replaceAll(
      /([^/]*)\/\{([^}]*)\}/g,
      (_whole, before: string, parameter: string) =>
        `${before}/${parameter === replaced ? id : ids(parameter, before)}`,
    )
  const { body, query } = shapesOf(route)
  const writes = route.method === 'POST' || route.method === 'PUT' || route.method === 'PATCH'
  const media = route.accepts[0] ?? 'application/json'
  const say = (text: Buffer | string | null, contentType = media): Hostile => ({
    method: route.method,
    url: at(),
    headers: { ...version, ...(text === null ? {} : { 'content-type': contentType }) },
    body: text,
  })
  const wrap = (text: string): string => (route.action === null ? text : `{${JSON.stringify(route.action)}:${text}}`)
  const whole =
    body !== null ? laidInto(least(body, '', sample), usual) : (usual ?? (route.action === null && writes ? {} : null))
  const plain = writes ? wrap(JSON.stringify(whole)) : null
  yield say(plain)
  yield say('')
  yield say(wrap('null'))
  yield say(wrap('{}'))
  yield { ...say(plain), url: `${at()}?limit=1&marker=nothing&sort_key=__proto__&constructor=x` }
  for (const [, parameter] of route.path.matchAll(/\{([^}]*)\}/g))
    for (const id of WRONG_IDS) yield { ...say(plain), url: at(parameter, id) }
  if (type !== null)
    for (const header of WRONG_VERSIONS(type))
      yield { ...say(plain), headers: { ...say(plain).headers, 'openstack-api-version': header } }
  if (writes) {
    for (const text of WRONG_BODIES) {
      yield say(text)
      if (route.action !== null && typeof text === 'string' && text.length < 1000 && text !== '') yield say(wrap(text))
    }
    if (route.action !== null) {
      for (const text of WRONG_VALUES) yield say(wrap(text))
      yield say(`{${JSON.stringify(route.action)}:${JSON.stringify(whole)},"x":1}`)
    }
    for (const contentType of WRONG_TYPES) yield say(plain, contentType)
  } else yield say('{"x":1}')
  if (body !== null)
    for (const spot of spots(body)) {
      const around = laidInto(usual, least(body, '', sample, spot.path))
      yield say(wrap(JSON.stringify(around)))
      yield say(wrap(JSON.stringify(put(around, spot.path, undefined))))
      const [before = '', after = ''] = wrap(JSON.stringify(put(around, spot.path, HOLE))).split(`"${HOLE}"`)
      for (const value of WRONG_VALUES) yield say(before + value + after)
    }
  const fields = query === null ? [] : Object.keys((query['properties'] as object | undefined) ?? {})
  if (route.method === 'GET' || fields.length > 0) {
    for (const text of WRONG_QUERIES) yield { ...say(plain), url: `${at()}?${text}` }
    for (const field of fields)
      for (const value of WRONG_VALUES_OF_QUERIES) {
        yield { ...say(plain), url: `${at()}?${field}=${value}` }
        if (value.length < 20) yield { ...say(plain), url: `${at()}?${field}=${value}&${field}=${value}&limit=1` }
      }
  }
}
