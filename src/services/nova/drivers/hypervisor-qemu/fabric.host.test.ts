// Guests in the network fabric: their wires are taps there, and nothing of them is in the machine's own network.
import assert from 'node:assert/strict'
import { execFileSync } from 'node:child_process'
import { mkdtempSync, readFileSync, readlinkSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, before, describe, it } from 'node:test'
import { createExec } from '#host/node/exec.ts'
import { createFabric, type Fabric } from '#host/linux/fabric.ts'
import { systemClock } from '#kernel/lib/clock.ts'
import { makeQemuBench, type QemuBench } from '#services/nova/drivers/hypervisor-qemu/bench-for-tests.ts'
import { ask, findTestKernel } from '#services/nova/drivers/hypervisor-qemu/guest-for-tests.ts'
import type { GuestRecord } from '#services/nova/drivers/hypervisor-qemu/guest-store.ts'
import type { GuestSpec, Hypervisor } from '#services/nova/drivers/hypervisor.ts'

const found = findTestKernel()
const skip =
  'missing' in found ? found.missing : process.getuid?.() !== 0 && 'only root makes a fabric without a user namespace'

describe('QEMU guests in the fabric', { skip }, () => {
  const home = mkdtempSync(join(tmpdir(), 'koto-fabric-'))
  const fabric: Fabric = createFabric({ stateDir: home, exec: createExec(), clock: systemClock(), root: true })
  let bench: QemuBench
  let h: Hypervisor
  before(async () => {
    await fabric.start()
    await fabric.link.run(['link add br0 type bridge', 'link set br0 up'])
    bench = await makeQemuBench({
      placeIn: fabric.exec,
      taps: {
        create: async (name, { uid }) => {
          await fabric.link.createTap(name, uid === undefined ? {} : { uid })
          await fabric.link.run([`link set ${name} master br0 up`])
        },
        remove: name => fabric.link.removeTap(name),
      },
    })
    h = bench.hypervisor
  })
  after(async () => {
    await bench.end()
    await fabric.stop()
    rmSync(home, { recursive: true, force: true })
  })
  const taps = async (): Promise<string[]> =>
    [...(await fabric.exec.run(['ip', '-br', 'link'])).stdout.matchAll(/^tap\S+/gm)].map(([name]) => name)
  const pidOf = (serverId: string): number =>
    (JSON.parse(readFileSync(`${bench.folder}/servers/${serverId}/guest.json`, 'utf8')) as GuestRecord).process?.pid ??
    0
  const tapOf = (guest: GuestSpec): string => guest.nics[0]?.tap ?? ''

  it('reach each other, also by a wire plugged in later, and leave no tap', async () => {
    const [one, two] = [bench.guest(), bench.guest()]
    await Promise.all([h.spawn(one), h.spawn(two)])
    assert.deepEqual((await taps()).toSorted(), [tapOf(one), tapOf(two)].toSorted())
    assert.ok(!execFileSync('ip', ['-br', 'link'], { encoding: 'utf8' }).includes(tapOf(one)))
    assert.equal(readlinkSync(`/proc/${pidOf(one.serverId)}/ns/net`), readlinkSync(`/proc/${fabric.pid}/ns/net`))
    assert.ok((await fabric.processes()).includes(pidOf(one.serverId)), 'the fabric knows its guests')
    await Promise.all([bench.booted(one.serverId), bench.booted(two.serverId)])
    const [first, second] = await Promise.all([bench.serial(one.serverId), bench.serial(two.serverId)])
    await ask(first, 'ip link set eth0 up; ip addr add 10.9.0.1/24 dev eth0')
    await ask(second, 'ip link set eth0 up; ip addr add 10.9.0.2/24 dev eth0')
    assert.match(await ask(first, 'ping -c 2 -W 3 10.9.0.2; cat /sys/class/net/eth0/mtu'), / 0% packet loss[^]*1450$/)

    const extra = bench.guest().nics[0]
    assert.ok(extra !== undefined)
    await h.attachNic(one.serverId, extra)
    await bench.until('the second wire', 10_000, async () => (await ask(first, 'ls /sys/class/net')).includes('eth1'))
    assert.equal((await ask(first, 'cat /sys/class/net/eth1/address')).trim(), extra.mac)
    await h.detachNic(one.serverId, extra.portId)
    assert.ok(!(await taps()).includes(extra.tap))
    first.destroy()
    second.destroy()

    await h.reboot(one, 'hard')
    assert.ok((await taps()).includes(tapOf(one)))
    await h.powerOff(one.serverId)
    assert.deepEqual(await taps(), [tapOf(two)])
    await h.powerOn(one)
    process.kill(pidOf(two.serverId), 'SIGKILL')
    await bench.until('the wire of the killed guest to go', 5_000, async () => !(await taps()).includes(tapOf(two)))
    for (const { serverId } of [one, two]) await h.destroy(serverId)
    assert.deepEqual(await taps(), [])
  })
})
