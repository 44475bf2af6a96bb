// What every dialect promises to repositories. A host runs it on the databases it can open.
import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import fc from 'fast-check'
import { crossings, type Crossing } from '#kernel/crossing/crossing.ts'
import type { Database, DbCtx } from '#kernel/db/database.ts'
import { BrokenReference, DatabaseUnavailable, NewerDatabase, isDuplicate } from '#kernel/db/errors.ts'
import { inChunks, insertAll, insertIfAbsent, like, matches, swap, upsert } from '#kernel/db/helpers.ts'
import { migrate, type Migration } from '#kernel/db/migrations.ts'
import { page, type Direction } from '#kernel/db/page.ts'
import { systemClock, type Clock } from '#kernel/lib/clock.ts'

export interface SuiteTables {
  things: { id: string; a: number | null; b: string | null; n: number; box_id: string | null }
  boxes: { id: string; name: string }
}
type Thing = SuiteTables['things']

export const suiteMigrations: readonly Migration[] = [
  {
    id: '0001-first',
    async up(q) {
      await q.schema
        .createTable('boxes')
        .addColumn('id', 'varchar(36)', column => column.primaryKey())
        .addColumn('name', 'varchar(255)', column => column.notNull().unique())
        .execute()
      await q.schema
        .createTable('things')
        .addColumn('id', 'varchar(36)', column => column.primaryKey())
        .addColumn('a', 'integer')
        .addColumn('b', 'varchar(255)')
        .addColumn('n', 'integer', column => column.notNull())
        .addColumn('box_id', 'varchar(36)', column => column.references('boxes.id'))
        .execute()
      await q.schema.createIndex('things_by_a').on('things').columns(['a', 'b', 'id']).execute()
    },
  },
]

/** A context that only remembers what crossed. */
export function suiteContext(seen: Crossing[] = []): DbCtx {
  return {
    cross: crossings([(crossing, next) => (seen.push(crossing), next())]),
    actor: 'suite-api',
    requestId: 'req-1',
    subject: 'thing-1',
  }
}

const thing = (id: string, change: Partial<Thing> = {}): Thing => ({
  id,
  a: null,
  b: null,
  n: 0,
  box_id: null,
  ...change,
})

/** A clock whose pauses pass at once and are remembered. */
const impatient = (pauses: number[]): Clock => ({
  ...systemClock(),
  sleep: ms => (pauses.push(ms), Promise.resolve()),
})

/** `open` gives a new, empty database called `suite`, each time another. */
export function databaseSuite(name: string, open: <T>(clock: Clock) => Database<T>): void {
  const opened = async (clock: Clock = systemClock()): Promise<Database<SuiteTables>> => {
    const db = open<SuiteTables>(clock)
    await migrate(db, suiteMigrations, clock)
    return db
  }
  const count = async (db: Database<SuiteTables>): Promise<number> =>
    (await db.kysely.selectFrom('things').select('id').execute()).length
  const ctx = suiteContext()

  describe(`${name}: sessions`, () => {
    test('cross the seam under their names; plain use does not', async () => {
      const db = await opened()
      const seen: Crossing[] = []
      await db.tx(suiteContext(seen), 'add-thing', q => q.insertInto('things').values(thing('1')).execute())
      await db.read({ ...suiteContext(seen), subject: undefined as never }, 'look', q =>
        q.selectFrom('things').selectAll().execute(),
      )
      await db.kysely.selectFrom('things').selectAll().execute()
      const common = { kind: 'db', side: 'send', from: 'suite-api', to: 'suite-db', requestId: 'req-1' }
      assert.deepEqual(seen, [
        { ...common, name: 'add-thing', subject: 'thing-1' },
        { ...common, name: 'look' },
      ])
      await db.close()
    })

    test('a transaction is all or nothing', async () => {
      const db = await opened()
      const broken = db.tx(ctx, 'break', async q => {
        await q.insertInto('things').values(thing('1')).execute()
        throw new Error('changed my mind')
      })
      await assert.rejects(broken, /changed my mind/)
      assert.equal(await count(db), 0)
      await db.close()
    })

    test('transactions come one after the other', async () => {
      const db = await opened()
      await db.kysely.insertInto('things').values(thing('1')).execute()
      const increment = () =>
        db.tx(ctx, 'increment', async q => {
          const { n } = await q.selectFrom('things').select('n').where('id', '=', '1').executeTakeFirstOrThrow()
          await Promise.resolve()
          await q
            .updateTable('things')
            .set({ n: n + 1 })
            .where('id', '=', '1')
            .execute()
        })
      await Promise.all(Array.from({ length: 50 }, increment))
      assert.equal((await db.kysely.selectFrom('things').select('n').executeTakeFirstOrThrow()).n, 50)
      await db.close()
    })

    test('nobody sees what was not committed, and plain writes do not slip into a transaction', async () => {
      const db = await opened()
      let goOn = (): void => {}
      const gate = new Promise<void>(resolve => (goOn = resolve))
      let inside = (): void => {}
      const begun = new Promise<void>(resolve => (inside = resolve))
      const undone = db.tx(ctx, 'undone', async q => {
        await q.insertInto('things').values(thing('undone')).execute()
        inside()
        await gate
        throw new Error('undone')
      })
      await begun
      const looked = db.read(ctx, 'look', q => q.selectFrom('things').select('id').execute())
      const wrote = db.kysely.insertInto('things').values(thing('kept')).execute()
      goOn()
      await assert.rejects(undone, /undone/)
      assert.deepEqual(
        (await looked).filter(row => row.id === 'undone'),
        [],
      )
      await wrote
      assert.deepEqual(await db.kysely.selectFrom('things').select('id').execute(), [{ id: 'kept' }])
      await db.close()
    })

    test('a read session refuses to write', async () => {
      const db = await opened()
      await assert.rejects(
        db.read(ctx, 'sly', q => q.insertInto('things').values(thing('1')).execute()),
        /read session cannot write/,
      )
      await assert.rejects(
        db.read(ctx, 'sly', q => q.transaction().execute(async () => {})),
        /read session has no transactions/,
      )
      assert.equal(await count(db), 0)
      await db.close()
    })

    test('within joins: one transaction, two crossings, and a failed part undoes it all', async () => {
      const db = await opened()
      const seen: Crossing[] = []
      const watched = suiteContext(seen)
      const addBoth = (fail: boolean) =>
        db.tx(watched, 'outer', async q => {
          await q.insertInto('things').values(thing('1')).execute()
          const inner = db.within(q)
          const rows = await inner.read(watched, 'inner-read', r => r.selectFrom('things').select('id').execute())
          assert.equal(rows.length, 1)
          const part = inner.tx(watched, 'inner', async r => {
            await r.insertInto('things').values(thing('2')).execute()
            if (fail) throw new Error('inner failed')
          })
          await part.catch(() => {})
        })
      await assert.rejects(addBoth(true), /inner failed/)
      assert.equal(await count(db), 0)
      await addBoth(false)
      assert.equal(await count(db), 2)
      assert.deepEqual(
        seen.slice(0, 3).map(crossing => crossing.name),
        ['outer', 'inner-read', 'inner'],
      )
      assert.throws(() => db.within(db.kysely), /no open transaction/)
      await db.close()
    })

    test('what may pass by itself is tried again whole, and not for ever', async () => {
      const pauses: number[] = []
      const db = await opened(impatient(pauses))
      let runs = 0
      await db.tx(ctx, 'contended', async q => {
        runs += 1
        await q
          .insertInto('things')
          .values(thing(`run-${runs}`))
          .execute()
        if (runs < 3) throw new DatabaseUnavailable('serialisation', 'lost')
      })
      assert.equal(await count(db), 1)
      assert.deepEqual(pauses, [10, 20])
      runs = 0
      const hopeless = db.tx(ctx, 'hopeless', async () => {
        runs += 1
        throw new DatabaseUnavailable('deadlock', 'again')
      })
      await assert.rejects(hopeless, DatabaseUnavailable)
      assert.equal(runs, 6)
      runs = 0
      const full = db.tx(ctx, 'full', async () => {
        runs += 1
        throw new DatabaseUnavailable('full', 'full')
      })
      await assert.rejects(full, DatabaseUnavailable)
      assert.equal(runs, 1)
      await db.close()
    })

    test('a caught duplicate leaves the transaction usable through insertIfAbsent, and errors have classes', async () => {
      const db = await opened()
      await db.kysely.insertInto('boxes').values({ id: 'b1', name: 'one' }).execute()
      await assert.rejects(
        db.kysely.insertInto('boxes').values({ id: 'b2', name: 'one' }).execute(),
        error => isDuplicate(error) && isDuplicate(error, 'name') && !isDuplicate(error, 'id'),
      )
      await assert.rejects(
        db.kysely
          .insertInto('things')
          .values(thing('1', { box_id: 'none' }))
          .execute(),
        BrokenReference,
      )
      await db.close()
    })

    test('close lets the running transaction end; afterwards everything is unavailable', async () => {
      const db = await opened()
      let inside = (): void => {}
      const begun = new Promise<void>(resolve => (inside = resolve))
      const running = db.tx(ctx, 'last', async q => {
        await q.insertInto('things').values(thing('1')).execute()
        inside()
        await q.insertInto('things').values(thing('2')).execute()
      })
      await begun
      await Promise.all([running, db.close()])
      await db.close()
      const closed = (error: unknown): boolean => error instanceof DatabaseUnavailable && error.reason === 'closed'
      await assert.rejects(db.kysely.selectFrom('things').selectAll().execute(), closed)
      await assert.rejects(db.kysely.selectFrom('boxes').select('id').execute(), closed)
      await assert.rejects(
        db.tx(ctx, 'late', async () => {}),
        closed,
      )
    })

    test('a sound database has nothing to complain about', async () => {
      const db = await opened()
      assert.deepEqual(await db.check(), [])
      await db.close()
    })
  })

  describe(`${name}: helpers`, () => {
    test('swap: the column is the lock', async () => {
      const db = await opened()
      const { kysely: q } = db
      await q
        .insertInto('things')
        .values([thing('1'), thing('2', { b: 'busy' }), thing('3', { b: 'error' })])
        .execute()
      assert.equal(await swap(q, 'things', { id: '1', b: null }, { b: 'busy' }), true)
      assert.equal(await swap(q, 'things', { id: '1', b: null }, { b: 'busy' }), false)
      assert.equal(
        await swap(q, 'things', { id: '1', b: ['idle', 'busy'] }, { b: 'busy' }),
        true,
        'a swap to the same wins',
      )
      assert.equal(await swap(q, 'things', { id: '1', b: ['idle', null] }, { b: 'x' }), false)
      assert.equal(await swap(q, 'things', { id: '1', b: ['busy', null] }, { b: null, n: 7 }), true)
      assert.equal(
        await swap(q, 'things', { id: '1', b: ['busy', null] }, { b: 'x' }),
        true,
        'null in a list means IS NULL',
      )
      assert.equal(await swap(q, 'things', { id: '1', b: [] }, { b: 'y' }), false, 'an empty list matches nothing')
      await assert.rejects(swap(q, 'things', { id: undefined as never }, { b: 'y' }), /undefined/)
      const errors = await q
        .selectFrom('things')
        .select('id')
        .where(matches<Thing>({ b: ['error', 'busy'] }))
        .orderBy('id')
        .execute()
      assert.deepEqual(errors, [{ id: '2' }, { id: '3' }])
      await db.close()
    })

    test('upsert and insertIfAbsent', async () => {
      const db = await opened()
      const { kysely: q } = db
      await upsert(q, 'boxes', { id: 'b1', name: 'one' }, ['id'])
      await upsert(q, 'boxes', { id: 'b1', name: 'uno' }, ['id'])
      assert.deepEqual(await q.selectFrom('boxes').selectAll().execute(), [{ id: 'b1', name: 'uno' }])
      assert.equal(await insertIfAbsent(q, 'boxes', { id: 'b1', name: 'two' }, ['id']), false)
      assert.equal(await insertIfAbsent(q, 'boxes', { id: 'b2', name: 'two' }, ['id']), true)
      await assert.rejects(insertIfAbsent(q, 'boxes', { id: 'b3', name: 'two' }, ['id']), isDuplicate)
      await db.close()
    })

    test('like: wildcards in the text are ordinary, case counts unless told', async () => {
      const db = await opened()
      const { kysely: q } = db
      await q
        .insertInto('things')
        .values(['100%', '100 km', 'a_b', 'axb', 'Axb', 'wow!'].map(id => thing(id, { b: id })))
        .execute()
      const found = async (...to: Parameters<typeof like>): Promise<string[]> =>
        (
          await q
            .selectFrom('things')
            .select('id')
            .where(like(...to))
            .orderBy('id')
            .execute()
        ).map(row => row.id)
      assert.deepEqual(await found('b', 'start', '100%'), ['100%'])
      assert.deepEqual(await found('b', 'anywhere', '_'), ['a_b'])
      assert.deepEqual(await found('things.b', 'end', 'xb'), ['Axb', 'axb'])
      assert.deepEqual(await found('b', 'start', 'ax'), ['axb'])
      assert.deepEqual(await found('b', 'whole', 'AXB', true), ['Axb', 'axb'])
      assert.deepEqual(await found('b', 'anywhere', '!'), ['wow!'])
      await db.close()
    })

    test('insertAll and inChunks: long lists', async () => {
      const db = await opened()
      const ids = Array.from({ length: 2_500 }, (_, index) => `id-${index}`)
      await db.tx(ctx, 'fill', q =>
        insertAll(
          q,
          'things',
          ids.map(id => thing(id)),
        ),
      )
      await insertAll(db.kysely, 'things', [])
      const widths: number[] = []
      const rows = await inChunks([...ids, 'id-7', 'nobody'], some => {
        widths.push(some.length)
        return db.kysely.selectFrom('things').select('id').where('id', 'in', some).execute()
      })
      assert.equal(rows.length, 2_500)
      assert.deepEqual([...new Set(widths)], [512])
      assert.deepEqual(await inChunks([], () => Promise.reject(new Error('asked for nothing'))), [])
      await db.close()
    })

    test('page: any sort keys and directions, nulls, both ways, agrees with sorting everything', async () => {
      const db = await opened()
      const direction = fc.constantFrom<Direction>('asc', 'desc')
      const rows = fc.array(
        fc.record({ a: fc.option(fc.integer({ min: 0, max: 3 })), b: fc.option(fc.constantFrom('x', 'y')) }),
        {
          minLength: 1,
          maxLength: 14,
        },
      )
      const sort = fc.array(fc.record({ column: fc.constantFrom('a', 'b', 'things.a', 'id'), direction }), {
        maxLength: 3,
      })
      await fc.assert(
        fc.asyncProperty(
          rows,
          sort,
          fc.integer({ min: 1, max: 5 }),
          fc.boolean(),
          async (values, keys, limit, backwards) => {
            await db.kysely.deleteFrom('things').execute()
            const all = values.map((value, index) => thing(`id-${String(index).padStart(2, '0')}`, value))
            await db.kysely.insertInto('things').values(all).execute()
            const query = db.kysely.selectFrom('things').selectAll()
            const wanted = all.toSorted(comparing(keys))
            const got: Thing[] = []
            for (let marker: Thing | undefined; ;) {
              const some = await page(db.kysely, query, { sort: keys, limit, marker, backwards })
              if (some.length === 0) break
              if (backwards) got.unshift(...some)
              else got.push(...some)
              marker = backwards ? some[0] : some.at(-1)
            }
            assert.deepEqual(
              got.map(row => row.id),
              wanted.map(row => row.id),
            )
          },
        ),
        { numRuns: 150, seed: 4 },
      )
      const query = db.kysely.selectFrom('things').selectAll()
      assert.deepEqual(await page(db.kysely, query, { sort: [], limit: 0 }), [])
      await assert.rejects(
        page(db.kysely, query, { sort: [{ column: 'a', direction: 'asc' }], marker: { id: 'x' } }),
        /marker has no a/,
      )
      await db.close()
    })
  })

  describe(`${name}: migrations`, () => {
    const step = (id: string, table: string): Migration => ({
      id,
      up: q => q.schema.createTable(table).addColumn('id', 'varchar(36)').execute(),
    })
    const clock = systemClock()

    test('run once, in order, and refuse what cannot be right', async () => {
      const db = open<Record<string, { id: string }>>(clock)
      assert.deepEqual(await migrate(db, [step('0001-a', 'a')], clock), ['0001-a'])
      assert.deepEqual(await migrate(db, [step('0001-a', 'a'), step('0003-c', 'c')], clock), ['0003-c'])
      assert.deepEqual(await migrate(db, [step('0001-a', 'a'), step('0003-c', 'c')], clock), [])
      await assert.rejects(migrate(db, [step('0001-a', 'a')], clock), (error: unknown) => {
        assert.ok(error instanceof NewerDatabase)
        return /newer version \(it has migration 0003-c\)/.test(error.message)
      })
      await assert.rejects(
        migrate(db, [step('0001-a', 'a'), step('0002-b', 'b'), step('0003-c', 'c')], clock),
        /higher number/,
      )
      await assert.rejects(migrate(db, [step('0002-b', 'b'), step('0001-a', 'a')], clock), /out of order/)
      await assert.rejects(migrate(db, [step('first', 'a')], clock), /misnamed/)
      await db.close()
    })

    test('one that fails leaves nothing, and runs the next time', async () => {
      const db = open<Record<string, { id: string }>>(clock)
      let failing = true
      const second: Migration = {
        id: '0002-b',
        async up(q) {
          await step('', 'b').up(q)
          await q.insertInto('b').values({ id: '1' }).execute()
          if (failing) throw new Error('power cut')
        },
      }
      await assert.rejects(migrate(db, [step('0001-a', 'a'), second], clock), /power cut/)
      failing = false
      assert.deepEqual(await migrate(db, [step('0001-a', 'a'), second], clock), ['0002-b'])
      assert.deepEqual(await db.kysely.selectFrom('b').selectAll().execute(), [{ id: '1' }])
      await db.close()
    })
  })
}

/** The order that {@link page} promises, done the slow way. */
function comparing(keys: readonly { column: string; direction: Direction }[]): (x: Thing, y: Thing) => number {
  const all = [...keys, { column: 'id', direction: keys.at(-1)?.direction ?? 'asc' }]
  return (x, y) => {
    for (const { column, direction } of all) {
      const key = column.replace('things.', '') as keyof Thing
      const [left, right] = [x[key], y[key]]
      if (left === right) continue
      const less = left === null || (right !== null && left < right)
      return less === (direction === 'asc') ? -1 : 1
    }
    return 0
  }
}
