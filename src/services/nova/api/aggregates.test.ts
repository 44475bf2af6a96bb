import assert from 'node:assert/strict'
import { test } from 'node:test'

import { testNova, type TestNova } from '#services/nova/test-nova.ts'

const ADMIN = 'admin@p0'
type Row = Record<string, unknown>
const create = (t: TestNova, aggregate: object, at = '2.1') =>
  t.call('POST', '/v2.1/os-aggregates', { as: ADMIN, at, body: { aggregate } })
const act = (t: TestNova, id: number | string, action: string, body: object) =>
  t.call('POST', `/v2.1/os-aggregates/${id}/action`, { as: ADMIN, body: { [action]: body } })
const says = (answer: { json: unknown }): string => JSON.stringify(answer.json)
const zones = async (t: TestNova): Promise<string[]> =>
  (
    (await t.call('GET', '/v2.1/os-availability-zone')).json['availabilityZoneInfo'] as unknown as {
      zoneName: string
    }[]
  ).map(zone => zone.zoneName)

test('an aggregate is made, changed, filled, emptied and removed', async () => {
  const t = await testNova({ neighbours: { placement: () => ({ json: { resource_provider_generation: 4 } }) } })
  const { node } = await t.addHost('h1')
  const made = await create(t, { name: 'fast' })
  assert.equal(made.status, 200)
  assert.deepEqual(Object.keys(made.json['aggregate'] as Row).sort(), [
    'availability_zone',
    'created_at',
    'deleted',
    'deleted_at',
    'id',
    'name',
    'updated_at',
  ])
  const withHost = await act(t, 1, 'add_host', { host: 'h1' })
  assert.equal(withHost.status, 200)
  assert.deepEqual((withHost.json['aggregate'] as Row)['hosts'], ['h1'])
  assert.deepEqual(t.asked, [
    `placement GET /resource_providers/${node}/aggregates`,
    `placement PUT /resource_providers/${node}/aggregates`,
  ])
  const tagged = await act(t, 1, 'set_metadata', { metadata: { ssd: 'true', old: 'x' } })
  assert.deepEqual((tagged.json['aggregate'] as Row)['metadata'], { ssd: 'true', old: 'x' })
  const untagged = await act(t, 1, 'set_metadata', { metadata: { old: null } })
  assert.deepEqual((untagged.json['aggregate'] as Row)['metadata'], { ssd: 'true' })
  const zoned = await t.call('PUT', '/v2.1/os-aggregates/1', {
    as: ADMIN,
    body: { aggregate: { name: 'faster', availability_zone: 'west' } },
  })
  assert.equal(zoned.status, 200)
  const view = zoned.json['aggregate'] as Row
  assert.deepEqual([view['name'], view['availability_zone']], ['faster', 'west'])
  assert.deepEqual(view['metadata'], { ssd: 'true', availability_zone: 'west' })
  assert.deepEqual(await zones(t), ['west'])
  const full = await t.call('DELETE', '/v2.1/os-aggregates/1', { as: ADMIN })
  assert.equal(full.status, 400)
  assert.match(says(full), /Cannot remove host from aggregate 1. Reason: Host aggregate is not empty/)
  assert.equal((await act(t, 1, 'remove_host', { host: 'h1' })).status, 200)
  assert.deepEqual(await zones(t), ['nova'])
  const gone = await t.call('DELETE', '/v2.1/os-aggregates/1', { as: ADMIN })
  assert.deepEqual([gone.status, gone.body], [200, null])
  const list = await t.call('GET', '/v2.1/os-aggregates', { as: ADMIN })
  assert.deepEqual(list.json, { aggregates: [] })
  // numbers are not given out again
  assert.equal(((await create(t, { name: 'next' })).json['aggregate'] as Row)['id'], 2)
  assert.deepEqual(t.errors, [])
  await t.close()
})

test('an aggregate is kept though Placement cannot be told', async () => {
  const t = await testNova({ neighbours: { placement: () => ({ status: 503, json: {} }) } })
  await t.addHost('h1')
  await create(t, { name: 'a' })
  assert.equal((await act(t, 1, 'add_host', { host: 'h1' })).status, 200)
  await t.close()
})

test('2.41 shows the uuid', async () => {
  const t = await testNova()
  assert.ok(!('uuid' in ((await create(t, { name: 'a' }, '2.40')).json['aggregate'] as Row)))
  assert.match(String(((await create(t, { name: 'b' }, '2.41')).json['aggregate'] as Row)['uuid']), /^[0-9a-f-]{36}$/)
  const list = async (at: string): Promise<Row[]> =>
    (await t.call('GET', '/v2.1/os-aggregates', { as: ADMIN, at })).json['aggregates'] as unknown as Row[]
  assert.deepEqual(
    (await list('2.40')).map(one => 'uuid' in one),
    [false, false],
  )
  assert.deepEqual(
    (await list('2.41')).map(one => 'uuid' in one),
    [true, true],
  )
  await t.close()
})

test('a host is in one zone, and no server changes its own', async () => {
  const t = await testNova()
  for (const host of ['h1', 'h2']) await t.addHost(host)
  await create(t, { name: 'a', availability_zone: 'west' })
  await create(t, { name: 'b', availability_zone: 'east' })
  await create(t, { name: 'c' })
  assert.equal((await act(t, 1, 'add_host', { host: 'h1' })).status, 200)
  const both = await act(t, 2, 'add_host', { host: 'h1' })
  assert.equal(both.status, 409)
  assert.match(
    says(both),
    /Cannot add host to aggregate 2. Reason: One or more hosts already in availability zone\(s\) \['west'\]/,
  )
  assert.equal((await act(t, 3, 'add_host', { host: 'h1' })).status, 200)
  const other = await act(t, 3, 'set_metadata', { metadata: { availability_zone: 'east' } })
  assert.equal(other.status, 400)
  assert.match(
    says(other),
    /Cannot update metadata of aggregate 3. Reason: One or more hosts already in availability zone/,
  )

  await t.addServer({ host: 'h1' })
  await t.addServer({ host: 'h2' })
  const renamed = await t.call('PUT', '/v2.1/os-aggregates/1', {
    as: ADMIN,
    body: { aggregate: { availability_zone: 'south' } },
  })
  assert.equal(renamed.status, 400)
  assert.match(says(renamed), /One or more hosts contain instances in this zone/)
  const leaving = await act(t, 1, 'remove_host', { host: 'h1' })
  assert.equal(leaving.status, 409)
  assert.match(says(leaving), /would change from 'west' to 'None' but the host already has 1 instance/)
  const coming = await act(t, 2, 'add_host', { host: 'h2' })
  assert.equal(coming.status, 409)
  assert.match(says(coming), /would change from 'None' to 'east'/)
  assert.equal((await act(t, 3, 'remove_host', { host: 'h1' })).status, 200)
  assert.equal((await act(t, 3, 'add_host', { host: 'h2' })).status, 200)
  const empty = await t.call('PUT', '/v2.1/os-aggregates/1', {
    as: ADMIN,
    body: { aggregate: { availability_zone: null } },
  })
  assert.equal(empty.status, 400)
  assert.match(says(empty), /does not support empty named availability zone/)
  await t.close()
})

test('mistakes are named and change nothing', async () => {
  const t = await testNova()
  await t.addHost('h1')
  await create(t, { name: 'a' })
  await act(t, 1, 'add_host', { host: 'h1' })
  const at = '/v2.1/os-aggregates'
  const rows: [string, string, unknown, number, RegExp?][] = [
    ['POST', at, { aggregate: { name: 'a' } }, 409, /Aggregate a already exists/],
    ['POST', at, { aggregate: { name: '' } }, 400],
    ['POST', at, { aggregate: { name: ' a ' } }, 400],
    ['POST', at, { aggregate: { name: 'x'.repeat(256) } }, 400],
    ['POST', at, { aggregate: {} }, 400],
    ['POST', at, { aggregate: { name: 'z', availability_zone: 'a:b' } }, 400],
    ['POST', at, { aggregate: { name: 'z', availability_zone: '' } }, 400],
    ['POST', at, { aggregate: { name: 'z', hosts: [] } }, 400],
    ['PUT', `${at}/1`, { aggregate: {} }, 400],
    ['PUT', `${at}/9`, { aggregate: { name: 'n' } }, 404, /Aggregate 9 could not be found/],
    ['GET', `${at}/9`, undefined, 404],
    ['GET', `${at}/99999999999`, undefined, 404],
    ['GET', `${at}/one`, undefined, 400],
    ['DELETE', `${at}/one`, undefined, 400],
    ['DELETE', `${at}/9`, undefined, 404],
    ['POST', `${at}/1/action`, { add_host: { host: 'h1' } }, 409, /Aggregate 1 already has host h1/],
    ['POST', `${at}/1/action`, { add_host: { host: 'h9' } }, 404, /Compute host h9 could not be found/],
    ['POST', `${at}/9/action`, { add_host: { host: 'h1' } }, 404],
    ['POST', `${at}/1/action`, { add_host: { host: 'h/1' } }, 400],
    ['POST', `${at}/1/action`, { add_host: {} }, 400],
    ['POST', `${at}/1/action`, { remove_host: { host: 'h9' } }, 404, /Cannot remove host h9 in aggregate 1/],
    ['POST', `${at}/9/action`, { remove_host: { host: 'h1' } }, 404],
    ['POST', `${at}/1/action`, { set_metadata: { metadata: { 'a/b': 'x' } } }, 400],
    ['POST', `${at}/1/action`, { set_metadata: { metadata: { a: 'x'.repeat(256) } } }, 400],
    ['POST', `${at}/1/action`, { set_metadata: {} }, 400],
    ['POST', `${at}/1/action`, { explode: {} }, 400],
    ['POST', `${at}/1/images`, { cache: [] }, 404],
  ]
  for (const [method, path, body, status, text] of rows) {
    const answer = await t.call(method, path, { as: ADMIN, ...(body === undefined ? {} : { body }) })
    assert.equal(answer.status, status, `${method} ${path} ${JSON.stringify(body)} ${says(answer)}`)
    if (text !== undefined) assert.match(says(answer), text)
  }
  const list = (await t.call('GET', at, { as: ADMIN })).json['aggregates'] as unknown as Row[]
  assert.deepEqual(
    list.map(one => [one['name'], one['hosts'], one['metadata']]),
    [['a', ['h1'], {}]],
  )
  assert.deepEqual(t.errors, [])
  await t.close()
})

test('zones are seen by all, their hosts by administrators', async () => {
  const t = await testNova()
  for (const host of ['h1', 'h2']) await t.addHost(host)
  await create(t, { name: 'a', availability_zone: 'west' })
  await act(t, 1, 'add_host', { host: 'h1' })
  const list = await t.call('GET', '/v2.1/os-availability-zone', { as: 'reader@p1' })
  assert.deepEqual(list.json, {
    availabilityZoneInfo: [
      { zoneName: 'west', zoneState: { available: true }, hosts: null },
      { zoneName: 'nova', zoneState: { available: true }, hosts: null },
    ],
  })
  const off = { host: 'h2', binary: 'nova-compute' }
  assert.equal((await t.call('PUT', '/v2.1/os-services/disable', { as: ADMIN, body: off })).status, 200)
  t.clock.move(120_000)
  const detail = await t.call('GET', '/v2.1/os-availability-zone/detail', { as: ADMIN })
  const [west, nova] = detail.json['availabilityZoneInfo'] as unknown as Row[]
  const hosts = (west ?? {})['hosts'] as Record<string, Record<string, Row>>
  const inside = hosts['h1']?.['nova-compute']
  assert.deepEqual([inside?.['available'], inside?.['active']], [false, true])
  assert.deepEqual(nova, { zoneName: 'nova', zoneState: { available: false }, hosts: null })
  assert.equal((await t.call('GET', '/v2.1/os-availability-zone/detail', { as: 'manager@p1' })).status, 403)
  await t.close()
})

test('only administrators see and change aggregates', async () => {
  const t = await testNova()
  await create(t, { name: 'a' })
  for (const as of ['reader@p1', 'manager@p1', 'service@service', 'admin@system']) {
    for (const [method, path, body] of [
      ['GET', '', undefined],
      ['POST', '', { aggregate: { name: 'x' } }],
      ['GET', '/1', undefined],
      ['PUT', '/1', { aggregate: { name: 'x' } }],
      ['DELETE', '/1', undefined],
      ['POST', '/1/action', { add_host: { host: 'h' } }],
      ['POST', '/1/action', { remove_host: { host: 'h' } }],
      ['POST', '/1/action', { set_metadata: { metadata: {} } }],
    ] as const) {
      const answer = await t.call(method, `/v2.1/os-aggregates${path}`, { as, ...(body === undefined ? {} : { body }) })
      assert.equal(answer.status, 403, `${as} ${method} ${path}`)
    }
  }
  await t.close()
})
