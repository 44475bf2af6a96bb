// Neutron's networks, floating addresses and security groups in Nova's old words.
import assert from 'node:assert/strict'
import { test } from 'node:test'

import { nicsDb } from '#services/nova/db/nics.ts'
import { testNova, type Canned } from '#services/nova/test-nova.ts'

const NET = '11111111-1111-4111-8111-111111111111'
const EXT = '22222222-2222-4222-8222-222222222222'
const PORT = '33333333-3333-4333-8333-333333333333'
const FIP = '44444444-4444-4444-8444-444444444444'
const GROUP = '55555555-5555-4555-8555-555555555555'
const RULE = '66666666-6666-4666-8666-666666666666'
const NOWHERE = '99999999-9999-4999-8999-999999999999'

/** A small Neutron: one network, one port of `serverId`, one floating address, one group. */
function neutron(of: { serverId?: string; portOfFip?: string | null; quota?: boolean; duplicate?: boolean } = {}) {
  const sent: { method: string; path: string; body: unknown }[] = []
  const fip = {
    id: FIP,
    floating_ip_address: '172.24.4.9',
    fixed_ip_address: of.portOfFip ? '10.0.0.5' : null,
    floating_network_id: EXT,
    port_id: of.portOfFip ?? null,
  }
  const port = {
    id: PORT,
    network_id: NET,
    device_id: of.serverId ?? '',
    mac_address: 'fa:16:3e:00:00:01',
    fixed_ips: [{ subnet_id: 'sub', ip_address: '10.0.0.5' }],
  }
  const rule = {
    id: RULE,
    direction: 'ingress',
    security_group_id: GROUP,
    protocol: 'tcp',
    port_range_min: null,
    port_range_max: null,
    remote_group_id: null,
    remote_ip_prefix: null,
  }
  const group = {
    id: GROUP,
    name: 'web',
    description: 'd',
    tenant_id: 'p1',
    security_group_rules: [rule, { ...rule, id: 'out', direction: 'egress' }],
  }
  const network = { id: NET, name: 'private', subnets: ['sub'], tenant_id: 'p1', mtu: 1450 }
  const refusal = (status: number, message: string) => ({ status, json: { NeutronError: { message } } })
  const canned: Canned = (method, path, request) => {
    const body = typeof request.body === 'string' ? (JSON.parse(request.body) as Record<string, never>) : null
    if (method !== 'GET') sent.push({ method, path, body })
    const query = new URLSearchParams(request.query)
    if (path === '/v2.0/networks') {
      if (query.get('router:external') === 'True' || query.get('id') === EXT)
        return { json: { networks: [{ ...network, id: EXT, name: 'public' }] } }
      return { json: { networks: query.get('shared') === 'True' ? [] : [network] } }
    }
    if (path === `/v2.0/networks/${NET}`) return { json: { network } }
    if (path === '/v2.0/floatingips' && method === 'GET') {
      const wanted = query.get('floating_ip_address')
      return { json: { floatingips: wanted === null || wanted === '172.24.4.9' ? [fip] : [] } }
    }
    if (path === '/v2.0/floatingips')
      return of.quota === true
        ? refusal(409, "Quota exceeded for resources: ['floatingip'].")
        : { status: 201, json: { floatingip: fip } }
    if (path === `/v2.0/floatingips/${FIP}`) return { json: { floatingip: fip } }
    if (path === '/v2.0/ports') return { json: { ports: [port] } }
    if (path === `/v2.0/ports/${PORT}`) return { json: { port } }
    if (path === '/v2.0/subnets') return { json: { subnets: [{ id: 'sub' }] } }
    if (path === '/v2.0/security-groups')
      return method === 'GET' ? { json: { security_groups: [group] } } : { json: { security_group: group } }
    if (path === `/v2.0/security-groups/${GROUP}`) return { json: { security_group: group } }
    if (path === '/v2.0/security-group-rules')
      return of.duplicate === true
        ? refusal(409, `Security group rule already exists. Rule id is ${RULE}.`)
        : { json: { security_group_rule: { ...rule, port_range_min: 22, port_range_max: 22 } } }
    if (path === `/v2.0/security-group-rules/${RULE}`) return { status: 204 }
    return refusal(404, `${path} could not be found`)
  }
  return { canned, sent }
}

test('networks are two known fields of thirty, more for administrators; until 2.35', async () => {
  const nova = await testNova({ neighbours: { neutron: neutron().canned } })
  const { json } = await nova.call('GET', '/v2.1/os-networks')
  const [first] = (json as { networks: Record<string, unknown>[] }).networks
  assert.equal(first?.['label'], 'private')
  assert.equal(first?.['cidr'], null)
  assert.ok(first !== undefined && !('vlan' in first))
  const seen = await nova.call('GET', `/v2.1/os-networks/${NET}`, { as: 'admin@p1' })
  assert.ok('vlan' in (seen.json as { network: object }).network)
  assert.equal((await nova.call('GET', `/v2.1/os-networks/${NOWHERE}`)).status, 404)
  const tenant = await nova.call('GET', '/v2.1/os-tenant-networks')
  assert.deepEqual(tenant.json, { networks: [{ id: NET, cidr: 'None', label: 'private' }] })
  assert.equal((await nova.call('GET', `/v2.1/os-tenant-networks/${NOWHERE}`)).status, 404)
  for (const path of ['os-networks', 'os-tenant-networks', 'os-floating-ips', 'os-floating-ip-pools'])
    assert.equal((await nova.call('GET', `/v2.1/${path}`, { at: '2.36' })).status, 404, path)
  assert.equal((await nova.call('GET', '/v2.1/os-security-groups', { at: '2.36' })).status, 404)
  assert.deepEqual(nova.errors, [])
  await nova.close()
})

test('floating addresses are listed with server and pool, taken from a pool by name, and given back', async () => {
  const serverId = '77777777-7777-4777-8777-777777777777'
  const nova = await testNova({ neighbours: { neutron: neutron({ serverId, portOfFip: PORT }).canned } })
  assert.deepEqual((await nova.call('GET', '/v2.1/os-floating-ips')).json, {
    floating_ips: [{ fixed_ip: '10.0.0.5', id: FIP, instance_id: serverId, ip: '172.24.4.9', pool: 'public' }],
  })
  assert.equal((await nova.call('GET', `/v2.1/os-floating-ips/${NOWHERE}`)).status, 404)
  assert.equal((await nova.call('POST', '/v2.1/os-floating-ips', { body: { pool: 'public' } })).status, 200)
  assert.equal((await nova.call('POST', '/v2.1/os-floating-ips', { body: null })).status, 200)
  assert.equal((await nova.call('POST', '/v2.1/os-floating-ips', { body: { pool: 'nope' } })).status, 404)
  assert.equal((await nova.call('DELETE', `/v2.1/os-floating-ips/${FIP}`)).status, 202)
  assert.equal((await nova.call('DELETE', `/v2.1/os-floating-ips/${NOWHERE}`)).status, 404)
  await nova.close()
  const full = await testNova({ neighbours: { neutron: neutron({ quota: true }).canned } })
  assert.equal((await full.call('POST', '/v2.1/os-floating-ips', { body: { pool: 'public' } })).status, 403)
  await full.close()
})

test("a server's fixed and floating addresses, until 2.43: its own only, not while locked", async () => {
  const serverId = '77777777-7777-4777-8777-777777777777'
  const { canned, sent } = neutron({ serverId })
  const nova = await testNova({ neighbours: { neutron: canned } })
  await nova.addServer({ id: serverId })
  await nova.database.tx(nova.ctx(), 'wire', q =>
    nicsDb(q).replace(serverId, [
      {
        portId: PORT,
        networkId: NET,
        networkLabel: 'private',
        mac: 'fa:16:3e:00:00:01',
        mtu: 1450,
        tap: 'tap1',
        ours: true,
        tag: null,
        addresses: [{ address: '10.0.0.5', version: 4, subnetId: 'sub', floating: [] }],
        vifType: 'bridge',
      },
    ]),
  )
  const act = (body: object, more: { at?: string; as?: string } = {}, id = serverId) =>
    nova.call('POST', `/v2.1/servers/${id}/action`, { body, ...more })
  assert.equal((await act({ addFixedIp: { networkId: NET } })).status, 202)
  assert.deepEqual(sent.at(-1)?.body, {
    port: { fixed_ips: [{ subnet_id: 'sub', ip_address: '10.0.0.5' }, { subnet_id: 'sub' }] },
  })
  assert.equal((await act({ addFixedIp: { networkId: NOWHERE } })).status, 404)
  assert.equal((await act({ addFixedIp: {} })).status, 400)
  assert.equal((await act({ removeFixedIp: { address: '10.0.0.5' } })).status, 202)
  assert.equal((await act({ removeFixedIp: { address: '10.0.0.99' } })).status, 400)
  assert.equal((await act({ addFloatingIp: { address: '172.24.4.9' } })).status, 202)
  assert.deepEqual(sent.at(-1)?.body, { floatingip: { port_id: PORT, fixed_ip_address: '10.0.0.5' } })
  assert.equal((await act({ addFloatingIp: { address: '172.24.4.9', fixed_address: '10.0.0.77' } })).status, 400)
  assert.equal((await act({ addFloatingIp: { address: '172.24.4.77' } })).status, 404)
  assert.equal((await act({ addFloatingIp: { address: 'nonsense' } })).status, 400)
  assert.equal((await act({ addFloatingIp: { address: '172.24.4.9' } }, {}, NOWHERE)).status, 404)
  assert.equal((await act({ addFloatingIp: { address: '172.24.4.9' } }, { as: 'member@p2' })).status, 404)
  assert.equal((await act({ removeFloatingIp: { address: '172.24.4.9' } })).status, 409)
  assert.equal((await act({ removeFloatingIp: { address: '172.24.4.77' } })).status, 404)
  assert.equal((await act({ injectNetworkInfo: null })).status, 403)
  assert.equal((await act({ injectNetworkInfo: null }, { as: 'admin@p1' })).status, 202)
  for (const body of [{ addFixedIp: { networkId: NET } }, { addFloatingIp: { address: '172.24.4.9' } }])
    assert.equal((await act(body, { at: '2.44' })).status, 404)
  await act({ lock: null })
  assert.equal((await act({ addFixedIp: { networkId: NET } })).status, 409, 'locked')
  assert.deepEqual(nova.errors, [])
  await nova.close()
})

test('a server shows the groups its wires are in, and none when they are in none', async () => {
  const wires = { groups: [GROUP] as string[] }
  const canned: Canned = (method, path, request) => {
    const query = new URLSearchParams(request.query)
    if (path === '/v2.0/ports') {
      const servers = query.getAll('device_id')
      return { json: { ports: servers.map(id => ({ device_id: id, security_groups: wires.groups })) } }
    }
    return neutron().canned(method, path, request)
  }
  const nova = await testNova({ neighbours: { neutron: canned } })
  const { id } = await nova.addServer()
  const shown = async (path: string): Promise<unknown> => {
    const { json } = await nova.call('GET', path)
    const { server, servers } = json as { server?: object; servers?: object[] }
    return (server ?? servers?.[0] ?? {})['security_groups' as keyof object]
  }
  for (const path of [`/v2.1/servers/${id}`, '/v2.1/servers/detail'])
    assert.deepEqual(await shown(path), [{ name: 'web' }], path)
  const whole = await nova.call('GET', `/v2.1/servers/${id}/os-security-groups`)
  assert.equal((whole.json as { security_groups: { rules: unknown[] }[] }).security_groups[0]?.rules.length, 1)
  wires.groups = []
  assert.equal(await shown(`/v2.1/servers/${id}`), undefined)
  await nova.close()
})

test('security groups: incoming rules only, all ports said; ids must be ids', async () => {
  const nova = await testNova({ neighbours: { neutron: neutron().canned } })
  const groups = '/v2.1/os-security-groups'
  const shown = {
    ...{ id: GROUP, name: 'web', description: 'd', tenant_id: 'p1' },
    rules: [
      {
        ...{ id: RULE, parent_group_id: GROUP, ip_protocol: 'tcp', from_port: 1, to_port: 65_535 },
        ...{ group: {}, ip_range: { cidr: '0.0.0.0/0' } },
      },
    ],
  }
  assert.deepEqual((await nova.call('GET', groups)).json, { security_groups: [shown] })
  assert.deepEqual((await nova.call('GET', `${groups}/${GROUP}`)).json, { security_group: shown })
  const body = { security_group: { name: 'web', description: 'd' } }
  assert.equal((await nova.call('POST', groups, { body })).status, 200)
  assert.equal((await nova.call('PUT', `${groups}/${GROUP}`, { body })).status, 200)
  assert.equal((await nova.call('DELETE', `${groups}/${GROUP}`)).status, 202)
  for (const [method, id, status] of [
    ['GET', 'no-id', 400],
    ['GET', NOWHERE, 404],
    ['PUT', 'no-id', 400],
    ['PUT', NOWHERE, 404],
    ['DELETE', 'no-id', 400],
    ['DELETE', NOWHERE, 404],
  ] as const)
    assert.equal(
      (await nova.call(method, `${groups}/${id}`, method === 'PUT' ? { body } : {})).status,
      status,
      `${method} ${id}`,
    )
  for (const bad of [{}, { name: 1, description: '' }, { name: 'x'.repeat(256), description: '' }])
    assert.equal((await nova.call('POST', groups, { body: { security_group: bad } })).status, 400)
  await nova.close()
})

test('rules of security groups: what is none is refused in words', async () => {
  const nova = await testNova({ neighbours: { neutron: neutron().canned } })
  const post = (rule: object) =>
    nova.call('POST', '/v2.1/os-security-group-rules', { body: { security_group_rule: rule } })
  const good = { parent_group_id: GROUP, ip_protocol: 'tcp', from_port: 22, to_port: '22' }
  const made = await post(good)
  assert.equal(made.status, 200)
  assert.equal((made.json as { security_group_rule: { from_port: number } }).security_group_rule.from_port, 22)
  for (const [change, status, says] of [
    [{ parent_group_id: NOWHERE }, 404, /could not be found/],
    [{ parent_group_id: 'x' }, 400, /uuid/],
    [{ ip_protocol: 'sctp9' }, 400, /Invalid IP protocol sctp9/],
    [{ from_port: -1 }, 400, /Valid TCP ports should be between 1-65535/],
    [{ from_port: 80 }, 400, /Former value cannot be greater than the later/],
    [{ to_port: 70_000 }, 400, /Valid TCP ports/],
    [{ to_port: 'a' }, 400, /must be integers/],
    [{ ip_protocol: 'icmp', from_port: 300 }, 400, /For ICMP/],
    [{ cidr: '10.0.0.1' }, 400, /is not a valid IP network/],
    [{ cidr: '10.0.0.0/0' }, 400, /Bad prefix/],
    [{ ip_protocol: null }, 400, /Not enough parameters/],
  ] as const) {
    const answer = await post({ ...good, ...change })
    assert.equal(answer.status, status, JSON.stringify(change))
    assert.match(JSON.stringify(answer.json), says)
  }
  assert.equal((await post({ parent_group_id: GROUP, group_id: GROUP })).status, 200)
  assert.equal((await nova.call('DELETE', `/v2.1/os-security-group-rules/${RULE}`)).status, 202)
  assert.equal((await nova.call('DELETE', `/v2.1/os-security-group-rules/${NOWHERE}`)).status, 404)
  assert.equal((await nova.call('DELETE', '/v2.1/os-security-group-rules/x')).status, 400)
  await nova.close()
  const again = await testNova({ neighbours: { neutron: neutron({ duplicate: true }).canned } })
  const answer = await again.call('POST', '/v2.1/os-security-group-rules', { body: { security_group_rule: good } })
  assert.equal(answer.status, 400)
  assert.match(JSON.stringify(answer.json), /This rule already exists in group/)
  await again.close()
})
