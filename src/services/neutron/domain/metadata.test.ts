// Guests' requests for metadata: whose they are, and what Nova is told.
import assert from 'node:assert/strict'
import { createHmac } from 'node:crypto'
import { test } from 'node:test'
import type { Handle } from '#kernel/http/call.ts'
import { crossings } from '#kernel/crossing/crossing.ts'
import { createMetadata } from '#services/neutron/domain/metadata.ts'
import { neutronForTests } from '#services/neutron/test-neutron.ts'
import { inProcess } from '#kernel/http/client.ts'
import { silentLog } from '#kernel/lib/log.ts'

const ctx = {
  requestId: 'req-00000000-0000-4000-8000-000000000000',
  who: null,
  actor: 'neutron-server',
  cross: crossings([]),
}
const echo: Handle = async call => ({
  status: 200,
  headers: { 'content-type': 'application/json' },
  body: JSON.stringify({
    path: call.path,
    query: call.query,
    headers: call.headers,
    body: call.body === null ? null : new TextDecoder().decode(call.body as Uint8Array),
  }),
})

test('a guest is known by network and address, or router and address; nobody else is', async () => {
  await using neutron = await neutronForTests()
  const metadata = createMetadata({
    database: neutron.database,
    log: silentLog,
    nova: inProcess(echo, 'nova', ''),
    secret: 's',
  })
  const net = await neutron.ok('member@p1', 'POST', '/networks', { network: {} })
  const subnet = await neutron.ok('member@p1', 'POST', '/subnets', {
    subnet: { network_id: net.id, ip_version: 4, cidr: '10.0.0.0/24' },
  })
  const router = await neutron.ok('member@p1', 'POST', '/routers', { router: {} })
  await neutron.ok('member@p1', 'PUT', `/routers/${router.id}/add_router_interface`, { subnet_id: subnet.id })
  const port = await neutron.ok('service@service', 'POST', '/ports', {
    port: {
      network_id: net.id,
      project_id: 'p1',
      device_id: 'server-1',
      device_owner: 'compute:nova',
      mac_address: 'fa:16:3e:00:00:01',
    },
  })
  const ip = (port['fixed_ips'] as unknown as { ip_address: string }[])[0]?.ip_address ?? ''
  const ask = (where: object, sourceIp: string) =>
    metadata.answer(ctx, {
      method: 'POST',
      path: '/latest/x?y=1',
      headers: { 'X-Instance-ID': 'forged', 'x-forwarded-for': '9.9.9.9', accept: 'a/b' },
      body: btoa('hi'),
      sourceIp,
      ...where,
    })
  for (const [where, from] of [
    [{ networkId: net.id }, ip],
    [{ routerId: router.id }, ip],
    [{ networkId: net.id }, 'fe80::f816:3eff:fe00:1'],
  ] as const) {
    const said = await ask(where, from)
    assert.equal(said.status, 200)
    const seen = JSON.parse(atob(said.body)) as {
      path: string
      query: string
      body: string
      headers: Record<string, string>
    }
    assert.deepEqual([seen.path, seen.query, seen.body], ['/latest/x', 'y=1', 'hi'])
    assert.equal(seen.headers['x-instance-id'], 'server-1')
    assert.equal(seen.headers['x-tenant-id'], 'p1')
    assert.equal(seen.headers['x-forwarded-for'], from)
    assert.equal(seen.headers['accept'], 'a/b')
    assert.equal(seen.headers['x-instance-id-signature'], createHmac('sha256', 's').update('server-1').digest('hex'))
    assert.ok(!Object.hasOwn(seen.headers, 'X-Instance-ID'))
  }
  for (const [where, from] of [
    [{ networkId: net.id }, '10.0.0.250'],
    [{ networkId: net.id }, '10.0.0.2'],
    [{ networkId: 'another' }, ip],
    [{}, ip],
    [{ networkId: net.id }, "' or 1=1"],
  ] as const)
    assert.equal((await ask(where, from)).status, 404)
})
