// The engine's end of a leg: sends it, answers the actor's calls home, sends it again while nothing is heard, gives up in the end.
import { cancelledFault, DEFAULT_DEADLINE_MS, GRACE_MS } from '#kernel/saga/attempt.ts'
import { decide, type Decision, type StepAt } from '#kernel/saga/plan.ts'
import { decodeError } from '#kernel/bus/wire.ts'
import { done, note, type Run, type Shared, type UnderWay } from '#kernel/saga/run.ts'
import { Fault } from '#kernel/contract/fault.ts'
import { homeRpc, legsRpc, type Leg, type Order, type Outcome } from '#kernel/saga/legs.ts'
import { locks } from '#kernel/lib/lock.ts'
import { ProcessDeath } from '#kernel/crossing/death.ts'
import type { Ctx } from '#kernel/lib/context.ts'
import type { Served } from '#kernel/bus/bus.ts'

export interface Traveller {
  /** Runs a step (and what follows it there) at a host. `logged`: all that was done is in the log. Throws the step's failure. */
  travel(
    run: Run,
    at: StepAt,
    place: { readonly actor: string; readonly host: string },
    mode: 'do' | 'undo',
    more: boolean,
  ): Promise<Readonly<Record<string, unknown>> | 'logged'>
  /** Resolves when no call home about the saga is being answered. */
  quiet(run: Run): Promise<void>
  /** Begins to answer calls home. */
  serve(): Promise<Served>
}

/** How much longer than the actor itself home waits for a deed: then the host is taken for silent. */
const SILENCE_MS = 10_000

/** `begin` swaps and logs before a step; false when the saga was overtaken. */
export function traveller(shared: Shared, begin: (run: Run, at: StepAt) => Promise<boolean>): Traveller {
  const { bus, clock } = shared.parts
  const inTurn = locks()

  const orderOf = (run: Run, at: StepAt, mode: 'do' | 'undo', more: boolean): Order => ({
    saga: run.known.saga.name,
    id: run.row.id,
    generation: run.row.generation,
    turn: run.turn,
    sentAt: clock.now(),
    key: at.key,
    mode,
    state: at.state,
    more,
    home: { topic: shared.parts.actor, host: shared.parts.host ?? null },
  })
  const same = (leg: UnderWay | undefined, other: Leg): leg is UnderWay =>
    leg !== undefined &&
    leg.order.id === other.id &&
    leg.order.generation === other.generation &&
    leg.order.turn === other.turn

  /** What the actor may do next on this leg; undefined when the leg is over. */
  const follow = async (run: Run, leg: UnderWay): Promise<(StepAt & { more: boolean }) | undefined> => {
    for (;;) {
      if (run.leg !== leg || run.row.cancelled || run.expired !== undefined || shared.stopping) return undefined
      const decision: Decision = decide(run.known.saga, run.row, run.rows)
      if (decision.next === 'note') {
        await note(shared, run, decision)
        continue
      }
      if (decision.next !== 'do') return undefined
      const place = run.known.places[decision.node.at]
      if (place?.kind !== 'remote' || place.actor !== leg.actor || decision.host !== leg.host) return undefined
      return (await begin(run, decision)) ? decision : undefined
    }
  }
  const next = async (outcome: Outcome): Promise<{ order: Order | null }> => {
    const run = shared.runs.get(outcome.id)
    const leg = run?.leg
    if (run === undefined || !same(leg, outcome)) return { order: null }
    // The answer to an earlier call was lost: here it is again.
    if (leg.order.key !== outcome.key) return { order: run.rows.get(outcome.key)?.state === 'done' ? leg.order : null }
    // Whatever goes wrong from here on, the engine itself meets it again when the leg is over.
    let following: (StepAt & { more: boolean }) | undefined
    try {
      const now = decide(run.known.saga, run.row, run.rows)
      if (now.next === 'do' && now.key === outcome.key) {
        await done(shared, run, now, outcome.output ?? {})
        following = await follow(run, leg)
      }
    } catch (error) {
      if (error instanceof ProcessDeath) throw error
    }
    if (following === undefined || run.leg !== leg) {
      leg.over(null)
      return { order: null }
    }
    leg.since = clock.now()
    leg.order = orderOf(run, following, 'do', following.more)
    run.step = following.key
    return { order: leg.order }
  }
  const orDie = <T>(work: Promise<T>): Promise<T> =>
    work.catch((error: unknown) => {
      if (error instanceof ProcessDeath) shared.die(error)
      throw error
    })

  return {
    quiet: run => inTurn.with(run.row.id, () => Promise.resolve()),
    serve: () =>
      bus.serve(homeRpc(shared.parts.actor), shared.parts.host ?? null, {
        next: (_ctx: Ctx, outcome) => orDie(inTurn.with(outcome.id, () => next(outcome))),
        async ended(_ctx, outcome) {
          const leg = shared.runs.get(outcome.id)?.leg
          if (same(leg, outcome) && leg.order.key === outcome.key) leg.over(outcome)
        },
        wanted: (_ctx, leg) => Promise.resolve({ wanted: same(shared.runs.get(leg.id)?.leg, leg) }),
      }),
    async travel(run, at, place, mode, more) {
      const asking = bus.client(legsRpc(place.actor)).on(place.host)
      const { signal } = run.abort
      run.turn += 1
      let stopWatch = (): void => undefined
      let unlisten = (): void => undefined
      try {
        const outcome = await new Promise<Outcome | null>((resolve, reject) => {
          const leg: UnderWay = { ...place, since: clock.now(), order: orderOf(run, at, mode, more), over: resolve }
          run.leg = leg
          // What the bus does not take now it is offered again later; only our own death ends the waiting.
          const offer = (work: Promise<void>): void =>
            void work.catch((error: unknown) => {
              if (error instanceof ProcessDeath) reject(error)
            })
          const send = (): void => offer(asking.leg(run.ctx, leg.order))
          const cancel = (): void => offer(asking.cancel(run.ctx, leg.order))
          const limitMs = (at.node.deadlineMs ?? DEFAULT_DEADLINE_MS) + GRACE_MS + SILENCE_MS
          const watch = (): void => {
            stopWatch = clock.after(shared.parts.resendMs ?? 30_000, () => {
              if (clock.now() - leg.since <= limitMs) {
                send()
                watch()
                return
              }
              cancel()
              reject(new Fault('HostSilent', 504, `${place.actor}@${place.host} did not report on ${leg.order.key}`))
            })
          }
          const aborted = (): void => {
            cancel()
            // The actor may be gone: then nobody is left who could stop, and undoing may begin.
            stopWatch()
            stopWatch = clock.after(GRACE_MS + SILENCE_MS, () => reject(signal.reason as Error))
          }
          if (mode === 'do') {
            if (signal.aborted) {
              reject((signal.reason as Error | undefined) ?? cancelledFault())
              return
            }
            signal.addEventListener('abort', aborted, { once: true })
            unlisten = () => signal.removeEventListener('abort', aborted)
          }
          watch()
          send()
        })
        if (shared.death !== undefined) throw shared.death
        if (outcome === null) return 'logged'
        if (outcome.error !== undefined) throw decodeError(outcome.error)
        return outcome.output ?? {}
      } finally {
        stopWatch()
        unlisten()
        run.leg = undefined
      }
    },
  }
}
