import assert from 'node:assert/strict'
import { test } from 'node:test'

import { standardResourceClasses } from '#services/placement/contract/standard-resource-classes.ts'
import { testPlacement } from '#services/placement/test-placement.ts'

test('resource classes: the standard ones stay, custom ones come and go', async () => {
  const { ok, provider, newId, sound } = await testPlacement()
  const path = '/resource_classes'
  const all = await ok(200, 'GET', path)
  assert.equal(all.data['resource_classes']?.['length'], standardResourceClasses.length)
  const made = await ok(201, 'POST', path, { body: { name: 'CUSTOM_GOLD' } })
  assert.equal(made.headers['location'], `http://127.0.0.1:8080/test${path}/CUSTOM_GOLD`)
  assert.deepEqual((await ok(200, 'GET', `${path}/CUSTOM_GOLD`)).data, {
    name: 'CUSTOM_GOLD',
    links: [{ rel: 'self', href: '/test/resource_classes/CUSTOM_GOLD' }],
  })
  await ok(409, 'POST', path, { body: { name: 'CUSTOM_GOLD' } })
  await ok(400, 'POST', path, { body: { name: 'GOLD' } })
  await ok(400, 'POST', path, { body: { name: `CUSTOM_${'X'.repeat(250)}` } })
  await ok(204, 'PUT', `${path}/CUSTOM_GOLD`)
  await ok(201, 'PUT', `${path}/CUSTOM_SILVER`)
  await ok(400, 'PUT', `${path}/VCPU`)
  await ok(404, 'GET', `${path}/CUSTOM_BRASS`)
  await ok(404, 'DELETE', `${path}/CUSTOM_BRASS`)
  assert.match((await ok(400, 'DELETE', `${path}/VCPU`)).says, /Cannot delete standard resource class/)
  // Until 1.6 a class may be renamed, with all that is counted in it.
  const a = await provider('a', { inventories: { CUSTOM_GOLD: 9 } })
  const consumer = newId()
  await ok(204, 'PUT', `/allocations/${consumer}`, {
    body: { allocations: { [a]: { resources: { CUSTOM_GOLD: 3 } } }, project_id: 'p', user_id: 'u' },
    at: '1.12',
  })
  const rename = (status: number, from: string, to: string) =>
    ok(status, 'PUT', `${path}/${from}`, { body: { name: to }, at: '1.6' })
  await rename(409, 'CUSTOM_GOLD', 'CUSTOM_SILVER')
  await rename(400, 'VCPU', 'CUSTOM_VCPU')
  await rename(404, 'CUSTOM_BRASS', 'CUSTOM_TIN')
  await rename(200, 'CUSTOM_GOLD', 'CUSTOM_PLATINUM')
  const held = await ok(200, 'GET', `/allocations/${consumer}`)
  assert.deepEqual(held.data['allocations']?.[a]?.['resources'], { CUSTOM_PLATINUM: 3 })
  assert.match((await ok(409, 'DELETE', `${path}/CUSTOM_PLATINUM`)).says, /Class is in use in inventory/)
  await ok(204, 'DELETE', `${path}/CUSTOM_SILVER`)
  await ok(404, 'GET', path, { at: '1.1' })
  await sound()
})

test('traits: the standard ones stay, custom ones come and go', async () => {
  const { ok, provider, sound } = await testPlacement()
  const traits = async (query: string): Promise<unknown> => (await ok(200, 'GET', `/traits${query}`)).data['traits']
  const made = await ok(201, 'PUT', '/traits/CUSTOM_FAST')
  assert.equal(made.headers['location'], 'http://127.0.0.1:8080/test/traits/CUSTOM_FAST')
  assert.equal(made.headers['content-type'], undefined)
  await ok(204, 'PUT', '/traits/CUSTOM_FAST')
  await ok(204, 'GET', '/traits/CUSTOM_FAST')
  await ok(204, 'GET', '/traits/HW_CPU_X86_AVX2')
  await ok(404, 'GET', '/traits/CUSTOM_SLOW')
  for (const name of ['HW_CPU_X86_AVX2', 'CUSTOM_', 'CUSTOM_a', `CUSTOM_${'X'.repeat(249)}`])
    await ok(400, 'PUT', `/traits/${name}`)
  assert.deepEqual(await traits('?name=startswith:CUSTOM'), ['CUSTOM_FAST'])
  assert.deepEqual(await traits('?name=in:CUSTOM_FAST,HW_CPU_X86_SSE,NO'), ['HW_CPU_X86_SSE', 'CUSTOM_FAST'])
  await ok(400, 'GET', '/traits?name=CUSTOM')
  await ok(400, 'GET', '/traits?associated=maybe')
  await ok(400, 'GET', '/traits?colour=red')
  const a = await provider('a', { traits: ['CUSTOM_FAST', 'HW_CPU_X86_SSE'] })
  assert.deepEqual(await traits('?associated=true'), ['HW_CPU_X86_SSE', 'CUSTOM_FAST'])
  assert.deepEqual(await traits('?associated=false&name=startswith:CUSTOM'), [])
  assert.match((await ok(409, 'DELETE', '/traits/CUSTOM_FAST')).says, /in use by a resource provider/)
  await ok(400, 'DELETE', '/traits/HW_CPU_X86_SSE')

  const path = `/resource_providers/${a}/traits`
  const put = (status: number, names: unknown, generation: unknown) =>
    ok(status, 'PUT', path, { body: { traits: names, resource_provider_generation: generation } })
  assert.match((await put(409, [], 0)).says, /generation already changed/)
  assert.match((await put(400, ['NO', 'CUSTOM_FAST', 'NEITHER'], 1)).says, /No such trait NO, NEITHER/)
  await put(400, 'CUSTOM_FAST', 1)
  await put(400, ['CUSTOM_FAST'], 'one')
  const same = await put(200, ['HW_CPU_X86_SSE', 'CUSTOM_FAST'], 1)
  assert.equal(same.data['resource_provider_generation'], 1)
  await ok(204, 'DELETE', path)
  assert.deepEqual((await ok(200, 'GET', path)).data, { traits: [], resource_provider_generation: 2 })
  await ok(204, 'DELETE', '/traits/CUSTOM_FAST')
  await ok(404, 'DELETE', '/traits/CUSTOM_FAST')
  await ok(404, 'GET', '/traits', { at: '1.5' })
  await ok(404, 'GET', path, { at: '1.5' })
  await sound()
})

test('aggregates of a provider; from 1.19 with its generation', async () => {
  const { ok, provider, generation, newId } = await testPlacement()
  const a = await provider('a')
  const path = `/resource_providers/${a}/aggregates`
  const [x, y] = [newId(), newId()].sort() as [string, string]
  await ok(404, 'GET', path, { at: '1.0' })
  assert.deepEqual((await ok(200, 'PUT', path, { body: [y, x], at: '1.18' })).data, { aggregates: [y, x] })
  assert.equal(await generation(a), 0)
  assert.deepEqual((await ok(200, 'GET', path, { at: '1.1' })).data, { aggregates: [x, y] })
  const put = (status: number, aggregates: unknown, at: number) =>
    ok(status, 'PUT', path, { body: { aggregates, resource_provider_generation: at } })
  assert.equal((await put(409, [x], 3)).code, 'placement.concurrent_update')
  assert.deepEqual((await put(200, [x], 0)).data, { aggregates: [x], resource_provider_generation: 1 })
  assert.match((await put(400, [x, x], 1)).says, /has non-unique elements/)
  assert.match((await put(400, ['x'], 1)).says, /is not a 'uuid'/)
  await ok(400, 'PUT', path, { body: [x] })
  await ok(404, 'PUT', `/resource_providers/${newId()}/aggregates`, { body: [] })
})
