// Ended tasks are kept for a while and then forgotten.
import type { Database } from '#kernel/db/database.ts'
import type { Clock } from '#kernel/lib/clock.ts'
import type { Ctx } from '#kernel/lib/context.ts'
import { time } from '#kernel/db/codecs.ts'
import { reconciler } from '#kernel/reconciler/reconciler.ts'
import type { GlanceTables } from '#services/glance/db/tables.ts'

export interface ForgetTasks {
  readonly database: Database<GlanceTables>
  readonly clock: Clock
  readonly ctx: Ctx
}

export const forgetTasks = reconciler<ForgetTasks>()(
  'forget-glance-tasks',
  { every: '1h' },
  async ({ database, clock, ctx }) => {
    const gone = await database.tx(ctx, 'forget-tasks', q =>
      q.deleteFrom('tasks').where('expires_at', '<', time(clock.now())).executeTakeFirst(),
    )
    const corrected = Number(gone.numDeletedRows)
    return { seen: corrected, corrected }
  },
)
