// One verb at a time per guest, and a way for `destroy` to end the verb that is at work.

export interface GuestLocks {
  /** Runs `work` after everything asked before it for that guest. Its signal aborts when the caller's does, or when the guest is ending. */
  run<T>(serverId: string, signal: AbortSignal | undefined, work: (signal: AbortSignal) => Promise<T>): Promise<T>
  /** Aborts what runs and what waits for that guest, then runs `work` alone. */
  end<T>(serverId: string, reason: Error, work: () => Promise<T>): Promise<T>
}

interface Line {
  tail: Promise<void>
  waiting: number
  ending: AbortController
}

export function guestLocks(): GuestLocks {
  const lines = new Map<string, Line>()
  const enter = async <T>(serverId: string, work: (ending: AbortSignal) => Promise<T>): Promise<T> => {
    let line = lines.get(serverId)
    if (line === undefined)
      lines.set(serverId, (line = { tail: Promise.resolve(), waiting: 0, ending: new AbortController() }))
    const mine = line
    const ending = mine.ending.signal
    const before = mine.tail
    let leave = (): void => undefined
    mine.tail = new Promise(resolve => (leave = resolve))
    mine.waiting++
    try {
      await before
      return await work(ending)
    } finally {
      if (--mine.waiting === 0) lines.delete(serverId)
      leave()
    }
  }
  return {
    run: (serverId, signal, work) =>
      enter(serverId, async ending => {
        const either = signal === undefined ? ending : AbortSignal.any([signal, ending])
        either.throwIfAborted()
        return work(either)
      }),
    end(serverId, reason, work) {
      const line = lines.get(serverId)
      if (line !== undefined) {
        line.ending.abort(reason)
        line.ending = new AbortController() // what is asked from now on is not meant
      }
      return enter(serverId, work)
    },
  }
}
