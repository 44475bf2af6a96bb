// Sharing: policies make others' things visible and usable, by name or for all; nobody loses what he uses. Address scopes, address groups.
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { neutronForTests, type TestNeutron, type Thing } from '#services/neutron/test-neutron.ts'

const ONE = '11111111111111111111111111111111'
const TWO = '22222222222222222222222222222222'
const admin = 'admin@admin'
const owner = `member@${ONE}`
const guest = `member@${TWO}`
const NOBODY = '11111111-2222-4333-8444-555555555555'

const share = (
  neutron: TestNeutron,
  type: string,
  id: string,
  change: Record<string, unknown> = {},
  token = owner,
): Promise<Thing> =>
  neutron.ok(token, 'POST', '/rbac-policies', {
    rbac_policy: { object_type: type, object_id: id, target_tenant: TWO, action: 'access_as_shared', ...change },
  })

test('a network shared with one project', async () => {
  await using neutron = await neutronForTests()
  const net = await neutron.ok(owner, 'POST', '/networks', { network: { name: 'n' } })
  const subnet = await neutron.ok(owner, 'POST', '/subnets', {
    subnet: { network_id: net.id, ip_version: 4, cidr: '10.9.0.0/24' },
  })
  assert.deepEqual((await neutron.refused(guest, 'GET', `/networks/${net.id}`)).slice(0, 2), [404, 'NetworkNotFound'])
  const policy = await share(neutron, 'network', net.id)
  assert.deepEqual(Object.keys(policy).sort(), [
    'action',
    'id',
    'object_id',
    'object_type',
    'project_id',
    'target_tenant',
    'tenant_id',
  ])
  assert.equal((await neutron.ok(guest, 'GET', `/networks/${net.id}`))['shared'], true)
  assert.equal((await neutron.ok(owner, 'GET', `/networks/${net.id}`))['shared'], false)
  assert.equal((await neutron.list(guest, '/networks?shared=True')).length, 1)
  assert.equal((await neutron.list(guest, '/networks?shared=False')).length, 0)
  assert.equal((await neutron.list(guest, '/networks')).length, 1)
  assert.equal((await neutron.list('member@33333333333333333333333333333333', '/networks')).length, 0)
  assert.equal((await neutron.list(guest, '/subnets')).length, 1)
  assert.equal((await neutron.ok(guest, 'GET', `/subnets/${subnet.id}`)).id, subnet.id)
  const port = await neutron.ok(guest, 'POST', '/ports', { port: { network_id: net.id } })
  for (const [method, body] of [
    ['DELETE', undefined],
    ['PUT', { rbac_policy: { target_tenant: ONE } }],
  ] as const)
    assert.deepEqual((await neutron.refused(owner, method, `/rbac-policies/${policy.id}`, body)).slice(0, 2), [
      409,
      'RbacPolicyInUse',
    ])
  assert.deepEqual((await neutron.refused(guest, 'GET', `/rbac-policies/${policy.id}`)).slice(0, 2), [
    404,
    'RbacPolicyNotFound',
  ])
  assert.deepEqual(await neutron.list(guest, '/rbac-policies'), [])
  await neutron.ok(guest, 'DELETE', `/ports/${port.id}`)
  await neutron.ok(owner, 'DELETE', `/rbac-policies/${policy.id}`)
  assert.deepEqual((await neutron.refused(guest, 'GET', `/networks/${net.id}`)).slice(0, 2), [404, 'NetworkNotFound'])
  await share(neutron, 'network', net.id)
  await neutron.ok(owner, 'DELETE', `/networks/${net.id}`)
  assert.deepEqual(await neutron.list(admin, '/rbac-policies'), [], 'policies go with what they share')
})

test('shared with all, by either way of saying it', async () => {
  await using neutron = await neutronForTests()
  const net = await neutron.ok(admin, 'POST', '/networks', {
    network: { shared: true, 'router:external': true, project_id: ONE },
  })
  const policies = await neutron.list(admin, `/rbac-policies?object_id=${net.id}`)
  assert.deepEqual(policies.map(one => [one['action'], one['target_tenant'], one['project_id']]).sort(), [
    ['access_as_external', '*', ONE],
    ['access_as_shared', '*', ONE],
  ])
  for (const policy of policies) await neutron.ok(admin, 'DELETE', `/rbac-policies/${policy.id}`)
  const now = await neutron.ok(admin, 'GET', `/networks/${net.id}`)
  assert.deepEqual([now['shared'], now['router:external']], [false, false])
  assert.deepEqual(await neutron.list(guest, '/networks'), [])
  await share(neutron, 'network', net.id, { action: 'access_as_external' }, admin)
  assert.equal((await neutron.ok(guest, 'GET', `/networks/${net.id}`))['router:external'], true)
  assert.deepEqual(await neutron.list('member@33333333333333333333333333333333', '/networks'), [])
  assert.deepEqual(
    (
      await neutron.refused(owner, 'POST', '/rbac-policies', {
        rbac_policy: { object_type: 'network', object_id: net.id, target_tenant: '*', action: 'access_as_shared' },
      })
    ).slice(0, 2),
    [403, 'PolicyNotAuthorized'],
  )
})

test('other things are shared alike', async () => {
  await using neutron = await neutronForTests()
  const group = await neutron.ok(owner, 'POST', '/security-groups', { security_group: { name: 's' } })
  const scope = await neutron.ok(owner, 'POST', '/address-scopes', { address_scope: { name: 'a', ip_version: 4 } })
  const pool = await neutron.ok(owner, 'POST', '/subnetpools', {
    subnetpool: { name: 'p', prefixes: ['10.0.0.0/8'], default_prefixlen: 24, address_scope_id: scope.id },
  })
  const addresses = await neutron.ok(owner, 'POST', '/address-groups', {
    address_group: { name: 'g', addresses: ['10.1.2.3/24', '2001:db8::/64', '10.1.2.0/24'] },
  })
  assert.deepEqual(addresses['addresses'], ['10.1.2.0/24', '2001:db8::/64'])
  const qos = await neutron.ok('manager@' + ONE, 'POST', '/qos/policies', { policy: { name: 'q' } })
  const all = [
    ['qos_policy', 'qos/policies', qos],
    ['security_group', 'security-groups', group],
    ['address_scope', 'address-scopes', scope],
    ['subnetpool', 'subnetpools', pool],
    ['address_group', 'address-groups', addresses],
  ] as const
  const early = await neutron.refused(owner, 'POST', '/rbac-policies', {
    rbac_policy: { object_type: 'subnetpool', object_id: pool.id, target_tenant: TWO, action: 'access_as_shared' },
  })
  assert.deepEqual(early.slice(0, 2), [400, 'RbacPolicyInitError'])
  const policies: Thing[] = []
  for (const [type, path, it] of all) {
    assert.equal((await neutron.refused(guest, 'GET', `/${path}/${it.id}`))[0], 404)
    policies.push(await share(neutron, type, it.id))
    assert.equal((await neutron.ok(guest, 'GET', `/${path}/${it.id}`))['shared'], true)
    assert.equal((await neutron.list(guest, `/${path}?shared=True`)).length, 1)
    if (type !== 'address_scope' && type !== 'address_group')
      assert.deepEqual(await neutron.list(guest, `/${path.replace('qos/', '')}/${it.id}/tags`), [])
    const [status] = await neutron.refused(guest, 'DELETE', `/${path}/${it.id}`)
    assert.equal(status, 403)
  }
  const net = await neutron.ok(guest, 'POST', '/networks', { network: {} })
  const subnet = await neutron.ok(guest, 'POST', '/subnets', {
    subnet: { network_id: net.id, ip_version: 4, subnetpool_id: pool.id },
  })
  assert.equal((await neutron.ok(guest, 'GET', `/networks/${net.id}`))['ipv4_address_scope'], scope.id)
  await neutron.ok(guest, 'POST', '/ports', { port: { network_id: net.id, security_groups: [group.id] } })
  const [own] = await neutron.list(guest, '/security-groups?name=default')
  const rule = await neutron.ok(guest, 'POST', '/security-group-rules', {
    security_group_rule: {
      security_group_id: own?.id,
      direction: 'ingress',
      protocol: 'tcp',
      remote_address_group_id: addresses.id,
    },
  })
  assert.equal(rule['remote_address_group_id'], addresses.id)
  assert.deepEqual((await neutron.refused(owner, 'DELETE', `/address-groups/${addresses.id}`)).slice(0, 2), [
    409,
    'AddressGroupInUse',
  ])
  for (const index of [1, 3, 4])
    assert.deepEqual((await neutron.refused(owner, 'DELETE', `/rbac-policies/${policies[index]?.id}`)).slice(0, 2), [
      409,
      'RbacPolicyInUse',
    ])
  assert.ok(subnet.id)
})

test('what policies refuse', async () => {
  await using neutron = await neutronForTests()
  const net = await neutron.ok(owner, 'POST', '/networks', { network: {} })
  const good = { object_type: 'network', object_id: net.id, target_tenant: TWO, action: 'access_as_shared' }
  for (const [change, status, type] of [
    [{ object_type: 'port' }, 400, 'InvalidInput'],
    [{ object_type: 'constructor' }, 400, 'InvalidInput'],
    [{ action: 'access_as_king' }, 400, 'InvalidActionForType'],
    [{ object_type: 'security_group', action: 'access_as_external' }, 400, 'InvalidActionForType'],
    [{ object_id: NOBODY }, 404, 'NetworkNotFound'],
    [{ object_id: 'x' }, 400, 'HTTPBadRequest'],
    [{ target_tenant: 'x' }, 400, 'InvalidInput'],
    [{ target_tenant: undefined }, 400, 'HTTPBadRequest'],
    [{ target_tenant: '*' }, 403, 'PolicyNotAuthorized'],
    [{ extra: 1 }, 400, 'HTTPBadRequest'],
    [{ id: NOBODY }, 400, 'HTTPBadRequest'],
  ] as const)
    assert.deepEqual(
      (await neutron.refused(owner, 'POST', '/rbac-policies', { rbac_policy: { ...good, ...change } })).slice(0, 2),
      [status, type],
      JSON.stringify(change),
    )
  assert.equal((await neutron.refused(guest, 'POST', '/rbac-policies', { rbac_policy: good }))[0], 404)
  await neutron.ok(owner, 'POST', '/rbac-policies', { rbac_policy: good })
  assert.deepEqual((await neutron.refused(owner, 'POST', '/rbac-policies', { rbac_policy: good })).slice(0, 2), [
    409,
    'DuplicateRbacPolicy',
  ])
  await neutron.ok(admin, 'PUT', `/quotas/${ONE}`, { quota: { rbac_policy: 1 } })
  assert.deepEqual(
    (await neutron.refused(owner, 'POST', '/rbac-policies', { rbac_policy: { ...good, target_tenant: ONE } })).slice(
      0,
      2,
    ),
    [409, 'OverQuota'],
  )
})

test('address scopes keep prefixes apart', async () => {
  await using neutron = await neutronForTests()
  const scope = await neutron.ok(owner, 'POST', '/address-scopes', { address_scope: { ip_version: 4 } })
  assert.deepEqual(Object.keys(scope).sort(), ['id', 'ip_version', 'name', 'project_id', 'shared', 'tenant_id'])
  const pool = (change: Record<string, unknown>): Record<string, unknown> => ({
    subnetpool: { name: 'p', prefixes: ['10.0.0.0/16'], address_scope_id: scope.id, ...change },
  })
  const one = await neutron.ok(owner, 'POST', '/subnetpools', pool({}))
  assert.equal(one['address_scope_id'], scope.id)
  for (const [change, status, type] of [
    [{ prefixes: ['10.0.128.0/24'] }, 409, 'AddressScopePrefixConflict'],
    [{ prefixes: ['2001:db8::/48'] }, 400, 'IllegalSubnetPoolIpVersionAssociationToAddressScope'],
    [{ address_scope_id: NOBODY }, 404, 'AddressScopeNotFound'],
  ] as const)
    assert.deepEqual((await neutron.refused(owner, 'POST', '/subnetpools', pool(change))).slice(0, 2), [status, type])
  const gone = await neutron.refused(owner, 'DELETE', `/address-scopes/${scope.id}`)
  assert.deepEqual(gone.slice(0, 2), [409, 'AddressScopeInUse'])
  assert.deepEqual(
    (await neutron.refused(owner, 'PUT', `/address-scopes/${scope.id}`, { address_scope: { shared: true } }))[0],
    403,
  )
  await neutron.ok(admin, 'PUT', `/address-scopes/${scope.id}`, { address_scope: { shared: true, name: 'all' } })
  assert.deepEqual(
    (await neutron.refused(admin, 'PUT', `/address-scopes/${scope.id}`, { address_scope: { shared: false } })).slice(
      0,
      2,
    ),
    [400, 'AddressScopeUpdateError'],
  )
  await neutron.ok(owner, 'PUT', `/subnetpools/${one.id}`, { subnetpool: { address_scope_id: null } })
  const net = await neutron.ok(owner, 'POST', '/networks', { network: {} })
  await neutron.ok(owner, 'POST', '/subnets', { subnet: { network_id: net.id, ip_version: 4, cidr: '10.7.0.0/24' } })
  const taken = (await neutron.call('PUT', `/v2.0/subnetpools/${one.id}/onboard_network_subnets`, {
    token: owner,
    body: { network_id: net.id },
  })) as { status: number }
  assert.equal(taken.status, 200)
  assert.deepEqual((await neutron.ok(owner, 'GET', `/subnetpools/${one.id}`))['prefixes'], [
    '10.0.0.0/16',
    '10.7.0.0/24',
  ])
  assert.equal((await neutron.list(owner, `/subnets?subnetpool_id=${one.id}`)).length, 1)
})

test('address groups change, and their hosts hear of it', async () => {
  await using neutron = await neutronForTests()
  const group = await neutron.ok(owner, 'POST', '/address-groups', { address_group: { addresses: ['10.0.0.1/32'] } })
  const path = `/address-groups/${group.id}`
  assert.deepEqual(
    (await neutron.refused(owner, 'PUT', `${path}/add_addresses`, { addresses: ['10.0.0.1/32'] })).slice(0, 2),
    [400, 'AddressesAlreadyExist'],
  )
  assert.deepEqual(
    (await neutron.refused(owner, 'PUT', `${path}/remove_addresses`, { addresses: ['10.0.0.9/32'] })).slice(0, 2),
    [404, 'AddressesNotFound'],
  )
  assert.deepEqual((await neutron.refused(owner, 'PUT', `${path}/add_addresses`, { addresses: ['ten'] })).slice(0, 2), [
    400,
    'HTTPBadRequest',
  ])
  const more = await neutron.ok(owner, 'PUT', `${path}/add_addresses`, { addresses: ['10.0.1.0/24'] })
  assert.deepEqual(more['addresses'], ['10.0.0.1/32', '10.0.1.0/24'])
  const less = await neutron.ok(owner, 'PUT', `${path}/remove_addresses`, { addresses: ['10.0.0.1/32'] })
  assert.deepEqual([less['addresses'], less['revision_number']], [['10.0.1.0/24'], 3])
  assert.deepEqual((await neutron.refused(owner, 'PUT', path, { address_group: { addresses: [] } })).slice(0, 2), [
    400,
    'HTTPBadRequest',
  ])
  const net = await neutron.ok(owner, 'POST', '/networks', { network: {} })
  await neutron.ok(owner, 'POST', '/subnets', { subnet: { network_id: net.id, ip_version: 4, cidr: '10.7.0.0/24' } })
  const [own] = await neutron.list(owner, '/security-groups')
  const rule = {
    security_group_rule: { security_group_id: own?.id, direction: 'ingress', remote_address_group_id: group.id },
  }
  await neutron.ok(owner, 'POST', '/security-group-rules', rule)
  assert.equal((await neutron.refused(owner, 'POST', '/security-group-rules', rule))[1], 'SecurityGroupRuleExists')
  assert.equal(
    (
      await neutron.refused(owner, 'POST', '/security-group-rules', {
        security_group_rule: { ...rule.security_group_rule, remote_ip_prefix: '10.0.0.0/8' },
      })
    )[1],
    'SecurityGroupMultipleRemoteEntites',
  )
  await neutron.ok('service,admin@service', 'POST', '/ports', {
    port: { network_id: net.id, project_id: ONE, 'binding:host_id': 'h1', device_owner: 'compute:nova' },
  })
  await neutron.neutron.settled()
  await neutron.ok(owner, 'PUT', `${path}/add_addresses`, { addresses: ['10.0.2.0/24'] })
  await neutron.neutron.settled()
  assert.deepEqual(await neutron.neutron.audit(), [])
})
