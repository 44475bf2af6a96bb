// A delete that was promised is done: servers found in `deleting` with nobody at work on them are taken up again.
import type { Database } from '#kernel/db/database.ts'
import type { Ctx } from '#kernel/lib/context.ts'
import { reconciler } from '#kernel/reconciler/reconciler.ts'
import type { NovaTables } from '#services/nova/db/tables.ts'

export interface FinishDeletes {
  readonly database: Database<NovaTables>
  readonly ctx: Ctx
  /** The name of the story that ends a server. */
  readonly story: string
  /** Unwinds, in the background, what runs for the server, then begins its end. Harmless where that is under way. */
  readonly finish: (ctx: Ctx, serverId: string) => void
}

export const finishDeletes = reconciler<FinishDeletes>()(
  'finish-deletes',
  { every: '30s', also: ['host-up'] },
  async ({ database, ctx, story, finish }) => {
    const dying = await database.read(ctx, 'servers-being-deleted', q =>
      q
        .selectFrom('servers as s')
        .select('s.id')
        .where('s.deleted_at', 'is', null)
        .where('s.task_state', '=', 'deleting')
        .where(({ not, exists, selectFrom }) =>
          not(
            exists(
              selectFrom('saga')
                .select('saga.id')
                .whereRef('saga.subject', '=', 's.id')
                .where('saga.name', '=', story)
                .where('saga.state', 'in', ['prepared', 'running', 'unwinding']),
            ),
          ),
        )
        .execute(),
    )
    for (const { id } of dying) finish({ ...ctx, subject: id }, id)
    return { seen: dying.length, corrected: dying.length }
  },
)
