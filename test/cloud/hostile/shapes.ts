// The routes of every service with what their contracts say of bodies and queries.
import { readdirSync } from 'node:fs'
import type { AnyRoute } from '#kernel/contract/route.ts'
import { NEWEST } from '#kernel/contract/version.ts'
import type { RouteRow } from '#main/control/control.ts'

export const SERVICES = ['keystone', 'glance', 'placement', 'neutron', 'cinder', 'nova'] as const

export interface KnownRoute {
  readonly service: string
  readonly method: string
  readonly path: string
  readonly action: string | null
  readonly until: string | null
  readonly accepts: readonly string[]
  readonly route: AnyRoute | null
}

const isRoute = (thing: unknown): thing is AnyRoute =>
  typeof thing === 'object' && thing !== null && 'statuses' in thing && 'path' in thing && 'method' in thing

/** Every built route of `rows`, once, its contract beside it where a contract's table has it by name. */
export async function knownRoutes(rows: readonly RouteRow[]): Promise<KnownRoute[]> {
  const contracts = new Map<string, AnyRoute>()
  for (const service of SERVICES)
    for (const file of readdirSync(new URL(`../../../src/services/${service}/contract/`, import.meta.url))) {
      if (!file.endsWith('.ts') || file.endsWith('.test.ts')) continue
      const module = (await import(`#services/${service}/contract/${file}`)) as Record<string, unknown>
      for (const table of Object.values(module))
        if (typeof table === 'object' && table !== null)
          for (const route of Object.values(table))
            if (isRoute(route)) contracts.set(`${service} ${route.method} ${route.path} ${route.action ?? ''}`, route)
    }
  const known = new Map<string, KnownRoute>()
  for (const row of rows) {
    if (!row.built) continue
    const [path = '', action] = row.path.split(' ')
    const key = `${row.service} ${row.method} ${path} ${action ?? ''}`
    const route = contracts.get(key) ?? null
    known.set(key, {
      service: row.service,
      method: row.method,
      path,
      action: action ?? null,
      until: row.until,
      accepts: route?.accepts ?? [],
      route,
    })
  }
  return [...known.values()]
}

/** The newest schemas of a route's body and query; null where it has none or its contract was not found. */
export function shapesOf(known: KnownRoute): {
  body: Record<string, unknown> | null
  query: Record<string, unknown> | null
} {
  const { route } = known
  const at = Math.min(route?.until ?? NEWEST, NEWEST)
  return { body: route?.body?.schema(at) ?? null, query: route?.query?.schema(at) ?? null }
}
