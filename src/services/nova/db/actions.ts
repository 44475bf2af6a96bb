// Instance actions with their events, and faults: what was asked of a server, and what became of it.
import type { Kysely, Selectable } from 'kysely'

import { fromTime, orNull, time } from '#kernel/db/codecs.ts'
import { inChunks } from '#kernel/db/helpers.ts'
import type { Clock } from '#kernel/lib/clock.ts'
import type { Ctx } from '#kernel/lib/context.ts'
import type { Ids } from '#kernel/lib/ids.ts'
import type { NovaTables } from '#services/nova/db/tables.ts'

export interface ServerAction {
  readonly id: string
  readonly serverId: string
  readonly action: string
  readonly requestId: string
  readonly userId: string | null
  readonly projectId: string | null
  readonly message: string | null
  readonly startedAt: number
  readonly updatedAt: number
}
export interface ActionEvent {
  readonly id: string
  readonly actionId: string
  readonly event: string
  readonly host: string | null
  /** `Success`, `Error`, or null while it runs. */
  readonly result: string | null
  readonly details: string | null
  readonly startedAt: number
  readonly finishedAt: number | null
}
export interface ServerFault {
  readonly serverId: string
  readonly code: number
  readonly message: string
  readonly details: string
  readonly createdAt: number
}

export const actionFromRow = (row: Selectable<NovaTables['server_actions']>): ServerAction => ({
  id: row.id,
  serverId: row.server_id,
  action: row.action,
  requestId: row.request_id,
  userId: row.user_id,
  projectId: row.project_id,
  message: row.message,
  startedAt: fromTime(row.started_at),
  updatedAt: fromTime(row.updated_at),
})

/** A new action of this request, in the caller's transaction. */
export const beginAction = (
  q: Kysely<NovaTables>,
  tools: { readonly ids: Ids; readonly clock: Clock },
  ctx: Ctx,
  server: { readonly id: string },
  action: string,
): Promise<void> =>
  actionsDb(q).begin({
    id: tools.ids.uuid(),
    serverId: server.id,
    action,
    requestId: ctx.requestId,
    userId: ctx.who?.userId ?? null,
    projectId: ctx.who?.projectId ?? null,
    message: null,
    startedAt: tools.clock.now(),
    updatedAt: tools.clock.now(),
  })

export const actionsDb = (q: Kysely<NovaTables>) => ({
  async begin(action: ServerAction): Promise<void> {
    await q
      .insertInto('server_actions')
      .values({
        id: action.id,
        server_id: action.serverId,
        action: action.action,
        request_id: action.requestId,
        user_id: action.userId,
        project_id: action.projectId,
        message: action.message,
        started_at: time(action.startedAt),
        updated_at: time(action.updatedAt),
      })
      .execute()
  },
  async of(serverId: string): Promise<ServerAction[]> {
    const rows = await q
      .selectFrom('server_actions')
      .selectAll()
      .where('server_id', '=', serverId)
      .orderBy('started_at', 'desc')
      .orderBy('id', 'desc')
      .execute()
    return rows.map(actionFromRow)
  },
  async byRequest(serverId: string, requestId: string): Promise<ServerAction | undefined> {
    const row = await q
      .selectFrom('server_actions')
      .selectAll()
      .where('server_id', '=', serverId)
      .where('request_id', '=', requestId)
      .executeTakeFirst()
    return row && actionFromRow(row)
  },
  async events(actionId: string): Promise<ActionEvent[]> {
    const rows = await q
      .selectFrom('server_action_events')
      .selectAll()
      .where('action_id', '=', actionId)
      .orderBy('started_at', 'desc')
      .execute()
    return rows.map(row => ({
      id: row.id,
      actionId: row.action_id,
      event: row.event,
      host: row.host,
      result: row.result,
      details: row.details,
      startedAt: fromTime(row.started_at),
      finishedAt: orNull(fromTime)(row.finished_at),
    }))
  },
  /** Writes a finished event of the action of that request; a repeat of the same event replaces nothing and is left out. */
  async event(
    of: {
      id: string
      serverId: string
      requestId: string
      event: string
      host: string | null
      result: 'Success' | 'Error'
      details: string | null
    },
    now: number,
  ): Promise<void> {
    const action = await q
      .selectFrom('server_actions')
      .select(['id', 'started_at'])
      .where('server_id', '=', of.serverId)
      .where('request_id', '=', of.requestId)
      .executeTakeFirst()
    if (action === undefined) return
    const known = await q
      .selectFrom('server_action_events')
      .select('id')
      .where('action_id', '=', action.id)
      .where('event', '=', of.event)
      .executeTakeFirst()
    if (known !== undefined) return
    await q
      .insertInto('server_action_events')
      .values({
        id: of.id,
        action_id: action.id,
        event: of.event,
        host: of.host,
        result: of.result,
        details: of.details,
        started_at: action.started_at,
        finished_at: time(now),
      })
      .execute()
    await q
      .updateTable('server_actions')
      .set({ updated_at: time(now), ...(of.result === 'Error' ? { message: 'Error' } : {}) })
      .where('id', '=', action.id)
      .execute()
  },
  async addFault(id: string, fault: ServerFault): Promise<void> {
    await q
      .insertInto('server_faults')
      .values({
        id,
        server_id: fault.serverId,
        code: fault.code,
        message: fault.message.slice(0, 255),
        details: fault.details,
        created_at: time(fault.createdAt),
      })
      .execute()
  },
  /** The newest fault of each. */
  async faultsOf(serverIds: readonly string[]): Promise<Map<string, ServerFault>> {
    const rows = await inChunks(serverIds, some =>
      q
        .selectFrom('server_faults')
        .selectAll()
        .where('server_id', 'in', [...some])
        .orderBy('created_at')
        .execute(),
    )
    return new Map(
      rows.map(row => [
        row.server_id,
        {
          serverId: row.server_id,
          code: row.code,
          message: row.message,
          details: row.details,
          createdAt: fromTime(row.created_at),
        },
      ]),
    )
  },
})
