import assert from 'node:assert/strict'
import { test } from 'node:test'

import { ADMIN_PASSWORD, testKeystone, type TestKeystone } from '#services/keystone/test-keystone.ts'

const PERSONAS = ['SA', 'SM', 'SR', 'DA', 'DG', 'DM', 'DR', 'PA', 'PG', 'PM', 'PR', 'SV'] as const
type Persona = (typeof PERSONAS)[number]
const ROLE: Readonly<Record<string, string>> = { A: 'admin', G: 'manager', M: 'member', R: 'reader' }

interface World {
  readonly t: TestKeystone
  readonly tokens: ReadonlyMap<Persona, string>
  /** Of the personas' own domain and project, and of another domain. */
  readonly own: Readonly<Record<'domain' | 'project' | 'user' | 'group', string>>
  readonly foreign: Readonly<Record<'domain' | 'project' | 'user' | 'group', string>>
  role(name: string): string
}

async function world(): Promise<World> {
  const t = await testKeystone()
  const admin = await t.admin()
  const make = async (path: string, name: string, body: object): Promise<string> => {
    const answer = await t.call('POST', `/v3/${path}`, { token: admin, body: { [name]: body } })
    assert.equal(answer.status, 201, String(answer.body))
    return (answer.json[name] as { id: string }).id
  }
  const roles = new Map<string, string>()
  for (const name of ['admin', 'manager', 'member', 'reader', 'service']) roles.set(name, await t.id('roles', name))
  const place = async (name: string): Promise<World['own']> => {
    const domain = await make('domains', 'domain', { name })
    return {
      domain,
      project: await make('projects', 'project', { name, domain_id: domain }),
      user: await make('users', 'user', { name, domain_id: domain }),
      group: await make('groups', 'group', { name, domain_id: domain }),
    }
  }
  const [own, foreign] = [await place('own'), await place('foreign')]
  const tokens = new Map<Persona, string>()
  for (const persona of PERSONAS) {
    const user = await make('users', 'user', { name: persona, password: ADMIN_PASSWORD, domain_id: own.domain })
    const role = roles.get(persona === 'SV' ? 'service' : (ROLE[persona[1] ?? ''] ?? '')) ?? ''
    const on =
      persona === 'SV' || persona[0] === 'P'
        ? `projects/${own.project}`
        : persona[0] === 'D'
          ? `domains/${own.domain}`
          : 'system'
    assert.equal((await t.call('PUT', `/v3/${on}/users/${user}/roles/${role}`, { token: admin })).status, 204)
    const scope =
      on === 'system' ? 'system' : on.startsWith('domains') ? { domain: own.domain } : { projectId: own.project }
    tokens.set(persona, await t.token(persona, scope, ADMIN_PASSWORD, own.domain))
  }
  return { t, tokens, own, foreign, role: name => roles.get(name) ?? '' }
}

/** Who may: the rest must be refused with 403. Expectations follow upstream's default policies. */
const ADMINS = 'SA DA PA'
test('who may do what, in his own domain and in another', async () => {
  const w = await world()
  const { t, own, foreign } = w
  let count = 0
  const table: [method: string, path: string, who: string, body?: () => unknown][] = [
    ['GET', '/v3/users', 'SA SM SR DA DG DM DR PA'],
    ['GET', `/v3/users/${own.user}`, 'SA SM SR DA DG DM DR PA'],
    ['GET', `/v3/users/${foreign.user}`, 'SA SM SR DA PA'],
    ['PATCH', `/v3/users/${own.user}`, 'SA DA DG PA', () => ({ user: { description: 'x' } })],
    ['PATCH', `/v3/users/${foreign.user}`, ADMINS, () => ({ user: { description: 'x' } })],
    ['POST', '/v3/users', 'SA DA DG PA', () => ({ user: { name: `n${count++}`, domain_id: own.domain } })],
    ['POST', '/v3/users', ADMINS, () => ({ user: { name: `n${count++}`, domain_id: foreign.domain } })],
    ['GET', '/v3/groups', 'SA SM SR DA DG DM DR PA'],
    ['GET', `/v3/groups/${foreign.group}`, 'SA SM SR DA PA'],
    ['PATCH', `/v3/groups/${own.group}`, 'SA DA DG PA', () => ({ group: { description: 'x' } })],
    ['PUT', `/v3/groups/${own.group}/users/${own.user}`, 'SA DA DG PA'],
    ['PUT', `/v3/groups/${own.group}/users/${foreign.user}`, ADMINS],
    ['HEAD', `/v3/groups/${own.group}/users/${own.user}`, 'SA SM SR DA DG DM DR PA'],
    ['GET', `/v3/users/${own.user}/groups`, 'SA SM SR DA DG DM DR PA'],
    ['GET', '/v3/projects', 'SA SM SR DA DG DM DR PA'],
    ['GET', `/v3/projects/${own.project}`, 'SA SM SR DA DG DM DR PA PG PM PR SV'],
    ['GET', `/v3/projects/${foreign.project}`, 'SA SM SR DA PA'],
    ['PATCH', `/v3/projects/${own.project}`, 'SA DA DG PA', () => ({ project: { description: 'x' } })],
    ['POST', '/v3/projects', 'SA DA DG PA', () => ({ project: { name: `n${count++}`, domain_id: own.domain } })],
    ['POST', '/v3/projects', ADMINS, () => ({ project: { name: `n${count++}`, domain_id: foreign.domain } })],
    ['POST', '/v3/projects', ADMINS, () => ({ project: { name: `n${count++}`, is_domain: true } })],
    ['PUT', `/v3/projects/${own.project}/tags/x`, 'SA DA DG PA'],
    ['GET', '/v3/domains', 'SA SM SR DA DG DM DR PA'],
    ['GET', `/v3/domains/${own.domain}`, 'SA SM SR DA DG DM DR PA PG PM PR SV'],
    ['GET', `/v3/domains/${foreign.domain}`, 'SA SM SR DA PA'],
    ['PATCH', `/v3/domains/${own.domain}`, 'SA PA', () => ({ domain: { description: 'x' } })],
    ['GET', '/v3/roles', 'SA SM SR DA DG PA'],
    ['GET', `/v3/roles/${w.role('member')}`, 'SA SM SR DA DG PA PG'],
    ['GET', `/v3/roles/${w.role('admin')}`, 'SA SM SR DA PA'],
    ['POST', '/v3/roles', 'SA PA', () => ({ role: { name: `n${count++}` } })],
    ['PUT', `/v3/projects/${own.project}/users/${own.user}/roles/${w.role('member')}`, 'SA DA DG PA'],
    ['PUT', `/v3/projects/${own.project}/users/${own.user}/roles/${w.role('admin')}`, ADMINS],
    ['PUT', `/v3/projects/${foreign.project}/users/${own.user}/roles/${w.role('member')}`, ADMINS],
    ['PUT', `/v3/projects/${own.project}/groups/${own.group}/roles/${w.role('reader')}`, 'SA DA DG PA'],
    ['HEAD', `/v3/projects/${own.project}/users/${own.user}/roles/${w.role('member')}`, 'SA SM SR DA DG DM DR PA'],
    ['GET', `/v3/projects/${own.project}/users/${own.user}/roles`, 'SA SM SR DA DG DM DR PA'],
    ['GET', `/v3/projects/${foreign.project}/users/${foreign.user}/roles`, 'SA SM SR DA PA'],
    ['PUT', `/v3/system/users/${own.user}/roles/${w.role('reader')}`, 'SA PA'],
    ['GET', `/v3/system/users/${own.user}/roles`, 'SA SM SR PA'],
    ['GET', '/v3/role_assignments', 'SA SM SR DA DG DM DR PA'],
    ['GET', `/v3/role_assignments?include_subtree&scope.project.id=${own.project}`, 'SA SM SR DA DG DM DR PA'],
    ['GET', '/v3/services', 'SA SM SR PA'],
    ['GET', '/v3/endpoints', 'SA SM SR PA'],
    ['GET', '/v3/regions', PERSONAS.join(' ')],
    ['GET', '/v3/limits', PERSONAS.join(' ')],
    ['GET', '/v3/policies', 'SA SM SR PA'],
    ['GET', '/v3/auth/projects', PERSONAS.join(' ')],
    ['GET', '/v3/OS-TRUST/trusts', 'SA SM SR PA'],
    ['GET', `/v3/users/${own.user}/application_credentials`, 'SA SM SR PA'],
    ['GET', `/v3/users/${own.user}/access_rules`, 'SA SM SR'],
  ]
  for (const [method, path, who, body] of table)
    for (const persona of PERSONAS) {
      const token = w.tokens.get(persona) ?? ''
      const answer = await t.call(method, path, { token, ...(body === undefined ? {} : { body: body() }) })
      const isAllowed = answer.status < 300
      assert.ok(
        isAllowed || answer.status === 403,
        `${persona} ${method} ${path}: ${answer.status} ${String(answer.body)}`,
      )
      assert.equal(isAllowed, who.split(' ').includes(persona), `${persona} ${method} ${path}: ${answer.status}`)
    }
  for (const [method, path] of table)
    assert.equal((await t.call(method, path, { body: {} })).status, 401, `nobody ${method} ${path}`)
  assert.deepEqual(t.errors, [])
  await t.close()
})

test('what somebody may not see is told like what is not there', async () => {
  const w = await world()
  const token = w.tokens.get('DM') ?? ''
  for (const [path, id] of [
    ['users', w.foreign.user],
    ['groups', w.foreign.group],
    ['projects', w.foreign.project],
    ['domains', w.foreign.domain],
  ] as const) {
    const there = await w.t.call('GET', `/v3/${path}/${id}`, { token })
    const nowhere = await w.t.call('GET', `/v3/${path}/${'0'.repeat(32)}`, { token })
    assert.deepEqual([there.status, there.body], [nowhere.status, nowhere.body])
  }
  // A domain's reader sees only what is in his domain.
  const listed = await w.t.call('GET', '/v3/users', { token })
  assert.ok((listed.json['users'] as { domain_id: string }[]).every(user => user.domain_id === w.own.domain))
  const domains = await w.t.call('GET', '/v3/domains', { token })
  assert.deepEqual(
    (domains.json['domains'] as { id: string }[]).map(domain => domain.id),
    [w.own.domain],
  )
  await w.t.close()
})

test('an operator may change the rules, and an unknown rule denies', async () => {
  const t = await testKeystone(
    {},
    { policyOverrides: { 'identity:list_users': 'rule:nobody_wrote_this', 'identity:list_roles': '@' } },
  )
  assert.equal((await t.call('GET', '/v3/users', { token: await t.admin() })).status, 403)
  assert.equal((await t.call('GET', '/v3/roles', { token: await t.token('demo', { project: 'demo' }) })).status, 200)
  await t.close()
})
