// Routers and floating IPs through the API: gateways, interfaces, routes, associations, and what keeps what from going.
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { neutronForTests, type TestNeutron, type Thing } from '#services/neutron/test-neutron.ts'

const member = 'member@p1'
const admin = 'admin@admin'
const stranger = 'member@p2'
const NOBODY = '11111111-1111-4111-8111-111111111111'

interface World {
  readonly outside: Thing
  readonly net: Thing
  readonly subnet: Thing
  readonly router: Thing
}
async function world(neutron: TestNeutron): Promise<World> {
  const outside = await neutron.ok(admin, 'POST', '/networks', { network: { 'router:external': true } })
  await neutron.ok(admin, 'POST', '/subnets', {
    subnet: { network_id: outside.id, ip_version: 4, cidr: '172.24.4.0/24', enable_dhcp: false },
  })
  const net = await neutron.ok(member, 'POST', '/networks', { network: {} })
  const subnet = await neutron.ok(member, 'POST', '/subnets', {
    subnet: { network_id: net.id, ip_version: 4, cidr: '10.0.0.0/24' },
  })
  const router = await neutron.ok(member, 'POST', '/routers', {
    router: { external_gateway_info: { network_id: outside.id } },
  })
  return { outside, net, subnet, router }
}
const join = (neutron: TestNeutron, router: Thing, body: unknown): Promise<Thing> =>
  neutron.ok(member, 'PUT', `/routers/${router.id}/add_router_interface`, body)

test('a router with a way out, joined and parted', async () => {
  await using neutron = await neutronForTests()
  const { outside, net, subnet, router } = await world(neutron)
  const info = router['external_gateway_info'] as unknown as {
    network_id: string
    enable_snat: boolean
    external_fixed_ips: { ip_address: string }[]
  }
  assert.deepEqual(
    [info.network_id, info.enable_snat, info.external_fixed_ips.map(ip => ip.ip_address)],
    [outside.id, true, ['172.24.4.2']],
  )
  const joint = await join(neutron, router, { subnet_id: subnet.id })
  assert.deepEqual(
    [joint.id, joint['network_id'], joint['subnet_id'], joint['subnet_ids'], joint['project_id']],
    [router.id, net.id, subnet.id, [subnet.id], 'p1'],
  )
  const port = await neutron.ok(member, 'GET', `/ports/${joint['port_id']}`)
  assert.deepEqual(
    [port['device_owner'], port['device_id'], port['security_groups'], port['port_security_enabled']],
    ['network:router_interface', router.id, [], false],
  )
  assert.deepEqual(await neutron.refused(member, 'DELETE', `/ports/${port.id}`), [
    409,
    'ServicePortInUse',
    `Port ${port.id} cannot be deleted directly via the port API: has device owner network:router_interface.`,
  ])
  assert.match(
    (await neutron.refused(member, 'PUT', `/routers/${router.id}/add_router_interface`, { subnet_id: subnet.id }))[2],
    /Router already has a port on subnet/,
  )
  assert.equal((await neutron.refused(member, 'DELETE', `/routers/${router.id}`))[1], 'RouterInUse')
  await neutron.ok(member, 'PUT', `/routers/${router.id}/remove_router_interface`, { subnet_id: subnet.id })
  assert.deepEqual(
    (
      await neutron.refused(member, 'PUT', `/routers/${router.id}/remove_router_interface`, { subnet_id: subnet.id })
    ).slice(0, 2),
    [404, 'RouterInterfaceNotFoundForSubnet'],
  )
  const closed = await neutron.ok(member, 'PUT', `/routers/${router.id}`, { router: { external_gateway_info: {} } })
  assert.equal(closed['external_gateway_info'], null)
  await neutron.ok(member, 'DELETE', `/routers/${router.id}`)
  assert.equal((await neutron.refused(member, 'GET', `/routers/${router.id}`))[1], 'RouterNotFound')
  assert.deepEqual(await neutron.neutron.audit(), [])
})

test('joining by a port that is there', async () => {
  await using neutron = await neutronForTests()
  const { net, subnet, router } = await world(neutron)
  const port = await neutron.ok(member, 'POST', '/ports', {
    port: { network_id: net.id, fixed_ips: [{ ip_address: '10.0.0.99' }] },
  })
  const joint = await join(neutron, router, { port_id: port.id })
  assert.deepEqual([joint['port_id'], joint['subnet_id']], [port.id, subnet.id])
  const other = await neutron.ok(member, 'POST', '/routers', { router: {} })
  assert.equal(
    (await neutron.refused(member, 'PUT', `/routers/${other.id}/add_router_interface`, { port_id: port.id }))[1],
    'PortInUse',
  )
  await neutron.ok(member, 'PUT', `/routers/${router.id}/remove_router_interface`, { port_id: port.id })
  assert.equal((await neutron.refused(member, 'GET', `/ports/${port.id}`))[0], 404)
})

test('what a router refuses', async () => {
  await using neutron = await neutronForTests()
  const { outside, net, subnet, router } = await world(neutron)
  const add = (body: unknown) => neutron.refused(member, 'PUT', `/routers/${router.id}/add_router_interface`, body)
  assert.match((await add({}))[2], /Either subnet_id or port_id must be specified/)
  assert.match((await add({ subnet_id: 'x' }))[2], /'x' is not a valid UUID/)
  assert.match((await add({ subnet_id: subnet.id, port_id: NOBODY }))[2], /Cannot specify both subnet-id and port-id/)
  assert.equal((await add({ subnet_id: NOBODY }))[1], 'SubnetNotFound')
  assert.equal((await add({ port_id: NOBODY }))[1], 'PortNotFound')
  const without = await neutron.ok(member, 'POST', '/networks', { network: {} })
  const lonely = await neutron.ok(member, 'POST', '/subnets', {
    subnet: { network_id: without.id, ip_version: 4, cidr: '10.8.0.0/24', gateway_ip: null },
  })
  assert.match((await add({ subnet_id: lonely.id }))[2], /Subnet for router interface must have a gateway IP/)
  const twin = await neutron.ok(member, 'POST', '/subnets', {
    subnet: { network_id: without.id, ip_version: 4, cidr: '172.24.4.0/26' },
  })
  assert.match((await add({ subnet_id: twin.id }))[2], /overlaps with cidr/)
  const gateway = (info: unknown) =>
    neutron.refused(member, 'PUT', `/routers/${router.id}`, { router: { external_gateway_info: info } })
  assert.match((await gateway({ network_id: net.id }))[2], /is not an external network/)
  assert.equal((await gateway({ network_id: NOBODY }))[1], 'NetworkNotFound')
  assert.equal((await gateway({ network_id: outside.id, enable_snat: false }))[0], 403)
  assert.equal((await neutron.refused(stranger, 'GET', `/routers/${router.id}`))[1], 'RouterNotFound')
  assert.equal(
    (await neutron.refused(stranger, 'PUT', `/routers/${router.id}/add_router_interface`, { subnet_id: subnet.id }))[1],
    'RouterNotFound',
  )
  assert.equal(
    (
      await neutron.refused('reader@p1', 'PUT', `/routers/${router.id}/add_router_interface`, { subnet_id: subnet.id })
    )[0],
    403,
  )
})

test('extra routes: whole, and one by one', async () => {
  await using neutron = await neutronForTests()
  const { subnet, router } = await world(neutron)
  await join(neutron, router, { subnet_id: subnet.id })
  const a = { destination: '192.168.1.0/24', nexthop: '10.0.0.9' }
  const b = { destination: '192.168.2.0/24', nexthop: '10.0.0.9' }
  const set = (routes: unknown) => neutron.ok(member, 'PUT', `/routers/${router.id}`, { router: { routes } })
  assert.deepEqual((await set([a]))['routes'], [a])
  const more = await neutron.ok(member, 'PUT', `/routers/${router.id}/add_extraroutes`, { router: { routes: [a, b] } })
  assert.deepEqual(more['routes'], [a, b])
  const less = await neutron.ok(member, 'PUT', `/routers/${router.id}/remove_extraroutes`, { router: { routes: [a] } })
  assert.deepEqual(less['routes'], [b])
  const refuse = (routes: unknown) => neutron.refused(member, 'PUT', `/routers/${router.id}`, { router: { routes } })
  assert.match(
    (await refuse([{ destination: '192.168.3.0/24', nexthop: '9.9.9.9' }]))[2],
    /^Invalid format for routes: .*, the nexthop is not connected with router$/,
  )
  assert.match(
    (await refuse([{ destination: '192.168.3.0/24', nexthop: '10.0.0.1' }]))[2],
    /the nexthop is used by router$/,
  )
  assert.equal((await refuse([{ destination: '192.168.3.1/24', nexthop: '10.0.0.9' }]))[0], 400)
  assert.equal(
    (
      await neutron.refused(member, 'PUT', `/routers/${router.id}/remove_router_interface`, { subnet_id: subnet.id })
    )[1],
    'RouterInterfaceInUseByRoute',
  )
})

test('a floating IP leads somewhere, elsewhere, nowhere', async () => {
  await using neutron = await neutronForTests()
  const { outside, net, subnet, router } = await world(neutron)
  await join(neutron, router, { subnet_id: subnet.id })
  const guest = await neutron.ok(member, 'POST', '/ports', { port: { network_id: net.id, name: 'guest' } })
  const made = await neutron.ok(member, 'POST', '/floatingips', {
    floatingip: { floating_network_id: outside.id, description: 'd' },
  })
  assert.deepEqual(
    [made['port_id'], made['status'], made['router_id'], made['port_details']],
    [null, 'DOWN', null, null],
  )
  const led = await neutron.ok(member, 'PUT', `/floatingips/${made.id}`, { floatingip: { port_id: guest.id } })
  assert.deepEqual([led['port_id'], led['router_id'], led['fixed_ip_address']], [guest.id, router.id, '10.0.0.3'])
  assert.equal((led['port_details'] as unknown as Thing)['name'], 'guest')
  assert.deepEqual(
    (await neutron.list(member, `/floatingips?port_id=${guest.id}`)).map(one => one.id),
    [made.id],
  )
  assert.equal(
    (
      await neutron.refused(member, 'PUT', `/routers/${router.id}/remove_router_interface`, { subnet_id: subnet.id })
    )[1],
    'RouterInterfaceInUseByFloatingIP',
  )
  assert.equal(
    (await neutron.refused(member, 'PUT', `/routers/${router.id}`, { router: { external_gateway_info: null } }))[1],
    'RouterExternalGatewayInUseByFloatingIp',
  )
  assert.match(
    (
      await neutron.refused(member, 'PUT', `/ports/${guest.id}`, { port: { fixed_ips: [{ ip_address: '10.0.0.44' }] } })
    )[2],
    /has been associated to a floating ip/,
  )
  const second = await neutron.refused(member, 'POST', '/floatingips', {
    floatingip: { floating_network_id: outside.id, port_id: guest.id },
  })
  assert.deepEqual(second.slice(0, 2), [409, 'FloatingIPPortAlreadyAssociated'])
  const told = await neutron.ok(member, 'PUT', `/floatingips/${made.id}`, { floatingip: { description: 'e' } })
  assert.deepEqual([told['description'], told['port_id']], ['e', guest.id])
  await neutron.ok(member, 'DELETE', `/ports/${guest.id}`)
  const free = await neutron.ok(member, 'GET', `/floatingips/${made.id}`)
  assert.deepEqual([free['port_id'], free['fixed_ip_address'], free['router_id']], [null, null, null])
  await neutron.ok(member, 'DELETE', `/floatingips/${made.id}`)
  assert.deepEqual(await neutron.list(admin, '/ports?device_owner=network:floatingip'), [])
  assert.deepEqual(await neutron.neutron.audit(), [])
})

test('what a floating IP refuses', async () => {
  await using neutron = await neutronForTests()
  const { outside, net } = await world(neutron)
  const guest = await neutron.ok(member, 'POST', '/ports', { port: { network_id: net.id } })
  const create = (body: Record<string, unknown>, token = member) =>
    neutron.refused(token, 'POST', '/floatingips', { floatingip: { floating_network_id: outside.id, ...body } })
  assert.match((await create({ floating_network_id: net.id }))[2], /is not a valid external network/)
  const far = await create({ port_id: guest.id })
  assert.equal(far[0], 404)
  assert.match(
    far[2],
    /^External network .* is not reachable from subnet .*\. {2}Therefore, cannot associate Port .* with a Floating IP\.$/,
  )
  assert.equal((await create({ port_id: NOBODY }))[1], 'PortNotFound')
  assert.match(
    (await create({ fixed_ip_address: '10.0.0.3' }))[2],
    /fixed_ip_address cannot be specified without a port_id/,
  )
  assert.equal((await create({ floating_ip_address: '172.24.4.200' }))[0], 403, 'a manager may choose, a member not')
  const chosen = await neutron.ok('manager@p1', 'POST', '/floatingips', {
    floatingip: { floating_network_id: outside.id, floating_ip_address: '172.24.4.200' },
  })
  assert.equal(chosen['floating_ip_address'], '172.24.4.200')
  assert.equal((await create({ floating_ip_address: '172.24.4.200' }, 'manager@p1'))[1], 'IpAddressInUse')
  assert.equal((await create({ port_id: guest.id }, stranger))[1], 'PortNotFound')
  assert.equal((await neutron.refused(stranger, 'DELETE', `/floatingips/${chosen.id}`))[1], 'FloatingIPNotFound')
  await neutron.ok(admin, 'PUT', '/quotas/p1', { quota: { floatingip: 1 } })
  assert.equal((await create({}))[1], 'OverQuota')
})

test('an external network goes with the floating IPs that nobody uses', async () => {
  await using neutron = await neutronForTests()
  const outside = await neutron.ok(admin, 'POST', '/networks', { network: { 'router:external': true } })
  await neutron.ok(admin, 'POST', '/subnets', {
    subnet: { network_id: outside.id, ip_version: 4, cidr: '172.30.0.0/24', enable_dhcp: false },
  })
  const floating = await neutron.ok(member, 'POST', '/floatingips', { floatingip: { floating_network_id: outside.id } })
  await neutron.ok(admin, 'DELETE', `/networks/${outside.id}`)
  assert.equal((await neutron.refused(member, 'GET', `/floatingips/${floating.id}`))[0], 404)
  assert.deepEqual(await neutron.neutron.audit(), [])
})
