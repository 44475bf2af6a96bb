import assert from 'node:assert/strict'
import { test } from 'node:test'
import { busSuite } from '#kernel/bus/bus.suite.ts'
import { memoryTransport } from '#kernel/bus/memory-transport.ts'
import { virtualClock } from '#kernel/lib/virtual-clock.ts'

const clock = virtualClock()
busSuite('memory', {
  make: async () => memoryTransport(clock),
  until: done => clock.until(done),
  during: work => clock.during(work),
})

test('a queue is bounded', async () => {
  const transport = memoryTransport(clock, { limit: 2 })
  const to = { topic: 't', host: 'h' }
  await transport.cast(to, '1')
  await transport.cast(to, '2')
  await assert.rejects(transport.cast(to, '3'), { code: 'QueueFull', status: 503 })
})

test('a call whose caller has given up is not begun', async () => {
  const transport = memoryTransport(clock)
  const taken: string[] = []
  let open = (): void => undefined
  await transport.listen(
    { topic: 't', host: 'h' },
    async text => {
      taken.push(text)
      await new Promise<void>(resolve => (open = resolve))
      return ''
    },
    { atOnce: 1 },
  )
  const first = transport.call({ topic: 't', host: 'h' }, 'first', 1000)
  const second = transport.call({ topic: 't', host: 'h' }, 'second', 10)
  await assert.rejects(clock.during(second), { code: 'RpcTimeout' })
  open()
  await first
  await clock.advance(1)
  assert.deepEqual(taken, ['first'])
})
