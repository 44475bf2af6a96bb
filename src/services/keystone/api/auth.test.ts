import assert from 'node:assert/strict'
import { test } from 'node:test'

import {
  ADMIN_PASSWORD,
  auth,
  BASE,
  scopeOf,
  SERVICE_PASSWORD,
  testKeystone,
  wish,
} from '#services/keystone/test-keystone.ts'

const HOUR = 3_600_000

test('who asks for versions gets 300 with the one there is', async () => {
  const t = await testKeystone()
  const root = await t.call('GET', '/')
  assert.equal(root.status, 300)
  assert.equal(root.headers['location'], `${BASE}/v3/`)
  const v3 = await t.call('GET', '/v3/')
  assert.equal(v3.status, 200)
  assert.deepEqual(v3.json['version'], {
    id: 'v3.14',
    status: 'stable',
    updated: '2020-04-07T00:00:00Z',
    links: [{ rel: 'self', href: `${BASE}/v3/` }],
    'media-types': [{ base: 'application/json', type: 'application/vnd.openstack.identity-v3+json' }],
  })
  await t.close()
})

test('a password buys a token of every scope', async () => {
  const t = await testKeystone()
  const project = await t.logIn('admin', ADMIN_PASSWORD, { project: 'demo' })
  assert.equal(project.status, 201)
  const body = project.json['token'] as Record<string, unknown>
  assert.deepEqual(body['methods'], ['password'])
  assert.equal((body['project'] as { name: string }).name, 'demo')
  assert.equal(body['is_domain'], false)
  assert.deepEqual((body['roles'] as { name: string }[]).map(role => role.name).sort(), [
    'admin',
    'manager',
    'member',
    'reader',
  ])
  assert.match(String(body['expires_at']), /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.000000Z$/)
  assert.match(String((body['audit_ids'] as string[])[0]), /^[\w-]{22}$/)
  assert.equal((body['user'] as { password_expires_at: null }).password_expires_at, null)
  const types = (body['catalog'] as { type: string }[]).map(entry => entry.type)
  assert.deepEqual(types.sort(), ['compute', 'identity', 'volumev3'])
  assert.ok((project.headers['x-subject-token'] ?? '').length < 250)

  const system = await t.logIn('admin', ADMIN_PASSWORD, 'system')
  assert.deepEqual((system.json['token'] as { system: unknown }).system, { all: true })
  const unscoped = await t.logIn('admin', ADMIN_PASSWORD, 'unscoped')
  assert.equal(unscoped.status, 201)
  assert.ok(!('roles' in (unscoped.json['token'] as object)) && !('catalog' in (unscoped.json['token'] as object)))
  assert.equal((await t.logIn('admin', ADMIN_PASSWORD, { domain: 'default' })).status, 401)
  await t.call(
    'PUT',
    `/v3/domains/default/users/${await t.id('users', 'admin')}/roles/${await t.id('roles', 'admin')}`,
    {
      token: await t.admin(),
    },
  )
  const domain = await t.logIn('admin', ADMIN_PASSWORD, { domain: 'default' })
  assert.deepEqual((domain.json['token'] as { domain: unknown }).domain, { id: 'default', name: 'Default' })
  const bare = await t.call('POST', '/v3/auth/tokens?nocatalog', {
    body: auth('admin', ADMIN_PASSWORD, { project: 'admin' }),
  })
  assert.ok(!('catalog' in (bare.json['token'] as object)))
  await t.close()
})

test('nobody learns why he is refused', async () => {
  const t = await testKeystone()
  await t.call('PATCH', `/v3/users/${await t.id('users', 'alt_demo')}`, {
    token: await t.admin(),
    body: { user: { enabled: false } },
  })
  const answers = [
    await t.logIn('admin', 'wrong', { project: 'admin' }),
    await t.logIn('nobody', 'wrong', { project: 'admin' }),
    await t.logIn('admin', ADMIN_PASSWORD, { project: 'nowhere' }),
    await t.logIn('admin', ADMIN_PASSWORD, { project: 'alt_demo' }),
    await t.logIn('alt_demo', ADMIN_PASSWORD, { project: 'alt_demo' }),
    await t.logIn('admin', ADMIN_PASSWORD, { project: 'admin' }, 'no-domain'),
  ]
  for (const answer of answers) {
    assert.equal(answer.status, 401)
    assert.equal(answer.body, answers[0]?.body)
    assert.match(answer.headers['www-authenticate'] ?? '', /^Keystone uri="http:\/\/127\.0\.0\.1:8080\/identity"$/)
  }
  assert.deepEqual(answers[0]?.json, {
    error: { code: 401, message: 'The request you have made requires authentication.', title: 'Unauthorized' },
  })
  await t.close()
})

test('malformed log-ins are told so', async () => {
  const t = await testKeystone()
  const identity = {
    methods: ['password'],
    password: { user: { name: 'admin', domain: { id: 'default' }, password: ADMIN_PASSWORD } },
  }
  const table: [body: unknown, status: number, says: RegExp][] = [
    [{}, 400, /'auth' is a required property/],
    ['[1', 400, /Expecting to find valid JSON/],
    [{ auth: { identity: {} } }, 400, /'methods' is a required property/],
    [
      { auth: { identity: { methods: 'password' } } },
      400,
      /^Invalid input for field 'auth\/identity\/methods': 'password' is not of type 'array'$/,
    ],
    [{ auth: { identity: { methods: ['password'] } } }, 400, /^Expecting to find password in identity\./],
    [{ auth: { identity: { methods: ['password'], password: {} } } }, 400, /^Expecting to find user in password\./],
    [
      { auth: { identity: { methods: ['password'], password: { user: { password: 'x' } } } } },
      400,
      /id or name must be present/,
    ],
    [
      { auth: { identity: { methods: ['password'], password: { user: { name: 'admin', password: 'x' } } } } },
      400,
      /^Expecting to find domain in user\./,
    ],
    [{ auth: { identity: { methods: ['kerberos'], kerberos: {} } } }, 401, /unsupported method/],
    [{ auth: { identity: { methods: [] } } }, 401, /unsupported method/],
    [
      { auth: { identity, scope: {} } },
      400,
      /^Expecting to find system, project, domain, OS-TRUST:trust or unscoped in scope\./,
    ],
    [{ auth: { identity, scope: { project: { id: 'a' }, domain: { id: 'b' } } } }, 400, /in scope\./],
    [{ auth: { identity, scope: { project: { name: 'demo' } } } }, 400, /^Expecting to find domain in project\./],
    [{ auth: { identity, scope: { project: {} } } }, 400, /scope\/project: id or name/],
    [{ auth: { identity, scope: 'project' } }, 400, /in scope\./],
    [{ auth: { identity: { methods: ['token'], token: {} } } }, 400, /^Expecting to find id in token\./],
    [{ auth: { identity: { methods: ['token'], token: { id: 'x' } } } }, 404, /Failed to validate token/],
  ]
  for (const [body, status, says] of table) {
    const answer = await t.call('POST', '/v3/auth/tokens', { body })
    assert.equal(answer.status, status, JSON.stringify(body))
    const { error } = answer.json as unknown as { error: { code: number; message: string } }
    assert.equal(error.code, status)
    assert.match(error.message, says)
  }
  assert.deepEqual(t.errors, [])
  await t.close()
})

test('a token is shown to its bearer, to services and to administrators, and to nobody else', async () => {
  const t = await testKeystone()
  const demo = await t.token('demo', { project: 'demo' })
  const show = (bearer: string, subject: string, query = '', method = 'GET') =>
    t.call(method, `/v3/auth/tokens${query}`, { token: bearer, headers: { 'x-subject-token': subject } })
  const own = await show(demo, demo)
  assert.equal(own.status, 200)
  assert.equal(own.headers['x-subject-token'], demo)
  assert.ok('catalog' in (own.json['token'] as object))
  assert.ok(!('catalog' in ((await show(demo, demo, '?nocatalog')).json['token'] as object)))
  assert.equal((await show(demo, demo, '', 'HEAD')).status, 200)
  assert.equal((await show(await t.admin(), demo)).status, 200)
  assert.equal((await show(await t.token('nova', { project: 'service' }, SERVICE_PASSWORD), demo)).status, 200)
  const stranger = await t.token('alt_demo', { project: 'alt_demo' })
  const refused = await show(stranger, demo)
  assert.equal(refused.status, 403)
  assert.equal(
    (refused.json['error'] as { message: string }).message,
    'You are not authorized to perform the requested action: identity:validate_token.',
  )
  assert.equal((await show(stranger, 'no-token-at-all')).status, 404)
  assert.equal((await show(await t.admin(), 'no-token-at-all')).status, 404)
  assert.equal((await t.call('GET', '/v3/auth/tokens', { token: await t.admin() })).status, 404)
  assert.equal((await show('no-token-at-all', demo)).status, 401)
  assert.equal((await t.call('GET', '/v3/auth/tokens')).status, 401)
  await t.close()
})

test('a token ends by time; a service may look back at it for a while', async () => {
  const t = await testKeystone()
  const demo = await t.token('demo', { project: 'demo' })
  t.clock.move(HOUR - 5000)
  const nova = await t.token('nova', { project: 'service' }, SERVICE_PASSWORD)
  const show = (query: string) =>
    t.call('GET', `/v3/auth/tokens${query}`, { token: nova, headers: { 'x-subject-token': demo } })
  assert.equal((await show('')).status, 200)
  t.clock.move(6000)
  assert.equal((await show('')).status, 404)
  assert.equal((await show('?allow_expired=1')).status, 200)
  assert.equal((await show('?allow_expired=0')).status, 404)
  assert.equal((await t.call('GET', '/v3/users', { token: demo })).status, 401)
  t.clock.move(48 * HOUR)
  const later = await t.token('nova', { project: 'service' }, SERVICE_PASSWORD)
  assert.equal(
    (await t.call('GET', '/v3/auth/tokens?allow_expired=1', { token: later, headers: { 'x-subject-token': demo } }))
      .status,
    404,
  )
  await t.close()
})

test('a token buys another of another scope, never a longer life', async () => {
  const t = await testKeystone()
  const first = await t.logIn('admin', ADMIN_PASSWORD, { project: 'admin' })
  const id = first.headers['x-subject-token'] ?? ''
  const exchange = (scope: Parameters<typeof scopeOf>[0], token = id) =>
    t.call('POST', '/v3/auth/tokens', {
      body: { auth: { identity: { methods: ['token'], token: { id: token } }, scope: scopeOf(scope) } },
    })
  t.clock.move(60_000)
  const second = await exchange({ project: 'demo' })
  assert.equal(second.status, 201)
  const [a, b] = [first.json['token'], second.json['token']] as unknown as [
    Record<string, unknown>,
    Record<string, unknown>,
  ]
  assert.equal(b['expires_at'], a['expires_at'])
  assert.deepEqual(b['methods'], ['password', 'token'])
  assert.equal((b['audit_ids'] as string[])[1], (a['audit_ids'] as string[])[0])
  const third = await exchange('unscoped', second.headers['x-subject-token'])
  assert.equal((third.json['token'] as { audit_ids: string[] }).audit_ids[1], (a['audit_ids'] as string[])[0])
  assert.equal((await exchange({ project: 'alt_demo' })).status, 401)
  const system = await t.token('admin', 'system')
  const grown = await exchange({ project: 'admin' }, system)
  assert.equal(grown.status, 403)
  assert.match((grown.json['error'] as { message: string }).message, /system-scoped token/)
  await t.close()
})

test('a token ends when it is given back, alone', async () => {
  const t = await testKeystone()
  const [one, other] = [await t.token('demo', { project: 'demo' }), await t.token('demo', { project: 'demo' })]
  const end = await t.call('DELETE', '/v3/auth/tokens', { token: other, headers: { 'x-subject-token': one } })
  assert.equal(end.status, 204)
  assert.equal(end.body, null)
  assert.equal((await t.call('GET', '/v3/auth/projects', { token: one })).status, 401)
  assert.equal((await t.call('GET', '/v3/auth/projects', { token: other })).status, 200)
  const stranger = await t.token('alt_demo', { project: 'alt_demo' })
  assert.equal(
    (await t.call('DELETE', '/v3/auth/tokens', { token: stranger, headers: { 'x-subject-token': other } })).status,
    403,
  )
  assert.equal((await t.call('GET', '/v3/auth/tokens/OS-PKI/revoked', { token: other })).status, 410)
  await t.close()
})

test('what a token means changes with the rows: role, user, project, domain', async () => {
  const t = await testKeystone()
  const admin = await t.admin()
  const [user, project, member] = [
    await t.id('users', 'demo'),
    await t.id('projects', 'demo'),
    await t.id('roles', 'member'),
  ]
  const token = await t.token('demo', { project: 'demo' })
  const works = async (): Promise<boolean> => (await t.call('GET', '/v3/auth/projects', { token })).status === 200
  const patch = (path: string, body: unknown) => t.call('PATCH', path, { token: admin, body })
  assert.ok(await works())
  await patch(`/v3/projects/${project}`, { project: { enabled: false } })
  assert.ok(!(await works()))
  await patch(`/v3/projects/${project}`, { project: { enabled: true } })
  assert.ok(await works())
  await t.call('DELETE', `/v3/projects/${project}/users/${user}/roles/${member}`, { token: admin })
  assert.ok(!(await works()))
  assert.equal((await t.logIn('demo', ADMIN_PASSWORD, { project: 'demo' })).status, 401)
  await t.call('PUT', `/v3/projects/${project}/users/${user}/roles/${member}`, { token: admin })
  assert.ok(await works())
  await patch(`/v3/users/${user}`, { user: { enabled: false } })
  assert.ok(!(await works()))
  await patch(`/v3/users/${user}`, { user: { enabled: true } })
  assert.ok(!(await works()), 'a token of a disabled user stays ended')
  const fresh = await t.token('demo', { project: 'demo' })
  await t.call('POST', `/v3/users/${user}/password`, {
    body: { user: { original_password: ADMIN_PASSWORD, password: 'another-one' } },
  })
  assert.equal((await t.call('GET', '/v3/auth/projects', { token: fresh })).status, 401)
  assert.equal((await t.logIn('demo', ADMIN_PASSWORD)).status, 401)
  assert.equal((await t.logIn('demo', 'another-one')).status, 201)
  await t.close()
})

test('the catalog shows the address the client came by', async () => {
  const t = await testKeystone()
  const project = await t.id('projects', 'demo')
  const token = await t.token('demo', { project: 'demo' })
  const urls = async (base: string): Promise<string[]> => {
    const answer = await t.call('GET', '/v3/auth/catalog', { token, base })
    return (answer.json['catalog'] as { endpoints: { url: string; interface: string }[] }[])
      .flatMap(entry => entry.endpoints.filter(one => one.interface === 'public').map(one => one.url))
      .sort()
  }
  assert.deepEqual(await urls('https://cloud.example:8443/identity'), [
    'https://cloud.example:8443/compute/v2.1',
    'https://cloud.example:8443/identity',
    `https://cloud.example:8443/volume/v3/${project}`,
  ])
  assert.equal((await urls('http://127.0.0.1:9999/identity'))[0], 'http://127.0.0.1:9999/compute/v2.1')
  const list = await t.call('GET', '/v3/endpoints', { token: await t.admin() })
  assert.ok(
    (list.json['endpoints'] as { url: string }[]).some(
      one => one.url === 'http://127.0.0.1:8080/volume/v3/$(project_id)s',
    ),
  )
  assert.equal((await t.call('GET', '/v3/auth/catalog', { token: await t.token('demo', 'unscoped') })).status, 403)
  const system = await t.logIn('admin', ADMIN_PASSWORD, 'system')
  const volume = (system.json['token'] as { catalog: { type: string; endpoints: unknown[] }[] }).catalog.find(
    one => one.type === 'volumev3',
  )
  assert.deepEqual(volume?.endpoints, [])
  await t.close()
})

test('the journey can tell whose token it was', async () => {
  const t = await testKeystone()
  const answer = await t.call('POST', '/v3/auth/tokens', {
    body: auth('demo', ADMIN_PASSWORD, { project: 'demo' }),
    headers: { 'user-agent': 'openstackclient' },
  })
  const crossing = t.crossed.findLast(one => one.name === 'POST /v3/auth/tokens')
  const { audit_ids: ids } = answer.json['token'] as { audit_ids: string[] }
  assert.deepEqual(crossing?.payload, { audit: ids[0], client: 'openstackclient', status: 201 })
  assert.ok(!JSON.stringify(t.crossed).includes(ADMIN_PASSWORD))
  await t.close()
})

test('failed log-ins lock a user for a while', async () => {
  const t = await testKeystone({ lockout_failure_attempts: '2', lockout_duration_seconds: '60' })
  for (let count = 0; count < 2; count++) assert.equal((await t.logIn('demo', 'wrong')).status, 401)
  const locked = await t.logIn('demo', ADMIN_PASSWORD)
  assert.equal(locked.status, 401)
  assert.equal(
    (locked.json['error'] as { message: string }).message,
    'The request you have made requires authentication.',
  )
  t.clock.move(61_000)
  assert.equal((await t.logIn('demo', 'wrong')).status, 401)
  assert.equal((await t.logIn('demo', ADMIN_PASSWORD)).status, 201)
  assert.equal((await t.logIn('demo', 'wrong')).status, 401)
  assert.equal((await t.logIn('demo', ADMIN_PASSWORD)).status, 201)
  await t.close()
})

test('first data: once, mended, and passwords when they were wished anew', async () => {
  const t = await testKeystone()
  const admin = await t.admin()
  const before = await t.call('GET', '/v3/role_assignments?include_names', { token: admin })
  await t.keystone.bootstrap(wish())
  assert.equal((await t.call('GET', '/v3/role_assignments?include_names', { token: admin })).body, before.body)
  // A person's own password outlives a start; a changed wish does not ask.
  const demo = await t.id('users', 'demo')
  await t.call('PATCH', `/v3/users/${demo}`, { token: admin, body: { user: { password: 'mine' } } })
  await t.call('DELETE', `/v3/users/${await t.id('users', 'nova')}`, { token: admin })
  await t.call('DELETE', `/v3/projects/${await t.id('projects', 'alt_demo')}`, { token: admin })
  await t.keystone.bootstrap(wish())
  assert.equal((await t.logIn('demo', 'mine')).status, 201)
  assert.equal((await t.logIn('nova', SERVICE_PASSWORD, { project: 'service' })).status, 201)
  await assert.rejects(t.id('projects', 'alt_demo'))
  await t.keystone.bootstrap(wish({ adminPassword: 'new-one' }))
  assert.equal((await t.logIn('demo', 'new-one')).status, 201)
  assert.equal((await t.call('GET', '/v3/users', { token: admin })).status, 401)
  assert.deepEqual(await t.keystone.audit(), [])
  await t.close()
})

test('keys may rotate under living tokens', async () => {
  const t = await testKeystone()
  const token = await t.token('demo', { project: 'demo' })
  t.keystone.rotateKeys()
  await t.call('POST', '/v3/regions', { token: await t.admin(), body: { region: { id: 'R2' } } })
  assert.equal((await t.call('GET', '/v3/auth/projects', { token })).status, 200)
  await t.close()
})
