// Time as a value that is passed. Nothing else in the core may ask what time it is, or wait.

/** Wall time, a monotonic time for durations, and waiting. A test passes one it moves by hand. */
export interface Clock {
  /** Milliseconds since 1970, UTC. */
  now(): number
  /** Milliseconds from some fixed point; never goes backwards. */
  monotonic(): number
  /** Resolves after `ms`; rejects with the signal's reason when aborted. Does not keep the process alive when `unref`. */
  sleep(ms: number, signal?: AbortSignal): Promise<void>
  /** Calls back once after `ms`; returns the cancel. */
  after(ms: number, call: () => void): () => void
}

/** The machine's own clock. Timers do not keep the process alive: the open socket does that. */
export function systemClock(): Clock {
  const unref = (timer: unknown): void => (timer as { unref?: () => void }).unref?.()
  return {
    now: () => Date.now(),
    monotonic: () => performance.now(),
    sleep: (ms, signal) =>
      new Promise((resolve, reject) => {
        if (signal?.aborted === true) return reject(signal.reason)
        const stop = (): void => {
          clearTimeout(timer)
          reject(signal?.reason)
        }
        const timer = setTimeout(() => {
          signal?.removeEventListener('abort', stop)
          resolve()
        }, ms)
        unref(timer)
        signal?.addEventListener('abort', stop, { once: true })
      }),
    after: (ms, call) => {
      const timer = setTimeout(call, ms)
      unref(timer)
      return () => clearTimeout(timer)
    },
  }
}

/** `2026-11-22T13:48:02Z`: Nova's, Placement's and Glance's form. */
export const isoSeconds = (ms: number): string => new Date(ms).toISOString().slice(0, 19) + 'Z'
/** `2026-11-22T13:48:02.000000`: Cinder's form, and Nova's in some bodies. */
export const isoMicros = (ms: number): string => new Date(ms).toISOString().slice(0, 23) + '000'
/** `2026-11-22T13:48:02.000000Z`: Keystone's form. */
export const isoMicrosZ = (ms: number): string => isoMicros(ms) + 'Z'
