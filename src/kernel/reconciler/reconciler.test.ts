import assert from 'node:assert/strict'
import { test } from 'node:test'
import { reconciler, reconciling, span } from '#kernel/reconciler/reconciler.ts'
import { virtualClock } from '#kernel/lib/virtual-clock.ts'
import type { Ctx } from '#kernel/lib/context.ts'

const world = () => {
  const clock = virtualClock()
  const errors: string[] = []
  let requests = 0
  const ctx = (): Ctx => ({
    requestId: `req-${(requests += 1)}`,
    who: null,
    actor: 'nova-compute',
    cross: (_c, deed) => deed(),
  })
  const loop = reconciling({ clock, ctx, onError: (name, error) => errors.push(`${name}: ${error.message}`) })
  return { clock, errors, loop }
}

test('spans of time', () => {
  assert.deepEqual(['250ms', '30s', '5m', '1h', '1.5s'].map(span), [250, 30_000, 300_000, 3_600_000, 1500])
  for (const bad of ['', '5', '5 s', 's', '-1s']) assert.throws(() => span(bad), /no span of time/)
})

test('runs by time, by event and by name, and keeps the numbers', async () => {
  const { clock, loop } = world()
  const seen: string[] = []
  const one = reconciler<{ id: string }>()('one', { every: '60s', also: ['host-up'] }, async t => {
    seen.push(t.id)
    await clock.sleep(10)
    return { seen: 3, corrected: 1 }
  })
  loop.add(one, ctx => ({ id: ctx.requestId }))
  loop.start()
  await clock.advance(1500)
  assert.deepEqual(seen, ['req-1'], 'the first run does not wait a whole interval')
  await clock.advance(120_000)
  assert.equal(seen.length, 3)
  loop.event('host-up')
  loop.event('something-else')
  await clock.advance(20)
  assert.equal(seen.length, 4)
  assert.deepEqual(await clock.during(loop.run('one')), { seen: 3, corrected: 1 })
  const [state] = loop.table()
  assert.deepEqual(
    [state?.runs, state?.failures, state?.corrected, state?.last, state?.lastMs, state?.running],
    [5, 0, 5, { seen: 3, corrected: 1 }, 10, false],
  )
  await assert.rejects(loop.run('two'), /no reconciler is called two/)
  await loop.stop()
  await clock.advance(600_000)
  assert.equal(seen.length, 5)
})

test('one at a time; who asks for a run under way joins it; a failure is kept and stops nobody', async () => {
  const { clock, loop, errors } = world()
  let running = 0
  let most = 0
  let fails = true
  const slow = (name: string) =>
    reconciler<object>()(name, { every: '1h' }, async () => {
      most = Math.max(most, (running += 1))
      await clock.sleep(100)
      running -= 1
      if (name === 'b' && fails) throw new Error('no')
      return { seen: 1, corrected: 0 }
    })
  for (const name of ['a', 'b', 'c']) loop.add(slow(name), () => ({}))
  const joined = [loop.run('a'), loop.run('a')]
  const b = assert.rejects(loop.run('b'), /no/)
  await clock.during(Promise.all([...joined, b, loop.run('c')]))
  assert.equal(most, 1)
  assert.deepEqual(
    loop.table().map(s => [s.name, s.runs, s.failures, s.error]),
    [
      ['a', 1, 0, null],
      ['b', 1, 1, 'no'],
      ['c', 1, 0, null],
    ],
  )
  fails = false
  await clock.during(loop.run('b'))
  assert.equal(loop.table()[1]?.error, null)
  fails = true
  loop.start()
  await clock.advance(4000)
  assert.deepEqual(errors, ['b: no'])
  await loop.stop()
})

test('stop asks the running one to stop', async () => {
  const { clock, loop } = world()
  let ended = false
  loop.add(
    reconciler<object>()('long', { every: '1h' }, async (_t, signal) => {
      await clock.sleep(1e9, signal).finally(() => (ended = true))
      return { seen: 0, corrected: 0 }
    }),
    () => ({}),
  )
  const run = assert.rejects(loop.run('long'), /stopping/)
  await clock.advance(1)
  await clock.during(loop.stop())
  await run
  assert.equal(ended, true)
})
