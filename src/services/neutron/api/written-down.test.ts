// Nouns that are written down: metering, service flavors, what new security groups begin with, segments and ranges, topologies made by themselves.
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { neutronForTests, type TestNeutron, type Thing } from '#services/neutron/test-neutron.ts'

const admin = 'admin@admin'
const manager = 'manager@p1'
const member = 'member@p1'
const stranger = 'member@p2'
const NOBODY = '11111111-2222-4333-8444-555555555555'

async function refusals(
  neutron: TestNeutron,
  token: string,
  path: string,
  key: string,
  good: Record<string, unknown>,
  table: readonly (readonly [Record<string, unknown>, number, string])[],
): Promise<void> {
  for (const [change, status, type] of table)
    assert.deepEqual(
      (await neutron.refused(token, 'POST', path, { [key]: { ...good, ...change } })).slice(0, 2),
      [status, type],
      JSON.stringify(change),
    )
}

test('metering labels and their rules', async () => {
  await using neutron = await neutronForTests()
  const label = await neutron.ok(manager, 'POST', '/metering/metering-labels', {
    metering_label: { name: 'm', description: 'd' },
  })
  assert.deepEqual(
    { ...label, id: '' },
    {
      id: '',
      name: 'm',
      description: 'd',
      project_id: 'p1',
      tenant_id: 'p1',
      shared: false,
    },
  )
  const good = { metering_label_id: label.id, direction: 'ingress', remote_ip_prefix: '10.0.0.0/24' }
  const rule = await neutron.ok(manager, 'POST', '/metering/metering-label-rules', { metering_label_rule: good })
  assert.deepEqual([rule['excluded'], rule['remote_ip_prefix']], [false, '10.0.0.0/24'])
  await refusals(neutron, manager, '/metering/metering-label-rules', 'metering_label_rule', good, [
    [{ metering_label_id: NOBODY }, 404, 'MeteringLabelNotFound'],
    [{ metering_label_id: 'x' }, 400, 'HTTPBadRequest'],
    [{ direction: 'up' }, 400, 'HTTPBadRequest'],
    [{ remote_ip_prefix: 'ten' }, 400, 'HTTPBadRequest'],
    [{ excluded: 'maybe' }, 400, 'InvalidInput'],
  ])
  assert.equal((await neutron.refused(member, 'POST', '/metering/metering-labels', { metering_label: {} }))[0], 403)
  const path = `/metering/metering-labels/${label.id}`
  assert.equal((await neutron.refused(stranger, 'GET', path))[1], 'MeteringLabelNotFound')
  assert.equal((await neutron.list(stranger, '/metering/metering-label-rules')).length, 0)
  await neutron.ok(manager, 'DELETE', path)
  assert.equal(
    (await neutron.refused(manager, 'GET', `/metering/metering-label-rules/${rule.id}`))[1],
    'MeteringLabelRuleNotFound',
  )
})

test('flavors of services and their profiles', async () => {
  await using neutron = await neutronForTests()
  const profile = await neutron.ok(admin, 'POST', '/service_profiles', { service_profile: { metainfo: '{}' } })
  const flavor = await neutron.ok(admin, 'POST', '/flavors', { flavor: { name: 'f', service_type: 'L3_ROUTER_NAT' } })
  assert.deepEqual([flavor['enabled'], flavor['service_profiles']], [true, []])
  assert.equal((await neutron.list(member, '/flavors')).length, 1)
  assert.equal((await neutron.list(member, '/service_profiles')).length, 0)
  const path = `/flavors/${flavor.id}/service_profiles`
  await neutron.ok(admin, 'POST', path, { service_profile: { id: profile.id } })
  assert.deepEqual((await neutron.ok(member, 'GET', `/flavors/${flavor.id}`))['service_profiles'], [profile.id])
  assert.equal(
    (await neutron.refused(admin, 'POST', path, { service_profile: { id: profile.id } }))[1],
    'FlavorServiceProfileBindingExists',
  )
  assert.equal((await neutron.refused(admin, 'DELETE', `/service_profiles/${profile.id}`))[1], 'ServiceProfileInUse')
  await neutron.ok(admin, 'DELETE', `${path}/${profile.id}`)
  assert.equal((await neutron.refused(admin, 'DELETE', `${path}/${profile.id}`))[0], 404)
  await neutron.ok(admin, 'PUT', `/flavors/${flavor.id}`, { flavor: { enabled: false, description: null } })
  await refusals(neutron, admin, '/service_profiles', 'service_profile', {}, [
    [{}, 400, 'ServiceProfileEmpty'],
    [{ driver: 'x' }, 404, 'ServiceProfileDriverNotFound'],
    [{ driver: 5 }, 400, 'HTTPBadRequest'],
  ])
  await refusals(neutron, admin, '/flavors', 'flavor', {}, [
    [{}, 400, 'HTTPBadRequest'],
    [{ service_type: 'MAGIC' }, 400, 'HTTPBadRequest'],
    [{ service_type: 'QOS', service_profiles: [NOBODY] }, 404, 'ServiceProfileNotFound'],
  ])
  assert.equal((await neutron.refused(member, 'POST', '/flavors', { flavor: { service_type: 'QOS' } }))[0], 403)
  await neutron.ok(admin, 'DELETE', `/flavors/${flavor.id}`)
  await neutron.ok(admin, 'DELETE', `/service_profiles/${profile.id}`)
})

test('what new security groups begin with', async () => {
  await using neutron = await neutronForTests()
  const path = '/default-security-group-rules'
  assert.equal((await neutron.list(member, path)).length, 4)
  const good = { direction: 'ingress', protocol: 'tcp', port_range_min: 22, port_range_max: 22 }
  const made = await neutron.ok(admin, 'POST', path, { default_security_group_rule: good })
  assert.deepEqual([made['used_in_default_sg'], made['used_in_non_default_sg']], [false, true])
  assert.equal(
    (await neutron.refused(admin, 'POST', path, { default_security_group_rule: good }))[1],
    'DefaultSecurityGroupRuleExists',
  )
  assert.equal((await neutron.refused(member, 'POST', path, { default_security_group_rule: good }))[0], 403)
  const group = await neutron.ok(member, 'POST', '/security-groups', { security_group: { name: 'g' } })
  const rules = group['security_group_rules'] as unknown as Thing[]
  assert.deepEqual(rules.map(rule => String(rule['protocol'])).sort(), ['null', 'null', 'tcp'])
  const [own] = await neutron.list(member, '/security-groups?name=default')
  const inside = (own?.['security_group_rules'] ?? []) as unknown as Thing[]
  assert.equal(inside.length, 4)
  await neutron.ok(admin, 'DELETE', `${path}/${made.id}`)
  assert.equal((await neutron.refused(admin, 'GET', `${path}/${made.id}`))[1], 'DefaultSecurityGroupRuleNotFound')
})

test('groups that do not say whether they are stateful', async () => {
  await using neutron = await neutronForTests()
  const path = '/security-groups-default-statefulness'
  const key = 'security_groups_default_statefulness'
  const stateful = async (token: string): Promise<unknown> =>
    (await neutron.ok(token, 'POST', '/security-groups', { security_group: { name: 'g' } }))['stateful']
  assert.equal(await stateful(member), true)
  const all = await neutron.ok(admin, 'POST', path, { [key]: { project_id: null, stateful: false } })
  assert.deepEqual([all['project_id'], all['stateful']], [null, false])
  assert.equal(await stateful(member), false)
  const own = await neutron.ok(manager, 'POST', path, { [key]: { stateful: true } })
  assert.equal(await stateful(member), true)
  assert.equal(await stateful(stranger), false)
  assert.equal(
    (await neutron.refused(manager, 'POST', path, { [key]: {} }))[1],
    'SecurityGroupDefaultStatefulnessAlreadyExists',
  )
  assert.equal((await neutron.refused(manager, 'POST', path, { [key]: { project_id: null } }))[0], 403)
  assert.equal((await neutron.refused(member, 'PUT', `${path}/${own.id}`, { [key]: { stateful: false } }))[0], 403)
  assert.equal((await neutron.refused(stranger, 'GET', `${path}/${own.id}`))[0], 404)
  await neutron.ok(manager, 'PUT', `${path}/${own.id}`, { [key]: { stateful: false } })
  await neutron.ok(manager, 'DELETE', `${path}/${own.id}`)
})

test('segments and the ranges they come from', async () => {
  await using neutron = await neutronForTests()
  const net = await neutron.ok(member, 'POST', '/networks', { network: {} })
  const [first] = await neutron.list(admin, `/segments?network_id=${net.id}`)
  assert.equal(first?.['network_type'], 'vxlan')
  assert.deepEqual(await neutron.list(member, '/segments'), [])
  const segment = await neutron.ok(admin, 'POST', '/segments', {
    segment: { network_id: net.id, network_type: 'vxlan', segmentation_id: 5000, name: 's' },
  })
  await neutron.ok(admin, 'PUT', `/segments/${segment.id}`, { segment: { name: 't', description: 'd' } })
  await refusals(neutron, admin, '/segments', 'segment', { network_id: net.id, network_type: 'vxlan' }, [
    [{ segmentation_id: 5000 }, 409, 'TunnelIdInUse'],
    [{ network_type: 'magic' }, 400, 'InvalidInput'],
    [{ network_type: 'flat' }, 400, 'InvalidInput'],
    [{ network_id: NOBODY }, 404, 'NetworkNotFound'],
    [{ segmentation_id: 'x' }, 400, 'InvalidInput'],
  ])
  const subnet = { network_id: net.id, ip_version: 4, cidr: '10.0.0.0/24', segment_id: segment.id }
  await neutron.ok(admin, 'POST', '/subnets', { subnet })
  assert.equal(
    (
      await neutron.refused(admin, 'POST', '/subnets', { subnet: { ...subnet, cidr: '10.1.0.0/24', segment_id: null } })
    )[1],
    'SubnetsNotAllAssociatedWithSegments',
  )
  assert.equal((await neutron.refused(admin, 'DELETE', `/segments/${segment.id}`))[1], 'SegmentInUse')
  await neutron.ok(admin, 'DELETE', `/networks/${net.id}`)
  assert.deepEqual(await neutron.list(admin, '/segments'), [])

  const ranges = '/network_segment_ranges'
  const [whole] = await neutron.list(admin, ranges)
  assert.equal(whole?.['default'], true)
  assert.equal(
    (await neutron.refused(admin, 'DELETE', `${ranges}/${whole?.id}`))[1],
    'NetworkSegmentRangeDefaultReadOnly',
  )
  const good = { name: 'r', network_type: 'vxlan', minimum: 100, maximum: 101, shared: false, project_id: 'p1' }
  const range = await neutron.ok(admin, 'POST', ranges, { network_segment_range: good })
  assert.deepEqual(range['available'], [100, 101])
  const numbers: unknown[] = []
  for (let turn = 0; turn < 3; turn += 1) {
    const made = await neutron.ok(member, 'POST', '/networks', { network: {} })
    numbers.push((await neutron.ok(admin, 'GET', `/networks/${made.id}`))['provider:segmentation_id'])
  }
  assert.deepEqual(numbers.slice(0, 2), [100, 101])
  assert.deepEqual((await neutron.ok(admin, 'GET', `${ranges}/${range.id}`))['used'], { 100: 'p1', 101: 'p1' })
  await refusals(neutron, admin, ranges, 'network_segment_range', good, [
    [{}, 409, 'NetworkSegmentRangeOverlaps'],
    [{ minimum: 9, maximum: 8 }, 400, 'InvalidInput'],
    [{ network_type: 'vlan' }, 400, 'InvalidInput'],
    [{ network_type: 'flat' }, 400, 'HTTPBadRequest'],
    [{ minimum: 'x' }, 400, 'InvalidInput'],
  ])
  assert.equal(
    (await neutron.refused(admin, 'DELETE', `${ranges}/${range.id}`))[1],
    'NetworkSegmentRangeReferencedByProject',
  )
  await neutron.ok(admin, 'PUT', `${ranges}/${range.id}`, { network_segment_range: { maximum: 110 } })
  await neutron.ok(admin, 'PUT', `${ranges}/${range.id}/tags`, { tags: ['a'] })
  assert.deepEqual((await neutron.ok(admin, 'GET', `${ranges}/${range.id}`))['tags'], ['a'])
  assert.deepEqual(await neutron.list(member, ranges), [])
})

test('some network, for those who ask for one', async () => {
  await using neutron = await neutronForTests()
  const path = '/auto-allocated-topology'
  assert.deepEqual((await neutron.refused(member, 'GET', `${path}/p1`)).slice(0, 2), [409, 'AutoAllocationFailure'])
  const outside = await neutron.ok(admin, 'POST', '/networks', {
    network: { 'router:external': true, is_default: true },
  })
  assert.equal(outside['is_default'], true)
  assert.equal(
    (await neutron.refused(admin, 'POST', '/networks', { network: { 'router:external': true, is_default: true } }))[1],
    'DefaultExternalNetworkExists',
  )
  await neutron.ok(admin, 'POST', '/subnets', {
    subnet: { network_id: outside.id, ip_version: 4, cidr: '172.24.4.0/24', enable_dhcp: false },
  })
  await neutron.ok(admin, 'POST', '/subnetpools', {
    subnetpool: { name: 'p', prefixes: ['10.0.0.0/8'], default_prefixlen: 26, shared: true, is_default: true },
  })
  assert.equal((await neutron.ok(member, 'GET', `${path}/p1?fields=dry-run`)).id, 'dry-run=pass')
  const made = await neutron.ok('reader@p1', 'GET', `${path}/None`)
  assert.equal((await neutron.ok(member, 'GET', `${path}/p1`)).id, made.id)
  const net = await neutron.ok(member, 'GET', `/networks/${made.id}`)
  assert.deepEqual([net['name'], net['admin_state_up']], ['auto_allocated_network', true])
  assert.equal((await neutron.list(member, '/routers?name=auto_allocated_router')).length, 1)
  assert.equal((await neutron.refused(member, 'GET', `${path}/p2`))[0], 403)
  await neutron.ok(member, 'DELETE', `${path}/p1`)
  assert.deepEqual(await neutron.list(member, '/networks?name=auto_allocated_network'), [])
  assert.deepEqual(await neutron.list(member, '/routers'), [])
  // A try that was cut off in the middle is finished by the next.
  await neutron.ok(member, 'POST', '/networks', { network: { name: 'auto_allocated_network' } })
  await neutron.ok(member, 'GET', `${path}/p1`)
  assert.equal((await neutron.list(member, '/networks?name=auto_allocated_network')).length, 1)
})
