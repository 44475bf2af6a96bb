// Servers that were deleted softly are deleted for good when nobody brought them back in time.
import type { Database } from '#kernel/db/database.ts'
import { time } from '#kernel/db/codecs.ts'
import type { Clock } from '#kernel/lib/clock.ts'
import type { Ctx } from '#kernel/lib/context.ts'
import { reconciler } from '#kernel/reconciler/reconciler.ts'
import type { NovaTables } from '#services/nova/db/tables.ts'

export interface ReclaimServers {
  readonly database: Database<NovaTables>
  readonly clock: Clock
  readonly ctx: Ctx
  /** How long a server waits; 0: they are not reclaimed. */
  readonly afterMs: number
  /** Deletes it for good. */
  readonly remove: (ctx: Ctx, serverId: string) => Promise<void>
}

/** Every minute, as upstream's periodic task. */
export const reclaimServers = reconciler<ReclaimServers>()(
  'reclaim-servers',
  { every: '1m' },
  async ({ database, clock, ctx, afterMs, remove }) => {
    if (afterMs === 0) return { seen: 0, corrected: 0 }
    const old = await database.read(ctx, 'servers-to-reclaim', q =>
      q
        .selectFrom('servers')
        .select('id')
        .where('soft_deleted_at', '<=', time(clock.now() - afterMs))
        .where('deleted_at', 'is', null)
        .where('vm_state', '=', 'soft-delete')
        .where('task_state', 'is', null)
        .limit(500)
        .execute(),
    )
    for (const { id } of old) await remove({ ...ctx, subject: id }, id)
    return { seen: old.length, corrected: old.length }
  },
)
