import { test } from 'node:test'
import assert from 'node:assert/strict'
import { createBus } from '#kernel/bus/bus.ts'
import { memoryTransport } from '#kernel/bus/memory-transport.ts'
import { createEngine, local, remote } from '#kernel/saga/engine.ts'
import type { Enter } from '#kernel/saga/run.ts'
import { crossings, type Crossing } from '#kernel/crossing/crossing.ts'
import { Fault } from '#kernel/contract/fault.ts'
import { atPlace, serveLegs } from '#kernel/saga/legs.ts'
import { memorySagaLog } from '#kernel/saga/memory-log.ts'
import { randomIds } from '#kernel/lib/ids.ts'
import { saga, type Ending, type StepRun } from '#kernel/saga/saga.ts'
import { virtualClock } from '#kernel/lib/virtual-clock.ts'

interface Tools {
  conductor: { note(text: string): Promise<void>; pick(): Promise<string[]> }
  compute: { note(text: string): Promise<void>; run: StepRun }
}
interface Boot {
  id: string
  image: boolean
}

const boot = saga<Tools>()<Boot>('boot', {
  subject: s => s.id,
  taskState: 'scheduling',
  home: 'conductor',
  failed: (s, t, ending: Ending) =>
    t.note(`failed ${String(s['id'])}: ${ending.errors.map(e => e.message).join('; ')}`),
})
  .step('pick', {
    at: 'conductor',
    do: async (_s, t) => ({ hosts: await t.pick() }),
    undo: (_s, t) => t.note('undo pick'),
  })
  .forEachUntilOne(
    'on-a-host',
    { as: 'host', over: s => s.hosts, retryOn: e => (e as Fault).code === 'Reschedule' },
    on =>
      on
        .step('claim', {
          at: 'conductor',
          do: (s, t) => t.note(`claim ${s.host}`),
          undo: (s, t) => t.note(`release ${s.host}`),
        })
        .step('learn', { at: 'compute', do: async (s, t) => (await t.note(`learn ${s.id}`), { flavor: 'm1' }) })
        .step('fetch', {
          at: 'compute',
          when: s => s.image,
          do: async (_s, t) => (await t.note('fetch'), { base: 'b' }),
        })
        .step('network', {
          at: 'compute',
          taskState: 'networking',
          do: async (s, t) => (await t.note(`network ${s.flavor} ${s.base ?? 'none'}`), { port: 'p' }),
          undo: (s, t) => t.note(`undo network ${s.port ?? '?'}`),
        })
        .step('spawn', {
          at: 'compute',
          taskState: 'spawning',
          do: (s, t) => t.note(`spawn ${s.port}`),
          undo: (_s, t) => t.note('destroy'),
        }),
  )
  .step('announce', { at: 'conductor', do: (s, t) => t.note(`active on ${s.host}`) })

function world(options: { onNote?: (text: string, run?: StepRun) => Promise<void> | void; enter?: Enter } = {}) {
  const seen: Crossing[] = []
  const notes: string[] = []
  const cross = crossings([(c, next) => (seen.push(c), next())])
  const clock = virtualClock()
  const ids = randomIds()
  const bus = createBus({ transport: memoryTransport(clock), cross, ids })
  const log = memorySagaLog()
  const troubles: string[] = []
  const engine = createEngine({
    log,
    bus,
    clock,
    ids,
    cross,
    actor: 'nova-conductor',
    db: 'nova-db',
    onTrouble: m => troubles.push(m),
  })
  const note = (host: string, run?: StepRun) => async (text: string) => {
    await options.onNote?.(text, run)
    notes.push(`${host}: ${text}`)
  }
  engine.register(boot, {
    places: {
      conductor: local('nova-conductor', run => ({ note: note('home', run), pick: async () => ['h1', 'h2'] })),
      compute: remote('nova-compute'),
    },
    ...(options.enter === undefined ? {} : { enter: options.enter }),
  })
  const ctx = { requestId: 'req-1', who: null, actor: 'nova-api', cross }
  const start = async () => {
    await engine.start()
    for (const host of ['h1', 'h2'])
      await serveLegs({
        bus,
        clock,
        actor: 'nova-compute',
        host,
        sagas: [atPlace(boot, 'compute', run => ({ note: note(host, run), run }))],
      })
  }
  return { seen, notes, cross, clock, bus, log, engine, ctx, start, troubles }
}

test('a boot goes through its places in order', async () => {
  const w = world()
  await w.start()
  const ended = await w.clock.during(w.engine.run(boot, { id: 's1', image: true }, w.ctx))
  assert.equal(ended.state, 'done')
  assert.deepEqual(w.notes, [
    'home: claim h1',
    'h1: learn s1',
    'h1: fetch',
    'h1: network m1 b',
    'h1: spawn p',
    'home: active on h1',
  ])
  const legs = w.seen.filter(c => c.kind !== 'db').map(c => `${c.kind} ${c.side} ${c.from} ${c.to} ${c.name}`)
  assert.deepEqual(legs.slice(0, 4), [
    'cast send nova-conductor nova-compute@h1 boot:learn',
    'cast take nova-conductor nova-compute@h1 boot:learn',
    'call send nova-compute@h1 nova-conductor next-step',
    'call take nova-compute@h1 nova-conductor next-step',
  ])
})

test('a failed candidate is undone before the next', async () => {
  const w = world({
    onNote: (text, run) => {
      if (text === 'spawn p' && run?.ctx.actor === 'nova-compute@h1') throw new Fault('Reschedule', 500, 'no kvm')
    },
  })
  await w.start()
  const ended = await w.clock.during(w.engine.run(boot, { id: 's1', image: false }, w.ctx))
  assert.equal(ended.state, 'done')
  assert.deepEqual(w.notes, [
    'home: claim h1',
    'h1: learn s1',
    'h1: network m1 none',
    'h1: destroy',
    'h1: undo network p',
    'home: release h1',
    'home: claim h2',
    'h2: learn s1',
    'h2: network m1 none',
    'h2: spawn p',
    'home: active on h2',
  ])
})

test('when nothing helps all is undone and the hook hears why', async () => {
  const w = world({
    onNote: text => {
      if (text === 'spawn p') throw new Fault('Reschedule', 500, 'no kvm')
    },
  })
  await w.start()
  const ended = await w.clock.during(w.engine.run(boot, { id: 's1', image: false }, w.ctx))
  assert.equal(ended.state, 'failed')
  assert.deepEqual(w.notes.slice(-2), ['home: undo pick', 'home: failed s1: no kvm; no kvm'])
})

test('cancel aborts a step at a host that waits, and unwinds', async () => {
  let waits = false
  const w = world({
    onNote: async (text, run) => {
      if (text !== 'spawn p') return
      waits = true
      await w.clock.sleep(1e9, run?.signal)
    },
  })
  await w.start()
  const run = w.engine.run(boot, { id: 's1', image: false }, w.ctx)
  await w.clock.until(() => waits)
  const [ended] = await w.clock.during(w.engine.cancel('s1'))
  assert.equal(ended?.cancelled, true)
  assert.equal(ended?.state, 'failed')
  assert.equal((await run).state, 'failed')
  assert.deepEqual(w.notes.slice(-5, -1), ['h1: destroy', 'h1: undo network p', 'home: release h1', 'home: undo pick'])
})

test('types: nobody reads what no step wrote', () => {
  saga<Tools>()<Boot>('t', { subject: s => s.id })
    .step('a', { at: 'conductor', when: s => s.image, do: async () => ({ x: 1 }) })
    .step('b', {
      at: 'conductor',
      do: async s => {
        // @ts-expect-error x is there only when a ran
        const x: number = s.x
        // @ts-expect-error no step wrote y
        return { z: x + s.y }
      },
    })
    // @ts-expect-error the conductor has no such tool
    .step('c', { at: 'conductor', do: (_s, t) => t.spawn() })
})
