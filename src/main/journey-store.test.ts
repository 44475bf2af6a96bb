import assert from 'node:assert/strict'
import { test } from 'node:test'
import { openSqlite } from '#host/node/sqlite.ts'
import type { Moment } from '#kernel/crossing/recorder.ts'
import { migrate } from '#kernel/db/migrations.ts'
import { virtualClock } from '#kernel/lib/virtual-clock.ts'
import { journeyMigrations, journeyStore, type JourneyTables } from '#main/journey-store.ts'

const moment = (id: string, at: number): Moment => ({
  id,
  kind: 'db',
  side: 'send',
  from: 'nova-api',
  to: 'nova-db',
  name: 'add-server',
  request: 'req-1',
  at,
  ms: 1,
  outcome: 'ok',
  begun: at,
  ended: at + 1,
})

test('moments are kept once, in order of time; of too many subjects the oldest go', async t => {
  const clock = virtualClock()
  const database = openSqlite<JourneyTables>({ file: ':memory:', name: 'journey', clock })
  t.after(() => database.close())
  await migrate(database, journeyMigrations, clock)
  const store = journeyStore(database, clock, { keep: 3, countEvery: 2 })

  await store.save('a', [moment('2', 2), moment('1', 1)])
  await store.save('a', [moment('2', 2), moment('3', 3), moment('3', 3)])
  assert.deepEqual(
    (await store.load('a')).map(one => one.id),
    ['1', '2', '3'],
  )
  assert.deepEqual(await store.load('nobody'), [])
  for (const subject of ['b', 'c', 'd', 'e', 'f']) {
    await clock.advance(1000)
    await store.save(subject, [moment('1', 1)])
  }
  const left = await database.kysely.selectFrom('moments').select('subject').distinct().orderBy('subject').execute()
  assert.deepEqual(
    left.map(row => row.subject),
    ['d', 'e', 'f'],
  )
})
