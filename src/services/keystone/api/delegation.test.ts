import assert from 'node:assert/strict'
import { test } from 'node:test'

import { ADMIN_PASSWORD, testKeystone, type Answer, type TestKeystone } from '#services/keystone/test-keystone.ts'

const message = (answer: Answer): string => (answer.json['error'] as { message: string }).message
type Row = Record<string, unknown> & { id: string }

async function demoOf(t: TestKeystone): Promise<{ token: string; id: string; project: string }> {
  return {
    token: await t.token('demo', { project: 'demo' }),
    id: await t.id('users', 'demo'),
    project: await t.id('projects', 'demo'),
  }
}
const byCredential = (t: TestKeystone, id: string, secret: string, more: object = {}): Promise<Answer> =>
  t.call('POST', '/v3/auth/tokens', {
    body: {
      auth: { identity: { methods: ['application_credential'], application_credential: { id, secret } }, ...more },
    },
  })
async function make(
  t: TestKeystone,
  token: string,
  userId: string,
  wish: object = {},
): Promise<Row & { secret: string }> {
  const answer = await t.call('POST', `/v3/users/${userId}/application_credentials`, {
    token,
    body: { application_credential: { name: `c${JSON.stringify(wish).length}`, ...wish } },
  })
  assert.equal(answer.status, 201, String(answer.body))
  return answer.json['application_credential'] as unknown as Row & { secret: string }
}

test('an application credential logs in to its project, with its roles and nothing more', async () => {
  const t = await testKeystone()
  const demo = await demoOf(t)
  const it = await make(t, demo.token, demo.id, { roles: [{ name: 'reader' }] })
  assert.deepEqual(
    (it['roles'] as Row[]).map(role => role['name']),
    ['reader'],
  )
  assert.equal(it.secret.length, 86)
  const answer = await byCredential(t, it.id, it.secret)
  assert.equal(answer.status, 201)
  const body = answer.json['token'] as unknown as Record<string, unknown>
  assert.deepEqual(body['methods'], ['application_credential'])
  assert.deepEqual(
    (body['roles'] as Row[]).map(role => role['name']),
    ['reader'],
  )
  assert.equal((body['project'] as Row).id, demo.project)
  assert.deepEqual(body['application_credential'], { id: it.id, name: it['name'], restricted: true })
  const shown = await t.call('GET', `/v3/users/${demo.id}/application_credentials/${it.id}`, { token: demo.token })
  assert.ok(!('secret' in (shown.json['application_credential'] as object)))

  const byName = await t.call('POST', '/v3/auth/tokens', {
    body: {
      auth: {
        identity: {
          methods: ['application_credential'],
          application_credential: {
            name: it['name'],
            secret: it.secret,
            user: { name: 'demo', domain: { name: 'Default' } },
          },
        },
      },
    },
  })
  assert.equal(byName.status, 201)
  assert.equal((await byCredential(t, it.id, 'wrong')).status, 401)
  assert.equal((await byCredential(t, 'nowhere', 'x')).status, 404)
  assert.equal((await byCredential(t, it.id, it.secret, { scope: { project: { id: demo.project } } })).status, 401)
  assert.equal((await byCredential(t, it.id, it.secret, { scope: 'unscoped' })).status, 401)
  await t.close()
})

test('what it was lent it cannot grow, hand on or outlive', async () => {
  const t = await testKeystone()
  const demo = await demoOf(t)
  const soon = new Date(t.clock.now() + 600_000).toISOString()
  const it = await make(t, demo.token, demo.id, { expires_at: soon })
  const answer = await byCredential(t, it.id, it.secret)
  const token = answer.headers['x-subject-token'] ?? ''
  assert.ok(Date.parse((answer.json['token'] as { expires_at: string }).expires_at) <= Date.parse(soon))
  const exchange = (scope?: unknown) =>
    t.call('POST', '/v3/auth/tokens', {
      body: {
        auth: { identity: { methods: ['token'], token: { id: token } }, ...(scope === undefined ? {} : { scope }) },
      },
    })
  assert.equal((await exchange({ project: { id: demo.project } })).status, 403)
  assert.equal((await exchange({ system: { all: true } })).status, 403)
  const same = await exchange()
  assert.equal(same.status, 201)
  const body = same.json['token'] as unknown as Record<string, unknown>
  assert.equal((body['project'] as Row).id, demo.project)
  assert.equal((body['application_credential'] as Row).id, it.id)
  const refused = await t.call('POST', `/v3/users/${demo.id}/application_credentials`, {
    token,
    body: { application_credential: { name: 'child' } },
  })
  assert.equal(refused.status, 403)
  assert.match(message(refused), /not allowed for managing additional application credentials/)
  assert.equal((await t.call('DELETE', `/v3/users/${demo.id}/application_credentials/${it.id}`, { token })).status, 403)
  const trust = {
    trustor_user_id: demo.id,
    trustee_user_id: demo.id,
    impersonation: true,
    project_id: demo.project,
    roles: [{ name: 'reader' }],
  }
  assert.equal((await t.call('POST', '/v3/OS-TRUST/trusts', { token, body: { trust } })).status, 403)
  const ec2 = {
    credential: { type: 'ec2', user_id: demo.id, project_id: demo.project, blob: '{"access":"a","secret":"b"}' },
  }
  assert.equal((await t.call('POST', '/v3/credentials', { token, body: ec2 })).status, 403)
  assert.equal(
    (await t.call('POST', `/v3/users/${demo.id}/credentials/OS-EC2`, { token, body: { tenant_id: demo.project } }))
      .status,
    403,
  )

  const free = await make(t, demo.token, demo.id, { unrestricted: true, expires_at: soon, roles: [{ name: 'reader' }] })
  const freeToken = (await byCredential(t, free.id, free.secret)).headers['x-subject-token'] ?? ''
  const child = await make(t, freeToken, demo.id, { name: 'child' })
  assert.ok(Date.parse(`${String(child['expires_at'])}Z`) <= Date.parse(soon))
  const grown = await t.call('POST', `/v3/users/${demo.id}/application_credentials`, {
    token: freeToken,
    body: { application_credential: { name: 'grown', roles: [{ name: 'member' }] } },
  })
  assert.equal(grown.status, 400)
  assert.equal(
    message(grown),
    'Invalid application credential: Cannot create an application credential with unassigned role',
  )
  t.clock.move(601_000)
  assert.equal((await byCredential(t, it.id, it.secret)).status, 401)
  assert.deepEqual(t.errors, [])
  await t.close()
})

test('it ends with what it stands on: password does not matter, role, user and project do', async () => {
  const t = await testKeystone()
  const demo = await demoOf(t)
  const admin = await t.admin()
  const it = await make(t, demo.token, demo.id)
  const token = (await byCredential(t, it.id, it.secret)).headers['x-subject-token'] ?? ''
  const member = await t.id('roles', 'member')
  await t.call('DELETE', `/v3/projects/${demo.project}/users/${demo.id}/roles/${member}`, { token: admin })
  assert.equal((await t.call('GET', '/v3/auth/projects', { token })).status, 401)
  assert.equal((await byCredential(t, it.id, it.secret)).status, 401)
  await t.call('PUT', `/v3/projects/${demo.project}/users/${demo.id}/roles/${member}`, { token: admin })
  assert.equal((await byCredential(t, it.id, it.secret)).status, 201)
  await t.call('PATCH', `/v3/users/${demo.id}`, { token: admin, body: { user: { enabled: false } } })
  assert.equal((await byCredential(t, it.id, it.secret)).status, 401)
  await t.call('PATCH', `/v3/users/${demo.id}`, { token: admin, body: { user: { enabled: true } } })
  assert.equal((await byCredential(t, it.id, it.secret)).status, 201)
  const other = await t.token('demo', { project: 'demo' })
  await t.call('DELETE', `/v3/users/${demo.id}/application_credentials/${it.id}`, { token: other })
  assert.equal((await byCredential(t, it.id, it.secret)).status, 404)
  assert.equal((await t.call('GET', '/v3/auth/projects', { token })).status, 401)
  await t.close()
})

test('application credentials of others: not seen, not removed, not made', async () => {
  const t = await testKeystone()
  const demo = await demoOf(t)
  const it = await make(t, demo.token, demo.id)
  const thief = await t.token('alt_demo', { project: 'alt_demo' })
  const thiefId = await t.id('users', 'alt_demo')
  for (const owner of [demo.id, thiefId])
    for (const id of [it.id, 'f'.repeat(32)])
      for (const method of ['GET', 'DELETE']) {
        const answer = await t.call(method, `/v3/users/${owner}/application_credentials/${id}`, { token: thief })
        const isOwnPath = owner === thiefId && id !== it.id
        assert.equal(answer.status, isOwnPath ? 404 : 403, `${method} ${owner} ${id}`)
      }
  assert.equal((await t.call('GET', `/v3/users/${demo.id}/application_credentials`, { token: thief })).status, 403)
  const made = await t.call('POST', `/v3/users/${demo.id}/application_credentials`, {
    token: thief,
    body: { application_credential: { name: 'x' } },
  })
  assert.equal(made.status, 403)
  const admin = await t.call('POST', `/v3/users/${demo.id}/application_credentials`, {
    token: await t.admin(),
    body: { application_credential: { name: 'x' } },
  })
  assert.equal(admin.status, 403)
  const twice = await t.call('POST', `/v3/users/${demo.id}/application_credentials`, {
    token: demo.token,
    body: { application_credential: { name: it['name'] } },
  })
  assert.equal(twice.status, 409)
  await t.close()
})

test('access rules are shown to services that know them, and shared', async () => {
  const t = await testKeystone()
  const demo = await demoOf(t)
  const rule = { service: 'compute', method: 'GET', path: '/v2.1/servers' }
  const one = await make(t, demo.token, demo.id, { name: 'one', access_rules: [rule] })
  const two = await make(t, demo.token, demo.id, { name: 'two', access_rules: [rule, { ...rule, method: 'POST' }] })
  const [first] = one['access_rules'] as Row[]
  assert.equal((two['access_rules'] as Row[])[0]?.id, first?.id)
  const token = (await byCredential(t, one.id, one.secret)).headers['x-subject-token'] ?? ''
  const nova = await t.token('nova', { project: 'service' }, 'service-password')
  const show = (headers: Record<string, string> = {}) =>
    t.call('GET', '/v3/auth/tokens', { token: nova, headers: { 'x-subject-token': token, ...headers } })
  assert.equal((await show()).status, 404)
  const known = await show({ 'openstack-identity-access-rules': '1.0' })
  assert.deepEqual(
    (known.json['token'] as { application_credential: Row }).application_credential['access_rules'],
    one['access_rules'],
  )
  const list = await t.call('GET', `/v3/users/${demo.id}/access_rules?method=POST`, { token: demo.token })
  const [post] = list.json['access_rules'] as Row[]
  assert.equal(
    (await t.call('DELETE', `/v3/users/${demo.id}/access_rules/${post?.id}`, { token: demo.token })).status,
    403,
  )
  await t.call('DELETE', `/v3/users/${demo.id}/application_credentials/${two.id}`, { token: demo.token })
  assert.equal(
    (await t.call('DELETE', `/v3/users/${demo.id}/access_rules/${post?.id}`, { token: demo.token })).status,
    204,
  )
  assert.equal(
    (await t.call('GET', `/v3/users/${demo.id}/access_rules/${post?.id}`, { token: demo.token })).status,
    404,
  )
  const thief = await t.token('alt_demo', { project: 'alt_demo' })
  assert.equal((await t.call('GET', `/v3/users/${demo.id}/access_rules`, { token: thief })).status, 403)
  const stolen = await t.call('POST', `/v3/users/${await t.id('users', 'alt_demo')}/application_credentials`, {
    token: thief,
    body: { application_credential: { name: 'x', access_rules: [{ id: first?.id }] } },
  })
  assert.equal(stolen.status, 404)
  await t.close()
})

test('a trust lets another act, as far as the trustor himself could', async () => {
  const t = await testKeystone()
  const demo = await demoOf(t)
  const other = await t.id('users', 'alt_demo')
  const wish = {
    trustor_user_id: demo.id,
    trustee_user_id: other,
    impersonation: true,
    project_id: demo.project,
    roles: [{ name: 'member' }],
  }
  const create = (token: string, change: object = {}) =>
    t.call('POST', '/v3/OS-TRUST/trusts', { token, body: { trust: { ...wish, ...change } } })
  const made = await create(demo.token, { remaining_uses: 2 })
  assert.equal(made.status, 201)
  const trust = made.json['trust'] as unknown as Row
  const use = (user: string, id = trust.id) =>
    t.call('POST', '/v3/auth/tokens', {
      body: {
        auth: {
          identity: {
            methods: ['password'],
            password: { user: { name: user, domain: { id: 'default' }, password: ADMIN_PASSWORD } },
          },
          scope: { 'OS-TRUST:trust': { id } },
        },
      },
    })
  const used = await use('alt_demo')
  assert.equal(used.status, 201)
  const body = used.json['token'] as unknown as Record<string, unknown>
  assert.equal((body['user'] as Row).id, demo.id)
  assert.deepEqual((body['roles'] as Row[]).map(role => role['name']).sort(), ['member', 'reader'])
  assert.deepEqual(body['OS-TRUST:trust'], {
    id: trust.id,
    trustor_user: { id: demo.id },
    trustee_user: { id: other },
    impersonation: true,
  })
  assert.equal((await use('admin')).status, 403)
  const token = used.headers['x-subject-token'] ?? ''
  const rescoped = await t.call('POST', '/v3/auth/tokens', {
    body: { auth: { identity: { methods: ['token'], token: { id: token } } } },
  })
  assert.equal(rescoped.status, 403)
  assert.equal(
    (
      await t.call('POST', `/v3/users/${demo.id}/application_credentials`, {
        token,
        body: { application_credential: { name: 'x' } },
      })
    ).status,
    403,
  )
  assert.equal((await create(token)).status, 403, 'not redelegable')
  assert.equal((await use('alt_demo')).status, 201)
  assert.equal((await use('alt_demo')).status, 403, 'used up')

  assert.equal((await create(await t.token('alt_demo', { project: 'alt_demo' }))).status, 403)
  assert.equal((await create(demo.token, { roles: [] })).status, 403)
  assert.equal((await create(demo.token, { roles: [{ name: 'admin' }] })).status, 404)
  assert.equal((await create(demo.token, { expires_at: '2001-01-01T00:00:00Z' })).status, 400)
  const thief = await t.token('alt_demo', { project: 'alt_demo' })
  assert.equal((await t.call('DELETE', `/v3/OS-TRUST/trusts/${trust.id}`, { token: thief })).status, 403)
  assert.equal((await t.call('GET', `/v3/OS-TRUST/trusts/${trust.id}/roles`, { token: thief })).status, 200)
  assert.equal((await t.call('GET', `/v3/OS-TRUST/trusts?trustor_user_id=${demo.id}`, { token: thief })).status, 403)

  const handed = (await create(demo.token, { allow_redelegation: true })).json['trust'] as unknown as Row
  const chain = (await use('alt_demo', handed.id)).headers['x-subject-token'] ?? ''
  const again = await t.call('POST', '/v3/OS-TRUST/trusts', {
    token: chain,
    body: { trust: { ...wish, trustee_user_id: await t.id('users', 'admin') } },
  })
  assert.equal(again.status, 201, String(again.body))
  assert.equal((again.json['trust'] as unknown as Row)['redelegated_trust_id'], handed.id)
  assert.equal((await t.call('DELETE', `/v3/OS-TRUST/trusts/${handed.id}`, { token: demo.token })).status, 204)
  assert.equal((await t.call('GET', '/v3/auth/projects', { token: chain })).status, 401)
  assert.equal((await use('admin', (again.json['trust'] as unknown as Row).id)).status, 401)
  assert.deepEqual(t.errors, [])
  await t.close()
})

test('credentials: sealed, private, EC2 ones found by their access key', async () => {
  const t = await testKeystone()
  const demo = await demoOf(t)
  const thief = await t.token('alt_demo', { project: 'alt_demo' })
  const create = (token: string, credential: object) =>
    t.call('POST', '/v3/credentials', { token, body: { credential } })
  const made = await create(demo.token, { type: 'totp', user_id: demo.id, blob: 'seed' })
  assert.equal(made.status, 201)
  const it = made.json['credential'] as unknown as Row
  assert.equal(it['blob'], 'seed')
  for (const [method, body] of [['GET'], ['DELETE'], ['PATCH', { credential: { blob: 'x' } }]] as const)
    for (const id of [it.id, 'f'.repeat(32)])
      assert.equal(
        (await t.call(method, `/v3/credentials/${id}`, { token: thief, ...(body === undefined ? {} : { body }) }))
          .status,
        403,
      )
  assert.equal((await create(thief, { type: 'totp', user_id: demo.id, blob: 'x' })).status, 403)
  assert.equal(
    (
      await t.call('PATCH', `/v3/credentials/${it.id}`, {
        token: demo.token,
        body: { credential: { user_id: await t.id('users', 'alt_demo') } },
      })
    ).status,
    403,
  )
  assert.deepEqual((await t.call('GET', '/v3/credentials', { token: thief })).json['credentials'], [])
  assert.equal(
    ((await t.call('GET', '/v3/credentials?type=totp', { token: demo.token })).json['credentials'] as Row[]).length,
    1,
  )
  const ec2 = { type: 'ec2', user_id: demo.id, project_id: demo.project, blob: '{"access":"key","secret":"s"}' }
  const pair = await create(demo.token, ec2)
  assert.equal(
    (pair.json['credential'] as unknown as Row).id,
    '2c70e12b7a0646f92279f427c7b38e7334d8e5389cff167a1dc30e73f826b683',
  )
  assert.equal((await create(demo.token, ec2)).status, 409)
  assert.equal((await create(demo.token, { ...ec2, blob: 'x' })).status, 400)
  assert.equal((await create(demo.token, { ...ec2, blob: '{"secret":"s"}' })).status, 400)
  assert.equal((await create(demo.token, { ...ec2, project_id: null })).status, 400)
  const own = await t.call('POST', `/v3/users/${demo.id}/credentials/OS-EC2`, {
    token: demo.token,
    body: { tenant_id: demo.project },
  })
  const access = String((own.json['credential'] as unknown as Row)['access'])
  assert.equal(
    (await t.call('GET', `/v3/users/${demo.id}/credentials/OS-EC2/${access}`, { token: demo.token })).status,
    200,
  )
  assert.equal((await t.call('GET', `/v3/users/${demo.id}/credentials/OS-EC2/${access}`, { token: thief })).status, 404)
  assert.equal(
    (
      (await t.call('GET', `/v3/users/${demo.id}/credentials/OS-EC2`, { token: demo.token })).json[
        'credentials'
      ] as Row[]
    ).length,
    2,
  )
  assert.equal(
    (await t.call('DELETE', `/v3/users/${demo.id}/credentials/OS-EC2/${access}`, { token: demo.token })).status,
    204,
  )
  assert.equal((await t.call('DELETE', `/v3/projects/${demo.project}`, { token: await t.admin() })).status, 204)
  assert.equal(
    (
      await t.call('GET', `/v3/credentials/${(pair.json['credential'] as unknown as Row).id}`, {
        token: await t.admin(),
      })
    ).status,
    404,
  )
  assert.deepEqual(t.errors, [])
  await t.close()
})
