// The promises of kernel/db on SQLite in memory and in a file, and what only a file can suffer.
import assert from 'node:assert/strict'
import { spawnSync } from 'node:child_process'
import { existsSync, mkdtempSync, readdirSync, rmSync, statSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { DatabaseSync } from 'node:sqlite'
import { after, describe, test } from 'node:test'
import { sql } from 'kysely'
import type { Database } from '#kernel/db/database.ts'
import { databaseSuite, suiteContext, suiteMigrations, type SuiteTables } from '#kernel/db/database.suite.ts'
import { repositorySuite, type WidgetTables } from '#kernel/db/repository.suite.ts'
import { DatabaseUnavailable, type UnavailableReason } from '#kernel/db/errors.ts'
import { migrate } from '#kernel/db/migrations.ts'
import { slowPlans } from '#kernel/db/plan.ts'
import { page } from '#kernel/db/page.ts'
import { systemClock, type Clock } from '#kernel/lib/clock.ts'
import { openSqlite } from '#host/node/sqlite.ts'

const folder = mkdtempSync(join(tmpdir(), 'koto-sqlite-'))
after(() => rmSync(folder, { recursive: true, force: true }))

const clock = systemClock()
const ctx = suiteContext()
let files = 0
const newFile = (): string => join(folder, `${(files += 1)}`, 'suite.db')

databaseSuite('SQLite in memory', own => openSqlite({ file: ':memory:', name: 'suite', clock: own }))
databaseSuite('SQLite in a file', own => openSqlite({ file: newFile(), name: 'suite', clock: own }))
repositorySuite('SQLite in memory', () => openSqlite<WidgetTables>({ file: ':memory:', name: 'widget', clock }))

const unavailable = (reason: UnavailableReason) => (error: unknown) =>
  error instanceof DatabaseUnavailable && error.reason === reason

describe('an SQLite file', () => {
  const opened = async (file: string, own: Clock = clock): Promise<Database<SuiteTables>> => {
    const db = openSqlite<SuiteTables>({ file, name: 'suite', clock: own })
    await migrate(db, suiteMigrations, own)
    return db
  }
  const row = (id: string) => ({ id, a: null, b: null, n: 0, box_id: null })
  const addTo = (db: Database<SuiteTables>, id: string) =>
    db.tx(ctx, 'add', q => q.insertInto('things').values(row(id)).execute())
  const idsIn = async (db: Database<SuiteTables>) =>
    (await db.kysely.selectFrom('things').select('id').orderBy('id').execute()).map(each => each.id)

  test('is readable by its owner only, as are the files beside it', async () => {
    const file = newFile()
    const db = await opened(file)
    const modes = readdirSync(join(file, '..')).map(name => [name, statSync(join(file, '..', name)).mode & 0o777])
    assert.deepEqual(Object.fromEntries(modes), { 'suite.db': 0o600, 'suite.db-shm': 0o600, 'suite.db-wal': 0o600 })
    assert.equal(statSync(join(file, '..')).mode & 0o777, 0o700)
    const pragma = async (name: string) =>
      Object.values((await sql<Record<string, unknown>>`pragma ${sql.raw(name)}`.execute(db.kysely)).rows[0] ?? {})[0]
    assert.equal(await pragma('journal_mode'), 'wal')
    assert.equal(await pragma('synchronous'), 2)
    assert.equal(await pragma('foreign_keys'), 1)
    await db.close()
    assert.deepEqual(readdirSync(join(file, '..')), ['suite.db'])
  })

  test('is read while a transaction is open', async () => {
    const db = await opened(newFile())
    await db.tx(ctx, 'long', async q => {
      await q.insertInto('things').values(row('1')).execute()
      assert.deepEqual(await db.read(ctx, 'look', r => r.selectFrom('things').selectAll().execute()), [])
      assert.deepEqual(await idsIn(db), [])
    })
    assert.deepEqual(await idsIn(db), ['1'])
    await db.close()
  })

  test('says so when a transaction waits for itself, and goes on', async () => {
    const db = await opened(newFile())
    const stuck = db.tx(ctx, 'outer', () => addTo(db, '1'))
    await assert.rejects(stuck, /suite-db: a transaction waits for itself/)
    await addTo(db, '2')
    assert.deepEqual(await idsIn(db), ['2'])
    await db.close()
  })

  test('held by another process: waits without stopping this one, then gives up as busy', async () => {
    const file = newFile()
    let pauses = 0
    const releasing: Clock = {
      ...clock,
      sleep: () => {
        pauses += 1
        if (pauses === 3) other.exec('rollback')
        return Promise.resolve()
      },
    }
    const db = await opened(file, releasing)
    const other = new DatabaseSync(file)
    other.exec('begin immediate')
    await addTo(db, '1')
    assert.equal(pauses, 3)
    await db.close()

    let nowMs = 0
    const hurried: Clock = { ...clock, monotonic: () => nowMs, sleep: async ms => void (nowMs += ms) }
    const late = await opened(file, hurried)
    other.exec('begin immediate')
    await assert.rejects(addTo(late, '2'), unavailable('busy'))
    assert.ok(nowMs >= 5_000, `${nowMs} ms waited`)
    assert.deepEqual(await idsIn(late), ['1'])
    other.exec('rollback')
    await addTo(late, '3')
    other.close()
    await late.close()
  })

  test('on a full disk: unavailable, nothing half-done, readable, and well again when there is room', async () => {
    const db = await opened(newFile())
    await addTo(db, 'before')
    await sql`pragma max_page_count = 8`.execute(db.kysely)
    const big = 'x'.repeat(60_000)
    const filling = db.tx(ctx, 'fill', async q => {
      await q.insertInto('things').values(row('small')).execute()
      // Swallowing the error must not let the rest be kept piecemeal.
      await q
        .insertInto('things')
        .values({ ...row('big'), b: big })
        .execute()
        .catch(() => {})
      await q.insertInto('things').values(row('after')).execute()
    })
    await assert.rejects(filling, (error: unknown) => unavailable('rolled-back')(error))
    await assert.rejects(
      db.kysely
        .insertInto('things')
        .values({ ...row('big'), b: big })
        .execute(),
      unavailable('full'),
    )
    assert.deepEqual(await idsIn(db), ['before'])
    await sql`pragma max_page_count = 100000`.execute(db.kysely)
    await addTo(db, 'later')
    assert.deepEqual(await idsIn(db), ['before', 'later'])
    assert.deepEqual(await db.check(), [])
    await db.close()
  })

  test('read-only, damaged, or not there: one class with a reason', async () => {
    const db = await opened(newFile())
    await sql`pragma query_only = on`.execute(db.kysely)
    await assert.rejects(addTo(db, '1'), unavailable('read-only'))
    await db.close()

    const file = newFile()
    await (await opened(file)).close()
    writeFileSync(file, 'this was a database once '.repeat(400))
    assert.throws(() => openSqlite({ file, name: 'suite', clock }), unavailable('corrupt'))
    writeFileSync(join(folder, 'plain'), '')
    assert.throws(
      () => openSqlite({ file: join(folder, 'plain', 'x.db'), name: 'suite', clock }),
      unavailable('cannot-open'),
    )
  })

  test('check names dangling references and damage', async () => {
    const file = newFile()
    const db = await opened(file)
    await sql`pragma foreign_keys = off`.execute(db.kysely)
    await db.kysely
      .insertInto('things')
      .values({ ...row('1'), box_id: 'gone' })
      .execute()
    assert.deepEqual(await db.check(), ['things: row 1 refers to a row of boxes that is not there'])
    await db.close()
  })

  test('backupTo gives a whole, private copy that opens', async () => {
    const file = newFile()
    const db = await opened(file)
    await addTo(db, '1')
    const copy = join(folder, 'backups', 'copy.db')
    const saved = db.backupTo(copy)
    await Promise.all([saved, addTo(db, '2')])
    assert.equal(statSync(copy).mode & 0o777, 0o600)
    const other = await opened(copy)
    assert.deepEqual(await idsIn(other), ['1'])
    await other.close()
    await assert.rejects(db.backupTo(join(file, 'under-a-file.db')), DatabaseUnavailable)
    await db.close()
    const memory = await opened(':memory:')
    await addTo(memory, '9')
    await memory.backupTo(copy)
    assert.ok(existsSync(copy) && !existsSync(`${copy}.part`))
  })

  test('a changed table is seen by statements prepared before', async () => {
    const file = newFile()
    const db = await opened(file)
    await addTo(db, '1')
    const all = () => db.kysely.selectFrom('things').selectAll().execute()
    assert.deepEqual(Object.keys((await all())[0] ?? {}), ['id', 'a', 'b', 'n', 'box_id'])
    await db.kysely.schema.alterTable('things').renameColumn('n', 'm').execute()
    assert.deepEqual(Object.keys((await all())[0] ?? {}), ['id', 'a', 'b', 'm', 'box_id'])
    const other = new DatabaseSync(file)
    other.exec('alter table things add column extra text')
    other.close()
    assert.deepEqual(Object.keys((await all())[0] ?? {}), ['id', 'a', 'b', 'm', 'box_id', 'extra'])
    await db.close()
  })

  test('killed inside a migration: the next start finishes it', async () => {
    const file = newFile()
    const program = `
      import { openSqlite } from '#host/node/sqlite.ts'
      import { migrate } from '#kernel/db/migrations.ts'
      import { suiteMigrations } from '#kernel/db/database.suite.ts'
      import { systemClock } from '#kernel/lib/clock.ts'
      const db = openSqlite({ file: ${JSON.stringify(file)}, name: 'suite', clock: systemClock() })
      const dying = { id: '0002-more', up: async q => {
        await q.schema.alterTable('things').addColumn('more', 'text').execute()
        process.kill(process.pid, 'SIGKILL')
        await new Promise(() => {})
      } }
      await migrate(db, [...suiteMigrations, dying], systemClock())`
    const died = spawnSync(process.execPath, ['--conditions=koto-source', '--input-type=module', '-e', program], {
      encoding: 'utf8',
    })
    assert.equal(died.signal, 'SIGKILL', died.stderr)
    const db = openSqlite<SuiteTables>({ file, name: 'suite', clock })
    const more = {
      id: '0002-more',
      up: (q: Parameters<(typeof suiteMigrations)[number]['up']>[0]) =>
        q.schema.alterTable('things').addColumn('more', 'text').execute(),
    }
    assert.deepEqual(await migrate(db, [...suiteMigrations, more], clock), ['0002-more'])
    assert.deepEqual(await db.check(), [])
    await db.close()
  })

  test('two starters at once: each migration runs once', async () => {
    const file = newFile()
    const both = [1, 2].map(() => openSqlite<SuiteTables>({ file, name: 'suite', clock }))
    const ran = await Promise.all(both.map(db => migrate(db, suiteMigrations, clock)))
    assert.deepEqual(ran.flat(), ['0001-first'])
    for (const db of both) await db.close()
  })
})

test('a page is found by its index, at any depth and with nulls', async () => {
  const statements: string[] = []
  const db = openSqlite<SuiteTables>({
    file: ':memory:',
    name: 'suite',
    clock,
    onStatement: text => statements.push(text),
  })
  await migrate(db, suiteMigrations, clock)
  statements.length = 0
  for (const direction of ['asc', 'desc'] as const)
    for (const a of [null, 3])
      await page(db.kysely, db.kysely.selectFrom('things').selectAll(), {
        sort: [
          { column: 'a', direction },
          { column: 'b', direction },
        ],
        marker: { id: 'm', a, b: 'x' },
        limit: 10,
      })
  assert.ok(statements.length >= 8)
  assert.deepEqual(await slowPlans(db, statements), [])
  const [slow] = await slowPlans(db, ['select * from things order by n'])
  assert.match(slow ?? '', /^SCAN things: select/)
  await db.close()
})
