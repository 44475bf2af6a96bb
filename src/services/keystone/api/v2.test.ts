// Identity v2.0 for old clients.
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { ADMIN_PASSWORD, testKeystone } from '#services/keystone/test-keystone.ts'

test('old clients log in, rescope, and see their tenants', async () => {
  const t = await testKeystone()
  const enter = (auth: object) => t.call('POST', '/v2.0/tokens', { body: { auth } })
  const passwordCredentials = { username: 'demo', password: ADMIN_PASSWORD }
  const good = await enter({ passwordCredentials, tenantName: 'demo' })
  assert.equal(good.status, 200, String(good.body))
  const access = good.json['access'] as {
    token: { id: string; tenant: { name: string } }
    user: { name: string; roles: { name: string }[] }
    serviceCatalog: { type: string; endpoints: Record<string, string>[] }[]
  }
  assert.deepEqual([access.token.tenant.name, access.user.name], ['demo', 'demo'])
  assert.ok(access.user.roles.some(role => role.name === 'member'))
  const compute = access.serviceCatalog.find(entry => entry.type === 'compute')
  assert.match(compute?.endpoints[0]?.['publicURL'] ?? '', /compute/)
  const tenants = await t.call('GET', '/v2.0/tenants', { token: access.token.id })
  assert.deepEqual(
    (tenants.json['tenants'] as { name: string }[]).map(row => row.name),
    ['demo'],
  )
  const bare = (await enter({ passwordCredentials })).json['access'] as typeof access
  assert.equal(bare.token.tenant, undefined)
  assert.equal((await enter({ token: { id: bare.token.id }, tenantName: 'demo' })).status, 200)
  assert.equal((await enter({ passwordCredentials: { username: 'demo', password: 'no' } })).status, 401)
  assert.equal((await enter({ passwordCredentials, tenantName: 'admin' })).status, 401)
  assert.equal((await enter({})).status, 400)
  assert.equal((await enter({ passwordCredentials: { password: 'x' } })).status, 400)
  assert.equal((await t.call('GET', '/v2.0/tenants')).status, 401)
  assert.equal((await t.call('GET', '/v2.0')).status, 200)
  assert.deepEqual(t.errors, [])
  await t.close()
})
