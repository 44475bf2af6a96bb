import assert from 'node:assert/strict'
import { test } from 'node:test'

import { testNova, type TestNova } from '#services/nova/test-nova.ts'

const ADMIN = 'admin@p0'
type Row = Record<string, unknown>
const make = (t: TestNova, flavor: Row, at?: string) =>
  t.call('POST', '/v2.1/flavors', {
    as: ADMIN,
    body: { flavor: { ram: 512, vcpus: 1, disk: 1, ...flavor } },
    ...(at === undefined ? {} : { at }),
  })
const ids = (answer: { json: Record<string, never> }): string[] =>
  (answer.json['flavors'] as unknown as { id: string }[]).map(flavor => flavor.id)

test('a flavor is made with defaults, shown, described and removed', async () => {
  const t = await testNova()
  const made = await make(t, { name: 'm1.tiny', id: 1, ram: '512' })
  assert.equal(made.status, 200)
  assert.deepEqual(made.json['flavor'], {
    id: '1',
    name: 'm1.tiny',
    ram: 512,
    disk: 1,
    swap: '',
    'OS-FLV-EXT-DATA:ephemeral': 0,
    'OS-FLV-DISABLED:disabled': false,
    vcpus: 1,
    'os-flavor-access:is_public': true,
    rxtx_factor: 1,
    links: [
      { rel: 'self', href: 'http://127.0.0.1:8080/test/v2.1/flavors/1' },
      { rel: 'bookmark', href: 'http://127.0.0.1:8080/test/flavors/1' },
    ],
  })
  assert.equal((await t.call('GET', '/v2.1/flavors/1')).status, 200)
  const auto = await make(t, { name: 'auto', id: null, swap: 64, rxtx_factor: '1.5', 'OS-FLV-EXT-DATA:ephemeral': 2 })
  const view = auto.json['flavor'] as Row
  assert.match(String(view['id']), /^[0-9a-f-]{36}$/)
  assert.equal(view['swap'], 64)
  assert.equal(view['rxtx_factor'], 1.5)
  const described = await t.call('PUT', '/v2.1/flavors/1', {
    as: ADMIN,
    at: '2.55',
    body: { flavor: { description: 'small' } },
  })
  assert.equal(described.status, 200)
  assert.equal((described.json['flavor'] as Row)['description'], 'small')
  const gone = await t.call('DELETE', '/v2.1/flavors/1', { as: ADMIN })
  assert.equal(gone.status, 202)
  const missing = await t.call('GET', '/v2.1/flavors/1')
  assert.equal(missing.status, 404)
  assert.deepEqual(missing.json, { itemNotFound: { code: 404, message: 'Flavor 1 could not be found.' } })
  assert.deepEqual(t.errors, [])
  await t.close()
})

test('each version shows what it knows', async () => {
  const t = await testNova()
  await make(t, { name: 'a', id: 'a' })
  const shown = async (at: string): Promise<Row> =>
    (await t.call('GET', '/v2.1/flavors/a', { at })).json['flavor'] as unknown as Row
  assert.ok(!('description' in (await shown('2.54'))))
  assert.equal((await shown('2.55'))['description'], null)
  assert.ok(!('extra_specs' in (await shown('2.60'))))
  assert.deepEqual((await shown('2.61'))['extra_specs'], {})
  assert.equal((await shown('2.74'))['swap'], '')
  assert.equal((await shown('2.75'))['swap'], 0)
  const brief = async (at: string): Promise<Row> =>
    ((await t.call('GET', '/v2.1/flavors', { at })).json['flavors'] as unknown as Row[])[0] as Row
  assert.deepEqual(Object.keys(await brief('2.54')).sort(), ['id', 'links', 'name'])
  assert.deepEqual(Object.keys(await brief('2.55')).sort(), ['description', 'id', 'links', 'name'])
  // a description may be given from 2.55 on, and only then can a flavor be changed
  assert.equal((await make(t, { name: 'b', id: 'b', description: 'x' }, '2.54')).status, 400)
  assert.equal((await make(t, { name: 'b', id: 'b', description: 'x' }, '2.55')).status, 200)
  const body = { flavor: { description: null } }
  assert.equal((await t.call('PUT', '/v2.1/flavors/b', { as: ADMIN, at: '2.54', body })).status, 404)
  assert.equal((await t.call('PUT', '/v2.1/flavors/b', { as: ADMIN, at: '2.55', body })).status, 200)
  // unknown questions
  assert.equal((await t.call('GET', '/v2.1/flavors?colour=red', { at: '2.74' })).status, 200)
  assert.equal((await t.call('GET', '/v2.1/flavors?colour=red', { at: '2.75' })).status, 400)
  await t.close()
})

test('extra specs in a flavor are for those who may list them', async () => {
  const t = await testNova()
  await make(t, { name: 'a', id: 'a' })
  const keys = async (as: string): Promise<string[]> =>
    Object.keys((await t.call('GET', '/v2.1/flavors/a', { as, at: '2.61' })).json['flavor'] as object)
  assert.ok((await keys('reader@p1')).includes('extra_specs'))
  assert.ok(!(await keys('service@service')).includes('extra_specs'))
  await t.close()
})

test('names and ids are given out once', async () => {
  const t = await testNova()
  await make(t, { name: 'a', id: 'a' })
  const sameId = await make(t, { name: 'b', id: 'a' })
  assert.equal(sameId.status, 409)
  assert.match(JSON.stringify(sameId.json), /Flavor with ID a already exists/)
  const sameName = await make(t, { name: 'a', id: 'b' })
  assert.equal(sameName.status, 409)
  assert.match(JSON.stringify(sameName.json), /Flavor with name a already exists/)
  await t.close()
})

test('lists are sorted, filtered and paged', async () => {
  const t = await testNova()
  for (const [id, ram, disk] of [
    ['1', 512, 1],
    ['2', 2048, 20],
    ['42', 128, 1],
    ['5', 16384, 160],
  ] as const) {
    await make(t, { name: `f${id}`, id, ram, disk })
  }
  const list = async (query: string, as = 'member@p1') => ids(await t.call('GET', `/v2.1/flavors${query}`, { as }))
  assert.deepEqual(await list(''), ['1', '2', '42', '5'])
  assert.deepEqual(await list('?sort_key=memory_mb&sort_dir=desc'), ['5', '2', '1', '42'])
  assert.deepEqual(await list('?minRam=2048'), ['2', '5'])
  assert.deepEqual(await list('?minDisk=100&minRam=1'), ['5'])
  assert.deepEqual(await list('?sort_key=memory_mb&limit=2&marker=42'), ['1', '2'])
  assert.deepEqual(await list('?limit=0'), [])
  const first = await t.call('GET', '/v2.1/flavors/detail?limit=3')
  assert.deepEqual(ids(first), ['1', '2', '42'])
  assert.deepEqual(first.json['flavors_links'], [
    { rel: 'next', href: 'http://127.0.0.1:8080/test/v2.1/flavors/detail?limit=3&marker=42' },
  ])
  const last = await t.call('GET', '/v2.1/flavors/detail?limit=3&marker=42')
  assert.deepEqual(ids(last), ['5'])
  assert.ok(!('flavors_links' in last.json))
  for (const [query, says] of [
    ['?minRam=big', 'Invalid minRam filter [big]'],
    ['?minDisk=1.5', 'Invalid minDisk filter [1.5]'],
    ['?marker=nope', 'marker [nope] not found'],
    ['?sort_key=password', 'password'],
    ['?sort_dir=up', 'up'],
    ['?limit=-1', 'limit'],
  ] as const) {
    const answer = await t.call('GET', `/v2.1/flavors${query}`)
    assert.equal(answer.status, 400, query)
    assert.ok(JSON.stringify(answer.json).includes(says), `${query}: ${JSON.stringify(answer.json)}`)
  }
  await t.close()
})

test('private flavors are seen by administrators and by whom they are open to', async () => {
  const t = await testNova()
  await make(t, { name: 'open', id: 'open' })
  await make(t, { name: 'shut', id: 'shut', 'os-flavor-access:is_public': 'false' })
  const list = async (query: string, as: string) => ids(await t.call('GET', `/v2.1/flavors${query}`, { as }))
  const access = (action: string, id: string, at = '2.1', as = ADMIN) =>
    t.call('POST', `/v2.1/flavors/${id}/action`, { as, at, body: { [action]: { tenant: 'p1' } } })
  assert.deepEqual(await list('', 'member@p1'), ['open'])
  assert.deepEqual(await list('?is_public=none', 'member@p1'), ['open'])
  assert.deepEqual(await list('', ADMIN), ['open'])
  assert.deepEqual(await list('?is_public=None', ADMIN), ['open', 'shut'])
  assert.deepEqual(await list('?is_public=False', ADMIN), ['shut'])
  assert.equal((await t.call('GET', '/v2.1/flavors?is_public=maybe', { as: ADMIN })).status, 400)
  assert.equal((await t.call('GET', '/v2.1/flavors/shut')).status, 404)
  assert.equal((await t.call('GET', '/v2.1/flavors/shut', { as: ADMIN })).status, 200)

  const added = await access('addTenantAccess', 'shut')
  assert.equal(added.status, 200)
  assert.deepEqual(added.json, { flavor_access: [{ flavor_id: 'shut', tenant_id: 'p1' }] })
  assert.equal((await access('addTenantAccess', 'shut')).status, 409)
  assert.deepEqual(await list('', 'member@p1'), ['open', 'shut'])
  assert.deepEqual(await list('', 'member@p2'), ['open'])
  assert.equal((await t.call('GET', '/v2.1/flavors/shut')).status, 200)
  const listed = await t.call('GET', '/v2.1/flavors/shut/os-flavor-access', { as: ADMIN })
  assert.deepEqual(listed.json, { flavor_access: [{ flavor_id: 'shut', tenant_id: 'p1' }] })
  assert.equal((await access('removeTenantAccess', 'shut')).status, 200)
  const again = await access('removeTenantAccess', 'shut')
  assert.equal(again.status, 404)
  assert.match(JSON.stringify(again.json), /Flavor access not found for shut \/ p1 combination/)

  assert.equal((await t.call('GET', '/v2.1/flavors/open/os-flavor-access', { as: ADMIN })).status, 404)
  assert.equal((await access('addTenantAccess', 'open', '2.6')).status, 200)
  assert.equal((await access('addTenantAccess', 'open', '2.7')).status, 409)
  assert.equal((await access('addTenantAccess', 'nope')).status, 404)
  await t.close()
})

test('access is given to projects that Keystone knows', async () => {
  const t = await testNova({
    neighbours: {
      keystone: (_method, path) =>
        path === '/v3/projects/real'
          ? { json: { project: {} } }
          : path === '/v3/projects/hidden'
            ? { status: 403, json: {} }
            : undefined,
    },
  })
  await make(t, { name: 'shut', id: 'shut', 'os-flavor-access:is_public': false })
  const add = (tenant: string) =>
    t.call('POST', '/v2.1/flavors/shut/action', { as: ADMIN, body: { addTenantAccess: { tenant } } })
  assert.equal((await add('real')).status, 200)
  assert.equal((await add('hidden')).status, 200)
  const unknown = await add('typo')
  assert.equal(unknown.status, 400)
  assert.match(JSON.stringify(unknown.json), /Project ID typo is not a valid project/)
  assert.deepEqual(
    t.asked,
    ['real', 'hidden', 'typo'].map(id => `keystone GET /v3/projects/${id}`),
  )
  await t.close()
})

test('extra specs are added, read, replaced and removed', async () => {
  const t = await testNova()
  await make(t, { name: 'a', id: 'a' })
  const at = '/v2.1/flavors/a/os-extra_specs'
  const added = await t.call('POST', at, { as: ADMIN, body: { extra_specs: { 'hw:cpu_policy': 'shared', n: 5 } } })
  assert.equal(added.status, 200)
  assert.deepEqual(added.json, { extra_specs: { 'hw:cpu_policy': 'shared', n: 5 } })
  assert.deepEqual((await t.call('GET', at)).json, { extra_specs: { 'hw:cpu_policy': 'shared', n: '5' } })
  assert.deepEqual((await t.call('GET', `${at}/n`)).json, { n: '5' })
  const put = await t.call('PUT', `${at}/n`, { as: ADMIN, body: { n: '6' } })
  assert.deepEqual([put.status, put.json], [200, { n: '6' }])
  assert.equal((await t.call('PUT', `${at}/n`, { as: ADMIN, body: { m: '6' } })).status, 400)
  assert.equal((await t.call('DELETE', `${at}/n`, { as: ADMIN })).status, 200)
  const gone = await t.call('GET', `${at}/n`)
  assert.equal(gone.status, 404)
  assert.match(JSON.stringify(gone.json), /Flavor a has no extra specs with key n/)
  assert.equal((await t.call('DELETE', `${at}/n`, { as: ADMIN })).status, 404)
  assert.equal((await t.call('GET', `${at}/__proto__`)).status, 404)
  for (const body of [
    {},
    { extra_specs: { 'bad/key': 'x' } },
    { extra_specs: { a: 'x'.repeat(256) } },
    { extra_specs: { a: null } },
    { extra_specs: { a: {} } },
    { extra_specs: {}, more: 1 },
  ]) {
    assert.equal((await t.call('POST', at, { as: ADMIN, body })).status, 400, JSON.stringify(body))
  }
  const odd = { extra_specs: { 'hw:cpu_policy': 'sharred' } }
  assert.equal((await t.call('POST', at, { as: ADMIN, at: '2.85', body: odd })).status, 200)
  assert.equal((await t.call('POST', at, { as: ADMIN, at: '2.86', body: odd })).status, 400)
  const oddKey = { 'hw:cpu_polic': 'shared' }
  assert.equal((await t.call('PUT', `${at}/hw:cpu_polic`, { as: ADMIN, at: '2.86', body: oddKey })).status, 400)
  await t.close()
})

test('bad bodies change nothing', async () => {
  const t = await testNova()
  for (const flavor of [
    { name: '' },
    { name: ' padded ' },
    { name: 'x'.repeat(256) },
    { name: 'a', ram: 0 },
    { name: 'a', ram: 'much' },
    { name: 'a', ram: 2 ** 31 },
    { name: 'a', ram: 1.5 },
    { name: 'a', vcpus: 0 },
    { name: 'a', disk: -1 },
    { name: 'a', swap: -1 },
    { name: 'a', id: ' 7' },
    { name: 'a', id: 'a/b' },
    { name: 'a', id: '' },
    { name: 'a', rxtx_factor: 0 },
    { name: 'a', rxtx_factor: '0' },
    { name: 'a', rxtx_factor: 'fast' },
    { name: 'a', 'os-flavor-access:is_public': 'perhaps' },
    { name: 'a', disabled: true },
    { name: 'a', ram: undefined },
  ]) {
    const answer = await make(t, flavor)
    assert.equal(answer.status, 400, JSON.stringify(flavor))
    assert.ok('badRequest' in answer.json)
  }
  const described = await make(t, { name: 'a', description: 'line\nbreak' }, '2.55')
  assert.equal(described.status, 400)
  assert.deepEqual(ids(await t.call('GET', '/v2.1/flavors?is_public=none', { as: ADMIN })), [])
  assert.deepEqual(t.errors, [])
  await t.close()
})

test('only administrators manage flavors', async () => {
  const t = await testNova()
  await make(t, { name: 'a', id: 'a' })
  const routes: [string, string, unknown?][] = [
    ['POST', '/v2.1/flavors', { flavor: { name: 'x', ram: 1, vcpus: 1, disk: 1 } }],
    ['PUT', '/v2.1/flavors/a', { flavor: { description: null } }],
    ['DELETE', '/v2.1/flavors/a'],
    ['POST', '/v2.1/flavors/a/os-extra_specs', { extra_specs: {} }],
    ['PUT', '/v2.1/flavors/a/os-extra_specs/k', { k: 'v' }],
    ['DELETE', '/v2.1/flavors/a/os-extra_specs/k'],
    ['GET', '/v2.1/flavors/a/os-flavor-access'],
    ['POST', '/v2.1/flavors/a/action', { addTenantAccess: { tenant: 'p1' } }],
    ['POST', '/v2.1/flavors/a/action', { removeTenantAccess: { tenant: 'p1' } }],
  ]
  for (const as of ['reader@p1', 'member@p1', 'manager@p1', 'service@service', 'admin@system']) {
    for (const [method, path, body] of routes) {
      const answer = await t.call(method, path, { as, at: '2.55', ...(body === undefined ? {} : { body }) })
      assert.equal(answer.status, 403, `${as} ${method} ${path}`)
    }
  }
  for (const [method, path] of [
    ['GET', '/v2.1/flavors'],
    ['GET', '/v2.1/flavors/detail'],
    ['GET', '/v2.1/flavors/a'],
  ] as const) {
    assert.equal((await t.call(method, path, { as: 'reader@p1' })).status, 200)
    assert.equal((await t.call(method, path, { as: null })).status, 401)
  }
  await t.close()
})
