// Security groups and rules through the API.
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { neutronForTests } from '#services/neutron/test-neutron.ts'

const member = 'member@p1'
const admin = 'admin@admin'
const stranger = 'member@p2'
const NOBODY = '11111111-1111-4111-8111-111111111111'

interface Rule {
  readonly direction: string
  readonly ethertype: string
  readonly remote_group_id: string | null
}

test('everybody has a default group from the first look on', async () => {
  await using neutron = await neutronForTests()
  const [group, ...more] = await neutron.list(member, '/security-groups')
  assert.deepEqual([group?.['name'], group?.['description'], more.length], ['default', 'Default security group', 0])
  const rules = ((group?.['security_group_rules'] ?? []) as unknown as Rule[]).map(
    rule => `${rule.direction} ${rule.ethertype} ${rule.remote_group_id === group?.id}`,
  )
  assert.deepEqual(rules.sort(), ['egress IPv4 false', 'egress IPv6 false', 'ingress IPv4 true', 'ingress IPv6 true'])
  assert.deepEqual(await neutron.refused(member, 'POST', '/security-groups', { security_group: { name: 'Default' } }), [
    409,
    'SecurityGroupDefaultAlreadyExists',
    'Default security group already exists.',
  ])
  assert.deepEqual(await neutron.refused(member, 'DELETE', `/security-groups/${group?.id}`), [
    409,
    'SecurityGroupCannotRemoveDefault',
    'Insufficient rights for removing default security group.',
  ])
  assert.equal(
    (await neutron.refused(member, 'PUT', `/security-groups/${group?.id}`, { security_group: { name: 'x' } }))[1],
    'SecurityGroupCannotUpdateDefault',
  )
})

test('a group comes, changes and goes; one in use stays', async () => {
  await using neutron = await neutronForTests()
  const made = await neutron.ok(member, 'POST', '/security-groups', { security_group: { name: 'web' } })
  assert.equal((made['security_group_rules'] as unknown as Rule[]).length, 2)
  const changed = await neutron.ok(member, 'PUT', `/security-groups/${made.id}`, {
    security_group: { name: 'www', description: 'd', stateful: false },
  })
  assert.deepEqual([changed['name'], changed['description'], changed['stateful']], ['www', 'd', false])
  assert.equal((await neutron.refused(stranger, 'GET', `/security-groups/${made.id}`))[1], 'SecurityGroupNotFound')
  const net = await neutron.ok(member, 'POST', '/networks', { network: {} })
  await neutron.ok(member, 'POST', '/subnets', { subnet: { network_id: net.id, ip_version: 4, cidr: '10.0.0.0/24' } })
  const port = await neutron.ok(member, 'POST', '/ports', { port: { network_id: net.id, security_groups: [made.id] } })
  assert.deepEqual(await neutron.refused(member, 'DELETE', `/security-groups/${made.id}`), [
    409,
    'SecurityGroupInUse',
    `Security Group ${made.id} in use.`,
  ])
  await neutron.ok(member, 'DELETE', `/ports/${port.id}`)
  await neutron.ok(member, 'DELETE', `/security-groups/${made.id}`)
})

test('rules: what is made of them', async () => {
  await using neutron = await neutronForTests()
  const [group] = await neutron.list(member, '/security-groups')
  const make = (body: Record<string, unknown>) =>
    neutron.ok(member, 'POST', '/security-group-rules', {
      security_group_rule: { security_group_id: group?.id, direction: 'ingress', ...body },
    })
  const ssh = await make({ protocol: 'TCP', port_range_min: '22', port_range_max: 22, remote_ip_prefix: '10.0.0.5/24' })
  assert.deepEqual(
    [
      ssh['protocol'],
      ssh['port_range_min'],
      ssh['port_range_max'],
      ssh['remote_ip_prefix'],
      ssh['normalized_cidr'],
      ssh['ethertype'],
      ssh['belongs_to_default_sg'],
    ],
    ['tcp', 22, 22, '10.0.0.5/24', '10.0.0.0/24', 'IPv4', true],
  )
  assert.equal((await make({ protocol: 'icmp', ethertype: 'ipv6' }))['protocol'], 'ipv6-icmp')
  assert.equal((await make({ protocol: 'any', remote_ip_prefix: '1.2.3.4' }))['remote_ip_prefix'], '1.2.3.4/32')
  const all = await make({ protocol: 'udp', port_range_min: 1, port_range_max: 65_535 })
  assert.deepEqual([all['port_range_min'], all['port_range_max']], [null, null])
  assert.equal((await make({ protocol: '17', ethertype: 'IPv6' }))['protocol'], '17')
  await neutron.ok(member, 'DELETE', `/security-group-rules/${ssh.id}`)
  assert.deepEqual(await neutron.refused(member, 'GET', `/security-group-rules/${ssh.id}`), [
    404,
    'SecurityGroupRuleNotFound',
    `Security group rule ${ssh.id} does not exist`,
  ])
})

const BAD: readonly (readonly [body: Record<string, unknown>, status: number, type: string])[] = [
  [{ direction: 'sideways' }, 400, 'HTTPBadRequest'],
  [{ ethertype: 'IPv5' }, 400, 'SecurityGroupRuleInvalidEtherType'],
  [{ protocol: 'gopher' }, 400, 'SecurityGroupRuleInvalidProtocol'],
  [{ protocol: 256 }, 400, 'SecurityGroupRuleInvalidProtocol'],
  [{ port_range_min: 1, port_range_max: 2 }, 400, 'SecurityGroupProtocolRequiredWithPorts'],
  [{ protocol: 'tcp', port_range_min: 5, port_range_max: 4 }, 400, 'SecurityGroupInvalidPortRange'],
  [{ protocol: 'tcp', port_range_min: 5 }, 400, 'SecurityGroupInvalidPortRange'],
  [{ protocol: 'tcp', port_range_min: 0, port_range_max: 5 }, 400, 'SecurityGroupInvalidPortValue'],
  [{ protocol: 'tcp', port_range_min: 1, port_range_max: 70_000 }, 400, 'SecurityGroupInvalidPortValue'],
  [{ protocol: 'icmp', port_range_min: 256 }, 400, 'SecurityGroupInvalidIcmpValue'],
  [{ protocol: 'icmp', port_range_max: 3 }, 400, 'SecurityGroupMissingIcmpType'],
  [{ protocol: 'gre', port_range_min: 1, port_range_max: 2 }, 400, 'SecurityGroupInvalidProtocolForPort'],
  [{ protocol: 'ipv6-icmp' }, 400, 'SecurityGroupEthertypeConflictWithProtocol'],
  [{ remote_ip_prefix: '10.0.0.0/99' }, 400, 'InvalidCIDR'],
  [{ remote_ip_prefix: '::/0' }, 400, 'SecurityGroupRuleParameterConflict'],
  [{ remote_group_id: NOBODY }, 404, 'SecurityGroupNotFound'],
  [{ security_group_id: NOBODY }, 404, 'SecurityGroupNotFound'],
  [{ direction: 'egress' }, 409, 'SecurityGroupRuleExists'],
  [{ direction: 'egress', remote_ip_prefix: '0.0.0.0/0' }, 409, 'SecurityGroupRuleExists'],
]
test('rules: what is refused', async () => {
  await using neutron = await neutronForTests()
  const [group] = await neutron.list(member, '/security-groups')
  const create = (body: Record<string, unknown>, token = member) =>
    neutron.refused(token, 'POST', '/security-group-rules', {
      security_group_rule: { security_group_id: group?.id, direction: 'ingress', ...body },
    })
  for (const [body, status, type] of BAD)
    assert.deepEqual((await create(body)).slice(0, 2), [status, type], JSON.stringify(body))
  assert.equal(
    (await create({ remote_group_id: group?.id ?? '', remote_ip_prefix: '10.0.0.0/8' }))[1],
    'SecurityGroupMultipleRemoteEntites',
  )
  assert.equal((await create({}, stranger))[1], 'SecurityGroupNotFound')
  assert.equal((await create({}, 'reader@p1'))[0], 403)
  assert.equal((await neutron.list(member, '/security-group-rules')).length, 4)
  await neutron.ok(admin, 'PUT', '/quotas/p1', { quota: { security_group_rule: 4 } })
  assert.equal((await create({}))[1], 'OverQuota')
})
