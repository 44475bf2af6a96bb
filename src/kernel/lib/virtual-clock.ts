// A clock that a test moves by hand: nothing waits in real time, and what is due happens in order of time.
import type { Clock } from '#kernel/lib/clock.ts'

export interface VirtualClock extends Clock {
  /** Moves time on by `ms`, calling what falls due, in order; lets promises settle between. */
  advance(ms: number): Promise<void>
  /** Moves on from one due call to the next until `done` says true. Throws after `limitMs` of virtual time (default one day). */
  until(done: () => boolean, limitMs?: number): Promise<void>
  /** The result of `work`, with time moving on whenever everything waits. */
  during<T>(work: Promise<T>, limitMs?: number): Promise<T>
  /** How many calls are waiting for their time. */
  waiting(): number
}

/** Starts at `startMs` (UTC, default 2026-01-01). Time passes only by the methods of {@link VirtualClock}. */
export function virtualClock(startMs: number = Date.UTC(2026, 0, 1)): VirtualClock {
  interface Due {
    readonly at: number
    readonly turn: number
    readonly call: () => void
  }
  let passed = 0
  let turn = 0
  let due: Due[] = []

  const after = (ms: number, call: () => void): (() => void) => {
    const entry: Due = { at: passed + Math.max(0, ms), turn: turn++, call }
    due.push(entry)
    return () => {
      due = due.filter(other => other !== entry)
    }
  }
  // A macrotask lets whole chains of promises run, also those of a database or a stream.
  const settle = async (): Promise<void> => {
    for (let i = 0; i < 3; i += 1) await new Promise<void>(resolve => afterAllElse(resolve))
  }
  const first = (): Due | undefined => {
    let found: Due | undefined
    for (const entry of due)
      if (found === undefined || entry.at < found.at || (entry.at === found.at && entry.turn < found.turn))
        found = entry
    return found
  }
  const fire = (entry: Due): void => {
    due = due.filter(other => other !== entry)
    passed = Math.max(passed, entry.at)
    entry.call()
  }
  const until = async (done: () => boolean, limitMs = 86_400_000): Promise<void> => {
    const limit = passed + limitMs
    let idle = 0
    await settle()
    while (!done()) {
      const entry = first()
      if (entry === undefined || entry.at > limit) {
        idle += 1
        if (idle > 200)
          throw new Error(
            entry === undefined ? 'nothing is waiting for time, and it is not done' : `not done within ${limitMs} ms`,
          )
      } else {
        idle = 0
        fire(entry)
      }
      await settle()
    }
  }
  return {
    now: () => startMs + passed,
    monotonic: () => passed,
    sleep: (ms, signal) =>
      new Promise((resolve, reject) => {
        if (signal?.aborted === true) return reject(signal.reason as Error)
        const stop = (): void => {
          cancel()
          reject(signal?.reason as Error)
        }
        const cancel = after(ms, () => {
          signal?.removeEventListener('abort', stop)
          resolve()
        })
        signal?.addEventListener('abort', stop, { once: true })
      }),
    after,
    async advance(ms) {
      const end = passed + ms
      await settle()
      for (let entry = first(); entry !== undefined && entry.at <= end; entry = first()) {
        fire(entry)
        await settle()
      }
      passed = end
      await settle()
    },
    until,
    async during(work, limitMs) {
      let over = false
      work.then(
        () => (over = true),
        () => (over = true),
      )
      await until(() => over, limitMs)
      return work
    },
    waiting: () => due.length,
  }
}

/** Lets everything that is due now run, without time: what the platform has for that. */
const afterAllElse = (call: () => void): void => {
  const { setImmediate } = globalThis as { setImmediate?: (call: () => void) => void }
  if (setImmediate !== undefined) return setImmediate(call)
  const channel = new MessageChannel()
  channel.port1.addEventListener('message', () => {
    channel.port1.close()
    call()
  })
  channel.port1.start()
  channel.port2.postMessage(null)
}
