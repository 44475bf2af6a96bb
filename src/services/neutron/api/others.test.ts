// Tags, quotas, agents and the small read-only nouns through the API.
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { neutronForTests } from '#services/neutron/test-neutron.ts'

const member = 'member@p1'
const admin = 'admin@admin'
const stranger = 'member@p2'

test('tags: put on, looked for, taken off', async () => {
  await using neutron = await neutronForTests()
  const net = await neutron.ok(member, 'POST', '/networks', { network: {} })
  const other = await neutron.ok(member, 'POST', '/networks', { network: {} })
  const at = `/networks/${net.id}/tags`
  await neutron.ok(member, 'PUT', at, { tags: ['red', 'blue', 'red'] })
  assert.deepEqual((await neutron.ok(member, 'GET', at)) as unknown, { tags: ['blue', 'red'] })
  assert.equal((await neutron.call('PUT', `/v2.0${at}/green`, { token: member })).status, 201)
  assert.equal((await neutron.call('GET', `/v2.0${at}/green`, { token: member })).status, 204)
  await neutron.ok(member, 'PUT', `/networks/${other.id}/tags`, { tags: ['red'] })
  const found = async (query: string): Promise<string[]> =>
    (await neutron.list(member, `/networks?${query}`)).map(one => one.id).sort()
  assert.deepEqual(await found('tags=red,blue'), [net.id])
  assert.deepEqual(await found('tags-any=green,blue'), [net.id])
  assert.deepEqual(await found('not-tags=red,blue'), [other.id])
  assert.deepEqual(await found('not-tags-any=blue'), [other.id])
  assert.deepEqual(await neutron.refused(member, 'DELETE', `${at}/grey`), [
    404,
    'TagNotFound',
    'Tag grey could not be found.',
  ])
  assert.equal((await neutron.refused(member, 'PUT', `${at}/${'x'.repeat(256)}`))[1], 'InvalidInput')
  assert.match(
    (await neutron.refused(member, 'PUT', at, { tags: Array.from({ length: 51 }, (_one, index) => `t${index}`) }))[2],
    /per-resource limit of 50/,
  )
  assert.equal((await neutron.refused(stranger, 'GET', at))[1], 'TagResourceNotFound')
  assert.equal((await neutron.refused('reader@p1', 'PUT', `${at}/x`))[0], 403)
  await neutron.ok(member, 'DELETE', `${at}/red`)
  await neutron.ok(member, 'DELETE', at)
  assert.deepEqual((await neutron.ok(member, 'GET', `/networks/${net.id}`))['tags'], [])
  await neutron.ok(member, 'DELETE', `/networks/${other.id}`)
  assert.deepEqual(await neutron.neutron.audit(), [], 'tags go with their thing')
  const [group] = await neutron.list(member, '/security-groups')
  await neutron.ok(member, 'PUT', `/security_groups/${group?.id}/tags`, { tags: ['a'] })
  assert.deepEqual((await neutron.ok(member, 'GET', `/security-groups/${group?.id}/tags`)) as unknown, { tags: ['a'] })
})

test('quotas: seen by managers, changed by administrators, kept', async () => {
  await using neutron = await neutronForTests()
  const defaults = {
    network: 100,
    subnet: 100,
    port: 500,
    router: 10,
    floatingip: 50,
    security_group: 10,
    subnetpool: -1,
    rbac_policy: 10,
    security_group_rule: 100,
    project_id: 'p1',
  }
  assert.deepEqual(await neutron.ok('manager@p1', 'GET', '/quotas/p1'), defaults)
  assert.deepEqual(await neutron.ok('manager@p1', 'GET', '/quotas/p1/default'), defaults)
  assert.equal((await neutron.refused(member, 'GET', '/quotas/p1'))[0], 404)
  assert.equal((await neutron.refused('manager@p1', 'PUT', '/quotas/p1', { quota: { network: 1 } }))[0], 403)
  assert.equal((await neutron.refused(member, 'GET', '/quotas'))[1], 'AdminRequired')
  await neutron.ok(admin, 'PUT', '/quotas/p1', { quota: { network: '1', port: -1 } })
  assert.equal((await neutron.list(admin, '/quotas')).length, 1)
  await neutron.ok(member, 'POST', '/networks', { network: {} })
  assert.equal((await neutron.refused(member, 'POST', '/networks', { network: {} }))[1], 'OverQuota')
  const details = (await neutron.ok(admin, 'GET', '/quotas/p1/details.json')) as unknown as Record<string, unknown>
  assert.deepEqual(details['network'], { limit: 1, used: 1, reserved: 0 })
  for (const quota of [{ network: -2 }, { network: 'x' }, { colour: 1 }, { network: 3_000_000_000 }])
    assert.equal((await neutron.refused(admin, 'PUT', '/quotas/p1', { quota }))[0], 400)
  await neutron.ok(admin, 'DELETE', '/quotas/p1')
  assert.deepEqual(await neutron.ok('manager@p1', 'GET', '/quotas/p1'), defaults)
})

test('agents: who said hello', async () => {
  await using neutron = await neutronForTests({ hosts: ['h1', 'h2'] })
  const agents = await neutron.list(admin, '/agents?sort_key=agent_type&sort_dir=asc')
  assert.deepEqual(agents.map(one => `${one['agent_type']} ${one['host']} ${one['alive']}`).sort(), [
    'DHCP agent h1 true',
    'L3 agent h1 true',
    'Linux bridge agent h1 true',
    'Linux bridge agent h2 true',
    'Metadata agent h1 true',
  ])
  const id = agents[0]?.id ?? ''
  assert.equal(
    (await neutron.ok(admin, 'PUT', `/agents/${id}`, { agent: { description: 'd', admin_state_up: false } }))[
      'description'
    ],
    'd',
  )
  assert.deepEqual(await neutron.list(member, '/agents'), [])
  assert.equal((await neutron.refused(member, 'GET', `/agents/${id}`))[0], 404)
  await neutron.ok(admin, 'DELETE', `/agents/${id}`)
  assert.equal((await neutron.refused(admin, 'GET', `/agents/${id}`))[1], 'AgentNotFound')
})

test('zones, providers, pools of floating IPs, how full networks are', async () => {
  await using neutron = await neutronForTests()
  assert.equal((await neutron.list(member, '/availability_zones?resource=router')).length, 1)
  assert.equal((await neutron.list(member, '/service-providers'))[0]?.['service_type'], 'L3_ROUTER_NAT')
  const outside = await neutron.ok(admin, 'POST', '/networks', { network: { 'router:external': true, name: 'out' } })
  await neutron.ok(admin, 'POST', '/subnets', {
    subnet: { network_id: outside.id, ip_version: 4, cidr: '172.24.4.0/24', enable_dhcp: false },
  })
  await neutron.ok(member, 'POST', '/floatingips', { floatingip: { floating_network_id: outside.id } })
  assert.equal((await neutron.list(member, '/floatingip_pools'))[0]?.['cidr'], '172.24.4.0/24')
  const usage = await neutron.ok(admin, 'GET', `/network-ip-availabilities/${outside.id}`)
  assert.deepEqual([usage['network_name'], usage['used_ips'], usage['total_ips']], ['out', 1, 253])
  assert.equal((await neutron.refused(member, 'GET', `/network-ip-availabilities/${outside.id}`))[0], 404)
})

test('what an operator takes from an agent is not served until it is given back', async () => {
  await using neutron = await neutronForTests()
  const net = await neutron.ok(member, 'POST', '/networks', { network: {} })
  const subnet = await neutron.ok(member, 'POST', '/subnets', {
    subnet: { network_id: net.id, ip_version: 4, cidr: '10.0.0.0/24' },
  })
  const router = await neutron.ok(member, 'POST', '/routers', { router: {} })
  await neutron.ok(member, 'PUT', `/routers/${router.id}/add_router_interface`, { subnet_id: subnet.id })
  const idOf = async (type: string): Promise<string> =>
    (await neutron.list(admin, `/agents?agent_type=${encodeURIComponent(type)}`))[0]?.id ?? ''
  const dhcp = await idOf('DHCP agent')
  const l3 = await idOf('L3 agent')
  const hosting = async () => [
    (await neutron.list(admin, `/networks/${net.id}/dhcp-agents`)).map(one => one.id),
    (await neutron.list(admin, `/agents/${dhcp}/dhcp-networks`)).map(one => one.id),
    (await neutron.list(admin, `/routers/${router.id}/l3-agents`)).map(one => one.id),
    (await neutron.list(admin, `/agents/${l3}/l3-routers`)).map(one => one.id),
  ]
  assert.deepEqual(await hosting(), [[dhcp], [net.id], [l3], [router.id]])
  await neutron.ok(admin, 'DELETE', `/agents/${dhcp}/dhcp-networks/${net.id}`)
  await neutron.ok(admin, 'DELETE', `/agents/${l3}/l3-routers/${router.id}`)
  assert.deepEqual(await hosting(), [[], [], [], []])
  assert.equal(
    (await neutron.refused(admin, 'DELETE', `/agents/${dhcp}/dhcp-networks/${net.id}`))[1],
    'NetworkNotHostedByDhcpAgent',
  )
  assert.deepEqual(await neutron.neutron.audit(), [])
  await neutron.ok(admin, 'POST', `/agents/${dhcp}/dhcp-networks`, { network_id: net.id })
  await neutron.ok(admin, 'POST', `/agents/${l3}/l3-routers`, { router_id: router.id })
  assert.deepEqual(await hosting(), [[dhcp], [net.id], [l3], [router.id]])
  assert.equal(
    (await neutron.refused(admin, 'POST', `/agents/${l3}/l3-routers`, { router_id: router.id }))[1],
    'RouterHostedByL3Agent',
  )
  assert.equal(
    (await neutron.refused(admin, 'POST', `/agents/${l3}/dhcp-networks`, { network_id: net.id }))[1],
    'InvalidDHCPAgent',
  )
  assert.equal((await neutron.refused(member, 'GET', `/agents/${dhcp}/dhcp-networks`))[0], 404)
  assert.deepEqual(await neutron.neutron.audit(), [])
})
