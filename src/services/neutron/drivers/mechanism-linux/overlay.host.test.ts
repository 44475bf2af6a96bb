// Two machines, each a network namespace of its own with a cable between them: a network spans both, and nothing leaves by chance.
import assert from 'node:assert/strict'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, before, describe, test } from 'node:test'
import { createExec, type Exec } from '#host/node/exec.ts'
import type { HostNetworkState, NetworkState, PortState, RemoteState } from '#services/neutron/drivers/mechanism.ts'
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

const root = process.getuid?.() === 0
const skip = root ? await cannotRun() : 'networks span hosts as root only'
const IPS = ['192.0.2.1', '192.0.2.2'] as const
const DHCP_MAC = 'fa:16:3e:00:00:02'

const remoteOf = (port: PortState, host: string): RemoteState => ({
  mac: port.mac,
  ips: port.fixedIps.map(fixed => fixed.ip),
  host,
})
/** What one host should be: the first has DHCP and the router, the second only its guests. */
function state(mine: readonly PortState[], remotes: readonly RemoteState[], isNode: boolean): HostNetworkState {
  const base = sampleState({
    ports: mine,
    securityGroups: [{ id: DEFAULT_GROUP, stateful: true, rules: [...defaultRules(), ruleOf({})] }],
    addressSets: { [DEFAULT_GROUP]: ['10.1.0.50', '10.1.0.51'] },
  })
  const spanning = (network: NetworkState): NetworkState => {
    const { dhcpPort, ...rest } = network
    return {
      ...rest,
      kind: 'vxlan',
      segmentationId: 4242,
      remotes,
      ...(isNode && dhcpPort !== undefined
        ? { dhcpPort, reservations: [portOf(1)].filter(port => !mine.some(one => one.id === port.id)) }
        : {}),
    }
  }
  return {
    ...base,
    networks: base.networks
      .filter(network => isNode || network.id === PRIVATE)
      .map(network => (network.id === PRIVATE ? spanning(network) : network)),
    routers: isNode ? base.routers : [],
  }
}

describe('a network that spans two hosts', { skip, timeout: 60_000 }, () => {
  let folder: string
  const holders: number[] = []
  const machines: Exec[] = []
  const benches: HostBench[] = []
  let a: FakeGuest
  let b: FakeGuest
  const exec = createExec()
  const apply = async (at: 0 | 1, wanted: HostNetworkState): Promise<void> => {
    const result = await benches[at]?.mechanism.apply(wanted)
    assert.ok(result)
    for (const kind of [result.ports, result.networks, result.routers])
      for (const [id, wired] of Object.entries(kind)) assert.equal(wired, 'up', `${id}: ${JSON.stringify(wired)}`)
  }
  const both = async (ports: readonly [readonly PortState[], readonly PortState[]], know = true): Promise<void> => {
    const node = [
      { mac: DHCP_MAC, ips: ['10.1.0.2'], host: IPS[0] },
      { mac: 'fa:16:3e:00:00:01', ips: ['10.1.0.1'], host: IPS[0] },
    ]
    await apply(0, state(ports[0], know ? ports[1].map(port => remoteOf(port, IPS[1])) : [], true))
    await apply(1, state(ports[1], know ? [...node, ...ports[0].map(port => remoteOf(port, IPS[0]))] : [], false))
  }
  /** Tunnelled packets that left a machine. */
  const sent = async (at: 0 | 1): Promise<number> => {
    const done = await machines[at]?.run(['nft', 'list', 'table', 'inet', 'seen'])
    return Number(/packets (\d+)/.exec(done?.stdout ?? '')?.[1] ?? -1)
  }

  before(async () => {
    folder = await mkdtemp(join(tmpdir(), 'koto-two-'))
    for (const index of [0, 1]) {
      const pid = await exec.daemon(['unshare', '-n', '--', 'sleep', 'infinity'], {
        logFile: join(folder, `${index}.log`),
      })
      holders.push(pid)
      const own = (await exec.run(['readlink', '/proc/self/ns/net'])).stdout
      assert.ok(
        await eventually(async () => {
          const ns = await exec.run(['readlink', `/proc/${pid}/ns/net`], { anyCode: true })
          return ns.code === 0 && ns.stdout !== own
        }),
      )
      const inside = (argv: readonly string[]): string[] => ['nsenter', `--net=/proc/${pid}/ns/net`, '--', ...argv]
      machines.push({
        run: (argv, options) => exec.run(inside(argv), options),
        daemon: (argv, options) => exec.daemon(inside(argv), options),
        talk: (argv, options) => exec.talk(inside(argv), options),
      })
    }
    const [one, two] = machines
    assert.ok(one && two)
    await one.run(['ip', 'link', 'add', 'cable', 'type', 'veth', 'peer', 'name', 'cable', 'netns', String(holders[1])])
    for (const [index, machine] of machines.entries()) {
      await machine.run(['ip', 'addr', 'add', `${IPS[index as 0 | 1]}/24`, 'dev', 'cable'])
      await machine.run(['ip', 'link', 'set', 'cable', 'mtu', '1600', 'up'])
      const counting =
        'table inet seen {\n chain c {\n type filter hook output priority 0;\n udp dport 4789 counter\n }\n}\n'
      await machine.run(['nft', '-f', '-'], { stdin: counting })
      benches.push(await createHostBench({ exec: machine, tunnelIp: IPS[index as 0 | 1] }))
    }
    const [first, second] = benches
    assert.ok(first && second)
    a = await first.plug(portOf(0))
    b = await second.plug(portOf(1))
  })
  after(async () => {
    for (const bench of benches) await bench.end()
    for (const pid of holders) process.kill(pid, 'SIGKILL')
    await rm(folder, { recursive: true, force: true })
  })

  test('guests on two hosts reach each other, their router and what is behind it', async () => {
    await both([[portOf(0)], [portOf(1)]])
    assert.ok(await eventually(() => a.pings('10.1.0.51', 1)))
    assert.equal(await b.pings('10.1.0.50'), true)
    assert.equal(await b.pings('10.1.0.1'), true)
    assert.equal(await b.pings('172.24.4.1'), true, 'through the router on the other host')
    const end = await b.serve(8000)
    assert.equal(await a.reads('10.1.0.51', 8000), b.namespace)
    end()
    assert.deepEqual(
      benches.map(bench => [bench.mechanism.capabilities.overlay, bench.mechanism.capabilities.tunnelIp]),
      IPS.map(address => [true, address]),
    )
  })

  test('DHCP answers a guest on the other host', async () => {
    await both([[portOf(0)], [portOf(1)]])
    const done = await b.run([
      'timeout',
      '8',
      'busybox',
      'udhcpc',
      '-i',
      'eth0',
      '-n',
      '-q',
      '-f',
      '-s',
      '/bin/true',
      '-t',
      '5',
      '-T',
      '1',
    ])
    assert.match(done.stderr + done.stdout, /10\.1\.0\.51/)
  })

  test('frames for nobody who is known do not leave the host', async () => {
    await both([[portOf(0)], [portOf(1)]])
    assert.ok(await eventually(() => a.pings('10.1.0.51', 1)))
    await a.run(['ip', 'neigh', 'replace', '10.1.0.99', 'lladdr', 'fa:16:3e:99:99:99', 'dev', 'eth0'])
    // Neighbours talk among themselves meanwhile: so the judge is how many of many leave.
    const leave = async (address: string): Promise<number> => {
      const before = await sent(0)
      await a.run(['ping', '-q', '-c', '50', '-i', '0.01', '-W', '0.3', address])
      return (await sent(0)) - before
    }
    const [unknown, known] = [await leave('10.1.0.99'), await leave('10.1.0.51')]
    assert.ok(unknown < 15 && known >= 50, `${unknown} packets for nobody, ${known} for somebody`)
  })

  test('what moves is followed, what goes is forgotten, and a run that asks the machine changes nothing', async () => {
    await both([[portOf(0)], [portOf(1)]])
    for (const [index, bench] of benches.entries())
      await bench.mechanism.apply(
        index === 0
          ? state([portOf(0)], [remoteOf(portOf(1), IPS[1])], true)
          : state([portOf(1)], [remoteOf(portOf(0), IPS[0]), { mac: DHCP_MAC, ips: [], host: IPS[0] }], false),
        { full: true },
      )
    assert.equal(await a.pings('10.1.0.51'), true)
    // b moves to the first host.
    await b.remove()
    const [first, second] = benches
    assert.ok(first && second)
    b = await first.plug(portOf(1))
    await both([[portOf(0), portOf(1)], []])
    assert.ok(await eventually(() => a.pings('10.1.0.51', 1)))
    const left = (await first.mechanism.inventory()).links.filter(link => link.name.startsWith('vx-'))
    assert.deepEqual(left, [], 'nothing of the network is elsewhere')
    await b.remove()
    b = await second.plug(portOf(1))
    await both([[portOf(0)], [portOf(1)]])
    assert.ok(await eventually(() => a.pings('10.1.0.51', 1)))
    await both([[portOf(0)], [portOf(1)]], false)
    assert.equal(await a.pings('10.1.0.51', 1), false, 'hosts that know nothing of each other are two')
  })
})
