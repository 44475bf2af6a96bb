// The text of what is handed to programs, for the parts that packets do not show.
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { parseLinkEvent } from '#host/linux/link-monitor.ts'
import type { NetworkState } from '#services/neutron/drivers/mechanism.ts'
import { PRIVATE, portOf, sampleState } from '#services/neutron/drivers/mechanism-samples.ts'
import { dhcpPlan } from '#services/neutron/drivers/dhcp-plan.ts'
import { firewallOf } from '#services/neutron/drivers/firewall.ts'
import { routerPlan } from '#services/neutron/drivers/router-plan.ts'
import { wiringOf } from '#services/neutron/drivers/wiring.ts'

const network = (): NetworkState => {
  const found = sampleState().networks.find(one => one.id === PRIVATE)
  assert.ok(found)
  return found
}
const never = (portId: string, why: unknown): never => assert.fail(`${portId}: ${String(why)}`)

test('a port without a name is host-…; one with extra options has a tag of its own', () => {
  const { hostname: _hostname, ...nameless } = portOf(0)
  const tagged = portOf(1, { extraDhcpOpts: [{ name: 'bootfile-name', value: 'pxelinux.0', ipVersion: 4 }] })
  const plan = dhcpPlan(network(), [nameless, tagged], 'nobody', never)
  assert.deepEqual(plan?.hosts.trim().split('\n'), [
    'fa:16:3e:00:00:50,host-10-1-0-50.openstacklocal,10.1.0.50',
    `fa:16:3e:00:00:51,set:port-${tagged.id},vm1.openstacklocal,10.1.0.51`,
  ])
  assert.ok(plan?.options.includes(`tag:port-${tagged.id},option:bootfile-name,pxelinux.0\n`))
})

test('other subnets of the network are on the link; a default among the host routes replaces the gateway', () => {
  const base = network()
  const [first] = base.subnets
  assert.ok(first)
  const second = {
    ...first,
    id: 'aaaa0002-0000-4000-8000-000000000002',
    cidr: '10.2.0.0/24',
    gatewayIp: null,
    dhcp: false,
    hostRoutes: [],
  }
  const routed = { ...first, hostRoutes: [{ destination: '0.0.0.0/0', nexthop: '10.1.0.9' }] }
  const plan = dhcpPlan({ ...base, subnets: [routed, second] }, [], 'nobody', never)
  assert.ok(
    plan?.options.includes(
      'option:classless-static-route,169.254.169.254/32,10.1.0.2,0.0.0.0/0,10.1.0.9,10.2.0.0/24,0.0.0.0\n',
    ),
  )
})

test('a network without a DHCP port, without DHCP subnets, or down has no server', () => {
  const { dhcpPort: _port, ...portless } = network()
  assert.equal(dhcpPlan(portless, [], 'nobody', never), null)
  assert.equal(dhcpPlan({ ...network(), adminUp: false }, [], 'nobody', never), null)
  assert.equal(
    dhcpPlan(
      { ...network(), subnets: network().subnets.map(subnet => ({ ...subnet, dhcp: false })) },
      [],
      'nobody',
      never,
    ),
    null,
  )
})

test('a port in no group is closed both ways, and every filtered chain ends in a refusal', () => {
  const wall = firewallOf(sampleState({ ports: [portOf(0, { securityGroupIds: [] })] }), 'netfilter', new Map())
  const chains = [...(wall.tables[0]?.chains ?? [])].filter(([name]) => /^[aei]_/.test(name))
  assert.equal(chains.length, 3)
  for (const [name, chain] of chains) {
    assert.equal(chain.rules.at(-1), 'counter drop', name)
    const open = chain.rules.filter(rule => /^ether type ip6? (accept|goto)/.test(rule))
    assert.deepEqual(open, [], name)
  }
})

test('a router without source translation still has its floating IPs', () => {
  const [router] = sampleState().routers
  assert.ok(router?.gateway)
  const nat = routerPlan({ ...router, gateway: { ...router.gateway, snat: false } }).tables[0]
  assert.deepEqual([...(nat?.maps.get('floating')?.elements ?? [])], [['172.24.4.55', '10.1.0.50']])
  assert.equal(
    nat?.chains.get('outward')?.rules.some(rule => rule === 'oifname "qg-acac0001-00" snat to 172.24.4.10'),
    false,
  )
})

test('what is wired already is not said again', () => {
  const state = sampleState()
  const first = wiringOf(state, [])
  assert.ok(first.lines.length > 0)
  assert.equal(first.wired.size, 0)
  const row = (name: string, master: string | null, mtu: number) => ({
    index: 1,
    name,
    up: true,
    mtu,
    master,
    mac: null,
  })
  const bridges = state.networks.map(one => row(`br-${one.id.slice(0, 11)}`, null, one.mtu))
  const [outside, inside] = bridges.map(bridge => bridge.name)
  const rest = [
    row('xp-bbbb0001-00', outside ?? '', 1500),
    row('gp-acac0001-00', outside ?? '', 1500),
    row('dh-abab0001-00', inside ?? '', 1450),
    row('rp-adad0001-00', inside ?? '', 1450),
    ...state.ports.map(port => row(`tap${port.id.slice(0, 11)}`, inside ?? '', 1450)),
  ]
  assert.deepEqual(wiringOf(state, [...bridges, ...rest]).lines, [])
  const stray = wiringOf(state, [
    ...bridges,
    ...rest,
    row('tapdeadbeef-00', inside ?? '', 1450),
    row('qvo-host', null, 1500),
  ])
  assert.deepEqual(
    stray.lines.map(item => item.line),
    ['link set dev tapdeadbeef-00 nomaster'],
    'a tap without a port is off the wire; strangers are left alone',
  )
})

test('events of devices are read', () => {
  assert.deepEqual(parseLinkEvent('12: tap1@if3: <BROADCAST> mtu 1500 qdisc noop master br-1 state DOWN'), {
    name: 'tap1',
    gone: false,
    master: 'br-1',
  })
  assert.deepEqual(parseLinkEvent('Deleted 12: tap1: <BROADCAST> mtu 1500 qdisc noop state DOWN'), {
    name: 'tap1',
    gone: true,
    master: null,
  })
  assert.equal(parseLinkEvent('    link/ether fa:16:3e:00:00:01'), null)
})
