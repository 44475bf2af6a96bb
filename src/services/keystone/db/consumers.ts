// Rows of OAuth consumers.
import { fromJson, json } from '#kernel/db/codecs.ts'
import type { Query } from '#services/keystone/db/ledger.ts'
import type { ConsumersTable, Extra } from '#services/keystone/db/tables.ts'

export interface Consumer {
  readonly id: string
  readonly description: string | null
  /** Sealed. */
  readonly secret: string
  readonly extra: Extra
}
const fromRow = (row: ConsumersTable): Consumer => ({ ...row, extra: fromJson(row.extra) })
const toRow = (it: Consumer): ConsumersTable => ({ ...it, extra: json(it.extra) })

export async function findConsumer(q: Query, id: string): Promise<Consumer | null> {
  const row = await q.selectFrom('consumers').selectAll().where('id', '=', id).executeTakeFirst()
  return row === undefined ? null : fromRow(row)
}
export const listConsumers = async (q: Query): Promise<Consumer[]> =>
  (await q.selectFrom('consumers').selectAll().orderBy('id').execute()).map(fromRow)
export const insertConsumer = (q: Query, it: Consumer): Promise<unknown> =>
  q.insertInto('consumers').values(toRow(it)).execute()
export const updateConsumer = (q: Query, it: Consumer): Promise<unknown> =>
  q.updateTable('consumers').set(toRow(it)).where('id', '=', it.id).execute()
export async function removeConsumer(q: Query, id: string): Promise<void> {
  await q.deleteFrom('consumers').where('id', '=', id).execute()
}
