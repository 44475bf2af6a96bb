// Remembers what crossed the seam on behalf of a subject (a server), so that its story can be read back. Runs in production:
// reading requests is not recorded at all, and what never touches a subject is dropped when it ends.
import type { Clock } from '#kernel/lib/clock.ts'
import type { Crossing, CrossingKind, CrossingSide, Hook } from '#kernel/crossing/crossing.ts'

/** One crossing with its beginning and end. JSON. */
export interface Moment {
  /** Unique over restarts. */
  readonly id: string
  readonly kind: CrossingKind
  readonly side: CrossingSide
  readonly from: string
  readonly to: string
  readonly name: string
  readonly request: string
  readonly subject?: string
  /** Milliseconds since 1970 with fractions, from the monotonic clock. */
  readonly at: number
  /** How long it took; null while it is under way. */
  ms: number | null
  outcome: 'open' | 'ok' | 'failed'
  /** The failure's code or name. */
  error?: string
  /** The crossing's payload, as it was when it ended: whoever crosses may fill it in until then. */
  detail?: Readonly<Record<string, unknown>>
  /** Where its beginning and its end stand among all beginnings and ends of this process: decides between equal times. */
  readonly begun: number
  ended: number | null
}

/** Keeps the moments of a subject beyond the process. */
export interface JourneyStore {
  /** Adds ended moments; one that comes twice (same id) is kept once. */
  save(subject: string, moments: readonly Moment[]): Promise<void>
  load(subject: string): Promise<readonly Moment[]>
}

export interface Recorder {
  readonly hook: Hook
  /** All moments of the subject, of its requests and of the token they were made with, in order of time. Empty when unknown. */
  moments(subject: string): Promise<readonly Moment[]>
  /** Called after each beginning or end of a crossing of the subject; returns the end of watching. */
  watch(subject: string, changed: () => void): () => void
  /** Hands what has ended to the store now. */
  flush(): Promise<void>
  /** Flushes and stops the timer. */
  stop(): Promise<void>
}

export interface RecorderOptions {
  readonly clock: Clock
  readonly store?: JourneyStore
  /** How many requests with a subject are kept in memory. Default 1000. */
  readonly keepRequests?: number
  /** How many moments of one request are kept; later ones are dropped. Default 1500. */
  readonly keepMoments?: number
  /** How often ended moments go to the store. Default 1000 ms. */
  readonly flushMs?: number
  readonly onError?: (error: Error) => void
}

interface Request {
  readonly id: string
  /** False: it only reads; nothing is kept, it is only remembered until it ends. */
  readonly kept: boolean
  open: number
  readonly moments: Moment[]
  readonly subjects: Set<string>
  /** The audit id of the token that the client came with: the first that the component at the front had checked. */
  audit: string | undefined
  unsaved: Moment[]
  /** True once the store has the moments of the token's request. */
  tokenSaved: boolean
}

const KEEP_TOKENS = 500
const TOKEN_MOMENTS = 60
const PENDING = 5000
const READING = /^(GET|HEAD|OPTIONS) /
const TOKEN_ISSUE = /^POST (\/\w+)?\/v3\/auth\/tokens$/

/** Makes a recorder; put its `hook` into the list of hooks. */
export function recorder(options: RecorderOptions): Recorder {
  const { clock, store } = options
  const keepRequests = options.keepRequests ?? 1000
  const keepMoments = options.keepMoments ?? 1500
  const zero = clock.now() - clock.monotonic()
  const run = Math.floor(clock.now()).toString(36)
  let events = 0

  /** Requests under way or bound, oldest first. */
  const requests = new Map<string, Request>()
  const bySubject = new Map<string, Set<Request>>()
  /** The requests that issued tokens, by audit id, oldest first. */
  const tokens = new Map<string, Moment[]>()
  const dirty = new Set<Request>()
  const watchers = new Map<string, Set<() => void>>()
  let bound = 0
  let cancelFlush: (() => void) | undefined

  const forget = (request: Request): void => {
    requests.delete(request.id)
    if (request.subjects.size > 0) bound -= 1
    for (const subject of request.subjects) {
      const all = bySubject.get(subject)
      all?.delete(request)
      if (all?.size === 0) bySubject.delete(subject)
    }
  }
  const shrink = (): void => {
    if (bound <= keepRequests && requests.size <= keepRequests + PENDING) return
    for (const request of requests.values()) {
      if (request.open > 0 && requests.size <= keepRequests + 2 * PENDING) continue
      if (dirty.has(request)) continue
      forget(request)
      if (bound <= keepRequests && requests.size <= keepRequests + PENDING) return
    }
  }
  const requestOf = (crossing: Crossing): Request | undefined => {
    const known = requests.get(crossing.requestId)
    if (known !== undefined) return known
    // What begins a record: a changing request at the front, or a saga that goes on after a restart. Reading and our own
    // housekeeping do not.
    const asked = crossing.kind === 'rest' && crossing.side === 'take'
    const resumed = crossing.subject !== undefined && crossing.kind === 'db' && crossing.name.startsWith('saga:')
    if (!asked && !resumed) return undefined
    const kept = resumed || !READING.test(crossing.name)
    const request: Request = {
      id: crossing.requestId,
      kept,
      open: 0,
      moments: [],
      subjects: new Set(),
      audit: undefined,
      unsaved: [],
      tokenSaved: false,
    }
    requests.set(request.id, request)
    shrink()
    return request
  }
  const bind = (request: Request, subject: string): void => {
    if (request.subjects.has(subject)) return
    if (request.subjects.size === 0) {
      bound += 1
      request.unsaved = request.moments.filter(moment => moment.outcome !== 'open')
    }
    request.subjects.add(subject)
    let all = bySubject.get(subject)
    if (all === undefined) bySubject.set(subject, (all = new Set()))
    all.add(request)
  }
  const touch = (request: Request): void => {
    for (const subject of request.subjects) for (const changed of watchers.get(subject) ?? []) changed()
  }
  const later = (request: Request): void => {
    if (store === undefined) return
    dirty.add(request)
    cancelFlush ??= clock.after(options.flushMs ?? 1000, () => {
      cancelFlush = undefined
      void flush()
    })
  }

  const begin = (crossing: Crossing, request: Request): Moment => {
    const moment: Moment = {
      id: `${run}.${events}`,
      kind: crossing.kind,
      side: crossing.side,
      from: crossing.from,
      to: crossing.to,
      name: crossing.name,
      request: crossing.requestId,
      ...(crossing.subject === undefined ? {} : { subject: crossing.subject }),
      at: zero + clock.monotonic(),
      ms: null,
      outcome: 'open',
      ...(crossing.payload === undefined ? {} : { detail: crossing.payload }),
      begun: events++,
      ended: null,
    }
    request.moments.push(moment)
    if (crossing.subject !== undefined && crossing.kind !== 'rest') bind(request, crossing.subject)
    if (request.subjects.size > 0) touch(request)
    return moment
  }
  const end = (moment: Moment, request: Request, failure: unknown, failed: boolean): void => {
    moment.ms = zero + clock.monotonic() - moment.at
    moment.ended = events++
    moment.outcome = failed ? 'failed' : 'ok'
    if (failed) moment.error = nameOf(failure)
    const audit = moment.detail?.['audit']
    if (typeof audit === 'string' && moment.from === request.moments[0]?.to) request.audit ??= audit
    if (request.subjects.size > 0) {
      request.unsaved.push(moment)
      later(request)
      touch(request)
    }
  }
  const tokenOf = (request: Request): readonly Moment[] =>
    request.audit === undefined ? [] : (tokens.get(request.audit) ?? [])
  const keepToken = (request: Request, audit: string): void => {
    tokens.set(audit, request.moments.slice(0, TOKEN_MOMENTS))
    const oldest = tokens.size > KEEP_TOKENS ? tokens.keys().next().value : undefined
    if (oldest !== undefined) tokens.delete(oldest)
  }

  const flush = async (): Promise<void> => {
    if (store === undefined) return
    const work = [...dirty]
    dirty.clear()
    for (const request of work) {
      const moments = request.unsaved
      request.unsaved = []
      try {
        const before = request.tokenSaved ? [] : tokenOf(request)
        for (const subject of request.subjects) {
          const all = [...before, ...moments.filter(moment => belongs(moment, subject))]
          if (all.length > 0) await store.save(subject, all)
        }
        request.tokenSaved ||= before.length > 0
      } catch (error) {
        options.onError?.(error as Error) // the story has a gap on disk; memory still has it
      }
    }
    shrink()
  }

  return {
    hook(crossing, next) {
      const request = requestOf(crossing)
      if (request === undefined) return next()
      if (!request.kept || request.moments.length >= keepMoments) {
        if (request.kept) return next()
        request.open += 1
        return next().finally(() => {
          request.open -= 1
          if (request.open === 0) requests.delete(request.id)
        })
      }
      const moment = begin(crossing, request)
      request.open += 1
      const over = (failure: unknown, failed: boolean): void => {
        request.open -= 1
        end(moment, request, failure, failed)
        if (request.open > 0 || request.subjects.size > 0) return
        requests.delete(request.id)
      }
      return next().then(
        result => {
          // A request for a token, not one that gets a token on the way.
          if (moment === request.moments[0] && TOKEN_ISSUE.test(moment.name)) {
            const audit = auditOf(moment, result)
            over(undefined, false)
            if (audit !== undefined) keepToken(request, audit)
          } else over(undefined, false)
          return result
        },
        (error: unknown) => {
          over(error, true)
          throw error
        },
      )
    },
    async moments(subject) {
      const found = new Map<string, Moment>()
      for (const moment of (await store?.load(subject)) ?? []) found.set(moment.id, moment)
      for (const request of bySubject.get(subject) ?? []) {
        for (const moment of tokenOf(request)) found.set(moment.id, moment)
        for (const moment of request.moments) if (belongs(moment, subject)) found.set(moment.id, moment)
      }
      return [...found.values()].sort((a, b) => a.at - b.at || a.begun - b.begun)
    },
    watch(subject, changed) {
      const all = watchers.get(subject) ?? new Set()
      watchers.set(subject, all.add(changed))
      return () => {
        all.delete(changed)
        if (all.size === 0) watchers.delete(subject)
      }
    },
    flush,
    async stop() {
      cancelFlush?.()
      cancelFlush = undefined
      await flush()
    },
  }
}

/** A request for several servers: what names another of them is not this one's. */
const belongs = (moment: Moment, subject: string): boolean => moment.subject === undefined || moment.subject === subject

const nameOf = (failure: unknown): string => {
  if (typeof failure !== 'object' || failure === null) return 'failed'
  const { code, name } = failure as { code?: unknown; name?: unknown }
  return typeof code === 'string' ? code : typeof name === 'string' ? name : 'failed'
}

/** The audit id of a freshly issued token: named in the crossing's payload, or read from the answer. */
function auditOf(moment: Moment, result: unknown): string | undefined {
  const named = moment.detail?.['audit']
  if (typeof named === 'string') return named
  const body = (result as { body?: unknown } | null | undefined)?.body
  return typeof body === 'string' ? /"audit_ids":\s*\[\s*"([^"]+)"/.exec(body)?.[1] : undefined
}
