// Networks through the API: what is answered, to whom, and what is refused in which words.
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { neutronForTests } from '#services/neutron/test-neutron.ts'

interface Body {
  readonly [key: string]: never
}
const member = { token: 'member@p1' }
const admin = { token: 'admin@admin' }

test('a network comes, changes and goes', async () => {
  await using neutron = await neutronForTests()
  const { call } = neutron
  const made = await call('POST', '/v2.0/networks', { ...member, body: { network: { name: 'one' } } })
  assert.equal(made.status, 201)
  const { network } = made.json as unknown as { network: Record<string, unknown> }
  assert.deepEqual(Object.keys(network).sort(), [
    'admin_state_up',
    'availability_zone_hints',
    'availability_zones',
    'created_at',
    'description',
    'id',
    'mtu',
    'name',
    'port_security_enabled',
    'project_id',
    'revision_number',
    'router:external',
    'shared',
    'status',
    'subnets',
    'tags',
    'tenant_id',
    'updated_at',
  ])
  assert.equal(network['mtu'], 1450)
  assert.match(String(network['created_at']), /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ$/)
  const id = String(network['id'])
  const shown = await call('GET', `/v2.0/networks/${id}`, member)
  assert.deepEqual(shown.json, made.json)
  const byAdmin = (await call('GET', `/v2.0/networks/${id}`, admin)).json as unknown as {
    network: Record<string, unknown>
  }
  assert.equal(byAdmin.network['provider:network_type'], 'vxlan')
  const changed = await call('PUT', `/v2.0/networks/${id}`, {
    ...member,
    body: { network: { name: 'two', admin_state_up: 'False' } },
  })
  assert.equal(changed.status, 200)
  assert.equal((changed.json as unknown as { network: Body }).network['name'], 'two')
  assert.equal((changed.json as unknown as { network: Body }).network['revision_number'], 2)
  assert.equal((await call('DELETE', `/v2.0/networks/${id}`, member)).status, 204)
  assert.equal((await call('GET', `/v2.0/networks/${id}`, member)).status, 404)
})
