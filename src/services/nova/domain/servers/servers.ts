// The verbs of servers: each finds the server for what it is about, asks its state, wins the columns, and starts the story.
import type { Kysely } from 'kysely'

import type { Clock } from '#kernel/lib/clock.ts'
import type { Ctx } from '#kernel/lib/context.ts'
import type { Ids } from '#kernel/lib/ids.ts'
import type { Engine } from '#kernel/saga/engine.ts'
import type { Rule } from '#kernel/contract/rule.ts'
import { faults } from '#services/nova/contract/faults.ts'
import { rules } from '#services/nova/contract/rules.ts'
import type { ServerVerb } from '#services/nova/contract/states.ts'
import { actionsDb } from '#services/nova/db/actions.ts'
import { serversDb, type Server, type ServerChange } from '#services/nova/db/servers.ts'
import type { NovaTables } from '#services/nova/db/tables.ts'
import {
  demandState,
  demandUnlocked,
  findServer,
  targetOf,
  type FindTools,
} from '#services/nova/domain/servers/find.ts'
import { cancelMoves, confirmLeftOver, tracesOfMoves } from '#services/nova/domain/servers/moves-at-end.ts'
import { changePower } from '#services/nova/sagas/change-power.ts'
import { deleteServer } from '#services/nova/sagas/delete-server.ts'
import { restoreServer, softDelete } from '#services/nova/sagas/soft-delete.ts'
import { bootServer } from '#services/nova/sagas/boot-server.ts'
import { IMAGE_STORIES } from '#services/nova/sagas/image-stories.ts'
import type { PowerVerb } from '#services/nova/sagas/tools.ts'

export interface ServersTools extends FindTools {
  readonly engine: Engine<Kysely<NovaTables>>
  readonly clock: Clock
  readonly ids: Ids
  readonly log: { warn(ctx: Ctx | null, says: string): void }
}

/** How each power verb is asked for: its rule, its word in messages, the task it begins and the action's name. */
const POWER: Readonly<Record<PowerVerb, { rule: Rule; word: string; task: string; action: string }>> = {
  stop: { rule: rules.serversStop, word: 'stop', task: 'powering-off', action: 'stop' },
  start: { rule: rules.serversStart, word: 'start', task: 'powering-on', action: 'start' },
  'reboot-soft': { rule: rules.serversReboot, word: 'reboot', task: 'rebooting', action: 'reboot' },
  'reboot-hard': { rule: rules.serversReboot, word: 'reboot', task: 'rebooting_hard', action: 'reboot' },
  pause: { rule: rules.pauseServerPause, word: 'pause', task: 'pausing', action: 'pause' },
  unpause: { rule: rules.pauseServerUnpause, word: 'unpause', task: 'unpausing', action: 'unpause' },
  suspend: { rule: rules.suspendServerSuspend, word: 'suspend', task: 'suspending', action: 'suspend' },
  resume: { rule: rules.suspendServerResume, word: 'resume', task: 'resuming', action: 'resume' },
}

export const createServersDomain = (tools: ServersTools) => {
  const { database, engine, clock, ids } = tools
  const about = (ctx: Ctx, id: string): Ctx => ({ ...ctx, subject: id })
  /** A new action of this request, in the caller's transaction. */
  const begin = (q: Kysely<NovaTables>, ctx: Ctx, server: Server, action: string): Promise<void> =>
    actionsDb(q).begin({
      id: ids.uuid(),
      serverId: server.id,
      action,
      requestId: ctx.requestId,
      userId: ctx.who?.userId ?? null,
      projectId: ctx.who?.projectId ?? null,
      message: null,
      startedAt: clock.now(),
      updatedAt: clock.now(),
    })

  return {
    find: (ctx: Ctx, id: string, rule: Rule): Promise<Server> => findServer(tools, ctx, id, rule),

    /** Stop, start, reboot and their kin. 202: the rest follows. Throws 404, 403, 409. */
    async power(ctx: Ctx, id: string, verb: PowerVerb): Promise<void> {
      const how = POWER[verb]
      const server = await findServer(tools, ctx, id, how.rule)
      demandState(tools, ctx, server, verb as ServerVerb, how.word)
      const { host } = server
      if (host === null) throw faults.InstanceNotReady({ id })
      const saga = await database.tx(about(ctx, id), `${how.action}-server`, async q => {
        const won = await serversDb(q).enter(
          id,
          { vmState: server.vmState, taskState: server.taskState },
          { taskState: how.task },
          clock.now(),
        )
        if (!won)
          throw faults.InstanceInvalidState({ action: how.word, id, attr: 'task_state', state: 'changed meanwhile' })
        await begin(q, ctx, server, how.action)
        return engine.prepare(q, changePower, { serverId: id, host, verb, taskState: how.task }, about(ctx, id))
      })
      engine.go(saga)
    },

    /** Deletes in whatever state. A boot under way is unwound first; a second delete changes nothing. */
    async remove(ctx: Ctx, id: string, rule: Rule = rules.serversDelete): Promise<void> {
      const server = await findServer(tools, ctx, id, rule)
      demandUnlocked(tools, ctx, server)
      if (server.taskState === 'deleting') return
      const won = await database.tx(about(ctx, id), 'delete-server', async q => {
        const mine = await serversDb(q).enter(id, {}, { taskState: 'deleting', progress: 0 }, clock.now())
        if (mine) await begin(q, ctx, server, 'delete')
        return mine
      })
      if (won)
        void this.finishDelete(about(ctx, id), id).catch((error: unknown) =>
          tools.log.warn(ctx, `delete of ${id} goes on later: ${(error as Error).message}`),
        )
    },

    /** Deletes for good a server that waited for it: nobody asks, so nothing is asked of anybody. */
    async reclaim(ctx: Ctx, id: string): Promise<void> {
      const won = await database.tx(about(ctx, id), 'reclaim-server', async q => {
        const db = serversDb(q)
        const mine = await db.enter(
          id,
          { vmState: 'soft-delete', taskState: null },
          { taskState: 'deleting', progress: 0 },
          clock.now(),
        )
        const server = mine ? await db.byId(id) : undefined
        if (server !== undefined) await begin(q, ctx, server, 'delete')
        return mine
      })
      if (won) await this.finishDelete(about(ctx, id), id)
    },

    /** Unwinds what runs for the server, then runs the story of its end. Also called for servers found in `deleting` at start. */
    async finishDelete(ctx: Ctx, id: string): Promise<void> {
      await engine.cancel(id, bootServer.name)
      for (const story of [changePower, softDelete, restoreServer, ...IMAGE_STORIES])
        await engine.cancel(id, story.name)
      await cancelMoves(engine, id)
      const server = await database.read(ctx, 'find-server', q => serversDb(q).byId(id))
      if (server === undefined) return
      if (server.taskState !== 'deleting')
        await database.tx(ctx, 'delete-server', q => serversDb(q).change(id, { taskState: 'deleting' }, clock.now()))
      const traces = await tracesOfMoves(tools, ctx, id, server.host)
      try {
        engine.go(await engine.prepare(undefined, deleteServer, { serverId: id, host: server.host, ...traces }, ctx))
      } catch (error) {
        if ((error as { code?: string }).code !== 'SagaBusy') throw error
      }
    },

    /** Changes what a client may. Throws 400 when nothing is named. */
    async update(ctx: Ctx, id: string, change: ServerChange): Promise<Server> {
      const server = await findServer(tools, ctx, id, rules.serversUpdate)
      await database.tx(about(ctx, id), 'update-server', q => serversDb(q).change(id, change, clock.now()))
      return { ...server, ...change, updatedAt: clock.now() } as Server
    },

    async lock(ctx: Ctx, id: string, reason: string | null): Promise<void> {
      const server = await findServer(tools, ctx, id, rules.lockServerLock)
      const by = ctx.who?.projectId === server.projectId ? 'owner' : 'admin'
      if (server.lockedBy === 'admin' && by === 'owner') return
      await database.tx(about(ctx, id), 'lock-server', async q => {
        await serversDb(q).change(id, { lockedBy: by, lockedReason: reason }, clock.now())
        await begin(q, ctx, server, 'lock')
      })
    },
    async unlock(ctx: Ctx, id: string): Promise<void> {
      const server = await findServer(tools, ctx, id, rules.lockServerUnlock)
      if (
        server.lockedBy === 'admin' &&
        !tools.policy.allows(ctx.who, rules.lockServerUnlockUnlockOverride, targetOf(server))
      ) {
        demandUnlocked(tools, ctx, server)
      }
      await database.tx(about(ctx, id), 'unlock-server', async q => {
        await serversDb(q).change(id, { lockedBy: null, lockedReason: null }, clock.now())
        await begin(q, ctx, server, 'unlock')
      })
    },
    async resetState(ctx: Ctx, id: string, state: 'active' | 'error'): Promise<void> {
      const server = await findServer(tools, ctx, id, rules.adminActionsResetState)
      const story = await database.tx(about(ctx, id), 'reset-state', async q => {
        await serversDb(q).change(id, { vmState: state, taskState: null }, clock.now())
        await begin(q, ctx, server, 'resetState')
        return server.vmState === 'resized' ? confirmLeftOver(engine, q, about(ctx, id), id, clock.now()) : null
      })
      if (story !== null) engine.go(story)
    },
  }
}
export type ServersDomain = ReturnType<typeof createServersDomain>
