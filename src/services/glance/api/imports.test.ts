import assert from 'node:assert/strict'
import { readdir } from 'node:fs/promises'
import { test } from 'node:test'

import { testGlance, type TestGlance } from '#services/glance/service-for-tests.ts'

const CLIENT = 'member@p1'
async function* bytes(...parts: (string | Uint8Array)[]): AsyncIterable<Uint8Array> {
  for (const part of parts) yield typeof part === 'string' ? new TextEncoder().encode(part) : part
}
async function queued(glance: TestGlance, more: object = {}): Promise<string> {
  const body = { name: 'i', disk_format: 'raw', container_format: 'bare', ...more }
  const made = await glance.call('POST', '/v2/images', { token: CLIENT, body })
  assert.equal(made.status, 201, String(made.body))
  return String(made.data['id'])
}
const image = async (glance: TestGlance, id: string) =>
  (await glance.call('GET', `/v2/images/${id}`, { token: CLIENT })).data as unknown as Record<string, unknown>
const asked = (glance: TestGlance, id: string, method: object, more: object = {}) =>
  glance.call('POST', `/v2/images/${id}/import`, { token: CLIENT, body: { method, ...more } })
const DIRECT = { name: 'glance-direct' }

test('staged bytes are imported, hashed, and the task tells of it', async () => {
  const glance = await testGlance()
  const id = await queued(glance)
  const staged = await glance.call('PUT', `/v2/images/${id}/stage`, { token: CLIENT, bytes: bytes('hello', ' world') })
  assert.equal(staged.status, 204)
  assert.deepEqual([(await image(glance, id))['status'], (await image(glance, id))['size']], ['uploading', 11])
  assert.deepEqual(await glance.glance.audit(), [])
  assert.equal((await asked(glance, id, DIRECT)).status, 202)
  await glance.idle()
  const after = await image(glance, id)
  assert.equal(after['status'], 'active')
  assert.equal(after['checksum'], '5eb63bbbe01eeed093cb22bb8f5acdc3')
  assert.equal(after['os_hash_algo'], 'sha512')
  assert.equal(after['os_glance_importing_to_stores'], '')
  assert.equal(after['os_glance_failed_import'], '')
  assert.equal(after['os_glance_import_task'], undefined)
  assert.equal(after['stores'], 'file')
  assert.deepEqual(await readdir(`${glance.folder}/staging`), [])
  const tasks = await glance.call('GET', `/v2/images/${id}/tasks`, { token: CLIENT })
  const [task] = tasks.data['tasks'] as never as Record<string, unknown>[]
  assert.equal(task?.['status'], 'success')
  assert.equal(task?.['type'], 'api_image_import')
  assert.deepEqual(task?.['result'], { image_id: id })
  const listed = await glance.call('GET', '/v2/tasks?limit=1')
  assert.equal((listed.data['tasks'] as never as { id: string }[])[0]?.id, task?.['id'])
  assert.equal((await glance.call('GET', `/v2/tasks/${String(task?.['id'])}`)).status, 200)
  assert.equal((await glance.call('GET', '/v2/tasks', { token: CLIENT })).status, 403)
  assert.equal((await glance.call('DELETE', `/v2/tasks/${String(task?.['id'])}`)).status, 405)
  assert.equal((await glance.call('GET', `/v2/images/${id}/tasks`, { token: 'member@p2' })).status, 404)
  assert.deepEqual(await glance.glance.audit(), [])
  await glance.close()
})

test('bytes that the gate refuses leave a queued image, a failed task and nothing else', async () => {
  const glance = await testGlance()
  const id = await queued(glance, { disk_format: 'qcow2' })
  await glance.call('PUT', `/v2/images/${id}/stage`, { token: CLIENT, bytes: bytes('not a qcow2 at all') })
  assert.equal((await asked(glance, id, DIRECT)).status, 202)
  await glance.idle()
  const after = await image(glance, id)
  assert.deepEqual([after['status'], after['size'], after['os_glance_failed_import']], ['queued', null, 'file'])
  const tasks = await glance.call('GET', `/v2/images/${id}/tasks`, { token: CLIENT })
  const [task] = tasks.data['tasks'] as never as Record<string, unknown>[]
  assert.equal(task?.['status'], 'failure')
  assert.match(String(task?.['message']), /does not match its declared format/)
  assert.deepEqual(await glance.glance.audit(), [])
  assert.deepEqual(await readdir(`${glance.folder}/staging`), [])
  // It may be tried again.
  await glance.call('PATCH', `/v2/images/${id}`, {
    token: CLIENT,
    headers: { 'content-type': 'application/openstack-images-v2.1-json-patch' },
    body: [{ op: 'replace', path: '/disk_format', value: 'raw' }],
  })
  await glance.call('PUT', `/v2/images/${id}/stage`, { token: CLIENT, bytes: bytes('anything') })
  assert.equal((await asked(glance, id, DIRECT)).status, 202)
  await glance.idle()
  assert.equal((await image(glance, id))['status'], 'active')
  await glance.close()
})

test('web-download goes through the door, and says what went wrong', async () => {
  const seen: string[] = []
  const door = {
    open: async (url: string, options: { permit: (url: URL) => boolean }) => {
      seen.push(url)
      assert.equal(options.permit(new URL('http://example.org:22/')), false)
      assert.equal(options.permit(new URL('file:///etc/passwd')), false)
      if (url.endsWith('/gone')) throw new Error('example.org answered 404')
      return { bytes: bytes('from afar') }
    },
  }
  const glance = await testGlance({ tools: { door } })
  const id = await queued(glance)
  assert.equal((await asked(glance, id, { name: 'web-download', uri: 'http://example.org/gone' })).status, 202)
  await glance.idle()
  assert.equal((await image(glance, id))['status'], 'queued')
  assert.equal((await asked(glance, id, { name: 'web-download', uri: 'https://example.org/image' })).status, 202)
  await glance.idle()
  const after = await image(glance, id)
  assert.deepEqual([after['status'], after['size']], ['active', 9])
  assert.deepEqual(seen, ['http://example.org/gone', 'https://example.org/image'])
  const tasks = (await glance.call('GET', `/v2/images/${id}/tasks`)).data['tasks'] as never as { message: string }[]
  assert.match(tasks[0]?.message ?? '', /404/)
  await glance.close()
})

test('what cannot be imported is refused in upstream’s words', async () => {
  const glance = await testGlance()
  const id = await queued(glance)
  const bare = await glance.call('POST', '/v2/images', { token: CLIENT, body: { name: 'bare' } })
  const active = await queued(glance)
  await glance.call('PUT', `/v2/images/${active}/file`, { token: CLIENT, bytes: bytes('x') })
  const web = { name: 'web-download', uri: 'http://example.org/i' }
  const cases: [string, object, number, RegExp][] = [
    [id, {}, 400, /requires a 'method' field/],
    [id, { method: {} }, 400, /requires a 'name' field/],
    [id, { method: { name: 'glance-download' } }, 400, /Unknown import method name 'glance-download'/],
    [id, { method: DIRECT }, 409, /needs to be staged/],
    [id, { method: { name: 'copy-image' } }, 409, /Only images with status active/],
    [active, { method: web }, 409, /cannot be target/],
    [active, { method: { name: 'copy-image' } }, 403, /not authorized/],
    [String(bare.data['id']), { method: web }, 409, /'container_format' needs to be set/],
    [id, { method: web, stores: ['other'] }, 409, /Unknown scheme 'other'/],
    [id, { method: web, stores: ['file'], all_stores: true }, 400, /can't be used/],
    [id, { method: web, all_stores: 'yes' }, 400, /must be boolean/],
    ...[
      undefined,
      'nonsense',
      'ftp://example.org/x',
      'file:///etc/passwd',
      'http://example.org:8080/x',
      'http://user:pw@example.org/x',
    ].map((uri): [string, object, number, RegExp] => [
      id,
      { method: { name: 'web-download', uri } },
      400,
      /does not pass filtering/,
    ]),
  ]
  for (const [target, body, status, says] of cases) {
    const answer = await glance.call('POST', `/v2/images/${target}/import`, { token: CLIENT, body })
    assert.equal(answer.status, status, `${JSON.stringify(body)}: ${String(answer.body)}`)
    assert.match(String(answer.body), says)
  }
  assert.equal((await glance.call('POST', `/v2/images/${id}/import`, { token: 'member@p2', body: {} })).status, 400)
  assert.equal(
    (await glance.call('POST', `/v2/images/${id}/import`, { token: 'member@p2', body: { method: web } })).status,
    404,
  )
  // An administrator finds that the image is in every store already.
  const copy = { method: { name: 'copy-image' } }
  assert.equal((await glance.call('POST', `/v2/images/${active}/import`, { body: copy })).status, 400)
  const all = { ...copy, all_stores: true }
  assert.equal((await glance.call('POST', `/v2/images/${active}/import`, { body: all })).status, 202)
  assert.equal((await image(glance, active))['os_glance_importing_to_stores'], '')
  // Nothing of Glance's own can be written by others.
  const own = { body: { name: 'x', os_glance_import_task: 'mine' }, token: CLIENT }
  assert.equal((await glance.call('POST', '/v2/images', own)).status, 403)
  for (const path of ['/os_glance_failed_import', '/locations/-', '/stores'])
    assert.equal(
      (
        await glance.call('PATCH', `/v2/images/${id}`, {
          token: CLIENT,
          headers: { 'content-type': 'application/openstack-images-v2.1-json-patch' },
          body: [{ op: 'add', path, value: 'x' }],
        })
      ).status,
      403,
      path,
    )
  await glance.close()
})

test('an image deleted while it is imported leaves nothing', async () => {
  let release = (): void => undefined
  const held = new Promise<void>(resolve => (release = resolve))
  const door = {
    open: async () => ({
      bytes: (async function* () {
        yield new Uint8Array(10)
        await held
        yield new Uint8Array(10)
      })(),
    }),
  }
  const glance = await testGlance({ tools: { door } })
  const id = await queued(glance)
  await asked(glance, id, { name: 'web-download', uri: 'http://example.org/i' })
  assert.equal((await image(glance, id))['status'], 'importing')
  assert.equal((await image(glance, id))['os_glance_importing_to_stores'], 'file')
  assert.equal((await asked(glance, id, { name: 'web-download', uri: 'http://example.org/i' })).status, 409)
  const gone = glance.call('DELETE', `/v2/images/${id}`, { token: CLIENT })
  setImmediate(release)
  assert.equal((await gone).status, 204)
  await glance.idle()
  assert.deepEqual(await glance.glance.audit(), [])
  assert.deepEqual(await readdir(`${glance.folder}/staging`), [])
  await glance.close()
})

test('the store, its usage, locations and the older task', async () => {
  const glance = await testGlance({ tools: { door: { open: async () => ({ bytes: bytes('old way') }) } } })
  const stores = (await glance.call('GET', '/v2/info/stores', { token: CLIENT })).data['stores'] as never as object[]
  assert.equal(stores.length, 1)
  assert.equal((await glance.call('GET', '/v2/info/stores/detail', { token: CLIENT })).status, 403)
  assert.equal((await glance.call('GET', '/v2/info/stores/detail')).status, 200)
  assert.deepEqual((await glance.call('GET', '/v2/info/usage', { token: CLIENT })).data, { usage: {} })
  const id = await queued(glance)
  await glance.call('PUT', `/v2/images/${id}/file`, { token: CLIENT, bytes: bytes('x') })
  assert.equal((await glance.call('DELETE', `/v2/stores/other/${id}`)).status, 409)
  assert.equal((await glance.call('DELETE', `/v2/stores/file/${id}`)).status, 403)
  assert.equal((await glance.call('GET', `/v2/images/${id}/locations`, { token: CLIENT })).status, 403)
  const at = await glance.call('GET', `/v2/images/${id}/locations`, { token: 'service@service' })
  assert.equal(at.status, 404) // a service sees what its project may see
  const found = (await glance.call('GET', `/v2/images/${id}/locations`)).data as never as { url: string }[]
  assert.match(found[0]?.url ?? '', /^file:\/\/.*\/images\//)
  const other = await queued(glance)
  const url = { url: 'http://example.org/i' }
  assert.equal((await glance.call('POST', `/v2/images/${id}/locations`, { body: url })).status, 409)
  assert.equal((await glance.call('POST', `/v2/images/${other}/locations`, { token: CLIENT, body: url })).status, 403)
  const asService = { token: 'admin,service@p1', body: { ...url, validation_data: { os_hash_algo: 'md5' } } }
  assert.equal((await glance.call('POST', `/v2/images/${other}/locations`, asService)).status, 400)
  const input = {
    import_from: 'http://example.org/i',
    import_from_format: 'raw',
    image_properties: { name: 'old', container_format: 'bare' },
  }
  const task = await glance.call('POST', '/v2/tasks', { body: { type: 'import', input } })
  assert.equal(task.status, 201, String(task.body))
  await glance.idle()
  const done = await glance.call('GET', `/v2/tasks/${String(task.data['id'])}`)
  assert.equal(done.data['status'] as never, 'success')
  for (const body of [
    {},
    { type: 'import' },
    { type: 'import', input: {} },
    { type: 'odd', input },
    { type: 'api_image_import', input },
  ])
    assert.equal((await glance.call('POST', '/v2/tasks', { body })).status, 400, JSON.stringify(body))
  for (const query of ['limit=x', 'limit=-1', 'sort_dir=up', 'sort_key=x', 'status=x', 'type=x', 'marker=x'])
    assert.equal((await glance.call('GET', `/v2/tasks?${query}`)).status, 400, query)
  await glance.close()
})

test('the cache takes active images, serves them, and is emptied, cleaned and pruned', async () => {
  const glance = await testGlance({ settings: { 'glance.image_cache_max_size_gb': '0' } })
  const id = await queued(glance)
  assert.equal((await glance.call('PUT', `/v2/cache/${id}`)).status, 400)
  await glance.call('PUT', `/v2/images/${id}/file`, { token: CLIENT, bytes: bytes('cached') })
  assert.equal((await glance.call('PUT', `/v2/cache/${id}`, { token: CLIENT })).status, 403)
  assert.equal((await glance.call('PUT', `/v2/cache/${id}`)).status, 202)
  await glance.idle()
  await glance.call('GET', `/v2/images/${id}/file`)
  const state = (await glance.call('GET', '/v2/cache')).data as unknown as Record<string, Record<string, unknown>[]>
  assert.deepEqual([state['cached_images']?.[0]?.['image_id'], state['cached_images']?.[0]?.['hits']], [id, 1])
  assert.deepEqual(await glance.glance.audit(), [])
  assert.deepEqual((await glance.call('POST', '/v2/cache/prune')).data, {
    total_files_pruned: 1,
    total_bytes_pruned: 6,
  })
  await glance.call('PUT', `/v2/cache/${id}`)
  await glance.idle()
  assert.equal((await glance.call('POST', '/v2/cache/clean')).status, 200)
  assert.equal(
    (await glance.call('DELETE', '/v2/cache', { headers: { 'x-image-cache-clear-target': 'x' } })).status,
    400,
  )
  assert.equal((await glance.call('DELETE', '/v2/cache')).status, 204)
  assert.deepEqual((await glance.call('GET', '/v2/cache')).data, { cached_images: [], queued_images: [] })
  await glance.call('PUT', `/v2/cache/${id}`)
  await glance.idle()
  assert.equal((await glance.call('DELETE', `/v2/images/${id}`)).status, 204)
  assert.deepEqual(await readdir(`${glance.folder}/cache`), [])
  assert.equal((await glance.call('DELETE', `/v2/cache/${id}`)).status, 404)
  assert.deepEqual(await glance.glance.audit(), [])
  await glance.close()
})

test('errors are JSON, and HTML for browsers and the older client, which cannot read JSON ones', async () => {
  const glance = await testGlance()
  const path = '/v2/images/<b>'
  const read = async (headers: Record<string, string>) => (await glance.call('GET', path, { headers })).headers
  assert.match((await read({}))['content-type'] ?? '', /json/)
  assert.match((await read({ accept: '*/*' }))['content-type'] ?? '', /json/)
  assert.match((await read({ accept: '*/*', 'user-agent': 'python-glanceclient' }))['content-type'] ?? '', /html/)
  const shown = await glance.call('GET', path, { headers: { accept: 'text/html,*/*;q=0.8' } })
  assert.match(String(shown.body), /404 Not Found/)
  assert.ok(!String(shown.body).includes('<b>'))
  await glance.close()
})
