// Snapshots as entities, and the queries about them.
import { wordTable } from '#kernel/lib/word-table.ts'
import { sql, type Insertable, type Kysely, type Selectable, type Updateable } from 'kysely'

import { fromJson, fromTime, json, orNull, time } from '#kernel/db/codecs.ts'
import { inChunks, insertAll, like, swap } from '#kernel/db/helpers.ts'
import { page } from '#kernel/db/page.ts'
import type { CinderTables, SnapshotTable } from '#services/cinder/db/tables.ts'

export interface Snapshot {
  readonly id: string
  readonly volumeId: string
  readonly projectId: string
  readonly userId: string
  readonly name: string | null
  readonly description: string | null
  readonly status: string
  readonly progress: string
  readonly sizeGb: number
  readonly typeId: string
  readonly imageMetadata: Readonly<Record<string, string>> | null
  readonly createdAt: number
  readonly updatedAt: number | null
  readonly statusAt: number
}
export const snapshotFromRow = (row: Selectable<SnapshotTable>): Snapshot => ({
  id: row.id,
  volumeId: row.volume_id,
  projectId: row.project_id,
  userId: row.user_id,
  name: row.name,
  description: row.description,
  status: row.status,
  progress: row.progress,
  sizeGb: row.size_gb,
  typeId: row.type_id,
  imageMetadata: row.image_metadata === null ? null : fromJson(row.image_metadata),
  createdAt: fromTime(row.created_at),
  updatedAt: orNull(fromTime)(row.updated_at),
  statusAt: fromTime(row.status_at),
})
const toRow = (s: Snapshot): Insertable<SnapshotTable> => ({
  id: s.id,
  volume_id: s.volumeId,
  project_id: s.projectId,
  user_id: s.userId,
  name: s.name,
  description: s.description,
  status: s.status,
  progress: s.progress,
  size_gb: s.sizeGb,
  type_id: s.typeId,
  image_metadata: s.imageMetadata === null ? null : json({ ...s.imageMetadata }),
  created_at: time(s.createdAt),
  updated_at: orNull(time)(s.updatedAt),
  status_at: time(s.statusAt),
})

export type SnapshotChange = Partial<
  Pick<Snapshot, 'name' | 'description' | 'status' | 'progress' | 'projectId' | 'userId'>
>
const changed = ({ projectId, userId, ...change }: SnapshotChange, now: number): Updateable<SnapshotTable> => ({
  ...change,
  ...(projectId === undefined ? {} : { project_id: projectId }),
  ...(userId === undefined ? {} : { user_id: userId }),
  updated_at: time(now),
  ...(change.status === undefined ? {} : { status_at: time(now) }),
})

export interface SnapshotFilters {
  readonly projectId: string | null
  readonly ids?: readonly string[]
  readonly name?: string
  readonly nameLike?: string
  readonly status?: string
  readonly volumeId?: string
  readonly availabilityZone?: string
  readonly metadata?: Readonly<Record<string, string>>
}
/** Sort keys a client may name, and their columns. */
export const SNAPSHOT_SORT: Readonly<Record<string, string>> = wordTable<string>({
  id: 'id',
  status: 'status',
  volume_id: 'volume_id',
  created_at: 'created_at',
  updated_at: 'updated_at',
  volume_size: 'size_gb',
  size: 'size_gb',
  name: 'name',
  display_name: 'name',
  display_description: 'description',
  project_id: 'project_id',
  user_id: 'user_id',
})

export const snapshotsDb = (q: Kysely<CinderTables>) => ({
  async byId(id: string): Promise<Snapshot | undefined> {
    const row = await q.selectFrom('snapshots').selectAll().where('id', '=', id).executeTakeFirst()
    return row === undefined ? undefined : snapshotFromRow(row)
  },
  async ofVolume(volumeId: string): Promise<Snapshot[]> {
    const rows = await q
      .selectFrom('snapshots')
      .selectAll()
      .where('volume_id', '=', volumeId)
      .orderBy('created_at')
      .orderBy('id')
      .execute()
    return rows.map(snapshotFromRow)
  },
  async all(): Promise<Snapshot[]> {
    return (await q.selectFrom('snapshots').selectAll().execute()).map(snapshotFromRow)
  },
  async insert(snapshot: Snapshot, metadata: Readonly<Record<string, string>>): Promise<void> {
    await q.insertInto('snapshots').values(toRow(snapshot)).execute()
    await insertAll(
      q,
      'snapshot_metadata',
      Object.entries(metadata).map(([key, value]) => ({ snapshot_id: snapshot.id, key, value })),
    )
  },
  enter: (id: string, from: readonly string[] | string, change: SnapshotChange, now: number): Promise<boolean> =>
    swap(q, 'snapshots', { id, status: from } as never, changed(change, now)),
  change: (id: string, change: SnapshotChange, now: number): Promise<boolean> =>
    swap(q, 'snapshots', { id }, changed(change, now)),
  async remove(id: string): Promise<void> {
    await q.deleteFrom('snapshots').where('id', '=', id).execute()
  },
  async metadataOf(ids: Iterable<string>): Promise<Map<string, Record<string, string>>> {
    const all = new Map<string, Record<string, string>>()
    const rows = await inChunks(ids, some =>
      q.selectFrom('snapshot_metadata').selectAll().where('snapshot_id', 'in', some).execute(),
    )
    for (const row of rows) {
      let bag = all.get(row.snapshot_id)
      if (bag === undefined) all.set(row.snapshot_id, (bag = {}))
      bag[row.key] = row.value
    }
    return all
  },
  async setMetadata(id: string, metadata: Readonly<Record<string, string>>, replace: boolean): Promise<void> {
    const keys = Object.keys(metadata)
    if (replace) await q.deleteFrom('snapshot_metadata').where('snapshot_id', '=', id).execute()
    else if (keys.length > 0)
      await q.deleteFrom('snapshot_metadata').where('snapshot_id', '=', id).where('key', 'in', keys).execute()
    await insertAll(
      q,
      'snapshot_metadata',
      keys.map(key => ({ snapshot_id: id, key, value: metadata[key] ?? '' })),
    )
  },
  async dropMetadatum(id: string, key: string): Promise<boolean> {
    const gone = await q
      .deleteFrom('snapshot_metadata')
      .where('snapshot_id', '=', id)
      .where('key', '=', key)
      .executeTakeFirst()
    return gone.numDeletedRows > 0n
  },
  async stuckSince(statuses: readonly string[], before: number): Promise<Snapshot[]> {
    const rows = await q
      .selectFrom('snapshots')
      .selectAll()
      .where('status', 'in', statuses)
      .where('status_at', '<', time(before))
      .execute()
    return rows.map(snapshotFromRow)
  },
  async list(
    filters: SnapshotFilters,
    paging: {
      sort: readonly { column: string; direction: 'asc' | 'desc' }[]
      marker: string | null
      limit: number
      offset: number
    },
  ): Promise<Snapshot[] | undefined> {
    const query = filtered(q, filters)
    let marker
    if (paging.marker !== null) {
      marker = await query.where('id', '=', paging.marker).executeTakeFirst()
      if (marker === undefined) return undefined
    }
    const rows = await page(q, query, { sort: [...paging.sort], marker, limit: paging.limit + paging.offset + 1 })
    return rows.slice(paging.offset).map(snapshotFromRow)
  },
  async count(filters: SnapshotFilters): Promise<number> {
    const row = await filtered(q, filters)
      .clearSelect()
      .select(({ fn }) => fn.countAll<number>().as('many'))
      .executeTakeFirstOrThrow()
    return Number(row.many)
  },
})

function filtered(q: Kysely<CinderTables>, filters: SnapshotFilters) {
  let query = q.selectFrom('snapshots').selectAll()
  if (filters.projectId !== null) query = query.where('project_id', '=', filters.projectId)
  if (filters.ids !== undefined) query = query.where('id', 'in', filters.ids.length === 0 ? [''] : [...filters.ids])
  if (filters.name !== undefined) query = query.where('name', '=', filters.name)
  if (filters.nameLike !== undefined) query = query.where(like('name', 'anywhere', filters.nameLike) as never)
  if (filters.status !== undefined) query = query.where('status', '=', filters.status)
  if (filters.volumeId !== undefined) query = query.where('volume_id', '=', filters.volumeId)
  if (filters.availabilityZone !== undefined)
    query = query.where(
      sql<boolean>`exists (select 1 from volumes v where v.id = snapshots.volume_id and v.availability_zone = ${filters.availabilityZone})`,
    )
  for (const [key, value] of Object.entries(filters.metadata ?? {}))
    query = query.where(
      sql<boolean>`exists (select 1 from snapshot_metadata m where m.snapshot_id = snapshots.id and m.key = ${key} and m.value = ${value})`,
    )
  return query
}
