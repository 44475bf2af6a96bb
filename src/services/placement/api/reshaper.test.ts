import assert from 'node:assert/strict'
import { test } from 'node:test'

import { testPlacement } from '#services/placement/test-placement.ts'

test('inventories and what is allocated of them move to a child at one stroke, or not at all', async () => {
  const { ok, provider, generation, newId, sound } = await testPlacement()
  const host = await provider('host', { inventories: { VCPU: 8, DISK_GB: 100 } })
  const numa = await provider('numa', { parent: host })
  const [one, two] = [newId(), newId()]
  const owner = { project_id: 'p', user_id: 'u', consumer_type: 'INSTANCE' }
  for (const consumer of [one, two])
    await ok(204, 'PUT', `/allocations/${consumer}`, {
      body: { allocations: { [host]: { resources: { VCPU: 2, DISK_GB: 10 } } }, ...owner, consumer_generation: null },
    })
  const moved = (consumerGeneration: number): object => ({
    allocations: { [numa]: { resources: { VCPU: 2 } }, [host]: { resources: { DISK_GB: 10 } } },
    ...owner,
    consumer_generation: consumerGeneration,
  })
  const inventories = async (): Promise<object> => ({
    [host]: { resource_provider_generation: await generation(host), inventories: { DISK_GB: { total: 100 } } },
    [numa]: { resource_provider_generation: await generation(numa), inventories: { VCPU: { total: 8 } } },
  })
  const reshape = async (status: number, body: object) =>
    ok(status, 'POST', '/reshaper', { token: 'service@service', body })
  const before = await generation(host)
  // Whoever was forgotten keeps the inventory from going.
  const forgotten = await reshape(409, { inventories: await inventories(), allocations: { [one]: moved(1) } })
  assert.match(forgotten.says, /update conflict: Inventory for 'VCPU'/)
  assert.equal(forgotten.code, 'placement.inventory.inuse')
  assert.equal(await generation(host), before)
  await reshape(409, { inventories: await inventories(), allocations: { [one]: moved(1), [two]: moved(7) } })
  const late = await reshape(409, {
    inventories: { ...(await inventories()), [host]: { resource_provider_generation: 0, inventories: {} } },
    allocations: {},
  })
  assert.match(late.says, new RegExp(`conflict for provider ${host}: actual: ${before}, given: 0`))
  await sound()
  await reshape(204, { inventories: await inventories(), allocations: { [one]: moved(1), [two]: moved(1) } })
  const usages = async (id: string): Promise<unknown> =>
    (await ok(200, 'GET', `/resource_providers/${id}/usages`)).data['usages']
  assert.deepEqual([await usages(host), await usages(numa)], [{ DISK_GB: 20 }, { VCPU: 4 }])
  await sound()
})

test('bad input, and who may', async () => {
  const { ok, provider, newId, sound } = await testPlacement()
  const host = await provider('host', { inventories: { VCPU: 8 } })
  const reshape = async (body: unknown): Promise<string> =>
    (await ok(400, 'POST', '/reshaper', { token: 'service@service', body })).says
  const of = (resourceClass: string, generation = 1): object => ({
    resource_provider_generation: generation,
    inventories: { [resourceClass]: { total: 1 } },
  })
  assert.match(await reshape({}), /'inventories' is a required property/)
  assert.match(await reshape({ inventories: {}, allocations: {} }), /does not have enough properties/)
  assert.match(await reshape({ inventories: { [host]: of('VCPU') } }), /'allocations' is a required property/)
  assert.match(await reshape({ inventories: { [newId()]: of('VCPU') }, allocations: {} }), /in inventories not found/)
  assert.match(
    await reshape({ inventories: { [host]: of('COWS') }, allocations: {} }),
    /malformed reshaper data: .*COWS/,
  )
  await ok(404, 'POST', '/reshaper', { token: 'service@service', body: {}, at: '1.29' })
  await ok(403, 'POST', '/reshaper', { token: 'admin@p1', body: {} })
  await sound()
})
