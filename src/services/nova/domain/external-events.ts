// What other services report: wires that live or changed, volumes that grew.
import type { Bus } from '#kernel/bus/bus.ts'
import type { Database } from '#kernel/db/database.ts'
import type { Clock } from '#kernel/lib/clock.ts'
import type { Ctx } from '#kernel/lib/context.ts'
import type { Ids } from '#kernel/lib/ids.ts'
import type { Log } from '#kernel/lib/log.ts'
import { actionsDb, beginAction } from '#services/nova/db/actions.ts'
import { blockDevicesDb } from '#services/nova/db/block-devices.ts'
import { nicsDb } from '#services/nova/db/nics.ts'
import { serversDb } from '#services/nova/db/servers.ts'
import type { NovaTables } from '#services/nova/db/tables.ts'
import { computeRpc, type NicRecord } from '#services/nova/rpc.ts'

export interface ExternalEvent {
  readonly name: string
  readonly server_uuid: string
  readonly status?: string
  readonly tag?: string
}
export interface EventTools {
  readonly database: Database<NovaTables>
  readonly bus: Bus
  readonly clock: Clock
  readonly ids: Ids
  readonly log: Log
  /** Ports of a server as Neutron has them now, asked with nova's account. */
  readonly describe: (ctx: Ctx, serverId: string, known: readonly NicRecord[]) => Promise<NicRecord[]>
  /** The size in GB of a volume now. */
  readonly volumeSize: (ctx: Ctx, volumeId: string) => Promise<number>
}
export interface EventAnswer extends ExternalEvent {
  readonly code: number
  readonly status: string
}

/** Events that say nothing without a tag. */
const TAG_NEEDED = new Set(['volume-extended', 'power-update', 'accelerator-request-bound'])

/** Servers whose addresses are looked up in one round. */
const HEALED_AT_ONCE = 20

export const createExternalEvents = (tools: EventTools) => {
  const { database, bus, log } = tools
  /** Per server, so that a burst of changes is looked up once more at the end and not once each. */
  const running = new Map<string, Promise<void>>()
  const again = new Set<string>()
  /** Changed while they were being built: looked up when the boot has written what it knows. */
  const late = new Set<string>()
  let healed = ''
  const refresh = async (ctx: Ctx, serverId: string): Promise<void> => {
    if (running.has(serverId)) {
      again.add(serverId)
      return running.get(serverId)
    }
    const work = (async () => {
      do {
        again.delete(serverId)
        const known = await database.read(ctx, 'nics-of-server', q => nicsDb(q).of(serverId))
        const now = await tools.describe(ctx, serverId, known)
        await database.tx(ctx, 'refresh-nics', async q => {
          const server = await serversDb(q).byId(serverId)
          if (server === undefined) return
          if (server.vmState === 'building') return void late.add(serverId)
          const still = await nicsDb(q).of(serverId)
          const ids = new Set(still.map(nic => nic.portId))
          await nicsDb(q).replace(
            serverId,
            now.filter(nic => ids.has(nic.portId)),
          )
        })
      } while (again.has(serverId))
    })().finally(() => running.delete(serverId))
    running.set(serverId, work)
    return work
  }

  return {
    refresh,
    /**
     * Looks up again what changed during boots, and a page of all servers, the next one at each call: an event may have been
     * lost with the process that was to hear it.
     */
    async heal(ctx: Ctx): Promise<{ seen: number; corrected: number }> {
      const waiting = [...late]
      late.clear()
      const page = await database.read(ctx, 'servers-to-heal', q =>
        q
          .selectFrom('servers')
          .select('id')
          .where('deleted_at', 'is', null)
          .where('host', 'is not', null)
          .where('vm_state', '!=', 'building')
          .where('id', '>', healed)
          .orderBy('id')
          .limit(HEALED_AT_ONCE)
          .execute(),
      )
      healed = page.length < HEALED_AT_ONCE ? '' : (page.at(-1)?.id ?? '')
      const ids = new Set([...waiting, ...page.map(row => row.id)])
      for (const id of ids) await refresh({ ...ctx, subject: id }, id)
      return { seen: ids.size, corrected: waiting.length }
    },
    /** Takes them all; each is answered with its own code (200, 400, 404, 422). */
    async take(ctx: Ctx, events: readonly ExternalEvent[]): Promise<{ events: EventAnswer[]; code: number }> {
      const answers: EventAnswer[] = []
      for (const event of events) {
        const server = await database.read(ctx, 'find-server', q => serversDb(q).byId(event.server_uuid))
        if (server === undefined) {
          answers.push({ ...event, status: 'failed', code: 404 })
          continue
        }
        if (event.tag === undefined && TAG_NEEDED.has(event.name)) {
          answers.push({ ...event, status: 'failed', code: 400 })
          continue
        }
        if (server.host === null) {
          answers.push({ ...event, status: 'failed', code: 422 })
          continue
        }
        answers.push({ ...event, status: 'completed', code: 200 })
        const { host } = server
        const trouble = (error: unknown): void =>
          log.warn(ctx, `event ${event.name} of server ${server.id}: ${(error as Error).message}`)
        if (event.name === 'network-changed' || event.name === 'network-vif-deleted')
          void refresh({ ...ctx, subject: server.id }, server.id).catch(trouble)
        else if (event.name === 'volume-extended' && event.tag !== undefined)
          void extended(ctx, server.id, host, event.tag).catch(trouble)
      }
      const good = answers.filter(answer => answer.code === 200).length
      return { events: answers, code: good === answers.length ? 200 : 207 }
    },
  }

  async function extended(ctx: Ctx, serverId: string, host: string, volumeId: string): Promise<void> {
    const device = await database.read(ctx, 'disk-of-server', q => blockDevicesDb(q).ofVolume(serverId, volumeId))
    if (device === undefined) return
    await database.tx(ctx, 'extend-action', q => beginAction(q, tools, ctx, { id: serverId }, 'extend_volume'))
    const ended = (result: 'Success' | 'Error', details: string | null): Promise<void> =>
      database.tx(ctx, 'extend-action-event', q =>
        actionsDb(q).event(
          {
            id: tools.ids.uuid(),
            serverId,
            requestId: ctx.requestId,
            event: 'compute_extend_volume',
            host,
            result,
            details,
          },
          tools.clock.now(),
        ),
      )
    try {
      const sizeGb = await tools.volumeSize(ctx, volumeId)
      await bus
        .client(computeRpc)
        .on(host)
        .resize_disk({ ...ctx, subject: serverId }, { serverId, volumeId, sizeBytes: sizeGb * 1024 ** 3 })
      await database.tx(ctx, 'disk-grown', async q => {
        await q.updateTable('block_devices').set({ size_gb: sizeGb }).where('id', '=', device.id).execute()
      })
    } catch (error) {
      await ended('Error', (error as Error).message)
      throw error
    }
    await ended('Success', null)
  }
}
