// A guest that is not what its row says is brought back by the same story a person would begin, so that it has retries, survives a death and
// is seen: the task column shows it, a failure leaves its fault.
import type { Kysely } from 'kysely'

import type { Database } from '#kernel/db/database.ts'
import type { Clock } from '#kernel/lib/clock.ts'
import type { Ctx } from '#kernel/lib/context.ts'
import type { Ids } from '#kernel/lib/ids.ts'
import type { Engine } from '#kernel/saga/engine.ts'
import { actionsDb } from '#services/nova/db/actions.ts'
import { serversDb } from '#services/nova/db/servers.ts'
import type { NovaTables } from '#services/nova/db/tables.ts'
import { changePower } from '#services/nova/sagas/change-power.ts'

export interface MendTools {
  readonly database: Database<NovaTables>
  readonly engine: Engine<Kysely<NovaTables>>
  readonly clock: Clock
  readonly ids: Ids
}

const HOW = {
  start: { vmStates: ['active', 'resized'], task: 'powering-on' },
  stop: { vmStates: ['stopped'], task: 'powering-off' },
} as const

/** Starts what should run, or stops what should not. False when the row says otherwise by now, or somebody is at work on the server. */
export async function mendGuest(
  tools: MendTools,
  ctx: Ctx,
  serverId: string,
  host: string,
  verb: 'start' | 'stop',
): Promise<boolean> {
  const { database, engine, clock, ids } = tools
  const how = HOW[verb]
  const about = { ...ctx, subject: serverId }
  const saga = await database.tx(about, `${verb}-server`, async q => {
    const server = await serversDb(q).byId(serverId)
    if (server === undefined || server.host !== host) return null
    const won = await serversDb(q).enter(
      serverId,
      { vmState: how.vmStates, taskState: null },
      { taskState: how.task },
      clock.now(),
    )
    if (!won) return null
    await actionsDb(q).begin({
      id: ids.uuid(),
      serverId,
      action: verb,
      requestId: ctx.requestId,
      userId: null,
      projectId: server.projectId,
      message: null,
      startedAt: clock.now(),
      updatedAt: clock.now(),
    })
    return engine.prepare(
      q,
      changePower,
      { serverId, host, verb, taskState: how.task, byItself: true, vmState: server.vmState },
      about,
    )
  })
  if (saga !== null) engine.go(saga)
  return saga !== null
}
