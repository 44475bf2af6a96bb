// Repair of drift: looks at what is, compares with what should be, mends. No input, ever; harmless to repeat; reports numbers.
import type { Clock } from '#kernel/lib/clock.ts'
import type { Ctx } from '#kernel/lib/context.ts'

export interface Corrections {
  /** How many things were looked at. */
  readonly seen: number
  /** How many had to be mended. */
  readonly corrected: number
}

export interface Reconciler<Tools> {
  readonly name: string
  readonly everyMs: number
  /** Names of events after which it runs at once. */
  readonly also: readonly string[]
  readonly run: (tools: Tools, signal: AbortSignal) => Promise<Corrections>
}

const UNITS: Readonly<Record<string, number>> = { ms: 1, s: 1000, m: 60_000, h: 3_600_000 }

/** `600s`, `250ms`, `5m`, `1h` in milliseconds. Throws on anything else. */
export function span(text: string): number {
  const match = /^(\d+(?:\.\d+)?)(ms|s|m|h)$/.exec(text)
  if (match === null) throw new Error(`${text} is no span of time: write 250ms, 30s, 5m or 1h`)
  return Number(match[1]) * (UNITS[match[2] ?? ''] ?? 1)
}

/** `reconciler<Tools>()('sync-power-states', { every: '600s', also: ['host-up'] }, async t => ({ seen, corrected }))` */
export const reconciler =
  <Tools>() =>
  (
    name: string,
    when: { readonly every: string; readonly also?: readonly string[] },
    run: (tools: Tools, signal: AbortSignal) => Promise<Corrections>,
  ): Reconciler<Tools> => ({ name, everyMs: span(when.every), also: when.also ?? [], run })

export interface ReconcilerState {
  readonly name: string
  readonly everyMs: number
  readonly also: readonly string[]
  readonly running: boolean
  readonly runs: number
  readonly failures: number
  /** Milliseconds since 1970, or null when it has not run yet. */
  readonly lastAt: number | null
  readonly lastMs: number | null
  readonly last: Corrections | null
  /** The last failure's message; null once it has succeeded again. */
  readonly error: string | null
  /** All that it ever mended in this process. */
  readonly corrected: number
}

export interface Reconciling {
  /** `tools` is asked before each run, with a context of its own request id. */
  add<Tools>(reconciler: Reconciler<Tools>, tools: (ctx: Ctx) => Tools): void
  /** Begins the timers. Each first run comes after a part of its interval, so that they do not all start at once. */
  start(): void
  /** Runs one now, or joins the run under way. Throws what it throws, and for an unknown name. */
  run(name: string): Promise<Corrections>
  /** Runs all that said `also: [event]`, in the background. */
  event(event: string): void
  table(): readonly ReconcilerState[]
  /** No more runs; asks the running one to stop and waits for it. */
  stop(): Promise<void>
}

export interface ReconcilingParts {
  readonly clock: Clock
  /** A context for one run, e.g. with a fresh `req-…` id and the actor's name. */
  readonly ctx: () => Ctx
  readonly onError?: (name: string, error: Error) => void
}

interface Entry {
  readonly reconciler: Reconciler<unknown>
  readonly tools: (ctx: Ctx) => unknown
  state: ReconcilerState
  cancelTimer: () => void
  current: Promise<Corrections> | undefined
}

/** The loop that drives reconcilers: by time, by event and by name; one at a time in this process. */
export function reconciling(parts: ReconcilingParts): Reconciling {
  const { clock } = parts
  const entries = new Map<string, Entry>()
  const abort = new AbortController()
  let tail: Promise<unknown> = Promise.resolve()
  let started = false

  const once = async (entry: Entry): Promise<Corrections> => {
    abort.signal.throwIfAborted()
    const begin = clock.monotonic()
    entry.state = { ...entry.state, running: true, lastAt: clock.now() }
    try {
      const ctx = { ...parts.ctx(), signal: abort.signal }
      const last = await entry.reconciler.run(entry.tools(ctx), abort.signal)
      entry.state = { ...entry.state, last, error: null, corrected: entry.state.corrected + last.corrected }
      return last
    } catch (error) {
      entry.state = { ...entry.state, failures: entry.state.failures + 1, error: (error as Error).message }
      throw error
    } finally {
      entry.state = { ...entry.state, running: false, runs: entry.state.runs + 1, lastMs: clock.monotonic() - begin }
    }
  }
  const enqueue = (entry: Entry): Promise<Corrections> => {
    if (entry.current !== undefined) return entry.current
    const work = tail.then(() => once(entry))
    tail = work.catch(() => undefined)
    entry.current = work
    void tail.then(() => {
      entry.current = undefined
    })
    return work
  }
  const inBackground = (entry: Entry): void =>
    void enqueue(entry).catch((error: Error) => {
      if (!abort.signal.aborted) parts.onError?.(entry.reconciler.name, error)
    })
  const arm = (entry: Entry, ms: number): void => {
    entry.cancelTimer = clock.after(ms, () => {
      inBackground(entry)
      if (!abort.signal.aborted) arm(entry, entry.reconciler.everyMs)
    })
  }
  const firstAfter = (entry: Entry, index: number): number => Math.min(entry.reconciler.everyMs, 1000 * (index + 1))

  return {
    add(reconciler, tools) {
      if (entries.has(reconciler.name)) throw new Error(`two reconcilers named ${reconciler.name}`)
      const entry: Entry = {
        reconciler: reconciler as Reconciler<unknown>,
        tools,
        cancelTimer: () => undefined,
        current: undefined,
        state: {
          name: reconciler.name,
          everyMs: reconciler.everyMs,
          also: reconciler.also,
          running: false,
          runs: 0,
          failures: 0,
          lastAt: null,
          lastMs: null,
          last: null,
          error: null,
          corrected: 0,
        },
      }
      entries.set(reconciler.name, entry)
      if (started) arm(entry, firstAfter(entry, 0))
    },
    start() {
      started = true
      for (const [index, entry] of [...entries.values()].entries()) arm(entry, firstAfter(entry, index))
    },
    async run(name) {
      const entry = entries.get(name)
      if (entry === undefined) throw new Error(`no reconciler is called ${name}`)
      return enqueue(entry)
    },
    event(event) {
      for (const entry of entries.values()) if (entry.reconciler.also.includes(event)) inBackground(entry)
    },
    table: () => [...entries.values()].map(entry => entry.state),
    async stop() {
      abort.abort(new Error('stopping'))
      for (const entry of entries.values()) entry.cancelTimer()
      await tail
    },
  }
}
