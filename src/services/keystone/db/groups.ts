// Rows of groups and who is in them.
import { fromJson, json } from '#kernel/db/codecs.ts'
import { inChunks, insertIfAbsent } from '#kernel/db/helpers.ts'
import { listPage, type Columns, type ListQuery } from '#services/keystone/db/filters.ts'
import type { Query } from '#services/keystone/db/ledger.ts'
import type { Extra, GroupsTable } from '#services/keystone/db/tables.ts'

export interface GroupEntity {
  readonly id: string
  readonly domainId: string
  readonly name: string
  readonly description: string
  readonly extra: Extra
}
const fromRow = (row: GroupsTable): GroupEntity => ({
  id: row.id,
  domainId: row.domain_id,
  name: row.name,
  description: row.description,
  extra: fromJson(row.extra),
})
const toRow = (group: GroupEntity): GroupsTable => ({
  id: group.id,
  domain_id: group.domainId,
  name: group.name,
  description: group.description,
  extra: json(group.extra),
})

export async function findGroup(q: Query, id: string): Promise<GroupEntity | null> {
  const row = await q.selectFrom('groups').selectAll().where('id', '=', id).executeTakeFirst()
  return row === undefined ? null : fromRow(row)
}
export async function findGroups(q: Query, ids: Iterable<string>): Promise<GroupEntity[]> {
  const rows = await inChunks(ids, some =>
    q
      .selectFrom('groups')
      .selectAll()
      .where('id', 'in', [...some])
      .execute(),
  )
  return rows.map(fromRow)
}
export const GROUP_FILTERS: Columns = {
  id: { column: 'groups.id' },
  name: { column: 'groups.name' },
  domain_id: { column: 'groups.domain_id' },
}
/** One row more than the limit. */
export async function listGroups(
  q: Query,
  list: ListQuery,
  only: { userId?: string; domainId?: string | undefined } = {},
): Promise<GroupEntity[]> {
  let query = q.selectFrom('groups').selectAll('groups')
  if (only.domainId !== undefined) query = query.where('domain_id', '=', only.domainId)
  if (only.userId !== undefined)
    query = query.where(
      'groups.id',
      'in',
      q.selectFrom('memberships').select('group_id').where('user_id', '=', only.userId),
    )
  return (await listPage(q, query, GROUP_FILTERS, list, 'groups')).map(fromRow)
}
export async function groupIdsOf(q: Query, userId: string): Promise<string[]> {
  const rows = await q.selectFrom('memberships').select('group_id').where('user_id', '=', userId).execute()
  return rows.map(row => row.group_id)
}
export async function memberIdsOf(q: Query, groupId: string): Promise<string[]> {
  const rows = await q.selectFrom('memberships').select('user_id').where('group_id', '=', groupId).execute()
  return rows.map(row => row.user_id)
}
/** Throws DuplicateKey when the name is taken. */
export const insertGroup = (q: Query, group: GroupEntity): Promise<unknown> =>
  q.insertInto('groups').values(toRow(group)).execute()
/** Throws DuplicateKey when the new name is taken. */
export const updateGroup = (q: Query, group: GroupEntity): Promise<unknown> =>
  q.updateTable('groups').set(toRow(group)).where('id', '=', group.id).execute()
export async function removeGroup(q: Query, id: string): Promise<void> {
  await q.deleteFrom('groups').where('id', '=', id).execute()
}
export const addMember = (q: Query, groupId: string, userId: string): Promise<boolean> =>
  insertIfAbsent(q, 'memberships', { user_id: userId, group_id: groupId }, ['user_id', 'group_id'])
export async function isMember(q: Query, groupId: string, userId: string): Promise<boolean> {
  const row = await q
    .selectFrom('memberships')
    .select('user_id')
    .where('user_id', '=', userId)
    .where('group_id', '=', groupId)
    .executeTakeFirst()
  return row !== undefined
}
export async function removeMember(q: Query, groupId: string, userId: string): Promise<void> {
  await q.deleteFrom('memberships').where('user_id', '=', userId).where('group_id', '=', groupId).execute()
}
