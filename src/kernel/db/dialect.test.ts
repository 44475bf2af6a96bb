// The text that the helpers write for the dialects we do not run here.
import assert from 'node:assert/strict'
import { test } from 'node:test'
import {
  DummyDriver,
  Kysely,
  MysqlAdapter,
  MysqlIntrospector,
  MysqlQueryCompiler,
  PostgresAdapter,
  PostgresIntrospector,
  PostgresQueryCompiler,
} from 'kysely'
import { dialectOf, MYSQL, POSTGRES } from '#kernel/db/dialect.ts'
import { insertIfAbsent, like, swap, upsert } from '#kernel/db/helpers.ts'
import { page } from '#kernel/db/page.ts'

interface Tables {
  boxes: { id: string; name: string | null }
}

function writing(name: 'postgres' | 'mysql'): { q: Kysely<Tables>; said: string[] } {
  const said: string[] = []
  const isMysql = name === 'mysql'
  const q = new Kysely<Tables>({
    log: event => void said.push(event.query.sql),
    dialect: {
      createAdapter: () =>
        isMysql
          ? Object.assign(new MysqlAdapter(), { dialect: MYSQL })
          : Object.assign(new PostgresAdapter(), { dialect: POSTGRES }),
      createDriver: () => new DummyDriver(),
      createIntrospector: db => (isMysql ? new MysqlIntrospector(db) : new PostgresIntrospector(db)),
      createQueryCompiler: () => (isMysql ? new MysqlQueryCompiler() : new PostgresQueryCompiler()),
    },
  })
  return { q, said }
}

async function sayAll(q: Kysely<Tables>): Promise<void> {
  await upsert(q, 'boxes', { id: '1', name: 'one' }, ['id'])
  await insertIfAbsent(q, 'boxes', { id: '1', name: 'one' }, ['id'])
  await swap(q, 'boxes', { id: '1', name: null }, { name: 'two' })
  const some = q
    .selectFrom('boxes')
    .select('id')
    .where(like('name', 'start', 'o%'))
  await page(q, some, { sort: [{ column: 'name', direction: 'desc' }], marker: { id: '1', name: 'one' }, limit: 5 })
}

test('PostgreSQL', async () => {
  const { q, said } = writing('postgres')
  await sayAll(q)
  const order = 'order by "name" desc nulls last, "id" desc limit $'
  assert.deepEqual(said, [
    'insert into "boxes" ("id", "name") values ($1, $2) on conflict ("id") do update set "name" = $3',
    'insert into "boxes" ("id", "name") values ($1, $2) on conflict ("id") do nothing',
    'update "boxes" set "name" = $1 where "id" = $2 and "name" is null',
    `select "id" from "boxes" where "name" like $1 escape '!' and "name" = $2 and "id" < $3 ${order}4`,
    `select "id" from "boxes" where "name" like $1 escape '!' and "name" < $2 ${order}3`,
    `select "id" from "boxes" where "name" like $1 escape '!' and "name" is null ${order}2`,
  ])
})

test('MySQL', async () => {
  const { q, said } = writing('mysql')
  await sayAll(q)
  assert.deepEqual(said.slice(0, 4), [
    'insert into `boxes` (`id`, `name`) values (?, ?) on duplicate key update `name` = ?',
    'insert into `boxes` (`id`, `name`) values (?, ?)',
    'update `boxes` set `name` = ? where `id` = ? and `name` is null',
    "select `id` from `boxes` where `name` like ? escape '!' and `name` = ? and `id` < ? order by `name` desc, `id` desc limit ?",
  ])
})

test('a Kysely that is not ours names no dialect', () => {
  const q = new Kysely<Tables>({
    dialect: {
      createAdapter: () => new MysqlAdapter(),
      createDriver: () => new DummyDriver(),
      createIntrospector: db => new MysqlIntrospector(db),
      createQueryCompiler: () => new MysqlQueryCompiler(),
    },
  })
  assert.throws(() => dialectOf(q), /names no dialect/)
})
