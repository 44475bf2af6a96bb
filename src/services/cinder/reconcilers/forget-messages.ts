// Messages to users are kept for a while and then forgotten.
import type { Database } from '#kernel/db/database.ts'
import type { Clock } from '#kernel/lib/clock.ts'
import type { Ctx } from '#kernel/lib/context.ts'
import { reconciler } from '#kernel/reconciler/reconciler.ts'
import { time } from '#kernel/db/codecs.ts'
import type { CinderTables } from '#services/cinder/db/tables.ts'

export interface ForgetMessages {
  readonly database: Database<CinderTables>
  readonly clock: Clock
  readonly ctx: Ctx
}

export const forgetMessages = reconciler<ForgetMessages>()(
  'forget-cinder-messages',
  { every: '1h' },
  async ({ database, clock, ctx }) => {
    const gone = await database.tx(ctx, 'forget-messages', q =>
      q.deleteFrom('messages').where('expires_at', '<', time(clock.now())).executeTakeFirst(),
    )
    const corrected = Number(gone.numDeletedRows)
    return { seen: corrected, corrected }
  },
)
