import assert from 'node:assert/strict'
import { test } from 'node:test'

import { ADMIN_PASSWORD, BASE, testKeystone, type Answer } from '#services/keystone/test-keystone.ts'

const message = (answer: Answer): string => (answer.json['error'] as { message: string }).message
type Row = Record<string, unknown> & { id: string }

test('settings of a domain: kept whole, by group and by option, passwords unseen', async () => {
  const t = await testKeystone({ password_regex: '^.+$', password_regex_description: 'anything' })
  const token = await t.admin()
  const call = (method: string, path: string, config?: unknown) =>
    t.call(method, `/v3/domains/${path}`, { token, ...(config === undefined ? {} : { body: { config } }) })
  const made = await call('PUT', 'default/config', {
    identity: { driver: 'ldap' },
    ldap: { url: 'ldap://a', password: 'hidden' },
  })
  assert.equal(made.status, 201)
  const shown = { identity: { driver: 'ldap' }, ldap: { url: 'ldap://a' } }
  assert.deepEqual(made.json['config'], shown)
  assert.deepEqual((await call('GET', 'default/config')).json['config'], shown)
  assert.deepEqual((await call('GET', 'default/config/ldap')).json['config'], { ldap: shown.ldap })
  assert.deepEqual((await call('GET', 'default/config/ldap/url')).json['config'], { url: 'ldap://a' })
  assert.equal((await call('GET', 'default/config/ldap/password')).status, 404)
  const changed = await call('PATCH', 'default/config/ldap/url', { url: 'ldap://b' })
  assert.deepEqual((changed.json['config'] as typeof shown).ldap, { url: 'ldap://b' })
  const table: [method: string, path: string, config: unknown, status: number, says: RegExp][] = [
    ['PUT', 'default/config', {}, 403, /No options specified/],
    ['PUT', 'default/config', { nova: { a: 1 } }, 403, /Group nova is not supported/],
    ['PUT', 'default/config', { ldap: 'x' }, 403, /should be a dictionary/],
    ['PUT', 'default/config', { ldap: { constructor: 1 } }, 403, /Option constructor in group ldap/],
    ['PATCH', 'default/config/ldap', { identity: { driver: 'x' } }, 403, /only that, group/],
    [
      'PATCH',
      'default/config/ldap/suffix',
      { suffix: 'x' },
      404,
      /Could not find option suffix in group ldap in domain configuration/,
    ],
    ['GET', 'nowhere/config', undefined, 404, /Could not find domain/],
    ['GET', 'default/config/ldap/suffix', undefined, 404, /Could not find option suffix/],
    ['GET', 'default/config/security_compliance/lockout_duration', undefined, 403, /is not allowed/],
  ]
  for (const [method, path, config, status, says] of table) {
    const answer = await call(method, path, config)
    assert.equal(answer.status, status, `${method} ${path} ${String(answer.body)}`)
    assert.match(message(answer), says)
  }
  const demo = await t.token('demo', { project: 'demo' })
  const everybody = await t.call('GET', '/v3/domains/default/config/security_compliance', { token: demo })
  assert.deepEqual(everybody.json['config'], {
    security_compliance: { password_regex: '^.+$', password_regex_description: 'anything' },
  })
  assert.equal((await t.call('GET', '/v3/domains/default/config/ldap', { token: demo })).status, 403)
  assert.deepEqual((await call('GET', 'config/identity/driver/default')).json['config'], { driver: 'sql' })
  assert.equal((await call('DELETE', 'default/config')).status, 204)
  assert.equal((await call('GET', 'default/config')).status, 404)
  assert.deepEqual(t.errors, [])
  await t.close()
})

test('a project sees the endpoints chosen for it, others see all', async () => {
  const t = await testKeystone()
  const token = await t.admin()
  const call = (method: string, path: string, body?: unknown) =>
    t.call(method, `/v3/OS-EP-FILTER/${path}`, { token, ...(body === undefined ? {} : { body }) })
  const types = async (project: string): Promise<string[]> => {
    const answer = await t.logIn('admin', ADMIN_PASSWORD, { project })
    const { catalog } = answer.json['token'] as { catalog: { type: string; endpoints: unknown[] }[] }
    return catalog.map(entry => `${entry.type} ${entry.endpoints.length}`).sort()
  }
  const demo = await t.id('projects', 'demo')
  const all = await types('demo')
  const endpoints = (await t.call('GET', '/v3/endpoints?interface=public', { token })).json['endpoints'] as Row[]
  const compute = endpoints.find(one => String(one['url']).includes('compute'))?.id ?? ''
  const path = `projects/${demo}/endpoints/${compute}`
  assert.equal((await call('GET', path)).status, 404)
  assert.equal((await call('PUT', path)).status, 204)
  assert.equal((await call('PUT', path)).status, 409)
  assert.equal((await call('HEAD', path)).status, 204)
  assert.deepEqual(await types('demo'), ['compute 1'])
  assert.deepEqual(await types('admin'), all)

  const made = await call('POST', 'endpoint_groups', {
    endpoint_group: { name: 'identity', filters: { service_id: await t.id('services', 'keystone') } },
  })
  assert.equal(made.status, 201)
  const group = made.json['endpoint_group'] as Row
  assert.deepEqual(group['links'], { self: `${BASE}/v3/OS-EP-FILTER/endpoint_groups/${group.id}` })
  assert.equal((await call('PUT', `endpoint_groups/${group.id}/projects/${demo}`)).status, 204)
  assert.deepEqual(await types('demo'), ['compute 1', 'identity 3'])
  const own = await call('GET', `projects/${demo}/endpoints`)
  assert.equal((own.json['endpoints'] as Row[]).length, 4)
  assert.equal(((await call('GET', `endpoint_groups/${group.id}/projects`)).json['projects'] as Row[])[0]?.id, demo)
  assert.equal(((await call('GET', `endpoints/${compute}/projects`)).json['projects'] as Row[])[0]?.id, demo)
  for (const filters of [{}, { colour: 'red' }])
    assert.equal((await call('POST', 'endpoint_groups', { endpoint_group: { name: 'x', filters } })).status, 400)
  assert.equal((await call('DELETE', `endpoint_groups/${group.id}`)).status, 204)
  assert.equal((await call('DELETE', path)).status, 204)
  assert.deepEqual(await types('demo'), all)
  await t.close()
})

test('consumers: the secret is told once', async () => {
  const t = await testKeystone()
  const token = await t.admin()
  const call = (method: string, path: string, body?: unknown) =>
    t.call(method, `/v3/OS-OAUTH1/consumers${path}`, { token, ...(body === undefined ? {} : { body }) })
  const made = (await call('POST', '', { consumer: { description: 'd' } })).json['consumer'] as Row
  assert.match(String(made['secret']), /^[0-9a-f]{32}$/)
  assert.ok(!('secret' in ((await call('GET', `/${made.id}`)).json['consumer'] as object)))
  assert.equal((await call('PATCH', `/${made.id}`, { consumer: { secret: 'x' } })).status, 400)
  assert.equal((await call('PATCH', `/${made.id}`, { consumer: { description: 'e' } })).status, 200)
  assert.equal(((await call('GET', '')).json['consumers'] as Row[])[0]?.['description'], 'e')
  assert.equal((await call('DELETE', `/${made.id}`)).status, 204)
  assert.equal((await call('GET', `/${made.id}`)).status, 404)
  await t.close()
})
