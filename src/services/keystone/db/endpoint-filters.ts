// Rows of endpoint groups and of what each project's catalog shows.
import { fromJson, json } from '#kernel/db/codecs.ts'
import { insertIfAbsent } from '#kernel/db/helpers.ts'
import type { EndpointEntity } from '#services/keystone/db/catalog.ts'
import { listPage, type Columns, type ListQuery } from '#services/keystone/db/filters.ts'
import type { Query } from '#services/keystone/db/ledger.ts'
import type { EndpointGroupsTable } from '#services/keystone/db/tables.ts'

export interface EndpointGroup {
  readonly id: string
  readonly name: string
  readonly description: string | null
  /** `interface`, `service_id`, `region_id`, `enabled`: an endpoint belongs when all agree. */
  readonly filters: Readonly<Record<string, unknown>>
}
const groupOf = (row: EndpointGroupsTable): EndpointGroup => ({
  id: row.id,
  name: row.name,
  description: row.description,
  filters: fromJson(row.filters),
})
const groupRow = (group: EndpointGroup): EndpointGroupsTable => ({ ...group, filters: json(group.filters) })

/** Whether an endpoint belongs to the group. */
export function belongs(group: EndpointGroup, endpoint: EndpointEntity): boolean {
  const facts: Readonly<Record<string, unknown>> = {
    interface: endpoint.interface,
    service_id: endpoint.serviceId,
    region_id: endpoint.regionId,
    enabled: endpoint.enabled,
  }
  return Object.entries(group.filters).every(([name, value]) => facts[name] === value)
}

export async function findEndpointGroup(q: Query, id: string): Promise<EndpointGroup | null> {
  const row = await q.selectFrom('endpoint_groups').selectAll().where('id', '=', id).executeTakeFirst()
  return row === undefined ? null : groupOf(row)
}
export const ENDPOINT_GROUP_FILTERS: Columns = { name: { column: 'endpoint_groups.name' } }
/** One row more than the limit. */
export const listEndpointGroups = async (q: Query, list: ListQuery): Promise<EndpointGroup[]> =>
  (
    await listPage(
      q,
      q.selectFrom('endpoint_groups').selectAll('endpoint_groups'),
      ENDPOINT_GROUP_FILTERS,
      list,
      'endpoint_groups',
    )
  ).map(groupOf)
export const insertEndpointGroup = (q: Query, group: EndpointGroup): Promise<unknown> =>
  q.insertInto('endpoint_groups').values(groupRow(group)).execute()
export const updateEndpointGroup = (q: Query, group: EndpointGroup): Promise<unknown> =>
  q.updateTable('endpoint_groups').set(groupRow(group)).where('id', '=', group.id).execute()
export async function removeEndpointGroup(q: Query, id: string): Promise<void> {
  await q.deleteFrom('endpoint_groups').where('id', '=', id).execute()
}

/** False when it was there already. */
export const addGroupFilter = (q: Query, projectId: string, groupId: string): Promise<boolean> =>
  insertIfAbsent(q, 'endpoint_group_filters', { project_id: projectId, endpoint_group_id: groupId }, [
    'project_id',
    'endpoint_group_id',
  ])
export async function removeGroupFilter(q: Query, projectId: string, groupId: string): Promise<boolean> {
  const result = await q
    .deleteFrom('endpoint_group_filters')
    .where('project_id', '=', projectId)
    .where('endpoint_group_id', '=', groupId)
    .executeTakeFirstOrThrow()
  return result.numDeletedRows > 0n
}
export async function groupFilters(
  q: Query,
  of: { projectId?: string; groupId?: string },
): Promise<{ projectId: string; groupId: string }[]> {
  let query = q.selectFrom('endpoint_group_filters').selectAll()
  if (of.projectId !== undefined) query = query.where('project_id', '=', of.projectId)
  if (of.groupId !== undefined) query = query.where('endpoint_group_id', '=', of.groupId)
  return (await query.execute()).map(row => ({ projectId: row.project_id, groupId: row.endpoint_group_id }))
}
/** False when it was there already. */
export const addEndpointFilter = (q: Query, projectId: string, endpointId: string): Promise<boolean> =>
  insertIfAbsent(q, 'endpoint_filters', { project_id: projectId, endpoint_id: endpointId }, [
    'project_id',
    'endpoint_id',
  ])
export async function removeEndpointFilter(q: Query, projectId: string, endpointId: string): Promise<boolean> {
  const result = await q
    .deleteFrom('endpoint_filters')
    .where('project_id', '=', projectId)
    .where('endpoint_id', '=', endpointId)
    .executeTakeFirstOrThrow()
  return result.numDeletedRows > 0n
}
export async function endpointFilters(
  q: Query,
  of: { projectId?: string; endpointId?: string },
): Promise<{ projectId: string; endpointId: string }[]> {
  let query = q.selectFrom('endpoint_filters').selectAll()
  if (of.projectId !== undefined) query = query.where('project_id', '=', of.projectId)
  if (of.endpointId !== undefined) query = query.where('endpoint_id', '=', of.endpointId)
  return (await query.execute()).map(row => ({ projectId: row.project_id, endpointId: row.endpoint_id }))
}
/** Project → the endpoints its catalog shows; projects without any filter are not in it. */
export async function shownEndpoints(
  q: Query,
  endpoints: readonly EndpointEntity[],
): Promise<ReadonlyMap<string, ReadonlySet<string>>> {
  const shown = new Map<string, Set<string>>()
  const add = (projectId: string, endpointId: string): void => {
    const own = shown.get(projectId)
    if (own === undefined) shown.set(projectId, new Set([endpointId]))
    else own.add(endpointId)
  }
  for (const { projectId, endpointId } of await endpointFilters(q, {})) add(projectId, endpointId)
  const byGroup = await groupFilters(q, {})
  if (byGroup.length > 0) {
    const groups = new Map((await listEndpointGroups(q, { filters: [] })).map(group => [group.id, group]))
    for (const { projectId, groupId } of byGroup)
      for (const endpoint of endpoints) {
        const group = groups.get(groupId)
        if (group !== undefined && belongs(group, endpoint)) add(projectId, endpoint.id)
      }
  }
  return shown
}
