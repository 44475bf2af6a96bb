// The saga log in SQLite: the suite, and that a saga's row stands or falls with the transaction it was written in.
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { build, world } from '#kernel/saga/example.suite.ts'
import { diesAfterEveryCrossing } from '#kernel/saga/saga.suite.ts'
import { migrate } from '#kernel/db/migrations.ts'
import { openSqlite } from '#host/node/sqlite.ts'
import { sagaLogDb, sagaMigration, type SagaTables } from '#kernel/saga/db-log.ts'
import { sagaLogSuite } from '#kernel/saga/log.suite.ts'
import { systemClock } from '#kernel/lib/clock.ts'

const clock = systemClock()
const open = async () => {
  const database = openSqlite<SagaTables>({ file: ':memory:', name: 'suite', clock })
  await migrate(database, [sagaMigration('0001-saga-log')], clock)
  return database
}

sagaLogSuite('SQLite', async () => sagaLogDb(await open()))
diesAfterEveryCrossing(
  build,
  world(true, async () => sagaLogDb(await open())),
)

test('a row prepared in a transaction that fails is not there', async () => {
  const database = await open()
  const log = sagaLogDb(database)
  const ctx = { cross: <T>(_c: unknown, deed: () => Promise<T>) => deed(), actor: 'test', requestId: 'req-1' }
  const row = {
    id: '1',
    name: 'boot',
    subject: 's',
    state: 'prepared' as const,
    input: {},
    taskState: null,
    requestId: 'req-1',
    who: null,
    owner: null,
    leaseUntil: 0,
    generation: 0,
    cancelled: false,
    errors: [],
    createdAt: 0,
    updatedAt: 0,
  }
  await assert.rejects(
    database.tx(ctx, 'create', async q => {
      await log.create(q, row)
      throw new Error('quota')
    }),
    /quota/,
  )
  assert.equal(await log.load('1'), undefined)
  await database.tx(ctx, 'create', q => log.create(q, row))
  assert.equal((await log.load('1'))?.subject, 's')
  await database.close()
})
