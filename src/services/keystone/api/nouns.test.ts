import assert from 'node:assert/strict'
import { test } from 'node:test'

import { ADMIN_PASSWORD, BASE, testKeystone, type Answer, type TestKeystone } from '#services/keystone/test-keystone.ts'

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

test('projects: a tree, tags, and the rules of both', async () => {
  const t = await testKeystone({ max_project_tree_depth: '3' })
  const call = await asAdmin(t)
  const make = async (name: string, more: object = {}): Promise<Row> =>
    thing(await call('POST', '/v3/projects', { project: { name, ...more } }), 'project')
  const a = await make('a', { tags: ['red', 'blue'], colour: 'x' })
  assert.deepEqual(a, {
    id: a.id,
    name: 'a',
    domain_id: 'default',
    parent_id: 'default',
    is_domain: false,
    enabled: true,
    description: '',
    tags: ['blue', 'red'],
    options: {},
    colour: 'x',
    links: { self: `${BASE}/v3/projects/${a.id}` },
  })
  const b = await make('b', { parent_id: a.id })
  const c = await make('c', { parent_id: b.id })
  const deep = await call('POST', '/v3/projects', { project: { name: 'd', parent_id: c.id } })
  assert.equal(deep.status, 403)
  assert.match(message(deep), /Max hierarchy depth/)
  const shown = await call('GET', `/v3/projects/${b.id}?parents_as_ids&subtree_as_ids`)
  assert.deepEqual(thing(shown, 'project')['parents'], { [a.id]: { default: null } })
  assert.deepEqual(thing(shown, 'project')['subtree'], { [c.id]: null })
  assert.equal((await call('GET', `/v3/projects/${b.id}?parents_as_ids&parents_as_list`)).status, 400)
  assert.deepEqual(thing(await call('GET', `/v3/projects/${b.id}?parents_as_list`), 'project')['parents'], [])
  const table: [method: string, path: string, body: unknown, status: number, says: RegExp][] = [
    [
      'POST',
      '/v3/projects',
      { project: { name: 'a' } },
      409,
      /^Conflict occurred attempting to store project - it is not permitted to have two projects with either the same name/,
    ],
    ['POST', '/v3/projects', { project: { name: 'x'.repeat(65) } }, 400, /too long/],
    ['POST', '/v3/projects', { project: { name: 'x', domain_id: 'nowhere' } }, 400, /Could not find domain/],
    ['POST', '/v3/projects', { project: { name: 'x', parent_id: 'nowhere' } }, 400, /Could not find project/],
    [
      'POST',
      '/v3/projects',
      { project: { name: 'x', is_domain: true, domain_id: 'default' } },
      400,
      /only root projects/,
    ],
    ['PATCH', `/v3/projects/${b.id}`, { project: { parent_id: c.id } }, 403, /parent_id/],
    ['PATCH', `/v3/projects/${b.id}`, { project: { is_domain: true } }, 400, /is_domain/],
    ['PATCH', `/v3/projects/${b.id}`, { project: { enabled: false } }, 403, /subtree contains enabled/],
    ['DELETE', `/v3/projects/${b.id}`, undefined, 403, /not a leaf/],
    ['GET', '/v3/projects/nowhere', undefined, 404, /Could not find project: nowhere\./],
  ]
  for (const [method, path, body, status, says] of table) {
    const answer = await call(method, path, body)
    assert.equal(answer.status, status, `${method} ${path} ${JSON.stringify(body)}`)
    assert.match(message(answer), says)
  }
  await call('PATCH', `/v3/projects/${c.id}`, { project: { enabled: false } })
  assert.equal((await call('PATCH', `/v3/projects/${b.id}`, { project: { enabled: false } })).status, 200)
  assert.match(message(await call('PATCH', `/v3/projects/${c.id}`, { project: { enabled: true } })), /disabled parents/)
  assert.match(
    message(await call('POST', '/v3/projects', { project: { name: 'e', parent_id: b.id } })),
    /disabled project/,
  )

  const tags = `/v3/projects/${a.id}/tags`
  assert.deepEqual((await call('GET', tags)).json, { tags: ['blue', 'red'], links: { self: BASE + tags } } as never)
  assert.equal((await call('PUT', `${tags}/green`)).status, 201)
  assert.equal((await call('GET', `${tags}/green`)).status, 204)
  assert.equal((await call('DELETE', `${tags}/red`)).status, 204)
  assert.equal(message(await call('GET', `${tags}/red`)), 'Could not find project tag: red.')
  assert.deepEqual((await call('PUT', tags, { tags: ['one', 'two'] })).json['tags'], ['one', 'two'] as never)
  assert.equal((await call('PUT', tags, { tags: ['a,b'] })).status, 400)
  assert.equal((await call('PUT', tags, { tags: ['a', 'a'] })).status, 400)
  await call('PATCH', `/v3/projects/${c.id}`, { project: { tags: ['two'] } })
  assert.deepEqual(names(await call('GET', '/v3/projects?tags=one,two'), 'projects'), ['a'])
  assert.deepEqual(names(await call('GET', '/v3/projects?tags-any=one,two'), 'projects'), ['a', 'c'])
  assert.deepEqual(names(await call('GET', '/v3/projects?tags-any=one,two&not-tags=one,two'), 'projects'), ['c'])
  assert.ok(!names(await call('GET', '/v3/projects?not-tags-any=two'), 'projects').includes('c'))
  assert.equal((await call('DELETE', tags)).status, 204)
  assert.deepEqual(t.errors, [])
  await t.close()
})

test('domains: removed with all that lives in them, once disabled', async () => {
  const t = await testKeystone()
  const call = await asAdmin(t)
  const domain = thing(await call('POST', '/v3/domains', { domain: { name: 'acme', description: 'd' } }), 'domain')
  assert.equal((await call('POST', '/v3/domains', { domain: { name: 'acme' } })).status, 409)
  const of = { domain_id: domain.id }
  const user = thing(await call('POST', '/v3/users', { user: { name: 'u', password: 'pw', ...of } }), 'user')
  const group = thing(await call('POST', '/v3/groups', { group: { name: 'g', ...of } }), 'group')
  const project = thing(await call('POST', '/v3/projects', { project: { name: 'p', ...of } }), 'project')
  const role = thing(await call('POST', '/v3/roles', { role: { name: 'r', ...of } }), 'role')
  const member = await t.id('roles', 'member')
  await call('PUT', `/v3/projects/${project.id}/users/${user.id}/roles/${member}`)
  await call('PUT', `/v3/domains/${domain.id}/groups/${group.id}/roles/${role.id}`)
  const token = await t.token('u', { project: 'p' }, 'pw', domain.id)
  assert.deepEqual(names(await call('GET', '/v3/projects?is_domain=true'), 'projects'), ['Default', 'acme'])
  assert.match(message(await call('DELETE', `/v3/domains/${domain.id}`)), /enabled, please disable it first/)
  await call('PATCH', `/v3/domains/${domain.id}`, { domain: { enabled: false } })
  assert.equal((await t.call('GET', '/v3/auth/projects', { token })).status, 401)
  assert.equal((await call('DELETE', `/v3/domains/${domain.id}`)).status, 204)
  for (const path of [
    `users/${user.id}`,
    `groups/${group.id}`,
    `projects/${project.id}`,
    `roles/${role.id}`,
    `domains/${domain.id}`,
  ])
    assert.equal((await call('GET', `/v3/${path}`)).status, 404, path)
  assert.deepEqual(await t.keystone.audit(), [])
  const named = await call('POST', '/v3/domains', { domain: { name: 'x', explicit_domain_id: 'a'.repeat(32) } })
  assert.equal(thing(named, 'domain').id, 'a'.repeat(32))
  await t.close()
})

test('roles: immutable, implied, of one domain', async () => {
  const t = await testKeystone()
  const call = await asAdmin(t)
  const [admin, member] = [await t.id('roles', 'admin'), await t.id('roles', 'member')]
  assert.match(message(await call('DELETE', `/v3/roles/${admin}`)), /^Unable to delete immutable role resource/)
  assert.equal((await call('PATCH', `/v3/roles/${admin}`, { role: { name: 'x' } })).status, 403)
  assert.equal(
    (await call('PATCH', `/v3/roles/${admin}`, { role: { name: 'x', options: { immutable: false } } })).status,
    403,
  )
  const boss = thing(await call('POST', '/v3/roles', { role: { name: 'boss' } }), 'role')
  assert.deepEqual([boss['domain_id'], boss['description'], boss['options']], [null, null, {}])
  const path = `/v3/roles/${boss.id}/implies/${member}`
  assert.equal((await call('GET', path)).status, 404)
  assert.equal((await call('PUT', path)).status, 201)
  assert.equal((await call('HEAD', path)).status, 204)
  const implied = thing(await call('GET', `/v3/roles/${boss.id}/implies`), 'role_inference')
  assert.deepEqual(
    (implied['implies'] as Row[]).map(role => role['name']),
    ['member'],
  )
  assert.equal((await call('PUT', `/v3/roles/${boss.id}/implies/${admin}`)).status, 403)
  const rules = (await call('GET', '/v3/role_inferences')).json['role_inferences'] as { prior_role: Row }[]
  assert.deepEqual(rules.map(rule => rule.prior_role['name']).sort(), ['admin', 'boss', 'manager', 'member'])
  const user = await t.id('users', 'alt_demo')
  const project = await t.id('projects', 'demo')
  await call('PUT', `/v3/projects/${project}/users/${user}/roles/${boss.id}`)
  const token = await t.logIn('alt_demo', ADMIN_PASSWORD, { project: 'demo' })
  const held = (token.json['token'] as { roles: Row[] }).roles.map(role => role['name'])
  assert.deepEqual(held.sort(), ['boss', 'member', 'reader'])
  assert.equal((await call('DELETE', path)).status, 204)
  assert.equal((await call('DELETE', path)).status, 404)
  const other = thing(await call('POST', '/v3/domains', { domain: { name: 'other' } }), 'domain')
  const local = thing(await call('POST', '/v3/roles', { role: { name: 'boss', domain_id: other.id } }), 'role')
  assert.match(
    message(await call('PUT', `/v3/projects/${project}/users/${user}/roles/${local.id}`)),
    /must be in the same domain/,
  )
  assert.equal((await call('PUT', `/v3/roles/${boss.id}/implies/${local.id}`)).status, 403)
  assert.deepEqual(names(await call('GET', `/v3/roles?domain_id=${other.id}`), 'roles'), ['boss'])
  assert.equal((await call('DELETE', `/v3/roles/${boss.id}`)).status, 204)
  assert.deepEqual(await t.keystone.audit(), [])
  await t.close()
})

test('grants: direct, handed down, on the system; and the list of all', async () => {
  const t = await testKeystone()
  const call = await asAdmin(t)
  const [user, reader, demo] = [
    await t.id('users', 'alt_demo'),
    await t.id('roles', 'reader'),
    await t.id('projects', 'demo'),
  ]
  const kid = thing(await call('POST', '/v3/projects', { project: { name: 'kid', parent_id: demo } }), 'project')
  const path = `/v3/OS-INHERIT/projects/${demo}/users/${user}/roles/${reader}/inherited_to_projects`
  assert.equal((await call('HEAD', path)).status, 404)
  assert.equal((await call('PUT', path)).status, 204)
  assert.equal((await call('HEAD', path)).status, 204)
  assert.equal((await t.logIn('alt_demo', ADMIN_PASSWORD, { project: 'demo' })).status, 401)
  assert.equal((await t.logIn('alt_demo', ADMIN_PASSWORD, { project: 'kid' })).status, 201)
  const effective = await call('GET', `/v3/role_assignments?effective&include_names&scope.project.id=${kid.id}`)
  assert.deepEqual(effective.json['role_assignments'], [
    {
      links: {
        assignment: `${BASE}/v3/OS-INHERIT/projects/${demo}/users/${user}/roles/${reader}/inherited_to_projects`,
      },
      scope: {
        project: { id: kid.id, name: 'kid', domain: { id: 'default', name: 'Default' } },
        'OS-INHERIT:inherited_to': 'projects',
      },
      user: { id: user, name: 'alt_demo', domain: { id: 'default', name: 'Default' } },
      role: { id: reader, name: 'reader' },
    },
  ] as never)
  const direct = await call('GET', `/v3/role_assignments?user.id=${user}&scope.OS-INHERIT:inherited_to=projects`)
  assert.equal((direct.json['role_assignments'] as Row[]).length, 1)
  assert.equal((await call('DELETE', path)).status, 204)
  assert.match(message(await call('DELETE', path)), /^Could not find role assignment with role: /)
  const system = `/v3/system/users/${user}/roles/${reader}`
  assert.equal((await call('PUT', system)).status, 204)
  assert.equal((await call('GET', system)).status, 204)
  assert.deepEqual(names(await call('GET', `/v3/system/users/${user}/roles`), 'roles'), ['reader'])
  const token = await t.token('alt_demo', 'system')
  assert.deepEqual((await t.call('GET', '/v3/auth/system', { token })).json['system'], [{ all: true }] as never)
  const all = await call('GET', '/v3/role_assignments?scope.system=all')
  assert.deepEqual((all.json['role_assignments'] as { scope: unknown }[])[0]?.scope, { system: { all: true } })
  assert.equal((await call('DELETE', system)).status, 204)
  for (const query of [
    'user.id=a&group.id=b',
    'scope.project.id=a&scope.domain.id=b',
    'effective&group.id=b',
    'include_subtree',
  ])
    assert.equal((await call('GET', `/v3/role_assignments?${query}`)).status, 400, query)
  const tree = await call('GET', `/v3/role_assignments?include_subtree&scope.project.id=${demo}`)
  assert.equal((tree.json['role_assignments'] as Row[]).length, 3)
  for (const [bad, says] of [
    [`/v3/projects/${demo}/users/${user}/roles/nowhere`, /Could not find role/],
    [`/v3/projects/nowhere/users/${user}/roles/${reader}`, /Could not find project/],
    [`/v3/projects/${demo}/users/nobody/roles/${reader}`, /Could not find user/],
  ] as const) {
    const answer = await call('PUT', bad)
    assert.equal(answer.status, 404)
    assert.match(message(answer), says)
  }
  assert.deepEqual(t.errors, [])
  await t.close()
})

test('regions, services, endpoints', async () => {
  const t = await testKeystone()
  const call = await asAdmin(t)
  assert.equal((await call('PUT', '/v3/regions/R2', { region: { parent_region_id: 'RegionOne' } })).status, 201)
  assert.equal(
    message(await call('POST', '/v3/regions', { region: { id: 'R2' } })),
    'Conflict occurred attempting to store region - Duplicate ID, R2..',
  )
  assert.equal((await call('PATCH', '/v3/regions/RegionOne', { region: { parent_region_id: 'R2' } })).status, 400)
  assert.equal((await call('POST', '/v3/regions', { region: { id: 'R3', parent_region_id: 'nowhere' } })).status, 404)
  const service = thing(await call('POST', '/v3/services', { service: { type: 'dns', name: 'd' } }), 'service')
  const good = { interface: 'public', service_id: service.id, url: 'http://h/$(tenant_id)s', region: 'R9' }
  const endpoint = thing(await call('POST', '/v3/endpoints', { endpoint: good }), 'endpoint')
  assert.deepEqual([endpoint['region'], endpoint['region_id']], ['R9', 'R9'])
  assert.equal((await call('GET', '/v3/regions/R9')).status, 200)
  const table: [change: object, says: RegExp][] = [
    [{ url: 'http://h/$(nonsense)s' }, /Cannot create an endpoint with an invalid URL/],
    [{ url: 'http://h/$(tenant_id)d' }, /invalid URL/],
    [{ url: 'no-url' }, /does not match/],
    [{ interface: 'secret' }, /is not one of/],
    [{ service_id: 'nowhere' }, /Expecting to find endpoint service_id in service table/],
    [{ region_id: 'nowhere', region: null }, /Expecting to find endpoint region_id in region table/],
  ]
  for (const [change, says] of table) {
    const answer = await call('POST', '/v3/endpoints', { endpoint: { ...good, ...change } })
    assert.equal(answer.status, 400, JSON.stringify(change))
    assert.match(message(answer), says)
  }
  assert.equal((await call('GET', `/v3/endpoints?service_id=${service.id}&interface=public`)).status, 200)
  assert.match(message(await call('DELETE', '/v3/regions/R9')), /have associated endpoints/)
  const types = async (): Promise<unknown[]> =>
    (
      (await t.logIn('demo', ADMIN_PASSWORD, { project: 'demo' })).json['token'] as { catalog: { type: string }[] }
    ).catalog.map(one => one.type)
  assert.ok((await types()).includes('dns'))
  await call('PATCH', `/v3/services/${service.id}`, { service: { enabled: false } })
  assert.ok(!(await types()).includes('dns'))
  assert.equal((await call('DELETE', `/v3/services/${service.id}`)).status, 204)
  assert.equal((await call('GET', `/v3/endpoints/${endpoint.id}`)).status, 404)
  assert.equal((await call('DELETE', '/v3/regions/RegionOne')).status, 403)
  const demo = await t.token('demo', { project: 'demo' })
  assert.equal((await t.call('GET', '/v3/regions', { token: demo })).status, 200)
  assert.equal((await t.call('GET', '/v3/services', { token: demo })).status, 403)
  assert.deepEqual(t.errors, [])
  await t.close()
})

test('limits: registered, given, counted by the one who asks', async () => {
  const t = await testKeystone()
  const call = await asAdmin(t)
  const [nova, demo] = [await t.id('services', 'nova'), await t.id('projects', 'demo')]
  const of = { service_id: nova, resource_name: 'cores' }
  assert.equal(
    (await call('POST', '/v3/limits', { limits: [{ ...of, project_id: demo, resource_limit: 1 }] })).status,
    403,
  )
  const made = await call('POST', '/v3/registered_limits', { registered_limits: [{ ...of, default_limit: 10 }] })
  assert.equal(made.status, 201)
  const id = (made.json['registered_limits'] as Row[])[0]?.id ?? ''
  assert.equal(
    (await call('POST', '/v3/registered_limits', { registered_limits: [{ ...of, default_limit: 10 }] })).status,
    409,
  )
  assert.equal(
    (await call('POST', '/v3/limits', { limits: [{ ...of, project_id: demo, resource_limit: 1 }] })).status,
    201,
  )
  assert.equal(
    (await call('POST', '/v3/limits', { limits: [{ ...of, project_id: demo, resource_limit: 1 }] })).status,
    409,
  )
  assert.equal((await call('POST', '/v3/limits', { limits: [{ ...of, resource_limit: 1 }] })).status, 400)
  assert.equal((await call('DELETE', `/v3/registered_limits/${id}`)).status, 403)
  assert.equal(
    (await call('PATCH', `/v3/registered_limits/${id}`, { registered_limit: { default_limit: 12 } })).status,
    200,
  )
  const seen = async (user: string, project: string): Promise<number> => {
    const token = await t.token(user, { project })
    return ((await t.call('GET', '/v3/limits', { token })).json['limits'] as Row[]).length
  }
  assert.deepEqual([await seen('demo', 'demo'), await seen('alt_demo', 'alt_demo')], [1, 0])
  assert.equal(((await call('GET', '/v3/limits/model')).json['model'] as { name: string }).name, 'flat')
  assert.equal((await call('DELETE', `/v3/projects/${demo}`)).status, 204)
  assert.equal(((await call('GET', '/v3/limits')).json['limits'] as Row[]).length, 0)
  assert.deepEqual(await t.keystone.audit(), [])
  await t.close()
})
