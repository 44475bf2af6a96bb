// Upstream's whole surface as rows of `METHOD PATH [ACTION]`: what of it is not built answers so, and `koto routes` lists it.
import createMatcher, { type HTTPMethod } from 'find-my-way'

import type { SurfaceRow } from '#kernel/contract/surface.ts'

type SurfaceMatcher = (method: string, path: string, action: string | null) => boolean

/**
 * Whether upstream has this operation. For a body-dispatched action `action` is its name, else null. Only a request that
 * no route takes asks, so the tree of paths is built at the first one.
 */
export function surfaceMatcher(rows: readonly SurfaceRow[]): SurfaceMatcher {
  let matcher: SurfaceMatcher | null = null
  return (method, path, action) => (matcher ??= buildMatcher(rows))(method, path, action)
}

function buildMatcher(rows: readonly SurfaceRow[]): SurfaceMatcher {
  const matcher = createMatcher({ ignoreTrailingSlash: true, maxParamLength: 4096 })
  const seen = new Map<string, Set<string | null>>()
  for (const row of rows) {
    const [method, path, action] = row.split(' ') as [string, string, string?]
    let index = 0
    const named = path.replace(/\{[^}]+\}/g, () => `:p${index++}`)
    const key = `${method} ${named}`
    let actions = seen.get(key)
    if (actions === undefined) {
      seen.set(key, (actions = new Set()))
      matcher.on(method as HTTPMethod, named, () => undefined, actions)
    }
    actions.add(action ?? null)
  }
  return (method, path, action) => {
    const found = matcher.find(method as HTTPMethod, path)
    return found !== null && (found.store as Set<string | null>).has(action)
  }
}
