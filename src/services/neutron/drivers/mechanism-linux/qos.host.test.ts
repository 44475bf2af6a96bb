// Quality of service with packets: limits judged by how long the same bytes take under two of them, marks by what arrives.
import assert from 'node:assert/strict'
import { after, before, describe, test } from 'node:test'
import type { HostNetworkState, QosState, RouterState } from '#services/neutron/drivers/mechanism.ts'
import type { FakeGuest } from '#services/neutron/drivers/mechanism-linux/guest-bench.ts'
import {
  cannotRun,
  createHostBench,
  eventually,
  type HostBench,
} from '#services/neutron/drivers/mechanism-linux/host-bench.ts'
import {
  DEFAULT_GROUP,
  defaultRules,
  portOf,
  ruleOf,
  sampleState,
} from '#services/neutron/drivers/mechanism-samples.ts'

const skip = await cannotRun()
const BYTES = 1_000_000
const kbps = (rate: number) => ({ rate, burst: 100 })
const SLOW = 8_000
const FAST = 32_000

describe('quality of service with packets', { skip, timeout: 120_000 }, () => {
  let bench: HostBench
  let a: FakeGuest
  let b: FakeGuest
  const ends: (() => void)[] = []
  const state = (quality: { a?: QosState; b?: QosState; router?: Partial<RouterState> }): HostNetworkState => {
    const qos = (it: QosState | undefined) => (it === undefined ? {} : { qos: it })
    const base = sampleState({
      ports: [portOf(0, qos(quality.a)), portOf(1, qos(quality.b))],
      securityGroups: [{ id: DEFAULT_GROUP, stateful: true, rules: [...defaultRules(), ruleOf({})] }],
    })
    return { ...base, routers: base.routers.map(one => ({ ...one, ...quality.router })) }
  }
  const apply = async (wanted: HostNetworkState): Promise<void> => {
    const result = await bench.mechanism.apply(wanted)
    for (const kind of [result.ports, result.networks, result.routers])
      for (const [id, wired] of Object.entries(kind)) assert.equal(wired, 'up', `${id}: ${JSON.stringify(wired)}`)
  }
  /** A server that sends to whoever comes. */
  const sends = async (namespace: string): Promise<void> => {
    const server = await bench.fabric.listen(namespace, { host: '0.0.0.0', port: 9100 })
    server.on('connection', socket => socket.on('error', () => undefined).end(Buffer.alloc(BYTES, 'x')))
    ends.push(() => server.close())
  }
  const reads = async (guest: FakeGuest, from: string): Promise<number> => {
    const start = performance.now()
    const done = await guest.run(['timeout', '8', 'busybox', 'nc', '-w', '3', from, '9100'])
    assert.equal(done.stdout.length, BYTES, 'all of it came')
    return performance.now() - start
  }
  /** How much longer it takes under a limit that is four times as tight. */
  const ratio = async (limited: (rate: number) => HostNetworkState, read: () => Promise<number>): Promise<number> => {
    await apply(limited(FAST))
    await read()
    const fast = await read()
    await apply(limited(SLOW))
    const slow = await read()
    return slow / fast
  }
  const about = (value: number): void =>
    assert.ok(value > 2.2 && value < 7, `four times as tight took ${value} times as long`)

  before(async () => {
    bench = await createHostBench()
    a = await bench.plug(portOf(0))
    b = await bench.plug(portOf(1))
    await apply(state({}))
    await sends(b.namespace)
    await sends('external')
    assert.ok(await eventually(() => a.pings('10.1.0.51', 1)))
    assert.ok(await eventually(() => a.pings('172.24.4.1', 1)))
  })
  after(async () => {
    ends.forEach(end => end())
    await bench.end()
  })

  test('what a guest receives', async () => {
    about(
      await ratio(
        rate => state({ a: { ingressKbps: kbps(rate) } }),
        () => reads(a, '10.1.0.51'),
      ),
    )
  })

  test('what a guest sends', async () => {
    about(
      await ratio(
        rate => state({ b: { egressKbps: kbps(rate) } }),
        () => reads(a, '10.1.0.51'),
      ),
    )
  })

  test('a limit that is taken away is gone, and its device with it', async () => {
    await apply(state({ a: { ingressKbps: kbps(SLOW) }, b: { egressKbps: kbps(SLOW) } }))
    const limited = await reads(a, '10.1.0.51')
    await apply(state({}))
    const free = await reads(a, '10.1.0.51')
    assert.ok(limited > 2 * free, `${limited} ms limited, ${free} ms free`)
    const left = (await bench.mechanism.inventory()).links.filter(link => link.name.startsWith('qi-'))
    assert.deepEqual(left, [])
  })

  test('a limit is found again by a run that asks the machine, and returns with its device', async () => {
    const limited = state({ a: { ingressKbps: kbps(SLOW), egressKbps: kbps(SLOW) } })
    await apply(limited)
    await bench.mechanism.apply(limited, { full: true })
    const slow = await reads(a, '10.1.0.51')
    await a.remove()
    a = await bench.plug(portOf(0))
    await apply(limited)
    assert.ok(await eventually(() => a.pings('10.1.0.51', 1)))
    const again = await reads(a, '10.1.0.51')
    assert.ok(again > slow / 2, `${slow} ms, and ${again} ms with a new device`)
    await bench.mechanism.apply(state({}), { full: true })
    assert.ok((await reads(a, '10.1.0.51')) < slow / 2, 'a run that asks the machine finds what nobody wants')
  })

  test("a floating IP's limit is on it alone, and a gateway's on what has no floating IP", async () => {
    const gateway = sampleState().routers[0]?.gateway
    assert.ok(gateway)
    const floating = (rate: number) => ({
      floatingIps: [{ id: 'f', floating: '172.24.4.55', fixed: '10.1.0.50', qos: { ingressKbps: kbps(rate) } }],
    })
    about(
      await ratio(
        rate => state({ router: floating(rate) }),
        () => reads(a, '172.24.4.1'),
      ),
    )
    const byGateway = (rate: number) =>
      state({
        router: { floatingIps: [], gateway: { ...gateway, qos: { ingressKbps: kbps(rate), egressKbps: kbps(rate) } } },
      })
    about(await ratio(byGateway, () => reads(a, '172.24.4.1')))
    await apply(state({ router: floating(SLOW) }))
    const limited = await reads(a, '172.24.4.1')
    const other = await reads(b, '172.24.4.1')
    assert.ok(limited > 2 * other, `${limited} ms by the floating IP, ${other} ms beside it`)
  })

  test('marks arrive', async () => {
    const script = 'table inet seen {\n chain c {\n type filter hook input priority 0;\n ip dscp 26 counter\n }\n}\n'
    await b.run(['nft', '-f', '-'], script)
    const count = async (): Promise<number> =>
      Number(/packets (\d+)/.exec((await b.run(['nft', 'list', 'table', 'inet', 'seen'])).stdout)?.[1] ?? -1)
    await apply(state({}))
    assert.equal(await a.pings('10.1.0.51'), true)
    assert.equal(await count(), 0)
    await apply(state({ a: { dscp: 26 } }))
    assert.equal(await a.pings('10.1.0.51'), true)
    assert.ok((await count()) > 0)
  })

  test('packets beyond a rate are dropped, in both directions', async () => {
    const received = async (): Promise<number> => {
      const { stdout } = await a.run(['ping', '-f', '-q', '-c', '2000', '10.1.0.51'])
      return Number(/(\d+) received/.exec(stdout)?.[1] ?? -1)
    }
    const tight = { rate: 1, burst: 0 }
    await apply(state({}))
    const free = await received()
    for (const quality of [{ a: { egressKpps: tight } }, { a: { ingressKpps: tight } }]) {
      await apply(state(quality))
      const some = await received()
      assert.ok(some >= 100 && some < free, `${some} of ${free} came back`)
    }
    await apply(state({}))
  })
})
