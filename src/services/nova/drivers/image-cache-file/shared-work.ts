// Work that several may wait for: done once per key, so many keys at a time, given up only when nobody waits any more.

export interface SharedWork<T> {
  /** Joins the work under `key`, or begins it. Rejects with the signal's reason when this caller gives up. */
  run(key: string, signal: AbortSignal | undefined, work: (signal: AbortSignal) => Promise<T>): Promise<T>
  busy(key: string): boolean
}

interface Job<T> {
  readonly result: Promise<T>
  readonly stop: AbortController
  waiting: number
}

export function sharedWork<T>(atOnce: number): SharedWork<T> {
  const jobs = new Map<string, Job<T>>()
  const line: (() => void)[] = []
  let inside = 0
  const enter = async (): Promise<void> => {
    if (inside < atOnce) {
      inside++
      return
    }
    await new Promise<void>(resolve => line.push(resolve)) // the place is handed over, not freed
  }
  const leave = (): void => {
    const next = line.shift()
    if (next === undefined) inside--
    else next()
  }
  const begin = (key: string, work: (signal: AbortSignal) => Promise<T>): Job<T> => {
    const stop = new AbortController()
    const result = (async () => {
      await enter()
      try {
        stop.signal.throwIfAborted()
        return await work(stop.signal)
      } finally {
        leave()
        if (jobs.get(key)?.stop === stop) jobs.delete(key)
      }
    })()
    result.catch(() => undefined)
    const job: Job<T> = { result, stop, waiting: 0 }
    jobs.set(key, job)
    return job
  }
  return {
    async run(key, signal, work) {
      let job = jobs.get(key)
      // Work that is being given up is waited out, not joined.
      while (job?.stop.signal.aborted === true) {
        await job.result.catch(() => undefined)
        job = jobs.get(key)
      }
      job ??= begin(key, work)
      const mine = job
      mine.waiting++
      let giveUp = (): void => undefined
      const impatience = new Promise<never>((_, reject) => {
        giveUp = () => reject(signal?.reason)
        signal?.addEventListener('abort', giveUp, { once: true })
        if (signal?.aborted === true) giveUp()
      })
      impatience.catch(() => undefined)
      try {
        return await Promise.race([mine.result, impatience])
      } finally {
        signal?.removeEventListener('abort', giveUp)
        if (--mine.waiting === 0) {
          // Even the last one to leave waits for the cleaning up, so that "aborted" means "nothing left".
          mine.stop.abort(signal?.reason ?? new Error('nobody waits for it'))
          await mine.result.catch(() => undefined)
        }
      }
    },
    busy: key => jobs.has(key),
  }
}
