// Backups as entities, and the queries about them.
import { wordTable } from '#kernel/lib/word-table.ts'
import { sql, type Kysely, type Selectable, type Updateable } from 'kysely'

import { fromJson, fromTime, json, orNull, time } from '#kernel/db/codecs.ts'
import { inChunks, insertAll, like, swap } from '#kernel/db/helpers.ts'
import { page } from '#kernel/db/page.ts'
import type { BackupTable, CinderTables, VolumeFacts } from '#services/cinder/db/tables.ts'

export interface Backup {
  readonly id: string
  readonly projectId: string
  readonly userId: string
  readonly volumeId: string
  readonly snapshotId: string | null
  /** The backup it is an increment of. */
  readonly parentId: string | null
  /** The volume it is being written into. */
  readonly restoreVolumeId: string | null
  readonly name: string | null
  readonly description: string | null
  readonly status: string
  readonly failReason: string | null
  readonly sizeGb: number
  readonly objectCount: number
  readonly container: string | null
  readonly availabilityZone: string | null
  /** The machine that keeps it. */
  readonly host: string | null
  readonly service: string | null
  /** What the volume was like beside its bytes. */
  readonly volumeFacts: VolumeFacts | null
  /** When the volume held what the backup holds. */
  readonly dataAt: number
  readonly createdAt: number
  readonly updatedAt: number | null
  readonly statusAt: number
}
const fromRow = (row: Selectable<BackupTable>): Backup => ({
  id: row.id,
  projectId: row.project_id,
  userId: row.user_id,
  volumeId: row.volume_id,
  snapshotId: row.snapshot_id,
  parentId: row.parent_id,
  restoreVolumeId: row.restore_volume_id,
  name: row.name,
  description: row.description,
  status: row.status,
  failReason: row.fail_reason,
  sizeGb: row.size_gb,
  objectCount: row.object_count,
  container: row.container,
  availabilityZone: row.availability_zone,
  host: row.host,
  service: row.service,
  volumeFacts: row.volume_facts === null ? null : fromJson(row.volume_facts),
  dataAt: fromTime(row.data_at),
  createdAt: fromTime(row.created_at),
  updatedAt: orNull(fromTime)(row.updated_at),
  statusAt: fromTime(row.status_at),
})

export type BackupChange = Partial<
  Pick<
    Backup,
    | 'name'
    | 'description'
    | 'status'
    | 'failReason'
    | 'objectCount'
    | 'restoreVolumeId'
    | 'volumeId'
    | 'service'
    | 'container'
  >
>
const COLUMNS: Readonly<Record<keyof BackupChange, keyof BackupTable>> = {
  name: 'name',
  description: 'description',
  status: 'status',
  failReason: 'fail_reason',
  objectCount: 'object_count',
  restoreVolumeId: 'restore_volume_id',
  volumeId: 'volume_id',
  service: 'service',
  container: 'container',
}
const changed = (change: BackupChange, now: number): Updateable<BackupTable> => {
  const set: Record<string, unknown> = { updated_at: time(now) }
  for (const [key, value] of Object.entries(change)) set[COLUMNS[key as keyof BackupChange]] = value
  if (change.status !== undefined) set['status_at'] = time(now)
  return set as Updateable<BackupTable>
}

/** Sort keys a client may name, and their columns; of filters too. */
export const BACKUP_COLUMNS: Readonly<Record<string, string>> = wordTable<string>({
  id: 'id',
  name: 'name',
  display_name: 'name',
  display_description: 'description',
  description: 'description',
  status: 'status',
  size: 'size_gb',
  volume_id: 'volume_id',
  snapshot_id: 'snapshot_id',
  parent_id: 'parent_id',
  container: 'container',
  availability_zone: 'availability_zone',
  host: 'host',
  user_id: 'user_id',
  project_id: 'project_id',
  object_count: 'object_count',
  fail_reason: 'fail_reason',
  created_at: 'created_at',
  updated_at: 'updated_at',
  data_timestamp: 'data_at',
})
export interface BackupFilters {
  readonly projectId: string | null
  readonly equal: Readonly<Record<string, string | number>>
  readonly nameLike: string | null
}
export interface BackupPage {
  readonly sort: readonly { column: string; direction: 'asc' | 'desc' }[]
  readonly marker: string | null
  readonly limit: number
}
function filtered(q: Kysely<CinderTables>, filters: BackupFilters) {
  let query = q.selectFrom('backups').selectAll()
  if (filters.projectId !== null) query = query.where('project_id', '=', filters.projectId)
  for (const [column, value] of Object.entries(filters.equal))
    query = query.where(sql<boolean>`${sql.ref(column)} = ${value}`)
  if (filters.nameLike !== null) query = query.where(like('name', 'anywhere', filters.nameLike) as never)
  return query
}

export const backupsDb = (q: Kysely<CinderTables>) => ({
  async byId(id: string): Promise<Backup | undefined> {
    const row = await q.selectFrom('backups').selectAll().where('id', '=', id).executeTakeFirst()
    return row === undefined ? undefined : fromRow(row)
  },
  /** Of one volume and project, the latest contents first. */
  async ofVolume(volumeId: string, projectId: string): Promise<Backup[]> {
    const rows = await q
      .selectFrom('backups')
      .selectAll()
      .where('volume_id', '=', volumeId)
      .where('project_id', '=', projectId)
      .orderBy('data_at', 'desc')
      .orderBy('created_at', 'desc')
      .execute()
    return rows.map(fromRow)
  },
  async childrenOf(id: string): Promise<Backup[]> {
    const rows = await q.selectFrom('backups').selectAll().where('parent_id', '=', id).execute()
    return rows.map(fromRow)
  },
  /** Which of these have increments. */
  async parentsAmong(ids: Iterable<string>): Promise<Set<string>> {
    const rows = await inChunks(ids, some =>
      q.selectFrom('backups').select('parent_id').distinct().where('parent_id', 'in', some).execute(),
    )
    return new Set(rows.flatMap(row => row.parent_id ?? []))
  },
  async restoringInto(volumeId: string): Promise<Backup[]> {
    const rows = await q.selectFrom('backups').selectAll().where('restore_volume_id', '=', volumeId).execute()
    return rows.map(fromRow)
  },
  async insert(backup: Backup, metadata: Readonly<Record<string, string>>): Promise<void> {
    await q
      .insertInto('backups')
      .values({
        id: backup.id,
        project_id: backup.projectId,
        user_id: backup.userId,
        volume_id: backup.volumeId,
        snapshot_id: backup.snapshotId,
        parent_id: backup.parentId,
        restore_volume_id: backup.restoreVolumeId,
        name: backup.name,
        description: backup.description,
        status: backup.status,
        fail_reason: backup.failReason,
        size_gb: backup.sizeGb,
        object_count: backup.objectCount,
        container: backup.container,
        availability_zone: backup.availabilityZone,
        host: backup.host,
        service: backup.service,
        volume_facts: backup.volumeFacts === null ? null : json(backup.volumeFacts),
        data_at: time(backup.dataAt),
        created_at: time(backup.createdAt),
        updated_at: orNull(time)(backup.updatedAt),
        status_at: time(backup.statusAt),
      })
      .execute()
    await this.setMetadata(backup.id, metadata)
  },
  /** The column is the lock: true if it had one of these statuses and has the change now. */
  enter: (id: string, from: readonly string[] | string, change: BackupChange, now: number): Promise<boolean> =>
    swap(q, 'backups', { id, status: from } as never, changed(change, now)),
  change: (id: string, change: BackupChange, now: number): Promise<boolean> =>
    swap(q, 'backups', { id }, changed(change, now)),
  async remove(id: string): Promise<void> {
    await q.deleteFrom('backups').where('id', '=', id).execute()
  },
  async metadataOf(ids: Iterable<string>): Promise<Map<string, Record<string, string>>> {
    const all = new Map<string, Record<string, string>>()
    const rows = await inChunks(ids, some =>
      q.selectFrom('backup_metadata').selectAll().where('backup_id', 'in', some).execute(),
    )
    for (const row of rows) {
      let bag = all.get(row.backup_id)
      if (bag === undefined) all.set(row.backup_id, (bag = {}))
      bag[row.key] = row.value
    }
    return all
  },
  /** Exactly these from now on. */
  async setMetadata(id: string, metadata: Readonly<Record<string, string>>): Promise<void> {
    await q.deleteFrom('backup_metadata').where('backup_id', '=', id).execute()
    await insertAll(
      q,
      'backup_metadata',
      Object.entries(metadata).map(([key, value]) => ({ backup_id: id, key, value })),
    )
  },
  /** One row longer than the limit when there is more. Undefined: the marker is not among them. */
  async list(filters: BackupFilters, paging: BackupPage): Promise<Backup[] | undefined> {
    const query = filtered(q, filters)
    let marker
    if (paging.marker !== null) {
      marker = await query.where('id', '=', paging.marker).executeTakeFirst()
      if (marker === undefined) return undefined
    }
    return (await page(q, query, { sort: [...paging.sort], marker, limit: paging.limit + 1 })).map(fromRow)
  },
  async count(filters: BackupFilters): Promise<number> {
    const row = await filtered(q, filters)
      .clearSelect()
      .select(({ fn }) => fn.countAll<number>().as('many'))
      .executeTakeFirstOrThrow()
    return Number(row.many)
  },
  async usage(projectId: string): Promise<{ backups: number; gigabytes: number }> {
    const row = await q
      .selectFrom('backups')
      .select(({ fn }) => [fn.countAll<number>().as('many'), fn.sum<number | null>('size_gb').as('gb')])
      .where('project_id', '=', projectId)
      .executeTakeFirstOrThrow()
    return { backups: Number(row.many), gigabytes: Number(row.gb ?? 0) }
  },
  async inStatus(status: string): Promise<Backup[]> {
    return (await q.selectFrom('backups').selectAll().where('status', '=', status).execute()).map(fromRow)
  },
  async all(): Promise<Backup[]> {
    return (await q.selectFrom('backups').selectAll().execute()).map(fromRow)
  },
})
