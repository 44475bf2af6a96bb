import assert from 'node:assert/strict'
import { test } from 'node:test'

import { movesDb, type Move } from '#services/nova/db/moves.ts'
import type { Server } from '#services/nova/db/servers.ts'
import { testNova, type TestNova } from '#services/nova/test-nova.ts'

type Row = Record<string, unknown>
async function moved(t: TestNova, server: Server, change: Partial<Pick<Move, 'kind' | 'status' | 'userId'>> = {}) {
  const id = t.ids.uuid()
  await t.database.tx(t.ctx(), 'add-move', q =>
    movesDb(q).add(
      {
        id,
        serverId: server.id,
        userId: 'u1',
        projectId: server.projectId,
        kind: 'migration',
        status: 'confirmed',
        source: { host: 'h1', node: 'h1' },
        dest: { host: 'h2', node: 'h2' },
        oldFlavor: server.flavor,
        newFlavor: server.flavor,
        oldVmState: 'active',
        ...change,
      },
      { cores: 0, ramMb: 0 },
      t.clock.now(),
    ),
  )
  t.clock.move(1000)
  return id
}
const rows = (answer: { json: Record<string, never> }): Row[] => answer.json['migrations'] as unknown as Row[]
const ADMIN = 'admin@p1'

test('the list of all migrations at each version', async () => {
  const t = await testNova()
  const server = await t.addServer({ host: 'h1', node: 'h1' })
  await moved(t, server)
  const list = (at: string, query = '', as = ADMIN) => t.call('GET', `/v2.1/os-migrations${query}`, { at, as })
  const base = [
    'created_at',
    'dest_compute',
    'dest_host',
    'dest_node',
    'id',
    'instance_uuid',
    'new_instance_type_id',
    'old_instance_type_id',
    'source_compute',
    'source_node',
    'status',
    'updated_at',
  ]
  const keys = async (at: string): Promise<string[]> => Object.keys(rows(await list(at))[0] ?? {}).sort()
  assert.deepEqual(await keys('2.1'), base)
  assert.deepEqual(await keys('2.22'), base)
  assert.deepEqual(await keys('2.23'), [...base, 'migration_type'].sort())
  assert.deepEqual(await keys('2.58'), [...base, 'migration_type'].sort())
  assert.deepEqual(await keys('2.59'), [...base, 'migration_type', 'uuid'].sort())
  assert.deepEqual(await keys('2.79'), [...base, 'migration_type', 'uuid'].sort())
  assert.deepEqual(await keys('2.80'), [...base, 'migration_type', 'project_id', 'user_id', 'uuid'].sort())

  await moved(t, server, { kind: 'live-migration', status: 'running' })
  const [, live] = rows(await list('2.23'))
  assert.deepEqual(
    (live?.['links'] as { rel: string }[] | undefined)?.map(link => link.rel),
    ['self', 'bookmark'],
  )
  assert.equal(rows(await list('2.22'))[1]?.['links'], undefined)
  assert.deepEqual(t.errors, [])
  await t.close()
})

test('filters, pages, and what is refused of them', async () => {
  const t = await testNova()
  const [one, two] = [await t.addServer(), await t.addServer({ projectId: 'p2' })]
  const ids = [
    await moved(t, one),
    await moved(t, two, { kind: 'resize', status: 'error', userId: 'u2' }),
    await moved(t, one),
  ]
  const get = (query: string, at = '2.80', as = ADMIN) => t.call('GET', `/v2.1/os-migrations${query}`, { at, as })
  const uuids = async (query: string): Promise<unknown[]> => rows(await get(query)).map(row => row['uuid'])
  assert.deepEqual(await uuids(''), [ids[2], ids[1], ids[0]], 'newest first')
  assert.deepEqual(await uuids('?status=error'), [ids[1]])
  assert.deepEqual(await uuids('?migration_type=migration'), [ids[2], ids[0]])
  assert.deepEqual(await uuids(`?instance_uuid=${two.id}`), [ids[1]])
  assert.deepEqual(await uuids('?host=h2&limit=1'), [ids[2]])
  assert.deepEqual(await uuids('?source_compute=h2'), [])
  assert.deepEqual(await uuids('?project_id=p2'), [ids[1]])
  assert.deepEqual(await uuids('?user_id=u2'), [ids[1]])
  const first = await get('?limit=2')
  const link = (first.json['migrations_links'] as unknown as { href: string }[])[0]?.href ?? ''
  assert.match(link, new RegExp(`marker=${ids[1] ?? ''}`))
  assert.deepEqual(await uuids(`?limit=2&marker=${ids[1] ?? ''}`), [ids[0]])
  assert.equal((await get('?limit=0')).json['migrations_links'], undefined)

  for (const [query, at] of [
    ['?marker=nobody', '2.59'],
    ['?limit=-1', '2.59'],
    ['?limit=x', '2.59'],
    ['?unknown=1', '2.59'],
    ['?changes-since=yesterday', '2.59'],
    ['?changes-before=2020-01-01T00:00:00', '2.65'],
    ['?changes-since=2021-01-01T00:00:00&changes-before=2020-01-01T00:00:00', '2.66'],
    ['?user_id=u1', '2.79'],
    ['?project_id=p1', '2.79'],
  ] as const)
    assert.equal((await get(query, at)).status, 400, `${query} at ${at}`)
  for (const [query, at] of [
    ['?limit=1&marker=nobody&unknown=1', '2.58'],
    ['?changes-since=2020-01-01T00:00:00', '2.59'],
    ['?changes-before=2020-01-01T00:00:00', '2.66'],
  ] as const)
    assert.equal((await get(query, at)).status, 200, `${query} at ${at}`)
  // Members may not ask; managers only for their own project, and see no hosts.
  assert.equal((await get('', '2.80', 'member@p1')).status, 403)
  assert.equal((await get('', '2.80', 'manager@p1')).status, 403)
  const own = await get('?project_id=p1', '2.80', 'manager@p1')
  assert.equal(own.status, 200)
  assert.equal(rows(own)[0]?.['source_compute'], null)
  assert.deepEqual(t.errors, [])
  await t.close()
})

test('migrations of one server: those that run, shown, aborted, completed by force', async () => {
  const t = await testNova()
  const server = await t.addServer({ host: 'h1', node: 'h1', taskState: 'migrating' })
  await moved(t, server)
  await moved(t, server, { kind: 'live-migration', status: 'queued' })
  const path = `/v2.1/servers/${server.id}/migrations`
  const call = (method: string, tail: string, at = '2.80', as = ADMIN, body?: unknown) =>
    t.call(method, `${path}${tail}`, { at, as, ...(body === undefined ? {} : { body }) })
  assert.equal((await call('GET', '', '2.22')).status, 404)
  const [live] = rows(await call('GET', ''))
  assert.equal(live?.['id'], 2)
  assert.equal(live['memory_total_bytes'], null)
  assert.equal(rows(await call('GET', '', '2.58'))[0]?.['uuid'], undefined)
  assert.equal((await call('GET', '/2')).status, 200)
  assert.equal((await call('GET', '/1')).status, 404)
  assert.equal((await call('GET', '/99')).status, 404)
  assert.equal((await call('GET', '/x')).status, 404)
  assert.equal((await call('GET', '/2', '2.80', 'member@p1')).status, 403)
  assert.equal((await call('GET', '', '2.80', 'member@p2')).status, 403)

  assert.equal((await call('DELETE', '/2', '2.23')).status, 404)
  const early = await call('DELETE', '/2', '2.64')
  assert.equal(early.status, 400)
  assert.match(
    (early.json['badRequest'] as unknown as { message: string }).message,
    /^Migration 2 state of instance .* is queued\. Cannot abort live migration while the migration is in this state\.$/,
  )
  assert.equal((await call('DELETE', '/99')).status, 404)
  const force = await call('POST', '/2/action', '2.22', ADMIN, { force_complete: null })
  assert.equal(force.status, 400)
  assert.match((force.json['badRequest'] as unknown as { message: string }).message, /Cannot force complete/)
  assert.equal((await call('POST', '/2/action', '2.21', ADMIN, { force_complete: null })).status, 404)
  assert.equal((await call('DELETE', '/2', '2.65')).status, 202)
  assert.deepEqual(rows(await call('GET', '')), [])
  const idle = await t.addServer({ host: 'h1', node: 'h1' })
  assert.equal((await t.call('DELETE', `/v2.1/servers/${idle.id}/migrations/1`, { at: '2.65', as: ADMIN })).status, 409)
  assert.deepEqual(t.errors, [])
  await t.close()
})

test('what moves refuse before anything is changed', async () => {
  const t = await testNova()
  await t.addHost('h1')
  await t.addHost('h2')
  const server = await t.addServer({ host: 'h1', node: 'h1' })
  const act = (body: unknown, at = '2.79', as = ADMIN, id = server.id) =>
    t.call('POST', `/v2.1/servers/${id}/action`, { body, at, as })
  const live = { host: null, block_migration: 'auto' }
  for (const [body, at, status] of [
    [{ resize: null }, '2.1', 400],
    [{ resize: { flavorRef: '' } }, '2.1', 400],
    [{ resize: { flavorRef: ['1'] } }, '2.1', 400],
    [{ resize: { flavorRef: '1\u0000' } }, '2.1', 400],
    [{ resize: { flavorRef: 'nobody' } }, '2.1', 400],
    [{ resize: { flavorRef: '1', 'OS-DCF:diskConfig': 'auto' } }, '2.1', 400],
    [{ confirmResize: null }, '2.1', 409],
    [{ revertResize: null }, '2.1', 409],
    [{ migrate: { host: 'h1' } }, '2.56', 400],
    [{ migrate: { host: 'nowhere' } }, '2.56', 400],
    [{ migrate: { host: 'a b' } }, '2.56', 400],
    [{ migrate: { unknown: 1 } }, '2.56', 400],
    [{ 'os-migrateLive': {} }, '2.1', 400],
    [{ 'os-migrateLive': { host: null, block_migration: 'auto', disk_over_commit: false } }, '2.24', 400],
    [{ 'os-migrateLive': { host: null, block_migration: 'maybe' } }, '2.25', 400],
    [{ 'os-migrateLive': { ...live, force: true } }, '2.29', 400],
    [{ 'os-migrateLive': { ...live, force: true } }, '2.30', 400],
    [{ 'os-migrateLive': { ...live, force: true } }, '2.68', 400],
    [{ 'os-migrateLive': { ...live, host: 'nowhere' } }, '2.34', 400],
    [{ evacuate: {} }, '2.13', 400],
    [{ evacuate: { onSharedStorage: false } }, '2.14', 400],
    [{ evacuate: { onSharedStorage: true, adminPass: 'x' } }, '2.1', 400],
    [{ evacuate: { host: 'nowhere' } }, '2.14', 404],
    [{ evacuate: { host: 'h1' } }, '2.14', 400],
    [{ evacuate: {} }, '2.14', 400],
    [{ evacuate: { force: true } }, '2.29', 400],
    [{ evacuate: { force: true, host: 'h2' } }, '2.68', 400],
  ] as const)
    assert.equal((await act(body, at)).status, status, `${JSON.stringify(body)} at ${at}`)
  const [stranger, nobody] = ['member@p2', t.ids.uuid()]
  assert.equal((await act({ resize: { flavorRef: '1' } }, '2.1', stranger)).status, 404)
  assert.equal((await act({ resize: { flavorRef: '1' } }, '2.1', ADMIN, nobody)).status, 404)
  assert.equal((await act({ migrate: null }, '2.1', 'member@p1')).status, 403)
  assert.equal((await act({ resize: { flavorRef: '1' } }, '2.1', 'reader@p1')).status, 403)
  const locked = await t.addServer({ host: 'h1', node: 'h1', lockedBy: 'owner' })
  assert.equal((await act({ resize: { flavorRef: '1' } }, '2.1', 'member@p1', locked.id)).status, 409)
  const waiting = await t.addServer({ host: 'h1', node: 'h1', vmState: 'resized' })
  const none = await act({ confirmResize: null }, '2.1', 'member@p1', waiting.id)
  assert.equal(none.status, 400)
  assert.equal((none.json['badRequest'] as unknown as { message: string }).message, 'Instance has not been resized.')
  t.clock.move(3_600_000)
  assert.equal((await act({ migrate: null }, '2.1')).status, 409, 'its host is down')
  assert.deepEqual(t.errors, [])
  await t.close()
})
