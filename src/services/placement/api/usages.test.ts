import assert from 'node:assert/strict'
import { test } from 'node:test'

import { testPlacement } from '#services/placement/test-placement.ts'

test('usages of a provider, a project, a user and a type', async () => {
  const { ok, provider, newId } = await testPlacement()
  const a = await provider('a', { inventories: { VCPU: 20, DISK_GB: 100 } })
  const take = (resources: object, project: string, user: string, type?: string) =>
    ok(204, 'PUT', `/allocations/${newId()}`, {
      body: {
        allocations: { [a]: { resources } },
        project_id: project,
        user_id: user,
        consumer_generation: null,
        ...(type === undefined ? {} : { consumer_type: type }),
      },
      at: type === undefined ? '1.28' : '1.39',
    })
  await take({ VCPU: 1, DISK_GB: 10 }, 'p1', 'alice', 'INSTANCE')
  await take({ VCPU: 2 }, 'p1', 'bob', 'INSTANCE')
  await take({ VCPU: 4 }, 'p1', 'bob', 'MIGRATION')
  await take({ VCPU: 8 }, 'p1', 'bob')
  await take({ DISK_GB: 5 }, 'p2', 'bob', 'INSTANCE')
  assert.deepEqual((await ok(200, 'GET', `/resource_providers/${a}/usages`)).data, {
    resource_provider_generation: 6,
    usages: { VCPU: 15, DISK_GB: 15 },
  })
  const usages = async (query: string, at = '1.39'): Promise<unknown> =>
    (await ok(200, 'GET', `/usages?${query}`, { at })).data['usages']
  assert.deepEqual(await usages('project_id=p1', '1.37'), { VCPU: 15, DISK_GB: 10 })
  assert.deepEqual(await usages('project_id=p1&user_id=alice', '1.9'), { VCPU: 1, DISK_GB: 10 })
  assert.deepEqual(await usages('project_id=p1'), {
    INSTANCE: { consumer_count: 2, VCPU: 3, DISK_GB: 10 },
    MIGRATION: { consumer_count: 1, VCPU: 4 },
    unknown: { consumer_count: 1, VCPU: 8 },
  })
  assert.deepEqual(await usages('project_id=p1&consumer_type=all'), {
    all: { consumer_count: 4, VCPU: 15, DISK_GB: 10 },
  })
  assert.deepEqual(await usages('project_id=p1&consumer_type=unknown'), { unknown: { consumer_count: 1, VCPU: 8 } })
  assert.deepEqual(await usages('project_id=p1&consumer_type=MIGRATION&user_id=alice'), {})
  await ok(404, 'GET', '/usages?project_id=p1', { at: '1.8' })
  await ok(400, 'GET', '/usages')
  await ok(400, 'GET', '/usages?project_id=p1&consumer_type=all', { at: '1.37' })
  await ok(400, 'GET', '/usages?project_id=p1&consumer_type=instance')
  await ok(404, 'GET', `/resource_providers/${newId()}/usages`)
})

test('people see the usages of their own project and nothing else here', async () => {
  const { ok, provider } = await testPlacement()
  const a = await provider('a')
  await ok(200, 'GET', '/usages?project_id=p1', { token: 'reader@p1' })
  await ok(403, 'GET', '/usages?project_id=p2', { token: 'reader@p1' })
  await ok(403, 'GET', '/usages?project_id=p1', { token: 'admin@system' })
  await ok(200, 'GET', '/usages?project_id=p2', { token: 'admin@p1' })
  await ok(200, 'GET', '/usages?project_id=p2', { token: 'service@service' })
  for (const path of ['/resource_providers', `/resource_providers/${a}`, '/traits', '/resource_classes']) {
    await ok(403, 'GET', path, { token: 'member@p1' })
    await ok(401, 'GET', path, { token: null })
    await ok(200, 'GET', path, { token: 'service@service' })
  }
  const refused = await ok(403, 'POST', '/reshaper', { token: 'admin@p1', body: {} })
  assert.match(refused.says, /Policy does not allow placement:reshaper:reshape to be performed/)
})
