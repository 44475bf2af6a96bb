// Attachments and the older handshake: statuses as upstream has them, one server at a time, nobody pulls a disk from a server.
import assert from 'node:assert/strict'
import { after, before, test } from 'node:test'
import {
  admin,
  json,
  member,
  nova,
  P1,
  stranger,
  testCinder,
  type TestCinder,
} from '#services/cinder/service-for-tests.ts'

const S1 = '11111111-1111-4111-8111-111111111111'
const S2 = '22222222-2222-4222-8222-222222222222'
const at = '3.70'
let t: TestCinder
/** What Nova says: server → the attachment by which it has each volume. */
const used = new Map<string, string>()

before(async () => {
  t = await testCinder({
    nova: ({ path }) => {
      const match = /^\/v2\.1\/servers\/([^/]+)\/os-volume_attachments\/([^/]+)$/.exec(path)
      const attachment = match === null ? undefined : used.get(`${match[1]}/${match[2]}`)
      return attachment === undefined ? undefined : json({ volumeAttachment: { attachment_id: attachment } })
    },
  })
})
after(async () => {
  assert.deepEqual(await t.cinder.audit(), [])
  await t.close()
})

type Bag = Record<string, never>
const volume = async (change: object = {}): Promise<string> => {
  const made = await t.call('POST', '/v3/volumes', { token: member, body: { volume: { size: 1, ...change } } })
  const { id } = (made.json as { volume: { id: string } }).volume
  await t.settled(id)
  return id
}
const stateOf = async (id: string): Promise<string> => String((await t.settled(id))?.['status'])
const attach = async (body: object, token = nova): Promise<{ status: number; body: Bag }> => {
  const answer = await t.call('POST', '/v3/attachments', { token, at, body: { attachment: body } })
  return { status: answer.status, body: ((answer.json as { attachment?: Bag }).attachment ?? answer.json) as Bag }
}
const says = (answer: { json: never }): string =>
  Object.values(answer.json as Record<string, { message: string }>)[0]?.message ?? ''
const connector = { host: 'node-1', ip: '10.0.0.1', mountpoint: '/dev/vdb' }
const drop = (id: string, token = nova) => t.call('DELETE', `/v3/attachments/${id}`, { token, at })
const act = (id: string, body: object, token = member, version = at) =>
  t.call('POST', `/v3/volumes/${id}/action`, { token, at: version, body })
const gone = async (id: string): Promise<void> => {
  assert.equal((await t.call('DELETE', `/v3/volumes/${id}`, { token: admin })).status, 202)
  assert.equal(await t.settled(id), undefined)
}

test('reserve, connect, complete, end', async () => {
  const id = await volume()
  const made = await attach({ volume_uuid: id, instance_uuid: S1 })
  assert.deepEqual([made.status, made.body['status'], made.body['connection_info'], await stateOf(id)], [
    200,
    'reserved',
    {},
    'reserved',
  ] as never)
  const one = String(made.body['id'])
  const update = (c: object, token = nova) =>
    t.call('PUT', `/v3/attachments/${one}`, { token, at, body: { attachment: { connector: c } } })
  assert.equal((await update({})).status, 400)
  assert.match(says(await update({ ip: '10.0.0.1' })), /Connector doesn't have required information: host/)
  assert.equal((await update(connector, stranger)).status, 404)
  for (let i = 0; i < 2; i += 1) {
    const connected = ((await update(connector)).json as { attachment: Bag }).attachment
    const info = connected['connection_info'] as unknown as Bag
    assert.deepEqual(
      [connected['status'], connected['attach_mode'], info['driver_volume_type'], info['attachment_id']],
      ['attaching', 'rw', 'local', one] as never,
    )
  }
  assert.equal(await stateOf(id), 'attaching')
  assert.equal(
    (await t.call('POST', `/v3/attachments/${one}/action`, { token: nova, at: '3.43', body: { 'os-complete': null } }))
      .status,
    404,
  )
  assert.equal(
    (await t.call('POST', `/v3/attachments/${one}/action`, { token: nova, at, body: { 'os-complete': null } })).status,
    204,
  )
  const shown = (await t.settled(id)) as Bag
  assert.deepEqual([shown['status'], (shown['attachments'] as unknown as Bag[])[0]?.['server_id']], [
    'in-use',
    S1,
  ] as never)
  const people = (await t.call('GET', `/v3/volumes/${id}`, { token: member })).json as {
    volume: { attachments: Bag[] }
  }
  assert.equal(people.volume.attachments[0]?.['host_name'], null)

  const second = await attach({ volume_uuid: id, instance_uuid: S2 })
  assert.equal(second.status, 400)
  assert.match(JSON.stringify(second.body), /status must be available to reserve, but the current status is in-use/)
  const moving = await attach({ volume_uuid: id, instance_uuid: S1, connector: { ...connector, host: 'node-2' } })
  assert.equal(moving.status, 200, 'the same server may be on its way to another host')
  assert.equal((await drop(one)).status, 200)
  assert.equal(await stateOf(id), 'attaching')
  assert.deepEqual((await drop(String(moving.body['id']))).json, { attachments: [] } as never)
  assert.equal(await stateOf(id), 'available')
  assert.equal((await drop(one)).status, 404)
  await gone(id)
})

test('a person does not pull a disk from under a server; a service may', async () => {
  const id = await volume()
  const made = await attach({ volume_uuid: id, instance_uuid: S1, connector }, member)
  const one = String(made.body['id'])
  used.set(`${S1}/${id}`, one)
  const refused = await drop(one, member)
  assert.deepEqual([refused.status, says(refused)], [409, `Detach volume from instance ${S1} using the Compute API`])
  assert.equal((await act(id, { 'os-detach': {} })).status, 409)
  assert.equal((await act(id, { 'os-terminate_connection': { connector } })).status, 409)
  assert.equal((await act(id, { 'os-force_detach': { connector } }, admin)).status, 409)
  used.clear()
  assert.equal((await drop(one, member)).status, 200, 'Nova has let go of it')
  const again = await attach({ volume_uuid: id, instance_uuid: S1, connector })
  used.set(`${S1}/${id}`, String(again.body['id']))
  assert.equal((await drop(String(again.body['id']))).status, 200)
  used.clear()
  await gone(id)
})

test('lists: by server, by volume, of all projects', async () => {
  const [a, b] = [await volume(), await volume()]
  const one = String((await attach({ volume_uuid: a, instance_uuid: S1, mode: 'ro' })).body['id'])
  const two = String((await attach({ volume_uuid: b, instance_uuid: S2 })).body['id'])
  const list = async (query: string, token = nova): Promise<string[]> => {
    const answer = await t.call('GET', `/v3/attachments?${query}`, { token, at })
    assert.equal(answer.status, 200, JSON.stringify(answer.json))
    return (answer.json as { attachments: { id: string }[] }).attachments.map(entry => entry.id)
  }
  // Made in the same millisecond, either comes first.
  const both = [one, two].toSorted()
  assert.deepEqual((await list('all_tenants=1')).toSorted(), both)
  assert.deepEqual((await list('', member)).toSorted(), both)
  assert.deepEqual(await list('', stranger), [])
  assert.deepEqual(await list(`all_tenants=1&instance_id=${S1}`), [one])
  assert.deepEqual(await list(`volume_id=${b}`, member), [two])
  const [first, ...more] = await list('attach_status=reserved&limit=1', member)
  assert.ok(more.length === 0 && both.includes(first ?? ''))
  assert.equal((await t.call('GET', '/v3/attachments?host=x', { token: member, at })).status, 400)
  const detail = await t.call('GET', `/v3/attachments/detail?volume_id=${a}`, { token: member, at })
  assert.equal((detail.json as { attachments: Bag[] }).attachments[0]?.['attach_mode'], 'ro' as never)
  assert.equal((await t.call('GET', `/v3/attachments/${one}`, { token: stranger, at })).status, 404)
  assert.equal((await t.call('GET', `/v3/attachments/${one}`, { token: `reader@${P1}`, at })).status, 200)
  assert.equal((await t.call('DELETE', `/v3/attachments/${one}`, { token: `reader@${P1}`, at })).status, 403)
  for (const entry of [one, two]) await drop(entry)
  for (const entry of [a, b]) await gone(entry)
})

test('bad attachments', async () => {
  const id = await volume()
  for (const [body, status] of [
    [{}, 400],
    [{ volume_uuid: 'no' }, 400],
    [{ volume_uuid: S1 }, 404],
    [{ volume_uuid: id, instance_uuid: 'no' }, 400],
    [{ volume_uuid: id, mode: 'both' }, 400],
    [{ volume_uuid: id, extra: 1 }, 400],
    [{ volume_uuid: id, connector: { ip: 'x' } }, 400],
  ] as const)
    assert.equal((await attach(body)).status, status, JSON.stringify(body))
  assert.equal(await stateOf(id), 'available')
  await act(id, { 'os-reset_status': { status: 'error' } }, admin)
  assert.match(
    JSON.stringify((await attach({ volume_uuid: id })).body),
    /can not be created if the volume is in an error state/,
  )
  await gone(id)
})

test('volumes of several servers, by their type', async () => {
  const type = await t.call('POST', '/v3/types', {
    token: admin,
    body: { volume_type: { name: 'shared', extra_specs: { multiattach: '<is> True' } } },
  })
  assert.equal(type.status, 200)
  const id = await volume({ volume_type: 'shared' })
  const ids: string[] = []
  for (const server of [S1, S2]) {
    const made = await attach({
      volume_uuid: id,
      instance_uuid: server,
      connector: { ...connector, host: `h-${server}` },
    })
    ids.push(String(made.body['id']))
    await t.call('POST', `/v3/attachments/${ids.at(-1) ?? ''}/action`, {
      token: nova,
      at,
      body: { 'os-complete': null },
    })
    assert.equal(await stateOf(id), 'in-use')
  }
  await drop(ids[0] ?? '')
  assert.equal(await stateOf(id), 'in-use')
  await drop(ids[1] ?? '')
  assert.equal(await stateOf(id), 'available')
  await gone(id)
})

test('the older handshake', async () => {
  const id = await volume()
  assert.equal((await act(id, { 'os-reserve': null })).status, 202)
  assert.equal(await stateOf(id), 'attaching')
  assert.match(
    says(await act(id, { 'os-reserve': null })),
    /Volume status must be available to reserve, but the status is attaching/,
  )
  const connection = (await act(id, { 'os-initialize_connection': { connector } })).json as { connection_info: Bag }
  assert.equal(connection.connection_info['driver_volume_type'], 'local' as never)
  assert.equal((connection.connection_info['data'] as unknown as Bag)['volume_id'], id as never)
  assert.equal((await act(id, { 'os-initialize_connection': { connector: {} } })).status, 400)
  assert.equal((await act(id, { 'os-attach': { mountpoint: '/dev/vdb' } })).status, 400)
  assert.equal((await act(id, { 'os-attach': { instance_uuid: S1, mountpoint: '/dev/vdb', mode: 'rw' } })).status, 202)
  const shown = (await t.settled(id)) as Bag
  assert.deepEqual([shown['status'], shown['metadata']], [
    'in-use',
    { readonly: 'False', attached_mode: 'rw' },
  ] as never)
  assert.match(
    says(await act(id, { 'os-attach': { instance_uuid: S2, mountpoint: '/dev/vdb' } })),
    /already attached and multiple attachments are not enabled/,
  )
  assert.equal((await act(id, { 'os-begin_detaching': null })).status, 202)
  assert.equal(await stateOf(id), 'detaching')
  assert.equal((await act(id, { 'os-begin_detaching': null })).status, 400)
  assert.equal((await act(id, { 'os-roll_detaching': null })).status, 202)
  assert.equal(await stateOf(id), 'in-use')
  assert.equal((await act(id, { 'os-terminate_connection': { connector } })).status, 202)
  assert.equal((await act(id, { 'os-detach': {} })).status, 202)
  assert.equal(await stateOf(id), 'available')
  await act(id, { 'os-update_readonly_flag': { readonly: true } })
  assert.match(
    says(await act(id, { 'os-attach': { instance_uuid: S1, mountpoint: '/dev/vdb', mode: 'rw' } })),
    /Invalid attaching mode 'rw'/,
  )
  assert.equal((await attach({ volume_uuid: id, instance_uuid: S1, connector })).body['attach_mode'], 'ro' as never)
  assert.equal(
    (await act(id, { 'os-reset_status': { status: 'available', attach_status: 'detached' } }, admin)).status,
    202,
  )
  await gone(id)
})

test('in use it grows from 3.42 on, and Nova is told', async () => {
  const told: object[] = []
  const own = await testCinder({
    nova: ({ method, path, body }) => {
      if (method !== 'POST' || path !== '/v2.1/os-server-external-events') return undefined
      told.push(JSON.parse(String(body)))
      return json({ events: [{ code: 200 }] })
    },
  })
  try {
    const made = await own.call('POST', '/v3/volumes', { token: member, body: { volume: { size: 1 } } })
    const { id } = (made.json as { volume: { id: string } }).volume
    await own.settled(id)
    const attached = await own.call('POST', '/v3/attachments', {
      token: nova,
      at,
      body: { attachment: { volume_uuid: id, instance_uuid: S1, connector } },
    })
    const one = (attached.json as { attachment: { id: string } }).attachment.id
    await own.call('POST', `/v3/attachments/${one}/action`, { token: nova, at, body: { 'os-complete': null } })
    const extend = (version: string) =>
      own.call('POST', `/v3/volumes/${id}/action`, {
        token: member,
        at: version,
        body: { 'os-extend': { new_size: 2 } },
      })
    assert.equal((await extend('3.41')).status, 400)
    assert.equal((await extend('3.42')).status, 202)
    const shown = await own.settled(id)
    assert.deepEqual([shown?.['status'], shown?.['size']], ['in-use', 2])
    assert.deepEqual(told, [{ events: [{ name: 'volume-extended', server_uuid: S1, tag: id }] }])
    assert.deepEqual(await own.cinder.audit(), [])
  } finally {
    await own.close()
  }
})
