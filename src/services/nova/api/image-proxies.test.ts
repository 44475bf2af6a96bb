// Glance's images and Cinder's volumes in Nova's old words.
import assert from 'node:assert/strict'
import { test } from 'node:test'

import { testNova, type Canned } from '#services/nova/test-nova.ts'

const ID = '11111111-1111-4111-8111-111111111111'
const NOWHERE = '99999999-9999-4999-8999-999999999999'
const SERVER = '22222222-2222-4222-8222-222222222222'

function glance(many = 1) {
  let image: Record<string, unknown> = {
    ...{ id: ID, name: 'one', status: 'active', visibility: 'private', size: null, min_disk: 1, min_ram: 2 },
    ...{ created_at: '2026-11-22T10:00:00Z', updated_at: '2026-11-22T11:00:00Z', tags: [], owner: 'p1' },
    ...{ instance_uuid: SERVER, auto_disk_config: 'true', color: 'red', schema: '/v2/schemas/image' },
  }
  const queries: string[] = []
  const patches: unknown[] = []
  const canned: Canned = (method, path, request) => {
    if (path === '/v2/images') {
      queries.push(request.query)
      const limit = Number(new URLSearchParams(request.query).get('limit'))
      const images = Array.from({ length: Math.min(many, limit) }, () => image)
      return { json: { images } }
    }
    if (path !== `/v2/images/${ID}`) return { status: 404, json: { message: 'No image found' } }
    if (method === 'DELETE') return { status: 403, json: { message: 'protected' } }
    if (method === 'PATCH') {
      const ops = JSON.parse(request.body as string) as { op: string; path: string; value?: string }[]
      patches.push(request.headers['content-type'], ops)
      for (const { op, path: at, value } of ops) {
        const { [at.slice(1)]: _gone, ...rest } = image
        image = op === 'remove' ? rest : { ...rest, [at.slice(1)]: value }
      }
    }
    return { json: image }
  }
  return { canned, queries, patches }
}

test('an image in old words: properties are metadata, times end in Z, its server is linked', async () => {
  const { canned } = glance()
  const nova = await testNova({ neighbours: { glance: canned } })
  const { status, json } = await nova.call('GET', `/v2.1/images/${ID}`)
  assert.equal(status, 200)
  const { links, server, ...rest } = (json as { image: Record<string, unknown> }).image
  assert.deepEqual(rest, {
    ...{ id: ID, name: 'one', minRam: 2, minDisk: 1, status: 'ACTIVE', progress: 100, 'OS-EXT-IMG-SIZE:size': 0 },
    ...{ created: '2026-11-22T10:00:00Z', updated: '2026-11-22T11:00:00Z', 'OS-DCF:diskConfig': 'AUTO' },
    metadata: { instance_uuid: SERVER, auto_disk_config: 'true', color: 'red' },
  })
  assert.deepEqual(
    (links as { rel: string }[]).map(link => link.rel),
    ['self', 'bookmark', 'alternate'],
  )
  assert.equal((server as { id: string }).id, SERVER)
  assert.equal((await nova.call('GET', `/v2.1/images/${NOWHERE}`)).status, 404)
  assert.equal((await nova.call('DELETE', `/v2.1/images/${ID}`)).status, 403)
  assert.equal((await nova.call('DELETE', `/v2.1/images/${NOWHERE}`)).status, 404)
  for (const path of ['', '/detail', `/${ID}`])
    assert.equal((await nova.call('GET', `/v2.1/images${path}`, { at: '2.36' })).status, 404)
  assert.deepEqual(nova.errors, [])
  await nova.close()
})

test('lists of images: the old filters reach Glance under its names, a full page has a next one', async () => {
  const { canned, queries } = glance(3)
  const nova = await testNova({ neighbours: { glance: canned } })
  const asked = async (query: string): Promise<Record<string, unknown>> => {
    const answer = await nova.call('GET', `/v2.1/images/detail?${query}`)
    assert.equal(answer.status, 200, query)
    return answer.json
  }
  const page = await asked(
    `status=ACTIVE&server=http://x/servers/${SERVER}&type=snapshot&minRam=1&property-color=red&changes-since=2026-01-01T00:00:00Z&limit=2`,
  )
  assert.equal((page['images'] as []).length, 2)
  assert.match(JSON.stringify(page['images_links']), /marker=/)
  assert.deepEqual(Object.fromEntries(new URLSearchParams(queries[0])), {
    ...{ status: 'active', instance_uuid: SERVER, image_type: 'snapshot', min_ram: '1', color: 'red' },
    ...{ updated_at: 'gte:2026-01-01T00:00:00Z', limit: '2' },
  })
  assert.ok(!('images_links' in (await asked('limit=100'))))
  for (const bad of ['limit=-1', 'limit=x', 'limit=0'])
    assert.equal((await nova.call('GET', `/v2.1/images?${bad}`)).status, 400, bad)
  await nova.close()
})

test('metadata of images is written by a patch of what differs; until 2.38', async () => {
  const { canned, patches } = glance()
  const nova = await testNova({ neighbours: { glance: canned }, settings: { quota_metadata_items: '4' } })
  const at = `/v2.1/images/${ID}/metadata`
  const metadata = (answer: { json: object }): unknown => (answer.json as { metadata: unknown }).metadata
  assert.deepEqual(metadata(await nova.call('POST', at, { body: { metadata: { color: 'blue' } } })), {
    ...{ instance_uuid: SERVER, auto_disk_config: 'true', color: 'blue' },
  })
  assert.deepEqual(patches, [
    'application/openstack-images-v2.1-json-patch',
    [{ op: 'replace', path: '/color', value: 'blue' }],
  ])
  assert.deepEqual(metadata(await nova.call('PUT', at, { body: { metadata: { a: '1' } } })), { a: '1' })
  assert.deepEqual((await nova.call('PUT', `${at}/b`, { body: { meta: { b: '2' } } })).json, { meta: { b: '2' } })
  assert.deepEqual((await nova.call('GET', `${at}/b`)).json, { meta: { b: '2' } })
  assert.equal((await nova.call('DELETE', `${at}/b`)).status, 204)
  assert.deepEqual(metadata(await nova.call('GET', at, { at: '2.38' })), { a: '1' })
  for (const [method, path, body, status] of [
    ['GET', `${at}/b`, undefined, 404],
    ['DELETE', `${at}/b`, undefined, 404],
    ['PUT', `${at}/b`, { meta: { c: '2' } }, 400],
    ['PUT', `${at}/b`, { meta: { b: '2', c: '3' } }, 400],
    ['PUT', `${at}/b`, { meta: {} }, 400],
    ['POST', at, { metadata: { k: 'x'.repeat(256) } }, 400],
    ['POST', at, { metadata: { k: 5 } }, 400],
    ['POST', at, { metadata: { b: '1', c: '1', d: '1', e: '1' } }, 403],
    ['GET', `/v2.1/images/${NOWHERE}/metadata`, undefined, 404],
    ['POST', `/v2.1/images/${NOWHERE}/metadata`, { metadata: {} }, 404],
  ] as const)
    assert.equal(
      (await nova.call(method, path, body === undefined ? {} : { body })).status,
      status,
      `${method} ${path}`,
    )
  assert.equal((await nova.call('GET', at, { at: '2.39' })).status, 404)
  await nova.close()
})

test('volumes and snapshots in old words, paged by Cinder itself', async () => {
  const volume = {
    ...{ id: ID, status: 'in-use', size: 1, availability_zone: 'nova', created_at: '2026-11-22T10:00:00.000000' },
    ...{ name: 'v', description: null, volume_type: 'lvm', snapshot_id: null, metadata: { a: 'b' } },
    attachments: [{ server_id: SERVER, device: '/dev/vdb' }],
  }
  const snapshot = { ...volume, volume_id: ID, status: 'available', metadata: {} }
  const canned: Canned = (method, path) => {
    if (path.endsWith(NOWHERE)) return { status: 404, json: { itemNotFound: { message: 'no' } } }
    if (path === '/v3/volumes' && method === 'POST')
      return { status: 413, json: { overLimit: { message: 'VolumeLimitExceeded' } } }
    if (path === '/v3/volumes/detail') return { json: { volumes: [volume] } }
    if (path === '/v3/snapshots/detail') return { json: { snapshots: [snapshot] } }
    if (path.startsWith('/v3/volumes/')) return method === 'GET' ? { json: { volume } } : { status: 202 }
    return method === 'DELETE' ? { status: 202 } : { json: { snapshot } }
  }
  const nova = await testNova({ neighbours: { cinder: canned } })
  const shown = {
    ...{ id: ID, status: 'in-use', size: 1, availabilityZone: 'nova', createdAt: '2026-11-22T10:00:00.000000' },
    attachments: [{ id: ID, volumeId: ID, serverId: SERVER, device: '/dev/vdb' }],
    ...{ displayName: 'v', displayDescription: null, volumeType: 'lvm', snapshotId: null, metadata: { a: 'b' } },
  }
  assert.deepEqual((await nova.call('GET', '/v2.1/os-volumes')).json, { volumes: [shown] })
  assert.deepEqual((await nova.call('GET', `/v2.1/os-volumes/${ID}`)).json, { volume: shown })
  assert.equal((await nova.call('GET', `/v2.1/os-volumes/${NOWHERE}`)).status, 404)
  assert.equal((await nova.call('DELETE', `/v2.1/os-volumes/${ID}`)).status, 202)
  assert.equal((await nova.call('DELETE', `/v2.1/os-volumes/${NOWHERE}`)).status, 404)
  assert.equal((await nova.call('POST', '/v2.1/os-volumes', { body: { volume: { size: 1 } } })).status, 403)
  for (const bad of [{}, { size: 0 }, { size: '#$' }, { size: 1, other: 1 }])
    assert.equal((await nova.call('POST', '/v2.1/os-volumes', { body: { volume: bad } })).status, 400)
  const list = await nova.call('GET', '/v2.1/os-snapshots/detail?limit=1')
  assert.equal((list.json as { snapshots: { volumeId: string }[] }).snapshots[0]?.volumeId, ID)
  assert.equal((await nova.call('GET', `/v2.1/os-snapshots/${NOWHERE}`)).status, 404)
  const made = await nova.call('POST', '/v2.1/os-snapshots', { body: { snapshot: { volume_id: ID, force: 'True' } } })
  assert.equal(made.status, 200)
  assert.equal((await nova.call('DELETE', `/v2.1/os-snapshots/${ID}`)).status, 202)
  for (const path of ['os-volumes', 'os-volumes/detail', 'os-snapshots'])
    assert.equal((await nova.call('GET', `/v2.1/${path}`, { at: '2.36' })).status, 404)
  assert.deepEqual(nova.errors, [])
  await nova.close()
})

test('os-volumes_boot is servers under another name', async () => {
  const nova = await testNova()
  const server = await nova.addServer()
  const one = await nova.call('GET', `/v2.1/os-volumes_boot/${server.id}`)
  assert.equal((one.json as { server: { id: string } }).server.id, server.id)
  const list = await nova.call('GET', '/v2.1/os-volumes_boot/detail')
  assert.equal((list.json as { servers: unknown[] }).servers.length, 1)
  const acted = await nova.call('POST', `/v2.1/os-volumes_boot/${server.id}/action`, { body: { lock: null } })
  assert.equal(acted.status, 202)
  assert.equal((await nova.call('GET', `/v2.1/os-volumes_boot/${server.id}/tags`, { at: '2.26' })).status, 404)
  await nova.close()
})
