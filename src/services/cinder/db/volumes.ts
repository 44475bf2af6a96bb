// Volumes as entities, and the queries about them. `q` may be a session's or a transaction's.
import { sql, type Insertable, type Kysely, type Selectable, type Updateable } from 'kysely'

import { flag, fromJson, fromTime, isSet, json, orNull, time } from '#kernel/db/codecs.ts'
import { inChunks, insertAll, swap } from '#kernel/db/helpers.ts'
import type { CinderTables, VolumeTable } from '#services/cinder/db/tables.ts'

/** A volume. Times are milliseconds since 1970, sizes GiB. */
export interface Volume {
  readonly id: string
  readonly projectId: string
  readonly userId: string
  readonly name: string | null
  readonly description: string | null
  readonly status: string
  readonly attachStatus: string
  readonly sizeGb: number
  readonly claimedGb: number
  readonly availabilityZone: string | null
  readonly host: string | null
  readonly typeId: string
  readonly snapshotId: string | null
  readonly sourceVolumeId: string | null
  readonly bootable: boolean
  readonly multiattach: boolean
  readonly readonly: string | null
  readonly attachedMode: string | null
  readonly migrationStatus: string | null
  readonly imageMetadata: Readonly<Record<string, string>> | null
  readonly createdAt: number
  readonly updatedAt: number | null
  readonly statusAt: number
  readonly launchedAt: number | null
}

export const volumeFromRow = (row: Selectable<VolumeTable>): Volume => ({
  id: row.id,
  projectId: row.project_id,
  userId: row.user_id,
  name: row.name,
  description: row.description,
  status: row.status,
  attachStatus: row.attach_status,
  sizeGb: row.size_gb,
  claimedGb: row.claimed_gb,
  availabilityZone: row.availability_zone,
  host: row.host,
  typeId: row.type_id,
  snapshotId: row.snapshot_id,
  sourceVolumeId: row.source_volume_id,
  bootable: isSet(row.bootable),
  multiattach: isSet(row.multiattach),
  readonly: row.readonly,
  attachedMode: row.attached_mode,
  migrationStatus: row.migration_status,
  imageMetadata: row.image_metadata === null ? null : fromJson(row.image_metadata),
  createdAt: fromTime(row.created_at),
  updatedAt: orNull(fromTime)(row.updated_at),
  statusAt: fromTime(row.status_at),
  launchedAt: orNull(fromTime)(row.launched_at),
})

const toRow = (v: Volume): Insertable<VolumeTable> => ({
  id: v.id,
  project_id: v.projectId,
  user_id: v.userId,
  name: v.name,
  description: v.description,
  status: v.status,
  attach_status: v.attachStatus,
  size_gb: v.sizeGb,
  claimed_gb: v.claimedGb,
  availability_zone: v.availabilityZone,
  host: v.host,
  type_id: v.typeId,
  snapshot_id: v.snapshotId,
  source_volume_id: v.sourceVolumeId,
  bootable: flag(v.bootable),
  multiattach: flag(v.multiattach),
  readonly: v.readonly,
  attached_mode: v.attachedMode,
  migration_status: v.migrationStatus,
  image_metadata: v.imageMetadata === null ? null : json({ ...v.imageMetadata }),
  created_at: time(v.createdAt),
  updated_at: orNull(time)(v.updatedAt),
  status_at: time(v.statusAt),
  launched_at: orNull(time)(v.launchedAt),
})

/** What may be changed of a volume's row. */
export type VolumeChange = Partial<Omit<Volume, 'id' | 'createdAt' | 'updatedAt' | 'statusAt'>>

const COLUMNS: Readonly<Record<keyof VolumeChange, keyof VolumeTable>> = {
  projectId: 'project_id',
  userId: 'user_id',
  name: 'name',
  description: 'description',
  status: 'status',
  attachStatus: 'attach_status',
  sizeGb: 'size_gb',
  claimedGb: 'claimed_gb',
  availabilityZone: 'availability_zone',
  host: 'host',
  typeId: 'type_id',
  snapshotId: 'snapshot_id',
  sourceVolumeId: 'source_volume_id',
  bootable: 'bootable',
  multiattach: 'multiattach',
  readonly: 'readonly',
  attachedMode: 'attached_mode',
  migrationStatus: 'migration_status',
  imageMetadata: 'image_metadata',
  launchedAt: 'launched_at',
}
const changed = (change: VolumeChange, now: number): Updateable<VolumeTable> => {
  const set: Record<string, unknown> = { updated_at: time(now) }
  for (const [key, value] of Object.entries(change)) {
    set[COLUMNS[key as keyof VolumeChange]] =
      typeof value === 'boolean'
        ? flag(value)
        : key === 'imageMetadata' && value !== null
          ? json(value)
          : key === 'launchedAt' && value !== null
            ? time(value as number)
            : value
  }
  if (change.status !== undefined) set['status_at'] = time(now)
  return set as Updateable<VolumeTable>
}

export const volumesDb = (q: Kysely<CinderTables>) => ({
  async byId(id: string): Promise<Volume | undefined> {
    const row = await q.selectFrom('volumes').selectAll().where('id', '=', id).executeTakeFirst()
    return row === undefined ? undefined : volumeFromRow(row)
  },
  async byIds(ids: Iterable<string>): Promise<Volume[]> {
    const rows = await inChunks(ids, some => q.selectFrom('volumes').selectAll().where('id', 'in', some).execute())
    return rows.map(volumeFromRow)
  },
  async insert(volume: Volume, metadata: Readonly<Record<string, string>>): Promise<void> {
    await q.insertInto('volumes').values(toRow(volume)).execute()
    await insertAll(
      q,
      'volume_metadata',
      Object.entries(metadata).map(([key, value]) => ({ volume_id: volume.id, key, value })),
    )
  },
  /** The column is the lock: true if the volume had one of these statuses and has the change now. */
  enter: (id: string, from: readonly string[] | string, change: VolumeChange, now: number): Promise<boolean> =>
    swap(q, 'volumes', { id, status: from } as never, changed(change, now)),
  /** Without looking at its status. False when it is gone. */
  change: (id: string, change: VolumeChange, now: number): Promise<boolean> =>
    swap(q, 'volumes', { id }, changed(change, now)),
  async remove(id: string): Promise<void> {
    await q.deleteFrom('attachments').where('volume_id', '=', id).execute()
    await q.deleteFrom('volumes').where('id', '=', id).execute()
  },
  /** GiB that volumes and snapshots claim of a pool; of all volumes whose host begins with it. */
  async claimedOf(host: string): Promise<{ volumes: number; gigabytes: number; snapshotGigabytes: number }> {
    const row = await q
      .selectFrom('volumes')
      .select(({ fn }) => [fn.countAll<number>().as('many'), fn.sum<number | null>('claimed_gb').as('gb')])
      .where('host', '=', host)
      .executeTakeFirstOrThrow()
    const snapshots = await q
      .selectFrom('snapshots as s')
      .innerJoin('volumes as v', 'v.id', 's.volume_id')
      .select(({ fn }) => fn.sum<number | null>('s.size_gb').as('gb'))
      .where('v.host', '=', host)
      .executeTakeFirstOrThrow()
    return { volumes: Number(row.many), gigabytes: Number(row.gb ?? 0), snapshotGigabytes: Number(snapshots.gb ?? 0) }
  },
  /** Volumes that are being filled from this snapshot or volume just now. */
  async beingMadeFrom(column: 'snapshot_id' | 'source_volume_id', id: string): Promise<string[]> {
    const rows = await q
      .selectFrom('volumes')
      .select('id')
      .where('status', '=', 'creating')
      .where(column, '=', id)
      .execute()
    return rows.map(row => row.id)
  },
  async isTypeUsed(typeId: string): Promise<boolean> {
    const row = await q.selectFrom('volumes').select('id').where('type_id', '=', typeId).limit(1).executeTakeFirst()
    return row !== undefined
  },
  /** Count and size of volumes, of one project or of all; with all their metadata when asked. */
  async summary(projectId: string | null): Promise<{ count: number; sizeGb: number }> {
    let query = q
      .selectFrom('volumes')
      .select(({ fn }) => [fn.countAll<number>().as('many'), fn.sum<number | null>('size_gb').as('gb')])
    if (projectId !== null) query = query.where('project_id', '=', projectId)
    const row = await query.executeTakeFirstOrThrow()
    return { count: Number(row.many), sizeGb: Number(row.gb ?? 0) }
  },
  async distinctMetadata(projectId: string | null): Promise<Record<string, string[]>> {
    let query = q.selectFrom('volume_metadata as m').select(['m.key', 'm.value']).distinct()
    if (projectId !== null)
      query = query.innerJoin('volumes as v', 'v.id', 'm.volume_id').where('v.project_id', '=', projectId)
    const found: Record<string, string[]> = {}
    for (const row of await query.orderBy('m.key').orderBy('m.value').limit(10_000).execute())
      (found[row.key] ??= []).push(row.value)
    return found
  },

  async metadataOf(ids: Iterable<string>): Promise<Map<string, Record<string, string>>> {
    const all = new Map<string, Record<string, string>>()
    const rows = await inChunks(ids, some =>
      q.selectFrom('volume_metadata').selectAll().where('volume_id', 'in', some).execute(),
    )
    for (const row of rows) {
      let bag = all.get(row.volume_id)
      if (bag === undefined) all.set(row.volume_id, (bag = {}))
      bag[row.key] = row.value
    }
    return all
  },
  /** Writes these keys; with `replace` all others go. */
  async setMetadata(id: string, metadata: Readonly<Record<string, string>>, replace: boolean): Promise<void> {
    const keys = Object.keys(metadata)
    if (replace) await q.deleteFrom('volume_metadata').where('volume_id', '=', id).execute()
    else if (keys.length > 0)
      await q.deleteFrom('volume_metadata').where('volume_id', '=', id).where('key', 'in', keys).execute()
    await insertAll(
      q,
      'volume_metadata',
      keys.map(key => ({ volume_id: id, key, value: metadata[key] ?? '' })),
    )
  },
  /** False when there was no such key. */
  async dropMetadatum(id: string, key: string): Promise<boolean> {
    const gone = await q
      .deleteFrom('volume_metadata')
      .where('volume_id', '=', id)
      .where('key', '=', key)
      .executeTakeFirst()
    return gone.numDeletedRows > 0n
  },
  /** Volumes in a transitional status since before that time. */
  async stuckSince(statuses: readonly string[], before: number): Promise<Volume[]> {
    const rows = await q
      .selectFrom('volumes')
      .selectAll()
      .where('status', 'in', statuses)
      .where('status_at', '<', time(before))
      .execute()
    return rows.map(volumeFromRow)
  },
  /** All volumes with a place. */
  async placed(): Promise<Volume[]> {
    const rows = await q.selectFrom('volumes').selectAll().where('host', 'is not', null).execute()
    return rows.map(volumeFromRow)
  },
})

/** SQL for "has metadata key = value". */
export const hasMetadatum = (key: string, value: string) =>
  sql<boolean>`exists (select 1 from volume_metadata m where m.volume_id = volumes.id and m.key = ${key} and m.value = ${value})`
