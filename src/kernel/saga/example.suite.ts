// A saga with a local place and two remote hosts, and a world to play it in: what the stock tests are themselves tested on.
import { atPlace, serveLegs } from '#kernel/saga/legs.ts'
import { createBus } from '#kernel/bus/bus.ts'
import { createEngine, local, remote, type Ended, type Engine } from '#kernel/saga/engine.ts'
import { crossings, type Hook } from '#kernel/crossing/crossing.ts'
import { memoryTransport } from '#kernel/bus/memory-transport.ts'
import { randomIds } from '#kernel/lib/ids.ts'
import { saga, type StepRun } from '#kernel/saga/saga.ts'
import { virtualClock } from '#kernel/lib/virtual-clock.ts'
import type { SagaLog } from '#kernel/saga/log.ts'
import type { SagaWorld } from '#kernel/saga/saga.suite.ts'

/** Durable things, each put and taken away through a crossing. */
interface Shelf {
  put(what: string): Promise<void>
  drop(what: string): Promise<void>
}
interface Tools {
  conductor: Shelf
  compute: Shelf
}

export const build = saga<Tools>()<{ id: string; image: boolean }>('build', { subject: s => s.id, taskState: 'new' })
  .step('pick', { at: 'conductor', taskState: 'scheduling', do: async () => ({ hosts: ['h1', 'h2'] }) })
  .forEachUntilOne('on-a-host', { as: 'host', over: s => s.hosts, retryOn: () => true }, on =>
    on
      .step('claim', { at: 'conductor', do: (s, t) => t.put(`claim ${s.id}`), undo: (s, t) => t.drop(`claim ${s.id}`) })
      .step('learn', { at: 'compute', do: async s => ({ size: s.id.length }) })
      .step('fetch', { at: 'compute', when: s => s.image, do: async s => ({ base: `base-${s.size}` }) })
      .step('network', {
        at: 'compute',
        taskState: 'networking',
        do: async (s, t) => {
          await t.put(`port ${s.id}`)
          await t.put(`binding ${s.id}`)
          return { port: s.id }
        },
        undo: async (s, t) => {
          await t.drop(`binding ${s.id}`)
          await t.drop(`port ${s.id}`)
        },
      })
      .step('spawn', {
        at: 'compute',
        taskState: 'spawning',
        do: (s, t) => t.put(`guest ${s.port} ${s.base ?? ''}`),
        undo: (s, t) => t.drop(`guest ${s.id} ${s.base ?? ''}`),
      }),
  )
  .step('announce', {
    at: 'conductor',
    do: (s, t) => t.put(`active ${s.id}`),
    undo: (s, t) => t.drop(`active ${s.id}`),
  })

/** `makeLog` gives a log that outlives the process that is played in this world. */
export const world =
  (image: boolean, makeLog: () => Promise<SagaLog<never>>) =>
  async (def: typeof build, hooks: readonly Hook[]): Promise<SagaWorld> => {
    const clock = virtualClock()
    const ids = randomIds()
    const log = await makeLog()
    const things = new Set<string>()
    let taskState: string | null = 'new'
    let engine: Engine<never>
    const process = async (own: readonly Hook[]) => {
      const cross = crossings(own)
      const bus = createBus({ transport: memoryTransport(clock), cross, ids })
      engine = createEngine({ log, bus, clock, ids, cross, actor: 'nova-conductor', db: 'nova-db' })
      const shelf = (run: StepRun): Shelf => {
        const through = (name: string, deed: () => void) =>
          run.ctx.cross(
            { kind: 'driver', side: 'send', from: run.ctx.actor, to: 'shelf', name, requestId: run.ctx.requestId },
            async () => deed(),
          )
        return {
          put: what => through('put', () => void things.add(what)),
          drop: what => through('drop', () => void things.delete(what)),
        }
      }
      engine.register(def, {
        places: { conductor: local('nova-conductor', shelf), compute: remote('nova-compute') },
        enter: async (_subject, from, to) => {
          if (taskState !== from) return false
          taskState = to
          return true
        },
      })
      await engine.start()
      for (const host of ['h1', 'h2'])
        await serveLegs({ bus, clock, actor: 'nova-compute', host, sagas: [atPlace(def, 'compute', shelf)] })
      return { requestId: 'req-1', who: null, actor: 'nova-api', cross }
    }
    const ctx = await process(hooks)
    return {
      begin: (): Promise<Ended> => clock.during(engine.run(def, { id: 's1', image }, ctx)),
      snapshot: async () => [...things].sort(),
      async reborn() {
        await process([])
        await clock.during(engine.adopt({ force: true }))
        await clock.during(engine.idle())
      },
      close: async () => undefined,
    }
  }
