import assert from 'node:assert/strict'
import { test } from 'node:test'

import { newSshKey } from '#host/node/state-dir-key.ts'
import { testNova, type TestNova } from '#services/nova/test-nova.ts'

const ADMIN = 'admin@p0'
const PUBLIC = newSshKey('somebody').publicText.trim()
type Row = Record<string, unknown>
const create = (t: TestNova, keypair: Row, given: { at?: string; as?: string } = {}) =>
  t.call('POST', '/v2.1/os-keypairs', { body: { keypair }, ...given })
const names = (answer: { json: Record<string, never> }): string[] =>
  (answer.json['keypairs'] as unknown as { keypair: { name: string } }[]).map(one => one.keypair.name)

test('a key is imported, made, shown and removed; the private half is told once', async () => {
  const t = await testNova()
  const imported = await create(t, { name: 'mine', public_key: PUBLIC })
  assert.equal(imported.status, 200)
  const view = imported.json['keypair'] as Row
  assert.deepEqual(Object.keys(view).sort(), ['fingerprint', 'name', 'public_key', 'user_id'])
  assert.match(String(view['fingerprint']), /^([0-9a-f]{2}:){15}[0-9a-f]{2}$/)
  const made = (await create(t, { name: 'made' })).json['keypair'] as Row
  assert.match(String(made['private_key']), /^-----BEGIN RSA PRIVATE KEY-----/)
  const shown = await t.call('GET', '/v2.1/os-keypairs/made')
  assert.equal(shown.status, 200)
  const { private_key: hidden, ...rest } = shown.json['keypair'] as Row
  assert.equal(hidden, undefined)
  assert.deepEqual(
    [rest['deleted'], rest['deleted_at'], rest['updated_at'], rest['id'], rest['user_id']],
    [false, null, null, 2, 'user-of-member@p1'],
  )
  assert.match(String(rest['created_at']), /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{6}$/)
  assert.deepEqual(names(await t.call('GET', '/v2.1/os-keypairs')), ['made', 'mine'])
  assert.equal((await t.call('DELETE', '/v2.1/os-keypairs/made')).status, 202)
  assert.equal((await t.call('DELETE', '/v2.1/os-keypairs/mine', { at: '2.2' })).status, 204)
  const gone = await t.call('GET', '/v2.1/os-keypairs/made')
  assert.equal(gone.status, 404)
  assert.match(JSON.stringify(gone.json), /Keypair made not found for user user-of-member@p1/)
  assert.equal((await t.call('DELETE', '/v2.1/os-keypairs/made')).status, 404)
  assert.deepEqual(t.errors, [])
  await t.close()
})

test('2.2 knows types and answers 201', async () => {
  const t = await testNova()
  assert.equal((await create(t, { name: 'a', type: 'ssh', public_key: PUBLIC }, { at: '2.1' })).status, 400)
  const made = await create(t, { name: 'a', public_key: PUBLIC }, { at: '2.2' })
  assert.equal(made.status, 201)
  assert.equal((made.json['keypair'] as Row)['type'], 'ssh')
  const shown = (await t.call('GET', '/v2.1/os-keypairs/a', { at: '2.1' })).json['keypair'] as Row
  assert.ok(!('type' in shown))
  const windows = await create(t, { name: 'w', type: 'x509' }, { at: '2.2' })
  assert.equal(windows.status, 201)
  const view = windows.json['keypair'] as Row
  assert.equal(view['type'], 'x509')
  assert.match(String(view['public_key']), /^-----BEGIN CERTIFICATE-----/)
  assert.match(String(view['fingerprint']), /^([0-9a-f]{2}:){19}[0-9a-f]{2}$/)
  const again = await create(t, { name: 'w2', type: 'x509', public_key: view['public_key'] }, { at: '2.2' })
  assert.equal((again.json['keypair'] as Row)['fingerprint'], view['fingerprint'])
  assert.equal((await create(t, { name: 'w3', type: 'x509', public_key: PUBLIC }, { at: '2.2' })).status, 400)
  assert.equal((await create(t, { name: 'w3', type: 'pgp' }, { at: '2.2' })).status, 400)
  await t.close()
})

test('from 2.10 administrators look after the keys of others', async () => {
  const t = await testNova()
  const user = 'user-of-member@p1'
  assert.equal(
    (await create(t, { name: 'k', public_key: PUBLIC, user_id: user }, { at: '2.9', as: ADMIN })).status,
    400,
  )
  assert.equal(
    (await create(t, { name: 'k', public_key: PUBLIC, user_id: user }, { at: '2.10', as: ADMIN })).status,
    201,
  )
  assert.deepEqual(names(await t.call('GET', '/v2.1/os-keypairs')), ['k'])
  assert.deepEqual(names(await t.call('GET', `/v2.1/os-keypairs?user_id=${user}`, { as: ADMIN, at: '2.9' })), [])
  assert.deepEqual(names(await t.call('GET', `/v2.1/os-keypairs?user_id=${user}`, { as: ADMIN, at: '2.10' })), ['k'])
  const one = `/v2.1/os-keypairs/k?user_id=${user}`
  assert.equal((await t.call('GET', one, { as: ADMIN, at: '2.9' })).status, 404)
  assert.equal((await t.call('GET', one, { as: ADMIN, at: '2.10' })).status, 200)
  for (const as of ['member@p2', 'manager@p1', 'service@service']) {
    assert.equal((await t.call('GET', one, { as, at: '2.10' })).status, 403, as)
    assert.equal((await t.call('GET', `/v2.1/os-keypairs?user_id=${user}`, { as, at: '2.10' })).status, 403, as)
    assert.equal((await t.call('DELETE', one, { as, at: '2.10' })).status, 403, as)
    assert.equal((await create(t, { name: 'x', public_key: PUBLIC, user_id: user }, { as, at: '2.10' })).status, 403)
  }
  assert.equal((await t.call('GET', '/v2.1/os-keypairs/k', { as: 'member@p2' })).status, 404)
  assert.equal((await t.call('DELETE', one, { as: ADMIN, at: '2.10' })).status, 204)
  await t.close()
})

test('lists are paged from 2.35 on', async () => {
  const t = await testNova()
  for (const name of ['c', 'a', 'd', 'b']) await create(t, { name, public_key: PUBLIC })
  const list = (query: string, at: string) => t.call('GET', `/v2.1/os-keypairs${query}`, { at })
  assert.deepEqual(names(await list('?limit=1', '2.34')), ['a', 'b', 'c', 'd'])
  const first = await list('?limit=2', '2.35')
  assert.deepEqual(names(first), ['a', 'b'])
  assert.deepEqual(first.json['keypairs_links'], [
    { rel: 'next', href: 'http://127.0.0.1:8080/test/v2.1/os-keypairs?limit=2&marker=b' },
  ])
  assert.deepEqual(names(await list('?limit=3&marker=b', '2.35')), ['c', 'd'])
  assert.equal((await list('?marker=zz', '2.35')).status, 400)
  assert.equal((await list('?other=1', '2.74')).status, 200)
  assert.equal((await list('?other=1', '2.75')).status, 400)
  await t.close()
})

test('from 2.92 keys are only imported, and names may hold more', async () => {
  const t = await testNova()
  assert.equal((await create(t, { name: 'a' }, { at: '2.91' })).status, 201)
  const refused = await create(t, { name: 'b' }, { at: '2.92' })
  assert.equal(refused.status, 400)
  assert.match(JSON.stringify(refused.json), /'public_key' is a required property/)
  assert.equal((await create(t, { name: 'me@home.net', public_key: PUBLIC }, { at: '2.91' })).status, 400)
  assert.equal((await create(t, { name: 'me@home.net', public_key: PUBLIC }, { at: '2.92' })).status, 201)
  assert.equal((await t.call('GET', '/v2.1/os-keypairs/me@home.net')).status, 200)
  await t.close()
})

test('bad bodies change nothing', async () => {
  const t = await testNova()
  for (const keypair of [
    {},
    { name: '' },
    { name: '   ' },
    { name: 'a'.repeat(256) },
    { name: 'no/slash' },
    { name: 'é' },
    { name: 'a', public_key: '' },
    { name: 'a', public_key: 'ssh-rsa JUNK nova@ubuntu' },
    { name: 'a', public_key: `ssh-ed25519 ${'A'.repeat(70_000)}` },
    { name: 'a', public_key: 5 },
    { name: 'a', colour: 'red' },
  ]) {
    const answer = await create(t, keypair)
    assert.equal(answer.status, 400, JSON.stringify(keypair).slice(0, 60))
    assert.ok('badRequest' in answer.json)
  }
  const junk = await create(t, { name: 'a', public_key: 'junk' })
  assert.match(JSON.stringify(junk.json), /Keypair data is invalid: failed to generate fingerprint/)
  assert.deepEqual(names(await t.call('GET', '/v2.1/os-keypairs')), [])
  await create(t, { name: 'a', public_key: PUBLIC })
  const twice = await create(t, { name: 'a', public_key: PUBLIC })
  assert.equal(twice.status, 409)
  assert.match(JSON.stringify(twice.json), /Key pair 'a' already exists/)
  assert.deepEqual(t.errors, [])
  await t.close()
})

test('a user has as many keys as the quota says', async () => {
  const t = await testNova({ settings: { quota_key_pairs: '1' } })
  assert.equal((await create(t, { name: 'a', public_key: PUBLIC })).status, 200)
  const more = await create(t, { name: 'b', public_key: PUBLIC })
  assert.equal(more.status, 403)
  assert.deepEqual(more.json, { forbidden: { code: 403, message: 'Quota exceeded, too many key pairs.' } })
  assert.equal((await create(t, { name: 'b', public_key: PUBLIC }, { as: 'member@p2' })).status, 200)
  await t.close()
})
