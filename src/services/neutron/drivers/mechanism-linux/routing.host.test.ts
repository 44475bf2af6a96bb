// Routers, floating IPs and metadata with packets.
import assert from 'node:assert/strict'
import { after, before, describe, test } from 'node:test'
import type { HostNetworkState, RouterState } from '#services/neutron/drivers/mechanism.ts'
import type { FakeGuest } from '#services/neutron/drivers/mechanism-linux/guest-bench.ts'
import {
  cannotRun,
  createHostBench,
  eventually,
  type HostBench,
} from '#services/neutron/drivers/mechanism-linux/host-bench.ts'
import {
  DEFAULT_GROUP,
  PRIVATE,
  ROUTER,
  defaultRules,
  portOf,
  ruleOf,
  sampleState,
} from '#services/neutron/drivers/mechanism-samples.ts'

const skip = await cannotRun()
const SECOND = 'aaaa0009-0000-4000-8000-000000000009'
const SECOND_SUBNET = 'aaaa000a-0000-4000-8000-000000000009'
const SECOND_ROUTER = 'cccc0009-0000-4000-8000-000000000009'

/** All of the sample, open to everyone, with the router changed. */
function state(router: Partial<RouterState> = {}, change: Partial<HostNetworkState> = {}): HostNetworkState {
  const base = sampleState({
    securityGroups: [
      { id: DEFAULT_GROUP, stateful: true, rules: [...defaultRules(), ruleOf({}), ruleOf({ ethertype: 'IPv6' })] },
    ],
    ...change,
  })
  return { ...base, routers: base.routers.map(one => ({ ...one, ...router })) }
}

/** A second private network with the same addresses as the first, and its own router on the same outside. */
function withTwin(base: HostNetworkState, floatingIps: RouterState['floatingIps']): HostNetworkState {
  const [network] = base.networks.filter(one => one.id === PRIVATE)
  const [router] = base.routers
  const gateway = sampleState().routers[0]?.gateway
  assert.ok(network?.dhcpPort !== undefined && router !== undefined && gateway)
  const twinPort = portOf(2, {
    networkId: SECOND,
    mac: 'fa:16:3e:00:00:50',
    fixedIps: [{ subnetId: SECOND_SUBNET, ip: '10.1.0.50' }],
  })
  const twin = {
    ...network,
    id: SECOND,
    subnets: network.subnets.map(subnet => ({ ...subnet, id: SECOND_SUBNET })),
    dhcpPort: {
      ...network.dhcpPort,
      id: 'abab0009-0000-4000-8000-000000000009',
      ips: [{ subnetId: SECOND_SUBNET, ip: '10.1.0.2' }],
    },
  }
  const twinRouter: RouterState = {
    ...router,
    id: SECOND_ROUTER,
    adminUp: true,
    routes: [],
    portForwardings: [],
    gateway: {
      ...gateway,
      portId: 'acac0009-0000-4000-8000-000000000009',
      mac: 'fa:16:3e:00:00:13',
      ips: [{ ip: '172.24.4.11', prefix: 24 }],
    },
    interfaces: router.interfaces.map(part => ({
      ...part,
      portId: 'adad0009-0000-4000-8000-000000000009',
      networkId: SECOND,
    })),
    floatingIps,
  }
  return {
    ...base,
    networks: [...base.networks, twin],
    ports: [...base.ports, twinPort],
    routers: [...base.routers, twinRouter],
  }
}

describe('routers with packets', { skip, timeout: 120_000 }, () => {
  let bench: HostBench
  let a: FakeGuest
  let b: FakeGuest
  let twin: FakeGuest
  const ends: (() => void)[] = []
  const floating = (fixed: string) => [{ id: 'fafa0001-0000-4000-8000-000000000001', floating: '172.24.4.55', fixed }]
  const apply = async (wanted: HostNetworkState): Promise<void> => {
    const result = await bench.mechanism.apply(wanted)
    for (const kind of [result.ports, result.networks, result.routers]) {
      for (const [id, wired] of Object.entries(kind)) assert.equal(wired, 'up', `${id}: ${JSON.stringify(wired)}`)
    }
  }
  const who = async (): Promise<string> =>
    (await bench.outside(['busybox', 'nc', '-w', '1', '172.24.4.55', '22'])).stdout.trim()
  const seenFrom = async (guest: FakeGuest, address = '172.24.4.1'): Promise<string> =>
    (await guest.reads(address, 9000)) ?? 'nothing'

  before(async () => {
    bench = await createHostBench()
    a = await bench.plug(portOf(0))
    b = await bench.plug(portOf(1))
    twin = await bench.plug(
      portOf(2, { mac: 'fa:16:3e:00:00:50', fixedIps: [{ subnetId: SECOND_SUBNET, ip: '10.1.0.50' }] }),
    )
    for (const guest of [a, b, twin]) ends.push(await guest.serve(22))
    await apply(withTwin(state(), []))
    // Outside, a server that says who it sees.
    const outside = await bench.fabric.listen('external', { host: '0.0.0.0', port: 9000 })
    outside.on('connection', socket => socket.on('error', () => undefined).end(`${socket.remoteAddress ?? ''}\n`))
    ends.push(() => outside.close())
    assert.ok(await eventually(() => a.pings('172.24.4.1', 1)))
    assert.ok(await eventually(() => b.pings('172.24.4.1', 1)))
    assert.ok(await eventually(() => twin.pings('172.24.4.1', 1)))
  })
  after(async () => {
    ends.forEach(end => end())
    await bench.end()
  })

  test("guests go out with the router's address, or with their floating IP", async () => {
    await apply(withTwin(state({ floatingIps: floating('10.1.0.50') }), []))
    assert.equal(await seenFrom(a), '172.24.4.55')
    assert.equal(await seenFrom(b), '172.24.4.10')
    assert.equal(await seenFrom(twin), '172.24.4.11')
  })

  test('a floating IP leads to its guest, moves to another port and another router at once, and ends', async () => {
    await apply(withTwin(state({ floatingIps: floating('10.1.0.50') }), []))
    assert.equal(await who(), a.namespace)
    await apply(withTwin(state({ floatingIps: floating('10.1.0.51') }), []))
    assert.equal(await who(), b.namespace)
    await apply(withTwin(state({ floatingIps: [] }), floating('10.1.0.50')))
    assert.equal(await who(), twin.namespace, 'the same address, behind another MAC, without waiting')
    await apply(withTwin(state({ floatingIps: floating('10.1.0.50') }), []))
    assert.equal(await who(), a.namespace)
    await apply(withTwin(state({ floatingIps: [] }), []))
    assert.equal(await who(), '')
    assert.equal(await seenFrom(a), '172.24.4.10')
  })

  test('guests reach a floating IP of their own router, and their own', async () => {
    await apply(withTwin(state({ floatingIps: floating('10.1.0.50') }), []))
    assert.equal(await b.reads('172.24.4.55', 22), a.namespace)
    assert.equal(await a.reads('172.24.4.55', 22), a.namespace)
    assert.equal(await twin.reads('172.24.4.55', 22), a.namespace, 'from behind another router too')
  })

  test('two networks with the same addresses are two networks', async () => {
    await apply(
      withTwin(state({ floatingIps: floating('10.1.0.50') }), [
        { id: 'fafa0002-0000-4000-8000-000000000001', floating: '172.24.4.56', fixed: '10.1.0.50' },
      ]),
    )
    const other = async () => (await bench.outside(['busybox', 'nc', '-w', '1', '172.24.4.56', '22'])).stdout.trim()
    for (let round = 0; round < 3; round += 1)
      assert.deepEqual(await Promise.all([who(), other()]), [a.namespace, twin.namespace])
    assert.equal(await twin.pings('10.1.0.51', 1), false, 'b is not on its network')
  })

  test('a forwarded port leads to its guest, and no other port does', async () => {
    const portForwardings = [
      {
        id: '1',
        floating: '172.24.4.60',
        protocol: 'tcp' as const,
        externalPort: 2222,
        fixed: '10.1.0.51',
        internalPort: 22,
      },
    ]
    await apply(withTwin(state({ floatingIps: [], portForwardings }), []))
    const at = async (port: string) =>
      (await bench.outside(['busybox', 'nc', '-w', '1', '172.24.4.60', port])).stdout.trim()
    assert.equal(await at('2222'), b.namespace)
    assert.equal(await at('22'), '')
  })

  test("without source translation the guest's own address goes out", async () => {
    const gateway = state().routers[0]?.gateway
    assert.ok(gateway)
    await apply(withTwin(state({ floatingIps: [], gateway: { ...gateway, snat: false } }), []))
    await bench.outside(['ip', 'route', 'add', '10.1.0.0/24', 'via', '172.24.4.10'])
    assert.equal(await seenFrom(a), '10.1.0.50')
    await bench.outside(['ip', 'route', 'del', '10.1.0.0/24'])
  })

  test('a router without a gateway or taken down leads nowhere', async () => {
    await apply(withTwin(state({ floatingIps: [], gateway: null }), []))
    assert.equal(await a.pings('172.24.4.1', 1), false)
    assert.equal(await a.pings('10.1.0.1'), true)
    const result = await bench.mechanism.apply(withTwin(state({ adminUp: false }), []))
    assert.equal(result.routers[ROUTER], 'down')
    assert.equal(await a.pings('10.1.0.1', 1), false)
    assert.equal(await twin.pings('172.24.4.1'), true)
    await apply(withTwin(state(), []))
    assert.ok(await eventually(() => a.pings('172.24.4.1', 1)))
  })

  test('extra routes are followed', async () => {
    // b stands for a router of the tenant's own, with 10.55.0.0/24 behind it.
    await b.run(['ip', 'addr', 'add', '10.55.0.1/32', 'dev', 'lo'])
    const wanted = withTwin(state({ routes: [{ destination: '10.55.0.0/24', nexthop: '10.1.0.51' }] }), [])
    await apply({
      ...wanted,
      ports: wanted.ports.map(port =>
        port.id === portOf(1).id ? { ...port, allowedAddressPairs: [{ ip: '10.55.0.0/24' }] } : port,
      ),
    })
    await a.run(['ip', 'route', 'add', '10.55.0.0/24', 'via', '10.1.0.1'])
    assert.equal(await a.pings('10.55.0.1'), true)
    await apply(withTwin(state(), []))
    assert.equal(await a.pings('10.55.0.1', 1), false)
  })

  test('metadata knows who asks, through the DHCP port and through the router', async () => {
    await apply(withTwin(state(), []))
    await bench.mechanism.settled()
    const get = (guest: FakeGuest) =>
      guest.run(
        ['busybox', 'nc', '-w', '2', '169.254.169.254', '80'],
        'GET /latest/meta-data HTTP/1.0\r\nX-Instance-ID: forged\r\nUser-Agent: test\r\n\r\n',
      )
    assert.match((await get(a)).stdout, /hello 10\.1\.0\.50$/)
    const routed = bench.asked.at(-1)
    assert.deepEqual(
      [routed?.routerId, routed?.networkId, routed?.sourceIp, routed?.path],
      [ROUTER, undefined, '10.1.0.50', '/latest/meta-data'],
    )
    await twin.run(['ip', 'route', 'add', '169.254.169.254', 'via', '10.1.0.2'])
    assert.match((await get(twin)).stdout, /hello 10\.1\.0\.50$/)
    const direct = bench.asked.at(-1)
    assert.deepEqual([direct?.routerId, direct?.networkId, direct?.sourceIp], [undefined, SECOND, '10.1.0.50'])
    assert.equal(direct?.headers['x-instance-id'], undefined, 'a guest does not say who it is')
    assert.equal(direct?.headers['user-agent'], 'test')
    const asked = bench.asked.length
    await twin.run(['busybox', 'nc', '-w', '1', '10.1.0.2', '80'], 'GET / HTTP/1.0\r\n\r\n')
    assert.equal(bench.asked.length, asked, "the DHCP server's own address is not metadata's")
    const outside = await bench.outside(['busybox', 'nc', '-w', '1', '172.24.4.10', '9697'], 'GET / HTTP/1.0\r\n\r\n')
    assert.equal(outside.stdout, '', "the proxy's own port is shut")
  })
})
