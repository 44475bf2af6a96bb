// Resizes that nobody spoke a word about are confirmed once the window is over.
import type { Ctx } from '#kernel/lib/context.ts'
import { reconciler } from '#kernel/reconciler/reconciler.ts'

export interface ConfirmResizes {
  readonly ctx: Ctx
  /** 0: never. */
  readonly windowMs: number
  /** Confirms what has waited for so long; answers how many there were and how many it began to confirm. */
  readonly moves: {
    confirmOld(ctx: Ctx, windowMs: number): Promise<{ readonly seen: number; readonly corrected: number }>
  }
}

/** Every minute, as upstream. */
export const confirmResizes = reconciler<ConfirmResizes>()('confirm-resizes', { every: '60s' }, async tools =>
  tools.windowMs === 0 ? { seen: 0, corrected: 0 } : tools.moves.confirmOld(tools.ctx, tools.windowMs),
)
