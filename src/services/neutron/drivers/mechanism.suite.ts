// What every mechanism promises, whatever it is made of. A driver's own test calls this with a way to make one.
import assert from 'node:assert/strict'
import { after, before, describe, test } from 'node:test'
import type { HostNetworkState, Mechanism, PortState } from '#services/neutron/drivers/mechanism.ts'
import {
  DEFAULT_GROUP,
  PRIVATE,
  PUBLIC,
  ROUTER,
  defaultRules,
  portOf,
  ruleOf,
  sampleState,
} from '#services/neutron/drivers/mechanism-samples.ts'

export interface MechanismUnderTest {
  readonly mechanism: Mechanism
  /** Does what compute does for a port: makes its device. */
  plug(port: PortState): Promise<void>
  unplug(port: PortState): Promise<void>
  end(): Promise<void>
}

/** Registers the suite. `make` gives a driver on an empty host. */
export function mechanismSuite(name: string, make: () => Promise<MechanismUnderTest>): void {
  describe(`mechanism: ${name}`, { timeout: 60_000 }, () => {
    let it: MechanismUnderTest
    const up = (ids: readonly { readonly id: string }[]) => Object.fromEntries(ids.map(item => [item.id, 'up']))
    const apply = (state: HostNetworkState) => it.mechanism.apply(state)
    before(async () => {
      it = await make()
      for (const index of [0, 1, 2]) await it.plug(portOf(index))
    })
    after(() => it.end())

    test('everything wanted is up, and saying it again changes nothing', async () => {
      const state = sampleState()
      const first = await apply(state)
      assert.deepEqual(first, { ports: up(state.ports), networks: up(state.networks), routers: up(state.routers) })
      await it.mechanism.settled()
      const before = await it.mechanism.inventory()
      assert.deepEqual(await apply(state), first)
      assert.deepEqual(await it.mechanism.inventory(), before)
      assert.deepEqual(await it.mechanism.apply(state, { full: true }), first)
      await it.mechanism.settled()
      assert.deepEqual(await it.mechanism.inventory(), before)
    })

    test('the inventory shows what was asked for', async () => {
      const state = sampleState()
      const found = await it.mechanism.inventory()
      for (const name of ['external', `qdhcp-${PRIVATE}`, `qrouter-${ROUTER}`])
        assert.ok(found.namespaces.includes(name), name)
      assert.deepEqual(found.metadata, [PRIVATE, ROUTER])
      assert.deepEqual(found.routers, [{ routerId: ROUTER, floatingIps: { '172.24.4.55': '10.1.0.50' } }])
      assert.deepEqual(
        found.dhcpServers.map(server => [server.networkId, server.hosts]),
        [[PRIVATE, state.ports.map(port => ({ mac: port.mac, ips: port.fixedIps.map(fixed => fixed.ip) }))]],
      )
      const bridge = found.links.find(link => link.name === `br-${PRIVATE.slice(0, 11)}`)
      assert.deepEqual(bridge, { name: `br-${PRIVATE.slice(0, 11)}`, master: null, up: true, mtu: 1450 })
      const tap = found.links.find(link => link.name === `tap${portOf(0).id.slice(0, 11)}`)
      assert.deepEqual([tap?.master, tap?.up, tap?.mtu], [bridge?.name, true, 1450])
    })

    test('each filtered port has the filter its groups say, ending in a refusal', async () => {
      const state = sampleState()
      const { filters } = await it.mechanism.inventory()
      const expected = it.mechanism.expectedFilters(state)
      assert.deepEqual(Object.fromEntries(Object.entries(filters).map(([id, filter]) => [id, filter.digest])), expected)
      assert.deepEqual(Object.keys(expected).sort(), state.ports.map(port => port.id).sort())
      for (const filter of Object.values(filters)) assert.equal(filter.defaultDeny, true)
      const more = sampleState({
        securityGroups: [
          {
            id: DEFAULT_GROUP,
            stateful: true,
            rules: [...defaultRules(), ruleOf({ protocol: 'tcp', portMin: 22, portMax: 22 })],
          },
        ],
      })
      assert.notDeepEqual(it.mechanism.expectedFilters(more), expected)
      await apply(more)
      const after = (await it.mechanism.inventory()).filters
      assert.deepEqual(
        Object.fromEntries(Object.entries(after).map(([id, filter]) => [id, filter.digest])),
        it.mechanism.expectedFilters(more),
      )
      await apply(state)
    })

    test('a port without port security has no filter', async () => {
      const state = sampleState({ ports: [portOf(0), portOf(1, { portSecurity: false, securityGroupIds: [] })] })
      assert.deepEqual((await apply(state)).ports, up(state.ports))
      assert.deepEqual(Object.keys((await it.mechanism.inventory()).filters), [portOf(0).id])
    })

    test('a port or a network that is administratively down is down', async () => {
      const state = sampleState({ ports: [portOf(0), portOf(1, { adminUp: false })] })
      assert.deepEqual((await apply(state)).ports, { [portOf(0).id]: 'up', [portOf(1).id]: 'down' })
      const dark = sampleState()
      const result = await apply({
        ...dark,
        networks: dark.networks.map(network => ({ ...network, adminUp: network.id !== PRIVATE })),
      })
      assert.deepEqual(result.ports, { [portOf(0).id]: 'down', [portOf(1).id]: 'down' })
      assert.equal(result.networks[PRIVATE], 'down')
      assert.deepEqual((await it.mechanism.inventory()).dhcpServers, [])
      assert.deepEqual((await apply(sampleState())).ports, up([portOf(0), portOf(1)]))
    })

    test('a port that cannot be used fails alone', async () => {
      const bad = [
        { mac: 'fa:16:3e:00:00:5z' },
        { fixedIps: [{ subnetId: portOf(1).fixedIps[0]?.subnetId ?? '', ip: '10.1.0.51; drop' }] },
        { allowedAddressPairs: [{ ip: '10.1.0.0/33' }] },
        { networkId: '12345678-0000-4000-8000-000000000000' },
        { extraDhcpOpts: [{ name: 'tftp-server', value: 'x\nlog-dhcp', ipVersion: 4 as const }] },
      ]
      for (const change of bad) {
        const state = sampleState({
          ports: [portOf(0), portOf(1, change)],
          addressSets: { [DEFAULT_GROUP]: ['10.1.0.50'] },
        })
        const { ports, networks } = await apply(state)
        assert.equal(ports[portOf(0).id], 'up', JSON.stringify(change))
        const said = ports[portOf(1).id]
        assert.ok(
          typeof said === 'object' && said.failed.length > 10,
          `${JSON.stringify(change)} gave ${JSON.stringify(said)}`,
        )
        assert.equal(networks[PRIVATE], 'up')
      }
    })

    test('a rule that cannot be said is left out, and the port works', async () => {
      const wrong = [
        ruleOf({ protocol: 'tcp', portMin: 70_000, portMax: 70_000 }),
        ruleOf({ remote: { cidr: '10.0.0.0/24 accept' } }),
        ruleOf({ protocol: 'constructor' }),
        ruleOf({ remote: { cidr: 'fd00::/64' } }),
      ]
      const plain = sampleState({ securityGroups: [{ id: DEFAULT_GROUP, stateful: true, rules: defaultRules() }] })
      const state = sampleState({
        securityGroups: [{ id: DEFAULT_GROUP, stateful: true, rules: [...defaultRules(), ...wrong] }],
      })
      assert.deepEqual((await apply(state)).ports, up(state.ports))
      assert.deepEqual(it.mechanism.expectedFilters(state), it.mechanism.expectedFilters(plain))
    })

    test('a network or a router that cannot be used fails alone', async () => {
      const state = sampleState()
      const broken = {
        ...state,
        networks: state.networks.map(network => (network.id === PUBLIC ? { ...network, mtu: 12 } : network)),
      }
      const result = await apply(broken)
      assert.equal(typeof result.networks[PUBLIC], 'object')
      assert.equal(typeof result.routers[ROUTER], 'object')
      assert.deepEqual(result.ports, up(state.ports))
      assert.deepEqual(await apply(state), {
        ports: up(state.ports),
        networks: up(state.networks),
        routers: up(state.routers),
      })
    })

    test('what is no longer wanted goes, to the last chain', async () => {
      await apply(sampleState({ ports: [portOf(0), portOf(1), portOf(2)] }))
      const fewer = sampleState({ ports: [portOf(2)] })
      const router = fewer.routers[0]
      assert.ok(router)
      await apply({ ...fewer, routers: [{ ...router, floatingIps: [] }] })
      const found = await it.mechanism.inventory()
      assert.deepEqual(Object.keys(found.filters), [portOf(2).id])
      assert.deepEqual(
        found.dhcpServers[0]?.hosts.map(host => host.mac),
        [portOf(2).mac],
      )
      assert.deepEqual(found.routers[0]?.floatingIps, {})
      await apply({ ...fewer, ports: [], routers: [], networks: [] })
      await it.mechanism.settled()
      const left = await it.mechanism.inventory()
      assert.deepEqual([left.filters, left.dhcpServers, left.routers, left.metadata], [{}, [], [], []])
      assert.deepEqual(
        left.namespaces.filter(name => /^q(dhcp|router)-/.test(name)),
        [],
      )
      assert.deepEqual(
        left.links.filter(link => /^(br|dh|rp|gp|xp)-/.test(link.name)),
        [],
      )
    })

    test('calls that come together are served together, with the newest state', async () => {
      const states = [[0], [0, 1], [0, 1, 2], [1]].map(indexes =>
        sampleState({ ports: indexes.map(index => portOf(index)) }),
      )
      const results = await Promise.all(states.map(apply))
      assert.deepEqual(results.at(-1)?.ports, { [portOf(1).id]: 'up' })
      assert.deepEqual(Object.keys((await it.mechanism.inventory()).filters), [portOf(1).id])
    })

    test('remove leaves nothing', async () => {
      await apply(sampleState())
      await it.mechanism.settled()
      await it.mechanism.remove()
      const left = await it.mechanism.inventory()
      assert.deepEqual([left.filters, left.dhcpServers, left.routers, left.metadata], [{}, [], [], []])
      assert.deepEqual(
        left.links.filter(link => /^(br|dh|rp|gp|xp)-/.test(link.name)),
        [],
      )
    })
  })
}
