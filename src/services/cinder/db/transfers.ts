// Offers of volumes to whoever has the key. Of the key only a salted hash is kept.
import { sql, type Kysely, type Selectable } from 'kysely'

import { flag, fromTime, isSet, time } from '#kernel/db/codecs.ts'
import { page } from '#kernel/db/page.ts'
import type { CinderTables, TransferTable } from '#services/cinder/db/tables.ts'

export interface Transfer {
  readonly id: string
  readonly volumeId: string
  /** The project that offers. */
  readonly sourceProjectId: string
  readonly name: string | null
  readonly salt: string
  readonly keyHash: string
  readonly noSnapshots: boolean
  readonly createdAt: number
}
const fromRow = (row: Selectable<TransferTable>): Transfer => ({
  id: row.id,
  volumeId: row.volume_id,
  sourceProjectId: row.source_project_id,
  name: row.name,
  salt: row.salt,
  keyHash: row.key_hash,
  noSnapshots: isSet(row.no_snapshots),
  createdAt: fromTime(row.created_at),
})

export interface TransferPage {
  readonly sort: readonly { column: string; direction: 'asc' | 'desc' }[]
  readonly marker: string | null
  readonly limit: number
}

export const transfersDb = (q: Kysely<CinderTables>) => ({
  async byId(id: string): Promise<Transfer | undefined> {
    const row = await q.selectFrom('transfers').selectAll().where('id', '=', id).executeTakeFirst()
    return row === undefined ? undefined : fromRow(row)
  },
  async insert(transfer: Transfer): Promise<void> {
    await q
      .insertInto('transfers')
      .values({
        id: transfer.id,
        volume_id: transfer.volumeId,
        source_project_id: transfer.sourceProjectId,
        name: transfer.name,
        salt: transfer.salt,
        key_hash: transfer.keyHash,
        no_snapshots: flag(transfer.noSnapshots),
        created_at: time(transfer.createdAt),
      })
      .execute()
  },
  async remove(id: string): Promise<void> {
    await q.deleteFrom('transfers').where('id', '=', id).execute()
  },
  /** Of one project, or of all. Undefined: the marker is not among them. */
  async list(
    filters: { readonly projectId: string | null; readonly equal: Readonly<Record<string, string | number>> },
    paging: TransferPage,
  ): Promise<Transfer[] | undefined> {
    let query = q.selectFrom('transfers').selectAll()
    if (filters.projectId !== null) query = query.where('source_project_id', '=', filters.projectId)
    for (const [column, value] of Object.entries(filters.equal))
      query = query.where(sql<boolean>`${sql.ref(column)} = ${value}`)
    let marker
    if (paging.marker !== null) {
      marker = await query.where('id', '=', paging.marker).executeTakeFirst()
      if (marker === undefined) return undefined
    }
    const rows = await page(q, query, { sort: [...paging.sort], marker, limit: paging.limit })
    return rows.map(fromRow)
  },
  async all(): Promise<Transfer[]> {
    return (await q.selectFrom('transfers').selectAll().execute()).map(fromRow)
  },
})
