// What happens to a network whose control process dies, and what is left of it in the end.
import assert from 'node:assert/strict'
import { spawn } from 'node:child_process'
import { mkdtemp, readFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { describe, test } from 'node:test'
import { fileURLToPath } from 'node:url'
import { createExec } from '#host/node/exec.ts'
import { allPids, processEnv } from '#host/linux/proc.ts'
import { cannotRun, createHostBench, eventually } from '#services/neutron/drivers/mechanism-linux/host-bench.ts'
import { portOf, sampleState } from '#services/neutron/drivers/mechanism-samples.ts'

const skip = await cannotRun()
const self = fileURLToPath(import.meta.url)
const wanted = () => sampleState({ ports: [portOf(0), portOf(1)] })

/** Run as a program with a state folder: brings a network up with two guests, says so, and waits to be killed. */
if (process.env['KOTO_SURVIVAL'] !== undefined) {
  const bench = await createHostBench({ stateDir: process.env['KOTO_SURVIVAL'] })
  const guest = await bench.plug(portOf(0))
  await bench.plug(portOf(1))
  await bench.mechanism.apply(wanted())
  await bench.mechanism.settled()
  await eventually(() => guest.pings('10.1.0.51', 1))
  process.stdout.write('up\n')
  setInterval(() => undefined, 1_000)
} else {
  describe('a network outlives its control process', { skip, timeout: 60_000 }, () => {
    test('kill -9, and the next one adopts everything without a packet lost', async () => {
      const stateDir = await mkdtemp(join(tmpdir(), 'koto-net-'))
      const child = spawn(process.execPath, ['--conditions=koto-source', self], {
        env: { ...process.env, KOTO_SURVIVAL: stateDir, NODE_TEST_CONTEXT: '' },
        stdio: ['ignore', 'pipe', 'inherit'],
      })
      await new Promise<void>((resolve, reject) => {
        child.stdout.on('data', (data: Buffer) => (data.toString().includes('up') ? resolve() : undefined))
        child.on('exit', () => reject(new Error('it ended before it was up')))
      })
      const holder = await readFile(join(stateDir, 'network', 'holder.json'), 'utf8')
      child.removeAllListeners('exit')
      const gone = new Promise(resolve => child.on('close', resolve))
      child.kill('SIGKILL')
      await gone

      const bench = await createHostBench({ stateDir })
      try {
        assert.equal(await readFile(join(stateDir, 'network', 'holder.json'), 'utf8'), holder, 'the holder is the same')
        const guest = bench.fabric.execIn(`guest-${portOf(0).id.slice(0, 11)}`)
        assert.equal(
          (await guest.run(['ping', '-c1', '-W1', '10.1.0.51'], { anyCode: true })).code,
          0,
          'packets never stopped',
        )
        const steady = guest.run(['ping', '-c', '40', '-i', '0.02', '-W1', '10.1.0.51'], { anyCode: true })
        const before = await bench.mechanism.inventory()
        const result = await bench.mechanism.apply(wanted())
        await bench.mechanism.settled()
        assert.deepEqual(result.ports, { [portOf(0).id]: 'up', [portOf(1).id]: 'up' })
        assert.match((await steady).stdout, / 0% packet loss/, 'adoption drops nothing')
        const after = await bench.mechanism.inventory()
        assert.deepEqual({ ...after, metadata: [] }, { ...before, metadata: [] }, 'same servers, devices and filters')
        assert.equal(after.metadata.length, 2)
        const asks = await guest.run(['busybox', 'nc', '-w', '2', '169.254.169.254', '80'], {
          stdin: 'GET / HTTP/1.0\r\n\r\n',
          anyCode: true,
        })
        assert.match(asks.stdout, /hello 10\.1\.0\.50$/, 'metadata answers again')
      } finally {
        await bench.end()
      }
    })

    test('what changed while nobody looked is put right by a full run', async () => {
      const bench = await createHostBench()
      try {
        const a = await bench.plug(portOf(0))
        await bench.plug(portOf(1))
        await bench.mechanism.apply(wanted())
        assert.ok(await eventually(() => a.pings('172.24.4.1', 1)))
        const { exec } = bench.fabric
        const server = (await bench.mechanism.inventory()).dhcpServers[0]?.pid ?? 0
        process.kill(server, 'SIGKILL')
        await exec.run(['nft', 'flush', 'table', 'bridge', 'koto'])
        await exec.run(['ip', 'link', 'del', `rp-${wanted().routers[0]?.interfaces[0]?.portId.slice(0, 11) ?? ''}`])
        await bench.outside(['ip', 'addr', 'flush', 'dev', `ex-${wanted().networks[0]?.id.slice(0, 11) ?? ''}`])
        await exec.run(['ip', 'link', 'add', 'br-leftover', 'type', 'bridge'])
        await bench.fabric.addNamespaces(['qrouter-leftover'])
        const result = await bench.mechanism.apply(wanted(), { full: true })
        assert.deepEqual(result, await bench.mechanism.apply(wanted()))
        assert.deepEqual([...new Set(Object.values(result).flatMap(kind => Object.values(kind)))], ['up'])
        assert.ok(await eventually(() => a.pings('172.24.4.1', 1)))
        const found = await bench.mechanism.inventory()
        assert.equal(found.dhcpServers.length, 1)
        assert.notEqual(found.dhcpServers[0]?.pid, server)
        assert.deepEqual(
          Object.fromEntries(Object.entries(found.filters).map(([id, filter]) => [id, filter.digest])),
          bench.mechanism.expectedFilters(wanted()),
        )
        assert.equal(
          found.links.some(link => link.name === 'br-leftover'),
          false,
        )
        assert.equal(found.namespaces.includes('qrouter-leftover'), false)
      } finally {
        await bench.end()
      }
    })

    test('the holder itself may be killed: what lives inside keeps the network, and another holder is put beside it', async () => {
      const bench = await createHostBench()
      try {
        const a = await bench.plug(portOf(0))
        await bench.plug(portOf(1))
        await bench.mechanism.apply(wanted())
        assert.ok(await eventually(() => a.pings('10.1.0.51', 1)))
        const before = bench.fabric.pid
        process.kill(before, 'SIGKILL')
        assert.ok(await eventually(async () => !(await bench.fabric.alive())))
        // The conversation with ip is inside too; without it only the DHCP server is.
        await bench.fabric.close()
        await bench.mechanism.apply(wanted())
        assert.notEqual(bench.fabric.pid, before)
        assert.equal(await a.pings('10.1.0.51'), true)
        assert.equal((await bench.mechanism.inventory()).links.length, 9)
      } finally {
        await bench.end()
      }
    })

    test('when all inside is killed, everything is made again', async () => {
      const bench = await createHostBench()
      try {
        await bench.mechanism.apply(wanted())
        await bench.mechanism.settled()
        for (const pid of [...(await bench.fabric.processes()), bench.fabric.pid]) {
          try {
            process.kill(pid, 'SIGKILL')
          } catch {
            // It was on its way out by itself.
          }
        }
        assert.ok(await eventually(async () => !(await bench.fabric.alive())))
        await bench.mechanism.apply(wanted())
        await bench.mechanism.settled()
        const found = await bench.mechanism.inventory()
        assert.deepEqual(
          [found.dhcpServers.length, found.metadata.length, Object.keys(found.filters).length],
          [1, 2, 2],
        )
      } finally {
        await bench.end()
      }
    })

    test('a device that compute makes later is heard of and wired', async () => {
      const bench = await createHostBench()
      let heard = 0
      const stop = bench.mechanism.watch(() => (heard += 1))
      try {
        assert.deepEqual((await bench.mechanism.apply(wanted())).ports, {
          [portOf(0).id]: 'down',
          [portOf(1).id]: 'down',
        })
        const tap = `tap${portOf(0).id.slice(0, 11)}`
        assert.ok(await eventually(async () => (await bench.fabric.processes()).length >= 3))
        await bench.fabric.link.createTap(tap)
        assert.ok(await eventually(() => Promise.resolve(heard > 0)))
        assert.deepEqual((await bench.mechanism.apply(wanted())).ports, {
          [portOf(0).id]: 'up',
          [portOf(1).id]: 'down',
        })
        const before = heard
        await bench.fabric.link.removeTap(tap)
        assert.ok(await eventually(() => Promise.resolve(heard > before)))
        assert.deepEqual((await bench.mechanism.apply(wanted())).ports, {
          [portOf(0).id]: 'down',
          [portOf(1).id]: 'down',
        })
      } finally {
        stop()
        await bench.end()
      }
    })

    test('in the end nothing is left: no device, no process, no namespace', async () => {
      const host = async () => (await createExec().run(['ip', '-br', 'link'])).stdout
      const before = await host()
      const bench = await createHostBench()
      await bench.plug(portOf(0))
      await bench.mechanism.apply(wanted())
      assert.equal(await host(), before, "the machine's own devices are not touched")
      const inside = await bench.fabric.processes()
      assert.ok(inside.length >= 1)
      const { pid } = bench.fabric
      await bench.end()
      assert.equal(await host(), before)
      const alive = await allPids()
      assert.deepEqual(
        [...inside, pid].filter(one => alive.includes(one)),
        [],
      )
      for (const one of alive) assert.notEqual(await processEnv(one, 'KOTO_FABRIC'), join(bench.stateDir, 'network'))
    })

    test('a boot on a network that is there costs little', async t => {
      const bench = await createHostBench()
      try {
        const ports = Array.from({ length: 12 }, (_, index) => portOf(index))
        await bench.mechanism.apply(sampleState({ ports: ports.slice(0, 1) }))
        const times: number[] = []
        for (let count = 2; count <= ports.length; count += 1) {
          const began = performance.now()
          await bench.fabric.link.createTap(`tap${portOf(count - 1).id.slice(0, 11)}`)
          const result = await bench.mechanism.apply(sampleState({ ports: ports.slice(0, count) }))
          times.push(performance.now() - began)
          assert.equal(result.ports[portOf(count - 1).id], 'up')
        }
        const median = times.sort((x, y) => x - y)[Math.floor(times.length / 2)] ?? 0
        t.diagnostic(
          `tap, bridge, filter and DHCP entry of one guest: ${median.toFixed(1)} ms (median of ${times.length})`,
        )
        assert.ok(median < 60, `${median} ms`)
      } finally {
        await bench.end()
      }
    })
  })
}
