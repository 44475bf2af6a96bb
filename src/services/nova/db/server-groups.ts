// Server groups and which of their members live.
import type { Kysely, Selectable } from 'kysely'

import { fromTime, time } from '#kernel/db/codecs.ts'
import { inChunks } from '#kernel/db/helpers.ts'
import type { NovaTables } from '#services/nova/db/tables.ts'

export interface ServerGroup {
  readonly id: string
  readonly projectId: string
  readonly userId: string
  readonly name: string
  readonly policy: string
  /** The rule `max_server_per_host`; null when there is none. */
  readonly maxPerHost: number | null
  readonly createdAt: number
}

const groupFromRow = (row: Selectable<NovaTables['server_groups']>): ServerGroup => ({
  id: row.id,
  projectId: row.project_id,
  userId: row.user_id,
  name: row.name,
  policy: row.policy,
  maxPerHost: row.max_server_per_host,
  createdAt: fromTime(row.created_at),
})

export const serverGroupsDb = (q: Kysely<NovaTables>) => ({
  async byId(id: string): Promise<ServerGroup | undefined> {
    const row = await q.selectFrom('server_groups').selectAll().where('id', '=', id).executeTakeFirst()
    return row && groupFromRow(row)
  },
  /** Oldest first. `projectId` null: of all projects. */
  async list(projectId: string | null, offset: number, limit: number): Promise<ServerGroup[]> {
    let query = q.selectFrom('server_groups').selectAll().orderBy('created_at').orderBy('id')
    if (projectId !== null) query = query.where('project_id', '=', projectId)
    return (await query.limit(limit).offset(offset).execute()).map(groupFromRow)
  },
  /** Living members by group. */
  async members(groupIds: readonly string[]): Promise<Map<string, string[]>> {
    const rows = await inChunks(groupIds, some =>
      q
        .selectFrom('server_group_members as m')
        .innerJoin('servers as s', 's.id', 'm.server_id')
        .select(['m.group_id', 'm.server_id'])
        .where('m.group_id', 'in', [...some])
        .where('s.deleted_at', 'is', null)
        .orderBy('s.created_at')
        .execute(),
    )
    const found = new Map<string, string[]>()
    for (const row of rows) {
      const inside = found.get(row.group_id)
      if (inside === undefined) found.set(row.group_id, [row.server_id])
      else inside.push(row.server_id)
    }
    return found
  },
  async add(group: ServerGroup): Promise<void> {
    await q
      .insertInto('server_groups')
      .values({
        id: group.id,
        project_id: group.projectId,
        user_id: group.userId,
        name: group.name,
        policy: group.policy,
        max_server_per_host: group.maxPerHost,
        created_at: time(group.createdAt),
      })
      .execute()
  },
  /** With its memberships; the servers stay. */
  async remove(id: string): Promise<void> {
    await q.deleteFrom('server_group_members').where('group_id', '=', id).execute()
    await q.deleteFrom('server_groups').where('id', '=', id).execute()
  },
})
