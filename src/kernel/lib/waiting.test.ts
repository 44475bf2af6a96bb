// The virtual clock, retry, locks and the work queue.
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { Fault } from '#kernel/contract/fault.ts'
import { isTransient, pauseBefore, retry } from '#kernel/lib/retry.ts'
import { locks } from '#kernel/lib/lock.ts'
import { virtualClock } from '#kernel/lib/virtual-clock.ts'
import { workQueue } from '#kernel/lib/queue.ts'

test('time passes only by hand, in order, and an aborted sleep ends', async () => {
  const clock = virtualClock(1000)
  const order: number[] = []
  clock.after(20, () => order.push(20))
  clock.after(10, () => order.push(10))
  const cancel = clock.after(15, () => order.push(15))
  cancel()
  await clock.advance(9)
  assert.deepEqual(order, [])
  await clock.advance(11)
  assert.deepEqual([order, clock.now(), clock.monotonic()], [[10, 20], 1020, 20])
  const stop = new AbortController()
  const sleep = clock.sleep(100, stop.signal)
  stop.abort(new Error('enough'))
  await assert.rejects(sleep, /enough/)
  await assert.rejects(clock.sleep(1, stop.signal), /enough/)
  assert.equal(clock.waiting(), 0)
  await assert.rejects(
    clock.until(() => false),
    /nothing is waiting/,
  )
})

test('retry: only what may pass, with growing pauses, until the signal', async () => {
  const clock = virtualClock()
  const busy = new Fault('Busy', 503, 'busy')
  const pauses: number[] = []
  let tries = 0
  const work = retry(async n => (n < 4 ? Promise.reject(busy) : ((tries = n), 'ok')), {
    clock,
    onPause: (_e, _n, ms) => pauses.push(ms),
  })
  assert.equal(await clock.during(work), 'ok')
  assert.deepEqual([tries, pauses], [4, [200, 600, 1800]])
  assert.equal(pauseBefore({ tries: 9, firstMs: 200, factor: 3, maxMs: 1000 }, 9), 1000)
  await assert.rejects(
    retry(() => Promise.reject(new Fault('No', 409, 'no')), { clock }),
    /no/,
  )
  await assert.rejects(clock.during(retry(() => Promise.reject(busy), { clock, policy: { tries: 2 } })), /busy/)
  const stop = new AbortController()
  const long = retry(() => Promise.reject(busy), { clock, policy: { tries: 1000, firstMs: 1e6 }, signal: stop.signal })
  await clock.advance(1)
  stop.abort(new Error('stop'))
  await assert.rejects(long, /stop/)
  assert.deepEqual(
    [busy, new Fault('X', 404, 'x'), new Error('x'), null, { transient: true }, { status: 503, transient: false }].map(
      isTransient,
    ),
    [true, false, false, false, true, false],
  )
})

test('locks: one at a time per key, in order, a failure frees', async () => {
  const lock = locks()
  const order: string[] = []
  let open = (): void => undefined
  const first = lock.with('a', async () => {
    await new Promise<void>(resolve => (open = resolve))
    order.push('first')
    throw new Error('failed')
  })
  const second = lock.with('a', async () => void order.push('second'))
  await lock.with('b', async () => void order.push('other key'))
  assert.equal(lock.held('a'), true)
  open()
  await assert.rejects(first, /failed/)
  await second
  assert.deepEqual(order, ['other key', 'first', 'second'])
  await Promise.resolve()
  assert.equal(lock.held('a'), false)
})

test('the work queue: so many at once, so many waiting, idle in the end', async () => {
  const queue = workQueue({ atOnce: 2, limit: 1 })
  const gates: (() => void)[] = []
  const job = (n: number) => queue.add(() => new Promise<number>(resolve => gates.push(() => resolve(n))))
  const jobs = [job(1), job(2), job(3)]
  await assert.rejects(job(4), { code: 'QueueFull' })
  assert.deepEqual([queue.running, queue.waiting], [2, 1])
  gates[0]?.()
  assert.equal(await jobs[0], 1)
  assert.equal(gates.length, 3, 'the third began when the first ended')
  gates[1]?.()
  gates[2]?.()
  await queue.idle()
  assert.deepEqual(await Promise.all(jobs), [1, 2, 3])
  assert.deepEqual([queue.running, queue.waiting], [0, 0])
})
