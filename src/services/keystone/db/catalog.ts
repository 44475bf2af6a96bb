// Rows of regions, services and endpoints.
import { flag, fromJson, isSet, json } from '#kernel/db/codecs.ts'
import { listPage, type Columns, type ListQuery } from '#services/keystone/db/filters.ts'
import type { Query } from '#services/keystone/db/ledger.ts'
import type { EndpointsTable, Extra, RegionsTable, ServicesTable } from '#services/keystone/db/tables.ts'

export interface RegionEntity {
  readonly id: string
  readonly parentId: string | null
  readonly description: string
  readonly extra: Extra
}
export interface ServiceEntity {
  readonly id: string
  readonly type: string
  readonly name: string | null
  readonly description: string | null
  readonly enabled: boolean
  readonly extra: Extra
}
export interface EndpointEntity {
  readonly id: string
  readonly serviceId: string
  readonly interface: string
  readonly regionId: string | null
  readonly url: string
  readonly enabled: boolean
  readonly extra: Extra
}

const regionOf = (row: RegionsTable): RegionEntity => ({
  id: row.id,
  parentId: row.parent_id,
  description: row.description,
  extra: fromJson(row.extra),
})
const serviceOf = (row: ServicesTable): ServiceEntity => ({
  id: row.id,
  type: row.type,
  name: row.name,
  description: row.description,
  enabled: isSet(row.enabled),
  extra: fromJson(row.extra),
})
const endpointOf = (row: EndpointsTable): EndpointEntity => ({
  id: row.id,
  serviceId: row.service_id,
  interface: row.interface,
  regionId: row.region_id,
  url: row.url,
  enabled: isSet(row.enabled),
  extra: fromJson(row.extra),
})
const regionRow = (region: RegionEntity): RegionsTable => ({
  id: region.id,
  parent_id: region.parentId,
  description: region.description,
  extra: json(region.extra),
})
const serviceRow = (service: ServiceEntity): ServicesTable => ({
  id: service.id,
  type: service.type,
  name: service.name,
  description: service.description,
  enabled: flag(service.enabled),
  extra: json(service.extra),
})
const endpointRow = (endpoint: EndpointEntity): EndpointsTable => ({
  id: endpoint.id,
  service_id: endpoint.serviceId,
  interface: endpoint.interface,
  region_id: endpoint.regionId,
  url: endpoint.url,
  enabled: flag(endpoint.enabled),
  extra: json(endpoint.extra),
})

export async function findRegion(q: Query, id: string): Promise<RegionEntity | null> {
  const row = await q.selectFrom('regions').selectAll().where('id', '=', id).executeTakeFirst()
  return row === undefined ? null : regionOf(row)
}
export const REGION_FILTERS: Columns = { parent_region_id: { column: 'regions.parent_id' } }
export const listRegions = async (q: Query, list: ListQuery): Promise<RegionEntity[]> =>
  (await listPage(q, q.selectFrom('regions').selectAll('regions'), REGION_FILTERS, list, 'regions')).map(regionOf)
/** Throws DuplicateKey. */
export const insertRegion = (q: Query, region: RegionEntity): Promise<unknown> =>
  q.insertInto('regions').values(regionRow(region)).execute()
export const updateRegion = (q: Query, region: RegionEntity): Promise<unknown> =>
  q.updateTable('regions').set(regionRow(region)).where('id', '=', region.id).execute()
export async function removeRegion(q: Query, id: string): Promise<void> {
  await q.deleteFrom('regions').where('id', '=', id).execute()
}

export async function findService(q: Query, id: string): Promise<ServiceEntity | null> {
  const row = await q.selectFrom('services').selectAll().where('id', '=', id).executeTakeFirst()
  return row === undefined ? null : serviceOf(row)
}
export const SERVICE_FILTERS: Columns = { type: { column: 'services.type' }, name: { column: 'services.name' } }
export const listServices = async (q: Query, list: ListQuery): Promise<ServiceEntity[]> =>
  (await listPage(q, q.selectFrom('services').selectAll('services'), SERVICE_FILTERS, list, 'services')).map(serviceOf)
export const insertService = (q: Query, service: ServiceEntity): Promise<unknown> =>
  q.insertInto('services').values(serviceRow(service)).execute()
export const updateService = (q: Query, service: ServiceEntity): Promise<unknown> =>
  q.updateTable('services').set(serviceRow(service)).where('id', '=', service.id).execute()
/** Its endpoints go with it. */
export async function removeService(q: Query, id: string): Promise<void> {
  await q.deleteFrom('services').where('id', '=', id).execute()
}

export async function findEndpoint(q: Query, id: string): Promise<EndpointEntity | null> {
  const row = await q.selectFrom('endpoints').selectAll().where('id', '=', id).executeTakeFirst()
  return row === undefined ? null : endpointOf(row)
}
export const ENDPOINT_FILTERS: Columns = {
  interface: { column: 'endpoints.interface' },
  service_id: { column: 'endpoints.service_id' },
  region_id: { column: 'endpoints.region_id' },
}
export const listEndpoints = async (q: Query, list: ListQuery): Promise<EndpointEntity[]> =>
  (await listPage(q, q.selectFrom('endpoints').selectAll('endpoints'), ENDPOINT_FILTERS, list, 'endpoints')).map(
    endpointOf,
  )
export const insertEndpoint = (q: Query, endpoint: EndpointEntity): Promise<unknown> =>
  q.insertInto('endpoints').values(endpointRow(endpoint)).execute()
export const updateEndpoint = (q: Query, endpoint: EndpointEntity): Promise<unknown> =>
  q.updateTable('endpoints').set(endpointRow(endpoint)).where('id', '=', endpoint.id).execute()
export async function removeEndpoint(q: Query, id: string): Promise<void> {
  await q.deleteFrom('endpoints').where('id', '=', id).execute()
}
/** Enabled services with their enabled endpoints, as the catalog shows them. */
export async function catalogRows(q: Query): Promise<{ service: ServiceEntity; endpoints: EndpointEntity[] }[]> {
  const services = await q
    .selectFrom('services')
    .selectAll()
    .where('enabled', '=', 1)
    .orderBy('type')
    .orderBy('id')
    .execute()
  const endpoints = await q
    .selectFrom('endpoints')
    .selectAll()
    .where('enabled', '=', 1)
    .orderBy('service_id')
    .orderBy('id')
    .execute()
  return services.map(service => ({
    service: serviceOf(service),
    endpoints: endpoints.filter(row => row.service_id === service.id).map(endpointOf),
  }))
}
