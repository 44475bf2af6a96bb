// Lets transactions of one database in one at a time, in the order of asking, and notices one that waits for itself.
import { AsyncLocalStorage } from 'node:async_hooks'

/** How long somebody inside a transaction may wait for the same transaction to end before it is called a mistake. */
const SELF_WAIT_MS = 2000

export class Turnstile {
  readonly #name: string
  #taken = false
  readonly #queue: (() => void)[] = []
  /** Only ever used to tell a programming mistake from a crowd. */
  readonly #inside = new AsyncLocalStorage<{ open: boolean }>()

  constructor(name: string) {
    this.#name = name
  }

  /**
   * Resolves when it is our turn; the caller must {@link leave}.
   * @throws Error when asked from inside a transaction of the same database that then does not end.
   */
  enter(): Promise<void> {
    if (!this.#taken) {
      this.#taken = true
      return Promise.resolve()
    }
    return new Promise((resolve, reject) => {
      let timer: NodeJS.Timeout | undefined
      const turn = (): void => {
        clearTimeout(timer)
        resolve()
      }
      this.#queue.push(turn)
      const transaction = this.#inside.getStore()
      if (transaction?.open !== true) return
      timer = setTimeout(() => {
        const place = this.#queue.indexOf(turn)
        if (place < 0 || !transaction.open) return
        this.#queue.splice(place, 1)
        reject(new Error(`${this.#name}: a transaction waits for itself; inside tx use the q it gives, or within(q)`))
      }, SELF_WAIT_MS)
    })
  }

  leave(): void {
    const next = this.#queue.shift()
    if (next === undefined) this.#taken = false
    else next()
  }

  /** Marks what the deed of a transaction does, and whatever it starts, as being inside. */
  async around<R>(deed: () => Promise<R>): Promise<R> {
    const transaction = { open: true }
    try {
      return await this.#inside.run(transaction, deed)
    } finally {
      transaction.open = false
    }
  }
}
