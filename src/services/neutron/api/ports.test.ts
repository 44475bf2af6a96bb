// Ports through the API, the whole noun: life, addresses, filters, bindings, lists, who may, and what is refused in which words.
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { neutronForTests, type TestNeutron, type Thing } from '#services/neutron/test-neutron.ts'

const member = 'member@p1'
const reader = 'reader@p1'
const stranger = 'member@p2'
const admin = 'admin@admin'
const service = 'service@service'
const NOBODY = '11111111-1111-4111-8111-111111111111'

async function withSubnet(
  neutron: TestNeutron,
  change: Record<string, unknown> = {},
  network: Record<string, unknown> = {},
) {
  const net = await neutron.ok('shared' in network ? admin : member, 'POST', '/networks', { network })
  const subnet = await neutron.ok('shared' in network ? admin : member, 'POST', '/subnets', {
    subnet: { network_id: net.id, ip_version: 4, cidr: '10.0.0.0/24', ...change },
  })
  return { net, subnet }
}
const port = (neutron: TestNeutron, body: Record<string, unknown>, token = member): Promise<Thing> =>
  neutron.ok(token, 'POST', '/ports', { port: body })
const ips = (of: Thing): string[] => (of['fixed_ips'] as unknown as { ip_address: string }[]).map(ip => ip.ip_address)

test('a port comes, changes and goes', async () => {
  await using neutron = await neutronForTests()
  const { net, subnet } = await withSubnet(neutron)
  const made = await port(neutron, { network_id: net.id, name: 'one', description: 'd', tags: ['b', 'a'] })
  assert.deepEqual(Object.keys(made).sort(), [
    'admin_state_up',
    'allowed_address_pairs',
    'binding:vnic_type',
    'created_at',
    'description',
    'device_id',
    'device_owner',
    'dns_assignment',
    'dns_name',
    'extra_dhcp_opts',
    'fixed_ips',
    'id',
    'mac_address',
    'name',
    'network_id',
    'port_security_enabled',
    'project_id',
    'qos_network_policy_id',
    'qos_policy_id',
    'revision_number',
    'security_groups',
    'status',
    'tags',
    'tenant_id',
    'updated_at',
  ])
  assert.match(String(made['mac_address']), /^fa:16:3e(:[0-9a-f]{2}){3}$/)
  assert.deepEqual(made['fixed_ips'], [{ subnet_id: subnet.id, ip_address: '10.0.0.3' }])
  assert.deepEqual([made['status'], made['tags']], ['DOWN', ['a', 'b']])
  assert.deepEqual(await neutron.ok(member, 'GET', `/ports/${made.id}`), made)
  const changed = await neutron.ok(member, 'PUT', `/ports/${made.id}`, {
    port: { name: 'two', admin_state_up: 'false' },
  })
  assert.deepEqual([changed['name'], changed['admin_state_up'], changed['revision_number']], ['two', false, 2])
  const byAdmin = await neutron.ok(admin, 'GET', `/ports/${made.id}`)
  assert.deepEqual(
    [byAdmin['binding:host_id'], byAdmin['binding:vif_type'], byAdmin['binding:profile']],
    ['', 'unbound', {}],
  )
  await neutron.ok(member, 'DELETE', `/ports/${made.id}`)
  assert.deepEqual(await neutron.refused(member, 'GET', `/ports/${made.id}`), [
    404,
    'PortNotFound',
    `Port ${made.id} could not be found.`,
  ])
  assert.deepEqual(await neutron.neutron.audit(), [])
})

test('several at once: all or none', async () => {
  await using neutron = await neutronForTests()
  const { net } = await withSubnet(neutron)
  const both = await neutron.ok(member, 'POST', '/ports', {
    ports: [{ network_id: net.id }, { network_id: net.id, name: 'b' }],
  })
  assert.equal((both as unknown as { ports: Thing[] }).ports.length, 2)
  const before = (await neutron.list(member, '/ports')).length
  const [status] = await neutron.refused(member, 'POST', '/ports', {
    ports: [{ network_id: net.id }, { network_id: NOBODY }],
  })
  assert.equal(status, 404)
  assert.equal((await neutron.list(member, '/ports')).length, before)
})

test('addresses: asked for, of a subnet, several, none; never twice', async () => {
  await using neutron = await neutronForTests()
  const { net, subnet } = await withSubnet(neutron)
  const exact = await port(neutron, { network_id: net.id, fixed_ips: [{ ip_address: '10.0.0.50' }] })
  assert.deepEqual(ips(exact), ['10.0.0.50'])
  const two = await port(neutron, {
    network_id: net.id,
    fixed_ips: [{ subnet_id: subnet.id }, { ip_address: '10.0.0.60', subnet_id: subnet.id }],
  })
  assert.equal(ips(two).length, 2)
  assert.deepEqual(ips(await port(neutron, { network_id: net.id, fixed_ips: [] })), [])
  const create = (fixed_ips: unknown) =>
    neutron.refused(member, 'POST', '/ports', { port: { network_id: net.id, fixed_ips } })
  assert.deepEqual(await create([{ ip_address: '10.0.0.50' }]), [
    409,
    'IpAddressInUse',
    `Unable to complete operation for network ${net.id}. The IP address 10.0.0.50 is in use.`,
  ])
  assert.deepEqual(await create([{ ip_address: '10.9.0.1' }]), [
    400,
    'InvalidIpForNetwork',
    'IP address 10.9.0.1 is not a valid IP for any of the subnets on the specified network.',
  ])
  assert.deepEqual(await create([{ ip_address: '10.0.0.255', subnet_id: subnet.id }]), [
    400,
    'InvalidIpForSubnet',
    'IP address 10.0.0.255 is not a valid IP for the specified subnet.',
  ])
  assert.equal((await create([{ subnet_id: NOBODY }]))[1], 'SubnetNotFound')
  assert.equal((await create([{}]))[1], 'InvalidInput')
  assert.match(
    (await create([{ ip_address: '10.0.0.7' }, { ip_address: '10.0.0.7' }]))[2],
    /Duplicate IP address '10.0.0.7'/,
  )
  assert.match(
    (await create(Array.from({ length: 6 }, () => ({ subnet_id: subnet.id }))))[2],
    /Exceeded maximum amount of fixed ips per port/,
  )
  const moved = await neutron.ok(member, 'PUT', `/ports/${exact.id}`, {
    port: { fixed_ips: [{ subnet_id: subnet.id, ip_address: '10.0.0.70' }] },
  })
  assert.deepEqual(ips(moved), ['10.0.0.70'])
  const kept = await neutron.ok(member, 'PUT', `/ports/${exact.id}`, {
    port: { fixed_ips: [{ subnet_id: subnet.id }] },
  })
  assert.deepEqual(ips(kept), ['10.0.0.70'], 'an address that fits stays')
  assert.deepEqual(await neutron.neutron.audit(), [])
})

test('a pool is given out to its last address, and gaps are found again', async () => {
  await using neutron = await neutronForTests()
  const { net } = await withSubnet(neutron, { cidr: '10.0.0.0/29', enable_dhcp: false })
  const made: Thing[] = []
  for (let index = 0; index < 5; index += 1) made.push(await port(neutron, { network_id: net.id }))
  assert.deepEqual(made.map(one => ips(one)[0]).sort(), ['10.0.0.2', '10.0.0.3', '10.0.0.4', '10.0.0.5', '10.0.0.6'])
  assert.deepEqual(await neutron.refused(member, 'POST', '/ports', { port: { network_id: net.id } }), [
    409,
    'IpAddressGenerationFailure',
    `No more IP addresses available on network ${net.id}.`,
  ])
  await neutron.ok(member, 'DELETE', `/ports/${made[1]?.id}`)
  assert.deepEqual(ips(await port(neutron, { network_id: net.id })), ['10.0.0.3'])
})

test('IPv6: guests give themselves their addresses, and Neutron knows them', async () => {
  await using neutron = await neutronForTests()
  const { net } = await withSubnet(neutron, {
    ip_version: 6,
    cidr: '2001:db8::/64',
    ipv6_address_mode: 'slaac',
    ipv6_ra_mode: 'slaac',
  })
  const made = await port(neutron, { network_id: net.id, mac_address: 'fa:16:3e:00:00:01' })
  assert.deepEqual(ips(made), ['2001:db8::f816:3eff:fe00:1'])
  const other = await neutron.ok('manager@p1', 'PUT', `/ports/${made.id}`, {
    port: { mac_address: 'FA-16-3E-00-00-02' },
  })
  assert.deepEqual([other['mac_address'], ips(other)], ['fa:16:3e:00:00:02', ['2001:db8::f816:3eff:fe00:2']])
  const [, type] = await neutron.refused(member, 'POST', '/ports', {
    port: { network_id: net.id, fixed_ips: [{ ip_address: '2001:db8::5' }] },
  })
  assert.equal(type, 'AllocationOnAutoAddressSubnet')
  await neutron.ok(member, 'POST', '/subnets', {
    subnet: {
      network_id: net.id,
      ip_version: 6,
      cidr: '2001:db8:1::/64',
      ipv6_address_mode: 'slaac',
      ipv6_ra_mode: 'slaac',
    },
  })
  assert.deepEqual(ips(await neutron.ok(member, 'GET', `/ports/${made.id}`)), [
    '2001:db8::f816:3eff:fe00:2',
    '2001:db8:1:0:f816:3eff:fe00:2',
  ])
  assert.deepEqual(await neutron.neutron.audit(), [])
})

test('filters on a port: groups, port security, address pairs, DHCP options', async () => {
  await using neutron = await neutronForTests()
  const { net } = await withSubnet(neutron)
  const [standard] = await neutron.list(member, '/security-groups')
  const made = await port(neutron, {
    network_id: net.id,
    allowed_address_pairs: [
      { ip_address: '10.1.0.0/16' },
      { ip_address: '2001:DB8::1', mac_address: 'fa:16:3e:00:00:09' },
    ],
    extra_dhcp_opts: [{ opt_name: 'mtu', opt_value: '1400' }],
  })
  assert.deepEqual(made['security_groups'], [standard?.id])
  assert.deepEqual(made['allowed_address_pairs'], [
    { mac_address: made['mac_address'], ip_address: '10.1.0.0/16' },
    { mac_address: 'fa:16:3e:00:00:09', ip_address: '2001:db8::1' },
  ])
  assert.deepEqual(made['extra_dhcp_opts'], [{ opt_name: 'mtu', opt_value: '1400', ip_version: 4 }])
  const change = (body: unknown) => neutron.refused(member, 'PUT', `/ports/${made.id}`, { port: body })
  assert.equal((await change({ port_security_enabled: false }))[1], 'PortSecurityPortHasSecurityGroup')
  assert.equal(
    (await change({ port_security_enabled: false, security_groups: [] }))[1],
    'AddressPairAndPortSecurityRequired',
  )
  assert.equal((await change({ security_groups: [NOBODY] }))[1], 'SecurityGroupNotFound')
  assert.equal((await change({ allowed_address_pairs: [{ ip_address: 'x' }] }))[0], 400)
  assert.equal(
    (await change({ allowed_address_pairs: [{ ip_address: '10.0.0.9' }, { ip_address: '10.0.0.9' }] }))[1],
    'DuplicateAddressPairInRequest',
  )
  assert.equal((await change({ extra_dhcp_opts: [{ opt_name: 'a', opt_value: 'b\nc' }] }))[0], 400)
  const open = await neutron.ok(member, 'PUT', `/ports/${made.id}`, {
    port: {
      port_security_enabled: false,
      security_groups: [],
      allowed_address_pairs: [],
      extra_dhcp_opts: [{ opt_name: 'mtu', opt_value: null }],
    },
  })
  assert.deepEqual([open['port_security_enabled'], open['security_groups'], open['extra_dhcp_opts']], [false, [], []])
  const own = await neutron.ok(member, 'POST', '/security-groups', { security_group: { name: 'mine' } })
  assert.equal((await change({ security_groups: [own.id] }))[1], 'PortSecurityAndIPRequiredForSecurityGroups')
  assert.equal((await neutron.list(member, `/ports?security_groups=${standard?.id}`)).length, 0)
})

const BAD: readonly (readonly [what: string, body: Record<string, unknown>, status: number, says: RegExp])[] = [
  ['no network', {}, 400, /^Failed to parse request\. Required attribute 'network_id' not specified$/],
  [
    'a network that is no id',
    { network_id: 'x' },
    400,
    /^Invalid input for network_id\. Reason: 'x' is not a valid UUID\.$/,
  ],
  ['an unknown attribute', { network_id: NOBODY, colour: 'red' }, 400, /^Unrecognized attribute\(s\) 'colour'$/],
  [
    'an attribute of the answer',
    { network_id: NOBODY, status: 'ACTIVE' },
    400,
    /^Attribute 'status' not allowed in POST$/,
  ],
  ['a long name', { network_id: NOBODY, name: 'n'.repeat(256) }, 400, /exceeds maximum length of 255\.$/],
  ['a name with a line break', { network_id: NOBODY, name: 'a\nb' }, 400, /is not a valid string\.$/],
  [
    'a number for a name',
    { network_id: NOBODY, name: 5 },
    400,
    /^Invalid input for name\. Reason: '5' is not a valid string\.$/,
  ],
  [
    'no boolean',
    { network_id: NOBODY, admin_state_up: 'maybe' },
    400,
    /^Invalid input for operation: 'maybe' cannot be converted to boolean\.$/,
  ],
  [
    'a bad MAC',
    { network_id: NOBODY, mac_address: 'xx' },
    400,
    /^Invalid input for mac_address\. Reason: 'xx' is not a valid MAC address\.$/,
  ],
  [
    'a bad address',
    { network_id: NOBODY, fixed_ips: [{ ip_address: '1.2.3' }] },
    400,
    /^Invalid input for fixed_ips\. Reason: '1\.2\.3' is not a valid IP address\.$/,
  ],
  ['addresses that are no list', { network_id: NOBODY, fixed_ips: 'x' }, 400, /^Invalid input for fixed_ips\./],
  [
    'an unknown kind of interface',
    { network_id: NOBODY, 'binding:vnic_type': 'paper' },
    400,
    /paper is not in valid_values/,
  ],
  [
    'groups twice',
    { network_id: NOBODY, security_groups: [NOBODY, NOBODY] },
    400,
    /^Invalid input for security_groups\. Reason: Duplicate items in the list/,
  ],
  [
    'a network that is not there',
    { network_id: NOBODY },
    404,
    /^Network 11111111-1111-4111-8111-111111111111 could not be found\.$/,
  ],
]
test('what cannot be is refused, and nothing is made', async () => {
  await using neutron = await neutronForTests()
  for (const [what, body, wanted, says] of BAD) {
    const [status, , message] = await neutron.refused(member, 'POST', '/ports', { port: body })
    assert.deepEqual([what, status], [what, wanted])
    assert.match(message, says, what)
  }
  assert.match((await neutron.refused(member, 'POST', '/ports', {}))[2], /^Unable to find 'port' in request body$/)
  assert.match((await neutron.refused(member, 'POST', '/ports', { ports: [] }))[2], /^Resources required$/)
  assert.deepEqual(await neutron.list(admin, '/ports'), [])
})

test('hardware addresses: one of each on a network, and none changes under a guest', async () => {
  await using neutron = await neutronForTests()
  const { net } = await withSubnet(neutron)
  const made = await port(neutron, { network_id: net.id, mac_address: '02:00:00:00:00:01' })
  assert.deepEqual(
    await neutron.refused(member, 'POST', '/ports', { port: { network_id: net.id, mac_address: '02-00-00-00-00-01' } }),
    [
      409,
      'MacAddressInUse',
      `Unable to complete operation for network ${net.id}. The mac address 02:00:00:00:00:01 is in use.`,
    ],
  )
  await neutron.ok(service, 'PUT', `/ports/${made.id}`, { port: { 'binding:host_id': 'h1' } })
  const [status, type] = await neutron.refused('manager@p1', 'PUT', `/ports/${made.id}`, {
    port: { mac_address: '02:00:00:00:00:02' },
  })
  assert.deepEqual([status, type], [409, 'PortBound'])
})

test('who may: strangers find nothing, readers change nothing, only services bind', async () => {
  await using neutron = await neutronForTests()
  const { net } = await withSubnet(neutron)
  const made = await port(neutron, { network_id: net.id })
  const missing = await neutron.refused(stranger, 'GET', `/ports/${NOBODY}`)
  const foreign = await neutron.refused(stranger, 'GET', `/ports/${made.id}`)
  assert.deepEqual([foreign[0], foreign[1], foreign[2].replace(made.id, NOBODY)], missing)
  for (const [method, body] of [
    ['PUT', { port: { name: 'x' } }],
    ['DELETE', undefined],
  ] as const)
    assert.equal((await neutron.refused(stranger, method, `/ports/${made.id}`, body))[1], 'PortNotFound')
  assert.deepEqual(await neutron.list(stranger, '/ports'), [])
  assert.equal(
    (await neutron.refused(stranger, 'POST', '/ports', { port: { network_id: net.id } }))[1],
    'NetworkNotFound',
  )
  assert.deepEqual(await neutron.refused(reader, 'POST', '/ports', { port: { network_id: net.id } }), [
    403,
    'PolicyNotAuthorized',
    'rule:create_port is disallowed by policy',
  ])
  assert.equal((await neutron.refused(reader, 'DELETE', `/ports/${made.id}`))[0], 403)
  assert.equal((await neutron.list(reader, '/ports')).length, 2)
  assert.deepEqual(await neutron.refused(member, 'PUT', `/ports/${made.id}`, { port: { 'binding:host_id': 'h1' } }), [
    403,
    'PolicyNotAuthorized',
    '(rule:update_port and rule:update_port:binding:host_id) is disallowed by policy',
  ])
  assert.equal(
    (await neutron.refused(member, 'POST', '/ports', { port: { network_id: net.id, project_id: 'p2' } }))[0],
    400,
  )
  assert.equal((await neutron.refused('none@p1', 'GET', `/ports/${made.id}`))[0], 404)
  assert.deepEqual(await neutron.list('admin@system', '/ports'), [])
  assert.equal((await neutron.call('GET', '/v2.0/ports')).status, 401)
})

test('on a shared network others plug in, but choose neither address nor owner', async () => {
  await using neutron = await neutronForTests()
  const { net } = await withSubnet(neutron, {}, { shared: true })
  const made = await port(neutron, { network_id: net.id })
  assert.equal(made['project_id'], 'p1')
  for (const body of [
    { fixed_ips: [{ ip_address: '10.0.0.77' }] },
    { mac_address: '02:00:00:00:00:07' },
    { device_owner: 'network:dhcp' },
    { port_security_enabled: false },
  ])
    assert.equal((await neutron.refused(member, 'POST', '/ports', { port: { network_id: net.id, ...body } }))[0], 403)
  assert.deepEqual(
    (await neutron.list(stranger, '/ports')).map(one => one.id),
    [],
  )
})

test('lists: filters, fields, sorting, pages both ways', async () => {
  await using neutron = await neutronForTests()
  const { net, subnet } = await withSubnet(neutron, { enable_dhcp: false })
  const made: Thing[] = []
  for (const name of ['c', 'a', 'b', 'a']) made.push(await port(neutron, { network_id: net.id, name }))
  const names = async (query: string): Promise<unknown[]> =>
    (await neutron.list(member, `/ports?${query}`)).map(one => one['name'])
  assert.deepEqual(await names('name=a&name=b&sort_key=name&sort_dir=asc'), ['a', 'a', 'b'])
  assert.deepEqual(await names('sort_key=name&sort_dir=desc&fields=name'), ['c', 'b', 'a', 'a'])
  assert.deepEqual(
    await names(
      `fixed_ips=${encodeURIComponent(`subnet_id=${subnet.id}`)}&fixed_ips=${encodeURIComponent('ip_address=10.0.0.3')}`,
    ),
    ['a'],
  )
  assert.equal((await names(`fixed_ips=${encodeURIComponent('ip_address_substr=0.0.')}`)).length, 4)
  assert.deepEqual(await names('admin_state_up=False'), [])
  assert.deepEqual(Object.keys((await neutron.list(member, '/ports?fields=id&fields=name'))[0] ?? {}).sort(), [
    'id',
    'name',
  ])

  const first = await neutron.call('GET', '/v2.0/ports?limit=3&sort_key=name&sort_dir=asc', { token: member })
  const page = first.json as unknown as { ports: Thing[]; ports_links: { rel: string; href: string }[] }
  assert.deepEqual(
    page.ports.map(one => one['name']),
    ['a', 'a', 'b'],
  )
  const next = new URL(page.ports_links.find(link => link.rel === 'next')?.href ?? '')
  assert.equal(next.searchParams.get('marker'), page.ports[2]?.id)
  assert.deepEqual(await names(next.search.slice(1)), ['c'])
  const last = made[0]
  assert.deepEqual(await names(`limit=2&sort_key=name&sort_dir=asc&page_reverse=True&marker=${last?.id}`), ['a', 'b'])

  for (const [query, says] of [
    ['colour=red', /\['colour'\] is invalid attribute for filtering/],
    ['sort_key=colour&sort_dir=asc', /\['colour'\] is invalid attribute for sort_keys/],
    ['sort_key=name', /must be same/],
    ['sort_key=name&sort_dir=up', /is invalid value for sort_dirs/],
    ['limit=-1', /Limit must be an integer 0 or greater and not '-1'/],
    ['limit=1&marker=nobody', /Port nobody could not be found/],
    ['admin_state_up=maybe', /cannot be converted to boolean/],
  ] as const)
    assert.match((await neutron.refused(member, 'GET', `/ports?${query}`))[2], says)
})

test('a change wanted only at one revision', async () => {
  await using neutron = await neutronForTests()
  const { net } = await withSubnet(neutron)
  const made = await port(neutron, { network_id: net.id })
  const change = (revision: string) =>
    neutron.call('PUT', `/v2.0/ports/${made.id}`, {
      token: member,
      body: { port: { name: 'x' } },
      headers: { 'if-match': `revision_number=${revision}` },
    })
  assert.equal((await change('7')).status, 412)
  assert.equal((await change('x')).status, 400)
  assert.equal((await change('1')).status, 200)
  assert.equal((await change('1')).status, 412)
})

test('quota counts ports, also those that come together', async () => {
  await using neutron = await neutronForTests({ set: { 'neutron.quota_port': '3' } })
  const { net } = await withSubnet(neutron)
  await port(neutron, { network_id: net.id })
  assert.deepEqual(
    await neutron.refused(member, 'POST', '/ports', { ports: [{ network_id: net.id }, { network_id: net.id }] }),
    [409, 'OverQuota', "Quota exceeded for resources: ['port']."],
  )
  await port(neutron, { network_id: net.id })
  await neutron.ok(admin, 'PUT', '/quotas/p1', { quota: { port: -1 } })
  await port(neutron, { network_id: net.id })
})
