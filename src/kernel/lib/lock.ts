// One at a time per key, in order of asking, inside one process. Between processes the state column is the lock.

export interface Locks {
  /** Runs `deed` when nobody else holds `key`. Its failure is the caller's and frees the key. */
  with<T>(key: string, deed: () => Promise<T>): Promise<T>
  /** True while somebody holds the key. */
  held(key: string): boolean
}

export function locks(): Locks {
  const tails = new Map<string, Promise<unknown>>()
  return {
    with(key, deed) {
      const before = tails.get(key)
      const mine = before === undefined ? deed() : before.then(deed, deed)
      const tail = mine.then(
        () => undefined,
        () => undefined,
      )
      tails.set(key, tail)
      void tail.then(() => {
        if (tails.get(key) === tail) tails.delete(key)
      })
      return mine
    },
    held: key => tails.has(key),
  }
}
