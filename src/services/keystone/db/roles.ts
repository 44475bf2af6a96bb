// Rows of roles and of which implies which.
import { fromJson, json } from '#kernel/db/codecs.ts'
import { inChunks, insertIfAbsent } from '#kernel/db/helpers.ts'
import { listPage, type Columns, type ListQuery } from '#services/keystone/db/filters.ts'
import type { Query } from '#services/keystone/db/ledger.ts'
import type { Extra, Options, RolesTable } from '#services/keystone/db/tables.ts'

export interface RoleEntity {
  readonly id: string
  readonly name: string
  /** Null: a role of all domains. */
  readonly domainId: string | null
  readonly description: string | null
  readonly options: Options
  readonly extra: Extra
}
const fromRow = (row: RolesTable): RoleEntity => ({
  id: row.id,
  name: row.name,
  domainId: row.domain_id === '' ? null : row.domain_id,
  description: row.description,
  options: fromJson(row.options),
  extra: fromJson(row.extra),
})
const toRow = (role: RoleEntity): RolesTable => ({
  id: role.id,
  name: role.name,
  domain_id: role.domainId ?? '',
  description: role.description,
  options: json(role.options),
  extra: json(role.extra),
})

export async function findRole(q: Query, id: string): Promise<RoleEntity | null> {
  const row = await q.selectFrom('roles').selectAll().where('id', '=', id).executeTakeFirst()
  return row === undefined ? null : fromRow(row)
}
export async function findRoleByName(q: Query, name: string): Promise<RoleEntity | null> {
  const row = await q
    .selectFrom('roles')
    .selectAll()
    .where('domain_id', '=', '')
    .where('name', '=', name)
    .executeTakeFirst()
  return row === undefined ? null : fromRow(row)
}
export async function findRoles(q: Query, ids: Iterable<string>): Promise<RoleEntity[]> {
  const rows = await inChunks(ids, some =>
    q
      .selectFrom('roles')
      .selectAll()
      .where('id', 'in', [...some])
      .execute(),
  )
  return rows.map(fromRow)
}
export const ROLE_FILTERS: Columns = {
  id: { column: 'roles.id' },
  name: { column: 'roles.name' },
}
/** `domainId` null: the roles of all domains. One row more than the limit. */
export async function listRoles(q: Query, list: ListQuery, domainId: string | null): Promise<RoleEntity[]> {
  const query = q
    .selectFrom('roles')
    .selectAll('roles')
    .where('domain_id', '=', domainId ?? '')
  return (await listPage(q, query, ROLE_FILTERS, list, 'roles')).map(fromRow)
}
/** Throws DuplicateKey when the name is taken. */
export const insertRole = (q: Query, role: RoleEntity): Promise<unknown> =>
  q.insertInto('roles').values(toRow(role)).execute()
/** Throws DuplicateKey when the new name is taken. */
export const updateRole = (q: Query, role: RoleEntity): Promise<unknown> =>
  q.updateTable('roles').set(toRow(role)).where('id', '=', role.id).execute()
export async function removeRole(q: Query, id: string): Promise<void> {
  await q.deleteFrom('roles').where('id', '=', id).execute()
}

/** Role → the roles it implies directly. */
export async function implications(q: Query): Promise<Map<string, string[]>> {
  const rows = await q.selectFrom('implied_roles').selectAll().orderBy('implied_id').execute()
  const implied = new Map<string, string[]>()
  for (const row of rows) {
    const own = implied.get(row.prior_id)
    if (own === undefined) implied.set(row.prior_id, [row.implied_id])
    else own.push(row.implied_id)
  }
  return implied
}
export const addImplication = (q: Query, priorId: string, impliedId: string): Promise<boolean> =>
  insertIfAbsent(q, 'implied_roles', { prior_id: priorId, implied_id: impliedId }, ['prior_id', 'implied_id'])
export async function hasImplication(q: Query, priorId: string, impliedId: string): Promise<boolean> {
  const row = await q
    .selectFrom('implied_roles')
    .select('prior_id')
    .where('prior_id', '=', priorId)
    .where('implied_id', '=', impliedId)
    .executeTakeFirst()
  return row !== undefined
}
export async function removeImplication(q: Query, priorId: string, impliedId: string): Promise<void> {
  await q.deleteFrom('implied_roles').where('prior_id', '=', priorId).where('implied_id', '=', impliedId).execute()
}
