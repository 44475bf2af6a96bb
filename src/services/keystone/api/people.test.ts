import assert from 'node:assert/strict'
import { test } from 'node:test'

import { BASE, testKeystone, type Answer, type TestKeystone } from '#services/keystone/test-keystone.ts'

const message = (answer: Answer): string => (answer.json['error'] as { message: string }).message
type Row = Record<string, unknown> & { id: string }
const thing = (answer: Answer, name: string): Row => {
  assert.ok(answer.status < 300, String(answer.body))
  return answer.json[name] as Row
}
const names = (answer: Answer, collection: string): unknown[] =>
  (answer.json[collection] as { name: string }[]).map(row => row.name).sort()

async function asAdmin(t: TestKeystone) {
  const token = await t.admin()
  return (method: string, path: string, body?: unknown) =>
    t.call(method, path, { token, ...(body === undefined ? {} : { body }) })
}

test('users: made, listed, changed, removed', async () => {
  const t = await testKeystone()
  const call = await asAdmin(t)
  const made = await call('POST', '/v3/users', {
    user: {
      name: ' alice ',
      password: 'x',
      email: 'a@b',
      colour: { of: 'hair' },
      enabled: 'true',
      options: { lock_password: true },
    },
  })
  assert.equal(made.status, 201)
  const user = thing(made, 'user')
  assert.deepEqual(user, {
    id: user.id,
    name: 'alice',
    domain_id: 'default',
    enabled: true,
    email: 'a@b',
    colour: { of: 'hair' },
    options: { lock_password: true },
    password_expires_at: null,
    links: { self: `${BASE}/v3/users/${user.id}` },
  })
  assert.match(user.id, /^[0-9a-f]{32}$/)
  const twice = await call('POST', '/v3/users', { user: { name: 'alice' } })
  assert.equal(twice.status, 409)
  assert.equal(
    message(twice),
    'Conflict occurred attempting to store user - Duplicate entry found with name alice at domain ID default.',
  )
  assert.equal((await call('HEAD', `/v3/users/${user.id}`)).status, 200)
  const changed = await call('PATCH', `/v3/users/${user.id}`, {
    user: { name: 'alicia', colour: null, options: { lock_password: null }, description: 'd' },
  })
  const { colour: _colour, ...rest } = user
  assert.deepEqual(thing(changed, 'user'), { ...rest, name: 'alicia', description: 'd', options: {} })
  assert.equal((await call('DELETE', `/v3/users/${user.id}`)).status, 204)
  const gone = await call('GET', `/v3/users/${user.id}`)
  assert.equal(gone.status, 404)
  assert.deepEqual(gone.json, { error: { code: 404, message: `Could not find user: ${user.id}.`, title: 'Not Found' } })
  assert.deepEqual(t.errors, [])
  await t.close()
})

test('users: what is refused', async () => {
  const t = await testKeystone({
    password_regex: '^(?=.*\\d).{4,}$'.replace('(?=.*\\d)', ''),
    password_regex_description: 'four or more',
  })
  const call = await asAdmin(t)
  const admin = await t.id('users', 'admin')
  const table: [method: string, path: string, body: unknown, status: number, says: RegExp][] = [
    ['POST', '/v3/users', {}, 400, /'user' is a required property/],
    ['POST', '/v3/users', { user: {} }, 400, /^Invalid input for field 'user': 'name' is a required property$/],
    ['POST', '/v3/users', { user: { name: '' } }, 400, /^Invalid input for field 'user\/name': '' is too short$/],
    ['POST', '/v3/users', { user: { name: '  ' } }, 400, /does not match/],
    ['POST', '/v3/users', { user: { name: 'x'.repeat(256) } }, 400, /is too long/],
    ['POST', '/v3/users', { user: { name: 7 } }, 400, /7 is not of type 'string'/],
    ['POST', '/v3/users', { user: { name: 'a', enabled: 'perhaps' } }, 400, /is not one of/],
    ['POST', '/v3/users', { user: { name: 'a\u0000b' } }, 400, /NUL/],
    ['POST', '/v3/users', { user: { name: 'a', domain_id: 'nowhere' } }, 404, /Could not find domain: nowhere\./],
    ['POST', '/v3/users', { user: { name: 'a', default_project_id: 'default' } }, 400, /cannot be a domain/],
    [
      'POST',
      '/v3/users',
      { user: { name: 'a', password: 'abc' } },
      400,
      /^The password does not match the requirements: four or more\.$/,
    ],
    ['POST', '/v3/users', { user: { name: 'a', options: { nonsense: true } } }, 400, /Additional properties/],
    ['PATCH', `/v3/users/${admin}`, { user: {} }, 400, /does not have enough properties/],
    ['PATCH', `/v3/users/${admin}`, { user: { domain_id: 'other' } }, 400, /Cannot change Domain ID/],
    ['PATCH', `/v3/users/${admin}`, { user: { id: 'other', name: 'x' } }, 400, /Cannot change ID/],
    ['PATCH', '/v3/users/nobody', { user: { name: 'x' } }, 404, /Could not find user: nobody\./],
    ['PUT', '/v3/users', {}, 405, /not allowed/],
    ['GET', '/v3/nothing', undefined, 404, /not found/],
    ['GET', '/v3/users?password_expires_at=around:2026-01-01', undefined, 400, /operator around is not valid/],
    ['GET', '/v3/users?password_expires_at=lt:soon', undefined, 400, /Timestamp/],
    ['GET', '/v3/users?limit=-1', undefined, 400, /limit/],
    ['POST', '/v3/OS-OAUTH2/token', {}, 501, /not been implemented/],
  ]
  const before = (await call('GET', '/v3/users')).body
  for (const [method, path, body, status, says] of table) {
    const answer = await call(method, path, body)
    assert.equal(answer.status, status, `${method} ${path} ${JSON.stringify(body)} ${String(answer.body)}`)
    assert.match(message(answer), says)
  }
  assert.equal((await call('GET', '/v3/users')).body, before)
  assert.deepEqual(t.errors, [])
  await t.close()
})

test('lists: filters, inexact ones, pages', async () => {
  const t = await testKeystone()
  const call = await asAdmin(t)
  assert.deepEqual(names(await call('GET', '/v3/users?name=demo'), 'users'), ['demo'])
  assert.deepEqual(names(await call('GET', '/v3/users?name__contains=demo'), 'users'), [
    'alt_demo',
    'demo',
    'demo_reader',
  ])
  assert.deepEqual(names(await call('GET', '/v3/users?name__startswith=DEMO'), 'users'), [])
  assert.deepEqual(names(await call('GET', '/v3/users?name__istartswith=DEMO'), 'users'), ['demo', 'demo_reader'])
  assert.deepEqual(names(await call('GET', '/v3/users?name__endswith=r'), 'users'), ['cinder', 'demo_reader'])
  assert.deepEqual(names(await call('GET', '/v3/users?name__contains=%25'), 'users'), [])
  assert.deepEqual(names(await call('GET', '/v3/users?enabled=false'), 'users'), [])
  assert.deepEqual(names(await call('GET', '/v3/users?domain_id=other'), 'users'), [])
  assert.equal(names(await call('GET', '/v3/users?colour=red'), 'users').length, 9)
  const seen: unknown[] = []
  let path = '/v3/users?limit=4&name__contains=a'
  for (let pages = 0; path !== ''; pages++) {
    assert.ok(pages < 5)
    const page = await call('GET', path)
    seen.push(...(page.json['users'] as Row[]).map(row => row['name']))
    const { next, previous, self } = page.json['links'] as { next: string | null; previous: null; self: string }
    assert.equal(previous, null)
    assert.equal(self, BASE + path)
    assert.equal(page.json['truncated'], next === null ? undefined : true)
    path = next === null ? '' : next.slice(BASE.length)
  }
  assert.deepEqual(seen.sort(), ['admin', 'alt_demo', 'demo_reader', 'glance', 'nova', 'placement'])
  await t.close()
})

test('passwords: changed by their owner, with rules', async () => {
  const t = await testKeystone({
    unique_last_password_count: '2',
    minimum_password_age_days: '1',
    password_expires_days: '10',
  })
  const call = await asAdmin(t)
  const user = thing(await call('POST', '/v3/users', { user: { name: 'bob', password: 'one' } }), 'user')
  const change = (original: string, wanted: string) =>
    t.call('POST', `/v3/users/${user.id}/password`, {
      body: { user: { original_password: original, password: wanted } },
    })
  assert.equal((await change('wrong', 'two')).status, 401)
  assert.match(message(await change('one', 'one')), /cannot be identical to a previous password.*2\.$/)
  assert.equal((await change('one', 'two')).status, 204)
  assert.match(message(await change('two', 'three')), /minimum password age/)
  t.clock.move(86_400_001)
  assert.match(message(await change('two', 'one')), /previous password/)
  assert.equal((await change('two', 'three')).status, 204)
  t.clock.move(11 * 86_400_000)
  const over = await t.logIn('bob', 'three')
  assert.equal(over.status, 401)
  assert.equal(message(over), `The password is expired and needs to be changed for user: ${user.id}.`)
  assert.equal((await t.logIn('bob', 'nothing')).status, 401)
  assert.equal((await change('three', 'four')).status, 204)
  assert.equal((await t.logIn('bob', 'four')).status, 201)
  const shown = await (await asAdmin(t))('GET', '/v3/users?password_expires_at=gt:2026-01-01T00:00:00Z&name=bob')
  assert.equal((shown.json['users'] as Row[]).length, 1)
  assert.equal(
    (await t.call('POST', '/v3/users/nobody/password', { body: { user: { original_password: 'a', password: 'b' } } }))
      .status,
    401,
  )
  await t.close()
})

test('groups: members, and what becomes of tokens', async () => {
  const t = await testKeystone()
  const call = await asAdmin(t)
  const group = thing(await call('POST', '/v3/groups', { group: { name: 'devs' } }), 'group')
  const [user, project, member] = [
    await t.id('users', 'demo_reader'),
    await t.id('projects', 'alt_demo'),
    await t.id('roles', 'member'),
  ]
  const path = `/v3/groups/${group.id}/users/${user}`
  assert.equal((await call('GET', path)).status, 404)
  assert.equal((await call('PUT', path)).status, 204)
  assert.equal((await call('PUT', path)).status, 204)
  assert.equal((await call('HEAD', path)).status, 204)
  assert.deepEqual(names(await call('GET', `/v3/groups/${group.id}/users`), 'users'), ['demo_reader'])
  assert.deepEqual(names(await call('GET', `/v3/users/${user}/groups`), 'groups'), ['devs'])
  assert.equal((await call('PUT', `/v3/projects/${project}/groups/${group.id}/roles/${member}`)).status, 204)
  const token = await t.token('demo_reader', { project: 'alt_demo' })
  assert.deepEqual(names(await t.call('GET', '/v3/auth/projects', { token }), 'projects'), ['alt_demo', 'demo'])
  assert.equal((await call('DELETE', path)).status, 204)
  assert.equal((await call('DELETE', path)).status, 404)
  assert.equal((await t.call('GET', '/v3/auth/projects', { token })).status, 401)
  assert.equal((await call('DELETE', `/v3/groups/${group.id}`)).status, 204)
  assert.deepEqual(await t.keystone.audit(), [])
  await t.close()
})
