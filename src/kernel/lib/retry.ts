// Trying again, with growing pauses. Requests never retry; saga steps do; reconcilers simply run again.
import { DatabaseUnavailable } from '#kernel/db/errors.ts'
import type { Clock } from '#kernel/lib/clock.ts'

export interface RetryPolicy {
  /** How often in all, the first included. */
  readonly tries: number
  /** The first pause; each later one is `factor` times longer, up to `maxMs`. */
  readonly firstMs: number
  readonly factor: number
  readonly maxMs: number
}

export const defaultRetry: RetryPolicy = { tries: 4, firstMs: 200, factor: 3, maxMs: 10_000 }

/** The pause before try number `next` (2 for the first repeat), in milliseconds. */
export const pauseBefore = (policy: RetryPolicy, next: number): number =>
  Math.min(policy.maxMs, policy.firstMs * policy.factor ** Math.max(0, next - 2))

const TRANSIENT_STATUS = new Set([408, 425, 429, 502, 503, 504])

/** True for a failure that may be gone in a moment: by its status (408, 429, 502–504 …), a database that cannot serve now, or an own `transient: true`. */
export function isTransient(error: unknown): boolean {
  if (typeof error !== 'object' || error === null) return false
  if (error instanceof DatabaseUnavailable) return true
  const { status, transient } = error as { status?: unknown; transient?: unknown }
  if (typeof transient === 'boolean') return transient
  return typeof status === 'number' && TRANSIENT_STATUS.has(status)
}

export interface RetryOptions {
  readonly clock: Clock
  readonly policy?: Partial<RetryPolicy>
  /** Which failures deserve another try; default {@link isTransient}. */
  readonly again?: (error: unknown) => boolean
  readonly signal?: AbortSignal
  /** Told before each pause. */
  readonly onPause?: (error: unknown, nextTry: number, ms: number) => void
}

/** Calls `deed(1)`, `deed(2)`, … until one succeeds. Throws the last failure, or the signal's reason when aborted. */
export async function retry<T>(deed: (attempt: number) => Promise<T>, options: RetryOptions): Promise<T> {
  const policy = { ...defaultRetry, ...options.policy }
  for (let attempt = 1; ; attempt += 1) {
    options.signal?.throwIfAborted()
    try {
      return await deed(attempt)
    } catch (error) {
      if (attempt >= policy.tries || !(options.again ?? isTransient)(error)) throw error
      const ms = pauseBefore(policy, attempt + 1)
      options.onPause?.(error, attempt + 1, ms)
      await options.clock.sleep(ms, options.signal)
    }
  }
}
