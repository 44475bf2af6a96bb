// Policies of endpoints, federation as data, and events of ended tokens.
import assert from 'node:assert/strict'
import { test } from 'node:test'

import { BASE, testKeystone, type Answer } from '#services/keystone/test-keystone.ts'

const message = (answer: Answer): string => (answer.json['error'] as { message: string }).message
type Row = Record<string, unknown> & { id: string }

async function world() {
  const t = await testKeystone()
  const admin = await t.admin()
  const demo = await t.token('demo', { project: 'demo' })
  const as = (token: string) => (method: string, path: string, body?: unknown) =>
    t.call(method, `/v3${path}`, { token, ...(body === undefined ? {} : { body }) })
  return { t, ask: as(admin), demo: as(demo) }
}

test('a policy is for endpoints, services, and services in a region', async () => {
  const { t, ask, demo } = await world()
  const policy = (
    (await ask('POST', '/policies', { policy: { type: 'application/json', blob: '{}' } })).json['policy'] as Row
  ).id
  const endpoints = (await ask('GET', '/endpoints')).json['endpoints'] as (Row & {
    service_id: string
    region_id: string
  })[]
  const [one] = endpoints
  assert.ok(one !== undefined)
  const at = `/policies/${policy}/OS-ENDPOINT-POLICY`
  const of = `/endpoints/${one.id}/OS-ENDPOINT-POLICY/policy`
  assert.equal((await ask('GET', of)).status, 404)
  const targets = [
    `${at}/services/${one.service_id}`,
    `${at}/services/${one.service_id}/regions/${one.region_id}`,
    `${at}/endpoints/${one.id}`,
  ]
  for (const target of targets) {
    assert.equal((await ask('GET', target)).status, 404)
    assert.equal((await demo('PUT', target)).status, 403)
    assert.equal((await ask('PUT', target)).status, 204)
    assert.equal((await ask('PUT', target)).status, 204)
    assert.equal((await ask('GET', target)).status, 204)
    assert.equal(((await ask('GET', of)).json['policy'] as Row).id, policy)
    const found = (await ask('GET', `${at}/endpoints`)).json['endpoints'] as Row[]
    assert.ok(found.some(endpoint => endpoint.id === one.id))
    assert.equal((await ask('DELETE', target)).status, 204)
  }
  for (const lost of [`/policies/no/OS-ENDPOINT-POLICY/endpoints/${one.id}`, `${at}/endpoints/no`, `${at}/services/no`])
    assert.equal((await ask('PUT', lost)).status, 404)
  await t.close()
})

test('identity providers, protocols and mappings', async () => {
  const { t, ask, demo } = await world()
  const at = '/OS-FEDERATION'
  const rules = [{ local: [{ user: { name: '{0}' } }], remote: [{ type: 'UserName' }] }]
  assert.equal((await demo('PUT', `${at}/mappings/m`, { mapping: { rules } })).status, 403)
  for (const bad of [
    {},
    { rules: [] },
    { rules: 'x' },
    { rules: [{ local: [] }] },
    { rules: [{ local: [{ colour: 'red' }], remote: [{ type: 'A' }] }] },
    { rules: [{ local: [], remote: [{ type: 'A', any_one_of: 'x' }] }] },
    { rules: [{ local: [], remote: [{ type: 'A', any_one_of: [], whitelist: [] }] }] },
    { rules: [{ local: [{ user: { type: 'robot' } }], remote: [{ type: 'A' }] }] },
    { rules: [{ local: [{ projects_json: '{0}' }], remote: [{ type: 'A' }] }], schema_version: '2.0' },
    { rules, schema_version: '9' },
  ])
    assert.equal((await ask('PUT', `${at}/mappings/m`, { mapping: bad })).status, 400, JSON.stringify(bad))
  const made = await ask('PUT', `${at}/mappings/m`, { mapping: { rules } })
  assert.equal(made.status, 201)
  assert.deepEqual(made.json['mapping'], {
    id: 'm',
    rules,
    schema_version: '1.0',
    links: { self: `${BASE}/v3/OS-FEDERATION/mappings/m` },
  })
  assert.equal((await ask('PUT', `${at}/mappings/m`, { mapping: { rules } })).status, 409)
  assert.equal((await ask('PATCH', `${at}/mappings/none`, { mapping: { rules } })).status, 404)
  assert.equal((await ask('PATCH', `${at}/mappings/m`, { mapping: { rules, schema_version: '3.0' } })).status, 200)

  const idp = `${at}/identity_providers/acme`
  assert.equal((await ask('PUT', idp, { identity_provider: { colour: 'red' } })).status, 400)
  assert.equal((await ask('PUT', idp, { identity_provider: { domain_id: 'none' } })).status, 404)
  const provider = (await ask('PUT', idp, { identity_provider: { remote_ids: ['r1'] } })).json[
    'identity_provider'
  ] as Row
  assert.deepEqual([provider['enabled'], provider['remote_ids']], [false, ['r1']])
  assert.equal((await ask('GET', `/domains/${String(provider['domain_id'])}`)).status, 200)
  assert.equal((await ask('PUT', idp, { identity_provider: {} })).status, 409)
  const taken = await ask('PUT', `${at}/identity_providers/other`, { identity_provider: { remote_ids: ['r1'] } })
  assert.deepEqual([taken.status, /Duplicate remote ID: r1/.test(message(taken))], [409, true])
  assert.equal((await ask('PATCH', idp, { identity_provider: {} })).status, 400)
  assert.equal(
    (await ask('GET', `${at}/identity_providers?enabled=true`)).json['identity_providers'] instanceof Array,
    true,
  )
  assert.deepEqual((await ask('GET', `${at}/identity_providers?enabled=true`)).json['identity_providers'], [])

  const protocol = `${idp}/protocols/saml2`
  assert.equal((await ask('PUT', protocol, { protocol: {} })).status, 400)
  const lost = await ask('PUT', protocol, { protocol: { mapping_id: 'none' } })
  assert.deepEqual([lost.status, message(lost)], [400, 'Invalid mapping id: none'])
  assert.equal(
    (await ask('PUT', `${at}/identity_providers/none/protocols/x`, { protocol: { mapping_id: 'm' } })).status,
    404,
  )
  assert.equal((await ask('PUT', protocol, { protocol: { mapping_id: 'm' } })).status, 201)
  assert.equal((await ask('GET', protocol)).status, 200)
  assert.equal(((await ask('GET', `${idp}/protocols`)).json['protocols'] as Row[])[0]?.['idp_id'], 'acme')

  // Nobody can be proved without the web server's module.
  const enter = () => t.call('GET', `/v3${protocol}/auth`)
  assert.equal((await enter()).status, 403)
  assert.equal((await ask('PATCH', idp, { identity_provider: { enabled: true } })).status, 200)
  assert.equal((await enter()).status, 401)
  assert.equal((await t.call('GET', `/v3${idp}/protocols/none/auth`)).status, 404)
  assert.equal((await t.call('GET', '/v3/auth/OS-FEDERATION/websso/saml2?origin=http://x')).status, 401)
  const websso = '/v3/auth/OS-FEDERATION/identity_providers/acme/protocols/saml2/websso'
  assert.equal((await t.call('GET', websso)).status, 400)
  assert.equal((await t.call('GET', `${websso}?origin=http://x`)).status, 401)

  assert.equal((await ask('DELETE', idp)).status, 204)
  assert.equal((await ask('GET', protocol)).status, 404)
  assert.equal((await ask('DELETE', `${at}/mappings/m`)).status, 204)
  await t.close()
})

test('service providers', async () => {
  const { t, ask, demo } = await world()
  const at = '/OS-FEDERATION/service_providers/sp'
  const whole = { auth_url: 'https://sp/auth', sp_url: 'https://sp/sp' }
  assert.equal((await demo('PUT', at, { service_provider: whole })).status, 403)
  for (const bad of [{}, { ...whole, auth_url: 'no' }, { ...whole, colour: 'red' }, { ...whole, enabled: 'perhaps' }])
    assert.equal((await ask('PUT', at, { service_provider: bad })).status, 400, JSON.stringify(bad))
  const made = (await ask('PUT', at, { service_provider: whole })).json['service_provider'] as Row
  assert.deepEqual([made['enabled'], made['relay_state_prefix']], [false, 'ss:mem:'])
  assert.equal((await ask('PUT', at, { service_provider: whole })).status, 409)
  assert.equal((await ask('PATCH', at, { service_provider: { enabled: true } })).status, 200)
  assert.equal(
    ((await ask('GET', '/OS-FEDERATION/service_providers?enabled=true')).json['service_providers'] as Row[]).length,
    1,
  )
  assert.equal((await demo('GET', '/OS-FEDERATION/service_providers')).status, 403)
  assert.equal((await ask('DELETE', at)).status, 204)
  assert.equal((await ask('DELETE', at)).status, 404)
  await t.close()
})

test('events of ended tokens, and what is left of certificates', async () => {
  const { t, ask, demo } = await world()
  const ending = await t.token('demo', { project: 'demo' })
  assert.equal(
    (await t.call('DELETE', '/v3/auth/tokens', { token: ending, headers: { 'x-subject-token': ending } })).status,
    204,
  )
  const events = (await ask('GET', '/OS-REVOKE/events')).json['events'] as Record<string, string>[]
  assert.ok(events.some(event => event['audit_id'] !== undefined && event['issued_before'] !== undefined))
  assert.equal((await ask('GET', '/OS-REVOKE/events?since=yesterday')).status, 400)
  assert.deepEqual((await ask('GET', '/OS-REVOKE/events?since=2999-01-01T00:00:00Z')).json['events'], [])
  assert.equal((await demo('GET', '/OS-REVOKE/events')).status, 403)
  assert.equal((await t.call('GET', '/v3/OS-SIMPLE-CERT/ca')).status, 410)
  assert.equal((await t.call('GET', '/v3/OS-SIMPLE-CERT/certificates')).status, 410)
  await t.close()
})
