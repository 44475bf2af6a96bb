// QoS specs, encryption and defaults of types, group types, and what operators do with back ends, over HTTP.
import assert from 'node:assert/strict'
import { after, before, test } from 'node:test'
import { admin, member, P1, testCinder, type TestCinder } from '#services/cinder/service-for-tests.ts'

type Bag = Record<string, never>
let t: TestCinder
before(async () => {
  t = await testCinder()
})
after(async () => {
  assert.deepEqual(await t.cinder.audit(), [])
  await t.close()
})
const as =
  (token: string) =>
  (method: string, path: string, body?: unknown, at = '3.70') =>
    t.call(method, `/v3${path}`, { token, at, ...(body === undefined ? {} : { body }) })
const ask = (...args: Parameters<ReturnType<typeof as>>) => as(admin)(...args)
const says = (answer: { json: never }): string =>
  Object.values(answer.json as Record<string, { message: string }>)[0]?.message ?? ''
const bag = (answer: { json: never }, key: string): Bag => (answer.json as Record<string, Bag>)[key] as Bag
const none = '00000000-0000-4000-8000-00000000dead'
const type = async (name: string): Promise<string> =>
  String(bag(await ask('POST', '/types', { volume_type: { name } }), 'volume_type')['id'])

test('qos specs: made, changed, listed, tied to types, refused while in use', async () => {
  const made = await ask('POST', '/qos-specs', {
    qos_specs: { name: ' fast ', consumer: 'front-end', read_iops_sec: '5' },
  })
  assert.equal(made.status, 200)
  const qos = bag(made, 'qos_specs')
  assert.deepEqual([qos['name'], qos['consumer'], qos['specs']], ['fast', 'front-end', { read_iops_sec: '5' }] as never)
  assert.ok(Array.isArray((made.json as Bag)['links']))
  const at = `/qos-specs/${String(qos['id'])}`
  assert.equal((await ask('POST', '/qos-specs', { qos_specs: { name: 'fast' } })).status, 409)
  for (const [body, text] of [
    [{ qos_specs: { name: 'x', consumer: 'nobody' } }, 'Invalid qos specs'],
    [{ qos_specs: { name: 'x', a: 1 } }, 'not a string'],
    [{ qos_specs: { name: 'x', a: 'b'.repeat(256) } }, '256'],
    [{ qos_specs: { name: '  ' } }, ''],
    [{ qos_specs: {} }, 'name'],
    [{ qos_specs: null }, ''],
  ] as const) {
    const bad = await ask('POST', '/qos-specs', body)
    assert.equal(bad.status, 400, JSON.stringify(body))
    assert.match(says(bad), new RegExp(text))
  }
  assert.equal((await as(member)('GET', '/qos-specs')).status, 403)
  assert.equal((await ask('GET', '/qos-specs/no')).status, 404)
  assert.deepEqual((await ask('PUT', at, { qos_specs: { iops: '7' } })).json, { qos_specs: { iops: '7' } })
  assert.equal((await ask('PUT', at, { qos_specs: { consumer: 'no' } })).status, 400)
  assert.deepEqual(bag(await ask('GET', at), 'qos_specs')['specs'], { read_iops_sec: '5', iops: '7' })
  const lost = await ask('PUT', `${at}/delete_keys`, { keys: ['iops', 'nothing'] })
  assert.deepEqual([lost.status, says(lost)], [404, `QoS spec ${String(qos['id'])} has no spec with key nothing.`])
  assert.equal((await ask('PUT', `${at}/delete_keys`, { keys: ['read_iops_sec'] })).status, 202)
  assert.deepEqual(bag(await ask('GET', at), 'qos_specs')['specs'], {})

  const typeId = await type('with-qos')
  assert.equal((await ask('GET', `${at}/associate`)).status, 400)
  assert.equal((await ask('GET', `${at}/associate?vol_type_id=${none}`)).status, 404)
  assert.equal((await ask('GET', `${at}/associate?vol_type_id=${typeId}`)).status, 202)
  assert.equal(bag(await ask('GET', `/types/${typeId}`), 'volume_type')['qos_specs_id'], qos['id'])
  assert.deepEqual((await ask('GET', `${at}/associations`)).json, {
    qos_associations: [{ association_type: 'volume_type', name: 'with-qos', id: typeId }],
  })
  const other = bag(await ask('POST', '/qos-specs', { qos_specs: { name: 'other' } }), 'qos_specs')
  const taken = await ask('GET', `/qos-specs/${String(other['id'])}/associate?vol_type_id=${typeId}`)
  assert.equal(taken.status, 400)
  assert.match(says(taken), /^Invalid volume type: Type .* is already associated/)
  const used = await ask('DELETE', at)
  assert.deepEqual([used.status, says(used)], [400, 'Qos specs still in use.'])
  assert.equal((await ask('GET', `${at}/disassociate?vol_type_id=${typeId}`)).status, 202)
  assert.equal((await ask('GET', `${at}/associate?vol_type_id=${typeId}`)).status, 202)
  assert.equal((await ask('GET', `${at}/disassociate_all`)).status, 202)
  assert.equal((await ask('GET', `${at}/associate?vol_type_id=${typeId}`)).status, 202)
  const page = await ask('GET', '/qos-specs?limit=1&sort_key=name&sort_dir=asc')
  assert.deepEqual(
    (page.json as { qos_specs: Bag[] }).qos_specs.map(one => one['name']),
    ['fast'] as never,
  )
  assert.ok((page.json as Bag)['qos_specs_links'])
  assert.equal((await ask('GET', '/qos-specs?sort_key=nothing')).status, 400)
  assert.equal((await ask('DELETE', `${at}?force=perhaps`)).status, 400)
  assert.equal((await ask('DELETE', `${at}?force=true`)).status, 202)
  assert.equal((await ask('DELETE', `/types/${typeId}`)).status, 202)
})

test('a type is encrypted, and then nothing can be made of it without a key manager', async () => {
  const id = await type('luks')
  const at = `/types/${id}/encryption`
  assert.deepEqual((await ask('GET', at)).json, {})
  assert.equal((await ask('POST', at, { encryption: { provider: 'luks' } })).status, 400)
  assert.equal((await ask('POST', at, { encryption: { provider: 'luks', control_location: 'nowhere' } })).status, 400)
  assert.equal(
    (await ask('POST', at, { encryption: { provider: 'luks', control_location: 'front-end', key_size: -1 } })).status,
    400,
  )
  const body = {
    encryption: { provider: 'luks', control_location: 'front-end', key_size: '256', cipher: 'aes-xts-plain64' },
  }
  assert.equal((await ask('POST', `/types/${none}/encryption`, body)).status, 404)
  assert.equal((await ask('PUT', `${at}/x`, { encryption: { key_size: 1 } })).status, 404)
  const made = await ask('POST', at, body)
  assert.equal(made.status, 200)
  assert.equal(bag(made, 'encryption')['key_size'], 256)
  assert.equal((await ask('POST', at, body)).status, 400)
  const shown = (await ask('GET', at)).json as Bag
  assert.deepEqual([shown['volume_type_id'], shown['cipher'], shown['deleted']], [
    id,
    'aes-xts-plain64',
    false,
  ] as never)
  assert.deepEqual((await ask('GET', `${at}/provider`)).json, { provider: 'luks' })
  assert.equal((await ask('GET', `${at}/nothing`)).status, 404)
  const eid = String(shown['encryption_id'])
  assert.deepEqual((await ask('PUT', `${at}/${eid}`, { encryption: { key_size: 512 } })).json, {
    encryption: { key_size: 512 },
  })
  const refused = await as(member)('POST', '/volumes', { volume: { size: 1, volume_type: 'luks' } })
  assert.deepEqual([refused.status, says(refused)], [400, 'Key manager error'])
  assert.equal((await as(member)('GET', at)).status, 403)
  assert.equal((await ask('DELETE', `${at}/${eid}`)).status, 202)
  assert.equal((await ask('DELETE', `${at}/${eid}`)).status, 404)
  assert.equal((await ask('DELETE', `/types/${id}`)).status, 202)
})

test('a project has a default type of its own', async () => {
  const id = await type('ours')
  const at = `/default-types/${P1}`
  assert.equal((await ask('GET', at, undefined, '3.61')).status, 404)
  const missing = await ask('GET', at)
  assert.deepEqual([missing.status, says(missing)], [404, `Default type for project ${P1} not found.`])
  assert.equal((await ask('PUT', at, { default_type: { volume_type: 'no-such' } })).status, 400)
  assert.equal((await ask('PUT', at, { default_type: {} })).status, 400)
  assert.equal((await as(member)('PUT', at, { default_type: { volume_type: 'ours' } })).status, 403)
  assert.deepEqual((await ask('PUT', at, { default_type: { volume_type: 'ours' } })).json, {
    default_type: { project_id: P1, volume_type_id: id },
  })
  assert.deepEqual((await ask('GET', '/default-types')).json, {
    default_types: [{ project_id: P1, volume_type_id: id }],
  })
  assert.equal(bag(await as(member)('GET', '/types/default'), 'volume_type')['name'], 'ours')
  assert.equal((await ask('DELETE', `/types/${id}`)).status, 400)
  assert.equal((await ask('DELETE', at)).status, 204)
  assert.equal((await ask('DELETE', at)).status, 204)
  assert.equal(bag(await as(member)('GET', '/types/default'), 'volume_type')['name'], '__DEFAULT__')
  assert.equal((await ask('DELETE', `/types/${id}`)).status, 202)
})

test('group types and their specs, from 3.11 on', async () => {
  assert.equal((await ask('GET', '/group_types', undefined, '3.10')).status, 404)
  const made = await ask('POST', '/group_types', {
    group_type: { name: 'g', group_specs: { a: 'b' }, is_public: false },
  })
  assert.equal(made.status, 202)
  const id = String(bag(made, 'group_type')['id'])
  const at = `/group_types/${id}`
  assert.deepEqual(bag(await ask('GET', at), 'group_type')['group_specs'], { a: 'b' })
  assert.equal((await as(member)('GET', at)).status, 404)
  assert.equal((await ask('POST', '/group_types', { group_type: { name: 'g' } })).status, 409)
  for (const bad of [
    { name: '' },
    { name: 'x'.repeat(256) },
    { name: 'y', group_specs: { 'a!': 'b' } },
    { name: 'y', is_public: 'perhaps' },
    {},
  ])
    assert.equal((await ask('POST', '/group_types', { group_type: bad })).status, 400, JSON.stringify(bad))
  assert.equal((await as(member)('POST', '/group_types', { group_type: { name: 'm' } })).status, 403)
  assert.equal((await ask('PUT', at, { group_type: {} })).status, 400)
  assert.equal((await ask('PUT', at, { group_type: { name: '  ' } })).status, 400)
  assert.equal(
    bag(await ask('PUT', at, { group_type: { description: 'd', is_public: true } }), 'group_type')['description'],
    'd',
  )
  assert.equal((bag(await as(member)('GET', at), 'group_type') as Record<string, unknown>)['group_specs'], undefined)
  assert.equal((await ask('GET', '/group_types/default')).status, 404)
  const names = (await ask('GET', '/group_types?is_public=None&sort=name:asc')).json as { group_types: Bag[] }
  assert.deepEqual(
    names.group_types.map(one => one['name']),
    ['default_cgsnapshot_type', 'g'] as never,
  )
  assert.equal((await ask('POST', `${at}/group_specs`, { group_specs: { k: 'v', n: null } })).status, 202)
  assert.deepEqual((await ask('GET', `${at}/group_specs`)).json, { group_specs: { a: 'b', k: 'v', n: null } })
  assert.deepEqual((await ask('GET', `${at}/group_specs/k`)).json, { k: 'v' })
  assert.equal((await ask('PUT', `${at}/group_specs/k`, { other: 'v' })).status, 400)
  assert.equal((await ask('PUT', `${at}/group_specs/k`, { k: 'w', l: 'x' })).status, 400)
  assert.deepEqual((await ask('PUT', `${at}/group_specs/k`, { k: 'w' })).json, { k: 'w' })
  assert.equal((await ask('DELETE', `${at}/group_specs/k`)).status, 202)
  assert.equal((await ask('DELETE', `${at}/group_specs/k`)).status, 404)
  assert.equal((await ask('GET', `${at}/group_specs/k`)).status, 404)
  assert.equal((await as(member)('GET', `${at}/group_specs`)).status, 403)
  assert.equal((await ask('DELETE', at)).status, 202)
  assert.equal((await ask('DELETE', at)).status, 404)
})

test('back ends are frozen and thawed; nothing fails over', async () => {
  const host = 'node-1@file'
  assert.equal((await as(member)('PUT', '/os-services/freeze', { host })).status, 403)
  assert.equal((await ask('PUT', '/os-services/freeze', {})).status, 400)
  assert.equal((await ask('PUT', '/os-services/freeze', { host, cluster: 'c' })).status, 400)
  assert.equal((await ask('PUT', '/os-services/freeze', { host: 'nobody' })).status, 400)
  assert.equal((await ask('PUT', '/os-services/freeze', { host })).status, 200)
  assert.equal((await ask('PUT', '/os-services/freeze', { host })).status, 400)
  const listed = (await ask('GET', '/os-services?binary=cinder-volume')).json as { services: Bag[] }
  assert.deepEqual(
    [listed.services[0]?.['frozen'], listed.services[0]?.['status'], listed.services[0]?.['disabled_reason']],
    [true, 'disabled', 'frozen'] as never,
  )
  assert.equal((await ask('PUT', '/os-services/thaw', { host })).status, 200)
  assert.equal((await ask('PUT', '/os-services/thaw', { host })).status, 400)
  const failover = await ask('PUT', '/os-services/failover_host', { host })
  assert.equal(failover.status, 400)
  assert.match(says(failover), /replication_status in node-1@file must be/)
})

test('log levels, clusters, capabilities, hosts, clean-up', async () => {
  assert.equal((await ask('PUT', '/os-services/get-log', {}, '3.31')).status, 404)
  assert.equal((await ask('PUT', '/os-services/set-log', { level: 'LOUD' })).status, 400)
  assert.equal((await ask('PUT', '/os-services/set-log', { binary: 'nova', level: 'INFO' })).status, 400)
  assert.equal((await ask('PUT', '/os-services/set-log', { binary: 'cinder-volume', level: 'error' })).status, 202)
  const logs = (await ask('PUT', '/os-services/get-log', {})).json as { log_levels: Bag[] }
  assert.deepEqual(
    logs.log_levels.map(one => [one['binary'], one['levels']]),
    [
      ['cinder-api', { cinder: 'INFO' }],
      ['cinder-backup', { cinder: 'INFO' }],
      ['cinder-scheduler', { cinder: 'INFO' }],
      ['cinder-volume', { cinder: 'ERROR' }],
    ] as never,
  )
  assert.equal((await ask('GET', '/clusters', undefined, '3.6')).status, 404)
  assert.deepEqual((await ask('GET', '/clusters/detail?disabled=false')).json, { clusters: [] })
  assert.equal((await ask('GET', '/clusters?colour=red')).status, 400)
  assert.equal((await ask('GET', '/clusters?frozen=true', undefined, '3.25')).status, 400)
  assert.equal((await ask('GET', '/clusters/c1')).status, 404)
  assert.equal((await ask('PUT', '/clusters/disable', { name: 'c1' })).status, 404)
  assert.equal((await ask('PUT', '/clusters/disable', {})).status, 400)
  assert.equal((await as(member)('GET', '/clusters')).status, 403)
  const able = (await ask('GET', '/capabilities/node-1@file')).json as Bag
  assert.deepEqual([able['namespace'], able['vendor_name']], [
    'OS::Storage::Capabilities::node-1@file',
    'Koto',
  ] as never)
  assert.equal((await ask('GET', '/capabilities/nobody')).status, 404)
  const listed = (await ask('GET', '/os-hosts')).json as { hosts: Bag[] }
  assert.deepEqual(listed.hosts.map(one => one['service']).sort(), [
    'cinder-backup',
    'cinder-scheduler',
    'cinder-volume',
  ] as never)
  const usage = (await ask('GET', '/os-hosts/node-1@file')).json as { host: { resource: Bag }[] }
  assert.equal(usage.host[0]?.resource['project'], '(total)')
  assert.equal((await ask('GET', '/os-hosts/nobody')).status, 404)
  assert.equal((await ask('PUT', '/os-hosts/node-1@file', { status: 'sleep' })).status, 400)
  assert.deepEqual((await ask('PUT', '/os-hosts/node-1@file', { Status: 'Enable' })).json, {
    host: 'node-1@file',
    status: 'enabled',
  })
  assert.deepEqual((await ask('POST', '/workers/cleanup', {})).json, { cleaning: [], unavailable: [] })
  assert.equal((await ask('POST', '/workers/cleanup', { resource_type: 'cake' })).status, 400)
  assert.equal((await ask('POST', '/workers/cleanup', { resource_id: none })).status, 400)
  assert.equal((await ask('POST', '/workers/cleanup', {}, '3.23')).status, 404)
  const cleaned = (await ask('POST', '/workers/cleanup', { is_up: true, binary: 'cinder-volume' })).json as {
    cleaning: Bag[]
  }
  assert.equal(cleaned.cleaning[0]?.['host'], 'node-1@file')
})
