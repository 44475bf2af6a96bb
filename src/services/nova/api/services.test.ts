import assert from 'node:assert/strict'
import { test } from 'node:test'

import { hostsDb } from '#services/nova/db/hosts.ts'
import { testNova, type TestNova } from '#services/nova/test-nova.ts'

const ADMIN = 'admin@p0'
type Row = Record<string, unknown>
const list = async (t: TestNova, query = '', at = '2.1'): Promise<Row[]> =>
  (await t.call('GET', `/v2.1/os-services${query}`, { as: ADMIN, at })).json['services'] as unknown as Row[]
const put = (t: TestNova, path: string, body: object, at = '2.1') =>
  t.call('PUT', `/v2.1/os-services/${path}`, { as: ADMIN, at, body })
const says = (answer: { json: unknown }): string => JSON.stringify(answer.json)
const scheduler = async (t: TestNova): Promise<string> => {
  const id = t.ids.uuid()
  await hostsDb(t.database.kysely).seen({ id, host: 'h1', binary: 'nova-scheduler' }, t.clock.now())
  return id
}

test('services show where they stand and when they were last seen', async () => {
  const t = await testNova()
  const { service } = await t.addHost('h1')
  await scheduler(t)
  const [first, second] = await list(t)
  assert.deepEqual(
    ['id', 'binary', 'host', 'zone', 'status', 'state', 'disabled_reason'].map(key => first?.[key]),
    [1, 'nova-compute', 'h1', 'nova', 'enabled', 'up', null],
  )
  assert.match(String(first?.['updated_at']), /^\d{4}-.*\.\d{6}$/)
  assert.deepEqual([second?.['binary'], second?.['zone']], ['nova-scheduler', 'internal'])
  assert.ok(!('forced_down' in ((await list(t, '', '2.10'))[0] as Row)))
  assert.equal((await list(t, '', '2.11'))[0]?.['forced_down'], false)
  assert.equal((await list(t, '', '2.52'))[0]?.['id'], 1)
  assert.equal((await list(t, '', '2.53'))[0]?.['id'], service)
  assert.equal((await list(t, '?binary=nova-scheduler')).length, 1)
  assert.equal((await list(t, '?host=h2')).length, 0)
  assert.equal((await t.call('GET', '/v2.1/os-services?x=1', { as: ADMIN, at: '2.74' })).status, 200)
  assert.equal((await t.call('GET', '/v2.1/os-services?x=1', { as: ADMIN, at: '2.75' })).status, 400)
  t.clock.move(61_000)
  assert.equal((await list(t))[0]?.['state'], 'down')
  await t.close()
})

test('before 2.53 a service is named by host and binary', async () => {
  const t = await testNova()
  await t.addHost('h1')
  const it = { host: 'h1', binary: 'nova-compute' }
  assert.deepEqual((await put(t, 'disable', it)).json, { service: { ...it, status: 'disabled' } })
  assert.equal((await list(t))[0]?.['status'], 'disabled')
  const reason = await put(t, 'disable-log-reason', { ...it, disabled_reason: 'repair' })
  assert.deepEqual(reason.json, { service: { ...it, status: 'disabled', disabled_reason: 'repair' } })
  assert.equal((await list(t))[0]?.['disabled_reason'], 'repair')
  assert.deepEqual((await put(t, 'enable', it)).json, { service: { ...it, status: 'enabled' } })
  assert.equal((await list(t))[0]?.['disabled_reason'], null)
  const down = { ...it, forced_down: true }
  assert.equal((await put(t, 'force-down', down, '2.10')).status, 400)
  assert.equal((await put(t, 'force-down', it, '2.10')).status, 404)
  assert.deepEqual((await put(t, 'force-down', down, '2.11')).json, { service: down })
  assert.equal((await list(t, '', '2.11'))[0]?.['state'], 'down')
  assert.equal((await put(t, 'force-down', { ...it, forced_down: 'no' }, '2.11')).status, 200)
  for (const [word, body, at, status, text] of [
    ['disable-log-reason', it, '2.1', 400, /Missing disabled reason field/],
    ['force-down', it, '2.11', 400, /Missing forced_down field/],
    ['explode', it, '2.1', 404, /Unknown action/],
    ['disable', { host: 'h1' }, '2.1', 400, /'binary' is a required property/],
    ['disable', { ...it, host: 'h/1' }, '2.1', 400, /host/],
    ['disable', { ...it, disabled_reason: '' }, '2.1', 400, /too short/],
    ['disable', { ...it, disabled_reason: 'x'.repeat(256) }, '2.1', 400, /too long/],
    ['disable', { ...it, host: 'h9' }, '2.1', 404, /Could not find binary nova-compute on host h9/],
    ['disable', { ...it, binary: 'nova-scheduler' }, '2.1', 400, /Only nova-compute services can be updated/],
  ] as const) {
    const answer = await put(t, word, body, at)
    assert.equal(answer.status, status, `${word} ${JSON.stringify(body)} ${says(answer)}`)
    assert.match(says(answer), text)
  }
  assert.equal((await list(t))[0]?.['status'], 'enabled')
  assert.deepEqual(t.errors, [])
  await t.close()
})

test('from 2.53 a service is named by its uuid', async () => {
  const t = await testNova()
  const { service } = await t.addHost('h1')
  const other = await scheduler(t)
  assert.equal((await put(t, service, { status: 'disabled' }, '2.52')).status, 400)
  const off = await put(t, service, { status: 'disabled', disabled_reason: 'repair', forced_down: true }, '2.53')
  assert.equal(off.status, 200)
  const view = off.json['service'] as Row
  assert.deepEqual(
    ['id', 'status', 'disabled_reason', 'forced_down', 'state', 'zone'].map(key => view[key]),
    [service, 'disabled', 'repair', true, 'down', 'nova'],
  )
  const on = await put(t, service, { status: 'enabled' }, '2.53')
  assert.equal((on.json['service'] as Row)['disabled_reason'], null)
  for (const [id, body, status, text] of [
    [service, {}, 400, /No updates were requested/],
    [service, { disabled_reason: 'x' }, 400, /No updates were requested/],
    [service, { status: 'enabled', disabled_reason: 'x' }, 400, /Specifying 'disabled_reason' with status 'enabled'/],
    [service, { status: 'broken' }, 400, /broken/],
    [service, { host: 'h1' }, 400, /host/],
    ['1', { status: 'enabled' }, 400, /Invalid uuid 1/],
    ['disable', { status: 'enabled' }, 400, /Invalid uuid disable/],
    [other, { status: 'disabled' }, 400, /Updating a nova-scheduler service is not supported/],
    ['00000000-0000-4000-8000-000000000000', { status: 'enabled' }, 404, /Service 0.* could not be found/],
  ] as const) {
    const answer = await put(t, id, body, '2.53')
    assert.equal(answer.status, status, `${id} ${JSON.stringify(body)} ${says(answer)}`)
    assert.match(says(answer), text)
  }
  await t.close()
})

test('a service goes with its node, its aggregates and its provider, but not while servers are on it', async () => {
  const t = await testNova({ neighbours: { placement: () => ({ status: 204 }) } })
  const { service, node } = await t.addHost('h1')
  const other = await scheduler(t)
  await t.call('POST', '/v2.1/os-aggregates', { as: ADMIN, body: { aggregate: { name: 'a' } } })
  await t.call('POST', '/v2.1/os-aggregates/1/action', { as: ADMIN, body: { add_host: { host: 'h1' } } })
  const remove = (id: string, at: string) => t.call('DELETE', `/v2.1/os-services/${id}`, { as: ADMIN, at })
  const server = await t.addServer({ host: 'h1' })
  const full = await remove(service, '2.53')
  assert.equal(full.status, 409)
  assert.match(says(full), /Unable to delete compute service that is hosting instances/)
  await t.database.kysely.updateTable('servers').set({ deleted_at: 'x' }).where('id', '=', server.id).execute()
  assert.equal((await remove(service, '2.52')).status, 400)
  assert.equal((await remove('1', '2.53')).status, 400)
  assert.equal((await remove('99', '2.52')).status, 404)
  t.asked.length = 0
  assert.equal((await remove(service, '2.53')).status, 204)
  assert.deepEqual(t.asked, [`placement DELETE /resource_providers/${node}`])
  assert.equal((await remove(service, '2.53')).status, 404)
  assert.deepEqual((await t.call('GET', '/v2.1/os-hypervisors', { as: ADMIN })).json, { hypervisors: [] })
  const aggregate = (await t.call('GET', '/v2.1/os-aggregates/1', { as: ADMIN })).json['aggregate'] as Row
  assert.deepEqual(aggregate['hosts'], [])
  assert.equal((await remove('2', '2.52')).status, 204)
  assert.equal((await remove(other, '2.53')).status, 404)
  assert.deepEqual(t.errors, [])
  await t.close()
})

test('only administrators see and change services', async () => {
  const t = await testNova()
  const { service } = await t.addHost('h1')
  for (const as of ['reader@p1', 'manager@p1', 'service@service', 'admin@system']) {
    for (const [method, path, at, body] of [
      ['GET', '', '2.1', undefined],
      ['PUT', '/disable', '2.1', { host: 'h1', binary: 'nova-compute' }],
      ['PUT', `/${service}`, '2.53', { status: 'disabled' }],
      ['DELETE', `/${service}`, '2.53', undefined],
    ] as const) {
      const given = { as, at, ...(body === undefined ? {} : { body }) }
      assert.equal((await t.call(method, `/v2.1/os-services${path}`, given)).status, 403, `${as} ${method} ${path}`)
    }
  }
  await t.close()
})
