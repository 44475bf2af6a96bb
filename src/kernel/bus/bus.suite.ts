// What the bus promises, whatever carries it. The memory transport passes; a broker's has to.
import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { call, cast, rpc } from '#kernel/bus/rpc.ts'
import { createBus, type Bus, type DeadLetter } from '#kernel/bus/bus.ts'
import { crossings, type Crossing, type Hook } from '#kernel/crossing/crossing.ts'
import { Fault } from '#kernel/contract/fault.ts'
import { randomIds } from '#kernel/lib/ids.ts'
import type { Ctx, Who } from '#kernel/lib/context.ts'
import type { Transport } from '#kernel/bus/transport.ts'

/** One transport under test. `until` waits for a condition in the transport's own time (virtual or real). */
export interface TransportUnderTest {
  /** A fresh one, empty queues; or, given the same again, another connection to the same broker is not needed: one process is enough. */
  make(): Promise<Transport>
  until(done: () => boolean): Promise<void>
  /** Lets a work that waits for a deadline come to its end. */
  during<T>(work: Promise<T>): Promise<T>
}

const Compute = rpc('suite-compute', {
  add: call<{ a: number; b: number }, { sum: number }>({ timeoutMs: 2000 }),
  fail: call<{ how: string }>({ timeoutMs: 2000 }),
  hang: call<{ ms: number }>({ timeoutMs: 300 }),
  refresh: cast<{ group: string }>(),
  leg: cast<{ step: string }>({ title: leg => `boot:${leg.step}` }),
})

const who: Who = {
  userId: 'u',
  userName: 'alice',
  userDomainId: 'default',
  userDomainName: 'Default',
  projectId: 'p',
  projectName: 'demo',
  projectDomainId: 'default',
  projectDomainName: 'Default',
  domainId: null,
  system: false,
  roles: ['member', 'reader'],
  token: 'secret',
  expiresAt: 1,
  auditIds: ['a'],
  methods: ['password'],
}

export function busSuite(name: string, given: TransportUnderTest): void {
  const setUp = async (hooks: readonly Hook[] = []) => {
    const seen: Crossing[] = []
    const letters: DeadLetter[] = []
    const cross = crossings([(c, next) => (seen.push(c), next()), ...hooks])
    const transport = await given.make()
    const bus = createBus({ transport, cross, ids: randomIds(), onDeadLetter: letter => letters.push(letter) })
    const ctx: Ctx = { requestId: 'req-1', who, actor: 'suite-api', cross, subject: 's1' }
    return { bus, ctx, seen, letters, transport, ask: bus.client(Compute) }
  }
  const log: string[] = []
  const serve = (bus: Bus, host: string | null, atOnce?: number) =>
    bus.serve(
      Compute,
      host,
      {
        add: async (ctx, { a, b }) => (log.push(`${ctx.actor} add`), { sum: a + b }),
        fail: async (_ctx, { how }) => {
          if (how === 'fault')
            throw new Fault('VolumeBusy', 409, 'The volume is busy.', {
              because: [{ who: 'state', says: 'in use', has: 'in-use', wants: 'available' }],
              cause: new Fault('DeviceBusy', 500, 'vdb is busy', { cause: new TypeError('low down') }),
              extra: { volume: 'v1' },
            })
          if (how === 'plain') throw new RangeError('out of range')
          if (how === 'text') throw 'a text' // oxlint-disable-line only-throw-error
        },
        hang: () => new Promise(() => undefined),
        refresh: async (ctx, { group }) => {
          if (group === 'bad') throw new Error('cannot refresh')
          log.push(`${ctx.actor} refresh ${group}`)
        },
        leg: async (ctx, { step }) => void log.push(`${ctx.actor} leg ${step}`),
      },
      atOnce === undefined ? {} : { atOnce },
    )

  describe(`bus: ${name}`, () => {
    test('a call is answered; both sides are on the seam with one message id; the context travels', async () => {
      const { bus, ctx, seen, ask } = await setUp()
      let taken: Ctx | undefined
      await bus.serve(rpc('suite-who', { ask: call<object, { n: number }>({ timeoutMs: 2000 }) }), 'h1', {
        ask: async c => ((taken = c), { n: 1 }),
      })
      await serve(bus, 'h1')
      assert.deepEqual(await ask.on('h1').add(ctx, { a: 1, b: 2 }), { sum: 3 })
      assert.deepEqual(
        seen.map(c => [c.kind, c.side, c.from, c.to, c.name, c.requestId, c.subject]),
        (['send', 'take'] as const).map(side => ['call', side, 'suite-api', 'suite-compute@h1', 'add', 'req-1', 's1']),
      )
      assert.equal(seen[0]?.payload?.['message'], seen[1]?.payload?.['message'])
      await bus
        .client(rpc('suite-who', { ask: call<object, { n: number }>({ timeoutMs: 2000 }) }))
        .any()
        .ask(ctx, {})
      assert.deepEqual(
        [taken?.who, taken?.actor, taken?.requestId, taken?.subject],
        [who, 'suite-who@h1', 'req-1', 's1'],
      )
      await bus.close()
    })

    test('a failure arrives as a fault with code, status, words, reasons and causes', async () => {
      const { bus, ctx, ask } = await setUp()
      await serve(bus, 'h1')
      const fault = await ask
        .on('h1')
        .fail(ctx, { how: 'fault' })
        .then(
          () => undefined,
          (error: unknown) => error,
        )
      assert.ok(fault instanceof Fault)
      assert.deepEqual(
        [fault.code, fault.status, fault.message, fault.extra],
        ['VolumeBusy', 409, 'The volume is busy.', { volume: 'v1' }],
      )
      assert.deepEqual(fault.because, [{ who: 'state', says: 'in use', has: 'in-use', wants: 'available' }])
      const cause = fault.cause as Fault
      assert.deepEqual([cause.code, cause.message], ['DeviceBusy', 'vdb is busy'])
      assert.deepEqual([(cause.cause as Fault).code, (cause.cause as Fault).message], ['RpcError', 'low down'])
      await assert.rejects(ask.on('h1').fail(ctx, { how: 'plain' }), {
        code: 'RpcError',
        status: 500,
        message: 'out of range',
      })
      await assert.rejects(ask.on('h1').fail(ctx, { how: 'text' }), { code: 'RpcError', message: 'a text' })
      await ask.on('h1').fail(ctx, { how: 'not' })
      await bus.close()
    })

    test('a call to nobody fails at once, one without an answer at its deadline', async () => {
      const { bus, ctx, ask } = await setUp()
      await assert.rejects(ask.on('nowhere').add(ctx, { a: 1, b: 1 }), { code: 'NoSuchConsumer', status: 503 })
      await assert.rejects(ask.any().add(ctx, { a: 1, b: 1 }), { code: 'NoSuchConsumer' })
      await serve(bus, 'h1')
      await assert.rejects(given.during(ask.on('h1').hang(ctx, { ms: 1 })), { code: 'RpcTimeout', status: 504 })
    })

    test('casts are kept until somebody serves them, in order; depths can be read', async () => {
      log.length = 0
      const { bus, ctx, ask } = await setUp()
      for (const group of ['1', '2', '3']) await ask.on('h1').refresh(ctx, { group })
      const depth = () => bus.state().queues.find(queue => queue.topic === 'suite-compute' && queue.host === 'h1')
      assert.equal(depth()?.waiting, 3)
      await serve(bus, 'h1', 1)
      await given.until(() => log.length === 3)
      assert.deepEqual(
        log,
        ['1', '2', '3'].map(group => `suite-compute@h1 refresh ${group}`),
      )
      await given.until(() => depth()?.running === 0)
      assert.deepEqual([depth()?.waiting, depth()?.consumers], [0, 1])
      await bus.close()
    })

    test('any asks in turn, all tells each that is there; a nameless worker has the plain name', async () => {
      log.length = 0
      const { bus, ctx, ask } = await setUp()
      await serve(bus, 'h1')
      await serve(bus, 'h2')
      await serve(bus, null)
      for (let i = 0; i < 6; i += 1) await ask.any().add(ctx, { a: i, b: 1 })
      assert.deepEqual([...new Set(log)].sort(), ['suite-compute add', 'suite-compute@h1 add', 'suite-compute@h2 add'])
      log.length = 0
      await ask.all().refresh(ctx, { group: 'x' })
      await given.until(() => log.length === 3)
      assert.deepEqual(log.sort(), [
        'suite-compute refresh x',
        'suite-compute@h1 refresh x',
        'suite-compute@h2 refresh x',
      ])
      await bus.close()
    })

    test('a title names the crossing', async () => {
      const { bus, ctx, ask, seen } = await setUp()
      log.length = 0
      await serve(bus, 'h1')
      await ask.on('h1').leg(ctx, { step: 'learn' })
      await given.until(() => log.length === 1)
      assert.deepEqual(
        seen.map(c => [c.kind, c.side, c.name]),
        [
          ['cast', 'send', 'boot:learn'],
          ['cast', 'take', 'boot:learn'],
        ],
      )
      await bus.close()
    })

    test('what nobody can handle is counted, and the consumer lives on', async () => {
      log.length = 0
      const { bus, ctx, ask, letters, transport } = await setUp()
      await serve(bus, 'h1')
      await ask.on('h1').refresh(ctx, { group: 'bad' })
      await transport.cast({ topic: 'suite-compute', host: 'h1' }, '{"half')
      await transport.cast({ topic: 'suite-compute', host: 'h1' }, 'null')
      await transport.cast(
        { topic: 'suite-compute', host: 'h1' },
        JSON.stringify({ id: '1', verb: 'constructor', from: 'x', requestId: 'r', who: null, payload: {} }),
      )
      await given.until(() => letters.length === 4)
      assert.equal(bus.state().deadLetters, 4)
      assert.deepEqual(await ask.on('h1').add(ctx, { a: 1, b: 1 }), { sum: 2 })
      await bus.close()
    })

    test('a limit of messages at once holds, the rest wait their turn', async () => {
      const { bus, ctx } = await setUp()
      const Slow = rpc('suite-slow', { work: call<{ n: number }, { n: number }>({ timeoutMs: 5000 }) })
      let running = 0
      let most = 0
      const gates: (() => void)[] = []
      await bus.serve(
        Slow,
        'h1',
        {
          async work(_ctx, { n }) {
            running += 1
            most = Math.max(most, running)
            await new Promise<void>(resolve => gates.push(resolve))
            running -= 1
            return { n }
          },
        },
        { atOnce: 2 },
      )
      const all = Promise.all([1, 2, 3, 4, 5].map(n => bus.client(Slow).on('h1').work(ctx, { n })))
      let over = false
      void all.then(() => (over = true))
      while (!over) {
        await given.until(() => gates.length > 0 || over)
        gates.shift()?.()
      }
      assert.deepEqual(
        (await all).map(r => r.n),
        [1, 2, 3, 4, 5],
      )
      assert.equal(most, 2)
      await bus.close()
    })

    test('closing waits for what was taken; after it calls find nobody', async () => {
      const { bus, ctx, ask } = await setUp()
      const served = await serve(bus, 'h1')
      const answer = ask.on('h1').add(ctx, { a: 2, b: 2 })
      await served.close()
      assert.deepEqual(await answer, { sum: 4 })
      await assert.rejects(ask.on('h1').add(ctx, { a: 1, b: 1 }), { code: 'NoSuchConsumer' })
      await bus.close()
      await assert.rejects(ask.on('h1').refresh(ctx, { group: 'late' }))
    })

    test('a message passes as JSON: what JSON cannot say does not arrive', async () => {
      const { bus, ctx } = await setUp()
      const Echo = rpc('suite-echo', { echo: call<{ v: unknown }, { v: unknown }>({ timeoutMs: 2000 }) })
      const sent = { v: { when: new Date(0), none: undefined, list: [undefined] } }
      await bus.serve(Echo, null, {
        echo: async (_ctx, payload) => {
          assert.notEqual(payload, sent)
          return payload
        },
      })
      assert.deepEqual(await bus.client(Echo).any().echo(ctx, sent), {
        v: { when: '1970-01-01T00:00:00.000Z', list: [null] },
      })
      await bus.close()
    })
  })
}
