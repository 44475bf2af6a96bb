// Trunks with packets: a guest's VLAN is a port of another network. Where the kernel has no VLAN devices, the subport says so alone.
import assert from 'node:assert/strict'
import { after, before, describe, test } from 'node:test'
import type { HostNetworkState, PortState } from '#services/neutron/drivers/mechanism.ts'
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
  defaultRules,
  portOf,
  ruleOf,
  sampleState,
} from '#services/neutron/drivers/mechanism-samples.ts'

const SECOND = 'aaaa0011-0000-4000-8000-000000000011'
const SECOND_SUBNET = 'aaaa0012-0000-4000-8000-000000000011'

const onSecond = (index: number, change: Partial<PortState> = {}): PortState =>
  portOf(index, {
    networkId: SECOND,
    fixedIps: [{ subnetId: SECOND_SUBNET, ip: `10.2.0.${50 + index}` }],
    ...change,
  })
const parent = portOf(0)
const subport = (number: number): PortState =>
  onSecond(2, { deviceOwner: 'trunk:subport', deviceId: '', trunk: { parentId: parent.id, segmentationId: number } })

/** The sample with a second network, whose first port is a guest's own and whose second comes through the first guest's trunk. */
function state(more: readonly PortState[]): HostNetworkState {
  const base = sampleState({
    ports: [parent, onSecond(1), ...more],
    securityGroups: [{ id: DEFAULT_GROUP, stateful: true, rules: [...defaultRules(), ruleOf({})] }],
  })
  const network = base.networks.find(one => one.id === PRIVATE)
  assert.ok(network)
  const { dhcpPort: _dhcpPort, ...rest } = network
  const subnets = network.subnets.map(subnet => ({
    ...subnet,
    id: SECOND_SUBNET,
    cidr: '10.2.0.0/24',
    gatewayIp: null,
    hostRoutes: [],
  }))
  return { ...base, networks: [...base.networks, { ...rest, id: SECOND, subnets }], routers: [] }
}

describe('trunks', { skip: await cannotRun(), timeout: 60_000 }, () => {
  let bench: HostBench
  let a: FakeGuest
  let b: FakeGuest
  let hasVlan: boolean
  before(async () => {
    bench = await createHostBench()
    a = await bench.plug(parent)
    b = await bench.plug(onSecond(1))
    await bench.fabric.link.run(['link add dev try0 type veth peer name try1'])
    hasVlan = (await bench.fabric.link.run(['link add link try0 name try0.5 type vlan id 5']))[0] === null
    await bench.fabric.link.run(['link del dev try0'])
  })
  after(() => bench.end())

  test('a subport carries the packets of its number, and goes', async t => {
    if (!hasVlan) return t.skip('the kernel has no VLAN devices (8021q)')
    const result = await bench.mechanism.apply(state([subport(100)]))
    assert.deepEqual([...new Set(Object.values(result.ports))], ['up'])
    await a.run([
      'ip',
      'link',
      'add',
      'link',
      'eth0',
      'name',
      'eth0.100',
      'address',
      subport(100).mac,
      'type',
      'vlan',
      'id',
      '100',
    ])
    await a.run(['ip', 'addr', 'add', '10.2.0.52/24', 'dev', 'eth0.100'])
    await a.run(['ip', 'link', 'set', 'eth0.100', 'up'])
    assert.ok(await eventually(() => b.pings('10.2.0.52', 1)))
    await a.run(['ip', 'addr', 'add', '10.2.0.77/24', 'dev', 'eth0.100'])
    assert.equal(await b.pings('10.2.0.77', 1), false, 'nobody else’s address')
    await bench.mechanism.apply(state([subport(101)]))
    assert.equal(await b.pings('10.2.0.52', 1), false, 'another number')
    await bench.mechanism.apply(state([]))
    const left = (await bench.mechanism.inventory()).links.filter(link => link.name.startsWith('sp-'))
    assert.deepEqual(left, [])
  })

  test('without VLAN devices the subport fails alone, with the kernel’s own words', async t => {
    if (hasVlan) return t.skip('the kernel has VLAN devices')
    const { ports, networks } = await bench.mechanism.apply(state([subport(100)]))
    assert.deepEqual([ports[parent.id], ports[onSecond(1).id], networks[SECOND]], ['up', 'up', 'up'])
    const said = ports[subport(100).id]
    assert.ok(typeof said === 'object' && said.failed.length > 10, JSON.stringify(said))
  })

  test('a subport waits for its parent’s device', async () => {
    const waiting = onSecond(2, { trunk: { parentId: portOf(5).id, segmentationId: 7 } })
    assert.equal((await bench.mechanism.apply(state([waiting]))).ports[waiting.id], 'down')
  })
})
