// QoS specs with their keys, and the types they are associated with.
import type { Kysely, Selectable } from 'kysely'

import { fromTime, orNull, time } from '#kernel/db/codecs.ts'
import { insertAll, swap, upsert } from '#kernel/db/helpers.ts'
import type { QosSpecsTable } from '#services/cinder/db/group-tables.ts'
import type { CinderTables } from '#services/cinder/db/tables.ts'

export interface QosSpecs {
  readonly id: string
  readonly name: string
  readonly consumer: string
  readonly specs: Readonly<Record<string, string | null>>
  readonly createdAt: number
  readonly updatedAt: number | null
}
const fromRow = (row: Selectable<QosSpecsTable>, specs: Record<string, string | null>): QosSpecs => ({
  id: row.id,
  name: row.name,
  consumer: row.consumer,
  specs,
  createdAt: fromTime(row.created_at),
  updatedAt: orNull(fromTime)(row.updated_at),
})

export const qosDb = (q: Kysely<CinderTables>) => {
  const keysOf = async (id: string): Promise<Record<string, string | null>> => {
    const rows = await q.selectFrom('qos_spec_keys').selectAll().where('qos_id', '=', id).orderBy('key').execute()
    return Object.fromEntries(rows.map(row => [row.key, row.value]))
  }
  return {
    async byId(id: string): Promise<QosSpecs | undefined> {
      const row = await q.selectFrom('qos_specs').selectAll().where('id', '=', id).executeTakeFirst()
      return row === undefined ? undefined : fromRow(row, await keysOf(id))
    },
    /** All of them: there are never many. */
    async all(): Promise<QosSpecs[]> {
      const keys = new Map<string, Record<string, string | null>>()
      for (const row of await q.selectFrom('qos_spec_keys').selectAll().orderBy('key').execute()) {
        let bag = keys.get(row.qos_id)
        if (bag === undefined) keys.set(row.qos_id, (bag = {}))
        bag[row.key] = row.value
      }
      return (await q.selectFrom('qos_specs').selectAll().execute()).map(row => fromRow(row, keys.get(row.id) ?? {}))
    },
    async insert(qos: QosSpecs): Promise<void> {
      await q
        .insertInto('qos_specs')
        .values({
          id: qos.id,
          name: qos.name,
          consumer: qos.consumer,
          created_at: time(qos.createdAt),
          updated_at: orNull(time)(qos.updatedAt),
        })
        .execute()
      await insertAll(
        q,
        'qos_spec_keys',
        Object.entries(qos.specs).map(([key, value]) => ({ qos_id: qos.id, key, value })),
      )
    },
    async change(
      id: string,
      consumer: string | null,
      specs: Readonly<Record<string, string | null>>,
      now: number,
    ): Promise<void> {
      await swap(q, 'qos_specs', { id }, { updated_at: time(now), ...(consumer === null ? {} : { consumer }) })
      for (const [key, value] of Object.entries(specs))
        await upsert(q, 'qos_spec_keys', { qos_id: id, key, value }, ['qos_id', 'key'])
    },
    async dropKey(id: string, key: string, now: number): Promise<boolean> {
      const gone = await q
        .deleteFrom('qos_spec_keys')
        .where('qos_id', '=', id)
        .where('key', '=', key)
        .executeTakeFirst()
      if (gone.numDeletedRows > 0n) await swap(q, 'qos_specs', { id }, { updated_at: time(now) })
      return gone.numDeletedRows > 0n
    },
    async remove(id: string): Promise<void> {
      await q.deleteFrom('qos_specs').where('id', '=', id).execute()
    },

    /** The types that have it. */
    async typesOf(id: string): Promise<{ id: string; name: string }[]> {
      return q
        .selectFrom('type_qos as a')
        .innerJoin('volume_types as t', 't.id', 'a.type_id')
        .select(['t.id', 't.name'])
        .where('a.qos_id', '=', id)
        .orderBy('t.name')
        .execute()
    },
    async ofType(typeId: string): Promise<string | null> {
      const row = await q.selectFrom('type_qos').select('qos_id').where('type_id', '=', typeId).executeTakeFirst()
      return row?.qos_id ?? null
    },
    /** Type id → specs id. */
    async byType(): Promise<Map<string, string>> {
      const rows = await q.selectFrom('type_qos').selectAll().execute()
      return new Map(rows.map(row => [row.type_id, row.qos_id]))
    },
    async associate(id: string, typeId: string): Promise<void> {
      await upsert(q, 'type_qos', { type_id: typeId, qos_id: id }, ['type_id'])
    },
    async disassociate(id: string, typeId: string | null): Promise<void> {
      let query = q.deleteFrom('type_qos').where('qos_id', '=', id)
      if (typeId !== null) query = query.where('type_id', '=', typeId)
      await query.execute()
    },
  }
}
