import assert from 'node:assert/strict'
import { test } from 'node:test'

import { testPlacement } from '#services/placement/test-placement.ts'

test('a provider is made, shown, renamed, listed and deleted', async () => {
  const { ok, newId, sound } = await testPlacement()
  const uuid = newId()
  const made = await ok(200, 'POST', '/resource_providers', { body: { name: 'host1', uuid } })
  assert.equal(made.headers['location'], `http://127.0.0.1:8080/test/resource_providers/${uuid}`)
  assert.deepEqual([made.data['generation'], made.data['parent_provider_uuid']], [0, null])
  assert.equal(made.data['root_provider_uuid'], uuid)
  const shown = await ok(200, 'GET', `/resource_providers/${uuid}`)
  assert.deepEqual(shown.data, made.data)
  assert.equal(shown.headers['last-modified'], 'Thu, 01 Jan 2026 00:00:00 GMT')
  assert.equal(shown.headers['cache-control'], 'no-cache')
  await ok(200, 'PUT', `/resource_providers/${uuid}`, { body: { name: 'host2' } })
  const listed = await ok(200, 'GET', '/resource_providers?name=host2')
  assert.equal(listed.data['resource_providers']?.['0']?.['uuid'], uuid)
  assert.deepEqual((await ok(200, 'GET', '/resource_providers?name=host1')).data, { resource_providers: [] })
  await ok(204, 'DELETE', `/resource_providers/${uuid}`)
  await ok(404, 'GET', `/resource_providers/${uuid}`)
  assert.match((await ok(404, 'DELETE', `/resource_providers/${uuid}`)).says, /found for delete/)
  await sound()
})

test('what each version adds', async () => {
  const { ok, newId } = await testPlacement()
  const body = (): { name: string; uuid: string } => ({ name: newId(), uuid: newId() })
  const old = await ok(201, 'POST', '/resource_providers', { body: body(), at: '1.19' })
  assert.equal(old.body, null)
  assert.equal(old.headers['content-type'], undefined)
  const first = body()
  await ok(200, 'POST', '/resource_providers', { body: first, at: '1.20' })
  const path = `/resource_providers/${first.uuid}`
  const links = async (at: string): Promise<number> =>
    Number((await ok(200, 'GET', path, { at })).data['links']?.['length'])
  assert.deepEqual(
    [await links('1.0'), await links('1.1'), await links('1.6'), await links('1.11'), await links('1.39')],
    [3, 4, 5, 6, 6],
  )
  assert.equal('root_provider_uuid' in (await ok(200, 'GET', path, { at: '1.13' })).data, false)
  assert.equal('root_provider_uuid' in (await ok(200, 'GET', path, { at: '1.14' })).data, true)
  assert.equal((await ok(200, 'GET', path, { at: '1.14' })).headers['last-modified'], undefined)
  await ok(400, 'POST', '/resource_providers', { body: { ...body(), parent_provider_uuid: first.uuid }, at: '1.13' })
  for (const [parameter, since] of [
    [`member_of=${first.uuid}`, '1.3'],
    ['resources=VCPU:1', '1.4'],
    [`in_tree=${first.uuid}`, '1.14'],
    ['required=HW_CPU_X86_SSE', '1.18'],
    ['required=!HW_CPU_X86_SSE', '1.22'],
    [`member_of=${first.uuid}&member_of=${first.uuid}`, '1.24'],
    [`member_of=!${first.uuid}`, '1.32'],
    ['required=in:HW_CPU_X86_SSE,HW_CPU_X86_AVX', '1.39'],
  ] as const) {
    const before = `1.${Number(since.slice(2)) - 1}`
    await ok(400, 'GET', `/resource_providers?${parameter}`, { at: before })
    await ok(200, 'GET', `/resource_providers?${parameter}`, { at: since })
  }
})

test('names and ids are unique, and ids are written one way', async () => {
  const { ok, newId } = await testPlacement()
  const uuid = newId()
  const bare = uuid.replaceAll('-', '').toUpperCase()
  const made = await ok(200, 'POST', '/resource_providers', { body: { name: 'a', uuid: bare } })
  assert.equal(made.data['uuid'], uuid)
  const sameId = await ok(409, 'POST', '/resource_providers', { body: { name: 'b', uuid } })
  assert.match(sameId.says, new RegExp(`Conflicting resource provider uuid: ${uuid} already exists`))
  assert.equal(sameId.code, 'placement.duplicate_name')
  assert.match((await ok(409, 'POST', '/resource_providers', { body: { name: 'a' } })).says, /name: a already exists/)
  const other = await ok(200, 'POST', '/resource_providers', { body: { name: 'b' } })
  const renamed = await ok(409, 'PUT', `/resource_providers/${String(other.data['uuid'])}`, { body: { name: 'a' } })
  assert.equal(renamed.code, 'placement.duplicate_name')
})

test('bad input changes nothing', async () => {
  const { ok } = await testPlacement()
  const bad: [unknown, RegExp][] = [
    [{}, /'name' is a required property/],
    [{ name: 1 }, /1 is not of type 'string'/],
    [{ name: 'x'.repeat(201) }, /is too long/],
    [{ name: '' }, /name is required/],
    [{ name: 'x', uuid: 'y' }, /'y' is not a 'uuid'/],
    [{ name: 'x', colour: 'red' }, /'colour' was unexpected/],
    [{ name: 'x', parent_provider_uuid: 'y' }, /JSON does not validate/],
    [{ name: 'x', parent_provider_uuid: '00000000-0000-4000-8000-000000000000' }, /does not exist/],
    ['{"name": ', /Malformed JSON/],
    [[], /is not of type 'object'/],
    [{ name: 'a\0b' }, /NUL/],
  ]
  for (const [body, says] of bad) assert.match((await ok(400, 'POST', '/resource_providers', { body })).says, says)
  for (const query of ['uuid=x', 'colour=red', 'in_tree=x', 'resources=', 'resources=VCPU', 'resources=VCPU:0'])
    await ok(400, 'GET', `/resource_providers?${query}`)
  for (const query of [
    'resources=COWS:1',
    'required=NO_SUCH',
    'required=',
    'member_of=x',
    'member_of=in:',
    'member_of=',
  ])
    await ok(400, 'GET', `/resource_providers?${query}`)
  assert.deepEqual((await ok(200, 'GET', '/resource_providers')).data, { resource_providers: [] })
})

test('providers form trees, which are moved whole and never turned into rings', async () => {
  const { ok, provider, sound } = await testPlacement()
  const root = await provider('root')
  const child = await provider('child', { parent: root })
  const grandchild = await provider('grandchild', { parent: child })
  const other = await provider('other')
  const rootOf = async (id: string): Promise<unknown> =>
    (await ok(200, 'GET', `/resource_providers/${id}`)).data['root_provider_uuid']
  assert.equal(await rootOf(grandchild), root)
  assert.match((await ok(409, 'DELETE', `/resource_providers/${root}`)).says, /It has child resource providers/)
  const put = (status: number, id: string, parent: string | null, at = '1.39') =>
    ok(status, 'PUT', `/resource_providers/${id}`, {
      body: { name: `n-${id}`.slice(0, 40), parent_provider_uuid: parent },
      at,
    })
  assert.match((await put(400, root, grandchild)).says, /creating loop/)
  assert.match((await put(400, root, root)).says, /creating loop/)
  assert.match((await put(400, child, other, '1.36')).says, /re-parenting a provider is not currently allowed/)
  assert.match((await put(400, child, null, '1.36')).says, /un-parenting a provider is not currently allowed/)
  await put(200, child, other)
  assert.deepEqual([await rootOf(child), await rootOf(grandchild)], [other, other])
  await put(200, child, null)
  assert.deepEqual([await rootOf(child), await rootOf(grandchild)], [child, child])
  const tree = await ok(200, 'GET', `/resource_providers?in_tree=${grandchild}`)
  assert.equal(tree.data['resource_providers']?.['length'], 2)
  await sound()
})

test('a list is narrowed by traits, aggregates, room and tree, and by all of them together', async () => {
  const { ok, provider, newId } = await testPlacement()
  const [near, far] = [newId(), newId()]
  const inventories = { VCPU: { total: 4, min_unit: 2, step_size: 2 } }
  const a = await provider('a', { inventories, traits: ['HW_CPU_X86_SSE'], aggregates: [near] })
  const b = await provider('b', { inventories, traits: ['HW_CPU_X86_SSE', 'HW_CPU_X86_AVX'], aggregates: [near, far] })
  const c = await provider('c', { traits: ['HW_CPU_X86_AVX'], parent: a })
  const find = async (query: string): Promise<string[]> => {
    const { data } = await ok(200, 'GET', `/resource_providers?${query}`)
    return (data['resource_providers'] as unknown as { uuid: string }[]).map(one => one.uuid)
  }
  assert.deepEqual(await find('required=HW_CPU_X86_SSE'), [a, b])
  assert.deepEqual(await find('required=HW_CPU_X86_SSE,HW_CPU_X86_AVX'), [b])
  assert.deepEqual(await find('required=HW_CPU_X86_SSE,!HW_CPU_X86_AVX'), [a])
  assert.deepEqual(await find('required=in:HW_CPU_X86_SSE,HW_CPU_X86_AVX&required=!HW_CPU_X86_SSE'), [c])
  assert.deepEqual(await find(`member_of=${near}`), [a, b])
  assert.deepEqual(await find(`member_of=${near}&member_of=${far}`), [b])
  assert.deepEqual(await find(`member_of=in:${near},${far}`), [a, b])
  assert.deepEqual(await find(`member_of=!${far}`), [a, c])
  assert.deepEqual(await find(`member_of=${newId()}`), [])
  assert.deepEqual(await find('resources=VCPU:4'), [a, b])
  assert.deepEqual(await find('resources=VCPU:3'), [])
  assert.deepEqual(await find('resources=VCPU:1'), [])
  assert.deepEqual(await find('resources=VCPU:6'), [])
  assert.deepEqual(await find('resources=VCPU:2,DISK_GB:1'), [])
  assert.deepEqual(await find(`in_tree=${c}&required=HW_CPU_X86_AVX`), [c])
  assert.deepEqual(await find(`in_tree=${newId()}`), [])
  assert.deepEqual(await find(`uuid=${b}&name=a`), [])
})
