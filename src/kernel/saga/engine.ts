// Runs sagas: asks the plan what comes next, writes it down, does it, writes that down. Owned by one actor (nova-conductor).
import { attempt, cancelledFault, DEFAULT_DEADLINE_MS, GRACE_MS } from '#kernel/saga/attempt.ts'
import { candidateToDrop, decide, HOOK, type Decision, type Rows, type StepAt } from '#kernel/saga/plan.ts'
import { decodeError, encodeError } from '#kernel/bus/wire.ts'
import { ProcessDeath } from '#kernel/crossing/death.ts'
import { Fault } from '#kernel/contract/fault.ts'
import {
  Fenced,
  isOver,
  type SagaChange,
  type SagaLog,
  type SagaRow,
  type SagaState,
  type StepRow,
} from '#kernel/saga/log.ts'
import { homeRpc, legsRpc, type Order, type Outcome } from '#kernel/saga/legs.ts'
import { locks } from '#kernel/lib/lock.ts'
import { retry } from '#kernel/lib/retry.ts'
import type { AnySaga, Saga, State, StepRun } from '#kernel/saga/saga.ts'
import type { Bus, Served } from '#kernel/bus/bus.ts'
import type { Clock } from '#kernel/lib/clock.ts'
import type { Cross } from '#kernel/crossing/crossing.ts'
import type { Ctx } from '#kernel/lib/context.ts'
import type { Ids } from '#kernel/lib/ids.ts'

/** Where a place's steps run: in this process with these tools, or at the remote actors of a component, one per host. */
export type PlaceAt<T> =
  | { readonly kind: 'local'; readonly actor: string; readonly tools: (run: StepRun) => T }
  | { readonly kind: 'remote'; readonly actor: string }

/** `local('nova-conductor', run => conductorTools(run.ctx))`: tools are made anew for each try, from its context. */
export const local = <T>(actor: string, tools: (run: StepRun) => T): PlaceAt<T> => ({ kind: 'local', actor, tools })
/** `remote('nova-compute')`: the actors that serve legs by `serveLegs`. */
export const remote = (actor: string): PlaceAt<never> => ({ kind: 'remote', actor })

/** The swap of the subject's task state: true if we won. */
export type Enter = (subject: string, from: string | null, to: string | null) => Promise<boolean>

export interface Ended {
  readonly id: string
  readonly state: Extract<SagaState, 'done' | 'failed' | 'stuck'>
  readonly cancelled: boolean
  readonly errors: readonly Error[]
}

export interface EngineParts<Q> {
  readonly log: SagaLog<Q>
  readonly bus: Bus
  readonly clock: Clock
  readonly ids: Ids
  readonly cross: Cross
  /** The component that owns the engine, e.g. `nova-conductor`; its database is called `nova-db` in crossings when `db` says so. */
  readonly actor: string
  readonly db: string
  /** Set where several engines share a log and a bus: how actors find this one. Default: nameless. */
  readonly host?: string | null
  /** How long an owner is believed alive without a sign. Default 60 s. */
  readonly leaseMs?: number
  /** How often a leg that does not report is sent again. Default 30 s. */
  readonly resendMs?: number
  /** Told of everything that must not be silent: stuck sagas, failures of the log. */
  readonly onTrouble?: (message: string, error: Error, sagaId: string) => void
}

export interface Engine<Q> {
  /** Makes a saga known, with a place for each of its places. `enter` swaps task states of its subjects. */
  register<Tools extends object, Input, S>(
    saga: Saga<Tools, Input, S>,
    at: { readonly places: { readonly [P in keyof Tools]: PlaceAt<Tools[P]> }; readonly enter?: Enter },
  ): void
  /** Starts serving the way home and the signs of life. */
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
  /** Resolves when it is done, undone or stuck, whoever runs it. */
  ended(id: string): Promise<Ended>
  /** Unwinds all unfinished sagas about the subject, also those not begun: aborts the running step, resolves when undone. Always wins. */
  cancel(subject: string, name?: string): Promise<readonly Ended[]>
  /**
   * Goes on with what has no living owner. At start in the only process: `{ force: true }` (everything is an orphan). As a sweeper: without;
   * then rows prepared less than `graceMs` ago (default 10 s) are left to their creator. Returns how many.
   */
  adopt(options?: { readonly force?: boolean; readonly graceMs?: number }): Promise<number>
  /** Tries the undos of stuck sagas again. Returns how many. */
  retryStuck(): Promise<number>
  /** What runs in this process now. */
  running(): readonly {
    readonly id: string
    readonly name: string
    readonly subject: string
    readonly step: string | null
    readonly sinceMs: number
  }[]
  readonly log: SagaLog<Q>
  /** Lets each saga reach a step boundary (at most `patienceMs`, default 10 s), releases them and stops serving. */
  stop(patienceMs?: number): Promise<void>
}

interface Known {
  readonly saga: AnySaga
  readonly places: Readonly<Record<string, PlaceAt<unknown>>>
  readonly enter: Enter | undefined
}

interface Run {
  readonly known: Known
  row: SagaRow
  readonly rows: Map<string, StepRow>
  readonly ctx: Ctx
  /** Aborted by a cancel: ends the running deed. */
  readonly abort: AbortController
  /** The leg under way: what it does now, and whom to tell when it is over. */
  leg:
    | { key: string; host: string; actor: string; since: number; order: Order; over: (outcome: Outcome | null) => void }
    | undefined
  step: string | null
  since: number
  /** True after it was taken over: its latest step may have happened already. */
  readonly resumed: boolean
}

/** Makes an engine. Nothing runs before `start`. */
export function createEngine<Q>(parts: EngineParts<Q>): Engine<Q> {
  const { log, bus, clock, ids, cross } = parts
  const leaseMs = parts.leaseMs ?? 60_000
  const owner = `${parts.actor}/${ids.hex()}`
  const sagas = new Map<string, Known>()
  const runs = new Map<string, Run>()
  const waiters = new Map<string, ((ended: Ended | Error) => void)[]>()
  const drives = new Set<Promise<void>>()
  const inTurn = locks()
  let served: Served | undefined
  let stopLease = (): void => undefined
  let stopping = false
  let death: ProcessDeath | undefined

  const trouble = (message: string, error: Error, id: string): void => parts.onTrouble?.(message, error, id)
  const endedOf = (row: SagaRow): Ended => ({
    id: row.id,
    state: row.state as Ended['state'],
    cancelled: row.cancelled,
    errors: row.errors.map(decodeError),
  })
  const tell = (id: string, ended: Ended | Error): void => {
    for (const waiter of waiters.get(id) ?? []) waiter(ended)
    waiters.delete(id)
  }
  const die = (error: ProcessDeath): void => {
    death = error
    stopLease()
    for (const run of runs.values()) run.leg?.over(null)
    for (const id of waiters.keys()) tell(id, error)
  }
  const seq = (run: Run, key: string): number => run.rows.get(key)?.seq ?? run.rows.size + 1

  /** One line of the log. Transient failures of the database are tried again; after a death nothing is written. */
  const write = async (run: Run, change: SagaChange | undefined, step?: StepRow): Promise<void> => {
    const { cancelled } = await retry(
      async () => {
        if (death !== undefined) throw death
        return log.write(run.row.id, run.row.generation, clock.now(), change, step)
      },
      { clock, policy: { tries: 8, firstMs: 50, factor: 2, maxMs: 5_000 } },
    )
    if (step !== undefined) run.rows.set(step.key, step)
    const { release: _release, ...changes } = change ?? {}
    const refused = changes.state === 'done' && cancelled
    run.row = { ...run.row, ...(refused ? {} : changes), cancelled }
  }
  const line = (run: Run, key: string, state: StepRow['state'], more: Partial<StepRow> = {}): StepRow => ({
    key,
    seq: seq(run, key),
    state,
    output: more.output ?? run.rows.get(key)?.output ?? null,
    error: more.error ?? run.rows.get(key)?.error ?? null,
    at: clock.now(),
  })
  const session = <T>(
    run: Run,
    name: string,
    payload: Record<string, unknown> | undefined,
    deed: () => Promise<T>,
  ): Promise<T> =>
    cross(
      {
        kind: 'db',
        side: 'send',
        from: parts.actor,
        to: parts.db,
        name,
        requestId: run.row.requestId,
        subject: run.row.subject,
        ...(payload === undefined ? {} : { payload }),
      },
      deed,
    )

  const unwind = (run: Run, error: Error, step?: StepRow): Promise<void> =>
    write(run, { state: 'unwinding', errors: [...run.row.errors, encodeError(error)] }, step)

  /** Swap and log before a step. False: it was overtaken and now unwinds. */
  const begin = async (run: Run, at: StepAt): Promise<boolean> => {
    const { taskState } = at.node
    return session(run, `saga:${at.node.name}`, taskState === undefined ? undefined : { task: taskState }, async () => {
      if (death !== undefined) throw death
      const { enter } = run.known
      if (taskState !== undefined && enter !== undefined) {
        const from = run.row.taskState
        const won =
          (await enter(run.row.subject, from, taskState)) ||
          // Whoever died may have made the swap and not written it down.
          (run.resumed && from !== taskState && (await enter(run.row.subject, taskState, taskState)))
        if (!won) {
          const error = new Fault(
            'SagaOvertaken',
            409,
            `${run.row.subject} is in another state than ${from ?? 'none'} now`,
          )
          await write(run, { state: 'unwinding', cancelled: true, errors: [...run.row.errors, encodeError(error)] })
          return false
        }
      }
      await write(
        run,
        taskState === undefined ? undefined : { taskState },
        line(run, at.key, 'started', { output: null, error: null }),
      )
      return true
    })
  }
  const done = (run: Run, at: StepAt, output: Readonly<Record<string, unknown>>): Promise<void> =>
    session(run, `saga:${at.node.name} done`, undefined, () =>
      write(run, undefined, line(run, at.key, 'done', { output })),
    )

  const failed = async (run: Run, key: string, error: Error, step: StepRow | undefined): Promise<void> => {
    const candidate = run.row.cancelled ? undefined : candidateToDrop(run.known.saga, key, error)
    if (candidate === undefined) return unwind(run, error, step)
    await write(run, { errors: [...run.row.errors, encodeError(error)] }, step)
    await write(run, undefined, line(run, candidate, 'failed', { error: encodeError(error) }))
  }

  const placeOf = (run: Run, at: StepAt): PlaceAt<unknown> => {
    const place = run.known.places[at.node.at]
    if (place === undefined) throw new Fault('NoSuchPlace', 500, `${run.known.saga.name}: nobody is the ${at.node.at}`)
    return place
  }

  /** Runs a body where it belongs. Remote: as a leg, which may do further steps before it is over. */
  const execute = async (
    run: Run,
    at: StepAt,
    mode: 'do' | 'undo',
    more: boolean,
  ): Promise<Readonly<Record<string, unknown>> | 'logged'> => {
    const place = placeOf(run, at)
    run.step = at.key
    run.since = clock.now()
    if (place.kind === 'local')
      return attempt({
        clock,
        node: at.node,
        mode,
        state: at.state,
        tools: place.tools,
        ctx: { ...run.ctx, actor: place.actor },
        sagaId: run.row.id,
        key: at.key,
        signal: run.abort.signal,
      })
    if (at.host === undefined) throw new Fault('NoHost', 500, `${at.node.name}: no host to run at`)
    return travel(run, at, place.actor, at.host, mode, more)
  }

  const orderOf = (run: Run, at: StepAt, mode: 'do' | 'undo', more: boolean): Order => ({
    saga: run.known.saga.name,
    id: run.row.id,
    generation: run.row.generation,
    key: at.key,
    mode,
    state: at.state,
    more,
    home: { topic: parts.actor, host: parts.host ?? null },
  })

  const travel = async (run: Run, at: StepAt, actor: string, host: string, mode: 'do' | 'undo', more: boolean) => {
    const asking = bus.client(legsRpc(actor)).on(host)
    let stopWatch = (): void => undefined
    try {
      const outcome = await new Promise<Outcome | null>((resolve, reject) => {
        const leg = { key: at.key, host, actor, since: clock.now(), order: orderOf(run, at, mode, more), over: resolve }
        run.leg = leg
        const limit = (): number => (at.node.deadlineMs ?? DEFAULT_DEADLINE_MS) + GRACE_MS + 10_000
        const send = (): void => void asking.leg(run.ctx, leg.order).catch((error: Error) => reject(error))
        const watch = (): void => {
          stopWatch = clock.after(parts.resendMs ?? 30_000, () => {
            if (clock.now() - leg.since > limit()) {
              void asking.cancel(run.ctx, { id: run.row.id, generation: run.row.generation }).catch(() => undefined)
              reject(new Fault('HostSilent', 504, `${actor}@${host} did not report on ${leg.key}`))
              return
            }
            send() // lost, or its actor began anew: one that runs is not run twice
            watch()
          })
        }
        const cancel = (): void => {
          void asking.cancel(run.ctx, { id: run.row.id, generation: run.row.generation }).catch(() => undefined)
          // The actor may be gone: then nobody is left who could stop, and undoing may begin.
          stopWatch()
          stopWatch = clock.after(GRACE_MS * 2, () => reject(cancelledFault()))
        }
        if (mode === 'do') {
          if (run.abort.signal.aborted) return reject(cancelledFault())
          run.abort.signal.addEventListener('abort', cancel, { once: true })
        }
        watch()
        send()
      })
      if (death !== undefined) throw death
      if (outcome === null) return 'logged' as const
      if (outcome.error !== undefined) throw Object.assign(decodeError(outcome.error), { at: outcome.key })
      return outcome.output ?? {}
    } finally {
      stopWatch()
      run.leg = undefined
    }
  }

  const forward = async (run: Run, at: StepAt & { more: boolean }): Promise<void> => {
    if (!(await begin(run, at))) return
    let now: StepAt = at
    try {
      const output = await execute(run, at, 'do', at.more)
      if (output === 'logged') return
      // A leg may have gone on to later steps: what came back is about the last of them.
      now = lastOf(run, at)
      await done(run, now, output)
    } catch (error) {
      if (error instanceof ProcessDeath || error instanceof Fenced) throw error
      now = lastOf(run, at)
      await failed(run, now.key, error as Error, line(run, now.key, 'failed', { error: encodeError(error) }))
    }
  }
  /** The step that is started now: the leg's first, or a later one of it. */
  const lastOf = (run: Run, at: StepAt): StepAt => {
    if (run.rows.get(at.key)?.state === 'started') return at
    const decision = decide(run.known.saga, run.row, run.rows)
    return decision.next === 'do' && run.rows.get(decision.key)?.state === 'started' ? decision : at
  }

  const backward = async (run: Run, at: StepAt): Promise<void> => {
    await session(run, `saga:undo-${at.node.name}`, undefined, () =>
      write(run, undefined, line(run, at.key, 'undoing')),
    )
    try {
      await execute(run, at, 'undo', false)
    } catch (error) {
      if (error instanceof ProcessDeath || error instanceof Fenced) throw error
      const why = new Fault('UndoFailed', 500, `${at.key} could not be undone`, { cause: error })
      await write(run, { state: 'stuck', errors: [...run.row.errors, encodeError(why)] })
      trouble(
        `${run.row.name} of ${run.row.subject} is stuck: ${at.key} could not be undone`,
        error as Error,
        run.row.id,
      )
      return
    }
    await session(run, `saga:undo-${at.node.name} done`, undefined, () =>
      write(run, undefined, line(run, at.key, 'undone')),
    )
  }

  const hook = async (run: Run, state: State): Promise<void> => {
    const { failed: complain, home } = run.known.saga.options
    const place = home === undefined ? undefined : run.known.places[home]
    await session(run, 'saga:failed', undefined, () => write(run, undefined, line(run, HOOK, 'started')))
    try {
      await attempt({
        clock,
        node: {
          type: 'step',
          name: 'failed',
          at: home ?? '',
          do: async () => undefined,
          undo: async (s, t, stepRun) =>
            complain?.(s, t, { errors: run.row.errors.map(decodeError), cancelled: run.row.cancelled, run: stepRun }),
        },
        mode: 'undo',
        state,
        tools: place?.kind === 'local' ? place.tools : () => ({}),
        ctx: { ...run.ctx, actor: place?.actor ?? parts.actor },
        sagaId: run.row.id,
        key: HOOK,
        signal: run.abort.signal,
      })
    } catch (error) {
      if (error instanceof ProcessDeath || error instanceof Fenced) throw error
      await write(run, { state: 'stuck', errors: [...run.row.errors, encodeError(error)] })
      trouble(
        `${run.row.name} of ${run.row.subject} is stuck: its failure could not be reported`,
        error as Error,
        run.row.id,
      )
      return
    }
    await write(run, undefined, line(run, HOOK, 'done'))
  }

  const act = async (run: Run, decision: Decision): Promise<void> => {
    switch (decision.next) {
      case 'note':
        return write(run, undefined, line(run, decision.key, decision.state, { output: decision.output }))
      case 'do':
        return forward(run, decision)
      case 'undo':
        return backward(run, decision)
      case 'exhausted': {
        const candidate = candidateToDrop(run.known.saga, decision.key, decision.error)
        if (candidate === undefined) return write(run, { state: 'unwinding' })
        return write(run, undefined, line(run, candidate, 'failed', { error: encodeError(decision.error) }))
      }
      case 'hook':
        return hook(run, decision.state)
      case 'done':
      case 'failed':
        return session(run, `saga:${run.row.name} ${decision.next}`, undefined, () =>
          write(run, { state: decision.next }),
        )
    }
  }

  const drive = async (run: Run): Promise<void> => {
    const { id } = run.row
    try {
      if (run.row.state === 'prepared') await write(run, { state: 'running' })
      if (run.row.state === 'stuck') await write(run, { state: 'unwinding' })
      while (!isOver(run.row.state) && (run.row.state as SagaState) !== 'stuck') {
        if (stopping) {
          await write(run, { release: true })
          return
        }
        if (run.row.cancelled && run.row.state === 'running') await unwind(run, cancelledFault())
        await act(run, decide(run.known.saga, run.row, run.rows))
        run.step = null
      }
      tell(id, endedOf(run.row))
    } catch (error) {
      if (error instanceof ProcessDeath) die(error)
      // Neither done nor undone: its row says so, and the sweeper comes back to it when the lease has ended.
      else trouble(`${run.row.name} of ${run.row.subject} was left for the sweeper`, error as Error, id)
    } finally {
      runs.delete(id)
    }
  }

  const take = (id: string, force: boolean): Promise<boolean> =>
    inTurn.with(id, async () => {
      if (death !== undefined || stopping || runs.has(id)) return false
      const row = await log.claim(id, owner, clock.now(), clock.now() + leaseMs, force)
      if (row === undefined) return false
      const known = sagas.get(row.name)
      if (known === undefined) {
        trouble(`nobody here knows the saga ${row.name}`, new Error('unknown saga'), id)
        return false
      }
      const rows = new Map((await log.steps(id)).map(step => [step.key, step]))
      const run: Run = {
        known,
        row,
        rows,
        ctx: { requestId: row.requestId, who: row.who, actor: parts.actor, cross, subject: row.subject },
        abort: new AbortController(),
        leg: undefined,
        step: null,
        since: clock.now(),
        resumed: row.generation > 1,
      }
      if (row.cancelled) run.abort.abort(cancelledFault())
      runs.set(id, run)
      const drive_ = drive(run)
      drives.add(drive_)
      void drive_.finally(() => drives.delete(drive_))
      return true
    })

  const nextOrder = (ctx: Ctx, outcome: Outcome): Promise<{ order: Order | null }> =>
    inTurn
      .with(`leg:${outcome.id}`, async () => {
        const run = runs.get(outcome.id)
        const leg = run?.leg
        if (run === undefined || leg === undefined || run.row.generation !== outcome.generation) return { order: null }
        // The answer to an earlier call was lost: here it is again.
        if (leg.key !== outcome.key) return { order: run.rows.get(outcome.key)?.state === 'done' ? leg.order : null }
        const now = decide(run.known.saga, run.row, run.rows)
        if (now.next !== 'do' || now.key !== outcome.key) return { order: null }
        await done(run, now, outcome.output ?? {})
        for (;;) {
          const decision = run.row.cancelled || stopping ? undefined : decide(run.known.saga, run.row, run.rows)
          if (decision?.next === 'note') {
            await act(run, decision)
            continue
          }
          const place = decision?.next === 'do' ? run.known.places[decision.node.at] : undefined
          const same =
            decision?.next === 'do' &&
            place?.kind === 'remote' &&
            place.actor === leg.actor &&
            decision.host === leg.host
          if (!same || !(await begin(run, decision))) {
            leg.over(null)
            return { order: null }
          }
          leg.key = decision.key
          leg.since = clock.now()
          leg.order = orderOf(run, decision, 'do', decision.more)
          run.step = decision.key
          return { order: leg.order }
        }
      })
      .catch((error: unknown) => {
        if (error instanceof ProcessDeath) die(error)
        throw error
      })

  const ended = async (id: string): Promise<Ended> => {
    for (;;) {
      if (death !== undefined) throw death
      const row = runs.get(id)?.row ?? (await log.load(id))
      if (row === undefined) throw new Fault('NoSuchSaga', 404, `no saga ${id}`)
      if (isOver(row.state) || row.state === 'stuck') return endedOf(row)
      if (runs.has(id)) {
        const told = await new Promise<Ended | Error>(resolve => waiters.set(id, [...(waiters.get(id) ?? []), resolve]))
        if (told instanceof Error) throw told
        return told
      }
      await clock.sleep(250) // somebody else's
    }
  }

  const engine: Engine<Q> = {
    log,
    register: (saga, at) =>
      void sagas.set(saga.name, {
        saga: saga as unknown as AnySaga,
        places: at.places as Known['places'],
        enter: at.enter,
      }),
    async start() {
      served = await bus.serve(homeRpc(parts.actor), parts.host ?? null, {
        next: nextOrder,
        ended: async (_ctx, outcome) => {
          const run = runs.get(outcome.id)
          if (run?.leg !== undefined && run.row.generation === outcome.generation && run.leg.key === outcome.key)
            run.leg.over(outcome)
        },
      })
      const tick = (): void => {
        stopLease = clock.after(leaseMs / 3, () => {
          if (death !== undefined) return
          if (runs.size > 0)
            log
              .renew(owner, clock.now() + leaseMs)
              .catch((error: Error) => trouble('leases could not be renewed', error, ''))
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
    go: id => void take(id, false).catch((error: Error) => trouble('a saga could not be begun', error, id)),
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
          const run = runs.get(id)
          if (run !== undefined) {
            run.row = { ...run.row, cancelled: true }
            run.abort.abort(cancelledFault())
          } else await take(id, false)
          return ended(id)
        }),
      )
    },
    async adopt(options = {}) {
      const now = clock.now()
      let count = 0
      for (const row of await log.unfinished()) {
        if (options.force !== true && row.state === 'prepared' && row.createdAt > now - (options.graceMs ?? 10_000))
          continue
        if (await take(row.id, options.force === true)) count += 1
      }
      return count
    },
    async retryStuck() {
      let count = 0
      for (const row of await log.stuck()) if (await take(row.id, false)) count += 1
      return count
    },
    running: () =>
      [...runs.values()].map(run => ({
        id: run.row.id,
        name: run.row.name,
        subject: run.row.subject,
        step: run.leg?.key ?? run.step,
        sinceMs: clock.now() - run.since,
      })),
    async stop(patienceMs = 10_000) {
      stopping = true
      let cancelTimer = (): void => undefined
      const patience = new Promise<void>(resolve => {
        cancelTimer = clock.after(patienceMs, resolve)
      })
      await Promise.race([Promise.all(drives), patience])
      cancelTimer()
      stopLease()
      await served?.close()
    },
  }
  return engine
}
