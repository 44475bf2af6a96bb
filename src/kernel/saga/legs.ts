// Consecutive steps at one remote actor travel as one leg: a cast out, a short call home before each further step (the actor
// has no database), a cast back. The actor runs its own copy of the definition.
import { attempt, cancelledFault } from '#kernel/saga/attempt.ts'
import { locate } from '#kernel/saga/plan.ts'
import { call, cast, rpc } from '#kernel/bus/rpc.ts'
import { encodeError, type WireFault } from '#kernel/bus/wire.ts'
import { ProcessDeath } from '#kernel/crossing/death.ts'
import { retry } from '#kernel/lib/retry.ts'
import type { Bus, Served } from '#kernel/bus/bus.ts'
import type { Clock } from '#kernel/lib/clock.ts'
import type { Ctx } from '#kernel/lib/context.ts'
import type { AnySaga, Saga, State, StepRun } from '#kernel/saga/saga.ts'

/** One step's order. */
export interface Order {
  readonly saga: string
  readonly id: string
  readonly generation: number
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
  readonly key: string
  readonly output?: Readonly<Record<string, unknown>>
  readonly error?: WireFault
}

const nameOfStep = (order: { saga: string; key: string; mode: string }): string =>
  `${order.saga}:${order.mode === 'undo' ? 'undo-' : ''}${order.key.slice(order.key.lastIndexOf('/') + 1)}`

/** What an actor serves: legs of sagas. Its queue stands beside the actor's own verbs. */
export const legsRpc = (actor: string) =>
  rpc(`${actor}.legs`, {
    leg: cast<Order>({ title: nameOfStep }),
    cancel: cast<{ id: string; generation: number }>({ title: () => 'cancel-leg' }),
  })

/** What the engine serves: the way home. */
export const homeRpc = (actor: string) =>
  rpc(`${actor}.sagas`, {
    /** Reports a step as done; the answer is the next order, or none when the leg is over. */
    next: call<Outcome, { order: Order | null }>({ timeoutMs: 30_000, title: () => 'next-step' }),
    ended: cast<Outcome>({ title: () => 'leg-ended' }),
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
  readonly generation: number
  readonly abort: AbortController
  readonly over: Promise<void>
}

/** Lets an actor run legs. A leg that is sent twice runs once; one of a newer owner replaces the older one's. */
export function serveLegs(server: LegServer): Promise<Served> {
  const running = new Map<string, Running>()
  const sagas = new Map(server.sagas.map(at => [at.saga.name, at]))

  const once = async (ctx: Ctx, order: Order, signal: AbortSignal): Promise<Outcome> => {
    const outcome = { id: order.id, generation: order.generation, key: order.key }
    try {
      const at = sagas.get(order.saga)
      const node = at === undefined ? undefined : locate(at.saga, order.key)?.node
      if (at === undefined || node?.type !== 'step')
        throw new Error(`${server.actor}@${server.host} knows no step ${nameOfStep(order)}`)
      const output = await attempt({
        clock: server.clock,
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

  const run = async (ctx: Ctx, first: Order, signal: AbortSignal): Promise<void> => {
    let order = first
    for (;;) {
      const outcome = await once(ctx, order, signal)
      const home = server.bus.client(homeRpc(order.home.topic))
      const asking = order.home.host === null ? home.any() : home.on(order.home.host)
      if (outcome.error !== undefined || !order.more) return asking.ended(ctx, outcome)
      // Home may be starting anew: it will either answer or send the leg again.
      const { order: next } = await retry(() => asking.next(ctx, outcome), {
        clock: server.clock,
        signal,
        policy: { tries: 10, firstMs: 200, factor: 2, maxMs: 15_000 },
      })
      if (next === null) return
      order = next
    }
  }

  return server.bus.serve(legsRpc(server.actor), server.host, {
    async leg(ctx, order) {
      const before = running.get(order.id)
      if (before !== undefined && before.generation >= order.generation) return
      const abort = new AbortController()
      let finish = (): void => undefined
      const mine: Running = {
        generation: order.generation,
        abort,
        over: new Promise<void>(resolve => {
          finish = resolve
        }),
      }
      running.set(order.id, mine)
      try {
        if (before !== undefined) {
          before.abort.abort(cancelledFault())
          await before.over
        }
        await run(ctx, order, abort.signal)
      } catch (error) {
        if (error instanceof ProcessDeath) throw error
        server.onLost?.(order, error as Error)
      } finally {
        if (running.get(order.id) === mine) running.delete(order.id)
        finish()
      }
    },
    async cancel(_ctx, { id, generation }) {
      const leg = running.get(id)
      if (leg !== undefined && leg.generation <= generation) leg.abort.abort(cancelledFault())
    },
  })
}
