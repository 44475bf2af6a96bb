import assert from 'node:assert/strict'
import { test } from 'node:test'

import { testPlacement } from '#services/placement/test-placement.ts'

const FULL = { total: 8, reserved: 0, min_unit: 1, max_unit: 2_147_483_647, step_size: 1, allocation_ratio: 1 }

test('an inventory is made, shown, changed and deleted, and each time the generation moves', async () => {
  const { ok, provider, generation, sound } = await testPlacement()
  const id = await provider('a')
  const path = `/resource_providers/${id}/inventories`
  const made = await ok(201, 'POST', path, { body: { resource_class: 'VCPU', total: 8 } })
  assert.deepEqual(made.data, { ...FULL, resource_provider_generation: 1 })
  assert.equal(made.headers['location'], `http://127.0.0.1:8080/test${path}/VCPU`)
  assert.deepEqual((await ok(200, 'GET', `${path}/VCPU`)).data, made.data)
  const body = { ...FULL, total: 16, reserved: 2, resource_provider_generation: 1 }
  const changed = await ok(200, 'PUT', `${path}/VCPU`, { body })
  assert.deepEqual(changed.data, { ...FULL, total: 16, reserved: 2, resource_provider_generation: 2 })
  assert.deepEqual((await ok(200, 'GET', path)).data, {
    inventories: { VCPU: { ...FULL, total: 16, reserved: 2 } },
    resource_provider_generation: 2,
  })
  await ok(204, 'DELETE', `${path}/VCPU`)
  assert.equal(await generation(id), 3)
  assert.match((await ok(404, 'GET', `${path}/VCPU`)).says, new RegExp(`No inventory of class VCPU for ${id}`))
  assert.match((await ok(404, 'DELETE', `${path}/VCPU`)).says, /No inventory of class VCPU found for delete/)
  await sound()
})

test('all inventories are replaced at once, by who knows the generation', async () => {
  const { ok, provider } = await testPlacement()
  const id = await provider('a', { inventories: { VCPU: 8, DISK_GB: 100 } })
  const path = `/resource_providers/${id}/inventories`
  const put = (status: number, generation: number, inventories: object) =>
    ok(status, 'PUT', path, { body: { resource_provider_generation: generation, inventories } })
  const late = await put(409, 0, { VCPU: { total: 4 } })
  assert.match(late.says, /resource provider generation conflict/)
  assert.equal(late.code, 'placement.concurrent_update')
  const now = await put(200, 1, { VCPU: { total: 4 }, MEMORY_MB: { total: 512 } })
  assert.deepEqual(Object.keys(now.data['inventories'] ?? {}).sort(), ['MEMORY_MB', 'VCPU'])
  assert.match((await put(400, 2, { COWS: { total: 1 } })).says, /Unknown resource class in inventory .* COWS/)
  assert.match((await put(400, 2, { VCPU: { total: 0 } })).says, /0 is less than the minimum of 1/)
  await ok(204, 'DELETE', path)
  assert.deepEqual((await ok(200, 'GET', path)).data, { inventories: {}, resource_provider_generation: 3 })
  await put(200, 3, {})
})

test('what is allocated stays', async () => {
  const { ok, provider, generation, newId, sound } = await testPlacement()
  const id = await provider('a', { inventories: { VCPU: 8, DISK_GB: 100, MEMORY_MB: 512 } })
  const path = `/resource_providers/${id}/inventories`
  await ok(204, 'PUT', `/allocations/${newId()}`, {
    body: {
      allocations: { [id]: { resources: { DISK_GB: 50, VCPU: 2 } } },
      project_id: 'p',
      user_id: 'u',
      consumer_generation: null,
      consumer_type: 'INSTANCE',
    },
  })
  const all = await ok(409, 'DELETE', path)
  assert.match(all.says, /Inventory for 'VCPU, DISK_GB' on resource provider .* in use/)
  assert.equal(all.code, 'placement.inventory.inuse')
  assert.match((await ok(409, 'DELETE', `${path}/VCPU`)).says, /in use/)
  const put = { resource_provider_generation: await generation(id), inventories: { VCPU: { total: 8 } } }
  assert.match((await ok(409, 'PUT', path, { body: put })).says, /update conflict: Inventory for 'DISK_GB'/)
  await ok(204, 'DELETE', `${path}/MEMORY_MB`)
  await ok(409, 'DELETE', `/resource_providers/${id}`)
  await sound()
})

test('figures that make no sense', async () => {
  const { ok, provider } = await testPlacement()
  const id = await provider('a')
  const path = `/resource_providers/${id}/inventories`
  const bad: [object, RegExp][] = [
    [{ resource_class: 'VCPU' }, /'total' is a required property/],
    [
      { resource_class: 'VCPU', total: 1, max_unit: 0 },
      /Failed validating 'minimum' in schema\['properties'\]\['max_unit'\]/,
    ],
    [{ resource_class: 'VCPU', total: 2_147_483_648 }, /Failed validating 'maximum'/],
    [{ resource_class: 'VCPU', total: 1, allocation_ratio: 3.5e39 }, /Failed validating 'maximum'/],
    [{ resource_class: 'vcpu', total: 1 }, /'vcpu' does not match/],
    [{ resource_class: 'VCPU', total: 1, reserved: 2 }, /reserved value is greater than total/],
    [{ resource_class: 'CUSTOM_NO', total: 1 }, /No such resource class CUSTOM_NO/],
    [{ resource_class: 'VCPU', total: 1.5 }, /1.5 is not of type 'integer'/],
  ]
  for (const [body, says] of bad) assert.match((await ok(400, 'POST', path, { body })).says, says)
  await ok(201, 'POST', path, { body: { resource_class: 'VCPU', total: 1 } })
  const twice = await ok(409, 'POST', path, { body: { resource_class: 'VCPU', total: 1 } })
  assert.match(twice.says, /Update conflict/)
  const put = (resourceClass: string, body: object, status: number) =>
    ok(status, 'PUT', `${path}/${resourceClass}`, { body: { total: 1, ...body } })
  assert.match((await put('DISK_GB', { resource_provider_generation: 1 }, 400)).says, /No inventory record/)
  await put('COWS', { resource_provider_generation: 1 }, 404)
  await put('VCPU', { resource_provider_generation: 0 }, 409)
  await put('VCPU', {}, 400)
})

test('what each version adds', async () => {
  const { ok, provider } = await testPlacement()
  const id = await provider('a')
  const path = `/resource_providers/${id}/inventories`
  const refused = await ok(405, 'DELETE', path, { at: '1.4' })
  assert.match(refused.says, /The method DELETE is not allowed/)
  await ok(204, 'DELETE', path, { at: '1.5' })
  const body = { resource_class: 'VCPU', total: 2, reserved: 2 }
  assert.match((await ok(400, 'POST', path, { body, at: '1.25' })).says, /greater than or equal to total/)
  await ok(201, 'POST', path, { body, at: '1.26' })
})

test('a provider that is not there is 404, whatever the body', async () => {
  const { ok, newId } = await testPlacement()
  const path = `/resource_providers/${newId()}/inventories`
  for (const [method, more] of [
    ['GET', ''],
    ['GET', '/VCPU'],
    ['DELETE', ''],
    ['DELETE', '/VCPU'],
  ] as const)
    await ok(404, method, path + more)
  for (const [method, more] of [
    ['POST', ''],
    ['PUT', ''],
    ['PUT', '/VCPU'],
  ] as const)
    await ok(404, method, path + more, { body: { nonsense: true } })
})
