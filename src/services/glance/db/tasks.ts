// Tasks as entities, and the queries about them.
import type { Kysely, Selectable } from 'kysely'

import { fromJson, fromTime, json, orNull, time } from '#kernel/db/codecs.ts'
import { swap } from '#kernel/db/helpers.ts'
import { page } from '#kernel/db/page.ts'
import type { GlanceTables } from '#services/glance/db/tables.ts'

export interface Task {
  readonly id: string
  readonly type: string
  readonly status: string
  readonly owner: string
  readonly input: Readonly<Record<string, unknown>>
  readonly result: Readonly<Record<string, unknown>> | null
  readonly message: string
  readonly imageId: string | null
  readonly requestId: string | null
  readonly userId: string | null
  readonly expiresAt: number | null
  readonly createdAt: number
  readonly updatedAt: number
}
const fromRow = (row: Selectable<GlanceTables['tasks']>): Task => ({
  id: row.id,
  type: row.type,
  status: row.status,
  owner: row.owner,
  input: fromJson(row.input),
  result: orNull<string, Record<string, unknown>>(fromJson)(row.result),
  message: row.message,
  imageId: row.image_id,
  requestId: row.request_id,
  userId: row.user_id,
  expiresAt: orNull(fromTime)(row.expires_at),
  createdAt: fromTime(row.created_at),
  updatedAt: fromTime(row.updated_at),
})

export const tasksDb = (q: Kysely<GlanceTables>) => ({
  async byId(id: string): Promise<Task | undefined> {
    const row = await q.selectFrom('tasks').selectAll().where('id', '=', id).executeTakeFirst()
    return row && fromRow(row)
  },
  async ofImage(imageId: string): Promise<Task[]> {
    const rows = await q
      .selectFrom('tasks')
      .selectAll()
      .where('image_id', '=', imageId)
      .orderBy('created_at')
      .orderBy('id')
      .limit(1000)
      .execute()
    return rows.map(fromRow)
  },
  async add(task: Task): Promise<void> {
    await q
      .insertInto('tasks')
      .values({
        id: task.id,
        type: task.type,
        status: task.status,
        owner: task.owner,
        input: json({ ...task.input }),
        result: task.result === null ? null : json({ ...task.result }),
        message: task.message,
        image_id: task.imageId,
        request_id: task.requestId,
        user_id: task.userId,
        expires_at: orNull(time)(task.expiresAt),
        created_at: time(task.createdAt),
        updated_at: time(task.updatedAt),
      })
      .execute()
  },
  enter: (
    id: string,
    from: readonly string[],
    to: { status: string; message?: string; result?: Record<string, unknown>; expiresAt?: number },
    now: number,
  ): Promise<boolean> =>
    swap(
      q,
      'tasks',
      { id, status: [...from] },
      {
        status: to.status,
        updated_at: time(now),
        ...(to.message === undefined ? {} : { message: to.message }),
        ...(to.result === undefined ? {} : { result: json(to.result) }),
        ...(to.expiresAt === undefined ? {} : { expires_at: time(to.expiresAt) }),
      },
    ),
  /** One page and one row more. Undefined: no such marker. `owner`: null for all. */
  async list(
    filters: { owner: string | null; equal: Readonly<Partial<Record<'status' | 'type' | 'owner', string>>> },
    paging: { column: string; direction: 'asc' | 'desc'; marker: string | null; limit: number },
  ): Promise<Task[] | undefined> {
    let query = q.selectFrom('tasks').selectAll()
    if (filters.owner !== null) query = query.where('owner', '=', filters.owner)
    for (const [column, value] of Object.entries(filters.equal)) query = query.where(column as 'status', '=', value)
    let marker
    if (paging.marker !== null) {
      marker = await query.where('id', '=', paging.marker).executeTakeFirst()
      if (marker === undefined) return undefined
    }
    const sort = [{ column: paging.column, direction: paging.direction }]
    return (await page(q, query, { sort, marker, limit: paging.limit + 1 })).map(fromRow)
  },
})
