// The newest refusals with their reasons, by request id: for `koto why req-…`.
import type { Fault } from '#kernel/contract/fault.ts'
import type { Reason } from '#kernel/contract/verdict.ts'
import type { Clock } from '#kernel/lib/clock.ts'
import type { Ctx } from '#kernel/lib/context.ts'

export interface Refusal {
  readonly requestId: string
  readonly at: number
  readonly status: number
  readonly says: string
  readonly because: readonly Reason[]
  readonly who: string | null
}
export interface Refusals {
  keep(ctx: Ctx, fault: Fault): void
  find(requestId: string): Refusal | undefined
}
const KEEP = 2000

export function createRefusals(clock: Clock): Refusals {
  const kept = new Map<string, Refusal>()
  return {
    keep(ctx, fault) {
      kept.set(ctx.requestId, {
        requestId: ctx.requestId,
        at: clock.now(),
        status: fault.status,
        says: fault.message,
        because: fault.because,
        who: ctx.who?.userName ?? null,
      })
      if (kept.size > KEEP)
        for (const oldest of kept.keys()) {
          kept.delete(oldest)
          break
        }
    },
    find: requestId => kept.get(requestId),
  }
}
