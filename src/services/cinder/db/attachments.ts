// Attachments as entities, and the queries about them.
import type { Insertable, Kysely, Selectable, Updateable } from 'kysely'

import { fromJson, fromTime, json, orNull, time } from '#kernel/db/codecs.ts'
import { inChunks, swap } from '#kernel/db/helpers.ts'
import { page } from '#kernel/db/page.ts'
import type { AttachmentTable, CinderTables } from '#services/cinder/db/tables.ts'

type Bag = Readonly<Record<string, unknown>>

export interface Attachment {
  readonly id: string
  readonly volumeId: string
  readonly projectId: string
  readonly serverId: string | null
  readonly host: string | null
  readonly mountpoint: string | null
  readonly mode: string
  readonly status: string
  readonly connector: Bag | null
  readonly connectionInfo: Bag | null
  readonly createdAt: number
  readonly updatedAt: number | null
  readonly attachedAt: number | null
}

const fromRow = (row: Selectable<AttachmentTable>): Attachment => ({
  id: row.id,
  volumeId: row.volume_id,
  projectId: row.project_id,
  serverId: row.instance_id,
  host: row.attached_host,
  mountpoint: row.mountpoint,
  mode: row.mode,
  status: row.status,
  connector: row.connector === null ? null : fromJson(row.connector),
  connectionInfo: row.connection_info === null ? null : fromJson(row.connection_info),
  createdAt: fromTime(row.created_at),
  updatedAt: orNull(fromTime)(row.updated_at),
  attachedAt: orNull(fromTime)(row.attached_at),
})
const toRow = (a: Attachment): Insertable<AttachmentTable> => ({
  id: a.id,
  volume_id: a.volumeId,
  project_id: a.projectId,
  instance_id: a.serverId,
  attached_host: a.host,
  mountpoint: a.mountpoint,
  mode: a.mode,
  status: a.status,
  connector: a.connector === null ? null : json({ ...a.connector }),
  connection_info: a.connectionInfo === null ? null : json({ ...a.connectionInfo }),
  created_at: time(a.createdAt),
  updated_at: orNull(time)(a.updatedAt),
  attached_at: orNull(time)(a.attachedAt),
})

export type AttachmentChange = Partial<
  Pick<Attachment, 'host' | 'mountpoint' | 'mode' | 'status' | 'connector' | 'connectionInfo' | 'attachedAt'>
>
const changed = (change: AttachmentChange, now: number): Updateable<AttachmentTable> => ({
  updated_at: time(now),
  ...(change.host === undefined ? {} : { attached_host: change.host }),
  ...(change.mountpoint === undefined ? {} : { mountpoint: change.mountpoint }),
  ...(change.mode === undefined ? {} : { mode: change.mode }),
  ...(change.status === undefined ? {} : { status: change.status }),
  ...(change.connector === undefined
    ? {}
    : { connector: change.connector === null ? null : json({ ...change.connector }) }),
  ...(change.connectionInfo === undefined
    ? {}
    : { connection_info: change.connectionInfo === null ? null : json({ ...change.connectionInfo }) }),
  ...(change.attachedAt === undefined ? {} : { attached_at: orNull(time)(change.attachedAt) }),
})

/** Columns a list may be filtered by. */
export interface AttachmentFilters {
  /** Null: of all projects. */
  readonly projectId: string | null
  readonly volumeId?: string
  readonly serverId?: string
  readonly status?: string
}

export const attachmentsDb = (q: Kysely<CinderTables>) => ({
  async byId(id: string): Promise<Attachment | undefined> {
    const row = await q.selectFrom('attachments').selectAll().where('id', '=', id).executeTakeFirst()
    return row === undefined ? undefined : fromRow(row)
  },
  async ofVolume(volumeId: string): Promise<Attachment[]> {
    const rows = await q
      .selectFrom('attachments')
      .selectAll()
      .where('volume_id', '=', volumeId)
      .orderBy('created_at')
      .execute()
    return rows.map(fromRow)
  },
  async ofVolumes(ids: Iterable<string>): Promise<Map<string, Attachment[]>> {
    const rows = await inChunks(ids, some =>
      q.selectFrom('attachments').selectAll().where('volume_id', 'in', some).orderBy('created_at').execute(),
    )
    const all = new Map<string, Attachment[]>()
    for (const row of rows) {
      const list = all.get(row.volume_id)
      if (list === undefined) all.set(row.volume_id, [fromRow(row)])
      else list.push(fromRow(row))
    }
    return all
  },
  async all(): Promise<Attachment[]> {
    return (await q.selectFrom('attachments').selectAll().execute()).map(fromRow)
  },
  async insert(attachment: Attachment): Promise<void> {
    await q.insertInto('attachments').values(toRow(attachment)).execute()
  },
  change: (id: string, change: AttachmentChange, now: number): Promise<boolean> =>
    swap(q, 'attachments', { id }, changed(change, now)),
  async remove(id: string): Promise<boolean> {
    const gone = await q.deleteFrom('attachments').where('id', '=', id).executeTakeFirst()
    return gone.numDeletedRows > 0n
  },
  /** A page, one row longer than the limit when there is more. Undefined: the marker is not among them. */
  async list(
    filters: AttachmentFilters,
    paging: { sort: readonly { column: string; direction: 'asc' | 'desc' }[]; marker: string | null; limit: number },
  ): Promise<Attachment[] | undefined> {
    let query = q.selectFrom('attachments').selectAll()
    if (filters.projectId !== null) query = query.where('project_id', '=', filters.projectId)
    if (filters.volumeId !== undefined) query = query.where('volume_id', '=', filters.volumeId)
    if (filters.serverId !== undefined) query = query.where('instance_id', '=', filters.serverId)
    if (filters.status !== undefined) query = query.where('status', '=', filters.status)
    let marker
    if (paging.marker !== null) {
      marker = await query.where('id', '=', paging.marker).executeTakeFirst()
      if (marker === undefined) return undefined
    }
    return (await page(q, query, { sort: [...paging.sort], marker, limit: paging.limit + 1 })).map(fromRow)
  },
})
