// Work that waits its turn: at most so many at once, at most so many waiting.

export interface WorkQueue {
  /** Runs `deed` when there is room. Throws {@link QueueFull} at once when too many wait. */
  add<T>(deed: () => Promise<T>): Promise<T>
  readonly waiting: number
  readonly running: number
  /** Resolves when nothing waits and nothing runs. */
  idle(): Promise<void>
}

export class QueueFull extends Error {
  readonly code = 'QueueFull'
  readonly status = 503
  constructor(limit: number) {
    super(`${limit} are waiting already`)
    this.name = 'QueueFull'
  }
}

/** `atOnce`: how many run together (default: no limit). `limit`: how many may wait (default: no limit). */
export function workQueue(options: { atOnce?: number; limit?: number } = {}): WorkQueue {
  const atOnce = options.atOnce ?? Number.POSITIVE_INFINITY
  const limit = options.limit ?? Number.POSITIVE_INFINITY
  const line: (() => void)[] = []
  const idlers: (() => void)[] = []
  let running = 0
  const over = (): void => {
    running -= 1
    line.shift()?.()
    if (running === 0 && line.length === 0) for (const tell of idlers.splice(0)) tell()
  }
  const start = async <T>(deed: () => Promise<T>): Promise<T> => {
    running += 1
    try {
      return await deed()
    } finally {
      over()
    }
  }
  return {
    async add(deed) {
      if (running < atOnce) return start(deed)
      if (line.length >= limit) throw new QueueFull(limit)
      return new Promise((resolve, reject) => line.push(() => void start(deed).then(resolve, reject)))
    },
    get waiting() {
      return line.length
    },
    get running() {
      return running
    },
    idle: () => (running === 0 && line.length === 0 ? Promise.resolve() : new Promise(resolve => idlers.push(resolve))),
  }
}
