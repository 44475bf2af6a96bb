// Starting a guest is the one thing that eats a whole core: only so many may do it at once, the others wait their turn.
import { open } from 'node:fs/promises'
import type { Clock } from '#kernel/lib/clock.ts'

export interface BootQueue {
  /** Resolves with the way to leave, which may be called more than once. Rejects with the signal's reason. */
  enter(signal?: AbortSignal): Promise<() => void>
  readonly inside: number
  readonly waiting: number
}

export function bootQueue(places: number): BootQueue {
  const line: (() => void)[] = []
  let inside = 0
  const leaveOnce = (): (() => void) => {
    let left = false
    return () => {
      if (left) return
      left = true
      const next = line.shift()
      if (next === undefined) inside--
      else next()
    }
  }
  return {
    enter(signal) {
      if (inside < places) {
        inside++
        return Promise.resolve(leaveOnce())
      }
      return new Promise((resolve, reject) => {
        const turn = (): void => {
          signal?.removeEventListener('abort', giveUp)
          resolve(leaveOnce())
        }
        const giveUp = (): void => {
          const at = line.indexOf(turn)
          if (at >= 0) line.splice(at, 1)
          reject(signal?.reason)
        }
        if (signal?.aborted === true) return reject(signal.reason)
        line.push(turn)
        signal?.addEventListener('abort', giveUp, { once: true })
      })
    },
    get inside() {
      return inside
    },
    get waiting() {
      return line.length
    },
  }
}

/** What a system says on its serial line when it has started. */
const STARTED = /login: |BOOT-DONE|Reached target.*(Multi-User|Login)/m

/** Resolves when the guest's serial log says that it is up, after `limitMs`, or when `over` says so. */
export async function untilStarted(options: {
  clock: Clock
  log: string
  from: number
  limitMs: number
  over: () => boolean
}): Promise<void> {
  const { clock } = options
  const begun = clock.monotonic()
  let at = options.from
  let seen = ''
  while (!options.over() && clock.monotonic() - begun < options.limitMs) {
    await clock.sleep(200)
    const handle = await open(options.log).catch(() => undefined)
    if (handle === undefined) return
    try {
      const { size } = await handle.stat()
      if (size <= at) continue
      const { buffer, bytesRead } = await handle.read(Buffer.alloc(Math.min(size - at, 65_536)), 0, undefined, at)
      at += bytesRead
      seen = (seen + buffer.toString('latin1', 0, bytesRead)).slice(-4_096)
      if (STARTED.test(seen)) return
    } finally {
      await handle.close()
    }
  }
}
