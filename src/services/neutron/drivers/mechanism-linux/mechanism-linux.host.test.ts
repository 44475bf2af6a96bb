// The linux mechanism with real packets: namespaces stand for guests. Needs root or user namespaces; says so and skips elsewhere.
import assert from 'node:assert/strict'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, before, describe, test } from 'node:test'
import { systemClock } from '#kernel/lib/clock.ts'
import { createExec } from '#host/node/exec.ts'
import { createFabric, type Fabric } from '#host/linux/fabric.ts'
import type { HostNetworkState, Mechanism, MetadataRequest } from '#services/neutron/drivers/mechanism.ts'
import { createLinuxMechanism } from '#services/neutron/drivers/mechanism-linux/mechanism-linux.ts'
import { plugGuest, type FakeGuest } from '#services/neutron/drivers/mechanism-linux/fake-guest.ts'
import { sampleState, portOf } from '#services/neutron/drivers/mechanism-samples.ts'

const root = process.getuid?.() === 0

describe('the linux mechanism, with packets', { timeout: 120_000 }, () => {
  let stateDir: string
  let fabric: Fabric
  let mechanism: Mechanism
  const asked: MetadataRequest[] = []
  const guests: FakeGuest[] = []
  const make = () =>
    createLinuxMechanism({
      fabric,
      stateDir,
      clock: systemClock(),
      root,
      onMetadata: async request => {
        asked.push(request)
        return { status: 200, body: `hello ${request.sourceIp}` }
      },
    })
  const plug = async (
    state: HostNetworkState,
    index: number,
    address?: string,
    gateway?: string,
  ): Promise<FakeGuest> => {
    const port = state.ports[index]
    assert.ok(port)
    const guest = await plugGuest(fabric, port, address, gateway)
    guests.push(guest)
    return guest
  }

  before(async () => {
    stateDir = await mkdtemp(join(tmpdir(), 'koto-net-'))
    fabric = createFabric({ stateDir, exec: createExec(), clock: systemClock(), root })
    await fabric.start()
    mechanism = await make()
  })
  after(async () => {
    await mechanism.close()
    await fabric.stop()
    await rm(stateDir, { recursive: true, force: true })
  })

  test('two guests, a router, a floating IP', async () => {
    const state = sampleState()
    const a = await plug(state, 0, '10.1.0.50/24', '10.1.0.1')
    const b = await plug(state, 1, '10.1.0.51/24', '10.1.0.1')
    let t = performance.now()
    const result = await mechanism.apply(state)
    console.log('first apply', performance.now() - t)
    t = performance.now()
    await mechanism.apply(state)
    console.log('second apply', performance.now() - t)
    assert.deepEqual(result.networks, Object.fromEntries(state.networks.map(network => [network.id, 'up'])))
    assert.deepEqual(result.ports, Object.fromEntries(state.ports.map(port => [port.id, 'up'])))
    assert.deepEqual(result.routers, Object.fromEntries(state.routers.map(router => [router.id, 'up'])))
    await mechanism.settled()
    assert.equal(await a.pings('10.1.0.51'), true, 'a pings b')
    assert.equal(await a.pings('10.1.0.1'), true, 'a pings the router')
    assert.equal(await a.pings('172.24.4.1'), true, 'a pings the outside through the router')
    const outside = fabric.execIn('external')
    assert.equal(
      (await outside.run(['ping', '-c5', '-i', '0.2', '-W1', '172.24.4.55'], { anyCode: true })).code,
      0,
      'the floating IP answers',
    )
    console.log(JSON.stringify(await mechanism.inventory(), null, 1))
    const md = await a.run(['busybox', 'nc', '-w', '2', '169.254.169.254', '80'], 'GET /x HTTP/1.0\r\n\r\n')
    console.log(md)
    void b
    void portOf
  })
})
