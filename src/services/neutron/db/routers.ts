// Routers and floating IPs in the database.
import { sql, type SqlBool } from 'kysely'
import { fromJson, isSet } from '#kernel/db/codecs.ts'
import { inChunks } from '#kernel/db/helpers.ts'
import { listRows, type Condition, type Listing } from '#services/neutron/db/listing.ts'
import { standardOf, type Q, type Standard } from '#services/neutron/db/standard.ts'
import type { FloatingIpTable, Route, RouterTable } from '#services/neutron/db/tables.ts'

export interface Router extends Standard {
  readonly adminStateUp: boolean
  readonly status: string
  readonly gatewayPortId: string | null
  readonly gatewayNetworkId: string | null
  readonly enableSnat: boolean
  readonly defaultRouteBfd: boolean
  readonly defaultRouteEcmp: boolean
  readonly routes: readonly Route[]
  readonly availabilityZoneHints: readonly string[]
}
export const toRouter = (row: Readonly<RouterTable>): Router => ({
  ...standardOf(row),
  adminStateUp: isSet(row.admin_state_up),
  status: row.status,
  gatewayPortId: row.gateway_port_id,
  gatewayNetworkId: row.gateway_network_id,
  enableSnat: isSet(row.enable_snat),
  defaultRouteBfd: isSet(row.enable_default_route_bfd),
  defaultRouteEcmp: isSet(row.enable_default_route_ecmp),
  routes: fromJson(row.routes),
  availabilityZoneHints: fromJson(row.availability_zone_hints),
})
export interface FloatingIp extends Omit<Standard, 'name'> {
  readonly floatingIpAddress: string
  readonly floatingNetworkId: string
  readonly floatingPortId: string
  readonly routerId: string | null
  readonly portId: string | null
  readonly fixedIpAddress: string | null
  readonly dnsName: string
  readonly dnsDomain: string
  readonly status: string
}
export const toFloatingIp = (row: Readonly<FloatingIpTable>): FloatingIp => ({
  id: row.id,
  projectId: row.project_id,
  description: row.description,
  createdAt: row.created_at,
  updatedAt: row.updated_at,
  revision: row.revision_number,
  floatingIpAddress: row.floating_ip_address,
  floatingNetworkId: row.floating_network_id,
  floatingPortId: row.floating_port_id,
  routerId: row.router_id,
  portId: row.port_id,
  fixedIpAddress: row.fixed_ip_address,
  dnsName: row.dns_name,
  dnsDomain: row.dns_domain,
  status: row.status,
})

const ROUTERS = { table: 'routers' as const, columns: { tenant_id: 'project_id' } }
const FLOATING = { table: 'floatingips' as const, columns: { tenant_id: 'project_id' } }
export const ownRouters = (projectId: string): Condition => sql<SqlBool>`routers.project_id = ${projectId}`
export const ownFloatingIps = (projectId: string): Condition => sql<SqlBool>`floatingips.project_id = ${projectId}`

export const routersDb = {
  async byId(q: Q, id: string): Promise<Router | null> {
    const row = await q.selectFrom('routers').selectAll().where('id', '=', id).executeTakeFirst()
    return row === undefined ? null : toRouter(row)
  },
  async byIds(q: Q, ids: Iterable<string>): Promise<Map<string, Router>> {
    const rows = await inChunks(ids, some => q.selectFrom('routers').selectAll().where('id', 'in', some).execute())
    return new Map(rows.map(row => [row.id, toRouter(row)]))
  },
  row: (q: Q, id: string): Promise<RouterTable | undefined> =>
    q.selectFrom('routers').selectAll().where('id', '=', id).executeTakeFirst(),
  async list(
    q: Q,
    listing: Listing,
    scope: readonly Condition[],
    marker: (id: string) => Promise<Readonly<RouterTable>>,
  ): Promise<Router[]> {
    return (await listRows(q, ROUTERS, listing, scope, async id => ({ ...(await marker(id)) }))).map(toRouter)
  },
  async withGatewayOn(q: Q, networkId: string): Promise<Router[]> {
    return (await q.selectFrom('routers').selectAll().where('gateway_network_id', '=', networkId).execute()).map(
      toRouter,
    )
  },
  /** Routers with an interface whose address is of this subnet: router, port, address. */
  ofSubnet: (q: Q, subnetId: string): Promise<{ router_id: string; port_id: string; ip_address: string }[]> =>
    q
      .selectFrom('allocations')
      .innerJoin('ports', 'ports.id', 'allocations.port_id')
      .select(['ports.device_id as router_id', 'ports.id as port_id', 'allocations.ip_address'])
      .where('allocations.subnet_id', '=', subnetId)
      .where('ports.device_owner', '=', 'network:router_interface')
      .execute(),
}
export const floatingIpsDb = {
  async byId(q: Q, id: string): Promise<FloatingIp | null> {
    const row = await q.selectFrom('floatingips').selectAll().where('id', '=', id).executeTakeFirst()
    return row === undefined ? null : toFloatingIp(row)
  },
  row: (q: Q, id: string): Promise<FloatingIpTable | undefined> =>
    q.selectFrom('floatingips').selectAll().where('id', '=', id).executeTakeFirst(),
  async list(
    q: Q,
    listing: Listing,
    scope: readonly Condition[],
    marker: (id: string) => Promise<Readonly<FloatingIpTable>>,
  ): Promise<FloatingIp[]> {
    return (await listRows(q, FLOATING, listing, scope, async id => ({ ...(await marker(id)) }))).map(toFloatingIp)
  },
  async ofPort(q: Q, portId: string): Promise<FloatingIp[]> {
    return (await q.selectFrom('floatingips').selectAll().where('port_id', '=', portId).execute()).map(toFloatingIp)
  },
  async ofRouters(q: Q, routerIds: Iterable<string>): Promise<FloatingIp[]> {
    const rows = await inChunks(routerIds, some =>
      q.selectFrom('floatingips').selectAll().where('router_id', 'in', some).orderBy('id').execute(),
    )
    return rows.map(toFloatingIp)
  },
}
