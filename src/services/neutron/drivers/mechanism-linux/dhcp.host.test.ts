// DHCP with a real client: what a guest is told, and that a change is told at once.
import assert from 'node:assert/strict'
import { chmod, mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, before, describe, test, type TestContext } from 'node:test'
import type { HostNetworkState, PortState } from '#services/neutron/drivers/mechanism.ts'
import type { FakeGuest } from '#services/neutron/drivers/mechanism-linux/guest-bench.ts'
import {
  cannotRun,
  createHostBench,
  eventually,
  type HostBench,
} from '#services/neutron/drivers/mechanism-linux/host-bench.ts'
import { PRIVATE, PRIVATE_SUBNET, portOf, sampleState } from '#services/neutron/drivers/mechanism-samples.ts'

const skip = await cannotRun()

describe('DHCP with packets', { skip, timeout: 120_000 }, () => {
  let bench: HostBench
  let folder: string
  before(async () => {
    bench = await createHostBench()
    folder = await mkdtemp(join(tmpdir(), 'koto-net-script-'))
    await writeFile(join(folder, 'tell'), '#!/bin/sh\necho "told $1"\nenv\n')
    await chmod(join(folder, 'tell'), 0o755)
  })
  after(async () => {
    await bench.end()
    await rm(folder, { recursive: true, force: true })
  })

  /** What the client is told, as busybox names it; null when nobody answers. */
  const lease = async (guest: FakeGuest, more: readonly string[] = []): Promise<Record<string, string> | null> => {
    const asking = [
      'busybox',
      'udhcpc',
      '-i',
      'eth0',
      '-n',
      '-q',
      '-f',
      '-t',
      '4',
      '-T',
      '1',
      '-O',
      'staticroutes',
      '-O',
      'mtu',
      '-O',
      'hostname',
      ...more,
    ]
    const done = await guest.run([...asking, '-s', join(folder, 'tell')])
    if (done.code !== 0) return null
    const bound = done.stdout.slice(done.stdout.lastIndexOf('told bound'))
    return Object.fromEntries(
      [...bound.matchAll(/^([a-z0-9]+)=(.*)$/gm)].map(match => [match[1] ?? '', match[2] ?? '']),
    )
  }
  const apply = async (state: HostNetworkState): Promise<void> => {
    const result = await bench.mechanism.apply(state)
    assert.deepEqual(result.networks[PRIVATE], 'up', JSON.stringify(result))
  }
  const plugged = async (t: TestContext, port: PortState): Promise<FakeGuest> => {
    const guest = await bench.plug(port, false)
    t.after(() => guest.remove())
    return guest
  }

  test('a guest gets its address and everything with it', async t => {
    const guest = await plugged(t, portOf(0))
    await apply(sampleState({ ports: [portOf(0)] }))
    let told: Record<string, string> | null = null
    assert.ok(await eventually(async () => (told = await lease(guest)) !== null))
    const want = {
      ip: '10.1.0.50',
      subnet: '255.255.255.0',
      router: '10.1.0.1',
      dns: '9.9.9.9',
      mtu: '1450',
      hostname: 'vm0',
      domain: 'openstacklocal',
      serverid: '10.1.0.2',
      lease: '86400',
      staticroutes: '169.254.169.254/32 10.1.0.2 10.77.0.0/16 10.1.0.9 0.0.0.0/0 10.1.0.1',
    }
    for (const [name, value] of Object.entries(want)) assert.equal(told?.[name], value, name)
    const leases = (await bench.mechanism.inventory()).dhcpServers[0]?.leases
    assert.deepEqual(leases, [{ mac: portOf(0).mac, ip: '10.1.0.50' }])
  })

  test('a stranger gets nothing; a new port is served without a new server', async t => {
    const guest = await plugged(t, portOf(1, { securityGroupIds: [] }))
    const stranger = sampleState({ ports: [portOf(0)], networks: sampleState().networks })
    await apply({
      ...stranger,
      ports: [portOf(0), portOf(1, { portSecurity: false, securityGroupIds: [], fixedIps: [] })],
    })
    const before = (await bench.mechanism.inventory()).dhcpServers[0]?.pid
    assert.equal(await lease(guest), null)
    await apply(sampleState())
    assert.equal((await lease(guest))?.['ip'], '10.1.0.51')
    assert.equal((await bench.mechanism.inventory()).dhcpServers[0]?.pid, before)
  })

  test('an address can be given again at once, to another guest', async t => {
    const first = await plugged(t, portOf(0))
    await apply(sampleState({ ports: [portOf(0)] }))
    assert.equal((await lease(first))?.['ip'], '10.1.0.50')
    await first.remove()
    const heir = portOf(2, { fixedIps: [{ subnetId: PRIVATE_SUBNET, ip: '10.1.0.50' }] })
    const second = await plugged(t, heir)
    await apply(sampleState({ ports: [heir] }))
    assert.equal((await lease(second))?.['ip'], '10.1.0.50')
    assert.deepEqual((await bench.mechanism.inventory()).dhcpServers[0]?.leases, [{ mac: heir.mac, ip: '10.1.0.50' }])
  })

  test("a port's own options, and a bad one of another port, which harms nobody", async t => {
    const guest = await plugged(t, portOf(0))
    const extraDhcpOpts = [
      { name: 'tftp-server', value: '192.0.2.9', ipVersion: 4 as const },
      { name: '42', value: '192.0.2.10', ipVersion: 4 as const },
    ]
    const bad = portOf(1, { extraDhcpOpts: [{ name: 'no-such-option', value: 'x', ipVersion: 4 }] })
    const other = await plugged(t, portOf(2))
    const third = await plugged(t, portOf(1))
    await apply(sampleState({ ports: [portOf(0, { extraDhcpOpts }), bad, portOf(2)] }))
    const told = await lease(guest, ['-O', 'tftp', '-O', 'ntpsrv'])
    assert.deepEqual([told?.['ip'], told?.['tftp'], told?.['ntpsrv']], ['10.1.0.50', '192.0.2.9', '192.0.2.10'])
    assert.equal((await lease(other))?.['ip'], '10.1.0.52')
    assert.equal((await lease(third))?.['ip'], '10.1.0.51')
  })

  test('a change of the subnet is told; without a gateway there is no way out but metadata', async t => {
    const guest = await plugged(t, portOf(0))
    const base = sampleState({ ports: [portOf(0)] })
    const changed = base.networks.map(network =>
      network.id === PRIVATE
        ? {
            ...network,
            mtu: 1400,
            dnsDomain: 'cloud.example.',
            subnets: network.subnets.map(subnet => ({ ...subnet, gatewayIp: null, dnsServers: [], hostRoutes: [] })),
          }
        : network,
    )
    await apply({ ...base, networks: changed })
    const told = await lease(guest)
    assert.deepEqual(
      [told?.['router'], told?.['dns'], told?.['mtu'], told?.['domain'], told?.['staticroutes']],
      [undefined, '10.1.0.2', '1400', 'cloud.example', '169.254.169.254/32 10.1.0.2'],
    )
    await guest.run(['ip', 'addr', 'add', '10.1.0.50/24', 'dev', 'eth0'])
    await guest.run(['ip', 'route', 'add', '169.254.169.254', 'via', '10.1.0.2'])
    await bench.mechanism.settled()
    const answer = await guest.run(['busybox', 'nc', '-w', '2', '169.254.169.254', '80'], 'GET / HTTP/1.0\r\n\r\n')
    assert.match(answer.stdout, /hello 10\.1\.0\.50$/)
  })
})
