// What users are told of failures that happened after their request was accepted.
import type { Kysely, Selectable } from 'kysely'

import { fromTime, time } from '#kernel/db/codecs.ts'
import { pageOfRows } from '#services/cinder/db/page-of-rows.ts'
import type { CinderTables, MessageTable } from '#services/cinder/db/tables.ts'

export interface Message {
  readonly id: string
  readonly projectId: string
  readonly requestId: string
  /** `VOLUME` or `VOLUME_SNAPSHOT`. */
  readonly resourceType: string
  readonly resourceId: string
  readonly actionId: string
  readonly detailId: string
  readonly detail: string
  readonly createdAt: number
  readonly expiresAt: number
}
const fromRow = (row: Selectable<MessageTable>): Message => ({
  id: row.id,
  projectId: row.project_id,
  requestId: row.request_id,
  resourceType: row.resource_type,
  resourceId: row.resource_id,
  actionId: row.action_id,
  detailId: row.detail_id,
  detail: row.detail,
  createdAt: fromTime(row.created_at),
  expiresAt: fromTime(row.expires_at),
})

export const messagesDb = (q: Kysely<CinderTables>) => ({
  async byId(id: string): Promise<Message | undefined> {
    const row = await q.selectFrom('messages').selectAll().where('id', '=', id).executeTakeFirst()
    return row === undefined ? undefined : fromRow(row)
  },
  async insert(message: Message): Promise<void> {
    await q
      .insertInto('messages')
      .values({
        id: message.id,
        project_id: message.projectId,
        request_id: message.requestId,
        resource_type: message.resourceType,
        resource_id: message.resourceId,
        action_id: message.actionId,
        detail_id: message.detailId,
        detail: message.detail,
        created_at: time(message.createdAt),
        expires_at: time(message.expiresAt),
      })
      .execute()
  },
  async remove(id: string): Promise<void> {
    await q.deleteFrom('messages').where('id', '=', id).execute()
  },
  async latestAbout(resourceId: string): Promise<Message | undefined> {
    const row = await q
      .selectFrom('messages')
      .selectAll()
      .where('resource_id', '=', resourceId)
      .orderBy('created_at', 'desc')
      .limit(1)
      .executeTakeFirst()
    return row === undefined ? undefined : fromRow(row)
  },
  async list(
    filters: { projectId: string; equal: Readonly<Record<string, string>> },
    paging: { sort: readonly { column: string; direction: 'asc' | 'desc' }[]; marker: string | null; limit: number },
  ): Promise<Message[] | undefined> {
    return (await pageOfRows(q, q.selectFrom('messages').selectAll(), filters, paging))?.map(fromRow)
  },
})
