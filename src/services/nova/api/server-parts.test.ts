// What hangs on a server: each part from its version on, wrong words refused, foreigners told nothing, nothing changed.
import assert from 'node:assert/strict'
import { test } from 'node:test'

import { testNova, type TestNova } from '#services/nova/test-nova.ts'

const ADMIN = 'admin@p0'
const NOBODY = '99999999-9999-4999-8999-999999999999'
type Row = Record<string, unknown>
const message = (answer: { json: Record<string, never> }): string =>
  Object.values(answer.json as Record<string, { message?: string }>)[0]?.message ?? ''
const setUp = async (settings: Record<string, string> = {}) => {
  const t = await testNova({ settings, neighbours: { neutron: () => ({ json: { ports: [] } }) } })
  const { id } = await t.addServer({ host: 'h' })
  const at = `/v2.1/servers/${id}`
  return { t, id, at }
}
/** Asks with every body and demands 400 of each. */
const refused = async (t: TestNova, method: string, path: string, bodies: readonly unknown[], at = '2.1') => {
  for (const body of bodies) {
    const answer = await t.call(method, path, { body, at })
    assert.equal(answer.status, 400, `${method} ${path} ${JSON.stringify(body)?.slice(0, 80)} ${message(answer)}`)
  }
}

test('metadata is merged, replaced, set and removed; wrong items change nothing', async () => {
  const { t, id, at } = await setUp({ quota_metadata_items: '3' })
  const path = `${at}/metadata`
  const now = async () => (await t.call('GET', path)).json['metadata'] as Row
  assert.deepEqual((await t.call('POST', path, { body: { metadata: { a: '1', b: '2' } } })).json['metadata'], {
    a: '1',
    b: '2',
  })
  assert.deepEqual((await t.call('PUT', `${path}/a`, { body: { meta: { a: '9' } } })).json, { meta: { a: '9' } })
  assert.deepEqual((await t.call('GET', `${path}/a`)).json, { meta: { a: '9' } })
  assert.equal((await t.call('DELETE', `${path}/b`)).status, 204)
  assert.equal((await t.call('DELETE', `${path}/b`)).status, 404)
  assert.equal((await t.call('GET', `${path}/b`)).status, 404)
  const items = [
    {},
    { metadata: null },
    { metadata: [] },
    { metadata: { a: 1 } },
    { metadata: { '': 'x' } },
    { metadata: { a: 'x'.repeat(256) } },
    { metadata: { ['k'.repeat(256)]: 'x' } },
    { metadata: { 'a/b': 'x' } },
    { metadata: { a: null } },
    { metadata: {}, more: 1 },
  ]
  await refused(t, 'POST', path, items)
  await refused(t, 'PUT', path, items)
  await refused(t, 'PUT', `${path}/a`, [
    {},
    { meta: {} },
    { meta: { b: '1' } },
    { meta: { a: '1', b: '2' } },
    { meta: { a: 5 } },
  ])
  const much = await t.call('POST', path, { body: { metadata: { x: '1', y: '2', z: '3' } } })
  assert.deepEqual([much.status, message(much)], [403, 'Maximum number of metadata items exceeds 3'])
  for (const as of ['member@p2', 'reader@p2']) assert.equal((await t.call('GET', path, { as })).status, 404)
  assert.equal((await t.call('POST', path, { as: 'reader@p1', body: { metadata: { q: '1' } } })).status, 403)
  assert.equal((await t.call('GET', `/v2.1/servers/${NOBODY}/metadata`)).status, 404)
  const broken = await t.addServer({ vmState: 'error' })
  const late = await t.call('POST', `/v2.1/servers/${broken.id}/metadata`, { body: { metadata: { a: '1' } } })
  assert.equal(late.status, 409)
  assert.match(message(late), /while it is in vm_state error/)
  assert.deepEqual(await now(), { a: '9' })
  assert.deepEqual((await t.call('PUT', path, { body: { metadata: { c: '1' } } })).json['metadata'], { c: '1' })
  assert.ok(id.length === 36)
  assert.deepEqual(t.errors, [])
  await t.close()
})

test('tags are there from 2.26 on', async () => {
  const { t, at } = await setUp()
  const call = (method: string, path = '', given: Row = {}) =>
    t.call(method, `${at}/tags${path}`, { at: '2.26', ...given })
  assert.equal((await call('GET', '', { at: '2.25' })).status, 404)
  assert.equal((await call('PUT', '/red')).status, 201)
  const again = await call('PUT', '/red')
  assert.equal(again.status, 204)
  assert.equal((await call('GET', '/red')).status, 204)
  assert.equal((await call('GET', '/blue')).status, 404)
  assert.deepEqual((await call('PUT', '', { body: { tags: ['a', 'b', 'b'] } })).status, 200)
  assert.deepEqual(((await call('GET')).json['tags'] as unknown as string[]).sort(), ['a', 'b'])
  const many = Array.from({ length: 51 }, (_, n) => `t${n}`)
  await refused(
    t,
    'PUT',
    `${at}/tags`,
    [
      {},
      { tags: 'a' },
      { tags: [''] },
      { tags: ['a,b'] },
      { tags: ['a/b'] },
      { tags: ['x'.repeat(61)] },
      { tags: [5] },
      { tags: many },
      { tags: [], more: 1 },
    ],
    '2.26',
  )
  assert.equal((await call('PUT', `/${'x'.repeat(61)}`)).status, 400)
  assert.equal((await call('PUT', '/a,b')).status, 400)
  assert.equal((await call('PUT', '', { body: { tags: many.slice(0, 50) } })).status, 200)
  assert.equal((await call('PUT', '/more')).status, 400)
  assert.equal((await call('DELETE', '/none')).status, 404)
  assert.equal((await call('DELETE', '/t1')).status, 204)
  assert.equal((await call('GET', '', { as: 'member@p2' })).status, 404)
  assert.equal((await call('DELETE', '', { as: 'reader@p1' })).status, 403)
  assert.equal(((await call('GET')).json['tags'] as unknown as string[]).length, 49)
  assert.equal((await call('DELETE')).status, 204)
  assert.deepEqual((await call('GET')).json['tags'], [])
  assert.deepEqual(t.errors, [])
  await t.close()
})

test('volumes and interfaces: what is wrong is refused before a neighbour hears of it', async () => {
  const { t, id, at } = await setUp()
  const volumes = `${at}/os-volume_attachments`
  const wires = `${at}/os-interface`
  assert.deepEqual((await t.call('GET', volumes)).json, { volumeAttachments: [] })
  assert.deepEqual((await t.call('GET', wires)).json, { interfaceAttachments: [] })
  assert.equal((await t.call('GET', `${volumes}?x=1`, { at: '2.74' })).status, 200)
  assert.equal((await t.call('GET', `${volumes}?x=1`, { at: '2.75' })).status, 400)
  assert.equal((await t.call('GET', `${volumes}?limit=-1`)).status, 400)
  const heard = t.asked.length
  const volume = (row: Row) => ({ volumeAttachment: row })
  await refused(t, 'POST', volumes, [
    {},
    volume({}),
    volume({ volumeId: 'x' }),
    volume({ volumeId: 5 }),
    volume({ volumeId: NOBODY, device: 'vdb' }),
    volume({ volumeId: NOBODY, device: '' }),
    volume({ volumeId: NOBODY, colour: 1 }),
    volume({ volumeId: NOBODY, device: '/dev/vdb\u0000' }),
  ])
  await refused(t, 'POST', volumes, [volume({ volumeId: NOBODY, tag: 'a' })], '2.48')
  await refused(t, 'POST', volumes, [volume({ volumeId: NOBODY, delete_on_termination: true })], '2.78')
  await refused(t, 'PUT', `${volumes}/${NOBODY}`, [{}, volume({}), volume({ volumeId: 'x' })], '2.85')
  await refused(t, 'POST', wires, [
    { interfaceAttachment: { net_id: 'x' } },
    { interfaceAttachment: { net_id: NOBODY, port_id: NOBODY } },
    { interfaceAttachment: { fixed_ips: [{ ip_address: '10.0.0.1' }] } },
    { interfaceAttachment: { net_id: NOBODY, fixed_ips: [{ ip_address: 'x' }] } },
    { interfaceAttachment: { net_id: NOBODY, fixed_ips: [] } },
    { interfaceAttachment: { colour: 1 } },
    { interfaceAttachment: 5 },
  ])
  await refused(t, 'POST', wires, [{ interfaceAttachment: { tag: 'a' } }], '2.48')
  for (const path of [`${volumes}/${NOBODY}`, `${wires}/${NOBODY}`, `${wires}/x`]) {
    assert.equal((await t.call('GET', path)).status, 404, path)
    assert.equal((await t.call('DELETE', path)).status, 404, path)
  }
  for (const path of [volumes, wires]) {
    assert.equal((await t.call('GET', path, { as: 'member@p2' })).status, 404)
    assert.equal((await t.call('DELETE', `${path}/${NOBODY}`, { as: 'reader@p1' })).status, 403)
  }
  const building = (await t.addServer({ vmState: 'building' })).id
  for (const [path, body] of [
    ['os-volume_attachments', volume({ volumeId: NOBODY })],
    ['os-interface', {}],
  ] as const) {
    const early = await t.call('POST', `/v2.1/servers/${building}/${path}`, { body })
    assert.equal(early.status, 409)
    assert.match(message(early), /^Cannot 'attach_\w+' instance .* while it is in vm_state building$/)
  }
  assert.ok(t.asked.slice(heard).every(line => !/ (POST|PUT|DELETE) /.test(line)))
  const gone = await t.call('POST', volumes, { body: volume({ volumeId: NOBODY }) })
  assert.deepEqual([gone.status, message(gone)], [404, `Volume ${NOBODY} could not be found.`])
  assert.ok(id !== '')
  assert.deepEqual(t.errors, [])
  await t.close()
})

test('consoles: by action until 2.5, by resource from 2.6', async () => {
  const { t, at } = await setUp()
  const old = { 'os-getVNCConsole': { type: 'novnc' } }
  const act = (body: unknown, given: Row = {}) => t.call('POST', `${at}/action`, { body, ...given })
  const remote = (protocol: unknown, type: unknown) => ({ remote_console: { protocol, type } })
  const make = (body: unknown, given: Row = {}) =>
    t.call('POST', `${at}/remote-consoles`, { body, at: '2.6', ...given })
  const first = await act(old, { at: '2.5' })
  assert.equal(first.status, 200)
  assert.match(JSON.stringify(first.json), /"type":"novnc","url":"http[^"]*token=/)
  assert.ok([400, 404].includes((await act(old, { at: '2.6' })).status))
  assert.equal((await make(remote('vnc', 'novnc'), { at: '2.5' })).status, 404)
  const made = await make(remote('vnc', 'novnc'))
  assert.deepEqual(Object.keys(made.json['remote_console'] as Row).sort(), ['protocol', 'type', 'url'])
  await refused(
    t,
    'POST',
    `${at}/remote-consoles`,
    [
      {},
      remote('vnc', 'x'),
      remote('tv', 'novnc'),
      remote(5, 5),
      remote('spice', 'spice-html5'),
      { remote_console: { protocol: 'vnc' } },
    ],
    '2.6',
  )
  await refused(t, 'POST', `${at}/action`, [
    { 'os-getVNCConsole': { type: 'x' } },
    { 'os-getConsoleOutput': { length: 'x' } },
    { 'os-getConsoleOutput': 5 },
  ])
  assert.equal((await make(remote('vnc', 'novnc'), { as: 'member@p2' })).status, 404)
  assert.equal((await act({ 'os-getConsoleOutput': {} }, { as: 'member@p2' })).status, 404)
  const off = (await t.addServer({ vmState: 'stopped', host: null })).id
  for (const [path, body] of [
    ['action', { 'os-getConsoleOutput': {} }],
    ['remote-consoles', remote('vnc', 'novnc')],
  ] as const) {
    const early = await t.call('POST', `/v2.1/servers/${off}/${path}`, { body, at: '2.6' })
    assert.deepEqual([early.status, message(early)], [409, `Instance ${off} is not ready`])
  }
  assert.deepEqual(t.errors, [])
  await t.close()
})

test('external events are for services, and each is answered by itself', async () => {
  const { t, id } = await setUp()
  const path = '/v2.1/os-server-external-events'
  const event = (server: string, change: Row = {}) => ({ name: 'network-vif-plugged', server_uuid: server, ...change })
  const send = (events: unknown, given: Row = {}) => t.call('POST', path, { as: ADMIN, body: { events }, ...given })
  const good = await send([event(id, { tag: 'x' })])
  assert.deepEqual(
    [good.status, good.json['events']],
    [200, [{ ...event(id, { tag: 'x' }), status: 'completed', code: 200 }]],
  )
  const unplaced = (await t.addServer()).id
  const mixed = await send([event(id), event(NOBODY), event(unplaced)])
  assert.equal(mixed.status, 207)
  assert.deepEqual(
    (mixed.json['events'] as unknown as { code: number }[]).map(one => one.code),
    [200, 404, 422],
  )
  assert.equal((await send([event(NOBODY)])).status, 207)
  for (const wrong of [
    undefined,
    null,
    [],
    {},
    [{}],
    [event('x')],
    [event(id, { name: 'party' })],
    [event(id, { status: 'maybe' })],
    [event(id, { colour: 1 })],
    [event(id, { tag: 5 })],
  ])
    assert.equal((await send(wrong)).status, 400, JSON.stringify(wrong))
  for (const [name, last, since] of [
    ['volume-extended', '2.50', '2.51'],
    ['power-update', '2.75', '2.76'],
    ['accelerator-request-bound', '2.81', '2.82'],
  ] as const) {
    const change = name === 'power-update' ? { name, tag: 'POWER_ON' } : { name, tag: 'x' }
    assert.equal((await send([event(id, change)], { at: last })).status, 400, `${name} ${last}`)
    assert.equal((await send([event(id, change)], { at: since })).status, 200, `${name} ${since}`)
  }
  const bare = await send([event(id), event(id, { name: 'volume-extended' })], { at: '2.51' })
  assert.deepEqual(
    (bare.json['events'] as unknown as { code: number }[]).map(one => one.code),
    [200, 400],
  )
  assert.equal((await send([event(id)], { as: 'member@p1' })).status, 403)
  await t.close()
})
