// The way out: a guest reaches a server of this machine's own network, and not its loopback.
import assert from 'node:assert/strict'
import { createServer, type Server } from 'node:http'
import type { AddressInfo } from 'node:net'
import { networkInterfaces } from 'node:os'
import { after, before, describe, test } from 'node:test'
import { processArgv, processMark } from '#host/linux/proc.ts'
import { whereIs } from '#host/linux/probe.ts'
import type { FakeGuest } from '#services/neutron/drivers/mechanism-linux/guest-bench.ts'
import {
  cannotRun,
  createHostBench,
  eventually,
  type HostBench,
} from '#services/neutron/drivers/mechanism-linux/host-bench.ts'
import { portOf, sampleState } from '#services/neutron/drivers/mechanism-samples.ts'

const own = Object.values(networkInterfaces())
  .flatMap(list => list ?? [])
  .find(one => one.family === 'IPv4' && !one.internal)?.address
const skip =
  (await cannotRun()) ||
  ((await whereIs('pasta')) === null
    ? 'pasta is not installed'
    : own === undefined
      ? 'this machine has no network'
      : false)

describe('egress with packets', { skip, timeout: 60_000 }, () => {
  let bench: HostBench
  let guest: FakeGuest
  const servers: Server[] = []
  const listenAt = async (host: string): Promise<number> => {
    const server = createServer((_request, response) => response.end('hello'))
    servers.push(server)
    await new Promise<void>(resolve => server.listen(0, host, resolve))
    return (server.address() as AddressInfo).port
  }
  // A whole request: some pastas repeat themselves to a client that ends its side before the answer, as nc does.
  const gets = async (address: string, port: number): Promise<string | null> => {
    const done = await guest.run(['timeout', '3', 'busybox', 'wget', '-q', '-O', '-', `http://${address}:${port}/`])
    return done.code === 0 ? done.stdout : null
  }
  before(async () => {
    bench = await createHostBench({ egress: true })
    guest = await bench.plug(portOf(0))
    const result = await bench.mechanism.apply(sampleState())
    assert.deepEqual([...new Set(Object.values(result.networks))], ['up'])
    await bench.mechanism.settled()
    assert.ok(await eventually(() => guest.pings('172.24.4.1', 1)))
  })
  after(async () => {
    servers.forEach(server => server.close())
    await bench.end()
  })

  test("guests reach this machine's network, and a second apply keeps the way open", async () => {
    assert.deepEqual([bench.mechanism.capabilities.egress, bench.mechanism.capabilities.says], [true, []])
    const port = await listenAt(own ?? '')
    assert.equal(await gets(own ?? '', port), 'hello')
    const before = await bench.fabric.processes()
    await bench.mechanism.apply(sampleState(), { full: true })
    assert.equal(await gets(own ?? '', port), 'hello')
    assert.deepEqual((await bench.fabric.processes()).sort(), before.sort())
  })

  test('guests do not reach its loopback by any name of it', async () => {
    const port = await listenAt('127.0.0.1')
    for (const address of ['127.0.0.1', '198.18.255.1', '198.18.255.2', '172.24.4.1'])
      assert.equal(await gets(address, port), null, address)
  })

  test('the next control process finds it, and stop ends it', async () => {
    await bench.mechanism.close()
    const again = await createHostBench({ stateDir: bench.stateDir, egress: true })
    const before = await bench.fabric.processes()
    await again.mechanism.apply(sampleState())
    await again.mechanism.settled()
    await again.mechanism.close()
    await again.fabric.close()
    // A program that only asks something (ip, nft) may still be on its way out.
    const rest = async (): Promise<boolean> => (await bench.fabric.processes()).every(pid => before.includes(pid))
    assert.ok(await eventually(rest), `no second one: ${String(before)}, now ${String(await bench.fabric.processes())}`)
    const other = await createHostBench({ egress: true })
    await other.mechanism.apply(sampleState({ ports: [] }))
    const inside = await other.fabric.processes()
    assert.ok((await Promise.all(inside.map(processArgv))).some(argv => argv.includes('koto0')))
    await other.end()
    assert.deepEqual((await Promise.all(inside.map(processMark))).filter(Boolean), [])
  })

  test('remove ends it', async () => {
    await bench.mechanism.remove()
    assert.equal(bench.mechanism.capabilities.egress, true)
    const links = (await bench.outside(['ip', '-o', 'link'])).stdout
    assert.equal(links.includes('koto0'), false)
  })
})
