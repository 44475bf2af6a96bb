// Owns the sagas of one service: begins them, takes up those whose owner died, cancels, waits, stops. Belongs to one actor
// (nova-conductor), which also has the log.
import { cancelledFault } from '#kernel/saga/attempt.ts'
import { decodeError } from '#kernel/bus/wire.ts'
import { driver } from '#kernel/saga/drive.ts'
import { Fault } from '#kernel/contract/fault.ts'
import { isOver, type SagaLog, type SagaRow, type SagaState } from '#kernel/saga/log.ts'
import { locks } from '#kernel/lib/lock.ts'
import { ProcessDeath } from '#kernel/crossing/death.ts'
import type { AnySaga, Saga, StepRun } from '#kernel/saga/saga.ts'
import type { Ctx } from '#kernel/lib/context.ts'
import type { EngineParts, Enter, Known, PlaceAt, Run, Shared } from '#kernel/saga/run.ts'
import type { Served } from '#kernel/bus/bus.ts'

/** `local('nova-conductor', run => conductorTools(run.ctx))`: tools are made anew for each try, from its context. */
export const local = <T>(actor: string, tools: (run: StepRun) => T): PlaceAt<T> => ({ kind: 'local', actor, tools })
/** `remote('nova-compute')`: the actors that serve legs by `serveLegs`. */
export const remote = (actor: string): PlaceAt<never> => ({ kind: 'remote', actor })

export interface Ended {
  readonly id: string
  readonly state: Extract<SagaState, 'done' | 'failed' | 'stuck'>
  /** True when somebody cancelled or overtook it. */
  readonly cancelled: boolean
  readonly errors: readonly Error[]
}

/** A saga under way here, for `status`. */
export interface RunningSaga {
  readonly id: string
  readonly name: string
  readonly subject: string
  readonly step: string | null
  /** For how long it has been at that step. */
  readonly sinceMs: number
}

export interface Engine<Q> {
  readonly log: SagaLog<Q>
  /** Makes a saga known, with somebody at each of its places. `enter` swaps task states of its subjects. */
  register<Tools extends object, Input, S>(
    saga: Saga<Tools, Input, S>,
    at: { readonly places: { readonly [P in keyof Tools]: PlaceAt<Tools[P]> }; readonly enter?: Enter },
  ): void
  /** Begins to answer actors and to give signs of life. */
  start(): Promise<void>
  /** Writes the saga's row, inside the caller's transaction `q` if given. Returns its id. Throws fault `SagaBusy` (409). */
  prepare<Tools extends object, Input, S>(
    q: Q | undefined,
    saga: Saga<Tools, Input, S>,
    input: Input,
    ctx: Ctx,
  ): Promise<string>
  /** After the commit: runs it in the background. */
  go(id: string): void
  /** `prepare`, `go` and `ended` in one. */
  run<Tools extends object, Input, S>(saga: Saga<Tools, Input, S>, input: Input, ctx: Ctx): Promise<Ended>
  /** Resolves when it is done, undone or stuck, whoever runs it. Throws fault `NoSuchSaga` (404). */
  ended(id: string): Promise<Ended>
  /**
   * Unwinds the unfinished sagas about the subject, all or those of one name, also those not begun: aborts the running step, resolves
   * when all is undone. Always wins; an empty answer means that there was nothing to cancel.
   */
  cancel(subject: string, name?: string): Promise<readonly Ended[]>
  /**
   * Goes on with what has no living owner. At start in the only process: `{ force: true }` (everything is an orphan). As a sweeper: without;
   * then rows prepared less than `graceMs` ago (default 10 s) are left to their creator. Returns how many.
   */
  adopt(options?: { readonly force?: boolean; readonly graceMs?: number }): Promise<number>
  /** Tries the undos of stuck sagas again. Returns how many. */
  retryStuck(): Promise<number>
  /** What runs in this process now. */
  running(): readonly RunningSaga[]
  /** Resolves when nothing runs in this process. */
  idle(): Promise<void>
  /** Lets each saga reach a step boundary (at most `patienceMs`, default 10 s), releases them and stops answering. */
  stop(patienceMs?: number): Promise<void>
}

const POLL_MS = 250

/** Makes an engine. Nothing runs before `start`. */
export function createEngine<Q>(parts: EngineParts<Q>): Engine<Q> {
  const { log, clock, ids, cross } = parts
  const leaseMs = parts.leaseMs ?? 60_000
  const owner = `${parts.actor}/${ids.hex()}`
  const sagas = new Map<string, Known>()
  const waiters = new Map<string, ((ended: Ended | Error) => void)[]>()
  const drives = new Set<Promise<void>>()
  const taking = locks()
  let served: Served | undefined
  let stopLease = (): void => undefined

  const tell = (id: string, ended: Ended | Error): void => {
    const told = waiters.get(id) ?? []
    waiters.delete(id)
    for (const waiter of told) waiter(ended)
  }
  const shared: Shared = {
    parts: parts as unknown as EngineParts<never>,
    runs: new Map(),
    death: undefined,
    stopping: false,
    trouble: (message, error, id) => parts.onTrouble?.(message, error, id),
    die(error) {
      if (shared.death !== undefined) return
      shared.death = error
      stopLease()
      for (const run of shared.runs.values()) {
        run.leg?.over(null)
        run.abort.abort(error)
      }
      for (const id of [...waiters.keys()]) tell(id, error)
    },
  }
  const drive = driver(shared)

  const endedOf = (row: SagaRow): Ended => ({
    id: row.id,
    state: row.state as Ended['state'],
    cancelled: row.cancelled,
    errors: row.errors.map(decodeError),
  })

  const runToEnd = async (run: Run): Promise<void> => {
    const { id } = run.row
    const { deadlineMs } = run.known.saga.options
    const stopTimer =
      deadlineMs === undefined
        ? undefined
        : clock.after(deadlineMs, () => {
            run.expired = new Fault('SagaTimeout', 500, `${run.row.name} did not finish within ${deadlineMs / 1000} s`)
            run.abort.abort(run.expired)
          })
    try {
      await drive.drive(run)
    } catch (error) {
      if (error instanceof ProcessDeath) shared.die(error)
      // Neither done nor undone: its row says so, and the sweeper comes back to it when the lease has ended.
      else shared.trouble(`${run.row.name} of ${run.row.subject} was left for the sweeper`, error as Error, id)
    } finally {
      stopTimer?.()
      shared.runs.delete(id)
      if (isOver(run.row.state) || run.row.state === 'stuck') tell(id, endedOf(run.row))
      else tell(id, LEFT)
    }
  }

  const take = (id: string, force: boolean): Promise<boolean> =>
    taking.with(id, async () => {
      if (shared.death !== undefined || shared.stopping || shared.runs.has(id)) return false
      const row = await log.claim(id, owner, clock.now(), clock.now() + leaseMs, force)
      if (row === undefined) return false
      const known = sagas.get(row.name)
      if (known === undefined) {
        shared.trouble(`nobody here knows the saga ${row.name}`, new Error('unknown saga'), id)
        return false
      }
      const run: Run = {
        known,
        row,
        rows: new Map((await log.steps(id)).map(step => [step.key, step])),
        ctx: { requestId: row.requestId, who: row.who, actor: parts.actor, cross, subject: row.subject },
        abort: new AbortController(),
        leg: undefined,
        turn: 0,
        step: null,
        since: clock.now(),
        resumed: row.generation > 1,
        expired: undefined,
      }
      if (row.cancelled) run.abort.abort(cancelledFault())
      shared.runs.set(id, run)
      const work = runToEnd(run)
      drives.add(work)
      void work.finally(() => drives.delete(work))
      return true
    })

  const ended = async (id: string): Promise<Ended> => {
    for (;;) {
      if (shared.death !== undefined) throw shared.death
      if (shared.runs.has(id)) {
        const told = await new Promise<Ended | Error>(resolve => waiters.set(id, [...(waiters.get(id) ?? []), resolve]))
        if (!(told instanceof Error)) return told
        if (told !== LEFT) throw told
      }
      const row = await log.load(id)
      if (row === undefined) throw new Fault('NoSuchSaga', 404, `there is no saga ${id}`)
      if (isOver(row.state) || row.state === 'stuck') return endedOf(row)
      if (!shared.runs.has(id)) await clock.sleep(POLL_MS) // somebody else's, or the sweeper's
    }
  }

  const engine: Engine<Q> = {
    log,
    register(saga, at) {
      const { home } = saga.options
      const places = at.places as Known['places']
      if (home !== undefined && places[home]?.kind !== 'local')
        throw new Error(`${saga.name}: its home ${home} must be a local place`)
      sagas.set(saga.name, { saga: saga as unknown as AnySaga, places, enter: at.enter })
    },
    async start() {
      served = await drive.legs.serve()
      const tick = (): void => {
        stopLease = clock.after(leaseMs / 3, () => {
          if (shared.death !== undefined) return
          const renewed = shared.runs.size === 0 ? undefined : log.renew(owner, clock.now() + leaseMs)
          renewed?.catch((error: Error) => shared.trouble('leases could not be renewed', error, ''))
          tick()
        })
      }
      tick()
    },
    async prepare(q, saga, input, ctx) {
      const now = clock.now()
      const id = ids.uuid()
      await log.create(q, {
        id,
        name: saga.name,
        subject: saga.options.subject(input as never),
        state: 'prepared',
        input: input as Readonly<Record<string, unknown>>,
        taskState: saga.options.taskState ?? null,
        requestId: ctx.requestId,
        who: ctx.who,
        owner: null,
        leaseUntil: 0,
        generation: 0,
        cancelled: false,
        errors: [],
        createdAt: now,
        updatedAt: now,
      })
      return id
    },
    go: id => void take(id, false).catch((error: Error) => shared.trouble('a saga could not be begun', error, id)),
    async run(saga, input, ctx) {
      const id = await engine.prepare(undefined, saga, input, ctx)
      await take(id, false)
      return ended(id)
    },
    ended,
    async cancel(subject, name) {
      const found = await log.cancel(subject, name, clock.now())
      return Promise.all(
        found.map(async id => {
          const run = shared.runs.get(id)
          if (run === undefined) await take(id, false)
          else {
            run.row = { ...run.row, cancelled: true }
            run.abort.abort(cancelledFault())
          }
          return ended(id)
        }),
      )
    },
    async adopt(options = {}) {
      const force = options.force === true
      const youngest = clock.now() - (options.graceMs ?? 10_000)
      let count = 0
      for (const row of await log.unfinished()) {
        if (!force && row.generation === 0 && row.createdAt > youngest) continue
        if (await take(row.id, force)) count += 1
      }
      return count
    },
    async retryStuck() {
      let count = 0
      for (const row of await log.stuck()) if (await take(row.id, false)) count += 1
      return count
    },
    running: () =>
      [...shared.runs.values()].map(run => ({
        id: run.row.id,
        name: run.row.name,
        subject: run.row.subject,
        step: run.leg?.order.key ?? run.step,
        sinceMs: clock.now() - (run.leg?.since ?? run.since),
      })),
    async idle() {
      while (drives.size > 0) await Promise.all(drives)
    },
    async stop(patienceMs = 10_000) {
      shared.stopping = true
      let cancelTimer = (): void => undefined
      const patience = new Promise<void>(resolve => {
        cancelTimer = clock.after(patienceMs, resolve)
      })
      await Promise.race([engine.idle(), patience])
      cancelTimer()
      // What has not reached a boundary by now goes on as after a crash: nothing more is written here.
      shared.die(new ProcessDeath('stop'))
      await served?.close()
    },
  }
  return engine
}

/** Told to those who wait when a saga is given up here without an end. */
const LEFT = new Error('left for another owner')
