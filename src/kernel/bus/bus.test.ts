import { test } from 'node:test'
import assert from 'node:assert/strict'
import { call, cast, rpc } from '#kernel/bus/rpc.ts'
import { createBus } from '#kernel/bus/bus.ts'
import { memoryTransport } from '#kernel/bus/memory-transport.ts'
import { crossings, type Crossing } from '#kernel/crossing/crossing.ts'
import { randomIds } from '#kernel/lib/ids.ts'
import { virtualClock } from '#kernel/lib/virtual-clock.ts'
import type { Ctx } from '#kernel/lib/context.ts'

const computeRpc = rpc('nova-compute', {
  add: call<{ a: number; b: number }, { sum: number }>({ timeoutMs: 1000 }),
  refresh: cast<{ group: string }>(),
})

test('both sides of a call are on the seam, under one request and one message id', async () => {
  const seen: Crossing[] = []
  const cross = crossings([(c, next) => (seen.push(c), next())])
  const clock = virtualClock()
  const bus = createBus({ transport: memoryTransport(clock), cross, ids: randomIds() })
  let receiver: Ctx | undefined
  await bus.serve(computeRpc, 'node-1', {
    add: async (ctx, { a, b }) => ((receiver = ctx), { sum: a + b }),
    refresh: async () => {},
  })
  const ctx: Ctx = { requestId: 'req-1', who: null, actor: 'nova-api', cross, subject: 's1' }
  assert.deepEqual(await bus.client(computeRpc).on('node-1').add(ctx, { a: 1, b: 2 }), { sum: 3 })
  assert.deepEqual(
    seen.map(c => [c.kind, c.side, c.from, c.to, c.name, c.requestId, c.subject]),
    [
      ['call', 'send', 'nova-api', 'nova-compute@node-1', 'add', 'req-1', 's1'],
      ['call', 'take', 'nova-api', 'nova-compute@node-1', 'add', 'req-1', 's1'],
    ],
  )
  assert.equal(seen[0]?.payload?.['message'], seen[1]?.payload?.['message'])
  assert.equal(receiver?.actor, 'nova-compute@node-1')
  assert.equal(receiver?.requestId, 'req-1')
  // @ts-expect-error asking all exists for casts only
  assert.equal(bus.client(computeRpc).all().add, undefined)
  // @ts-expect-error a missing method does not compile
  void (() => bus.serve(computeRpc, 'x', { refresh: async () => {} }))
})
