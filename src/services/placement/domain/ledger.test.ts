import assert from 'node:assert/strict'
import { test } from 'node:test'

import fc from 'fast-check'

import { slowPlans } from '#kernel/db/plan.ts'
import { testPlacement } from '#services/placement/test-placement.ts'

test('whatever people do in whatever order, the ledgers agree', async () => {
  const step = fc.record({
    deed: fc.constantFrom('take', 'take', 'take', 'move', 'release', 'wipe', 'shrink', 'clear', 'delete', 'many'),
    consumer: fc.nat(3),
    provider: fc.nat(2),
    amount: fc.integer({ min: 1, max: 6 }),
  })
  await fc.assert(
    fc.asyncProperty(fc.array(step, { minLength: 5, maxLength: 25 }), async steps => {
      const { call, provider, generation, newId, placement, database } = await testPlacement()
      const providers: string[] = []
      for (const name of ['a', 'b', 'c']) providers.push(await provider(name, { inventories: { VCPU: 8, DISK_GB: 9 } }))
      const consumers = [newId(), newId(), newId(), newId()]
      const claim = async (consumer: string, allocations: object): Promise<object> => {
        const { data } = await call('GET', `/allocations/${consumer}`)
        const owner = { project_id: 'p', user_id: 'u', consumer_type: 'INSTANCE' }
        return { allocations, ...owner, consumer_generation: data['consumer_generation'] ?? null }
      }
      let shrunk = false
      for (const { deed, consumer: c, provider: p, amount } of steps) {
        const [consumer = '', other = ''] = [consumers[c], consumers[(c + 1) % 4]]
        const [id = '', next = ''] = [providers[p], providers[(p + 1) % 3]]
        const path = `/allocations/${consumer}`
        const some = { [id]: { resources: { VCPU: amount, DISK_GB: 1 } } }
        const put = (allocations: object) => claim(consumer, allocations).then(body => call('PUT', path, { body }))
        const answer =
          deed === 'take'
            ? await put(some)
            : deed === 'move'
              ? await put({ ...some, [next]: { resources: { VCPU: 1 } } })
              : deed === 'release'
                ? await call('DELETE', path)
                : deed === 'wipe'
                  ? await put({})
                  : deed === 'clear'
                    ? await call('DELETE', `/resource_providers/${id}/inventories`)
                    : deed === 'delete'
                      ? await call('DELETE', `/resource_providers/${id}`)
                      : deed === 'many'
                        ? await call('POST', '/allocations', {
                            body: { [consumer]: await claim(consumer, {}), [other]: await claim(other, some) },
                          })
                        : await call('PUT', `/resource_providers/${id}/inventories`, {
                            body: {
                              resource_provider_generation: await generation(id).catch(() => 0),
                              inventories: { VCPU: { total: 8 + amount }, DISK_GB: { total: 9 } },
                            },
                          })
        assert.ok(answer.status < 500, String(answer.body))
        // Who makes an inventory smaller than what is taken of it is told so, and may.
        shrunk ||= deed === 'shrink'
        const found = await placement.audit()
        assert.deepEqual(shrunk ? found.filter(one => !one.says.includes('there is room for')) : found, [])
      }
      await database.close()
    }),
    { numRuns: 12 },
  )
})

test('many at once get no more than there is, and everyone an answer', async () => {
  const { call, provider, newId, sound, ok } = await testPlacement()
  const a = await provider('a', { inventories: { VCPU: 10 } })
  const answers = await Promise.all(
    Array.from({ length: 30 }, () =>
      call('PUT', `/allocations/${newId()}`, {
        body: {
          allocations: { [a]: { resources: { VCPU: 1 } } },
          project_id: 'p',
          user_id: 'u',
          consumer_generation: null,
          consumer_type: 'INSTANCE',
        },
      }),
    ),
  )
  assert.equal(answers.filter(answer => answer.status === 204).length, 10)
  assert.equal(answers.filter(answer => answer.status === 409).length, 20)
  assert.deepEqual((await ok(200, 'GET', `/resource_providers/${a}/usages`)).data['usages'], { VCPU: 10 })
  await sound()
})

test('the audit sees what is wrong', async () => {
  const { database, provider, placement, newId } = await testPlacement()
  const a = await provider('a', { inventories: { VCPU: 4 } })
  await database.kysely.updateTable('inventories').set({ used: 3 }).execute()
  const consumer = {
    id: newId(),
    project_id: 'p',
    user_id: 'u',
    type: null,
    generation: 1,
    created_at: '',
    updated_at: '',
  }
  await database.kysely.insertInto('consumers').values(consumer).execute()
  const says = (await placement.audit()).map(violation => `${violation.ledger} ${violation.subject} ${violation.says}`)
  assert.deepEqual(says, [
    `I-07 ${a} VCPU: the inventory says 3 used, its allocations hold 0`,
    `I-07 ${consumer.id} the consumer holds nothing`,
  ])
})

test('no question reads a whole table, but those that ask for everything', async () => {
  const { call, provider, newId, database, statements } = await testPlacement()
  const id = await provider('a', { inventories: { VCPU: 8 }, traits: ['CUSTOM_A'], aggregates: [newId()] })
  const child = await provider('b', { parent: id })
  const consumer = newId()
  const body = { allocations: { [id]: { resources: { VCPU: 1 } } }, project_id: 'p', user_id: 'u' }
  await call('PUT', `/allocations/${consumer}`, { body, at: '1.12' })
  for (const path of ['', '/inventories', '/inventories/VCPU', '/usages', '/aggregates', '/traits', '/allocations'])
    await call('GET', `/resource_providers/${id}${path}`)
  for (const query of [`in_tree=${child}`, 'name=a', 'required=CUSTOM_A', `member_of=${id}`, 'resources=VCPU:1'])
    await call('GET', `/resource_providers?${query}`)
  await call('GET', `/allocation_candidates?resources=VCPU:1&required=CUSTOM_A&member_of=${id}&root_required=CUSTOM_A`)
  await call('GET', '/allocation_candidates?resources=VCPU:1&resources1=VCPU:1&group_policy=none')
  await call('GET', `/allocations/${consumer}`)
  await call('GET', '/usages?project_id=p&user_id=u')
  await call('PUT', `/resource_providers/${child}`, { body: { name: 'c', parent_provider_uuid: null } })
  await call('DELETE', `/allocations/${consumer}`)
  await call('DELETE', `/resource_providers/${id}`)
  const slow = await slowPlans(database, statements)
  // Sums over a project's consumers are grouped on the way; that is asked for.
  assert.deepEqual(
    slow.filter(plan => !plan.includes('koto_migrations') && !plan.startsWith('USE TEMP B-TREE FOR GROUP BY')),
    [],
  )
})
