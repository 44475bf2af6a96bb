// Subnet pools through the API: bounds, cutting, quotas, the default one, prefixes that come and go.
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { neutronForTests, type TestNeutron, type Thing } from '#services/neutron/test-neutron.ts'

const member = 'member@p1'
const admin = 'admin@admin'
const stranger = 'member@p2'

const pool = (neutron: TestNeutron, body: Record<string, unknown> = {}, token = member): Promise<Thing> =>
  neutron.ok(token, 'POST', '/subnetpools', {
    subnetpool: { name: 'pool', prefixes: ['10.0.0.0/16'], default_prefixlen: 24, ...body },
  })
const network = (neutron: TestNeutron): Promise<Thing> => neutron.ok(member, 'POST', '/networks', { network: {} })

test('a pool comes, changes and goes', async () => {
  await using neutron = await neutronForTests()
  const made = await pool(neutron, { prefixes: ['10.1.0.0/16', '10.0.0.0/16'] })
  assert.deepEqual(
    [
      made['prefixes'],
      made['ip_version'],
      made['default_prefixlen'],
      made['min_prefixlen'],
      made['max_prefixlen'],
      made['default_quota'],
    ],
    [['10.0.0.0/15'], 4, '24', '8', '32', null],
  )
  const changed = await neutron.ok(member, 'PUT', `/subnetpools/${made.id}`, {
    subnetpool: { name: 'x', max_prefixlen: 28, default_quota: 512 },
  })
  assert.deepEqual([changed['name'], changed['max_prefixlen'], changed['default_quota']], ['x', '28', 512])
  assert.equal(
    (await neutron.refused(member, 'PUT', `/subnetpools/${made.id}`, { subnetpool: { prefixes: ['10.0.0.0/16'] } }))[1],
    'IllegalSubnetPoolPrefixUpdate',
  )
  assert.equal((await neutron.refused(stranger, 'GET', `/subnetpools/${made.id}`))[1], 'SubnetPoolNotFound')
  assert.deepEqual(await neutron.list(stranger, '/subnetpools'), [])
  await neutron.ok(member, 'DELETE', `/subnetpools/${made.id}`)
  assert.equal((await neutron.refused(member, 'GET', `/subnetpools/${made.id}`))[0], 404)
})

test('subnets are cut from it', async () => {
  await using neutron = await neutronForTests()
  const from = await pool(neutron, { min_prefixlen: 20, max_prefixlen: 28 })
  const cut = (networkId: string, body: Record<string, unknown> = {}) =>
    neutron.ok(member, 'POST', '/subnets', {
      subnet: { network_id: networkId, ip_version: 4, subnetpool_id: from.id, ...body },
    })
  const refuse = (networkId: string, body: Record<string, unknown>) =>
    neutron.refused(member, 'POST', '/subnets', {
      subnet: { network_id: networkId, ip_version: 4, subnetpool_id: from.id, ...body },
    })
  const net = await network(neutron)
  const first = await cut(net.id)
  assert.deepEqual([first['cidr'], first['gateway_ip'], first['subnetpool_id']], ['10.0.0.0/24', '10.0.0.1', from.id])
  assert.equal((await cut(net.id, { prefixlen: 26 }))['cidr'], '10.0.1.0/26')
  assert.equal((await cut(net.id, { cidr: '10.0.200.0/24' }))['cidr'], '10.0.200.0/24')
  assert.equal((await refuse((await network(neutron)).id, { cidr: '10.0.200.0/25' }))[1], 'SubnetAllocationError')
  assert.equal((await refuse(net.id, { cidr: '11.0.0.0/24' }))[1], 'SubnetAllocationError')
  assert.equal((await refuse(net.id, { prefixlen: 29 }))[1], 'MaxPrefixSubnetAllocationError')
  assert.equal((await refuse(net.id, { prefixlen: 16 }))[1], 'MinPrefixSubnetAllocationError')
  assert.match((await refuse(net.id, { ip_version: 6 }))[2], /Cannot allocate IPv6 subnet from IPv4 subnet pool/)
  assert.match(
    (await refuse(net.id, { allocation_pools: [] }))[2],
    /allocation_pools allowed only for specific subnet requests/,
  )
  assert.equal(
    (
      await neutron.refused(member, 'POST', '/subnets', {
        subnet: { network_id: net.id, ip_version: 4, cidr: '192.168.0.0/24' },
      })
    )[1],
    'NetworkSubnetPoolAffinityError',
  )
  assert.equal((await neutron.refused(member, 'DELETE', `/subnetpools/${from.id}`))[1], 'SubnetPoolDeleteError')
  assert.equal(
    (await neutron.refused(member, 'PUT', `/subnetpools/${from.id}/remove_prefixes`, { prefixes: ['10.0.0.0/24'] }))[1],
    'IllegalSubnetPoolPrefixUpdate',
  )
  const more = await neutron.ok(member, 'PUT', `/subnetpools/${from.id}/add_prefixes`, { prefixes: ['10.1.0.0/16'] })
  assert.deepEqual(more as unknown, { prefixes: ['10.0.0.0/15'] })
  const less = await neutron.ok(member, 'PUT', `/subnetpools/${from.id}/remove_prefixes`, { prefixes: ['10.1.0.0/16'] })
  assert.deepEqual(less as unknown, { prefixes: ['10.0.0.0/16'] })
  assert.deepEqual((await neutron.list(member, `/subnets?subnetpool_id=${from.id}`)).length, 3)
})

test('the default pool, a shared one, and a quota in it', async () => {
  await using neutron = await neutronForTests()
  assert.equal(
    (
      await neutron.refused(member, 'POST', '/subnetpools', {
        subnetpool: { name: 'x', prefixes: ['10.0.0.0/16'], shared: true },
      })
    )[0],
    403,
  )
  const made = await pool(neutron, { shared: true, is_default: true, default_quota: 300 }, admin)
  assert.match(
    (
      await neutron.refused(admin, 'POST', '/subnetpools', {
        subnetpool: { name: 'y', prefixes: ['11.0.0.0/16'], is_default: true },
      })
    )[2],
    /Only one default may exist/,
  )
  const net = await network(neutron)
  const cut = { network_id: net.id, ip_version: 4, use_default_subnetpool: true }
  assert.equal((await neutron.ok(member, 'POST', '/subnets', { subnet: cut }))['subnetpool_id'], made.id)
  assert.equal((await neutron.refused(member, 'POST', '/subnets', { subnet: cut }))[1], 'SubnetPoolQuotaExceeded')
  assert.match(
    (await neutron.refused(member, 'POST', '/subnets', { subnet: { ...cut, ip_version: 6 } }))[2],
    /No default subnetpool found for IPv6/,
  )
  assert.equal((await neutron.refused(member, 'DELETE', `/subnetpools/${made.id}`))[0], 403)
})

test('what is refused', async () => {
  await using neutron = await neutronForTests()
  const refuse = (body: Record<string, unknown>) =>
    neutron.refused(member, 'POST', '/subnetpools', { subnetpool: { name: 'p', ...body } })
  assert.equal((await refuse({}))[0], 400)
  assert.equal((await refuse({ prefixes: [] }))[1], 'EmptySubnetPoolPrefixList')
  assert.equal((await refuse({ prefixes: ['x'] }))[1], 'HTTPBadRequest')
  assert.equal((await refuse({ prefixes: ['10.0.0.0/8', '2001:db8::/32'] }))[1], 'PrefixVersionMismatch')
  for (const body of [
    { min_prefixlen: 20, max_prefixlen: 10 },
    { max_prefixlen: 33 },
    { default_prefixlen: 4 },
    { max_prefixlen: 24, default_prefixlen: 26 },
  ])
    assert.equal((await refuse({ prefixes: ['10.0.0.0/8'], ...body }))[1], 'IllegalSubnetPoolPrefixBounds')
})
