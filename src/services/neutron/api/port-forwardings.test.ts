// Forwardings of single ports, helpers of routers, several ways out of one router.
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { neutronForTests, type TestNeutron, type Thing } from '#services/neutron/test-neutron.ts'

const admin = 'admin@admin'
const member = 'member@p1'
const stranger = 'member@p2'
const NOBODY = '11111111-2222-4333-8444-555555555555'

async function routed(neutron: TestNeutron) {
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
  await neutron.ok(member, 'PUT', `/routers/${router.id}/add_router_interface`, { subnet_id: subnet.id })
  const port = await neutron.ok(member, 'POST', '/ports', { port: { network_id: net.id } })
  const floating = await neutron.ok(member, 'POST', '/floatingips', {
    floatingip: { floating_network_id: outside.id },
  })
  return { outside, net, subnet, router, port, floating }
}
const forwarding = (port: Thing, change: Record<string, unknown> = {}) => ({
  port_forwarding: {
    protocol: 'tcp',
    external_port: 2222,
    internal_port: 22,
    internal_port_id: port.id,
    internal_ip_address: (port['fixed_ips'] as unknown as { ip_address: string }[])[0]?.ip_address,
    ...change,
  },
})

test('ports of a floating IP lead to ports inside', async () => {
  await using neutron = await neutronForTests()
  const { router, port, floating, subnet, net } = await routed(neutron)
  const path = `/floatingips/${floating.id}/port_forwardings`
  const made = await neutron.ok(member, 'POST', path, forwarding(port, { description: 'ssh' }))
  assert.deepEqual(
    { ...made, id: '' },
    {
      id: '',
      external_port: 2222,
      external_port_range: '2222:2222',
      internal_port: 22,
      internal_port_range: '22:22',
      internal_ip_address: '10.0.0.3',
      protocol: 'tcp',
      internal_port_id: port.id,
      description: 'ssh',
    },
  )
  const shown = await neutron.ok(member, 'GET', `/floatingips/${floating.id}`)
  assert.deepEqual([shown['router_id'], shown['port_id']], [router.id, null])
  assert.equal((shown['port_forwardings'] as unknown as unknown[]).length, 1)
  await neutron.neutron.settled()
  assert.equal((await neutron.ok(member, 'GET', `/floatingips/${floating.id}`))['status'], 'ACTIVE')
  assert.equal((await neutron.list(member, `${path}?external_port=2222`)).length, 1)
  assert.equal((await neutron.list(member, `${path}?protocol=udp`)).length, 0)
  const changed = await neutron.ok(member, 'PUT', `${path}/${made.id}`, {
    port_forwarding: { external_port: 2223, description: '' },
  })
  assert.deepEqual([changed['external_port'], changed['internal_port'], changed['description']], [2223, 22, ''])
  const ranges = forwarding(port, {
    external_port: undefined,
    internal_port: undefined,
    external_port_range: '8000:8005',
    internal_port_range: '80:85',
  })
  const range = await neutron.ok(member, 'POST', path, ranges)
  assert.deepEqual([range['external_port'], range['external_port_range']], [null, '8000:8005'])
  // Both ways at once are refused.
  assert.equal(
    (await neutron.refused(member, 'PUT', `/floatingips/${floating.id}`, { floatingip: { port_id: port.id } }))[1],
    'FipInUseByPortForwarding',
  )
  const other = await neutron.ok(member, 'POST', '/floatingips', {
    floatingip: { floating_network_id: floating['floating_network_id'] },
  })
  assert.equal(
    (await neutron.refused(member, 'PUT', `/floatingips/${other.id}`, { floatingip: { port_id: port.id } }))[1],
    'PortHasPortForwarding',
  )
  assert.equal(
    (
      await neutron.refused(member, 'PUT', `/routers/${router.id}/remove_router_interface`, { subnet_id: subnet.id })
    )[1],
    'RouterInterfaceInUseByFloatingIP',
  )
  await neutron.ok(member, 'DELETE', `${path}/${made.id}`)
  // What led to a port goes with it; a floating IP without forwardings is on no router.
  await neutron.ok(member, 'DELETE', `/ports/${port.id}`)
  assert.deepEqual(await neutron.list(member, path), [])
  assert.equal((await neutron.ok(member, 'GET', `/floatingips/${floating.id}`))['router_id'], null)
  const next = await neutron.ok(member, 'POST', '/ports', { port: { network_id: net.id } })
  await neutron.ok(member, 'POST', path, forwarding(next))
  await neutron.ok(member, 'DELETE', `/floatingips/${floating.id}`)
  assert.equal((await neutron.database.kysely.selectFrom('port_forwardings').selectAll().execute()).length, 0)
  await neutron.ok(member, 'PUT', `/routers/${router.id}/remove_router_interface`, { subnet_id: subnet.id })
})

test('what forwardings refuse', async () => {
  await using neutron = await neutronForTests()
  const { port, floating, net } = await routed(neutron)
  const path = `/floatingips/${floating.id}/port_forwardings`
  const made = await neutron.ok(member, 'POST', path, forwarding(port))
  const second = await neutron.ok(member, 'POST', '/ports', { port: { network_id: net.id } })
  for (const [change, status, type] of [
    [{}, 400, 'BadRequest'],
    [{ internal_port: 23 }, 400, 'BadRequest'],
    [{ external_port: 2224 }, 400, 'BadRequest'],
    [{ external_port: 0 }, 400, 'HTTPBadRequest'],
    [{ external_port: 65_536 }, 400, 'HTTPBadRequest'],
    [{ external_port: 'x' }, 400, 'InvalidInput'],
    [{ external_port: undefined }, 400, 'BadRequest'],
    [{ external_port: undefined, external_port_range: '5:4', internal_port: 24 }, 400, 'BadRequest'],
    [{ external_port: undefined, external_port_range: 'a:b' }, 400, 'HTTPBadRequest'],
    [
      { external_port: 99, internal_port: undefined, internal_port_range: '80:85', external_port_range: undefined },
      400,
      'BadRequest',
    ],
    [{ protocol: 'gre' }, 400, 'HTTPBadRequest'],
    [{ internal_port_id: NOBODY }, 404, 'PortNotFound'],
    [{ internal_port_id: 'x' }, 400, 'HTTPBadRequest'],
    [{ internal_ip_address: '10.0.0.77', internal_port: 24, external_port: 24 }, 400, 'BadRequest'],
    [{ internal_ip_address: 'ten' }, 400, 'HTTPBadRequest'],
    [{ extra: 1 }, 400, 'HTTPBadRequest'],
  ] as const)
    assert.deepEqual(
      (await neutron.refused(member, 'POST', path, forwarding(port, change))).slice(0, 2),
      [status, type],
      JSON.stringify(change),
    )
  assert.deepEqual((await neutron.refused(stranger, 'GET', path)).slice(0, 2), [404, 'FloatingIPNotFound'])
  assert.deepEqual((await neutron.refused(stranger, 'POST', path, forwarding(second))).slice(0, 2), [
    404,
    'FloatingIPNotFound',
  ])
  assert.deepEqual((await neutron.refused('reader@p1', 'POST', path, forwarding(second))).slice(0, 2), [
    403,
    'PolicyNotAuthorized',
  ])
  assert.equal((await neutron.list('reader@p1', path)).length, 1)
  assert.deepEqual((await neutron.refused(member, 'GET', `${path}/${NOBODY}`)).slice(0, 2), [
    404,
    'PortForwardingNotFound',
  ])
  const other = await neutron.ok(member, 'POST', '/floatingips', {
    floatingip: { floating_network_id: floating['floating_network_id'] },
  })
  assert.equal((await neutron.refused(member, 'GET', `/floatingips/${other.id}/port_forwardings/${made.id}`))[0], 404)
  await neutron.ok(member, 'PUT', `/floatingips/${other.id}`, { floatingip: { port_id: second.id } })
  assert.equal(
    (await neutron.refused(member, 'POST', path, forwarding(second, { external_port: 1 })))[1],
    'PortHasBindingFloatingIP',
  )
  assert.equal(
    (await neutron.refused(member, 'POST', `/floatingips/${other.id}/port_forwardings`, forwarding(port)))[1],
    'FloatingIPPortAlreadyAssociated',
  )
})

test('helpers of connection tracking', async () => {
  await using neutron = await neutronForTests()
  const router = await neutron.ok(member, 'POST', '/routers', { router: {} })
  const path = `/routers/${router.id}/conntrack_helpers`
  const ftp = { protocol: 'tcp', port: 21, helper: 'ftp' }
  const made = await neutron.ok(member, 'POST', path, { conntrack_helper: ftp })
  assert.deepEqual({ ...made, id: '' }, { id: '', ...ftp })
  assert.deepEqual((await neutron.ok(member, 'GET', `/routers/${router.id}`))['conntrack_helpers'], [ftp])
  for (const [change, status, type] of [
    [{}, 400, 'BadRequest'],
    [{ helper: 'magic' }, 400, 'ConntrackHelperNotAllowed'],
    [{ helper: 'tftp' }, 400, 'InvalidProtocolForHelper'],
    [{ port: 0 }, 400, 'HTTPBadRequest'],
    [{ protocol: 'x' }, 400, 'HTTPBadRequest'],
  ] as const)
    assert.deepEqual(
      (await neutron.refused(member, 'POST', path, { conntrack_helper: { ...ftp, ...change } })).slice(0, 2),
      [status, type],
    )
  assert.equal(
    (await neutron.ok(member, 'PUT', `${path}/${made.id}`, { conntrack_helper: { port: 2121 } }))['port'],
    2121,
  )
  assert.equal((await neutron.refused(stranger, 'GET', path))[1], 'RouterNotFound')
  assert.equal((await neutron.refused(member, 'DELETE', `${path}/${NOBODY}`))[1], 'ConntrackHelperNotFound')
  await neutron.ok(member, 'DELETE', `${path}/${made.id}`)
  await neutron.ok(member, 'POST', path, { conntrack_helper: ftp })
  await neutron.ok(member, 'DELETE', `/routers/${router.id}`)
})

test('several ways out of one router', async () => {
  await using neutron = await neutronForTests()
  const nets: Thing[] = []
  for (const octet of [4, 5]) {
    const net = await neutron.ok(admin, 'POST', '/networks', { network: { 'router:external': true } })
    await neutron.ok(admin, 'POST', '/subnets', {
      subnet: { network_id: net.id, ip_version: 4, cidr: `172.24.${octet}.0/24`, enable_dhcp: false },
    })
    nets.push(net)
  }
  const [one, two] = nets
  const router = await neutron.ok(member, 'POST', '/routers', { router: {} })
  const path = `/routers/${router.id}`
  const ways = (of: Thing): string[] =>
    (of['external_gateways'] as unknown as { network_id: string }[]).map(way => way.network_id)
  const both = { router: { external_gateways: [{ network_id: one?.id }, { network_id: two?.id }] } }
  const added = await neutron.ok(member, 'PUT', `${path}/add_external_gateways`, both)
  assert.deepEqual(ways(added), [one?.id, two?.id])
  assert.equal((added['external_gateway_info'] as unknown as { network_id: string }).network_id, one?.id)
  const turned = await neutron.ok(member, 'PUT', `${path}/update_external_gateways`, {
    router: { external_gateways: [{ network_id: two?.id }, { network_id: one?.id }] },
  })
  assert.deepEqual(ways(turned), [two?.id, one?.id])
  const left = await neutron.ok(member, 'PUT', `${path}/remove_external_gateways`, {
    router: { external_gateways: [{ network_id: two?.id }] },
  })
  assert.deepEqual(ways(left), [one?.id])
  assert.equal((left['external_gateway_info'] as unknown as { network_id: string }).network_id, one?.id)
  for (const [verb, info, status, type] of [
    ['remove', { network_id: two?.id }, 400, 'UnableToMatchGateways'],
    ['add', { network_id: two?.id, enable_snat: false }, 403, 'PolicyNotAuthorized'],
    ['add', { network_id: NOBODY }, 404, 'NetworkNotFound'],
    ['add', { network_id: 'x' }, 400, 'HTTPBadRequest'],
    ['add', {}, 400, 'HTTPBadRequest'],
  ] as const)
    assert.deepEqual(
      (
        await neutron.refused(member, 'PUT', `${path}/${verb}_external_gateways`, {
          router: { external_gateways: [info] },
        })
      ).slice(0, 2),
      [status, type],
      verb,
    )
  assert.equal((await neutron.refused(stranger, 'PUT', `${path}/add_external_gateways`, both))[1], 'RouterNotFound')
  await neutron.ok(member, 'PUT', `${path}/update_external_gateways`, { router: { external_gateways: [] } })
  assert.equal((await neutron.ok(member, 'GET', path))['external_gateway_info'], null)
  await neutron.ok(member, 'PUT', `${path}/add_external_gateways`, both)
  await neutron.neutron.settled()
  assert.deepEqual(await neutron.neutron.audit(), [])
  await neutron.ok(member, 'DELETE', path)
  const ports = await neutron.list(admin, '/ports?device_owner=network:router_gateway')
  assert.deepEqual(ports, [])
})
