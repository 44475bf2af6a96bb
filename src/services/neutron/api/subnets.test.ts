// Subnets through the API: what follows from a CIDR, what is refused, DHCP's port, and who sees them.
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { neutronForTests, type TestNeutron, type Thing } from '#services/neutron/test-neutron.ts'

const member = 'member@p1'
const admin = 'admin@admin'
const stranger = 'member@p2'

const network = (neutron: TestNeutron, body: Record<string, unknown> = {}, token = member): Promise<Thing> =>
  neutron.ok(token, 'POST', '/networks', { network: body })
const make = (neutron: TestNeutron, networkId: string, body: Record<string, unknown>): Promise<Thing> =>
  neutron.ok(member, 'POST', '/subnets', {
    subnet: { network_id: networkId, ip_version: 4, cidr: '10.0.0.0/24', ...body },
  })

test('a gateway and pools follow from the CIDR', async () => {
  await using neutron = await neutronForTests()
  const net = await network(neutron)
  const made = await make(neutron, net.id, { cidr: '10.0.0.77/24', name: 's' })
  assert.deepEqual(
    [made['cidr'], made['gateway_ip'], made['allocation_pools'], made['enable_dhcp'], made['ip_version']],
    ['10.0.0.0/24', '10.0.0.1', [{ start: '10.0.0.2', end: '10.0.0.254' }], true, 4],
  )
  assert.deepEqual((await neutron.ok(member, 'GET', `/networks/${net.id}`))['subnets'], [made.id])
  const middle = await make(neutron, net.id, { cidr: '10.1.0.0/29', gateway_ip: '10.1.0.3' })
  assert.deepEqual(middle['allocation_pools'], [
    { start: '10.1.0.1', end: '10.1.0.2' },
    { start: '10.1.0.4', end: '10.1.0.6' },
  ])
  const none = await make(neutron, net.id, { cidr: '10.2.0.0/29', gateway_ip: null, enable_dhcp: false })
  assert.deepEqual([none['gateway_ip'], none['allocation_pools']], [null, [{ start: '10.2.0.1', end: '10.2.0.6' }]])
  const six = await make(neutron, net.id, { ip_version: 6, cidr: '2001:DB8::/64', dns_nameservers: ['2001:DB8::53'] })
  assert.deepEqual(
    [six['cidr'], six['gateway_ip'], six['dns_nameservers'], six['allocation_pools']],
    [
      '2001:db8::/64',
      '2001:db8::1',
      ['2001:db8::53'],
      [{ start: '2001:db8::2', end: '2001:db8::ffff:ffff:ffff:ffff' }],
    ],
  )
})

const BAD: readonly (readonly [body: Record<string, unknown>, status: number, type: string, says: RegExp])[] = [
  [{ cidr: 'x' }, 400, 'HTTPBadRequest', /^Invalid input for cidr\. Reason: 'x' is not a valid IP subnet\.$/],
  [{ cidr: null }, 400, 'BadRequest', /a subnetpool must be specified in the absence of a cidr/],
  [{ cidr: '2001:db8::/64' }, 400, 'InvalidInput', /cidr '2001:db8::\/64' does not match the ip_version '4'/],
  [{ cidr: '0.0.0.0/0' }, 400, 'InvalidInput', /0 is not allowed as CIDR prefix length/],
  [{ cidr: '10.0.0.0/31' }, 400, 'InvalidInput', /incompatible with DHCP service enabled/],
  [{ cidr: '224.0.0.0/8' }, 400, 'InvalidInput', /Multicast IP subnet is not supported if enable_dhcp is True/],
  [{ cidr: '127.0.0.0/8' }, 400, 'InvalidInput', /Loopback IP subnet is not supported/],
  [{ ip_version: 5 }, 400, 'HTTPBadRequest', /5 is not in valid_values/],
  [{ gateway_ip: '10.0.0.255' }, 400, 'InvalidInput', /Gateway is not valid on subnet/],
  [{ gateway_ip: '::1' }, 400, 'InvalidInput', /gateway_ip '::1' does not match the ip_version '4'/],
  [
    { allocation_pools: [{ start: '10.0.0.5', end: '10.0.1.5' }] },
    400,
    'OutOfBoundsAllocationPool',
    /10\.0\.0\.5-10\.0\.1\.5 spans beyond/,
  ],
  [{ allocation_pools: [{ start: '10.0.0.9', end: '10.0.0.5' }] }, 400, 'InvalidAllocationPool', /is not valid/],
  [
    {
      allocation_pools: [
        { start: '10.0.0.5', end: '10.0.0.9' },
        { start: '10.0.0.9', end: '10.0.0.20' },
      ],
    },
    409,
    'OverlappingAllocationPools',
    /Found overlapping allocation pools: 10\.0\.0\.5-10\.0\.0\.9 10\.0\.0\.9-10\.0\.0\.20/,
  ],
  [
    { gateway_ip: '10.0.0.7', allocation_pools: [{ start: '10.0.0.5', end: '10.0.0.9' }] },
    409,
    'GatewayConflictWithAllocationPools',
    /^Gateway ip 10\.0\.0\.7 conflicts with allocation pool 10\.0\.0\.5-10\.0\.0\.9\.$/,
  ],
  [{ dns_nameservers: ['x'] }, 400, 'HTTPBadRequest', /'x' is not a valid nameserver/],
  [{ dns_nameservers: ['1.1.1.1', '1.1.1.1'] }, 400, 'HTTPBadRequest', /Duplicate nameserver '1\.1\.1\.1'/],
  [
    { dns_nameservers: ['1.1.1.1', '1.1.1.2', '1.1.1.3', '1.1.1.4', '1.1.1.5', '1.1.1.6'] },
    400,
    'DNSNameServersExhausted',
    /exceeds the limit 5/,
  ],
  [
    { host_routes: [{ destination: '10.9.0.1/24', nexthop: '10.0.0.1' }] },
    400,
    'HTTPBadRequest',
    /is not a valid CIDR/,
  ],
  [
    { host_routes: [{ destination: '::/0', nexthop: '10.0.0.1' }] },
    400,
    'InvalidInput',
    /does not match the ip_version/,
  ],
  [{ ipv6_ra_mode: 'slaac' }, 400, 'InvalidInput', /ipv6_ra_mode is not valid when ip_version is 4/],
  [
    { ip_version: 6, cidr: '2001:db8::/80', ipv6_ra_mode: 'slaac', ipv6_address_mode: 'slaac' },
    400,
    'InvalidInput',
    /requires the prefix to be \/64/,
  ],
  [
    { ip_version: 6, cidr: '2001:db8::/64', ipv6_ra_mode: 'slaac', ipv6_address_mode: 'dhcpv6-stateful' },
    400,
    'InvalidInput',
    /must be the same value/,
  ],
  [
    { ip_version: 6, cidr: '2001:db8::/64', ipv6_ra_mode: 'slaac', enable_dhcp: false },
    400,
    'InvalidInput',
    /cannot be set when enable_dhcp is set to False/,
  ],
  [{ prefixlen: 24 }, 400, 'BadRequest', /cidr and prefixlen must not be supplied together/],
]
test('what cannot be is refused, and nothing is made', async () => {
  await using neutron = await neutronForTests()
  const net = await network(neutron)
  for (const [body, wanted, type, says] of BAD) {
    const refusal = await neutron.refused(member, 'POST', '/subnets', {
      subnet: { network_id: net.id, ip_version: 4, cidr: '10.0.0.0/24', ...body },
    })
    assert.deepEqual(refusal.slice(0, 2), [wanted, type], JSON.stringify(body))
    assert.match(refusal[2], says)
  }
  assert.deepEqual(await neutron.list(member, '/subnets'), [])
  await make(neutron, net.id, {})
  assert.match(
    (
      await neutron.refused(member, 'POST', '/subnets', {
        subnet: { network_id: net.id, ip_version: 4, cidr: '10.0.0.128/25' },
      })
    )[2],
    /overlaps with another subnet/,
  )
})

test('the DHCP port is there while a subnet wants DHCP', async () => {
  await using neutron = await neutronForTests()
  const net = await network(neutron)
  const dhcp = async (): Promise<Thing[]> => neutron.list(admin, '/ports?device_owner=network:dhcp')
  const one = await make(neutron, net.id, {})
  const two = await make(neutron, net.id, { cidr: '10.1.0.0/24' })
  const [port] = await dhcp()
  assert.deepEqual(port?.['fixed_ips'], [
    { subnet_id: one.id, ip_address: '10.0.0.2' },
    { subnet_id: two.id, ip_address: '10.1.0.2' },
  ])
  assert.equal(port?.['binding:host_id'], 'h1')
  await neutron.ok(member, 'PUT', `/subnets/${one.id}`, { subnet: { enable_dhcp: false } })
  assert.deepEqual((await dhcp())[0]?.['fixed_ips'], [{ subnet_id: two.id, ip_address: '10.1.0.2' }])
  await neutron.ok(member, 'DELETE', `/subnets/${two.id}`)
  assert.deepEqual(await dhcp(), [])
  assert.deepEqual(await neutron.neutron.audit(), [])
})

test('a subnet changes within what is in use', async () => {
  await using neutron = await neutronForTests()
  const net = await network(neutron)
  const made = await make(neutron, net.id, { allocation_pools: [{ start: '10.0.0.10', end: '10.0.0.20' }] })
  const changed = await neutron.ok(member, 'PUT', `/subnets/${made.id}`, {
    subnet: {
      name: 'x',
      dns_nameservers: ['9.9.9.9'],
      gateway_ip: '10.0.0.9',
      host_routes: [{ destination: '10.5.0.0/16', nexthop: '10.0.0.9' }],
    },
  })
  assert.deepEqual([changed['name'], changed['dns_nameservers'], changed['gateway_ip']], ['x', ['9.9.9.9'], '10.0.0.9'])
  const change = (body: unknown) => neutron.refused(member, 'PUT', `/subnets/${made.id}`, { subnet: body })
  assert.equal((await change({ gateway_ip: '10.0.0.15' }))[1], 'GatewayConflictWithAllocationPools')
  assert.match((await change({ cidr: '10.0.0.0/25' }))[2], /^Cannot update read-only attribute cidr$/)
  const router = await neutron.ok(member, 'POST', '/routers', { router: {} })
  await neutron.ok(member, 'PUT', `/routers/${router.id}/add_router_interface`, { subnet_id: made.id })
  assert.equal((await change({ gateway_ip: '10.0.0.8' }))[1], 'GatewayIpInUse')
  assert.deepEqual(await neutron.refused(member, 'DELETE', `/subnets/${made.id}`), [
    409,
    'SubnetInUse',
    `Unable to complete operation on subnet ${made.id}: One or more ports have an IP allocation from this subnet.`,
  ])
})

test('who sees a subnet: its project, the network’s project, and everybody where the network is shared', async () => {
  await using neutron = await neutronForTests()
  const own = await network(neutron)
  const mine = await make(neutron, own.id, {})
  assert.equal((await neutron.refused(stranger, 'GET', `/subnets/${mine.id}`))[1], 'SubnetNotFound')
  assert.equal(
    (
      await neutron.refused(stranger, 'POST', '/subnets', {
        subnet: { network_id: own.id, ip_version: 4, cidr: '10.7.0.0/24' },
      })
    )[1],
    'NetworkNotFound',
  )
  const shared = await network(neutron, { shared: true }, admin)
  const open = await neutron.ok(admin, 'POST', '/subnets', {
    subnet: { network_id: shared.id, ip_version: 4, cidr: '10.3.0.0/24' },
  })
  assert.deepEqual(
    (await neutron.list(stranger, '/subnets')).map(one => one.id),
    [open.id],
  )
  assert.deepEqual(
    (await neutron.list(stranger, '/subnets?shared=True')).map(one => one.id),
    [open.id],
  )
  assert.equal((await neutron.refused(stranger, 'PUT', `/subnets/${open.id}`, { subnet: { name: 'x' } }))[0], 403)
  assert.equal((await neutron.refused('reader@p1', 'DELETE', `/subnets/${mine.id}`))[0], 403)
})
