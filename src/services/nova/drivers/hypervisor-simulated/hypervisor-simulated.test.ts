// The simulated driver keeps the port's promises, and some of its own.
import assert from 'node:assert/strict'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { it } from 'node:test'
import { systemClock } from '#kernel/lib/clock.ts'
import { createSimulatedHypervisor } from '#services/nova/drivers/hypervisor-simulated/hypervisor-simulated.ts'
import { hypervisorSuite, type HypervisorBench } from '#services/nova/drivers/hypervisor.suite.ts'
import type { GuestEvent, GuestSpec } from '#services/nova/drivers/hypervisor.ts'

const clock = systemClock()

function guest(change: Partial<GuestSpec> = {}): GuestSpec {
  const portId = crypto.randomUUID()
  return {
    serverId: crypto.randomUUID(),
    name: 'demo',
    hostname: 'demo',
    vcpus: 1,
    memoryMb: 128,
    rootDisk: { from: 'image', base: '/nowhere/base.qcow2', baseFormat: 'qcow2', sizeGb: 1 },
    disks: [],
    nics: [{ portId, mac: 'fa:16:3e:00:00:01', tap: `tap${portId.slice(0, 11)}`, mtu: 1450 }],
    ...change,
  }
}

async function makeBench(): Promise<HypervisorBench> {
  const folder = mkdtempSync(join(tmpdir(), 'koto-simulated-'))
  const make = () => createSimulatedHypervisor({ clock, file: join(folder, 'guests.json') })
  const hypervisor = make()
  return {
    hypervisor,
    guest,
    volume: async device => {
      const volumeId = crypto.randomUUID()
      return {
        volumeId,
        serial: volumeId,
        device,
        source: { kind: 'file', path: join(folder, volumeId), format: 'qcow2' },
      }
    },
    overlay: async disk => join(folder, `${disk.volumeId}.overlay`),
    path: name => join(folder, name),
    booted: async () => undefined,
    restarted: async () => make(),
    neighbour: async () => createSimulatedHypervisor({ clock: systemClock() }),
    end: async () => {
      await hypervisor.close()
      rmSync(folder, { recursive: true, force: true })
    },
  }
}

hypervisorSuite('simulated', makeBench)

it('a simulated guest can end by itself, and whoever listens is told', async () => {
  const hypervisor = createSimulatedHypervisor({ clock })
  const events: GuestEvent[] = []
  hypervisor.onEvent(event => events.push(event))
  const one = guest()
  await hypervisor.spawn(one)
  await hypervisor.guestEnds(one.serverId, 'crashed')
  assert.equal(await hypervisor.state(one.serverId), 'crashed')
  assert.deepEqual(events, [{ kind: 'stopped', serverId: one.serverId, why: 'crashed', detail: 'simulated' }])
  await hypervisor.powerOn(one)
  assert.equal(await hypervisor.state(one.serverId), 'running')
})

it('a guest that clings to its volume is busy', async () => {
  const hypervisor = createSimulatedHypervisor({ clock, clingsTo: () => true })
  const volumeId = crypto.randomUUID()
  const one = guest({
    disks: [{ volumeId, serial: volumeId, device: 'vdb', source: { kind: 'file', path: '/x', format: 'raw' } }],
  })
  await hypervisor.spawn(one)
  await assert.rejects(hypervisor.detachDisk(one.serverId, volumeId), { code: 'busy' })
})

it('five hundred hosts of eight guests each take a blink', async () => {
  const begun = performance.now()
  const hosts = Array.from({ length: 500 }, () => createSimulatedHypervisor({ clock, facts: { vcpus: 8 } }))
  for (const host of hosts) await Promise.all(Array.from({ length: 8 }, () => host.spawn(guest())))
  assert.equal((await hosts[499]?.list())?.length, 8)
  assert.equal((await hosts[0]?.facts())?.vcpus, 8)
  assert.ok(performance.now() - begun < 2_000)
})
