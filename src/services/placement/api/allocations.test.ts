import assert from 'node:assert/strict'
import { test } from 'node:test'

import { testPlacement } from '#services/placement/test-placement.ts'

type Resources = Record<string, Record<string, number>>
const claim = (resources: Resources, more: object = {}): object => ({
  allocations: Object.fromEntries(Object.entries(resources).map(([id, of]) => [id, { resources: of }])),
  project_id: 'p',
  user_id: 'u',
  consumer_generation: null,
  consumer_type: 'INSTANCE',
  ...more,
})

test('a consumer takes, moves and lets go; generations say who knew', async () => {
  const { ok, provider, generation, newId, sound } = await testPlacement()
  const a = await provider('a', { inventories: { VCPU: 4, MEMORY_MB: 1024 } })
  const b = await provider('b', { inventories: { VCPU: 4 } })
  const consumer = newId()
  const path = `/allocations/${consumer}`
  assert.deepEqual((await ok(200, 'GET', path)).data, { allocations: {} })
  await ok(204, 'PUT', path, { body: claim({ [a]: { VCPU: 2, MEMORY_MB: 512 } }) })
  assert.deepEqual((await ok(200, 'GET', path)).data, {
    allocations: { [a]: { generation: 2, resources: { VCPU: 2, MEMORY_MB: 512 } } },
    project_id: 'p',
    user_id: 'u',
    consumer_generation: 1,
    consumer_type: 'INSTANCE',
  })
  const late = await ok(409, 'PUT', path, { body: claim({ [b]: { VCPU: 1 } }) })
  assert.match(late.says, /consumer generation conflict - expected 1 but got None/)
  assert.equal(late.code, 'placement.concurrent_update')
  const early = await ok(409, 'PUT', `/allocations/${newId()}`, {
    body: claim({ [b]: { VCPU: 1 } }, { consumer_generation: 5 }),
  })
  assert.match(early.says, /expected null but got 5/)
  await ok(204, 'PUT', path, { body: claim({ [b]: { VCPU: 1 } }, { consumer_generation: 1, user_id: 'v' }) })
  // Who was only left keeps its generation.
  assert.deepEqual([await generation(a), await generation(b)], [2, 2])
  assert.equal((await ok(200, 'GET', path)).data['user_id'], 'v')
  assert.deepEqual((await ok(200, 'GET', `/resource_providers/${b}/allocations`)).data, {
    allocations: { [consumer]: { resources: { VCPU: 1 }, consumer_generation: 2 } },
    resource_provider_generation: 2,
  })
  await ok(204, 'PUT', path, { body: claim({}, { consumer_generation: 2 }) })
  assert.deepEqual((await ok(200, 'GET', path)).data, { allocations: {} })
  assert.equal(await generation(b), 3)
  assert.match((await ok(404, 'DELETE', path)).says, /No allocations for consumer/)
  await ok(204, 'PUT', path, { body: claim({ [a]: { VCPU: 1 } }) })
  await ok(204, 'DELETE', path)
  await sound()
})

test('nobody gets more than there is', async () => {
  const { ok, provider, generation, newId, sound } = await testPlacement()
  const a = await provider('a', {
    inventories: {
      VCPU: { total: 4, allocation_ratio: 2, max_unit: 6 },
      DISK_GB: { total: 100, min_unit: 10, step_size: 10 },
    },
  })
  const bare = await provider('bare')
  const take = (status: number, resources: Resources, consumer = newId(), more: object = {}) =>
    ok(status, 'PUT', `/allocations/${consumer}`, { body: claim(resources, more) })
  const consumer = newId()
  await take(204, { [a]: { VCPU: 6 } }, consumer)
  const over = await take(409, { [a]: { VCPU: 3 } })
  assert.match(over.says, /Unable to allocate inventory: .*'VCPU'.*would exceed the capacity/)
  assert.match((await take(409, { [a]: { VCPU: 7 } })).says, /would violate inventory constraints/)
  assert.match((await take(409, { [a]: { DISK_GB: 5 } })).says, /constraints/)
  assert.match((await take(409, { [a]: { DISK_GB: 15 } })).says, /constraints/)
  assert.match((await take(409, { [a]: { MEMORY_MB: 1 } })).says, /Inventory for 'MEMORY_MB' on .* invalid/)
  assert.match((await take(409, { [bare]: { VCPU: 1 } })).says, /Inventory for 'VCPU' on .* invalid/)
  assert.match((await take(400, { [a]: { COWS: 1 } })).says, /consumer .*: No such resource class COWS/)
  assert.match((await take(400, { [newId()]: { VCPU: 1 } })).says, /that does not exist/)
  await take(204, { [a]: { VCPU: 2 } })
  // One's own are given back before they are counted.
  await take(204, { [a]: { VCPU: 5 } }, consumer, { consumer_generation: 1 })
  // Over capacity after a shrink: less is allowed, as much too, more is not.
  await ok(200, 'PUT', `/resource_providers/${a}/inventories/VCPU`, {
    body: { resource_provider_generation: await generation(a), total: 1, max_unit: 9 },
  })
  await take(204, { [a]: { VCPU: 4 } }, consumer, { consumer_generation: 2 })
  await take(204, { [a]: { VCPU: 4 } }, consumer, { consumer_generation: 3 })
  await take(409, { [a]: { VCPU: 5 } }, consumer, { consumer_generation: 4 })
  await ok(204, 'DELETE', `/allocations/${consumer}`)
  await ok(200, 'PUT', `/resource_providers/${a}/inventories/VCPU`, {
    body: { resource_provider_generation: await generation(a), total: 8 },
  })
  await sound()
})

test('several consumers in one request: all or none', async () => {
  const { ok, provider, generation, newId, sound } = await testPlacement()
  const a = await provider('a', { inventories: { VCPU: 4 } })
  const b = await provider('b', { inventories: { VCPU: 4 } })
  const [server, migration] = [newId(), newId()]
  await ok(204, 'PUT', `/allocations/${server}`, { body: claim({ [a]: { VCPU: 4 } }) })
  // What the server gives back, the migration may have.
  await ok(204, 'POST', '/allocations', {
    body: {
      [migration]: claim({ [a]: { VCPU: 4 } }, { consumer_type: 'MIGRATION' }),
      [server]: claim({ [b]: { VCPU: 4 } }, { consumer_generation: 1 }),
    },
  })
  const before = await generation(a)
  await ok(409, 'POST', '/allocations', {
    body: {
      [migration]: claim({}, { consumer_generation: 1, consumer_type: 'MIGRATION' }),
      [server]: claim({ [b]: { VCPU: 5 } }, { consumer_generation: 2 }),
    },
  })
  assert.equal(await generation(a), before)
  assert.equal((await ok(200, 'GET', `/allocations/${migration}`)).data['consumer_type'], 'MIGRATION')
  await ok(400, 'POST', '/allocations', {
    body: { [server]: claim({ [b]: { CUSTOM_PONY: 1 } }, { consumer_generation: 2 }) },
  })
  await sound()
})

test('forms of older versions', async () => {
  const { ok, provider, newId } = await testPlacement()
  const a = await provider('a', { inventories: { VCPU: 20 } })
  const list = { allocations: [{ resource_provider: { uuid: a }, resources: { VCPU: 1 } }] }
  const owners = { project_id: 'p', user_id: 'u' }
  const keyed = { allocations: { [a]: { resources: { VCPU: 1 } } }, ...owners }
  const put = (status: number, at: string, body: object) => ok(status, 'PUT', `/allocations/${newId()}`, { body, at })
  await put(204, '1.0', list)
  await put(400, '1.7', { ...list, ...owners })
  await put(400, '1.8', list)
  await put(204, '1.8', { ...list, ...owners })
  await put(400, '1.11', keyed)
  await put(400, '1.12', { ...list, ...owners })
  await put(204, '1.12', keyed)
  await put(400, '1.27', { ...keyed, consumer_generation: null })
  await put(400, '1.27', { ...owners, allocations: {} })
  await put(400, '1.28', keyed)
  await put(204, '1.28', { ...keyed, consumer_generation: null })
  await put(204, '1.28', { ...owners, allocations: {}, consumer_generation: null })
  await put(400, '1.33', { ...keyed, consumer_generation: null, mappings: { '': [a] } })
  await put(204, '1.34', { ...keyed, consumer_generation: null, mappings: { _net: [a] } })
  await put(400, '1.34', { ...keyed, consumer_generation: null, mappings: {} })
  await put(400, '1.37', { ...keyed, consumer_generation: null, consumer_type: 'INSTANCE' })
  await put(400, '1.38', { ...keyed, consumer_generation: null })
  await put(400, '1.38', { ...keyed, consumer_generation: null, consumer_type: 'instance' })
  await put(204, '1.38', { ...keyed, consumer_generation: null, consumer_type: 'INSTANCE' })
  await ok(404, 'POST', '/allocations', { body: { [newId()]: keyed }, at: '1.12' })
  await ok(204, 'POST', '/allocations', { body: { [newId()]: keyed }, at: '1.13' })
  const consumer = newId()
  await ok(204, 'PUT', `/allocations/${consumer}`, { body: list, at: '1.0' })
  const keys = async (at: string): Promise<string[]> =>
    Object.keys((await ok(200, 'GET', `/allocations/${consumer}`, { at })).data)
  assert.deepEqual(await keys('1.11'), ['allocations'])
  assert.deepEqual(await keys('1.12'), ['allocations', 'project_id', 'user_id'])
  assert.deepEqual((await keys('1.28')).at(-1), 'consumer_generation')
  const shown = (await ok(200, 'GET', `/allocations/${consumer}`)).data
  assert.deepEqual([shown['consumer_type'], shown['project_id']], ['unknown', '00000000-0000-0000-0000-000000000000'])
})

test('bad input', async () => {
  const { ok, provider, newId, sound } = await testPlacement()
  const a = await provider('a', { inventories: { VCPU: 4 } })
  const put = async (body: unknown): Promise<string> => (await ok(400, 'PUT', `/allocations/${newId()}`, { body })).says
  assert.match(await put(claim({ [a]: { VCPU: 0 } })), /0 is less than the minimum of 1/)
  assert.match(await put(claim({ [a]: {} })), /does not have enough properties/)
  assert.match(await put(claim({ [a]: { VCPU: 1e30 } })), /too large/)
  assert.match(await put(claim({ [a]: { vcpu: 1 } })), /does not match any of the regexes/)
  assert.match(await put(claim({ nobody: { VCPU: 1 } })), /does not match any of the regexes/)
  assert.match(await put(claim({ [a]: { VCPU: 1 } }, { project_id: '' })), /too short/)
  assert.match(await put(claim({ [a]: { VCPU: 1 } }, { user_id: 'x'.repeat(256) })), /too long/)
  assert.match((await ok(400, 'PUT', '/allocations/nobody', { body: claim({}) })).says, /Malformed consumer_uuid/)
  await ok(415, 'PUT', `/allocations/${newId()}`, { body: '{}', headers: { 'content-type': 'text/plain' } })
  await ok(404, 'GET', `/resource_providers/${newId()}/allocations`)
  await sound()
})
