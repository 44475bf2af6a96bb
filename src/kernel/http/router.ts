// From method, path and version to a route. Matching is find-my-way's.
import createMatcher, { type HTTPMethod } from 'find-my-way'

import type { AnyRoute } from '#kernel/contract/route.ts'
import type { VersionNumber } from '#kernel/contract/version.ts'

/** A route of the contract with whatever the service hangs on it. */
export interface Bound<H> {
  readonly name: string
  readonly route: AnyRoute
  readonly handler: H
}
interface Entry<H> {
  readonly plain: Bound<H>[]
  readonly actions: Map<string, Bound<H>[]>
}
export interface Found<H> {
  readonly params: Readonly<Record<string, string>>
  /** The route for this version without looking at the body; null when only actions live here or no version fits. */
  plain(at: VersionNumber): Bound<H> | null
  /** Null: no actions live here. */
  readonly actions: { get(name: string, at: VersionNumber): Bound<H> | null } | null
  /** All routes here, whatever the version: to decide whether a token is needed at all. */
  readonly any: readonly Bound<H>[]
}
export interface Router<H> {
  find(method: string, path: string): Found<H> | null
  /** Methods known at this path. */
  methods(path: string): string[]
}

const fits = <H>(bound: Bound<H>, at: VersionNumber): boolean => at >= bound.route.since && at <= bound.route.until

/** Throws a plain Error when two routes of overlapping versions claim one place. */
export function createRouter<H>(bounds: readonly Bound<H>[]): Router<H> {
  const matcher = createMatcher({
    ignoreTrailingSlash: true,
    ignoreDuplicateSlashes: false,
    maxParamLength: 4096,
    caseSensitive: true,
  })
  const entries = new Map<string, Entry<H>>()
  const methods = new Set<string>()
  for (const bound of bounds) {
    const { route } = bound
    const path = route.path.replace(/\{(\w+)\}/g, ':$1')
    const key = `${route.method} ${path.replace(/:\w+/g, ':')}`
    let entry = entries.get(key)
    if (entry === undefined) {
      entry = { plain: [], actions: new Map() }
      entries.set(key, entry)
      methods.add(route.method)
      matcher.on(route.method as HTTPMethod, path, () => undefined, entry)
    }
    const shelf = route.action === null ? entry.plain : (entry.actions.get(route.action) ?? [])
    if (route.action !== null) entry.actions.set(route.action, shelf)
    if (shelf.some(other => other.route.since <= route.until && route.since <= other.route.until)) {
      throw new Error(`${route.method} ${route.path} ${route.action ?? ''}: two routes for one version`)
    }
    shelf.push(bound)
  }
  return {
    find(method, path) {
      const found = matcher.find(method as HTTPMethod, path)
      if (found === null) return null
      const entry = found.store as Entry<H>
      return {
        params: found.params as Record<string, string>,
        plain: at => entry.plain.find(bound => fits(bound, at)) ?? null,
        actions:
          entry.actions.size === 0
            ? null
            : { get: (name, at) => entry.actions.get(name)?.find(bound => fits(bound, at)) ?? null },
        any: [...entry.plain, ...[...entry.actions.values()].flat()],
      }
    },
    methods: path => [...methods].filter(method => matcher.find(method as HTTPMethod, path) !== null),
  }
}
