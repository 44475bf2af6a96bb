// Log-ins by signature: EC2 and S3 requests, and OAuth 1 from a program's wish to its token.
import assert from 'node:assert/strict'
import { createHash, createHmac } from 'node:crypto'
import { test } from 'node:test'

import {
  BASE,
  SERVICE_PASSWORD,
  testKeystone,
  type Answer,
  type TestKeystone,
} from '#services/keystone/test-keystone.ts'

type Row = Record<string, unknown> & { id: string }
const rolesOf = (answer: Answer): string[] =>
  ((answer.json['token'] as { roles: { name: string }[] }).roles ?? []).map(role => role.name).sort()

/** A key pair of demo's in project demo, and the token of a service that shows signatures. */
async function keyPair(t: TestKeystone): Promise<{ access: string; secret: string; nova: string }> {
  const demo = await t.token('demo', { project: 'demo' })
  const userId = await t.id('users', 'demo')
  const projectId = await t.id('projects', 'demo')
  const made = await t.call('POST', `/v3/users/${userId}/credentials/OS-EC2`, {
    token: demo,
    body: { tenant_id: projectId },
  })
  assert.equal(made.status, 201, String(made.body))
  const nova = await t.token('nova', { project: 'service' }, SERVICE_PASSWORD)
  return { ...(made.json['credential'] as { access: string; secret: string }), nova }
}

test('EC2 requests of all versions of signatures', async () => {
  const t = await testKeystone()
  const { access, secret, nova } = await keyPair(t)
  const stamp = new Date(t.clock.now()).toISOString().slice(0, 19) + 'Z'
  const show = (credentials: object, token = nova) =>
    t.call('POST', '/v3/ec2tokens', { token, body: { credentials: { access, ...credentials } } })

  const params = {
    Action: 'DescribeInstances',
    SignatureVersion: '2',
    SignatureMethod: 'HmacSHA256',
    Timestamp: stamp,
    'a b': "c'd",
  }
  const quote = (text: string): string => encodeURIComponent(text).replaceAll("'", '%27')
  const sorted = Object.entries(params).sort(([a], [b]) => (a < b ? -1 : 1))
  const says = `GET\nec2.example\n/path\n${sorted.map(([k, v]) => `${quote(k)}=${quote(v)}`).join('&')}`
  const signature = createHmac('sha256', secret).update(says).digest('base64')
  const request = { verb: 'GET', host: 'ec2.example', path: '/path', params, signature }
  const good = await show(request)
  assert.equal(good.status, 200, String(good.body))
  assert.ok(good.headers['x-subject-token'])
  assert.deepEqual((good.json['token'] as { methods: string[] }).methods, ['ec2credential'])
  assert.ok(rolesOf(good).includes('member'))
  assert.equal((await show({ ...request, host: 'ec2.example:8773' })).status, 200)

  const date = stamp.replaceAll(/[-:]/g, '')
  const day = date.slice(0, 8)
  const scope = `${day}/RegionOne/ec2/aws4_request`
  const bodyHash = createHash('sha256').update('').digest('hex')
  const asked = ['GET', '/', 'Action=X', `host:ec2.example\nx-amz-date:${date}\n`, 'host;x-amz-date', bodyHash].join(
    '\n',
  )
  const toSign = ['AWS4-HMAC-SHA256', date, scope, createHash('sha256').update(asked).digest('hex')].join('\n')
  let key: string | Buffer = `AWS4${secret}`
  for (const part of scope.split('/')) key = createHmac('sha256', key).update(part).digest()
  const four = createHmac('sha256', key).update(toSign).digest('hex')
  const headers = {
    Host: 'ec2.example',
    'X-Amz-Date': date,
    Authorization: `AWS4-HMAC-SHA256 Credential=${access}/${scope}, SignedHeaders=host;x-amz-date, Signature=${four}`,
  }
  const version4 = {
    verb: 'GET',
    host: 'ec2.example',
    path: '/',
    params: { Action: 'X' },
    headers,
    body_hash: bodyHash,
    signature: four,
  }
  const answered = await show(version4)
  assert.equal(answered.status, 200, String(answered.body))

  assert.equal((await show({ ...request, signature: `x${signature.slice(1)}` })).status, 401)
  assert.equal((await show({ ...request, signature: '' })).status, 401)
  assert.equal((await show({ ...request, params: { ...params, SignatureVersion: '7' } })).status, 401)
  assert.equal((await show({ ...request, access: 'nobody' })).status, 404)
  assert.equal((await t.call('POST', '/v3/ec2tokens', { token: nova, body: { credentials: {} } })).status, 401)
  assert.equal((await t.call('POST', '/v3/ec2tokens', { token: nova, body: {} })).status, 400)
  assert.equal((await t.call('POST', '/v3/ec2tokens', { body: { credentials: { access, ...request } } })).status, 401)
  assert.equal((await show(request, await t.token('demo', { project: 'demo' }))).status, 403)
  t.clock.move(16 * 60_000)
  assert.equal((await show(request)).status, 401)
  assert.deepEqual(t.errors, [])
  await t.close()
})

test('S3 requests tell who signed, and give no token', async () => {
  const t = await testKeystone()
  const { access, secret, nova } = await keyPair(t)
  const show = (credentials: object) =>
    t.call('POST', '/v3/s3tokens', { token: nova, body: { credentials: { access, ...credentials } } })
  const one = 'GET\n\n\nSun, 22 Nov 2026 00:00:00 GMT\n/bucket/'
  const token = Buffer.from(one).toString('base64url')
  const signature = createHmac('sha1', secret).update(one).digest('base64')
  const good = await show({ token, signature })
  assert.equal(good.status, 200, String(good.body))
  assert.equal(good.headers['x-subject-token'], undefined)
  const four = 'AWS4-HMAC-SHA256\n20261122T000000Z\n20261122/r/s3/aws4_request\nabc'
  let key: string | Buffer = `AWS4${secret}`
  for (const part of ['20261122', 'r', 's3', 'aws4_request']) key = createHmac('sha256', key).update(part).digest()
  const signed = createHmac('sha256', key).update(four).digest('hex')
  assert.equal((await show({ token: Buffer.from(four).toString('base64url'), signature: signed })).status, 200)
  for (const bad of [
    { token, signature: 'x' },
    { token: '%%%', signature },
    { signature },
    { token: Buffer.from(`${four}\nx`).toString('base64url'), signature: signed },
  ])
    assert.equal((await show(bad)).status, 401, JSON.stringify(bad))
  assert.deepEqual(t.errors, [])
  await t.close()
})

test('OAuth 1: asked, authorised, used; lent tokens lend nothing on', async () => {
  const t = await testKeystone()
  const admin = await t.admin()
  const ask = (method: string, path: string, body?: unknown, token = admin) =>
    t.call(method, `/v3${path}`, { token, ...(body === undefined ? {} : { body }) })
  const consumer = (await ask('POST', '/OS-OAUTH1/consumers', { consumer: {} })).json['consumer'] as Row & {
    secret: string
  }
  const project = await t.id('projects', 'demo')
  const userId = await t.id('users', 'admin')
  let nonce = 0
  const encode = (text: string): string =>
    encodeURIComponent(text).replace(/[!'()*]/g, c => `%${c.charCodeAt(0).toString(16).toUpperCase()}`)
  const header = (
    method: string,
    path: string,
    token: { id: string; secret: string } | null,
    more: Record<string, string> = {},
    algorithm = 'sha1',
  ): string => {
    const params: Record<string, string> = {
      oauth_consumer_key: consumer.id,
      oauth_nonce: `n${nonce++}`,
      oauth_signature_method: algorithm === 'sha1' ? 'HMAC-SHA1' : 'HMAC-SHA256',
      oauth_timestamp: String(Math.floor(t.clock.now() / 1000)),
      oauth_version: '1.0',
      ...(token === null ? {} : { oauth_token: token.id }),
      ...more,
    }
    const flat = Object.keys(params)
      .sort()
      .map(key => `${encode(key)}=${encode(params[key] ?? '')}`)
      .join('&')
    const says = `${method}&${encode(`${BASE}/v3${path}`)}&${encode(flat)}`
    const signature = createHmac(algorithm, `${encode(consumer.secret)}&${encode(token?.secret ?? '')}`)
      .update(says)
      .digest('base64')
    return `OAuth ${Object.entries({ ...params, oauth_signature: signature })
      .map(([k, v]) => `${encode(k)}="${encode(v)}"`)
      .join(', ')}`
  }
  const told = (answer: Answer): { id: string; secret: string } => {
    assert.equal(answer.status, 201, String(answer.body))
    assert.equal(answer.headers['content-type'], 'application/x-www-form-urlencoded')
    const form = new URLSearchParams(String(answer.body))
    return { id: form.get('oauth_token') ?? '', secret: form.get('oauth_token_secret') ?? '' }
  }
  const at = '/OS-OAUTH1/request_token'
  const post = (path: string, authorization: string, headers: Record<string, string> = {}) =>
    t.call('POST', `/v3${path}`, { headers: { authorization, ...headers } })
  const wish = { 'requested-project-id': project }
  assert.equal((await post(at, '', wish)).status, 400)
  assert.equal((await post(at, header('POST', at, null))).status, 400)
  assert.equal((await post(at, header('POST', at, null), { 'requested-project-id': 'none' })).status, 404)
  assert.equal((await post(at, header('POST', '/elsewhere', null), wish)).status, 401)
  const twice = header('POST', at, null, { oauth_callback: 'oob' })
  const request = told(await post(at, twice, wish))
  assert.equal((await post(at, twice, wish)).status, 401, 'a signature is good once')
  assert.equal((await post(at, header('POST', at, null, { oauth_timestamp: '1000' }), wish)).status, 401)

  // Not authorised yet; then with a role that the bearer has not; then well.
  const access = '/OS-OAUTH1/access_token'
  const trade = (verifier: string) =>
    post(access, header('POST', access, request, { oauth_verifier: verifier }, 'sha256'))
  assert.equal((await trade('x')).status, 401)
  const authorize = (roles: unknown, token = admin) =>
    ask('PUT', `/OS-OAUTH1/authorize/${request.id}`, { roles }, token)
  assert.equal((await authorize([{ name: 'member' }], await t.token('demo', { project: 'demo' }))).status, 403)
  assert.equal((await authorize([{ name: 'service' }])).status, 401)
  assert.equal((await authorize([{ name: 'no-such' }])).status, 404)
  assert.equal((await authorize([{ name: 'a', id: 'b' }])).status, 400)
  const verified = await authorize([{ name: 'reader' }])
  assert.equal(verified.status, 200, String(verified.body))
  const { oauth_verifier: verifier } = verified.json['token'] as { oauth_verifier: string }
  assert.equal((await trade('wrong')).status, 401)
  const got = told(await trade(verifier))
  assert.equal((await trade(verifier)).status, 404, 'a request token is good once')

  const enter = (token: { id: string; secret: string }, body: object = {}) =>
    t.call('POST', '/v3/auth/tokens', {
      headers: { authorization: header('POST', '/auth/tokens', token) },
      body: { auth: { identity: { methods: ['oauth1'], oauth1: {} }, ...body } },
    })
  const entered = await enter(got)
  assert.equal(entered.status, 201, String(entered.body))
  assert.deepEqual(rolesOf(entered), ['reader'])
  const view = entered.json['token'] as Record<string, unknown>
  assert.deepEqual(view['OS-OAUTH1'], { access_token_id: got.id, consumer_id: consumer.id })
  assert.equal((view['project'] as Row).id, project)
  assert.equal((await enter({ ...got, secret: 'wrong' })).status, 401)
  const lent = entered.headers['x-subject-token'] ?? ''
  const again = await t.call('POST', '/v3/auth/tokens', {
    body: { auth: { identity: { methods: ['token'], token: { id: lent } } } },
  })
  assert.equal(again.status, 403)
  const credential = { name: 'x', roles: [{ name: 'reader' }] }
  assert.equal(
    (await ask('POST', `/users/${userId}/application_credentials`, { application_credential: credential }, lent))
      .status,
    403,
  )

  const list = (await ask('GET', `/users/${userId}/OS-OAUTH1/access_tokens`)).json['access_tokens'] as Row[]
  assert.deepEqual(
    list.map(one => [one.id, one['consumer_id']]),
    [[got.id, consumer.id]],
  )
  const mine = `/users/${userId}/OS-OAUTH1/access_tokens/${got.id}`
  assert.equal((await ask('GET', `/users/nobody/OS-OAUTH1/access_tokens/${got.id}`)).status, 404)
  const roles = (await ask('GET', `${mine}/roles`)).json['roles'] as Row[]
  assert.equal(roles.length, 1)
  assert.equal((await ask('GET', `${mine}/roles/${roles[0]?.id ?? ''}`)).status, 200)
  assert.equal((await ask('GET', `${mine}/roles/none`)).status, 404)
  assert.equal((await ask('DELETE', mine)).status, 204)
  assert.equal((await enter(got)).status, 401)
  assert.equal((await t.call('GET', '/v3/auth/catalog', { token: lent })).status, 401, 'its tokens end with it')
  assert.deepEqual(t.errors, [])
  await t.close()
})
