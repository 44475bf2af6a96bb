// Snapshots of whole groups as entities, and the queries about them.
import { wordTable } from '#kernel/lib/word-table.ts'
import { type Insertable, type Kysely, type Selectable, type Updateable } from 'kysely'

import { fromTime, orNull, time } from '#kernel/db/codecs.ts'
import { inChunks, insertAll, swap } from '#kernel/db/helpers.ts'
import type { GroupSnapshotTable } from '#services/cinder/db/group-tables.ts'
import { pageOfRows, type RowFilters, type RowPage } from '#services/cinder/db/page-of-rows.ts'
import { snapshotFromRow, type Snapshot } from '#services/cinder/db/snapshots.ts'
import type { CinderTables } from '#services/cinder/db/tables.ts'

export interface GroupSnapshot {
  readonly id: string
  readonly groupId: string
  readonly projectId: string
  readonly userId: string
  readonly name: string | null
  readonly description: string | null
  readonly status: string
  readonly groupTypeId: string
  readonly createdAt: number
  readonly updatedAt: number | null
  readonly statusAt: number
}
const fromRow = (row: Selectable<GroupSnapshotTable>): GroupSnapshot => ({
  id: row.id,
  groupId: row.group_id,
  projectId: row.project_id,
  userId: row.user_id,
  name: row.name,
  description: row.description,
  status: row.status,
  groupTypeId: row.group_type_id,
  createdAt: fromTime(row.created_at),
  updatedAt: orNull(fromTime)(row.updated_at),
  statusAt: fromTime(row.status_at),
})
const toRow = (g: GroupSnapshot): Insertable<GroupSnapshotTable> => ({
  id: g.id,
  group_id: g.groupId,
  project_id: g.projectId,
  user_id: g.userId,
  name: g.name,
  description: g.description,
  status: g.status,
  group_type_id: g.groupTypeId,
  created_at: time(g.createdAt),
  updated_at: orNull(time)(g.updatedAt),
  status_at: time(g.statusAt),
})
const changed = (status: string, now: number): Updateable<GroupSnapshotTable> => ({
  status,
  updated_at: time(now),
  status_at: time(now),
})

/** Sort keys and filters a client may name, and their columns. */
export const GROUP_SNAPSHOT_COLUMNS: Readonly<Record<string, string>> = wordTable<string>({
  id: 'id',
  name: 'name',
  description: 'description',
  status: 'status',
  group_id: 'group_id',
  group_type_id: 'group_type_id',
  project_id: 'project_id',
  user_id: 'user_id',
  created_at: 'created_at',
  updated_at: 'updated_at',
})

export const groupSnapshotsDb = (q: Kysely<CinderTables>) => ({
  async byId(id: string): Promise<GroupSnapshot | undefined> {
    const row = await q.selectFrom('group_snapshots').selectAll().where('id', '=', id).executeTakeFirst()
    return row === undefined ? undefined : fromRow(row)
  },
  async ofGroup(groupId: string): Promise<GroupSnapshot[]> {
    return (await q.selectFrom('group_snapshots').selectAll().where('group_id', '=', groupId).execute()).map(fromRow)
  },
  /** `members`: the snapshots that make it up; their rows must be there. */
  async insert(one: GroupSnapshot, members: readonly string[]): Promise<void> {
    await q.insertInto('group_snapshots').values(toRow(one)).execute()
    await insertAll(
      q,
      'group_snapshot_members',
      members.map(snapshot_id => ({ snapshot_id, group_snapshot_id: one.id })),
    )
  },
  enter: (id: string, from: readonly string[] | string, status: string, now: number): Promise<boolean> =>
    swap(q, 'group_snapshots', { id, status: from } as never, changed(status, now)),
  change: (id: string, status: string, now: number): Promise<boolean> =>
    swap(q, 'group_snapshots', { id }, changed(status, now)),
  async remove(id: string): Promise<void> {
    await q.deleteFrom('group_snapshots').where('id', '=', id).execute()
  },
  async membersOf(id: string): Promise<Snapshot[]> {
    const rows = await q
      .selectFrom('group_snapshot_members as m')
      .innerJoin('snapshots as s', 's.id', 'm.snapshot_id')
      .selectAll('s')
      .where('m.group_snapshot_id', '=', id)
      .orderBy('s.id')
      .execute()
    return rows.map(snapshotFromRow)
  },
  /** Snapshot id → the group snapshot it is part of; others are left out. */
  async ofSnapshots(ids: Iterable<string>): Promise<Map<string, string>> {
    const rows = await inChunks(ids, some =>
      q.selectFrom('group_snapshot_members').selectAll().where('snapshot_id', 'in', some).execute(),
    )
    return new Map(rows.map(row => [row.snapshot_id, row.group_snapshot_id]))
  },
  async stuckSince(statuses: readonly string[], before: number): Promise<GroupSnapshot[]> {
    const rows = await q
      .selectFrom('group_snapshots')
      .selectAll()
      .where('status', 'in', statuses)
      .where('status_at', '<', time(before))
      .execute()
    return rows.map(fromRow)
  },
  /** One row longer than the limit when there is more. Undefined: the marker is not among them. */
  async list(filters: RowFilters, paging: RowPage): Promise<GroupSnapshot[] | undefined> {
    return (await pageOfRows(q, q.selectFrom('group_snapshots').selectAll(), filters, paging))?.map(fromRow)
  },
})
