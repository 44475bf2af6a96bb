// Groups of volumes as entities, and the queries about them.
import { wordTable } from '#kernel/lib/word-table.ts'
import { type Insertable, type Kysely, type Selectable, type Updateable } from 'kysely'

import { fromTime, orNull, time } from '#kernel/db/codecs.ts'
import { inChunks, insertAll, swap } from '#kernel/db/helpers.ts'
import type { GroupTable } from '#services/cinder/db/group-tables.ts'
import { pageOfRows, type RowFilters, type RowPage } from '#services/cinder/db/page-of-rows.ts'
import type { CinderTables } from '#services/cinder/db/tables.ts'
import { volumeFromRow, type Volume } from '#services/cinder/db/volumes.ts'

export interface Group {
  readonly id: string
  readonly projectId: string
  readonly userId: string
  readonly name: string | null
  readonly description: string | null
  readonly status: string
  readonly host: string | null
  readonly availabilityZone: string | null
  readonly groupTypeId: string
  readonly groupSnapshotId: string | null
  readonly sourceGroupId: string | null
  readonly createdAt: number
  readonly updatedAt: number | null
  readonly statusAt: number
}
const fromRow = (row: Selectable<GroupTable>): Group => ({
  id: row.id,
  projectId: row.project_id,
  userId: row.user_id,
  name: row.name,
  description: row.description,
  status: row.status,
  host: row.host,
  availabilityZone: row.availability_zone,
  groupTypeId: row.group_type_id,
  groupSnapshotId: row.group_snapshot_id,
  sourceGroupId: row.source_group_id,
  createdAt: fromTime(row.created_at),
  updatedAt: orNull(fromTime)(row.updated_at),
  statusAt: fromTime(row.status_at),
})
const toRow = (g: Group): Insertable<GroupTable> => ({
  id: g.id,
  project_id: g.projectId,
  user_id: g.userId,
  name: g.name,
  description: g.description,
  status: g.status,
  host: g.host,
  availability_zone: g.availabilityZone,
  group_type_id: g.groupTypeId,
  group_snapshot_id: g.groupSnapshotId,
  source_group_id: g.sourceGroupId,
  created_at: time(g.createdAt),
  updated_at: orNull(time)(g.updatedAt),
  status_at: time(g.statusAt),
})
export type GroupChange = Partial<Pick<Group, 'name' | 'description' | 'status' | 'host'>>
const changed = (change: GroupChange, now: number): Updateable<GroupTable> => ({
  ...change,
  updated_at: time(now),
  ...(change.status === undefined ? {} : { status_at: time(now) }),
})

/** Sort keys and filters a client may name, and their columns. */
export const GROUP_COLUMNS: Readonly<Record<string, string>> = wordTable<string>({
  id: 'id',
  name: 'name',
  description: 'description',
  status: 'status',
  host: 'host',
  availability_zone: 'availability_zone',
  group_type_id: 'group_type_id',
  group_snapshot_id: 'group_snapshot_id',
  source_group_id: 'source_group_id',
  project_id: 'project_id',
  user_id: 'user_id',
  created_at: 'created_at',
  updated_at: 'updated_at',
})
export const groupsDb = (q: Kysely<CinderTables>) => ({
  async byId(id: string): Promise<Group | undefined> {
    const row = await q.selectFrom('groups').selectAll().where('id', '=', id).executeTakeFirst()
    return row === undefined ? undefined : fromRow(row)
  },
  async insert(group: Group, typeIds: readonly string[]): Promise<void> {
    await q.insertInto('groups').values(toRow(group)).execute()
    await insertAll(
      q,
      'group_volume_types',
      [...new Set(typeIds)].map(type_id => ({ group_id: group.id, type_id })),
    )
  },
  enter: (id: string, from: readonly string[] | string, change: GroupChange, now: number): Promise<boolean> =>
    swap(q, 'groups', { id, status: from } as never, changed(change, now)),
  change: (id: string, change: GroupChange, now: number): Promise<boolean> =>
    swap(q, 'groups', { id }, changed(change, now)),
  async remove(id: string): Promise<void> {
    await q.deleteFrom('groups').where('id', '=', id).execute()
  },
  async countOf(projectId: string): Promise<number> {
    const row = await q
      .selectFrom('groups')
      .select(({ fn }) => fn.countAll<number>().as('many'))
      .where('project_id', '=', projectId)
      .executeTakeFirstOrThrow()
    return Number(row.many)
  },
  /** Groups being made of this one, or of one of its snapshots. */
  async beingMadeFrom(column: 'source_group_id' | 'group_snapshot_id', ids: readonly string[]): Promise<string[]> {
    if (ids.length === 0) return []
    const rows = await q
      .selectFrom('groups')
      .select('id')
      .where(column, 'in', [...ids])
      .where('status', '=', 'creating')
      .execute()
    return rows.map(row => row.id)
  },
  async typesOf(ids: Iterable<string>): Promise<Map<string, string[]>> {
    const rows = await inChunks(ids, some =>
      q.selectFrom('group_volume_types').selectAll().where('group_id', 'in', some).orderBy('type_id').execute(),
    )
    const all = new Map<string, string[]>()
    for (const row of rows) all.set(row.group_id, [...(all.get(row.group_id) ?? []), row.type_id])
    return all
  },
  async volumesOf(id: string): Promise<Volume[]> {
    const rows = await q
      .selectFrom('group_volumes as g')
      .innerJoin('volumes as v', 'v.id', 'g.volume_id')
      .selectAll('v')
      .where('g.group_id', '=', id)
      .orderBy('v.created_at')
      .orderBy('v.id')
      .execute()
    return rows.map(volumeFromRow)
  },
  /** Volume id → its group and whether that is a consistency group. Volumes of no group are left out. */
  async ofVolumes(
    ids: Iterable<string>,
    consistencyType: string,
  ): Promise<Map<string, { groupId: string; consistency: boolean }>> {
    const rows = await inChunks(ids, some =>
      q
        .selectFrom('group_volumes as m')
        .innerJoin('groups as g', 'g.id', 'm.group_id')
        .innerJoin('group_types as t', 't.id', 'g.group_type_id')
        .select(['m.volume_id', 'm.group_id', 't.name'])
        .where('m.volume_id', 'in', some)
        .execute(),
    )
    return new Map(
      rows.map(row => [row.volume_id, { groupId: row.group_id, consistency: row.name === consistencyType }]),
    )
  },
  async ofVolume(volumeId: string): Promise<string | null> {
    const row = await q
      .selectFrom('group_volumes')
      .select('group_id')
      .where('volume_id', '=', volumeId)
      .executeTakeFirst()
    return row?.group_id ?? null
  },
  /** Throws DuplicateKey when a volume is in a group already. */
  async addVolumes(id: string, volumeIds: readonly string[]): Promise<void> {
    await insertAll(
      q,
      'group_volumes',
      volumeIds.map(volume_id => ({ volume_id, group_id: id })),
    )
  },
  async dropVolumes(id: string, volumeIds: readonly string[]): Promise<void> {
    if (volumeIds.length === 0) return
    await q
      .deleteFrom('group_volumes')
      .where('group_id', '=', id)
      .where('volume_id', 'in', [...volumeIds])
      .execute()
  },
  async stuckSince(statuses: readonly string[], before: number): Promise<Group[]> {
    const rows = await q
      .selectFrom('groups')
      .selectAll()
      .where('status', 'in', statuses)
      .where('status_at', '<', time(before))
      .execute()
    return rows.map(fromRow)
  },
  /** One row longer than the limit when there is more. Undefined: the marker is not among them. */
  async list(filters: RowFilters, paging: RowPage): Promise<Group[] | undefined> {
    return (await pageOfRows(q, q.selectFrom('groups').selectAll(), filters, paging))?.map(fromRow)
  },
})
