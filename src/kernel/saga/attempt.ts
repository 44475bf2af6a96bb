// One body, tried within its deadline: transient failures again after a pause, an abort heard, nothing left running unseen.
import { Fault } from '#kernel/contract/fault.ts'
import { encodeError } from '#kernel/bus/wire.ts'
import { ProcessDeath } from '#kernel/crossing/death.ts'
import { isTransient, retry, type RetryPolicy } from '#kernel/lib/retry.ts'
import type { Clock } from '#kernel/lib/clock.ts'
import type { Ctx } from '#kernel/lib/context.ts'
import type { State, StepNode, StepRun } from '#kernel/saga/saga.ts'

export const DEFAULT_DEADLINE_MS = 600_000
/** How long an aborted body may take to stop before nobody waits for it any more. */
export const GRACE_MS = 5_000
/** Undoing is worth more patience than doing: any failure is tried again. */
const UNDO_RETRY: RetryPolicy = { tries: 6, firstMs: 500, factor: 3, maxMs: 30_000 }

/** The saga was cancelled while the step ran, or before it. */
export const cancelledFault = (): Fault => new Fault('SagaCancelled', 409, 'the operation was cancelled')

export interface Attempt {
  readonly clock: Clock
  readonly node: StepNode
  readonly mode: 'do' | 'undo'
  readonly state: State
  readonly tools: (run: StepRun) => unknown
  readonly ctx: Ctx
  readonly sagaId: string
  readonly key: string
  /** Aborts the deed; an undo is never aborted. */
  readonly signal: AbortSignal
}

/** Runs the deed or its undo. Returns the outputs as JSON would keep them; throws what the last try threw, or fault `StepTimeout` (504). */
export async function attempt(a: Attempt): Promise<Readonly<Record<string, unknown>>> {
  const { clock, node, mode } = a
  const deadlineMs = node.deadlineMs ?? DEFAULT_DEADLINE_MS
  const own = new AbortController()
  const stop = (): void => own.abort(a.signal.reason)
  if (mode === 'do') {
    a.signal.throwIfAborted()
    a.signal.addEventListener('abort', stop, { once: true })
  }
  const cancelDeadline = clock.after(deadlineMs, () =>
    own.abort(new Fault('StepTimeout', 500, `${node.name} did not finish within ${deadlineMs / 1000} s`)),
  )
  const body = mode === 'do' ? node.do : node.undo
  const again = node.retry?.again ?? isTransient
  try {
    const work = retry(
      async tries => {
        const run: StepRun = {
          sagaId: a.sagaId,
          key: `${a.sagaId}/${a.key}`,
          attempt: tries,
          signal: own.signal,
          ctx: { ...a.ctx, signal: own.signal },
        }
        return body?.(a.state, a.tools(run), run)
      },
      {
        clock,
        policy: mode === 'do' ? (node.retry ?? {}) : UNDO_RETRY,
        signal: own.signal,
        again: error => !(error instanceof ProcessDeath) && (mode === 'undo' || again(error)),
      },
    )
    const output = await withGrace(work, own.signal, clock)
    return (JSON.parse(JSON.stringify(output ?? {})) ?? {}) as Record<string, unknown>
  } finally {
    cancelDeadline()
    a.signal.removeEventListener('abort', stop)
  }
}

/** After an abort the work gets a while to end by itself; then the abort's reason is the result. */
function withGrace<T>(work: Promise<T>, signal: AbortSignal, clock: Clock): Promise<T> {
  return new Promise((resolve, reject) => {
    let cancel = (): void => undefined
    const aborted = (): void => {
      cancel = clock.after(GRACE_MS, () => reject(signal.reason as Error))
    }
    signal.addEventListener('abort', aborted, { once: true })
    const over = (): void => {
      cancel()
      signal.removeEventListener('abort', aborted)
    }
    work.then(
      value => {
        over()
        resolve(value)
      },
      error => {
        over()
        // What a body throws because it was aborted says less than why it was.
        reject(signal.aborted && !(error instanceof ProcessDeath) ? (signal.reason as Error) : (error as Error))
      },
    )
  })
}

/** A failure as the log keeps it. */
export const kept = encodeError
