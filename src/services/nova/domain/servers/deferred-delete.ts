// A delete that can be taken back: while `reclaimInstanceIntervalS` is set, DELETE only stops the guest and hides the
// server; it comes back with `restore`, or goes for good when its time is over or by `forceDelete`.
import type { Kysely } from 'kysely'

import type { Ctx } from '#kernel/lib/context.ts'
import type { Clock } from '#kernel/lib/clock.ts'
import type { Ids } from '#kernel/lib/ids.ts'
import type { Engine } from '#kernel/saga/engine.ts'
import { faults } from '#services/nova/contract/faults.ts'
import { rules } from '#services/nova/contract/rules.ts'
import { beginAction } from '#services/nova/db/actions.ts'
import { serversDb, type Server } from '#services/nova/db/servers.ts'
import type { NovaTables } from '#services/nova/db/tables.ts'
import { countServer } from '#services/nova/domain/conductor/set-aside.ts'
import { demandRoom, type QuotaDefaults } from '#services/nova/domain/quotas.ts'
import { demandState, demandUnlocked, findServer, type FindTools } from '#services/nova/domain/servers/find.ts'
import { changePower } from '#services/nova/sagas/change-power.ts'
import { restoreServer, softDelete } from '#services/nova/sagas/soft-delete.ts'

export interface DeferredDeleteTools extends FindTools {
  readonly engine: Engine<Kysely<NovaTables>>
  readonly clock: Clock
  readonly ids: Ids
  readonly defaults: QuotaDefaults
  /** 0: a delete is for good at once. */
  readonly reclaimMs: number
  /** Deletes for good. */
  readonly remove: (ctx: Ctx, id: string) => Promise<void>
}

export type DeferredDelete = ReturnType<typeof createDeferredDelete>
export const createDeferredDelete = (tools: DeferredDeleteTools) => {
  const { database, engine, clock } = tools
  /** Never started, or nowhere: nothing could be brought back. */
  const canWait = (server: Server): boolean =>
    tools.reclaimMs > 0 &&
    server.vmState !== 'resized' &&
    server.launchedAt !== null &&
    server.host !== null &&
    server.taskState !== 'deleting'

  return {
    /** DELETE of a server. Throws 404, 403, 409. */
    async remove(ctx: Ctx, id: string): Promise<void> {
      let server = await findServer(tools, ctx, id, rules.serversDelete)
      if (!canWait(server)) return tools.remove(ctx, id)
      demandUnlocked(tools, ctx, server)
      if (server.taskState !== null && server.vmState !== 'soft-delete') {
        // What only started or stopped it is unwound first; whoever is in the midst of anything larger goes at once.
        await engine.cancel(id, changePower.name)
        server = await findServer(tools, ctx, id, rules.serversDelete)
        if (server.taskState !== null) return tools.remove(ctx, id)
      }
      if (server.vmState === 'soft-delete' || server.taskState === 'soft-deleting') return
      const host = server.host ?? ''
      const about = { ...ctx, subject: id }
      const saga = await database.tx(about, 'soft-delete-server', async q => {
        const won = await serversDb(q).enter(
          id,
          { vmState: server.vmState, taskState: server.taskState },
          { taskState: 'soft-deleting', progress: 0 },
          clock.now(),
        )
        if (!won) return null
        await beginAction(q, tools, ctx, server, 'delete')
        return engine.prepare(q, softDelete, { serverId: id, host, vmState: server.vmState }, about)
      })
      if (saga !== null) engine.go(saga)
    },

    /** Throws 404, 403 over quota, 409 for a server that does not wait. */
    async restore(ctx: Ctx, id: string): Promise<void> {
      const server = await findServer(tools, ctx, id, rules.deferredDeleteRestore)
      demandState(tools, ctx, server, 'restore', 'restore')
      const { host } = server
      const about = { ...ctx, subject: id }
      const { vcpus: cores, ramMb: ram } = server.flavor
      const saga = await database.tx(about, 'restore-server', async q => {
        const won = await serversDb(q).enter(
          id,
          { vmState: 'soft-delete', taskState: null },
          host === null ? { vmState: 'active', softDeletedAt: null } : { taskState: 'restoring', softDeletedAt: null },
          clock.now(),
        )
        if (!won)
          throw faults.InstanceInvalidState({ action: 'restore', id, attr: 'task_state', state: 'changed meanwhile' })
        if (server.softDeletedAt !== null) {
          await demandRoom(q, server.projectId, { instances: 1, cores, ram }, tools.defaults, server.userId)
          await countServer(q, { ...server, softDeletedAt: null }, 1)
        }
        await beginAction(q, tools, ctx, server, 'restore')
        return host === null ? null : engine.prepare(q, restoreServer, { serverId: id, host }, about)
      })
      if (saga !== null) engine.go(saga)
    },
  }
}
