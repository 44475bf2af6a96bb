// Extra routes of a router: each must be reachable through something the router is joined to.
import { faults } from '#services/neutron/contract/faults.ts'
import type { NeutronSettings } from '#services/neutron/config.ts'
import { portsDb } from '#services/neutron/db/ports.ts'
import type { Router } from '#services/neutron/db/routers.ts'
import type { Q } from '#services/neutron/db/standard.ts'
import { allocationsDb, subnetsDb } from '#services/neutron/db/subnets.ts'
import type { Route } from '#services/neutron/db/tables.ts'
import { parseIp, within } from '#services/neutron/domain/addresses.ts'
import { cidrOf } from '#services/neutron/domain/ipam.ts'
import { checkedRoutes } from '#services/neutron/domain/subnet-plan.ts'

const shown = (routes: readonly Route[]): string =>
  `[${routes.map(route => `{'destination': '${route.destination}', 'nexthop': '${route.nexthop}'}`).join(', ')}]`

/** Routes in ordinary form. @throws InvalidRoutes, RoutesExhausted, HTTPBadRequest */
export async function routesFor(
  q: Q,
  settings: NeutronSettings,
  router: Router,
  asked: readonly Route[],
): Promise<Route[]> {
  const routes = checkedRoutes('routes', asked)
  if (routes.length > settings.maxRoutes)
    throw faults.RoutesExhausted({ router_id: router.id, quota: settings.maxRoutes })
  const ports = await portsDb.ofDevice(q, router.id)
  const ips = [
    ...(
      await allocationsDb.ofPorts(
        q,
        ports.map(port => port.id),
      )
    ).values(),
  ].flat()
  const cidrs = [
    ...(
      await subnetsDb.byIds(
        q,
        ips.map(ip => ip.subnetId),
      )
    ).values(),
  ].map(cidrOf)
  for (const route of routes) {
    const nexthop = parseIp(route.nexthop)
    if (nexthop === null || !cidrs.some(cidr => within(cidr, nexthop)))
      throw faults.InvalidRoutes({ routes: shown(routes), reason: 'the nexthop is not connected with router' })
    if (ips.some(ip => ip.ip === route.nexthop))
      throw faults.InvalidRoutes({ routes: shown(routes), reason: 'the nexthop is used by router' })
  }
  return routes
}

const same = (a: Route, b: Route): boolean => a.destination === b.destination && a.nexthop === b.nexthop
export const withRoutes = (has: readonly Route[], more: readonly Route[]): Route[] => [
  ...has,
  ...more.filter(route => !has.some(one => same(one, route))),
]
export const withoutRoutes = (has: readonly Route[], less: readonly Route[]): Route[] =>
  has.filter(route => !less.some(one => same(one, route)))

/** Whether a route of the router goes through this subnet. */
export const routesThrough = (router: Router, cidr: string): boolean => {
  const parsed = cidrOf({ cidr })
  return router.routes.some(route => {
    const nexthop = parseIp(route.nexthop)
    return nexthop !== null && within(parsed, nexthop)
  })
}
