import assert from 'node:assert/strict'
import { test } from 'node:test'

import { testNova, type TestNova } from '#services/nova/test-nova.ts'

const ADMIN = 'admin@p0'
type Row = Record<string, unknown>
const create = (t: TestNova, group: object, at = '2.1', as = 'member@p1') =>
  t.call('POST', '/v2.1/os-server-groups', { as, at, body: { server_group: group } })
const idOf = (answer: { json: Record<string, never> }): string =>
  String((answer.json['server_group'] as unknown as Row)['id'])
const listed = (answer: { json: Record<string, never> }): string[] =>
  (answer.json['server_groups'] as unknown as { name: string }[]).map(group => group.name)

test('a group shows its living members, in the form of each version', async () => {
  const t = await testNova()
  const id = idOf(await create(t, { name: 'g', policies: ['anti-affinity'] }))
  const server = await t.addServer()
  const dead = await t.addServer({ deletedAt: t.clock.now(), vmState: 'deleted' })
  for (const one of [server, dead]) {
    await t.database.kysely.insertInto('server_group_members').values({ group_id: id, server_id: one.id }).execute()
  }
  const shown = async (at: string): Promise<Row> =>
    (await t.call('GET', `/v2.1/os-server-groups/${id}`, { at })).json['server_group'] as unknown as Row
  assert.deepEqual(await shown('2.12'), {
    id,
    name: 'g',
    policies: ['anti-affinity'],
    metadata: {},
    members: [server.id],
  })
  const named = await shown('2.13')
  assert.deepEqual([named['project_id'], named['user_id']], ['p1', 'user-of-member@p1'])
  assert.ok('policies' in (await shown('2.63')))
  assert.deepEqual(await shown('2.64'), {
    id,
    name: 'g',
    policy: 'anti-affinity',
    rules: {},
    members: [server.id],
    project_id: 'p1',
    user_id: 'user-of-member@p1',
  })
  assert.equal((await t.call('DELETE', `/v2.1/os-server-groups/${id}`)).status, 204)
  const gone = await t.call('GET', `/v2.1/os-server-groups/${id}`)
  assert.equal(gone.status, 404)
  assert.match(JSON.stringify(gone.json), /Instance group .* could not be found/)
  assert.deepEqual(t.errors, [])
  await t.close()
})

test('what may be asked for grows with the versions', async () => {
  const t = await testNova()
  for (const [group, at, status] of [
    [{ name: 'g', policies: ['soft-affinity'] }, '2.14', 400],
    [{ name: 'g', policies: ['soft-affinity'] }, '2.15', 200],
    [{ name: 'g', policy: 'affinity' }, '2.63', 400],
    [{ name: 'g', policies: ['affinity'] }, '2.64', 400],
    [{ name: 'g', policy: 'affinity' }, '2.64', 200],
    [{ name: 'g', policy: 'anti-affinity', rules: { max_server_per_host: 3 } }, '2.64', 200],
    [{ name: 'g', policy: 'affinity', rules: { max_server_per_host: 3 } }, '2.64', 400],
    [{ name: 'g', policy: 'affinity', rules: {} }, '2.64', 200],
    [{ name: 'g', policy: 'anti-affinity', rules: { max_server_per_host: 0 } }, '2.64', 400],
    [{ name: 'g', policy: 'anti-affinity', rules: { other: 1 } }, '2.64', 400],
    [{ name: 'g', policies: [] }, '2.1', 400],
    [{ name: 'g', policies: ['affinity', 'anti-affinity'] }, '2.1', 400],
    [{ name: 'g', policies: ['legacy'] }, '2.1', 400],
    [{ name: ' g ', policies: ['affinity'] }, '2.1', 400],
    [{ name: '', policies: ['affinity'] }, '2.1', 400],
    [{ policies: ['affinity'] }, '2.1', 400],
    [{ name: 'g', policies: ['affinity'], members: [] }, '2.1', 400],
  ] as const) {
    assert.equal((await create(t, group, at)).status, status, `${JSON.stringify(group)} at ${at}`)
  }
  await t.close()
})

test('lists hold the own project, or all for administrators, piece by piece', async () => {
  const t = await testNova()
  for (const name of ['a', 'b', 'c']) {
    await create(t, { name, policies: ['affinity'] })
    t.clock.move(1)
  }
  await create(t, { name: 'x', policies: ['affinity'] }, '2.1', 'member@p2')
  const list = (query: string, as = 'reader@p1', at = '2.1') =>
    t.call('GET', `/v2.1/os-server-groups${query}`, { as, at })
  assert.deepEqual(listed(await list('')), ['a', 'b', 'c'])
  assert.deepEqual(listed(await list('?limit=2&offset=1')), ['b', 'c'])
  assert.deepEqual(listed(await list('?all_projects=True')), ['a', 'b', 'c'])
  assert.deepEqual(listed(await list('?all_projects', ADMIN)), ['a', 'b', 'c', 'x'])
  assert.deepEqual(listed(await list('', ADMIN)), [])
  assert.equal((await list('?limit=x')).status, 400)
  assert.equal((await list('?other=1', 'reader@p1', '2.74')).status, 200)
  assert.equal((await list('?other=1', 'reader@p1', '2.75')).status, 400)
  await t.close()
})

test('quota and policy', async () => {
  const t = await testNova({ settings: { quota_server_groups: '1' } })
  const id = idOf(await create(t, { name: 'a', policies: ['affinity'] }))
  const more = await create(t, { name: 'b', policies: ['affinity'] })
  assert.equal(more.status, 403)
  assert.match(JSON.stringify(more.json), /Quota exceeded, too many server groups/)
  assert.equal((await create(t, { name: 'b', policies: ['affinity'] }, '2.1', 'reader@p2')).status, 403)
  const at = `/v2.1/os-server-groups/${id}`
  for (const [as, method, status] of [
    ['reader@p1', 'GET', 200],
    ['reader@p1', 'DELETE', 403],
    ['member@p2', 'GET', 404],
    ['member@p2', 'DELETE', 404],
    ['service@service', 'GET', 403],
    ['admin@system', 'GET', 403],
    [ADMIN, 'GET', 200],
    [ADMIN, 'DELETE', 204],
  ] as const) {
    assert.equal((await t.call(method, at, { as })).status, status, `${as} ${method}`)
  }
  await t.close()
})
