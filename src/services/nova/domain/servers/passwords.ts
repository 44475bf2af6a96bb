// Passwords of guests. The one a guest tells is sealed by the guest with its key pair: Nova only keeps it.
import type { Bus } from '#kernel/bus/bus.ts'
import { Fault } from '#kernel/contract/fault.ts'
import type { Clock } from '#kernel/lib/clock.ts'
import type { Ctx } from '#kernel/lib/context.ts'
import type { Ids } from '#kernel/lib/ids.ts'
import { faults } from '#services/nova/contract/faults.ts'
import { rules } from '#services/nova/contract/rules.ts'
import { actionsDb, beginAction } from '#services/nova/db/actions.ts'
import { serversDb } from '#services/nova/db/servers.ts'
import { demandState, findServer, type FindTools } from '#services/nova/domain/servers/find.ts'
import { computeRpc } from '#services/nova/rpc.ts'

export interface InspectionTools extends FindTools {
  readonly bus: Bus
  readonly clock: Clock
  readonly ids: Ids
}

export type ServerPasswords = ReturnType<typeof createServerPasswords>
export const createServerPasswords = (tools: InspectionTools) => {
  const { database, bus, clock, ids } = tools
  const about = (ctx: Ctx, id: string): Ctx => ({ ...ctx, subject: id })
  /** Writes how an operation of the request ended. */
  const ended = (ctx: Ctx, serverId: string, event: string, host: string, error: Error | null): Promise<void> =>
    database.tx(about(ctx, serverId), 'action-event', async q => {
      await actionsDb(q).event(
        {
          id: ids.uuid(),
          serverId,
          requestId: ctx.requestId,
          event,
          host,
          result: error === null ? 'Success' : 'Error',
          details: error?.message ?? null,
        },
        clock.now(),
      )
    })

  return {
    /** Waits until the guest took it. Throws 404, 409 where the guest cannot be told. */
    async change(ctx: Ctx, id: string, password: string): Promise<void> {
      const server = await findServer(tools, ctx, id, rules.adminPassword)
      demandState(tools, ctx, server, 'change_password', 'changePassword')
      const { host } = server
      if (host === null) throw faults.InstanceNotReady({ id })
      await database.tx(about(ctx, id), 'change-password', async q => {
        const won = await serversDb(q).enter(
          id,
          { vmState: 'active', taskState: null },
          { taskState: 'updating_password' },
          clock.now(),
        )
        if (!won)
          throw faults.InstanceInvalidState({
            ...{ action: 'changePassword', id, attr: 'task_state', state: 'changed meanwhile' },
          })
        await beginAction(q, tools, ctx, server, 'changePassword')
      })
      let trouble: Error | null = null
      try {
        await bus
          .client(computeRpc)
          .on(host)
          .set_password(about(ctx, id), {
            serverId: id,
            user: server.imageProperties['os_admin_user'] ?? userOf(server.imageProperties['os_type']),
            password,
            hasAgent: /^(1|t|true|on|y|yes)$/i.test(server.imageProperties['hw_qemu_guest_agent'] ?? ''),
          })
      } catch (error) {
        trouble = error as Error
      }
      await database.tx(about(ctx, id), 'password-changed', q =>
        serversDb(q).enter(id, { taskState: 'updating_password' }, { taskState: null }, clock.now()),
      )
      await ended(ctx, id, 'compute_set_admin_password', host, trouble)
      if (trouble === null) return
      if (trouble instanceof Fault && trouble.code === 'Hypervisor:unsupported')
        throw faults.Conflict({ reason: trouble.message }, { cause: trouble })
      throw faults.Conflict(
        { reason: `Failed to set admin password on ${id} because error setting admin password` },
        { cause: trouble },
      )
    },
    /** What the guest told; empty when it told nothing. */
    show: async (ctx: Ctx, id: string): Promise<string> =>
      (await findServer(tools, ctx, id, rules.serverPasswordShow)).password ?? '',
    /** Forgets what the guest told; its password stays what it is. */
    async clear(ctx: Ctx, id: string): Promise<void> {
      await findServer(tools, ctx, id, rules.serverPasswordClear)
      await database.tx(about(ctx, id), 'clear-password', q => serversDb(q).change(id, { password: null }, clock.now()))
    },

    /** An interrupt that no kernel can mask. What comes of it stands in the server's actions. */
    async crashDump(ctx: Ctx, id: string): Promise<void> {
      const server = await findServer(tools, ctx, id, rules.serversTriggerCrashDump)
      demandState(tools, ctx, server, 'trigger_crash_dump', 'trigger_crash_dump')
      const { host } = server
      if (host === null) throw faults.InstanceNotReady({ id })
      await database.tx(about(ctx, id), 'crash-dump', q => beginAction(q, tools, ctx, server, 'trigger_crash_dump'))
      const trouble = await bus
        .client(computeRpc)
        .on(host)
        .interrupt(about(ctx, id), { serverId: id })
        .then(
          () => null,
          (error: unknown) => error as Error,
        )
      await ended(ctx, id, 'compute_trigger_crash_dump', host, trouble)
    },
    /** Guests here have one node that spans all they have: nothing to tell of, as upstream says it. */
    async topology(ctx: Ctx, id: string): Promise<{ nodes: readonly object[]; pagesize_kb: number | null }> {
      await findServer(tools, ctx, id, rules.computeServerTopologyIndex)
      return { nodes: [], pagesize_kb: null }
    },
  }
}
const userOf = (osType: string | undefined): string => (osType === 'windows' ? 'Administrator' : 'root')
