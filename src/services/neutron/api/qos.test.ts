// QoS through the API: policies, the five kinds of rules, what contradicts what, and what a policy can be put on.
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { neutronForTests, type TestNeutron, type Thing } from '#services/neutron/test-neutron.ts'

const manager = 'manager,member,reader@p1'
const member = 'member,reader@p1'
const admin = 'admin@admin'
const OTHER = '00000000000040008000000000000002'
const stranger = `manager,member,reader@${OTHER}`

const policy = (neutron: TestNeutron, body: Record<string, unknown> = {}, token = manager): Promise<Thing> =>
  neutron.ok(token, 'POST', '/qos/policies', { policy: { name: 'gold', ...body } })
const rule = (neutron: TestNeutron, id: string, kind: string, body: Record<string, unknown>): Promise<Thing> =>
  neutron.ok(manager, 'POST', `/qos/policies/${id}/${kind}_rules`, { [`${kind}_rule`]: body })

test('a policy comes, changes and goes', async () => {
  await using neutron = await neutronForTests()
  const made = await policy(neutron, { description: 'fast' })
  assert.deepEqual(
    [made['name'], made['description'], made['shared'], made['is_default'], made['rules'], made['project_id']],
    ['gold', 'fast', false, false, [], 'p1'],
  )
  const changed = await neutron.ok(manager, 'PUT', `/qos/policies/${made.id}`, { policy: { name: 'silver' } })
  assert.deepEqual([changed['name'], changed['revision_number']], ['silver', 2])
  assert.deepEqual(await neutron.list(stranger, '/qos/policies'), [])
  assert.equal((await neutron.refused(stranger, 'GET', `/qos/policies/${made.id}`))[1], 'QosPolicyNotFound')
  assert.equal((await neutron.refused(stranger, 'DELETE', `/qos/policies/${made.id}`))[1], 'QosPolicyNotFound')
  assert.equal((await neutron.refused(member, 'POST', '/qos/policies', { policy: { name: 'x' } }))[0], 403)
  await neutron.ok(manager, 'PUT', `/qos/policies/${made.id}`, { policy: { shared: true } })
  assert.equal((await neutron.ok(stranger, 'GET', `/qos/policies/${made.id}`))['shared'], true)
  assert.equal(
    (await neutron.refused(stranger, 'PUT', `/qos/policies/${made.id}`, { policy: { name: 'mine' } }))[0],
    403,
  )
  assert.deepEqual(
    (await neutron.list(manager, '/qos/policies?name=silver&fields=name')).map(one => ({ ...one })),
    [{ name: 'silver' }] as never,
  )
  await neutron.ok(manager, 'DELETE', `/qos/policies/${made.id}`)
  assert.equal((await neutron.refused(manager, 'GET', `/qos/policies/${made.id}`))[0], 404)
})

test('a policy is shared with one project by RBAC', async () => {
  await using neutron = await neutronForTests()
  const { id } = await policy(neutron)
  const shared = await neutron.ok(manager, 'POST', '/rbac-policies', {
    rbac_policy: { object_type: 'qos_policy', object_id: id, action: 'access_as_shared', target_tenant: OTHER },
  })
  assert.equal((await neutron.ok(stranger, 'GET', `/qos/policies/${id}`))['shared'], true)
  const network = await neutron.ok(stranger, 'POST', '/networks', { network: { qos_policy_id: id } })
  assert.equal((await neutron.refused(manager, 'DELETE', `/rbac-policies/${shared.id}`))[0], 409)
  await neutron.ok(stranger, 'DELETE', `/networks/${network.id}`)
  await neutron.ok(manager, 'DELETE', `/rbac-policies/${shared.id}`)
  assert.equal((await neutron.refused(stranger, 'GET', `/qos/policies/${id}`))[0], 404)
})

test('a project has one default policy, which its new networks get', async () => {
  await using neutron = await neutronForTests()
  const made = await policy(neutron, { is_default: true })
  assert.deepEqual(
    await neutron.refused(manager, 'POST', '/qos/policies', { policy: { name: 'b', is_default: true } }),
    [409, 'QoSPolicyDefaultAlreadyExists', 'A default QoS policy exists for project p1.'],
  )
  await neutron.ok(manager, 'PUT', `/qos/policies/${made.id}`, { policy: { is_default: true } })
  const network = await neutron.ok(member, 'POST', '/networks', { network: {} })
  assert.equal(network['qos_policy_id'], made.id)
  const port = await neutron.ok(member, 'POST', '/ports', { port: { network_id: network.id } })
  assert.deepEqual([port['qos_policy_id'], port['qos_network_policy_id']], [null, made.id])
  const foreign = await neutron.ok(stranger, 'POST', '/networks', { network: {} })
  assert.equal(foreign['qos_policy_id'], null)
})

test('the five kinds of rules', async () => {
  await using neutron = await neutronForTests()
  const { id } = await policy(neutron)
  const kinds: [string, Record<string, unknown>, Record<string, unknown>][] = [
    ['bandwidth_limit', { max_kbps: 1000 }, { max_kbps: 1000, max_burst_kbps: 0, direction: 'egress' }],
    ['dscp_marking', { dscp_mark: '26' }, { dscp_mark: 26 }],
    ['minimum_bandwidth', { min_kbps: '500', direction: 'ingress' }, { min_kbps: 500, direction: 'ingress' }],
    ['packet_rate_limit', { max_kpps: 10 }, { max_kpps: 10, max_burst_kpps: 0, direction: 'egress' }],
    ['minimum_packet_rate', { min_kpps: 5, direction: 'any' }, { min_kpps: 5, direction: 'any' }],
  ]
  for (const [kind, body, shown] of kinds) {
    const made = await rule(neutron, id, kind, body)
    assert.deepEqual({ ...made }, { id: made.id, ...shown })
    const path = `/qos/policies/${id}/${kind}_rules/${made.id}`
    assert.deepEqual({ ...(await neutron.ok(member, 'GET', path)) }, { ...made })
    assert.deepEqual(
      (await neutron.list(member, `/qos/policies/${id}/${kind}_rules`)).map(one => one.id),
      [made.id],
    )
    assert.deepEqual(await neutron.refused(stranger, 'GET', path), [
      404,
      'QosPolicyNotFound',
      `QoS policy ${id} could not be found.`,
    ])
    assert.equal(
      (await neutron.refused(manager, 'POST', `/qos/policies/${id}/${kind}_rules`, { [`${kind}_rule`]: body }))[1],
      'QoSRulesConflict',
    )
    assert.equal((await neutron.refused(member, 'DELETE', path))[0], 403)
    if (kind === 'packet_rate_limit') continue
    for (const written of [`alias_${kind}_rules`, `alias-${kind.replaceAll('_', '-')}-rules`]) {
      const alias = await neutron.ok(member, 'GET', `/qos/${written}/${made.id}`)
      assert.equal(alias.id, made.id)
    }
    assert.equal((await neutron.refused(stranger, 'GET', `/qos/alias_${kind}_rules/${made.id}`))[1], 'QosRuleNotFound')
  }
  const rules = (await neutron.ok(member, 'GET', `/qos/policies/${id}`))['rules'] as unknown as Thing[]
  assert.deepEqual(
    rules.map(one => one['type']),
    ['bandwidth_limit', 'dscp_marking', 'minimum_bandwidth', 'minimum_packet_rate', 'packet_rate_limit'],
  )
  const limit = rules[0]?.id ?? ''
  const changed = await neutron.ok(manager, 'PUT', `/qos/policies/${id}/bandwidth_limit_rules/${limit}`, {
    bandwidth_limit_rule: { max_kbps: 2000, max_burst_kbps: 100 },
  })
  assert.deepEqual([changed['max_kbps'], changed['max_burst_kbps'], changed['direction']], [2000, 100, 'egress'])
  await neutron.ok(manager, 'PUT', `/qos/alias_bandwidth_limit_rules/${limit}`, {
    alias_bandwidth_limit_rule: { max_kbps: 3000 },
  })
  await neutron.ok(manager, 'DELETE', `/qos/alias_bandwidth_limit_rules/${limit}`)
  assert.deepEqual(await neutron.refused(member, 'GET', `/qos/policies/${id}/bandwidth_limit_rules/${limit}`), [
    404,
    'QosRuleNotFound',
    `QoS rule ${limit} for policy ${id} could not be found.`,
  ])
  await neutron.ok(manager, 'DELETE', `/qos/policies/${id}`)
})

test('what contradicts another rule is refused, and so is what is no rule', async () => {
  await using neutron = await neutronForTests()
  const { id } = await policy(neutron)
  await rule(neutron, id, 'minimum_bandwidth', { min_kbps: 500 })
  const refused = async (kind: string, body: unknown) =>
    (await neutron.refused(manager, 'POST', `/qos/policies/${id}/${kind}_rules`, { [`${kind}_rule`]: body })).slice(
      0,
      2,
    )
  assert.deepEqual(await refused('bandwidth_limit', { max_kbps: 499 }), [409, 'QoSRuleParameterConflict'])
  const high = await rule(neutron, id, 'bandwidth_limit', { max_kbps: 500 })
  assert.equal(
    (
      await neutron.refused(manager, 'PUT', `/qos/policies/${id}/bandwidth_limit_rules/${high.id}`, {
        bandwidth_limit_rule: { max_kbps: 10 },
      })
    )[1],
    'QoSRuleParameterConflict',
  )
  await rule(neutron, id, 'minimum_packet_rate', { min_kpps: 5, direction: 'ingress' })
  assert.deepEqual(await refused('minimum_packet_rate', { min_kpps: 5, direction: 'any' }), [
    409,
    'QoSRuleParameterConflict',
  ])
  for (const [kind, body] of [
    ['bandwidth_limit', {}],
    ['bandwidth_limit', { max_kbps: -1 }],
    ['bandwidth_limit', { max_kbps: 2 ** 31 }],
    ['bandwidth_limit', { max_kbps: 'many' }],
    ['bandwidth_limit', { max_kbps: 1, direction: 'any' }],
    ['bandwidth_limit', { max_kbps: 1, colour: 'red' }],
    ['dscp_marking', { dscp_mark: 9 }],
    ['minimum_packet_rate', { min_kpps: 1, direction: 'sideways' }],
  ] as const)
    assert.equal((await refused(kind, body))[0], 400, JSON.stringify(body))
  const gone = '00000000-0000-4000-8000-000000000000'
  assert.equal(
    (await neutron.refused(manager, 'GET', `/qos/policies/${gone}/dscp_marking_rules`))[1],
    'QosPolicyNotFound',
  )
})

test('a policy is put on networks, ports, floating IPs and gateways, and not removed from under them', async () => {
  await using neutron = await neutronForTests()
  const [one, two] = [await policy(neutron), await policy(neutron, { name: 'two' })]
  const outside = await neutron.ok(admin, 'POST', '/networks', { network: { 'router:external': true } })
  await neutron.ok(admin, 'POST', '/subnets', {
    subnet: { network_id: outside.id, ip_version: 4, cidr: '172.24.4.0/24' },
  })
  const network = await neutron.ok(member, 'POST', '/networks', { network: { qos_policy_id: one.id } })
  const port = await neutron.ok(member, 'POST', '/ports', { port: { network_id: network.id, qos_policy_id: two.id } })
  assert.deepEqual([port['qos_policy_id'], port['qos_network_policy_id']], [two.id, one.id])
  const floating = await neutron.ok(member, 'POST', '/floatingips', {
    floatingip: { floating_network_id: outside.id, qos_policy_id: two.id },
  })
  assert.deepEqual([floating['qos_policy_id'], floating['qos_network_policy_id']], [two.id, null])
  const router = await neutron.ok(member, 'POST', '/routers', {
    router: { external_gateway_info: { network_id: outside.id, qos_policy_id: two.id } },
  })
  const gateway = (it: Thing) =>
    (it['external_gateway_info'] as unknown as { qos_policy_id: string | null }).qos_policy_id
  assert.equal(gateway(router), two.id)
  assert.deepEqual((await neutron.refused(manager, 'DELETE', `/qos/policies/${one.id}`)).slice(1), [
    'QosPolicyInUse',
    `QoS Policy ${one.id} is used by network ${network.id}.`,
  ])
  assert.equal((await neutron.refused(manager, 'DELETE', `/qos/policies/${two.id}`))[1], 'QosPolicyInUse')
  assert.equal(
    (await neutron.refused(stranger, 'POST', '/networks', { network: { qos_policy_id: one.id } }))[1],
    'QosPolicyNotFound',
  )
  // A router's gateway keeps its policy while the gateway stays and nothing is said of it.
  const kept = await neutron.ok(member, 'PUT', `/routers/${router.id}`, {
    router: { external_gateway_info: { network_id: outside.id } },
  })
  assert.equal(gateway(kept), two.id)
  await neutron.ok(member, 'PUT', `/routers/${router.id}`, { router: { external_gateway_info: {} } })
  await neutron.ok(member, 'PUT', `/networks/${network.id}`, { network: { qos_policy_id: null } })
  await neutron.ok(member, 'DELETE', `/ports/${port.id}`)
  await neutron.ok(member, 'PUT', `/floatingips/${floating.id}`, { floatingip: { qos_policy_id: null } })
  for (const { id } of [one, two]) await neutron.ok(manager, 'DELETE', `/qos/policies/${id}`)
})

test('what goes takes its policy off', async () => {
  await using neutron = await neutronForTests()
  const { id } = await policy(neutron)
  const outside = await neutron.ok(admin, 'POST', '/networks', { network: { 'router:external': true } })
  await neutron.ok(admin, 'POST', '/subnets', {
    subnet: { network_id: outside.id, ip_version: 4, cidr: '172.24.4.0/24', enable_dhcp: false },
  })
  const router = await neutron.ok(member, 'POST', '/routers', {
    router: { external_gateway_info: { network_id: outside.id, qos_policy_id: id } },
  })
  await neutron.ok(member, 'POST', '/floatingips', {
    floatingip: { floating_network_id: outside.id, qos_policy_id: id },
  })
  await neutron.ok(member, 'DELETE', `/routers/${router.id}`)
  await neutron.ok(admin, 'DELETE', `/networks/${outside.id}`)
  assert.deepEqual(await neutron.neutron.audit(), [])
  await neutron.ok(manager, 'DELETE', `/qos/policies/${id}`)
})

test('kinds of rules, and for administrators what enforces them', async () => {
  await using neutron = await neutronForTests()
  const types = await neutron.list(member, '/qos/rule-types')
  assert.equal(types.length, 5)
  const shown = await neutron.ok(admin, 'GET', '/qos/rule-types/dscp_marking')
  assert.equal((shown['drivers'] as unknown as { name: string }[])[0]?.name, 'linux')
  const promised = await neutron.ok(admin, 'GET', '/qos/rule-types/minimum_bandwidth')
  assert.deepEqual(promised['drivers'], [], 'no host holds it')
  assert.equal((await neutron.refused(member, 'GET', '/qos/rule-types/dscp_marking'))[0], 403)
  assert.equal((await neutron.refused(admin, 'GET', '/qos/rule-types/magic'))[0], 404)
})
