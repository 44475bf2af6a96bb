import assert from 'node:assert/strict'
import { test } from 'node:test'

import { actionsDb } from '#services/nova/db/actions.ts'
import type { Server } from '#services/nova/db/servers.ts'
import { testNova, type TestNova } from '#services/nova/test-nova.ts'

type Row = Record<string, unknown>
/** Three actions a second apart: create, stop, start; the first with an event that went wrong. */
async function acted(t: TestNova, server: Server): Promise<string[]> {
  const db = actionsDb(t.database.kysely)
  const requests: string[] = []
  for (const action of ['create', 'stop', 'start']) {
    const requestId = `req-${t.ids.uuid()}`
    requests.push(requestId)
    await db.begin({
      id: t.ids.uuid(),
      serverId: server.id,
      action,
      requestId,
      userId: 'u1',
      projectId: 'p1',
      message: null,
      startedAt: t.clock.now(),
      updatedAt: t.clock.now(),
    })
    t.clock.move(1000)
  }
  await db.event(
    {
      id: t.ids.uuid(),
      serverId: server.id,
      requestId: requests[0] ?? '',
      event: 'compute__do_build_and_run_instance',
      host: 'h1',
      result: 'Error',
      details: 'no room',
    },
    t.clock.now(),
  )
  return requests
}
const words = (answer: { json: Record<string, never> }): unknown[] =>
  (answer.json['instanceActions'] as unknown as Row[]).map(one => one['action'])

test('actions are listed newest first, and paged from 2.58 on', async () => {
  const t = await testNova()
  const server = await t.addServer()
  const started = t.clock.now()
  const [create, stop] = await acted(t, server)
  const list = (query: string, at: string, as = 'reader@p1') =>
    t.call('GET', `/v2.1/servers/${server.id}/os-instance-actions${query}`, { at, as })
  const plain = await list('', '2.57')
  assert.deepEqual(words(plain), ['start', 'stop', 'create'])
  const [row] = plain.json['instanceActions'] as unknown as [Row]
  assert.deepEqual(Object.keys(row).sort(), [
    'action',
    'instance_uuid',
    'message',
    'project_id',
    'request_id',
    'start_time',
    'user_id',
  ])
  assert.deepEqual(words(await list('?limit=1', '2.57')), ['start', 'stop', 'create'])
  const first = await list('?limit=2', '2.58')
  assert.deepEqual(words(first), ['start', 'stop'])
  assert.ok('updated_at' in (first.json['instanceActions'] as unknown as [Row])[0])
  assert.deepEqual(first.json['links'], [
    {
      rel: 'next',
      href: `http://127.0.0.1:8080/test/v2.1/servers/${server.id}/os-instance-actions?limit=2&marker=${stop}`,
    },
  ])
  assert.deepEqual(words(await list(`?limit=2&marker=${stop}`, '2.58')), ['create'])
  assert.deepEqual(words(await list(`?marker=${create}`, '2.58')), [])
  assert.equal((await list('?marker=req-none', '2.58')).status, 400)
  const at = (ms: number): string => encodeURIComponent(new Date(ms).toISOString())
  assert.deepEqual(words(await list(`?changes-since=${at(started + 500)}`, '2.58')).sort(), ['create', 'start', 'stop'])
  assert.deepEqual(words(await list(`?changes-since=${at(started + 2500)}`, '2.58')), ['create'])
  assert.equal((await list(`?changes-before=${at(started + 1500)}`, '2.65')).status, 400)
  assert.deepEqual(words(await list(`?changes-before=${at(started + 1500)}`, '2.66')), ['stop'])
  assert.equal((await list(`?changes-since=${at(9e12)}&changes-before=${at(1e12)}`, '2.66')).status, 400)
  assert.equal((await list('?changes-since=yesterday', '2.58')).status, 400)
  assert.equal((await list('?x=1', '2.57')).status, 200)
  assert.equal((await list('?x=1', '2.58')).status, 400)
  assert.deepEqual(t.errors, [])
  await t.close()
})

test('an action shows its events as far as version and person allow', async () => {
  const t = await testNova()
  const server = await t.addServer()
  const [create = ''] = await acted(t, server)
  const show = async (at: string, as: string): Promise<Row> =>
    (await t.call('GET', `/v2.1/servers/${server.id}/os-instance-actions/${create}`, { at, as })).json[
      'instanceAction'
    ] as unknown as Row
  const event = async (at: string, as: string): Promise<Row> => ((await show(at, as))['events'] as [Row])[0]
  assert.equal((await show('2.1', 'reader@p1'))['message'], 'Error')
  assert.ok(!('events' in (await show('2.50', 'reader@p1'))))
  assert.deepEqual(Object.keys(await event('2.51', 'reader@p1')).sort(), [
    'event',
    'finish_time',
    'result',
    'start_time',
  ])
  assert.equal((await event('2.50', 'admin@p0'))['traceback'], 'no room')
  assert.ok(!('hostId' in (await event('2.61', 'reader@p1'))))
  assert.match(String((await event('2.62', 'reader@p1'))['hostId']), /^[0-9a-f]{56}$/)
  assert.ok(!('host' in (await event('2.62', 'reader@p1'))))
  assert.ok(!('host' in (await event('2.61', 'admin@p0'))))
  assert.equal((await event('2.62', 'admin@p0'))['host'], 'h1')
  assert.ok(!('details' in (await event('2.83', 'admin@p0'))))
  assert.equal((await event('2.84', 'admin@p0'))['details'], 'no room')
  assert.ok(!('details' in (await event('2.84', 'reader@p1'))))
  await t.close()
})

test('a deleted server is remembered from 2.21 on, and nobody reads of the servers of others', async () => {
  const t = await testNova()
  const dead = await t.addServer({ deletedAt: t.clock.now(), vmState: 'deleted' })
  const [create = ''] = await acted(t, dead)
  const at = `/v2.1/servers/${dead.id}/os-instance-actions`
  for (const path of [at, `${at}/${create}`]) {
    assert.equal((await t.call('GET', path, { at: '2.20' })).status, 404)
    assert.equal((await t.call('GET', path, { at: '2.21' })).status, 200)
    assert.equal((await t.call('GET', path, { at: '2.21', as: 'member@p2' })).status, 404)
    assert.equal((await t.call('GET', path, { at: '2.21', as: 'service@service' })).status, 403)
    assert.equal((await t.call('GET', path, { at: '2.21', as: null })).status, 401)
  }
  const none = await t.call('GET', `${at}/req-none`, { at: '2.21' })
  assert.equal(none.status, 404)
  assert.match(JSON.stringify(none.json), /Action req-none not found/)
  for (const id of ['nope', t.ids.uuid()]) {
    const answer = await t.call('GET', `/v2.1/servers/${id}/os-instance-actions`)
    assert.equal(answer.status, 404)
    assert.match(JSON.stringify(answer.json), new RegExp(`Instance ${id} could not be found`))
  }
  await t.close()
})
