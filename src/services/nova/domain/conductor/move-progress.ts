// What hosts tell about moves: how far a running guest has come, and that a host is back that servers were taken away from.
import type { Kysely } from 'kysely'

import type { Database } from '#kernel/db/database.ts'
import type { Clock } from '#kernel/lib/clock.ts'
import type { Ctx } from '#kernel/lib/context.ts'
import { movesDb, OVER } from '#services/nova/db/moves.ts'
import { serversDb } from '#services/nova/db/servers.ts'
import type { NovaTables } from '#services/nova/db/tables.ts'
import { endMove } from '#services/nova/domain/conductor/moves.ts'
import type { SendProgress } from '#services/nova/drivers/hypervisor.ts'

export async function saveProgress(
  q: Kysely<NovaTables>,
  moveId: string,
  progress: SendProgress,
  now: number,
): Promise<void> {
  const move = await movesDb(q).byId(moveId)
  if (move === undefined || move.status !== 'running') return
  const { memoryTotal, memoryDone, diskTotal, diskDone } = progress
  const columns = {
    memory_total: memoryTotal,
    memory_processed: memoryDone,
    memory_remaining: memoryTotal - memoryDone,
    disk_total: diskTotal,
    disk_processed: diskDone,
    disk_remaining: diskTotal - diskDone,
  }
  await movesDb(q).saveProgress(moveId, columns, now)
  const percent = memoryTotal === 0 ? 100 : Math.round((100 * memoryDone) / memoryTotal)
  await serversDb(q).enter(move.serverId, { taskState: 'migrating' }, { progress: percent }, now)
}

export interface HostBackTools {
  readonly database: Database<NovaTables>
  readonly clock: Clock
  readonly release: (ctx: Ctx, consumerId: string) => Promise<void>
}

/** Evacuations from this host whose guests are no longer on it are complete: the host's claims for them end. */
export async function hostIsBack(
  tools: HostBackTools,
  ctx: Ctx,
  host: string,
  guests: readonly string[],
): Promise<void> {
  const { database, clock } = tools
  const left = await database.read(ctx, 'evacuated-from', q => movesDb(q).evacuatedFrom(host))
  for (const move of left) {
    if (guests.includes(move.serverId)) continue
    await tools.release(ctx, move.id)
    await database.tx(ctx, 'evacuation-completed', async q => {
      const now = await movesDb(q).byId(move.id)
      if (now?.status === 'done') await endMove(q, now, 'completed', clock.now())
    })
  }
}

/** Of the guests put aside on a host, those that nobody will come back for: their servers are gone, or rest with no move under way from here. */
export async function forgottenAsides(
  q: Kysely<NovaTables>,
  host: string,
  asides: readonly string[],
): Promise<string[]> {
  const forgotten: string[] = []
  for (const id of asides) {
    const server = await serversDb(q).everById(id)
    if (server === undefined || server.taskState !== null) continue
    const open = (await movesDb(q).of(id)).some(move => !OVER.has(move.status) && move.source.host === host)
    if (server.deletedAt !== null || !open) forgotten.push(id)
  }
  return forgotten
}
