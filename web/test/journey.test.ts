// Rows become lines, in two orders, live.
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { readEvents, type ServerEvent } from '#app/api/event-stream.ts'
import { laneOf, lanesFor } from '#app/api/journey-book.ts'
import { hear, linesIn, mergeRows, stepsDone, watchJourney, type JourneyRow } from '#app/api/journey.ts'
import type { Client } from '#app/api/client.ts'

const row = (step: number | null, at_ms: number, more: Partial<JourneyRow> = {}): JourneyRow => ({
  step,
  at_ms,
  ms: 1,
  from: 'nova-api',
  to: 'nova-scheduler',
  kind: 'call',
  name: 'x',
  request_id: 'req-1',
  task: null,
  status: 'BUILD',
  ...more,
})

const streamOf = (...parts: readonly string[]): ReadableStream<Uint8Array> =>
  new ReadableStream({
    start(controller) {
      for (const part of parts) controller.enqueue(new TextEncoder().encode(part))
      controller.close()
    },
  })

void test('events are read however the bytes are cut', async () => {
  const seen: ServerEvent[] = []
  const stream = streamOf(': hi\n\nda', 'ta: {"a":\r\ndata: 1}\r', '\n\r\nevent: end\ndata\n\n', 'data: cut off')
  for await (const event of readEvents(stream)) seen.push(event)
  assert.deepEqual(seen, [
    { event: 'message', data: '{"a":\n1}' },
    { event: 'end', data: '' },
  ])
})

void test('a row seen twice is one row, and its end replaces its beginning', () => {
  const rows = mergeRows([row(8, 5, { ms: 0, detail: { open: true } })], [row(8, 5, { ms: 3 }), row(7, 1)])
  assert.deepEqual(
    rows.map(({ step, ms }) => [step, ms]),
    [
      [7, 1],
      [8, 3],
    ],
  )
})

void test('a story told whole replaces what was known', () => {
  const known = [row(24, 5), row(8, 1)]
  assert.deepEqual(hear(known, { rows: [row(8, 1)], all: true, live: true }), [row(8, 1)])
  assert.equal(hear(known, { rows: [row(9, 2)], all: false, live: true }).length, 3)
})

void test('equal crossings of one moment are still two lines', () => {
  const lines = linesIn('today', [row(null, 2), row(null, 2)])
  assert.equal(new Set(lines.map(({ key }) => key)).size, 2)
})

void test('the book has 28 lines, today has what happened', () => {
  const rows = [row(1, 0), row(null, 2), row(8, 3)]
  const book = linesIn('book', rows)
  assert.deepEqual(
    book.map(({ step }) => step),
    Array.from({ length: 28 }, (_none, index) => index + 1),
  )
  assert.deepEqual(
    book.filter(line => line.row !== null).map(({ step }) => step),
    [1, 8],
  )
  assert.deepEqual(
    linesIn('today', rows).map(({ step }) => step),
    [1, null, 8],
  )
  assert.equal(stepsDone(rows), 2)
})

void test('components find their lanes', () => {
  assert.deepEqual(
    ['client', 'nova-compute@node-1', 'nova-db', 'database', 'keystone-api', 'qemu', 'barbican@x'].map(laneOf),
    ['client', 'compute', 'database', 'database', 'keystone', 'hypervisor', 'barbican'],
  )
  assert.ok(!lanesFor(['client']).includes('placement'))
  assert.equal(lanesFor(['placement', 'barbican']).at(-1), 'barbican')
})

void test('watching gives what was recorded, then what comes, and asks again when the stream ends', async () => {
  const stop = new AbortController()
  const asked: string[] = []
  const client: Client = {
    send: async <T>(call: { path: string }) => {
      asked.push(call.path)
      return { body: [row(1, 0)] as T, headers: new Headers(), status: 200 }
    },
    open: async call => {
      asked.push(call.path)
      return streamOf(`data: ${JSON.stringify(row(2, 1))}\n\n`, 'data: not json\n\n')
    },
    history: () => [],
    subscribe: () => () => undefined,
  }
  let rows: readonly JourneyRow[] = []
  let pauses = 0
  await watchJourney(
    client,
    'a b',
    stop.signal,
    async () => {
      pauses += 1
      if (pauses === 2) stop.abort()
    },
    news => {
      rows = hear(rows, news)
    },
  )
  assert.deepEqual(
    rows.map(({ step }) => step),
    [1, 2],
  )
  assert.deepEqual(asked, ['/journey/a%20b', '/journey/a%20b/events', '/journey/a%20b', '/journey/a%20b/events'])
})
