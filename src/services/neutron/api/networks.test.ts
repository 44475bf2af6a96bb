// Networks through the API: what is answered, to whom, and what is refused in which words.
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { neutronForTests } from '#services/neutron/test-neutron.ts'

const member = 'member@p1'
const admin = 'admin@admin'
const stranger = 'member@p2'

test('a network comes, changes and goes', async () => {
  await using neutron = await neutronForTests()
  const made = await neutron.ok(member, 'POST', '/networks', { network: { name: 'one' } })
  assert.deepEqual(Object.keys(made).sort(), [
    'admin_state_up',
    'availability_zone_hints',
    'availability_zones',
    'created_at',
    'description',
    'dns_domain',
    'id',
    'ipv4_address_scope',
    'ipv6_address_scope',
    'mtu',
    'name',
    'port_security_enabled',
    'project_id',
    'qos_policy_id',
    'revision_number',
    'router:external',
    'shared',
    'status',
    'subnets',
    'tags',
    'tenant_id',
    'updated_at',
  ])
  assert.deepEqual([made['mtu'], made['status'], made['shared']], [1450, 'ACTIVE', false])
  assert.match(String(made['created_at']), /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ$/)
  assert.deepEqual(await neutron.ok(member, 'GET', `/networks/${made.id}`), made)
  assert.equal((await neutron.ok(admin, 'GET', `/networks/${made.id}`))['provider:network_type'], 'vxlan')
  const changed = await neutron.ok(member, 'PUT', `/networks/${made.id}`, {
    network: { name: 'two', admin_state_up: 'False', mtu: 1400, description: 'd' },
  })
  assert.deepEqual(
    [changed['name'], changed['admin_state_up'], changed['mtu'], changed['description'], changed['revision_number']],
    ['two', false, 1400, 'd', 2],
  )
  await neutron.ok(member, 'DELETE', `/networks/${made.id}`)
  assert.deepEqual(await neutron.refused(member, 'DELETE', `/networks/${made.id}`), [
    404,
    'NetworkNotFound',
    `Network ${made.id} could not be found.`,
  ])
})

test('who sees and changes what', async () => {
  await using neutron = await neutronForTests()
  const own = await neutron.ok(member, 'POST', '/networks', { network: { name: 'own' } })
  const shared = await neutron.ok(admin, 'POST', '/networks', { network: { name: 'shared', shared: true } })
  const outside = await neutron.ok(admin, 'POST', '/networks', {
    network: { name: 'outside', 'router:external': true },
  })
  const names = async (token: string): Promise<unknown[]> =>
    (await neutron.list(token, '/networks')).map(one => one['name']).sort()
  assert.deepEqual(await names(member), ['outside', 'own', 'shared'])
  assert.deepEqual(await names(stranger), ['outside', 'shared'])
  assert.deepEqual(await names(admin), ['outside', 'own', 'shared'])
  assert.deepEqual(await names('service@service'), ['outside', 'own', 'shared'])
  assert.equal((await neutron.refused(stranger, 'GET', `/networks/${own.id}`))[1], 'NetworkNotFound')
  assert.equal((await neutron.refused(stranger, 'PUT', `/networks/${shared.id}`, { network: { name: 'x' } }))[0], 403)
  assert.equal((await neutron.refused(stranger, 'DELETE', `/networks/${outside.id}`))[0], 403)
  assert.equal((await neutron.refused(stranger, 'DELETE', `/networks/${own.id}`))[0], 404)
  for (const attribute of [{ shared: true }, { 'router:external': true }, { 'provider:network_type': 'vxlan' }])
    assert.equal((await neutron.refused(member, 'POST', '/networks', { network: attribute }))[0], 403)
  const given = await neutron.ok(admin, 'POST', '/networks', { network: { project_id: 'p2' } })
  assert.equal((await neutron.ok(stranger, 'GET', `/networks/${given.id}`))['tenant_id'], 'p2')
  assert.match(
    (await neutron.refused(member, 'POST', '/networks', { network: { tenant_id: 'p2' } }))[2],
    /^Specifying 'project_id' or 'tenant_id' other than the authenticated project in request requires admin privileges$/,
  )
  assert.match(
    (await neutron.refused(admin, 'POST', '/networks', { network: { tenant_id: 'a', project_id: 'b' } }))[2],
    /do not match/,
  )
})

test('kinds of networks', async () => {
  await using neutron = await neutronForTests()
  const make = (body: Record<string, unknown>) => neutron.ok(admin, 'POST', '/networks', { network: body })
  const first = await make({})
  const second = await make({})
  assert.deepEqual([first['provider:segmentation_id'], second['provider:segmentation_id']], [1, 2])
  const flat = await make({ 'provider:network_type': 'flat', 'provider:physical_network': 'public' })
  assert.deepEqual(
    [flat['mtu'], flat['provider:physical_network'], flat['provider:segmentation_id']],
    [1500, 'public', null],
  )
  const chosen = await make({ 'provider:network_type': 'vxlan', 'provider:segmentation_id': 77 })
  assert.equal(chosen['provider:segmentation_id'], 77)
  const refused = async (body: Record<string, unknown>): Promise<[number, string]> => {
    const [status, type] = await neutron.refused(admin, 'POST', '/networks', { network: body })
    return [status, type]
  }
  assert.deepEqual(await refused({ 'provider:network_type': 'flat', 'provider:physical_network': 'public' }), [
    409,
    'FlatNetworkInUse',
  ])
  assert.deepEqual(await refused({ 'provider:network_type': 'vxlan', 'provider:segmentation_id': 77 }), [
    409,
    'TunnelIdInUse',
  ])
  for (const body of [
    { 'provider:network_type': 'flat' },
    { 'provider:network_type': 'flat', 'provider:physical_network': 'moon' },
    { 'provider:network_type': 'token-ring' },
    { 'provider:segmentation_id': 3 },
    { 'provider:network_type': 'vxlan', 'provider:segmentation_id': 16_777_216 },
    { mtu: 9000 },
  ])
    assert.deepEqual(await refused(body), [400, 'InvalidInput'], JSON.stringify(body))
  assert.deepEqual(await refused({ availability_zone_hints: ['mars'] }), [404, 'AvailabilityZoneNotFound'])
  await neutron.ok(admin, 'DELETE', `/networks/${first.id}`)
  await neutron.ok(admin, 'DELETE', `/networks/${chosen.id}`)
  assert.equal((await make({}))['provider:segmentation_id'], 3)
})

test('what is in use stays as it is', async () => {
  await using neutron = await neutronForTests()
  const shared = await neutron.ok(admin, 'POST', '/networks', { network: { shared: true } })
  await neutron.ok(admin, 'POST', '/subnets', { subnet: { network_id: shared.id, ip_version: 4, cidr: '10.0.0.0/24' } })
  const port = await neutron.ok(member, 'POST', '/ports', { port: { network_id: shared.id } })
  assert.equal(
    (await neutron.refused(admin, 'PUT', `/networks/${shared.id}`, { network: { shared: false } }))[1],
    'InvalidSharedSetting',
  )
  assert.deepEqual(await neutron.refused(admin, 'DELETE', `/networks/${shared.id}`), [
    409,
    'NetworkInUse',
    `Unable to complete operation on network ${shared.id}. There are one or more ports still in use on the network, id for these ports is: ${port.id}.`,
  ])
  assert.equal(
    (await neutron.refused(admin, 'PUT', `/networks/${shared.id}`, { network: { mtu: 60 } }))[1],
    'NetworkMTUSubnetConflict',
  )
  await neutron.ok(member, 'DELETE', `/ports/${port.id}`)
  await neutron.ok(admin, 'PUT', `/networks/${shared.id}`, { network: { shared: false } })
  await neutron.ok(admin, 'DELETE', `/networks/${shared.id}`)
  assert.deepEqual(await neutron.list(admin, '/subnets'), [])
  const outside = await neutron.ok(admin, 'POST', '/networks', { network: { 'router:external': true } })
  await neutron.ok(admin, 'POST', '/subnets', {
    subnet: { network_id: outside.id, ip_version: 4, cidr: '172.24.4.0/24' },
  })
  await neutron.ok(member, 'POST', '/routers', { router: { external_gateway_info: { network_id: outside.id } } })
  assert.equal(
    (await neutron.refused(admin, 'PUT', `/networks/${outside.id}`, { network: { 'router:external': false } }))[1],
    'ExternalNetworkInUse',
  )
})

test('bodies that are none', async () => {
  await using neutron = await neutronForTests()
  const post = (body: unknown) => neutron.call('POST', '/v2.0/networks', { token: member, body })
  for (const body of [
    '',
    '{',
    '[]',
    '"x"',
    'null',
    '{"network": null}',
    '{"network": []}',
    '{"networks": {}}',
    '{"network": {"name": "a\\u0000b"}}',
  ])
    assert.equal((await post(body)).status, 400, body)
  assert.equal(
    (
      await neutron.call('POST', '/v2.0/networks', {
        token: member,
        body: '{}',
        headers: { 'content-type': 'text/plain' },
      })
    ).status,
    415,
  )
  assert.deepEqual(await neutron.list(member, '/networks'), [])
})
