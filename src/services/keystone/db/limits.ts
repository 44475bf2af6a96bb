// Rows of registered limits and of the limits of single projects and domains.
import { isDuplicate } from '#kernel/db/errors.ts'
import { listPage, type Columns, type ListQuery } from '#services/keystone/db/filters.ts'
import type { Query } from '#services/keystone/db/ledger.ts'
import type { RegisteredLimitsTable } from '#services/keystone/db/tables.ts'

export interface RegisteredLimit {
  readonly id: string
  readonly serviceId: string
  readonly regionId: string | null
  readonly resourceName: string
  readonly defaultLimit: number
  readonly description: string | null
}
export interface Limit {
  readonly id: string
  readonly registeredLimitId: string
  readonly projectId: string | null
  readonly domainId: string | null
  readonly resourceLimit: number
  readonly description: string | null
  /** Of its registered limit. */
  readonly serviceId: string
  readonly regionId: string | null
  readonly resourceName: string
}
const orNull = (text: string): string | null => (text === '' ? null : text)

const registeredOf = (row: RegisteredLimitsTable): RegisteredLimit => ({
  id: row.id,
  serviceId: row.service_id,
  regionId: orNull(row.region_id),
  resourceName: row.resource_name,
  defaultLimit: row.default_limit,
  description: row.description,
})
const registeredRow = (it: RegisteredLimit): RegisteredLimitsTable => ({
  id: it.id,
  service_id: it.serviceId,
  region_id: it.regionId ?? '',
  resource_name: it.resourceName,
  default_limit: it.defaultLimit,
  description: it.description,
})

export const REGISTERED_LIMIT_FILTERS: Columns = {
  service_id: { column: 'registered_limits.service_id' },
  region_id: { column: 'registered_limits.region_id' },
  resource_name: { column: 'registered_limits.resource_name' },
}
export const LIMIT_FILTERS: Columns = {
  ...REGISTERED_LIMIT_FILTERS,
  project_id: { column: 'limits.project_id' },
  domain_id: { column: 'limits.domain_id' },
}
export async function findRegisteredLimit(q: Query, id: string): Promise<RegisteredLimit | null> {
  const row = await q.selectFrom('registered_limits').selectAll().where('id', '=', id).executeTakeFirst()
  return row === undefined ? null : registeredOf(row)
}
export async function findRegisteredLimitFor(
  q: Query,
  of: { serviceId: string; regionId: string | null; resourceName: string },
): Promise<RegisteredLimit | null> {
  const row = await q
    .selectFrom('registered_limits')
    .selectAll()
    .where('service_id', '=', of.serviceId)
    .where('region_id', '=', of.regionId ?? '')
    .where('resource_name', '=', of.resourceName)
    .executeTakeFirst()
  return row === undefined ? null : registeredOf(row)
}
/** One row more than the limit. */
export const listRegisteredLimits = async (q: Query, list: ListQuery): Promise<RegisteredLimit[]> =>
  (
    await listPage(
      q,
      q.selectFrom('registered_limits').selectAll('registered_limits'),
      REGISTERED_LIMIT_FILTERS,
      list,
      'registered_limits',
    )
  ).map(registeredOf)
/** Throws DuplicateKey. */
export const insertRegisteredLimit = (q: Query, it: RegisteredLimit): Promise<unknown> =>
  q.insertInto('registered_limits').values(registeredRow(it)).execute()
/** Throws DuplicateKey. */
export const updateRegisteredLimit = (q: Query, it: RegisteredLimit): Promise<unknown> =>
  q.updateTable('registered_limits').set(registeredRow(it)).where('id', '=', it.id).execute()
export async function removeRegisteredLimit(q: Query, id: string): Promise<void> {
  await q.deleteFrom('registered_limits').where('id', '=', id).execute()
}
export async function registeredLimitInUse(q: Query, id: string): Promise<boolean> {
  const row = await q.selectFrom('limits').select('id').where('registered_limit_id', '=', id).executeTakeFirst()
  return row !== undefined
}

const joined = (q: Query) =>
  q
    .selectFrom('limits')
    .innerJoin('registered_limits', 'registered_limits.id', 'limits.registered_limit_id')
    .select([
      'limits.id as id',
      'limits.registered_limit_id as registered_limit_id',
      'limits.project_id as project_id',
      'limits.domain_id as domain_id',
      'limits.resource_limit as resource_limit',
      'limits.description as description',
      'registered_limits.service_id as service_id',
      'registered_limits.region_id as region_id',
      'registered_limits.resource_name as resource_name',
    ])
interface JoinedRow {
  id: string
  registered_limit_id: string
  project_id: string
  domain_id: string
  resource_limit: number
  description: string | null
  service_id: string
  region_id: string
  resource_name: string
}
const limitOf = (row: JoinedRow): Limit => ({
  id: row.id,
  registeredLimitId: row.registered_limit_id,
  projectId: orNull(row.project_id),
  domainId: orNull(row.domain_id),
  resourceLimit: row.resource_limit,
  description: row.description,
  serviceId: row.service_id,
  regionId: orNull(row.region_id),
  resourceName: row.resource_name,
})
export async function findLimit(q: Query, id: string): Promise<Limit | null> {
  const row = await joined(q).where('limits.id', '=', id).executeTakeFirst()
  return row === undefined ? null : limitOf(row)
}
/** `projectIds` and `domainId`: only limits of these, where given. One row more than the limit. */
export async function listLimits(
  q: Query,
  list: ListQuery,
  only: { projectIds?: readonly string[]; domainId?: string } = {},
): Promise<Limit[]> {
  const { projectIds, domainId } = only
  let query = joined(q)
  if (projectIds !== undefined)
    query = query.where(eb =>
      eb.or([
        ...(projectIds.length === 0 ? [] : [eb('limits.project_id', 'in', [...projectIds])]),
        ...(domainId === undefined ? [] : [eb('limits.domain_id', '=', domainId)]),
      ]),
    )
  return (await listPage(q, query, LIMIT_FILTERS, list, 'limits')).map(limitOf)
}
/** False when the same thing is limited for the same target already. */
export async function insertLimit(q: Query, it: Limit): Promise<boolean> {
  try {
    await q
      .insertInto('limits')
      .values({
        id: it.id,
        registered_limit_id: it.registeredLimitId,
        project_id: it.projectId ?? '',
        domain_id: it.domainId ?? '',
        resource_limit: it.resourceLimit,
        description: it.description,
      })
      .execute()
    return true
  } catch (error) {
    if (isDuplicate(error)) return false
    throw error
  }
}
export const updateLimit = (q: Query, it: Pick<Limit, 'id' | 'resourceLimit' | 'description'>): Promise<unknown> =>
  q
    .updateTable('limits')
    .set({ resource_limit: it.resourceLimit, description: it.description })
    .where('id', '=', it.id)
    .execute()
export async function removeLimit(q: Query, id: string): Promise<void> {
  await q.deleteFrom('limits').where('id', '=', id).execute()
}
export async function removeLimitsOf(q: Query, targetId: string): Promise<void> {
  await q
    .deleteFrom('limits')
    .where(eb => eb.or([eb('project_id', '=', targetId), eb('domain_id', '=', targetId)]))
    .execute()
}
