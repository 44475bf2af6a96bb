import assert from 'node:assert/strict'
import { test } from 'node:test'

import { testNova, type TestNova } from '#services/nova/test-nova.ts'

const ADMIN = 'admin@p0'
type Numbers = Record<string, number>
const set = async (t: TestNova, path: string, at = '2.1', as = ADMIN): Promise<Numbers> =>
  (await t.call('GET', `/v2.1/os-quota-sets/${path}`, { at, as })).json['quota_set'] as unknown as Numbers
const put = (t: TestNova, path: string, quotas: object, at = '2.1') =>
  t.call('PUT', `/v2.1/os-quota-sets/${path}`, { as: ADMIN, at, body: { quota_set: quotas } })
const NETWORK = ['fixed_ips', 'floating_ips', 'security_groups', 'security_group_rules']
const FILES = ['injected_files', 'injected_file_content_bytes', 'injected_file_path_bytes']

test('limits tell what a project may have and has', async () => {
  const t = await testNova()
  await t.addServer()
  await t.addServer({ projectId: 'p2' })
  const absolute = async (at: string, query = '', as = 'reader@p1'): Promise<Numbers> =>
    (
      (await t.call('GET', `/v2.1/limits${query}`, { at, as })).json['limits'] as unknown as {
        absolute: Numbers
      }
    ).absolute
  const now = await absolute('2.1')
  assert.equal(now['totalInstancesUsed'], 1)
  assert.equal(now['totalRAMUsed'], 512)
  assert.equal(now['maxTotalCores'], 20)
  const gone = async (at: string, ...names: string[]): Promise<void> => {
    const [major, minor = '0'] = at.split('.')
    const before = await absolute(`${major}.${Number(minor) - 1}`)
    const after = await absolute(at)
    for (const name of names) assert.ok(name in before && !(name in after), `${name} at ${at}`)
  }
  await gone('2.36', 'maxSecurityGroups', 'maxSecurityGroupRules', 'maxTotalFloatingIps', 'totalFloatingIpsUsed')
  await gone('2.39', 'maxImageMeta')
  await gone('2.57', 'maxPersonality', 'maxPersonalitySize')
  assert.deepEqual(Object.keys(await absolute('2.96')).length, 11)
  assert.equal((await absolute('2.1', '?tenant_id=p2', ADMIN))['totalInstancesUsed'], 1)
  assert.equal((await t.call('GET', '/v2.1/limits?tenant_id=p2')).status, 403)
  assert.equal((await t.call('GET', '/v2.1/limits?reserved=1', { at: '2.74' })).status, 200)
  assert.equal((await t.call('GET', '/v2.1/limits?reserved=1', { at: '2.75' })).status, 400)
  await t.close()
})

test('quota sets show what each version knows', async () => {
  const t = await testNova()
  const keys = async (at: string): Promise<string[]> => Object.keys(await set(t, 'p1', at))
  for (const name of NETWORK) {
    assert.ok((await keys('2.35')).includes(name))
    assert.ok(!(await keys('2.36')).includes(name))
  }
  for (const name of FILES) {
    assert.ok((await keys('2.56')).includes(name))
    assert.ok(!(await keys('2.57')).includes(name))
  }
  assert.deepEqual(await set(t, 'p1', '2.57'), {
    id: 'p1',
    instances: 10,
    cores: 20,
    ram: 51200,
    metadata_items: 128,
    key_pairs: 100,
    server_groups: 10,
    server_group_members: 10,
  })
  assert.deepEqual(await set(t, 'p1/defaults', '2.57'), await set(t, 'p1', '2.57'))
  await t.close()
})

test('limits are set, forced, shown in detail and forgotten', async () => {
  const t = await testNova()
  await t.addServer()
  const changed = await put(t, 'p1', { instances: '5', cores: -1 })
  assert.equal(changed.status, 200)
  const view = changed.json['quota_set'] as unknown as Numbers
  assert.deepEqual([view['instances'], view['cores'], view['id']], [5, -1, undefined])
  assert.equal((await set(t, 'p1'))['instances'], 5)
  assert.equal((await set(t, 'p2'))['instances'], 10)
  const detail = (await t.call('GET', '/v2.1/os-quota-sets/p1/detail', { as: 'reader@p1' })).json['quota_set'] as object
  assert.deepEqual((detail as Record<string, unknown>)['instances'], { limit: 5, in_use: 1, reserved: 0 })
  const low = await put(t, 'p1', { instances: 0, cores: 3 })
  assert.equal(low.status, 400)
  assert.match(
    JSON.stringify(low.json),
    /Quota limit 0 for instances must be greater than or equal to already used and reserved 1/,
  )
  assert.equal((await set(t, 'p1'))['cores'], -1)
  assert.equal((await put(t, 'p1', { instances: 0, force: 'True' })).status, 200)
  assert.equal((await set(t, 'p1'))['instances'], 0)
  assert.equal((await t.call('DELETE', '/v2.1/os-quota-sets/p1', { as: ADMIN })).status, 202)
  assert.equal((await set(t, 'p1'))['instances'], 10)
  assert.deepEqual(t.errors, [])
  await t.close()
})

test('users of a project share what it has', async () => {
  const t = await testNova()
  assert.equal((await put(t, 'p1?user_id=u1', { instances: 6 })).status, 200)
  assert.equal((await set(t, 'p1?user_id=u1'))['instances'], 6)
  assert.equal((await set(t, 'p1?user_id=u2'))['instances'], 10)
  const much = await put(t, 'p1?user_id=u2', { instances: 5 })
  assert.equal(much.status, 400)
  assert.match(JSON.stringify(much.json), /Quota limit 5 for instances must be less than or equal to 4/)
  assert.equal((await put(t, 'p1?user_id=u2', { instances: 4 })).status, 200)
  assert.equal((await put(t, 'p1', { instances: 9 })).status, 400)
  await t.addServer({ userId: 'u1' })
  const detail = (await set(t, 'p1/detail?user_id=u1')) as unknown as Record<string, unknown>
  assert.deepEqual(detail['ram'], { limit: 51200, in_use: 512, reserved: 0 })
  assert.equal((await t.call('DELETE', '/v2.1/os-quota-sets/p1?user_id=u1', { as: ADMIN })).status, 202)
  assert.equal((await set(t, 'p1?user_id=u1'))['instances'], 10)
  assert.equal((await set(t, 'p1?user_id=u2'))['instances'], 4)
  await t.close()
})

test('classes set what others start from', async () => {
  const t = await testNova()
  const path = '/v2.1/os-quota-class-sets/default'
  const body = { quota_class_set: { instances: 3 } }
  const changed = await t.call('PUT', path, { as: ADMIN, body })
  assert.equal(changed.status, 200)
  assert.equal((changed.json['quota_class_set'] as Numbers)['instances'], 3)
  assert.equal((await set(t, 'p1'))['instances'], 3)
  assert.equal((await set(t, 'p1/defaults'))['instances'], 3)
  const other = await t.call('PUT', '/v2.1/os-quota-class-sets/gold', {
    as: ADMIN,
    body: { quota_class_set: { ram: 7 } },
  })
  assert.equal(other.status, 200)
  assert.equal((await set(t, 'p1'))['ram'], 51200)
  const keys = async (at: string): Promise<string[]> =>
    Object.keys((await t.call('GET', path, { as: ADMIN, at })).json['quota_class_set'] as object)
  assert.ok(!(await keys('2.49')).includes('server_groups'))
  assert.ok((await keys('2.50')).includes('server_groups'))
  assert.ok((await keys('2.49')).includes('floating_ips'))
  assert.ok(!(await keys('2.50')).includes('floating_ips'))
  assert.ok((await keys('2.56')).includes('injected_files'))
  assert.ok(!(await keys('2.57')).includes('injected_files'))
  assert.ok((await keys('2.57')).includes('id'))
  for (const [at, quotas] of [
    ['2.50', { floating_ips: 1 }],
    ['2.57', { injected_files: 1 }],
    ['2.1', { instances: 'many' }],
    ['2.1', { unknown: 1 }],
  ] as const) {
    assert.equal((await t.call('PUT', path, { as: ADMIN, at, body: { quota_class_set: quotas } })).status, 400)
  }
  const long = `/v2.1/os-quota-class-sets/${'x'.repeat(256)}`
  assert.equal((await t.call('PUT', long, { as: ADMIN, body })).status, 400)
  // nobody reaches a class under a project's name
  assert.equal((await put(t, 'default', { instances: 1 })).status, 400)
  assert.equal((await t.call('DELETE', '/v2.1/os-quota-sets/default', { as: ADMIN })).status, 202)
  assert.equal((await set(t, 'p1'))['instances'], 3)
  await t.close()
})

test('bad quotas change nothing', async () => {
  const t = await testNova()
  for (const [quotas, at] of [
    [{ instances: -2 }, '2.1'],
    [{ instances: 2 ** 31 }, '2.1'],
    [{ instances: 1.5 }, '2.1'],
    [{ instances: '' }, '2.1'],
    [{ instances: null }, '2.1'],
    [{ servers: 1 }, '2.1'],
    [{ instances: 1, force: 'perhaps' }, '2.1'],
    [{ fixed_ips: 1 }, '2.36'],
    [{ injected_files: 1 }, '2.57'],
  ] as const) {
    const answer = await put(t, 'p1', quotas, at)
    assert.equal(answer.status, 400, JSON.stringify(quotas))
    assert.ok('badRequest' in answer.json)
  }
  assert.equal((await put(t, 'p1', { fixed_ips: 4 }, '2.35')).status, 200)
  assert.equal((await set(t, 'p1', '2.35'))['fixed_ips'], 4)
  assert.equal((await t.call('GET', '/v2.1/os-quota-sets/p1?x=1', { as: ADMIN, at: '2.74' })).status, 200)
  assert.equal((await t.call('GET', '/v2.1/os-quota-sets/p1?x=1', { as: ADMIN, at: '2.75' })).status, 400)
  await t.close()
})

test('who may', async () => {
  const t = await testNova({
    neighbours: { keystone: (_m, path) => (path.endsWith('/p1') ? { json: {} } : undefined) },
  })
  const expected: [string, string, string, number, unknown?][] = [
    ['reader@p1', 'GET', 'os-quota-sets/p1', 200],
    ['reader@p1', 'GET', 'os-quota-sets/p1/detail', 200],
    ['reader@p1', 'GET', 'os-quota-sets/p2', 403],
    ['member@p1', 'GET', 'os-quota-sets/p2/detail', 403],
    ['member@p2', 'GET', 'os-quota-sets/p1/defaults', 200],
    ['manager@p1', 'PUT', 'os-quota-sets/p1', 403, { quota_set: {} }],
    ['manager@p1', 'DELETE', 'os-quota-sets/p1', 403],
    ['manager@p1', 'GET', 'os-quota-class-sets/default', 403],
    ['manager@p1', 'PUT', 'os-quota-class-sets/default', 403, { quota_class_set: {} }],
    ['admin@system', 'PUT', 'os-quota-sets/p1', 403, { quota_set: {} }],
    [ADMIN, 'GET', 'os-quota-sets/p1', 200],
    [ADMIN, 'GET', 'os-quota-sets/nope', 400],
    [ADMIN, 'PUT', 'os-quota-sets/nope', 400, { quota_set: { instances: 1 } }],
    [ADMIN, 'PUT', 'os-quota-sets/p1', 200, { quota_set: {} }],
  ]
  for (const [as, method, path, status, body] of expected) {
    const answer = await t.call(method, `/v2.1/${path}`, { as, ...(body === undefined ? {} : { body }) })
    assert.equal(answer.status, status, `${as} ${method} ${path}`)
  }
  await t.close()
})
