// What hangs on volume types beside extra specs: encryption, and which is the default of which project. Frozen hosts too.
import type { Kysely, Selectable } from 'kysely'

import { fromTime, orNull, time } from '#kernel/db/codecs.ts'
import { insertIfAbsent, swap, upsert } from '#kernel/db/helpers.ts'
import type { TypeEncryptionTable } from '#services/cinder/db/group-tables.ts'
import type { CinderTables } from '#services/cinder/db/tables.ts'

export interface TypeEncryption {
  readonly id: string
  readonly typeId: string
  readonly provider: string
  readonly controlLocation: string
  readonly cipher: string | null
  readonly keySize: number | null
  readonly createdAt: number
  readonly updatedAt: number | null
}
const fromRow = (row: Selectable<TypeEncryptionTable>): TypeEncryption => ({
  id: row.id,
  typeId: row.type_id,
  provider: row.provider,
  controlLocation: row.control_location,
  cipher: row.cipher,
  keySize: row.key_size,
  createdAt: fromTime(row.created_at),
  updatedAt: orNull(fromTime)(row.updated_at),
})
export type EncryptionChange = Partial<Pick<TypeEncryption, 'provider' | 'controlLocation' | 'cipher' | 'keySize'>>

export const encryptionDb = (q: Kysely<CinderTables>) => ({
  async ofType(typeId: string): Promise<TypeEncryption | undefined> {
    const row = await q.selectFrom('type_encryption').selectAll().where('type_id', '=', typeId).executeTakeFirst()
    return row === undefined ? undefined : fromRow(row)
  },
  /** False when the type has one already. */
  insert: (e: TypeEncryption): Promise<boolean> =>
    insertIfAbsent(
      q,
      'type_encryption',
      {
        type_id: e.typeId,
        id: e.id,
        provider: e.provider,
        control_location: e.controlLocation,
        cipher: e.cipher,
        key_size: e.keySize,
        created_at: time(e.createdAt),
        updated_at: orNull(time)(e.updatedAt),
      },
      ['type_id'],
    ),
  /** False when there is none. */
  change: (typeId: string, change: EncryptionChange, now: number): Promise<boolean> =>
    swap(
      q,
      'type_encryption',
      { type_id: typeId },
      {
        updated_at: time(now),
        ...(change.provider === undefined ? {} : { provider: change.provider }),
        ...(change.controlLocation === undefined ? {} : { control_location: change.controlLocation }),
        ...(change.cipher === undefined ? {} : { cipher: change.cipher }),
        ...(change.keySize === undefined ? {} : { key_size: change.keySize }),
      },
    ),
  async remove(typeId: string): Promise<boolean> {
    const gone = await q.deleteFrom('type_encryption').where('type_id', '=', typeId).executeTakeFirst()
    return gone.numDeletedRows > 0n
  },
})

export interface DefaultType {
  readonly projectId: string
  readonly typeId: string
}
export const defaultTypesDb = (q: Kysely<CinderTables>) => ({
  async all(): Promise<DefaultType[]> {
    const rows = await q.selectFrom('default_types').selectAll().orderBy('project_id').execute()
    return rows.map(row => ({ projectId: row.project_id, typeId: row.type_id }))
  },
  async of(projectId: string): Promise<string | null> {
    const row = await q
      .selectFrom('default_types')
      .select('type_id')
      .where('project_id', '=', projectId)
      .executeTakeFirst()
    return row?.type_id ?? null
  },
  async isUsed(typeId: string): Promise<boolean> {
    const row = await q
      .selectFrom('default_types')
      .select('type_id')
      .where('type_id', '=', typeId)
      .limit(1)
      .executeTakeFirst()
    return row !== undefined
  },
  set: (projectId: string, typeId: string): Promise<void> =>
    upsert(q, 'default_types', { project_id: projectId, type_id: typeId }, ['project_id']),
  async unset(projectId: string): Promise<void> {
    await q.deleteFrom('default_types').where('project_id', '=', projectId).execute()
  },
})

export const frozenDb = (q: Kysely<CinderTables>) => ({
  async all(): Promise<Set<string>> {
    return new Set((await q.selectFrom('frozen_hosts').select('host').execute()).map(row => row.host))
  },
  /** False when it is frozen already. */
  freeze: (host: string): Promise<boolean> => insertIfAbsent(q, 'frozen_hosts', { host }, ['host']),
  /** False when it was not frozen. */
  async thaw(host: string): Promise<boolean> {
    const gone = await q.deleteFrom('frozen_hosts').where('host', '=', host).executeTakeFirst()
    return gone.numDeletedRows > 0n
  },
})
