// The stock tests of a saga: each is one line beside the saga. They play it in worlds that the caller makes, and compare
// what is left in them with the beginning or with a good end.
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { atCrossing, dieAt } from '#kernel/crossing/faults.ts'
import { Fault } from '#kernel/contract/fault.ts'
import { ProcessDeath } from '#kernel/crossing/death.ts'
import { stepNames } from '#kernel/saga/plan.ts'
import type { Crossing, Hook } from '#kernel/crossing/crossing.ts'
import type { Ended } from '#kernel/saga/engine.ts'
import type { Saga, SagaNode, StepNode } from '#kernel/saga/saga.ts'

/** A world in which the saga can be played once: engine, actors, databases, simulated machines. */
export interface SagaWorld {
  /** Begins it and resolves with its end. With a virtual clock: moves it (`clock.during(…)`). */
  begin(): Promise<Ended>
  /**
   * Everything that may be left behind, comparable: databases, placement, hosts. Without what differs by chance (times, random ids), without
   * the saga log, and without what the `failed` hook is meant to leave (e.g. the status ERROR and its fault).
   */
  snapshot(): Promise<unknown>
  /**
   * The process died. Makes a new one over what the old one left (databases, machines), without the test's hooks, and resolves when it has
   * adopted and ended everything: `await engine.adopt({ force: true }); await engine.idle()`.
   */
  reborn(): Promise<void>
  close(): Promise<void>
}

/** `saga` is what is to be registered in this world instead of the original; `hooks` go onto its seam, outermost. */
export type MakeWorld<S> = (saga: S, hooks: readonly Hook[]) => Promise<SagaWorld>

type AnyDef = Pick<Saga<never, never, never>, 'name' | 'nodes' | 'options'>

const altered = <S extends Pick<AnyDef, 'nodes'>>(saga: S, change: (node: StepNode, path: string) => StepNode): S => {
  const walk = (nodes: readonly SagaNode[], prefix: string): SagaNode[] =>
    nodes.map(node =>
      node.type === 'step'
        ? change(node, prefix + node.name)
        : { ...node, nodes: walk(node.nodes, `${prefix}${node.name}/`) },
    )
  return { ...saga, nodes: walk(saga.nodes, '') }
}

const played = async <S>(make: MakeWorld<S>, saga: S, hooks: readonly Hook[] = []) => {
  const world = await make(saga, hooks)
  try {
    const before = await world.snapshot()
    const ended = await world.begin()
    return { before, ended, after: await world.snapshot() }
  } finally {
    await world.close()
  }
}
const goodEnd = async <S>(make: MakeWorld<S>, saga: S): Promise<{ before: unknown; after: unknown }> => {
  const good = await played(make, saga)
  assert.equal(
    good.ended.state,
    'done',
    `it does not even succeed undisturbed: ${good.ended.errors.map(e => e.message).join('; ')}`,
  )
  assert.notDeepEqual(good.after, good.before, 'a saga that changes nothing proves nothing')
  return good
}

/** Every deed done twice, with the same state: the end is as if once. */
export function runsTwiceWithoutHarm<S extends AnyDef>(saga: S, make: MakeWorld<S>): void {
  test(`${saga.name}: every step may run twice`, async () => {
    const good = await goodEnd(make, saga)
    const twice = altered(saga, node => ({
      ...node,
      do: async (s, t, run) => {
        await node.do(s, t, run)
        return node.do(s, t, run)
      },
    }))
    const { ended, after } = await played(make, twice)
    assert.equal(ended.state, 'done', ended.errors.map(e => e.message).join('; '))
    assert.deepEqual(after, good.after)
  })
}

const injected = (): Fault => new Fault('InjectedFault', 500, 'broken on purpose')

const failingAt = <S extends AnyDef>(
  saga: S,
  path: string,
  when: 'before' | 'after',
  undoes: number,
): { saga: S; ran: () => boolean } => {
  let ran = false
  const broken = altered(saga, (node, at) => {
    const { undo } = node
    return {
      ...node,
      ...(undo === undefined
        ? {}
        : {
            undo: async (s, t, run) => {
              for (let i = 0; i < undoes; i += 1) await undo(s, t, run)
            },
          }),
      ...(at !== path
        ? {}
        : {
            do: async (s, t, run) => {
              ran = true
              if (when === 'after') await node.do(s, t, run)
              throw injected()
            },
          }),
    }
  })
  return { saga: broken, ran: () => ran }
}

const unwindsWith = <S extends AnyDef>(saga: S, make: MakeWorld<S>, undoes: number): void => {
  for (const path of stepNames(saga))
    for (const when of ['before', 'after'] as const)
      test(`${saga.name}: unwinds when ${path} fails ${when} its effect${undoes > 1 ? ', each undo twice' : ''}`, async () => {
        const broken = failingAt(saga, path, when, undoes)
        const { before, ended, after } = await played(make, broken.saga)
        if (!broken.ran()) return assert.equal(ended.state, 'done', 'this input skips the step') // `when` said no
        assert.equal(ended.state, 'failed', `an undo failed: ${ended.errors.map(e => e.message).join('; ')}`)
        assert.equal(ended.errors.at(-1)?.message, injected().message)
        assert.deepEqual(after, before)
      })
}

/** A failure at each step in turn, before and after its effect: everything is as at the beginning. */
export const unwindsFromEveryStep = <S extends AnyDef>(saga: S, make: MakeWorld<S>): void => unwindsWith(saga, make, 1)

/** The same with every undo done twice. */
export const undoTwiceIsHarmless = <S extends AnyDef>(saga: S, make: MakeWorld<S>): void => unwindsWith(saga, make, 2)

export interface DeathOptions {
  /** Which crossings are counted. Default: all. */
  readonly only?: (crossing: Crossing) => boolean
  /** Every how manieth of them; a number > 1 makes it quicker and less thorough. Default 1. */
  readonly stride?: number
}

/**
 * Dies at each crossing in turn, before and after its deed; the next process ends it as if nothing had happened. A death before the saga was
 * written down leaves everything as at the beginning.
 */
export function diesAfterEveryCrossing<S extends AnyDef>(
  saga: S,
  make: MakeWorld<S>,
  options: DeathOptions = {},
): void {
  for (const when of ['before', 'after'] as const)
    test(`${saga.name}: survives a death ${when} each crossing`, async () => {
      const good = await goodEnd(make, saga)
      let written = false
      let deaths = 0
      for (let n = 1; ; n += options.stride ?? 1) {
        const dying = dieAt(atCrossing(n, when, options.only))
        const world = await make(saga, [dying.hook])
        try {
          const ended = await world.begin().catch((error: unknown) => {
            if (error instanceof ProcessDeath || dying.died() !== null) return null
            throw error
          })
          if (dying.died() === null) {
            assert.equal(ended?.state, 'done')
            break
          }
          deaths += 1
          await world.reborn()
          const after = await world.snapshot()
          const where = `death ${n}, at ${dying.died() ?? ''}`
          if (!written && isSame(after, good.before)) continue
          written = true
          assert.deepEqual(after, good.after, where)
        } finally {
          await world.close()
        }
      }
      assert.ok(deaths > 0, 'nothing crossed the seam')
    })
}

const isSame = (a: unknown, b: unknown): boolean => {
  try {
    assert.deepEqual(a, b)
    return true
  } catch {
    return false
  }
}
