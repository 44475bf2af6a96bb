// What was asked of the API becomes so on hosts, and what hosts say becomes status and news for Nova.
import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { Handle } from '#kernel/http/call.ts'
import { createSimulatedMechanism } from '#services/neutron/drivers/mechanism-simulated/mechanism-simulated.ts'
import type { HostNetworkState, Mechanism } from '#services/neutron/drivers/mechanism.ts'
import { neutronForTests, type TestNeutron } from '#services/neutron/test-neutron.ts'

const admin = 'admin@admin'
const member = 'member@p1'
const nova = 'service@service'

interface Event {
  readonly name: string
  readonly server_uuid: string
  readonly tag: string
}
/** Nova as far as Neutron talks to it: keeps events, answers metadata with who it was told asks. */
function novaForTests(): { handle: Handle; events: Event[]; fail: number } {
  const made = { events: [] as Event[], fail: 0 } as { handle: Handle; events: Event[]; fail: number }
  made.handle = async call => {
    if (call.path !== '/v2.1/os-server-external-events')
      return { status: 200, headers: { 'content-type': 'application/json' }, body: JSON.stringify(call.headers) }
    if (made.fail > 0) {
      made.fail -= 1
      return { status: 503, headers: {}, body: null }
    }
    made.events.push(...(JSON.parse(String(call.body)) as { events: Event[] }).events)
    return { status: 200, headers: { 'content-type': 'application/json' }, body: '{"events":[]}' }
  }
  return made
}

/** A simulated host whose guests' devices are there only once they are plugged. */
function pluggable(): { mechanism: Mechanism; plugged: Set<string>; last: () => HostNetworkState | null } {
  const inner = createSimulatedMechanism()
  const plugged = new Set<string>()
  let last: HostNetworkState | null = null
  return {
    plugged,
    last: () => last,
    mechanism: {
      ...inner,
      capabilities: { ...inner.capabilities, real: true, driver: 'linux' },
      async apply(desired) {
        last = desired
        const result = await inner.apply(desired)
        return {
          ...result,
          ports: Object.fromEntries(
            Object.entries(result.ports).map(([id, wired]) => [id, plugged.has(id) || wired !== 'up' ? wired : 'down']),
          ),
        }
      },
    },
  }
}

type Thing = Record<string, never> & { readonly id: string }
const ask = async (
  neutron: TestNeutron,
  token: string,
  method: string,
  path: string,
  body?: unknown,
): Promise<Record<string, Thing>> => {
  const answer = await neutron.call(method, `/v2.0${path}`, { token, ...(body === undefined ? {} : { body }) })
  assert.ok(answer.status < 300, `${method} ${path}: ${answer.status} ${JSON.stringify(answer.json)}`)
  return answer.json as unknown as Record<string, Thing>
}
async function until(condition: () => Promise<boolean> | boolean, what: string): Promise<void> {
  const end = performance.now() + 5000
  while (!(await condition())) {
    assert.ok(performance.now() < end, what)
    await new Promise(resolve => setImmediate(resolve))
  }
}
const one = (answer: Record<string, Thing>, name: string): Thing => answer[name] as Thing

async function withNetwork(neutron: TestNeutron): Promise<{ networkId: string; subnetId: string }> {
  const network = one(await ask(neutron, member, 'POST', '/networks', { network: {} }), 'network')
  const subnet = one(
    await ask(neutron, member, 'POST', '/subnets', {
      subnet: { network_id: network.id, ip_version: 4, cidr: '10.0.0.0/24' },
    }),
    'subnet',
  )
  return { networkId: network.id, subnetId: subnet.id }
}
const guestPort = async (neutron: TestNeutron, networkId: string, host: string, server = 'server-1'): Promise<Thing> =>
  one(
    await ask(neutron, nova, 'POST', '/ports', {
      port: {
        network_id: networkId,
        project_id: 'p1',
        device_id: server,
        device_owner: 'compute:nova',
        'binding:host_id': host,
      },
    }),
    'port',
  )

test('a guest on a simulated host is wired at once, and Nova hears of it', async () => {
  const compute = novaForTests()
  await using neutron = await neutronForTests({ nova: compute.handle })
  const { networkId } = await withNetwork(neutron)
  const port = await guestPort(neutron, networkId, 'h1')
  assert.equal(port['binding:vif_type'], 'other')
  assert.equal(port['status'], 'DOWN')
  await neutron.neutron.settled()
  assert.equal(one(await ask(neutron, nova, 'GET', `/ports/${port.id}`), 'port')['status'], 'ACTIVE')
  assert.deepEqual(compute.events, [
    { name: 'network-vif-plugged', server_uuid: 'server-1', tag: port.id, status: 'completed' } as Event,
  ])
  const dhcp = await ask(neutron, member, 'GET', '/ports?device_owner=network:dhcp')
  assert.equal((dhcp['ports'] as unknown as Thing[])[0]?.['status'], 'ACTIVE')
  assert.deepEqual(await neutron.neutron.audit(), [])
  await ask(neutron, nova, 'DELETE', `/ports/${port.id}`)
  await neutron.neutron.settled()
  assert.equal(compute.events.at(-1)?.name, 'network-vif-deleted')
  assert.deepEqual(await neutron.neutron.audit(), [])
})

test('a port waits for its guest’s device, and follows it when it comes, goes and comes again', async () => {
  const compute = novaForTests()
  const real = pluggable()
  await using neutron = await neutronForTests({ nova: compute.handle, hosts: [] })
  const agent = await neutron.host('h1', real.mechanism)
  const { networkId } = await withNetwork(neutron)
  const port = await guestPort(neutron, networkId, 'h1')
  assert.equal(port['binding:vif_type'], 'bridge')
  await neutron.neutron.settled()
  const status = async (): Promise<unknown> =>
    one(await ask(neutron, nova, 'GET', `/ports/${port.id}`), 'port')['status']
  assert.equal(await status(), 'DOWN')
  real.plugged.add(port.id)
  await until(async () => (await status()) === 'ACTIVE', 'the poll finds the device')
  real.plugged.delete(port.id)
  agent.deviceAppeared()
  await until(async () => (await status()) === 'DOWN', 'the device went')
  real.plugged.add(port.id)
  agent.deviceAppeared()
  await until(async () => (await status()) === 'ACTIVE', 'the device came again')
  await neutron.neutron.settled()
  assert.deepEqual(
    compute.events.map(event => event.name),
    ['network-vif-plugged', 'network-vif-unplugged', 'network-vif-plugged'],
  )
})

test('a host hears only of its own; members of a group are known where a rule names them', async () => {
  await using neutron = await neutronForTests({ hosts: [] })
  const node = pluggable()
  const far = pluggable()
  await neutron.host('node', node.mechanism)
  await neutron.host('far', far.mechanism)
  const { networkId } = await withNetwork(neutron)
  const here = await guestPort(neutron, networkId, 'node')
  const there = await guestPort(neutron, networkId, 'far', 'server-2')
  await neutron.neutron.settled()
  const ip = (port: Thing): string =>
    ((port['fixed_ips'] as unknown as { ip_address: string }[])[0] as { ip_address: string }).ip_address
  assert.deepEqual(
    node.last()?.ports.map(port => port.id),
    [here.id],
  )
  assert.deepEqual(
    far.last()?.ports.map(port => port.id),
    [there.id],
  )
  assert.deepEqual(
    node.last()?.networks[0]?.reservations?.map(reservation => reservation.id),
    [there.id],
  )
  assert.equal(far.last()?.networks[0]?.dhcpPort, undefined)
  const groupId = (here['security_groups'] as unknown as string[])[0] as string
  assert.deepEqual(far.last()?.addressSets[groupId], [ip(here), ip(there)].sort())
  await ask(neutron, nova, 'DELETE', `/ports/${here.id}`)
  await neutron.neutron.settled()
  assert.deepEqual(far.last()?.addressSets[groupId], [ip(there)])
  assert.deepEqual(node.last()?.ports, [])
})

test('routers, floating IPs: wired on the network’s host; association is news for Nova', async () => {
  const compute = novaForTests()
  await using neutron = await neutronForTests({ nova: compute.handle })
  const outside = one(
    await ask(neutron, admin, 'POST', '/networks', { network: { 'router:external': true } }),
    'network',
  )
  await ask(neutron, admin, 'POST', '/subnets', {
    subnet: { network_id: outside.id, ip_version: 4, cidr: '172.24.4.0/24', enable_dhcp: false },
  })
  const { networkId, subnetId } = await withNetwork(neutron)
  const port = await guestPort(neutron, networkId, 'h1')
  const router = one(
    await ask(neutron, member, 'POST', '/routers', { router: { external_gateway_info: { network_id: outside.id } } }),
    'router',
  )
  await ask(neutron, member, 'PUT', `/routers/${router.id}/add_router_interface`, { subnet_id: subnetId })
  const floating = one(
    await ask(neutron, member, 'POST', '/floatingips', {
      floatingip: { floating_network_id: outside.id, port_id: port.id },
    }),
    'floatingip',
  )
  await neutron.neutron.settled()
  assert.equal(one(await ask(neutron, member, 'GET', `/floatingips/${floating.id}`), 'floatingip')['status'], 'ACTIVE')
  const ports = (await ask(neutron, admin, 'GET', `/ports?device_id=${router.id}`))['ports'] as unknown as Thing[]
  assert.deepEqual(
    ports.map(one => one['status']),
    ['ACTIVE', 'ACTIVE'],
  )
  assert.deepEqual(compute.events.map(event => event.name).sort(), ['network-changed', 'network-vif-plugged'])
  assert.deepEqual(await neutron.neutron.audit(), [])
  await ask(neutron, member, 'PUT', `/floatingips/${floating.id}`, { floatingip: { port_id: null } })
  await neutron.neutron.settled()
  assert.equal(one(await ask(neutron, member, 'GET', `/floatingips/${floating.id}`), 'floatingip')['status'], 'DOWN')
  assert.deepEqual(await neutron.neutron.audit(), [])
})

test('news that Nova cannot take now are told again', async () => {
  const compute = novaForTests()
  compute.fail = 2
  await using neutron = await neutronForTests({ nova: compute.handle })
  const { networkId } = await withNetwork(neutron)
  await guestPort(neutron, networkId, 'h1')
  await neutron.neutron.settled()
  assert.deepEqual(
    compute.events.map(event => event.name),
    ['network-vif-plugged'],
  )
})

test('a host that is not known cannot be bound to', async () => {
  await using neutron = await neutronForTests()
  const { networkId } = await withNetwork(neutron)
  const port = await guestPort(neutron, networkId, 'nowhere')
  assert.equal(port['binding:vif_type'], 'binding_failed')
  const bound = one(await ask(neutron, nova, 'PUT', `/ports/${port.id}`, { port: { 'binding:host_id': 'h1' } }), 'port')
  assert.equal(bound['binding:vif_type'], 'other')
  await neutron.neutron.settled()
  assert.equal(one(await ask(neutron, nova, 'GET', `/ports/${port.id}`), 'port')['status'], 'ACTIVE')
  const moved = one(await ask(neutron, nova, 'PUT', `/ports/${port.id}`, { port: { 'binding:host_id': null } }), 'port')
  assert.deepEqual([moved['binding:vif_type'], moved['status']], ['unbound', 'DOWN'])
  await ask(neutron, nova, 'PUT', `/ports/${port.id}`, { port: { 'binding:host_id': 'h1' } })
  await neutron.neutron.settled()
  assert.equal(one(await ask(neutron, nova, 'GET', `/ports/${port.id}`), 'port')['status'], 'ACTIVE')
})
