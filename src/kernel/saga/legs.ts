// Consecutive steps at one remote actor travel as one leg: a cast out, a short call home before each further step (the actor
// has no database), a cast back. The actor runs its own copy of the definition.
import { attempt, cancelledFault } from '#kernel/saga/attempt.ts'
import { locate } from '#kernel/saga/plan.ts'
import { call, cast, rpc } from '#kernel/bus/rpc.ts'
import { encodeError, type WireFault } from '#kernel/bus/wire.ts'
import { ProcessDeath } from '#kernel/crossing/death.ts'
import { retry } from '#kernel/lib/retry.ts'
import { Fault } from '#kernel/contract/fault.ts'
import type { Bus, Served } from '#kernel/bus/bus.ts'
import type { Clock } from '#kernel/lib/clock.ts'
import type { Ctx } from '#kernel/lib/context.ts'
import type { AnySaga, Saga, State, StepRun } from '#kernel/saga/saga.ts'

/** One step's order. */
export interface Order {
  readonly saga: string
  readonly id: string
  readonly generation: number
  /** Counts the legs of one owner. Sent again, it keeps its number; a newer one replaces an older. */
  readonly turn: number
  /** Milliseconds since 1970. An old order is run only after home has confirmed it. */
  readonly sentAt: number
  readonly key: string
  readonly mode: 'do' | 'undo'
  readonly state: State
  /** True when the actor should ask home for a further step after this one. */
  readonly more: boolean
  /** Where home is. */
  readonly home: { readonly topic: string; readonly host: string | null }
}
export interface Outcome {
  readonly id: string
  readonly generation: number
  readonly turn: number
  readonly key: string
  readonly output?: Readonly<Record<string, unknown>>
  readonly error?: WireFault
}

/** Which leg: of which saga, which owner, which number. */
export interface Leg {
  readonly id: string
  readonly generation: number
  readonly turn: number
}
const newer = (a: Leg, b: Leg): boolean =>
  a.generation > b.generation || (a.generation === b.generation && a.turn > b.turn)

const nameOfStep = (order: { saga: string; key: string; mode: string }): string =>
  `${order.saga}:${order.mode === 'undo' ? 'undo-' : ''}${order.key.slice(order.key.lastIndexOf('/') + 1)}`

/** What an actor serves: legs of sagas. Its queue stands beside the actor's own verbs. */
export const legsRpc = (actor: string) =>
  rpc(`${actor}.legs`, {
    leg: cast<Order>({ title: nameOfStep }),
    cancel: cast<Leg>({ title: () => 'cancel-leg' }),
  })

/** What the engine serves: the way home. */
export const homeRpc = (actor: string) =>
  rpc(`${actor}.sagas`, {
    /** Reports a step as done; the answer is the next order, or none when the leg is over. */
    next: call<Outcome, { order: Order | null }>({ timeoutMs: 30_000, title: () => 'next-step' }),
    ended: cast<Outcome>({ title: () => 'leg-ended' }),
    /** Is this leg still wanted? */
    wanted: call<Leg, { wanted: boolean }>({ timeoutMs: 30_000, title: () => 'leg-wanted' }),
  })

/** A definition with the tools of the place where its steps run in this process. */
export interface SagaAtPlace {
  readonly saga: AnySaga
  readonly tools: (run: StepRun) => unknown
}

/** `atPlace(bootServer, 'compute', run => computeTools(run.ctx))`: tools are made anew for each try, from its context. */
export const atPlace = <Tools extends object, Input, S, P extends keyof Tools>(
  saga: Saga<Tools, Input, S>,
  _place: P,
  tools: (run: StepRun) => Tools[P],
): SagaAtPlace => ({ saga: saga as unknown as AnySaga, tools })

export interface LegServer {
  readonly bus: Bus
  readonly clock: Clock
  /** The component, e.g. `nova-compute`. */
  readonly actor: string
  readonly host: string
  readonly sagas: readonly SagaAtPlace[]
  /** A leg that could neither go on nor report home. The engine will send it again. */
  readonly onLost?: (order: Order, error: Error) => void
}

interface Running {
  readonly leg: Leg
  readonly abort: AbortController
  readonly over: Promise<void>
}

/** An order that lay about for longer may be out of date. */
const STALE_MS = 15_000
const REMEMBER = 1000
const PATIENCE = { tries: 10, firstMs: 200, factor: 2, maxMs: 15_000 }

/**
 * Lets an actor run legs. A leg that is sent twice runs once, and its outcome is reported again; a newer one replaces an older,
 * which ends first; one that lay in the queue for long is run only if it is still wanted.
 */
export function serveLegs(server: LegServer): Promise<Served> {
  const { bus, clock } = server
  const running = new Map<string, Running>()
  /** What became of the latest leg of each saga, oldest first. */
  const finished = new Map<string, { readonly leg: Leg; readonly outcome: Outcome | null }>()
  const sagas = new Map(server.sagas.map(at => [at.saga.name, at]))

  const home = (order: Order) => {
    const client = bus.client(homeRpc(order.home.topic))
    return order.home.host === null ? client.any() : client.on(order.home.host)
  }
  const once = async (ctx: Ctx, order: Order, signal: AbortSignal): Promise<Outcome> => {
    const outcome = { id: order.id, generation: order.generation, turn: order.turn, key: order.key }
    try {
      const at = sagas.get(order.saga)
      const node = at === undefined ? undefined : locate(at.saga, order.key)?.node
      if (at === undefined || node?.type !== 'step')
        throw new Fault('NoSuchStep', 500, `${server.actor}@${server.host} knows no step ${nameOfStep(order)}`)
      const output = await attempt({
        clock,
        node,
        mode: order.mode,
        state: order.state,
        tools: at.tools,
        ctx,
        sagaId: order.id,
        key: order.key,
        signal,
      })
      return { ...outcome, output }
    } catch (error) {
      if (error instanceof ProcessDeath) throw error
      return { ...outcome, error: encodeError(error) }
    }
  }
  /** Runs step after step. Returns what home has to hear at the end, or null when it knows already. */
  const run = async (ctx: Ctx, first: Order, signal: AbortSignal): Promise<Outcome | null> => {
    const asking = home(first)
    if (clock.now() - first.sentAt > STALE_MS) {
      const { wanted } = await retry(() => asking.wanted(ctx, first), { clock, signal, policy: PATIENCE })
      if (!wanted) return null
    }
    let order = first
    for (;;) {
      const outcome = await once(ctx, order, signal)
      if (outcome.error !== undefined || !order.more) return outcome
      // Home may be starting anew: it will either answer or send the leg again. A deed that was done although the leg was cancelled is
      // reported all the same, or home would wait for it.
      const { order: next } = await retry(() => asking.next(ctx, outcome), { clock, policy: PATIENCE })
      if (next === null) return null
      order = next
    }
  }
  const remember = (leg: Leg, outcome: Outcome | null): void => {
    finished.delete(leg.id)
    finished.set(leg.id, { leg, outcome })
    const oldest = finished.size > REMEMBER ? finished.keys().next().value : undefined
    if (oldest !== undefined) finished.delete(oldest)
  }

  return bus.serve(legsRpc(server.actor), server.host, {
    async leg(ctx, order) {
      const before = running.get(order.id)
      if (before !== undefined && !newer(order, before.leg)) return
      const past = finished.get(order.id)
      if (past !== undefined && !newer(order, past.leg)) {
        if (past.outcome !== null && !newer(past.leg, order)) await home(order).ended(ctx, past.outcome)
        return
      }
      const abort = new AbortController()
      let finish = (): void => undefined
      const over = new Promise<void>(resolve => {
        finish = resolve
      })
      const mine: Running = { leg: order, abort, over }
      running.set(order.id, mine)
      try {
        if (before !== undefined) {
          before.abort.abort(cancelledFault())
          await before.over
        }
        const outcome = await run(ctx, order, abort.signal)
        remember(order, outcome)
        if (outcome !== null) await home(order).ended(ctx, outcome)
      } catch (error) {
        if (error instanceof ProcessDeath) throw error
        server.onLost?.(order, error as Error)
      } finally {
        if (running.get(order.id) === mine) running.delete(order.id)
        finish()
      }
    },
    async cancel(_ctx, leg) {
      const now = running.get(leg.id)
      if (now !== undefined && !newer(now.leg, leg)) now.abort.abort(cancelledFault())
    },
  })
}
