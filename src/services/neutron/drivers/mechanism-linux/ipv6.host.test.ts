// IPv6 with packets: addresses by advertisement and by DHCP, neighbours guarded, routed between networks, metadata on link-local.
import assert from 'node:assert/strict'
import { after, before, describe, test } from 'node:test'
import type { HostNetworkState, Ipv6Mode, PortState, SubnetState } from '#services/neutron/drivers/mechanism.ts'
import { linkLocal } from '#services/neutron/drivers/addresses.ts'
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

const skip = await cannotRun()
const SIX = 'aaaa0006-0000-4000-8000-000000000006'

/** The sample with a second, IPv6 subnet on the private network: fd00:1::/64, the router at ::1, DHCP at ::2. */
function state(mode: Ipv6Mode, ports: readonly PortState[]): HostNetworkState {
  const base = sampleState({
    ports,
    securityGroups: [
      {
        id: DEFAULT_GROUP,
        stateful: true,
        rules: [...defaultRules(), ruleOf({ ethertype: 'IPv6', protocol: 'icmp' }), ruleOf({ protocol: 'icmp' })],
      },
    ],
  })
  const subnet: SubnetState = {
    id: SIX,
    cidr: 'fd00:1::/64',
    ipVersion: 6,
    gatewayIp: 'fd00:1::1',
    dhcp: true,
    pools: [],
    dnsServers: ['2001:db8::53'],
    hostRoutes: [],
    ipv6AddressMode: mode,
    ipv6RaMode: mode,
  }
  return {
    ...base,
    networks: base.networks.map(network =>
      network.id === PRIVATE && network.dhcpPort !== undefined
        ? {
            ...network,
            subnets: [...network.subnets, subnet],
            dhcpPort: { ...network.dhcpPort, ips: [...network.dhcpPort.ips, { subnetId: SIX, ip: 'fd00:1::2' }] },
          }
        : network,
    ),
    routers: base.routers.map(router => ({
      ...router,
      interfaces: router.interfaces.map(part => ({ ...part, ips: [...part.ips, { ip: 'fd00:1::1', prefix: 64 }] })),
    })),
  }
}

const bySlaac = (index: number): PortState => {
  const port = portOf(index)
  const own = linkLocal(port.mac).replace('fe80::', 'fd00:1::')
  return { ...port, fixedIps: [...port.fixedIps, { subnetId: SIX, ip: own }] }
}

// A DHCPv6 client's first message (RFC 8415 §18.2.1) with its MAC as identity, run as the guest; says the address it is offered.
const SOLICIT = `
const mac = Buffer.from(process.argv[1].replaceAll(':', ''), 'hex')
const option = (code, ...parts) => { const body = Buffer.concat(parts); const head = Buffer.alloc(4); head.writeUInt16BE(code); head.writeUInt16BE(body.length, 2); return Buffer.concat([head, body]) }
const identity = option(1, Buffer.from([0, 3, 0, 1]), mac)
const message = Buffer.concat([Buffer.from([1, 7, 7, 7]), identity, option(8, Buffer.alloc(2)), option(3, Buffer.from([0, 0, 0, 1]), Buffer.alloc(8))])
const socket = require('node:dgram').createSocket('udp6')
socket.on('message', reply => { const at = reply.indexOf(Buffer.from([0, 5, 0, 24])); if (reply[0] === 2 && at > 0) { console.log(reply.subarray(at + 4, at + 20).toString('hex')); process.exit() } })
socket.bind(546, () => socket.send(message, 547, 'ff02::1:2%eth0'))
setTimeout(() => process.exit(1), 1000)
`

describe('IPv6 with packets', { skip, timeout: 60_000 }, () => {
  let bench: HostBench
  const addresses = async (guest: FakeGuest): Promise<string> =>
    (await guest.run(['ip', '-6', '-o', 'addr', 'show', 'dev', 'eth0', 'scope', 'global'])).stdout
  const apply = async (wanted: HostNetworkState): Promise<void> => {
    const result = await bench.mechanism.apply(wanted)
    assert.deepEqual(
      [...new Set(Object.values(result).flatMap(kind => Object.values(kind as Record<string, unknown>)))],
      ['up'],
      JSON.stringify(result),
    )
    await bench.mechanism.settled()
  }
  before(async () => {
    bench = await createHostBench()
  })
  after(() => bench.end())

  test('guests make their own address of what the router says, and speak from no other', async t => {
    const [a, b] = [await bench.plug(bySlaac(0)), await bench.plug(bySlaac(1))]
    t.after(() => Promise.all([a.remove(), b.remove()]))
    await apply(state('slaac', [bySlaac(0), bySlaac(1)]))
    const own = bySlaac(1).fixedIps[1]?.ip ?? ''
    assert.ok(await eventually(async () => (await addresses(b)).includes(own)), 'an address by advertisement')
    assert.ok(await eventually(async () => (await addresses(a)).includes('fd00:1::')))
    assert.match(
      (await b.run(['ip', '-6', 'route', 'show', 'default'])).stdout,
      new RegExp(`via ${linkLocal('fa:16:3e:00:00:01')} .*mtu 1450|via ${linkLocal('fa:16:3e:00:00:01')}`),
    )
    assert.ok(await eventually(() => a.pings(own, 1)))
    assert.equal(await a.pings('fd00:1::1'), true)
    // b claims a's address: neither its advertisement nor its packets pass.
    const victim = bySlaac(0).fixedIps[1]?.ip ?? ''
    await b.run(['ip', 'addr', 'add', 'fd00:1::99/64', 'dev', 'eth0', 'nodad'])
    assert.notEqual((await b.run(['ping', '-c1', '-W', '0.5', '-I', 'fd00:1::99', victim])).code, 0)
    await apply(state('slaac', [bySlaac(0), { ...bySlaac(1), allowedAddressPairs: [{ ip: 'fd00:1::99' }] }]))
    assert.ok(
      await eventually(async () => (await b.run(['ping', '-c1', '-W', '0.5', '-I', 'fd00:1::99', victim])).code === 0),
      'an allowed pair may speak',
    )
  })

  test('metadata answers on link-local', async t => {
    const guest = await bench.plug(bySlaac(0))
    t.after(() => guest.remove())
    await apply(state('slaac', [bySlaac(0)]))
    const get = () => guest.run(['busybox', 'nc', '-w', '2', 'fe80::a9fe:a9fe%eth0', '80'], 'GET / HTTP/1.0\r\n\r\n')
    assert.ok(await eventually(async () => (await get()).stdout.includes('hello fe80::')))
    assert.deepEqual([bench.asked.at(-1)?.sourceIp, bench.asked.at(-1)?.networkId], [linkLocal(portOf(0).mac), PRIVATE])
  })

  test("where DHCP gives the addresses, the network's own server does, and the router sends guests there", async t => {
    const port = { ...portOf(2), fixedIps: [...portOf(2).fixedIps, { subnetId: SIX, ip: 'fd00:1::52' }] }
    const guest = await bench.plug(port)
    t.after(() => guest.remove())
    await apply(state('dhcpv6-stateful', [port]))
    const offered = async (): Promise<string> =>
      (await guest.run([process.execPath, '-e', SOLICIT, port.mac])).stdout.trim()
    assert.ok(await eventually(async () => (await offered()) === 'fd000001000000000000000000000052'))
    assert.equal((await addresses(guest)).includes('fd00:1::'), false, 'no address by advertisement')
    const [server] = (await bench.mechanism.inventory()).dhcpServers
    assert.deepEqual(
      server?.hosts.map(host => host.ips),
      [['10.1.0.52'], ['fd00:1::52']],
    )
  })
})
