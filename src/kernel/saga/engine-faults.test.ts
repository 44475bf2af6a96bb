// What the engine promises when messages are lost or doubled, hosts and owners die, undos fail, and people are impatient.
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { atName, fail } from '#kernel/crossing/faults.ts'
import { atPlace, serveLegs, type Order } from '#kernel/saga/legs.ts'
import { createBus } from '#kernel/bus/bus.ts'
import { createEngine, local, remote, type Engine } from '#kernel/saga/engine.ts'
import { crossings, type Crossing, type Hook } from '#kernel/crossing/crossing.ts'
import { Fault } from '#kernel/contract/fault.ts'
import { memorySagaLog } from '#kernel/saga/memory-log.ts'
import { memoryTransport } from '#kernel/bus/memory-transport.ts'
import { randomIds } from '#kernel/lib/ids.ts'
import { saga, type StepRun } from '#kernel/saga/saga.ts'
import { virtualClock } from '#kernel/lib/virtual-clock.ts'
import type { Address, Transport } from '#kernel/bus/transport.ts'
import type { Enter } from '#kernel/saga/run.ts'
import type { Served } from '#kernel/bus/bus.ts'

type Act = (step: string, run: StepRun) => Promise<void> | void
interface Tools {
  home: { act(step: string): Promise<void> }
  host: { act(step: string): Promise<void> }
}

const work = saga<Tools>()<{ id: string }>('work', {
  subject: s => s.id,
  taskState: 'a',
  home: 'home',
  failed: (_s, t, ending) =>
    t.act(`failed cancelled=${ending.cancelled} ${ending.errors.map(e => (e as Fault).code).join()}`),
})
  .step('one', { at: 'home', do: (_s, t) => t.act('one'), undo: (_s, t) => t.act('undo one') })
  .step('two', {
    at: 'host',
    onHost: () => 'h1',
    taskState: 'b',
    do: (_s, t) => t.act('two'),
    undo: (_s, t) => t.act('undo two'),
  })
  .step('three', {
    at: 'host',
    onHost: () => 'h1',
    deadlineMs: 60_000,
    do: (_s, t) => t.act('three'),
    undo: (_s, t) => t.act('undo three'),
  })
  .step('four', { at: 'home', do: (_s, t) => t.act('four') })

interface Options {
  readonly act?: Act
  readonly enter?: Enter
  readonly transport?: (inner: Transport) => Transport
  readonly hooks?: readonly Hook[]
  readonly noHost?: boolean
}

function world(options: Options = {}) {
  const clock = virtualClock()
  const ids = randomIds()
  const log = memorySagaLog()
  const acts: string[] = []
  const troubles: string[] = []
  const seen: Crossing[] = []
  const cross = crossings([(c, next) => (seen.push(c), next()), ...(options.hooks ?? [])])
  const inner = memoryTransport(clock)
  const bus = createBus({ transport: options.transport?.(inner) ?? inner, cross, ids })
  const tools = (run: StepRun) => ({
    act: async (step: string) => {
      await options.act?.(step, run)
      acts.push(step)
    },
  })
  const engineOf = (name = 'conductor'): Engine<unknown> => {
    const engine = createEngine({
      log,
      bus,
      clock,
      ids,
      cross,
      actor: name,
      db: 'db',
      onTrouble: message => troubles.push(message),
    })
    engine.register(work, {
      places: { home: local(name, tools), host: remote('worker') },
      ...(options.enter === undefined ? {} : { enter: options.enter }),
    })
    return engine
  }
  const serveHost = (): Promise<Served> =>
    serveLegs({ bus, clock, actor: 'worker', host: 'h1', sagas: [atPlace(work, 'host', tools)] })
  const engine = engineOf()
  const ctx = { requestId: 'req-1', who: null, actor: 'api', cross }
  const start = async (): Promise<Served | undefined> => {
    await engine.start()
    return options.noHost === true ? undefined : serveHost()
  }
  return { clock, log, acts, troubles, seen, bus, engine, engineOf, serveHost, ctx, start, inner }
}
const STRAIGHT = ['one', 'two', 'three', 'four']
const textOf = (text: string) => (JSON.parse(text) as { verb: string }).verb

test('every cast delivered twice: each step runs once', async () => {
  const w = world({
    transport: inner => ({
      ...inner,
      cast: async (to: Address, text: string) => (await inner.cast(to, text), inner.cast(to, text)),
    }),
  })
  await w.start()
  assert.equal((await w.clock.during(w.engine.run(work, { id: 's' }, w.ctx))).state, 'done')
  assert.deepEqual(w.acts, STRAIGHT)
})

for (const verb of ['leg', 'ended'])
  test(`a lost cast (${verb}) is made good`, async () => {
    let lost = 0
    const w = world({
      transport: inner => ({
        ...inner,
        cast: async (to, text) => {
          if (textOf(text) === verb && (lost += 1) <= 2) return
          await inner.cast(to, text)
        },
      }),
    })
    await w.start()
    assert.equal((await w.clock.during(w.engine.run(work, { id: 's' }, w.ctx))).state, 'done')
    assert.deepEqual(w.acts, STRAIGHT)
    assert.ok(lost > 2)
  })

test('the lost answer to a call home is asked for again, and nothing runs twice', async () => {
  let lost = 0
  const w = world({
    transport: inner => ({
      ...inner,
      call: async (to, text, timeoutMs) => {
        const answer = await inner.call(to, text, timeoutMs)
        if (textOf(text) === 'next' && (lost += 1) <= 3) throw new Fault('RpcTimeout', 504, 'lost')
        return answer
      },
    }),
  })
  await w.start()
  assert.equal((await w.clock.during(w.engine.run(work, { id: 's' }, w.ctx))).state, 'done')
  assert.deepEqual(w.acts, STRAIGHT)
})

test('an actor that dies in a step and comes back is sent the leg again', async () => {
  let hangs = true
  const w = world({ act: step => (step === 'three' && hangs ? new Promise(() => undefined) : undefined) })
  const served = await w.start()
  const run = w.engine.run(work, { id: 's' }, w.ctx)
  await w.clock.until(() => w.engine.running()[0]?.step === 'three')
  hangs = false
  await w.clock.during(served?.close() ?? Promise.resolve())
  await w.serveHost()
  assert.equal((await w.clock.during(run)).state, 'done')
  assert.deepEqual(w.acts, STRAIGHT)
})

test('a host that stays silent: the saga fails, its undo there is stuck and seen, and mends when the host is back', async () => {
  const w = world({ noHost: true })
  await w.start()
  const ended = await w.clock.during(w.engine.run(work, { id: 's' }, w.ctx))
  assert.equal(ended.state, 'stuck')
  assert.deepEqual(w.troubles.length, 1)
  assert.deepEqual(
    (await w.log.stuck()).map(row => row.subject),
    ['s'],
  )
  await w.serveHost()
  await w.clock.advance(1)
  assert.deepEqual(w.acts, ['one'], 'orders that nobody wants any more are not run')
  assert.equal(await w.engine.retryStuck(), 1)
  await w.clock.during(w.engine.idle())
  assert.deepEqual(w.acts.slice(1, 3), ['undo two', 'undo one'])
  assert.deepEqual(await w.log.stuck(), [])
})

test('an undo that fails for good is stuck, visible, and keeps the subject busy until it succeeds', async () => {
  let broken = true
  const w = world({
    act: step => {
      if (step === 'four' || (step === 'undo two' && broken)) throw new Error(`no ${step}`)
    },
  })
  await w.start()
  const ended = await w.clock.during(w.engine.run(work, { id: 's' }, w.ctx))
  assert.equal(ended.state, 'stuck')
  assert.deepEqual(w.acts, ['one', 'two', 'three', 'undo three'])
  assert.match(w.troubles[0] ?? '', /work of s is stuck: two could not be undone/)
  await assert.rejects(w.engine.prepare(undefined, work, { id: 's' }, w.ctx), { code: 'SagaBusy' })
  broken = false
  await w.engine.retryStuck()
  await w.clock.during(w.engine.idle())
  assert.deepEqual(w.acts.slice(4), ['undo two', 'undo one', 'failed cancelled=false RpcError,UndoFailed'])
})

test('a transient failure is tried again, another is not, a retried step keeps its key', async () => {
  let tries = 0
  const keys = new Set<string>()
  const w = world({
    act: (step, run) => {
      if (step !== 'two') return
      tries += 1
      keys.add(run.key)
      assert.equal(run.attempt, tries)
      if (tries < 3) throw new Fault('ServiceUnavailable', 503, 'later')
    },
  })
  await w.start()
  assert.equal((await w.clock.during(w.engine.run(work, { id: 's' }, w.ctx))).state, 'done')
  assert.deepEqual([tries, keys.size], [3, 1])
  const v = world({
    act: step => {
      if (step === 'two') throw new Fault('Conflict', 409, 'no')
    },
  })
  await v.start()
  assert.equal((await v.clock.during(v.engine.run(work, { id: 's' }, v.ctx))).state, 'failed')
  assert.deepEqual(v.acts, ['one', 'undo two', 'undo one', 'failed cancelled=false Conflict'])
})

test('a step past its deadline is aborted and undone', async () => {
  const w = world({ act: (step, run) => (step === 'three' ? w.clock.sleep(1e9, run.signal) : undefined) })
  await w.start()
  const ended = await w.clock.during(w.engine.run(work, { id: 's' }, w.ctx))
  assert.deepEqual([ended.state, (ended.errors[0] as Fault).code], ['failed', 'StepTimeout'])
  assert.deepEqual(w.acts.slice(2), ['undo three', 'undo two', 'undo one', 'failed cancelled=false StepTimeout'])
})

test('a body that does not listen to its deadline is left behind', async () => {
  const w = world({ act: step => (step === 'three' ? new Promise(() => undefined) : undefined) })
  await w.start()
  const ended = await w.clock.during(w.engine.run(work, { id: 's' }, w.ctx))
  assert.deepEqual([ended.state, (ended.errors[0] as Fault).code], ['failed', 'StepTimeout'])
})

test('a cancel that comes while a deed is being done waits for the deed, and no longer', async () => {
  const begun = Promise.withResolvers<void>()
  const gate = Promise.withResolvers<void>()
  const w = world({
    act: async step => {
      if (step !== 'two') return
      begun.resolve()
      await gate.promise // it does not listen
    },
  })
  await w.start()
  const id = await w.engine.prepare(undefined, work, { id: 's' }, w.ctx)
  w.engine.go(id)
  await begun.promise
  const cancelled = w.engine.cancel('s')
  await new Promise(resolve => setImmediate(resolve))
  gate.resolve()
  const from = w.clock.monotonic()
  await w.clock.during(cancelled)
  assert.deepEqual(w.acts, ['one', 'two', 'undo two', 'undo one', 'failed cancelled=true SagaCancelled'])
  assert.ok(w.clock.monotonic() - from < 1000, `${w.clock.monotonic() - from} ms`)
})

test('a lost swap unwinds quietly', async () => {
  const swaps: [string | null, string | null][] = []
  const w = world({ enter: async (_s, from, to) => (swaps.push([from, to]), false) })
  await w.start()
  const ended = await w.clock.during(w.engine.run(work, { id: 's' }, w.ctx))
  assert.deepEqual([ended.state, ended.cancelled], ['failed', true])
  assert.deepEqual(swaps, [['a', 'b']])
  assert.deepEqual(w.acts, ['one', 'undo one', 'failed cancelled=true SagaOvertaken'])
})

for (const step of ['one', 'two', 'three', 'four'])
  test(`cancel during ${step} wins`, async () => {
    let at = false
    const w = world({
      act: async name => {
        if (name === step) at = true
        if (name === step) await w.clock.sleep(1000) // does not even listen
      },
    })
    await w.start()
    const run = w.engine.run(work, { id: 's' }, w.ctx)
    await w.clock.until(() => at)
    const [cancelled] = await w.clock.during(w.engine.cancel('s'))
    assert.deepEqual([cancelled?.state, cancelled?.cancelled, (await run).state], ['failed', true, 'failed'])
    const undone = w.acts.filter(act => act.startsWith('undo')).map(act => act.slice(5))
    assert.deepEqual(undone, STRAIGHT.slice(0, Math.min(STRAIGHT.indexOf(step) + 1, 3)).reverse())
    assert.deepEqual(await w.engine.cancel('s'), [])
  })

test('a saga that was prepared and never begun can be cancelled, and is begun by the sweeper otherwise', async () => {
  const w = world()
  await w.start()
  await w.engine.prepare(undefined, work, { id: 's' }, w.ctx)
  const [ended] = await w.clock.during(w.engine.cancel('s'))
  assert.deepEqual([ended?.state, ended?.cancelled], ['failed', true])
  assert.deepEqual(w.acts, ['failed cancelled=true SagaCancelled'])
  await w.engine.prepare(undefined, work, { id: 's' }, w.ctx)
  assert.equal(await w.engine.adopt(), 0, 'its creator is about to begin it')
  await w.clock.advance(11_000)
  assert.equal(await w.engine.adopt(), 1)
  await w.clock.during(w.engine.idle())
  assert.deepEqual(w.acts.slice(1), STRAIGHT)
})

test('another engine takes over when the lease has ended, and the old one is fenced', async () => {
  let hold: (() => void) | undefined
  let first = true
  const w = world({
    act: async step => {
      if (step === 'one' && first) {
        first = false
        await new Promise<void>(resolve => (hold = resolve))
      }
    },
  })
  await w.start()
  const id = await w.engine.prepare(undefined, work, { id: 's' }, w.ctx)
  w.engine.go(id)
  await w.clock.until(() => hold !== undefined)
  const second = w.engineOf('conductor-2')
  await second.start()
  assert.equal(await second.adopt(), 0, 'its owner is alive')
  await w.clock.advance(40_000)
  assert.equal(await second.adopt(), 0, 'its lease was prolonged')
  assert.equal(await second.adopt({ force: true }), 1)
  await w.clock.during(second.idle())
  hold?.()
  await w.clock.during(w.engine.idle())
  assert.deepEqual(w.acts, ['one', 'two', 'three', 'four', 'one'], 'the late body ended; nothing followed it')
  assert.equal((await w.log.load(id))?.state, 'done')
  assert.equal(w.troubles.length, 1)
})

test('stop lets the step end, and the next engine goes on behind it', async () => {
  let at = false
  const w = world({
    act: async step => {
      if (step !== 'two') return
      at = true
      await w.clock.sleep(2000)
    },
  })
  const served = await w.start()
  const id = await w.engine.prepare(undefined, work, { id: 's' }, w.ctx)
  w.engine.go(id)
  await w.clock.until(() => at)
  await w.clock.during(w.engine.stop())
  assert.deepEqual(w.acts, ['one', 'two'])
  assert.equal((await w.log.load(id))?.owner, null)
  await w.clock.during(served?.close() ?? Promise.resolve())
  await w.serveHost()
  const next = w.engineOf()
  await next.start()
  assert.equal(await next.adopt(), 1)
  await w.clock.during(next.idle())
  assert.deepEqual(w.acts, STRAIGHT)
})

test('a log that cannot be written for a while only delays', async () => {
  const w = world()
  const { write } = w.log
  let calls = 0
  w.log.write = (...args) =>
    (calls += 1) % 3 === 0 ? write(...args) : Promise.reject(new Fault('DatabaseUnavailable', 503, 'full'))
  await w.start()
  assert.equal((await w.clock.during(w.engine.run(work, { id: 's' }, w.ctx))).state, 'done')
})

test('when the log stays away, the saga waits for the sweeper', async () => {
  const w = world()
  const { write } = w.log
  let away = true
  w.log.write = (...args) => (away ? Promise.reject(new Fault('DatabaseUnavailable', 503, 'full')) : write(...args))
  await w.start()
  const run = w.engine.run(work, { id: 's' }, w.ctx)
  await w.clock.until(() => w.troubles.length === 1)
  away = false
  assert.equal(await w.engine.adopt(), 1)
  assert.equal((await w.clock.during(run)).state, 'done')
})

test('a saga past its own deadline unwinds and complains', async () => {
  const timed = saga<Tools>()<{ id: string }>('timed', { subject: s => s.id, deadlineMs: 5000 })
    .step('one', { at: 'home', do: (_s, t) => t.act('one'), undo: (_s, t) => t.act('undo one') })
    .step('two', { at: 'home', do: (_s, t) => t.act('two') })
  const w = world({ act: (step, run) => (step === 'two' ? w.clock.sleep(1e9, run.signal) : undefined) })
  const tools = (run: StepRun) => ({
    act: async (step: string) => (step === 'two' ? w.clock.sleep(1e9, run.signal) : void w.acts.push(step)),
  })
  w.engine.register(timed, { places: { home: local('conductor', tools), host: remote('worker') } })
  await w.start()
  const ended = await w.clock.during(w.engine.run(timed, { id: 's' }, w.ctx))
  assert.deepEqual([ended.state, ended.cancelled, (ended.errors[0] as Fault).code], ['failed', false, 'SagaTimeout'])
  assert.deepEqual(w.acts, ['one', 'undo one'])
})

test('an injected failure of the message out is healed by sending again', async () => {
  const w = world({ hooks: [fail(atName('work:two', 'before', 1), () => new Fault('Injected', 500, 'lost'))] })
  await w.start()
  assert.equal((await w.clock.during(w.engine.run(work, { id: 's' }, w.ctx))).state, 'done')
  assert.deepEqual(w.acts, STRAIGHT)
})

test('an order of an older owner does not run', async () => {
  const orders: Order[] = []
  const w = world({
    transport: inner => ({
      ...inner,
      cast: async (to, text) => {
        const message = JSON.parse(text) as { verb: string; payload: Order }
        if (message.verb === 'leg') orders.push(message.payload)
        await inner.cast(to, text)
      },
    }),
  })
  await w.start()
  await w.clock.during(w.engine.run(work, { id: 's' }, w.ctx))
  const [first] = orders
  assert.ok(first)
  // Delivered once more, ten minutes later, also to an actor that has been started anew.
  await w.clock.advance(600_000)
  const { legsRpc } = await import('#kernel/saga/legs.ts')
  await w.bus.client(legsRpc('worker')).on('h1').leg(w.ctx, first)
  await w.serveHost()
  await w.bus.client(legsRpc('worker')).on('h1').leg(w.ctx, first)
  await w.bus.client(legsRpc('worker')).on('h1').leg(w.ctx, first)
  await w.clock.advance(1000)
  assert.deepEqual(w.acts, STRAIGHT)
})

test('a definition that throws ends the saga, wherever it throws', async () => {
  for (const first of ['home', 'host'] as const) {
    const broken = saga<Tools>()<{ id: string }>(`broken-${first}`, { subject: s => s.id })
      .step('one', { at: first, onHost: () => 'h1', do: (_s, t) => t.act('one'), undo: (_s, t) => t.act('undo one') })
      .step('two', {
        at: 'host',
        onHost: () => 'h1',
        when: () => {
          throw new Error('a mistake')
        },
        do: (_s, t) => t.act('two'),
      })
    const w = world({ noHost: true })
    const tools = () => ({ act: async (step: string) => void w.acts.push(step) })
    w.engine.register(broken, { places: { home: local('conductor', tools), host: remote('worker') } })
    await w.start()
    await serveLegs({
      bus: w.bus,
      clock: w.clock,
      actor: 'worker',
      host: 'h1',
      sagas: [atPlace(broken, 'host', tools)],
    })
    const ended = await w.clock.during(w.engine.run(broken, { id: 's' }, w.ctx))
    assert.deepEqual([ended.state, ended.errors[0]?.message], ['failed', 'a mistake'])
    assert.deepEqual(w.acts, ['one', 'undo one'])
    assert.ok(w.clock.monotonic() < 30_000, 'and not only after a while')
  }
})

test('a step that is not needed is shown on the seam', async () => {
  const some = saga<Tools>()<{ id: string }>('some', { subject: s => s.id })
    .step('one', { at: 'home', when: () => false, do: (_s, t) => t.act('one') })
    .step('two', { at: 'home', do: (_s, t) => t.act('two') })
  const w = world()
  const tools = () => ({ act: async () => undefined })
  w.engine.register(some, { places: { home: local('conductor', tools), host: remote('worker') } })
  await w.start()
  await w.clock.during(w.engine.run(some, { id: 's' }, w.ctx))
  assert.deepEqual(
    w.seen.map(c => `${c.kind} ${c.name}`),
    ['skip skip:some.one', 'db saga:two', 'db saga:two done', 'db saga:some done'],
  )
})
