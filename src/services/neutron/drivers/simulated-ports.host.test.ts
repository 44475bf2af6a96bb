// Simulated guests on a real network: ports are up at once, and routers and networks are really there.
import assert from 'node:assert/strict'
import { after, before, describe, test } from 'node:test'
import { cannotRun, createHostBench, type HostBench } from '#services/neutron/drivers/mechanism-linux/host-bench.ts'
import { ROUTER, sampleState } from '#services/neutron/drivers/mechanism-samples.ts'
import { createSimulatedMechanism } from '#services/neutron/drivers/mechanism-simulated/mechanism-simulated.ts'
import { withSimulatedPorts } from '#services/neutron/drivers/simulated-ports.ts'

describe('simulated ports on a real network', { skip: await cannotRun(), timeout: 60_000 }, () => {
  let bench: HostBench
  before(async () => {
    bench = await createHostBench()
  })
  after(() => bench.end())

  test('ports come up without a device, and the rest is real', async () => {
    const mechanism = withSimulatedPorts(bench.mechanism, createSimulatedMechanism())
    const state = sampleState()
    const result = await mechanism.apply(state)
    for (const kind of [result.ports, result.networks, result.routers])
      assert.deepEqual([...new Set(Object.values(kind))], ['up'])
    assert.equal(Object.keys(result.ports).length, 2)
    assert.ok((await bench.fabric.namespaces()).includes(`qrouter-${ROUTER}`))
    const { filters } = await mechanism.inventory()
    assert.deepEqual(
      Object.fromEntries(Object.entries(filters).map(([id, filter]) => [id, filter.digest])),
      mechanism.expectedFilters(state),
    )
  })
})
