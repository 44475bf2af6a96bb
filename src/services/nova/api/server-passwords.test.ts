// What a guest tells of its password, tokens of consoles, and consoles that nobody offers.
import assert from 'node:assert/strict'
import { createHmac } from 'node:crypto'
import { test } from 'node:test'

import { metadataService } from '#services/nova/api/metadata-service.ts'
import { reclaimServers } from '#services/nova/reconcilers/reclaim-servers.ts'
import { testNova } from '#services/nova/test-nova.ts'

const ADMIN = 'admin@p1'
const NOWHERE = '99999999-9999-4999-8999-999999999999'

test('a guest tells its password once; its owner reads it and has it forgotten', async () => {
  const t = await testNova()
  const { id } = await t.addServer()
  const at = `/v2.1/servers/${id}/os-server-password`
  const guest = metadataService(t.nova.metadata, { ids: t.ids, secret: 's' })
  const says = async (method: string, body: string | null = null, path = '/openstack/latest/password') =>
    guest({
      ...{ method, path, query: '', body, base: '', from: 'proxy' },
      headers: { 'x-instance-id': id, 'x-instance-id-signature': createHmac('sha256', 's').update(id).digest('hex') },
    })
  assert.deepEqual((await t.call('GET', at)).json, { password: '' })
  assert.equal((await says('POST', 'x'.repeat(1021))).status, 400)
  assert.equal((await says('PUT', 'x')).status, 400)
  assert.equal((await says('POST', 'x', '/openstack/latest/meta_data.json')).status, 405)
  assert.equal((await says('POST', 'sealed==')).status, 200)
  assert.equal((await says('POST', 'other')).status, 409)
  assert.equal((await says('GET')).body, 'sealed==')
  assert.deepEqual((await t.call('GET', at)).json, { password: 'sealed==' })
  assert.equal((await t.call('GET', at, { as: 'member@p2' })).status, 404)
  assert.equal((await t.call('DELETE', at, { as: 'reader@p1' })).status, 403)
  assert.equal((await t.call('DELETE', at)).status, 204)
  assert.deepEqual((await t.call('GET', at)).json, { password: '' })
  assert.equal((await says('POST', 'again')).status, 200)
  for (const method of ['GET', 'DELETE'])
    assert.equal((await t.call(method, `/v2.1/servers/${NOWHERE}/os-server-password`)).status, 404)
  assert.deepEqual(t.errors, [])
  await t.close()
})

test('a token of a console says whose it is from 2.31 on, for administrators, and is not used up by it', async () => {
  const t = await testNova()
  const { id } = await t.addServer({ host: 'h1' })
  const made = await t.call('POST', `/v2.1/servers/${id}/remote-consoles`, {
    at: '2.6',
    body: { remote_console: { protocol: 'vnc', type: 'novnc' } },
  })
  const { url } = (made.json as { remote_console: { url: string } }).remote_console
  const token = new URL(url).searchParams.get('token') ?? ''
  const look = (at: string, as = ADMIN, of = token) => t.call('GET', `/v2.1/os-console-auth-tokens/${of}`, { at, as })
  assert.equal((await look('2.30')).status, 400)
  assert.equal((await look('2.31', 'member@p1')).status, 403)
  assert.equal((await look('2.31', ADMIN, 'x')).status, 404)
  for (let again = 0; again < 2; again++) {
    const { console: shown } = (await look('2.31')).json as { console: Record<string, unknown> }
    assert.equal(shown['instance_uuid'], id)
    assert.equal(typeof shown['port'], 'number')
    assert.equal(shown['internal_access_path'], null)
  }
  t.clock.move(700_000)
  assert.equal((await look('2.31')).status, 404)
  await t.close()
})

test('consoles of other kinds are refused in words, each at its versions', async () => {
  const t = await testNova()
  const { id } = await t.addServer({ host: 'h1' })
  for (const [protocol, type, at, says] of [
    ['spice', 'spice-html5', '2.6', /Unavailable console type spice-html5\./],
    ['rdp', 'rdp-html5', '2.6', /Unavailable console type rdp\./],
    ['mks', 'webmks', '2.8', /Unavailable console type webmks\./],
    ['mks', 'webmks', '2.7', /is not one of/],
    ['vnc', 'xvpvnc', '2.6', /Invalid console type xvpvnc/],
    ['serial', 'novnc', '2.6', /Invalid console type novnc/],
  ] as const) {
    const answer = await t.call('POST', `/v2.1/servers/${id}/remote-consoles`, {
      at,
      body: { remote_console: { protocol, type } },
    })
    assert.equal(answer.status, 400, `${protocol} ${type} at ${at}`)
    assert.match(JSON.stringify(answer.json), says)
  }
  const act = (body: object, at = '2.5') => t.call('POST', `/v2.1/servers/${id}/action`, { at, body })
  assert.equal((await act({ 'os-getSPICEConsole': { type: 'spice-html5' } })).status, 400)
  assert.equal((await act({ 'os-getRDPConsole': { type: 'rdp-html5' } })).status, 400)
  assert.equal((await act({ 'os-getSPICEConsole': { type: 'spice-html5' } }, '2.6')).status, 404)
  assert.equal((await act({ 'os-getRDPConsole': { type: 'rdp-html5' } }, '2.6')).status, 404)
  await t.close()
})

test('how a guest is laid out, from 2.78; the documents by their names; merges need to be told into what', async () => {
  const t = await testNova()
  const { id } = await t.addServer()
  const at = `/v2.1/servers/${id}/topology`
  assert.deepEqual((await t.call('GET', at, { at: '2.78' })).json, { nodes: [], pagesize_kb: null })
  assert.equal((await t.call('GET', at, { at: '2.77' })).status, 404)
  assert.equal((await t.call('GET', at, { at: '2.78', as: 'member@p2' })).status, 404)
  const document = await t.call('GET', '/v2.1/versions/v2.1')
  assert.equal((document.json as { version: { id: string } }).version.id, 'v2.1')
  assert.equal((await t.call('GET', '/v2.1/versions/v9')).status, 404)
  const merge = (query: string) => t.call('DELETE', `/v2.1/os-assisted-volume-snapshots/x?${query}`, { as: ADMIN })
  for (const query of ['', 'delete_info=no-json', 'delete_info={}', `delete_info={"volume_id":"${NOWHERE}"}`])
    assert.equal((await merge(query)).status, 400, query)
  assert.equal((await merge(`delete_info={"volume_id":"${NOWHERE}","merge_target_file":"/x"}`)).status, 400)
  await t.close()
})

test('servers that waited long enough are deleted for good, no others', async () => {
  const t = await testNova({ settings: { reclaim_instance_interval_s: '60' } })
  const aside = { vmState: 'soft-delete', softDeletedAt: t.clock.now() }
  const { id } = await t.addServer(aside)
  await t.addServer({ ...aside, taskState: 'restoring' })
  await t.addServer()
  const removed: string[] = []
  const run = (afterMs: number) =>
    reclaimServers.run(
      {
        ...{ database: t.database, clock: t.clock, ctx: t.ctx(), afterMs },
        remove: async (_ctx, one) => void removed.push(one),
      },
      new AbortController().signal,
    )
  await run(60_000)
  assert.deepEqual(removed, [])
  t.clock.move(61_000)
  await run(0)
  assert.deepEqual(removed, [], '0: they wait for ever')
  assert.deepEqual(await run(60_000), { seen: 1, corrected: 1 })
  assert.deepEqual(removed, [id])
  await t.close()
})
