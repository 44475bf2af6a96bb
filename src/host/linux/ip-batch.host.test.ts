import assert from 'node:assert/strict'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { test } from 'node:test'
import { systemClock } from '#kernel/lib/clock.ts'
import { createExec } from '#host/node/exec.ts'
import { createFabric } from '#host/linux/fabric.ts'
import { parseLinks, plainLine } from '#host/linux/ip-batch.ts'
import { probeNetwork } from '#host/linux/probe.ts'

const root = process.getuid?.() === 0
const probe = await probeNetwork({ exec: createExec(), clock: systemClock(), root, deep: false })

test('a row of ip is read, whatever follows the name', () => {
  const text =
    '1: lo: <LOOPBACK,UP,LOWER_UP> mtu 65536 qdisc noqueue state UNKNOWN\\    link/loopback 00:00:00:00:00:00 brd 00:00:00:00:00:00\n' +
    '12: rp-1@if3: <BROADCAST,MULTICAST> mtu 1450 qdisc noop master br-1 state DOWN\\    link/ether fa:16:3e:00:00:01 brd ff:ff:ff:ff:ff:ff link-netns x\n'
  assert.deepEqual(parseLinks(text), [
    { index: 1, name: 'lo', up: true, mtu: 65536, master: null, mac: null },
    { index: 12, name: 'rp-1', up: false, mtu: 1450, master: 'br-1', mac: 'fa:16:3e:00:00:01' },
  ])
})

test('a line that is more than words is refused', () => {
  for (const line of ['link show\nlink del dev lo', 'link del dev "lo"', 'link show # x', 'link show \\', ''])
    assert.throws(() => plainLine(line), line)
})

test(
  'each line gets its own answer, also when a device came back by another hand',
  { skip: probe.usable ? false : 'no namespaces here' },
  async () => {
    const stateDir = await mkdtemp(join(tmpdir(), 'koto-net-'))
    const fabric = createFabric({ stateDir, exec: createExec(), clock: systemClock(), root })
    try {
      await fabric.start()
      const [made, wrong, up] = await fabric.link.run([
        'link add dev v0 type veth peer name v1',
        'link set dev nothing up',
        'link set dev v0 up',
      ])
      assert.deepEqual([made, up], [null, null])
      assert.match(wrong ?? '', /nothing/)
      await fabric.exec.run(['ip', 'link', 'del', 'v0'])
      await fabric.exec.run(['ip', 'link', 'add', 'v0', 'type', 'veth', 'peer', 'name', 'v1'])
      assert.deepEqual(await fabric.link.run(['link set dev v0 mtu 1400', 'link set dev v0 up']), [null, null])
      assert.deepEqual(
        (await fabric.link.links()).filter(link => link.name === 'v0').map(link => [link.mtu, link.up]),
        [[1400, true]],
      )
      await fabric.link.createTap('tap1')
      await fabric.link.createTap('tap1')
      await fabric.link.removeTap('tap1')
      await fabric.link.removeTap('tap1')
    } finally {
      await fabric.stop()
      await rm(stateDir, { recursive: true, force: true })
    }
  },
)
