import assert from 'node:assert/strict'
import { readdir } from 'node:fs/promises'
import { test } from 'node:test'

import { StoreFault } from '#services/glance/drivers/store.ts'
import { createFileStore } from '#services/glance/drivers/store-file/store-file.ts'
import type { Limits } from '#services/glance/domain/quotas.ts'
import { testGlance, type TestGlance } from '#services/glance/service-for-tests.ts'

const CLIENT = 'member@p1'
const PATCH = { 'content-type': 'application/openstack-images-v2.1-json-patch' }
async function* bytes(...parts: string[]): AsyncIterable<Uint8Array> {
  for (const part of parts) yield new TextEncoder().encode(part)
}
type View = Record<string, unknown>
async function queued(glance: TestGlance, more: object = {}): Promise<string> {
  const body = { name: 'i', disk_format: 'raw', container_format: 'bare', ...more }
  const made = await glance.call('POST', '/v2/images', { token: CLIENT, body })
  assert.equal(made.status, 201, String(made.body))
  return String(made.data['id'])
}
const image = async (glance: TestGlance, id: string, token = CLIENT) =>
  (await glance.call('GET', `/v2/images/${id}`, { token })).data as unknown as View
const named = async (glance: TestGlance, query: string, token = CLIENT): Promise<string[]> => {
  const answer = await glance.call('GET', `/v2/images${query}`, { token })
  assert.equal(answer.status, 200, `${query}: ${String(answer.body)}`)
  return (answer.data['images'] as never as { name: string }[]).map(one => one.name)
}

test('an image is created, uploaded, read in parts, deactivated and deleted', async () => {
  const glance = await testGlance()
  const made = await glance.call('POST', '/v2/images', { token: CLIENT, body: { name: 'a', color: 'red' } })
  assert.equal(made.headers['openstack-image-import-methods'], 'glance-direct,web-download,copy-image')
  assert.equal(made.headers['openstack-image-store-ids'], 'file')
  const id = await queued(glance)
  assert.equal((await glance.call('GET', `/v2/images/${id}/file`, { token: CLIENT })).status, 204)
  assert.equal(
    (await glance.call('PUT', `/v2/images/${id}/file`, { token: CLIENT, bytes: bytes('01234', '56789') })).status,
    204,
  )
  assert.equal((await glance.call('PUT', `/v2/images/${id}/file`, { token: CLIENT, bytes: bytes('x') })).status, 409)
  const whole = await glance.call('GET', `/v2/images/${id}/file`, { token: CLIENT })
  assert.equal(whole.headers['content-length'], '10')
  const part = await glance.call('GET', `/v2/images/${id}/file`, { token: CLIENT, headers: { range: 'bytes=2-4' } })
  assert.deepEqual([part.status, part.headers['content-range']], [206, 'bytes 2-4/10'])
  assert.equal((await glance.call('POST', `/v2/images/${id}/actions/deactivate`)).status, 204)
  assert.equal((await glance.call('GET', `/v2/images/${id}/file`, { token: CLIENT })).status, 403)
  assert.equal((await glance.call('POST', `/v2/images/${id}/actions/reactivate`)).status, 204)
  assert.equal((await glance.call('DELETE', `/v2/images/${id}`, { token: 'member@p2' })).status, 404)
  assert.equal((await glance.call('DELETE', `/v2/images/${id}`, { token: CLIENT })).status, 204)
  assert.deepEqual(await readdir(`${glance.folder}/images`), [])
  assert.deepEqual(await glance.glance.audit(), [])
  await glance.close()
})

test('lists are filtered, sorted and paged', async () => {
  const glance = await testGlance()
  for (const [name, more] of [
    ['a', { tags: ['x', 'y'], min_ram: 5 }],
    ['b', { os_hidden: true }],
    ['c', { tags: ['x'], protected: true, disk_format: 'qcow2' }],
  ] as const)
    await queued(glance, { name, ...more })
  const all = '?sort=name:asc'
  assert.deepEqual(await named(glance, all), ['a', 'c'])
  assert.deepEqual(await named(glance, `${all}&os_hidden=true`), ['b'])
  assert.deepEqual(await named(glance, `${all}&tag=x&tag=y`), ['a'])
  assert.deepEqual(await named(glance, `${all}&protected=true`), ['c'])
  assert.deepEqual(await named(glance, `${all}&disk_format=in:raw,vdi`), ['a'])
  assert.deepEqual(await named(glance, `${all}&name=in:a,"c"`), ['a', 'c'])
  assert.deepEqual(await named(glance, `${all}&created_at=gt:2020-01-01T00:00:00Z&limit=1`), ['a'])
  assert.deepEqual(await named(glance, '?sort_key=name&sort_dir=desc'), ['c', 'a'])
  const first = await glance.call('GET', '/v2/images?limit=1&sort=name:asc', { token: CLIENT })
  assert.deepEqual(await named(glance, String(first.data['next']).replace('/v2/images', '')), ['c'])
  const stored = await queued(glance, { name: 'd' })
  await glance.call('PUT', `/v2/images/${stored}/file`, { token: CLIENT, bytes: bytes('hello') })
  assert.deepEqual(await named(glance, '?checksum=5d41402abc4b2a76b9719d911017c592'), ['d'])
  assert.deepEqual(await named(glance, `?os_hash_value=${String((await image(glance, stored))['os_hash_value'])}`), [
    'd',
  ])
  assert.deepEqual(await named(glance, '?size_min=4&size_max=6'), ['d'])
  assert.deepEqual(await named(glance, '', 'member@p2'), [])
  for (const query of [
    'limit=x',
    'limit=-1',
    'sort_key=odd',
    'sort_dir=odd',
    'sort=name:up',
    'sort=name&sort_key=name',
    'visibility=odd',
    'member_status=odd',
    'size_min=x',
    'created_at=gt:odd',
    'os_hidden=odd',
    'protected=odd',
    'marker=00000000-0000-4000-8000-000000000000',
    'changes-since=2020-01-01',
  ])
    assert.equal((await glance.call('GET', `/v2/images?${query}`, { token: CLIENT })).status, 400, query)
  await glance.close()
})

test('what makes no sense is refused, and changes nothing', async () => {
  const glance = await testGlance()
  const bad: [unknown, number][] = [
    [{ id: 'x' }, 400],
    [{ disk_format: 'odd' }, 400],
    [{ container_format: 'odd' }, 400],
    [{ visibility: 'odd' }, 400],
    [{ visibility: 'public' }, 403],
    [{ name: 'x'.repeat(256) }, 400],
    [{ name: 'nul\u0000' }, 400],
    [{ min_ram: -1 }, 400],
    [{ min_disk: 2 ** 31 }, 400],
    [{ tags: ['x'.repeat(256)] }, 400],
    [{ color: 5 }, 400],
    [{ ['k'.repeat(256)]: 'v' }, 400],
    [{ status: 'active' }, 403],
    [{ checksum: 'x' }, 403],
    [{ deleted: 'x' }, 403],
    [{ os_glance_foo: 'x' }, 403],
    [{ owner: 'p2' }, 403],
    [[], 400],
    ['{', 400],
  ]
  for (const [body, status] of bad) {
    const answer = await glance.call('POST', '/v2/images', { token: CLIENT, body })
    assert.equal(answer.status, status, `${JSON.stringify(body)}: ${String(answer.body)}`)
  }
  const id = await queued(glance, { color: 'red' })
  const patches: [unknown, number][] = [
    [[{ op: 'replace', path: '/id', value: 'x' }], 403],
    [[{ op: 'replace', path: '/status', value: 'active' }], 403],
    [[{ op: 'replace', path: '/owner', value: 'p2' }], 403],
    [[{ op: 'replace', path: '/none', value: 'x' }], 409],
    [[{ op: 'remove', path: '/none' }], 409],
    [[{ op: 'remove', path: '/name' }], 403],
    [[{ op: 'odd', path: '/name', value: 'x' }], 400],
    [[{ op: 'replace', path: 'name', value: 'x' }], 400],
    [[{ op: 'replace', path: '/name' }], 400],
    [[{ op: 'replace', path: '/name', value: 5 }], 400],
    [[{ op: 'replace', path: '/color/deep', value: 'x' }], 400],
    [[{ op: 'replace', path: '/locations', value: [] }], 403],
    [[{ op: 'replace', path: '/locations', value: [{ url: 'http://x', metadata: {} }] }], 403],
    [[{ op: 'remove', path: '/locations/0' }], 403],
    [[5], 400],
    [{}, 400],
  ]
  for (const [body, status] of patches) {
    const answer = await glance.call('PATCH', `/v2/images/${id}`, { token: CLIENT, body, headers: PATCH })
    assert.equal(answer.status, status, `${JSON.stringify(body)}: ${String(answer.body)}`)
  }
  assert.deepEqual([(await image(glance, id))['color'], (await image(glance, id))['name']], ['red', 'i'])
  assert.equal(
    (
      await glance.call('PUT', `/v2/images/${id}/file`, {
        token: CLIENT,
        body: {},
        headers: { 'content-type': 'application/json' },
      })
    ).status,
    415,
  )
  assert.equal(
    (
      await glance.call('PUT', `/v2/images/${id}/stage`, {
        token: CLIENT,
        body: {},
        headers: { 'content-type': 'application/json' },
      })
    ).status,
    415,
  )
  const odd = { token: CLIENT, bytes: bytes('x'), headers: { 'x-image-meta-store': 'odd' } }
  assert.equal((await glance.call('PUT', `/v2/images/${id}/file`, odd)).status, 400)
  for (const path of ['', '/file', '/tasks', '/members', '/locations'])
    assert.equal((await glance.call('GET', `/v2/images/nonsense${path}`)).status, 404, path)
  await glance.close()
})

test('an upload that is cut off, too large, or finds the disk full leaves a queued image', async () => {
  let full = false
  const glance = await testGlance({ settings: { 'glance.image_size_cap_gb': '0.000001' } })
  const inner = createFileStore(`${glance.folder}/images`)
  await glance.close()
  const again = await testGlance({
    settings: { 'glance.image_size_cap_gb': '0.000001' },
    tools: {
      store: {
        ...inner,
        put: (id, from, options) =>
          full ? Promise.reject(new StoreFault('full', 'the disk is full')) : inner.put(id, from, options),
      },
    },
  })
  const id = await queued(again)
  async function* cut(): AsyncIterable<Uint8Array> {
    yield new Uint8Array(10)
    throw Object.assign(new Error('aborted'), { code: 'ECONNRESET' })
  }
  for (const path of ['file', 'stage']) {
    const put = (body: AsyncIterable<Uint8Array>) =>
      again.call('PUT', `/v2/images/${id}/${path}`, { token: CLIENT, bytes: body })
    assert.equal((await put(cut())).status, 400, path)
    assert.equal((await image(again, id))['status'], 'queued')
    assert.equal((await put(bytes('x'.repeat(2000)))).status, 413, path)
    assert.deepEqual([(await image(again, id))['status'], (await image(again, id))['size']], ['queued', null])
  }
  full = true
  const answer = await again.call('PUT', `/v2/images/${id}/file`, { token: CLIENT, bytes: bytes('x') })
  assert.equal(answer.status, 413)
  assert.match(String(answer.body), /no room left/)
  assert.deepEqual(again.errors, [])
  assert.deepEqual(await again.glance.audit(), [])
  await again.close()
})

test('projects are held to the limits that Keystone keeps', async () => {
  const held: { -readonly [K in keyof Limits]: number } = {
    image_size_total: -1,
    image_stage_total: -1,
    image_count_total: 2,
    image_count_uploading: -1,
  }
  const glance = await testGlance({ tools: { quotas: { of: async () => ({ ...held }) } } })
  const [one] = [await queued(glance), await queued(glance)]
  const third = await glance.call('POST', '/v2/images', { token: CLIENT, body: {} })
  assert.equal(third.status, 413)
  assert.match(String(third.body), /image_count_total is over limit of 2 due to current usage 2 and delta 1/)
  assert.equal((await glance.call('POST', '/v2/images', { token: 'member@p2', body: {} })).status, 201)
  const usage = (await glance.call('GET', '/v2/info/usage', { token: CLIENT })).data
  assert.deepEqual(usage['usage']?.['image_count_total'] as never, { usage: 2, limit: 2 })
  held.image_size_total = 1
  held.image_stage_total = 1
  const announced = { token: CLIENT, bytes: bytes('x'), headers: { 'content-length': '3000000' } }
  for (const path of ['file', 'stage']) {
    assert.equal((await glance.call('PUT', `/v2/images/${one}/${path}`, announced)).status, 413, path)
    assert.equal((await image(glance, one))['status'], 'queued')
  }
  held.image_count_uploading = 0
  const put = { token: CLIENT, bytes: bytes('x') }
  for (const path of ['file', 'stage'])
    assert.equal((await glance.call('PUT', `/v2/images/${one}/${path}`, put)).status, 413, path)
  assert.equal((await image(glance, one))['status'], 'queued')
  await glance.close()
})

test('after a start nothing hangs: uploads cut by a death are queued again, staged ones wait on', async () => {
  const glance = await testGlance()
  const [cut, halfStaged, staged] = [await queued(glance), await queued(glance), await queued(glance)]
  await glance.call('PUT', `/v2/images/${staged}/stage`, { token: CLIENT, bytes: bytes('kept') })
  const set = (id: string, status: string) =>
    glance.database.kysely.updateTable('images').set({ status }).where('id', '=', id).execute()
  await set(cut, 'saving')
  await set(halfStaged, 'uploading')
  await glance.glance.stop()
  const again = await testGlance({ from: glance })
  const statuses = []
  for (const id of [cut, halfStaged, staged]) statuses.push((await image(again, id))['status'])
  assert.deepEqual(statuses, ['queued', 'queued', 'uploading'])
  const method = { name: 'glance-direct' }
  assert.equal(
    (await again.call('POST', `/v2/images/${staged}/import`, { token: CLIENT, body: { method } })).status,
    202,
  )
  await again.idle()
  assert.equal((await image(again, staged))['status'], 'active')
  assert.deepEqual(await again.glance.audit(), [])
  await again.close()
})
