// Servers as clients meet them: what each version takes and shows, what is refused, and that a refusal changes nothing.
import assert from 'node:assert/strict'
import { test } from 'node:test'

import { testNova, type TestNova, type TestNovaOptions } from '#services/nova/test-nova.ts'

const ADMIN = 'admin@p0'
const IMAGE = '11111111-1111-4111-8111-111111111111'
const NOBODY = '99999999-9999-4999-8999-999999999999'
type Row = Record<string, unknown>
type Given = { at?: string; as?: string }

const glance = (_method: string, path: string) =>
  path === `/v2/images/${IMAGE}`
    ? { json: { id: IMAGE, status: 'active', size: 1, virtual_size: 1, min_disk: 0, min_ram: 0, disk_format: 'raw' } }
    : undefined
const withFlavor = async (options: TestNovaOptions = {}): Promise<TestNova> => {
  const t = await testNova({ neighbours: { glance, neutron: () => ({ json: { networks: [] } }) }, ...options })
  const flavor = { id: '1', name: 'small', vcpus: 1, ram: 128, disk: 1 }
  assert.equal((await t.call('POST', '/v2.1/flavors', { as: ADMIN, body: { flavor } })).status, 200)
  return t
}
const create = (t: TestNova, change: Row = {}, given: Given = {}, beside: Row = {}) =>
  t.call('POST', '/v2.1/servers', {
    body: { server: { name: 's', imageRef: IMAGE, flavorRef: '1', ...change }, ...beside },
    ...given,
  })
const message = (answer: { json: Record<string, never> }): string =>
  Object.values(answer.json as Record<string, { message?: string }>)[0]?.message ?? ''
const keysAt = async (t: TestNova, id: string, at: string, as = 'member@p1'): Promise<string[]> =>
  Object.keys((await t.call('GET', `/v2.1/servers/${id}`, { at, as })).json['server'] as Row)
const rows = (t: TestNova, table: 'servers' | 'server_metadata' | 'server_tags') =>
  t.database.read(t.ctx(), 'all-rows', q => q.selectFrom(table).selectAll().execute())

test('a server is made, answered with its password once, and counted', async () => {
  const t = await withFlavor()
  const made = await create(t, { metadata: { a: 'b' }, adminPass: 'secret-1' })
  assert.equal(made.status, 202)
  const view = made.json['server'] as Row
  assert.deepEqual(Object.keys(view).sort(), ['OS-DCF:diskConfig', 'adminPass', 'id', 'links', 'security_groups'])
  assert.equal(view['adminPass'], 'secret-1')
  assert.equal(made.headers['location'], `http://127.0.0.1:8080/test/v2.1/servers/${String(view['id'])}`)
  const many = await create(t, { min_count: 2, max_count: 2, return_reservation_id: true })
  assert.deepEqual(Object.keys(many.json), ['reservation_id'])
  assert.equal((await rows(t, 'servers')).length, 3)
  assert.deepEqual((await rows(t, 'servers')).map(row => row.name).sort(), ['s', 's-1', 's-2'])
  assert.deepEqual(t.errors, [])
  await t.close()
})

test('every field of a new server is taken from its version on and refused before', async () => {
  const t = await withFlavor({ settings: { quota_instances: '-1', quota_cores: '-1', quota_ram: '-1' } })
  const marks: [last: string, first: string, field: Row][] = [
    ['2.18', '2.19', { description: 'words' }],
    ['2.36', '2.37', { networks: 'none' }],
    ['2.51', '2.52', { tags: ['red'] }],
    ['2.62', '2.63', { trusted_image_certificates: ['one'] }],
    ['2.89', '2.90', { hostname: 'host-1' }],
    ['2.93', '2.94', { hostname: 'host.example.org' }],
  ]
  for (const [last, first, field] of marks) {
    const networks = Number(first.slice(2)) >= 37 ? { networks: 'none' } : {}
    const before = await create(t, { ...(last === '2.36' ? {} : networks), ...field }, { at: last })
    assert.equal(before.status, 400, `${last} ${JSON.stringify(field)}`)
    const after = await create(t, { ...networks, ...field }, { at: first })
    assert.equal(after.status, 202, `${first} ${JSON.stringify(field)} ${message(after)}`)
  }
  const file = { personality: [{ path: '/a', contents: 'YQ==' }], networks: 'none' }
  assert.equal((await create(t, file, { at: '2.56' })).status, 202)
  assert.equal((await create(t, file, { at: '2.57' })).status, 400)
  assert.equal((await create(t, {}, { at: '2.36' })).status, 202)
  assert.match(message(await create(t, {}, { at: '2.37' })), /'networks' is a required property/)
  const entry = { uuid: NOBODY, tag: 'wire' }
  for (const [at, known] of Object.entries({
    '2.31': false,
    '2.32': true,
    '2.36': true,
    '2.37': false,
    '2.41': false,
    '2.42': true,
  })) {
    const said = message(await create(t, { networks: [entry] }, { at }))
    assert.equal(/could not be found/.test(said), known, `${at}: ${said}`)
  }
  assert.equal((await create(t, { networks: 'none', host: 'h' }, { at: '2.73' })).status, 400)
  assert.equal((await create(t, { networks: 'none', host: 'h' }, { at: '2.74' })).status, 403)
  assert.deepEqual(t.errors, [])
  await t.close()
})

test('a bad request for a server is refused in words and leaves nothing behind', async () => {
  const t = await withFlavor()
  const bad: [Row, number?, RegExp?][] = [
    [{ name: undefined }],
    [{ name: '' }],
    [{ name: 5 }],
    [{ name: 'a'.repeat(256) }],
    [{ name: 'a\u0000b' }],
    [{ name: null }],
    [{ flavorRef: undefined }],
    [{ flavorRef: 'none' }, 400, /Flavor none could not be found/],
    [{ flavorRef: '' }],
    [{ flavorRef: {} }],
    [{ imageRef: NOBODY }, 400, /Can not find requested image/],
    [{ imageRef: 'not-an-id' }],
    [{ imageRef: undefined }, 400, /imageRef/],
    [{ imageRef: '' }],
    [{ colour: 'red' }, 400, /Additional properties are not allowed/],
    [{ metadata: { a: 1 } }],
    [{ metadata: { '': 'b' } }],
    [{ metadata: { a: 'b'.repeat(256) } }],
    [{ metadata: { ['k'.repeat(256)]: 'b' } }],
    [{ metadata: Object.fromEntries(Array.from({ length: 129 }, (_, n) => [`k${n}`, 'v'])) }, 403],
    [{ metadata: [] }],
    [{ key_name: 'none' }, 400, /Invalid key_name provided/],
    [{ user_data: 'not base64!' }],
    [{ user_data: 'YQ=='.repeat(20_000) }],
    [{ min_count: 0 }],
    [{ min_count: 2, max_count: 1 }, 400, /min_count must be <= max_count/],
    [{ min_count: 'x' }],
    [{ min_count: 11, max_count: 11 }, 403, /Quota exceeded for cores?|Quota exceeded for instances/],
    [{ config_drive: 'perhaps' }],
    [{ accessIPv4: '1.2.3' }],
    [{ accessIPv6: '10.0.0.1' }],
    [{ 'OS-DCF:diskConfig': 'SOMETIMES' }],
    [{ availability_zone: 'nowhere' }],
    [{ networks: 'auto' }],
    [{ networks: [{ uuid: 'x' }] }],
    [{ networks: [{}] }],
    [{ networks: [{ uuid: NOBODY }] }, 400, /could not be found/],
    [{ networks: [{ uuid: NOBODY, fixed_ip: '300.1.1.1' }] }],
    [{ security_groups: 'default' }],
    [{ security_groups: [{ name: '' }] }],
    [{ block_device_mapping_v2: [{ boot_index: '0', source_type: 'moon' }] }],
    [{ block_device_mapping_v2: [{ source_type: 'volume', destination_type: 'volume', boot_index: 0 }] }],
    [{ block_device_mapping_v2: [{ source_type: 'volume', uuid: NOBODY, boot_index: 1 }] }],
    [{ block_device_mapping: [{ colour: 1 }] }],
    [{ adminPass: 5 }],
  ]
  for (const [change, status = 400, says] of bad) {
    const answer = await create(t, change)
    assert.equal(answer.status, status, `${JSON.stringify(change).slice(0, 90)}: ${message(answer)}`)
    if (says !== undefined) assert.match(message(answer), says)
    assert.ok(status !== 400 || 'badRequest' in answer.json)
  }
  for (const body of [{}, { server: null }, { server: [] }, [], 'junk', { server: { name: 's' }, more: 1 }])
    assert.equal((await t.call('POST', '/v2.1/servers', { body })).status, 400, JSON.stringify(body))
  for (const hint of [{ group: 'x' }, { group: NOBODY }, { different_host: ['x'] }, { same_host: [] }])
    assert.equal((await create(t, {}, {}, { 'os:scheduler_hints': hint })).status, 400, JSON.stringify(hint))
  assert.equal((await create(t, {}, { as: 'reader@p1' })).status, 403)
  assert.equal((await create(t, {}, { at: '2.999' })).status, 406)
  assert.equal((await create(t, {}, { at: 'x.y' })).status, 400)
  assert.deepEqual(await rows(t, 'servers'), [])
  assert.deepEqual(await rows(t, 'server_metadata'), [])
  assert.deepEqual(t.errors, [])
  await t.close()
})

test('over the quota nothing is made', async () => {
  const t = await withFlavor({ settings: { quota_instances: '1' } })
  assert.equal((await create(t)).status, 202)
  const more = await create(t)
  assert.equal(more.status, 403)
  assert.equal(message(more), 'Quota exceeded for instances: Requested 1, but already used 1 of 1 instances')
  assert.equal((await rows(t, 'servers')).length, 1)
  assert.equal((await create(t, {}, { as: 'member@p2' })).status, 202)
  await t.close()
})

test('a server shows each field from its version on', async () => {
  const t = await testNova()
  const { id } = await t.addServer()
  const first = await keysAt(t, id, '2.1')
  for (const key of [
    'id',
    'status',
    'hostId',
    'addresses',
    'config_drive',
    'key_name',
    'OS-EXT-STS:vm_state',
    'progress',
  ])
    assert.ok(first.includes(key), key)
  const marks: [last: string, since: string, key: string, as?: string][] = [
    ['2.2', '2.3', 'OS-EXT-SRV-ATTR:reservation_id', 'admin@p1'],
    ['2.2', '2.3', 'OS-EXT-SRV-ATTR:hostname', 'admin@p1'],
    ['2.8', '2.9', 'locked'],
    ['2.15', '2.16', 'host_status', 'admin@p1'],
    ['2.18', '2.19', 'description'],
    ['2.25', '2.26', 'tags'],
    ['2.62', '2.63', 'trusted_image_certificates'],
    ['2.70', '2.71', 'server_groups'],
    ['2.72', '2.73', 'locked_reason'],
    ['2.89', '2.90', 'OS-EXT-SRV-ATTR:hostname'],
    ['2.95', '2.96', 'pinned_availability_zone'],
  ]
  for (const [last, since, key, as] of marks) {
    assert.ok(!(await keysAt(t, id, last, as)).includes(key), `${key} at ${last}`)
    assert.ok((await keysAt(t, id, since, as)).includes(key), `${key} at ${since}`)
  }
  assert.ok(!(await keysAt(t, id, '2.96')).includes('OS-EXT-SRV-ATTR:host'))
  const flavor = async (at: string) =>
    Object.keys(((await t.call('GET', `/v2.1/servers/${id}`, { at })).json['server'] as { flavor: Row }).flavor).sort()
  assert.deepEqual(await flavor('2.46'), ['id', 'links'])
  assert.deepEqual(await flavor('2.47'), ['disk', 'ephemeral', 'extra_specs', 'original_name', 'ram', 'swap', 'vcpus'])
  const listed = (await t.call('GET', '/v2.1/servers/detail', { at: '2.96' })).json['servers'] as unknown as Row[]
  assert.ok(!('server_groups' in (listed[0] ?? {})))
  assert.equal((await t.call('GET', `/v2.1/servers/${id}?x=1`, { at: '2.74' })).status, 200)
  assert.equal((await t.call('GET', `/v2.1/servers/${id}?x=1`, { at: '2.75' })).status, 400)
  for (const [wrong, as] of [
    ['x', 'member@p1'],
    [NOBODY, 'member@p1'],
    [id, 'member@p2'],
    [id, 'reader@p2'],
  ] as const) {
    const gone = await t.call('GET', `/v2.1/servers/${wrong}`, { as })
    assert.equal(gone.status, 404)
    assert.equal(message(gone), `Instance ${wrong} could not be found.`)
  }
  await t.close()
})

test('an update changes what it names, says what its version shows, and refuses the rest', async () => {
  const t = await testNova()
  const { id } = await t.addServer()
  const update = (server: unknown, given: Given = {}) =>
    t.call('PUT', `/v2.1/servers/${id}`, { body: { server }, ...given })
  const early = (await update({ name: ' two ', accessIPv4: '10.0.0.9' }, { at: '2.74' })).json['server'] as Row
  assert.deepEqual([early['name'], early['accessIPv4']], ['two', '10.0.0.9'])
  const six = await update({ accessIPv6: '0000:0000:0000:0000:0000:babe:220.12.22.2' })
  assert.equal((six.json['server'] as Row)['accessIPv6'], '::babe:dc0c:1602')
  assert.ok(
    'server_groups' in early && 'locked' in early && !('key_name' in early) && !('OS-EXT-STS:vm_state' in early),
  )
  const late = (await update({ name: 'three' }, { at: '2.75' })).json['server'] as Row
  assert.ok('key_name' in late && 'OS-EXT-STS:vm_state' in late)
  assert.equal((await update({ description: 'd' }, { at: '2.18' })).status, 400)
  assert.equal(((await update({ description: 'd' }, { at: '2.19' })).json['server'] as Row)['description'], 'd')
  assert.equal((await update({ hostname: 'h1' }, { at: '2.89' })).status, 400)
  assert.equal((await update({ hostname: 'h1' }, { at: '2.90' })).status, 200)
  assert.equal((await update({ hostname: 'h.1' }, { at: '2.93' })).status, 400)
  assert.equal((await update({ hostname: 'h.1' }, { at: '2.94' })).status, 200)
  const before = await rows(t, 'servers')
  for (const wrong of [
    { name: '' },
    { name: 'a'.repeat(256) },
    { name: 5 },
    { name: null },
    { name: 'a\u0000' },
    { accessIPv4: 'x' },
    { accessIPv6: 5 },
    { colour: 1 },
    { description: 'a'.repeat(256) },
    { 'OS-DCF:diskConfig': 'x' },
    null,
    5,
  ])
    assert.equal((await update(wrong, { at: '2.90' })).status, 400, JSON.stringify(wrong).slice(0, 60))
  assert.equal((await update({ name: 'x' }, { as: 'member@p2' })).status, 404)
  assert.equal((await update({ name: 'x' }, { as: 'reader@p1' })).status, 403)
  assert.deepEqual(await rows(t, 'servers'), before)
  assert.deepEqual(t.errors, [])
  await t.close()
})

test('actions in the wrong state, on a locked server or of a foreigner change nothing', async () => {
  const t = await testNova()
  const running = (await t.addServer({ host: 'h' })).id
  const busy = (await t.addServer({ host: 'h', taskState: 'pausing' })).id
  const locked = (await t.addServer({ host: 'h', lockedBy: 'admin' })).id
  const before = await rows(t, 'servers')
  const act = (id: string, body: unknown, given: Given = {}) =>
    t.call('POST', `/v2.1/servers/${id}/action`, { body, ...given })
  for (const [name, word] of [
    ['os-start', 'start'],
    ['unpause', 'unpause'],
    ['resume', 'resume'],
  ] as const) {
    const answer = await act(running, { [name]: null })
    assert.equal(answer.status, 409)
    assert.equal(message(answer), `Cannot '${word}' instance ${running} while it is in vm_state active`)
  }
  const pausing = await act(busy, { 'os-stop': null })
  assert.equal(pausing.status, 409)
  assert.equal(message(pausing), `Cannot 'stop' instance ${busy} while it is in task_state pausing`)
  const shut = await act(locked, { 'os-stop': null })
  assert.deepEqual([shut.status, message(shut)], [409, `Instance ${locked} is locked`])
  assert.equal((await t.call('DELETE', `/v2.1/servers/${locked}`)).status, 409)
  for (const body of [
    {},
    { dance: null },
    { reboot: {} },
    { reboot: { type: 'GENTLE' } },
    { reboot: null },
    [],
    'x',
    { 'os-start': null, 'os-stop': null },
  ])
    assert.equal((await act(running, body)).status, 400, JSON.stringify(body))
  for (const body of [{ 'os-stop': null }, { reboot: { type: 'HARD' } }, { lock: null }, { unlock: null }]) {
    assert.equal((await act(running, body, { as: 'member@p2' })).status, 404)
    assert.equal((await act(NOBODY, body)).status, 404)
    assert.equal((await act(running, body, { as: 'reader@p1' })).status, 403)
  }
  assert.equal((await act(running, { 'os-resetState': { state: 'error' } })).status, 403)
  assert.equal((await act(running, { 'os-resetState': { state: 'x' } }, { as: ADMIN })).status, 400)
  assert.equal((await t.call('DELETE', `/v2.1/servers/${running}`, { as: 'member@p2' })).status, 404)
  assert.deepEqual(await rows(t, 'servers'), before)
  assert.equal((await act(running, { lock: { locked_reason: 'mine' } }, { at: '2.73' })).status, 202)
  assert.equal((await act(running, { lock: { locked_reason: '' } }, { at: '2.73' })).status, 400)
  assert.deepEqual(t.errors, [])
  await t.close()
})
