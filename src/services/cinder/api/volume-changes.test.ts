// Upload, retype, migrate, revert, reimage, manage and unmanage over HTTP.
import assert from 'node:assert/strict'
import { createSimulatedBackend } from '#services/cinder/drivers/backend-simulated/backend-simulated.ts'
import { test } from 'node:test'
import {
  admin,
  json,
  member,
  P1,
  stranger,
  testCinder,
  type Answers,
  type TestCinder,
} from '#services/cinder/service-for-tests.ts'

type Bag = Record<string, unknown>
const bag = (value: unknown, key: string): Bag => (value as Record<string, Bag>)[key] ?? {}
const NOWHERE = '00000000-0000-4000-8000-000000000000'

const volume = async (t: TestCinder, wish: Bag = {}): Promise<string> => {
  const made = await t.call('POST', '/v3/volumes', { token: member, body: { volume: { size: 1, ...wish } } })
  const id = String(bag(made.json, 'volume')['id'])
  assert.equal((await t.settled(id))?.['status'], 'available')
  return id
}
const act = (t: TestCinder, id: string, body: Bag, token = member, at = '3.68') =>
  t.call('POST', `/v3/volumes/${id}/action`, { token, at, body })
const snapshot = async (t: TestCinder, id: string): Promise<string> => {
  const made = await t.call('POST', '/v3/snapshots', { token: member, body: { snapshot: { volume_id: id } } })
  const made_id = String(bag(made.json, 'snapshot')['id'])
  await t.settledSnapshot(made_id)
  return made_id
}

/** A Glance of a few images: those that were made, and their bytes. */
function smallGlance(): { images: Map<string, Bag>; answers: Answers; refuse: { upload: boolean; create: boolean } } {
  const images = new Map<string, Bag>()
  const refuse = { upload: false, create: false }
  const answers: Answers = async request => {
    const id = request.path.split('/')[3] ?? ''
    if (request.method === 'POST') {
      if (refuse.create) return json({ message: 'no such format' }, 400)
      const image = JSON.parse(String(request.body)) as Bag
      images.set(String(image['id']), { ...image, status: 'queued' })
      return json(image, 201)
    }
    if (request.method === 'PUT') {
      let size = 0
      for await (const chunk of request.body as AsyncIterable<Uint8Array>) size += chunk.length
      if (refuse.upload) return { status: 413, body: 'full' }
      images.set(id, { ...images.get(id), status: 'active', size })
      return { status: 204 }
    }
    if (request.method === 'DELETE') return { status: images.delete(id) ? 204 : 404 }
    const found = images.get(id)
    if (request.path.endsWith('/file')) return { status: 200, body: 'bytes' }
    return found === undefined ? undefined : json(found)
  }
  return { images, answers, refuse }
}

test('a volume is uploaded as an image', async () => {
  const glance = smallGlance()
  const t = await testCinder({ glance: glance.answers })
  try {
    const id = await volume(t, { description: 'd' })
    await act(t, id, {
      'os-set_image_metadata': { metadata: { os_distro: 'koto', image_name: 'x', os_glance_a: 'b' } },
    })
    const upload = (wish: Bag, token = member, at = '3.1') => act(t, id, { 'os-volume_upload_image': wish }, token, at)
    const answer = await upload({ image_name: 'copy', disk_format: 'qcow2', visibility: 'private', protected: true })
    assert.equal(answer.status, 202, JSON.stringify(answer.json))
    const { image_id, updated_at, volume_type, ...shown } = bag(answer.json, 'os-volume_upload_image')
    assert.ok(typeof updated_at === 'string' && (volume_type as Bag)['name'] === '__DEFAULT__')
    assert.deepEqual(shown, {
      id,
      status: 'uploading',
      display_description: 'd',
      size: 1,
      container_format: 'bare',
      disk_format: 'qcow2',
      image_name: 'copy',
      protected: true,
      visibility: 'private',
    })
    assert.equal((await t.settled(id))?.['status'], 'available')
    const { size, ...image } = glance.images.get(String(image_id)) ?? {}
    assert.ok(Number(size) > 0)
    assert.deepEqual(image, {
      os_distro: 'koto',
      id: image_id,
      name: 'copy',
      disk_format: 'qcow2',
      container_format: 'bare',
      min_disk: 1,
      visibility: 'private',
      protected: true,
      status: 'active',
    })
    // Refused by Glance, at once and later: the volume is free again, and no image is left.
    glance.refuse.create = true
    assert.equal((await upload({ image_name: 'x' })).status, 400)
    assert.equal((await t.settled(id))?.['status'], 'available')
    glance.refuse.create = false
    glance.refuse.upload = true
    assert.equal((await upload({ image_name: 'x' }, member, '3.0')).status, 202)
    assert.equal((await t.settled(id))?.['status'], 'available')
    assert.equal(glance.images.size, 1)
    const told = await t.call('GET', '/v3/messages', { token: member, at: '3.5' })
    assert.match(JSON.stringify(told.json), /Failed to upload volume to image at backend/)
    for (const [wish, at] of [
      [{}, '3.1'],
      [{ image_name: '' }, '3.1'],
      [{ image_name: 'x', visibility: 'public' }, '3.0'],
      [{ image_name: 'x', disk_format: 'iso' }, '3.1'],
      [{ image_name: 'x', container_format: 'compressed' }, '3.1'],
    ] as const)
      assert.equal((await upload(wish, member, at)).status, 400, JSON.stringify(wish))
    assert.equal((await upload({ image_name: 'x', visibility: 'public' })).status, 403)
    assert.equal((await upload({ image_name: 'x' }, stranger)).status, 404)
    await act(t, id, { 'os-reset_status': { status: 'error' } }, admin)
    assert.equal((await upload({ image_name: 'x', force: true })).status, 400)
  } finally {
    await t.close()
  }
})

test('a volume becomes of another type where its pool will do; it moves nowhere when there is nowhere to move', async () => {
  const t = await testCinder()
  try {
    const id = await volume(t)
    const type = async (name: string, specs: Bag): Promise<string> => {
      const body = { volume_type: { name, extra_specs: specs } }
      return String(bag((await t.call('POST', '/v3/types', { token: admin, body })).json, 'volume_type')['id'])
    }
    const fine = await type('fine', { volume_backend_name: 'file' })
    await type('elsewhere', { volume_backend_name: 'moon' })
    const retype = (wish: Bag, token = member) => act(t, id, { 'os-retype': wish }, token)
    assert.equal((await retype({ new_type: 'fine', migration_policy: 'never' })).status, 202)
    assert.equal((await t.settled(id))?.['volume_type'], 'fine')
    assert.equal((await retype({ new_type: fine })).status, 400, 'it is of that type')
    assert.equal((await retype({ new_type: 'elsewhere', migration_policy: 'on-demand' })).status, 202)
    assert.deepEqual(
      [(await t.settled(id))?.['volume_type'], (await t.settled(id))?.['migration_status']],
      ['fine', 'error'],
    )
    await t.call('PUT', `/v3/os-quota-sets/${P1}`, { token: admin, body: { quota_set: { volumes___DEFAULT__: 0 } } })
    assert.equal((await retype({ new_type: '__DEFAULT__' })).status, 413)
    assert.equal((await retype({ new_type: 'none' })).status, 404)
    for (const wish of [{}, { new_type: 'fine', migration_policy: 'maybe' }, { new_type: 1 }])
      assert.equal((await retype(wish)).status, 400)
    assert.equal((await retype({ new_type: 'fine' }, stranger)).status, 404)

    const migrate = (wish: Bag, token = admin, at = '3.0') => act(t, id, { 'os-migrate_volume': wish }, token, at)
    assert.equal((await migrate({ host: 'node-1@file#file' }, member)).status, 403)
    assert.match(
      JSON.stringify((await migrate({ host: 'node-9@file' })).json),
      /No available service named 'node-9@file'/,
    )
    assert.match(
      JSON.stringify((await migrate({ host: 'node-1@file#file' })).json),
      /must be different than the current one/,
    )
    assert.equal((await migrate({})).status, 400)
    assert.equal((await migrate({ cluster: 'c' }, admin, '3.16')).status, 400)
    assert.equal((await migrate({ host: null }, admin, '3.16')).status, 400)
    const other = await volume(t, { volume_type: 'fine' })
    await act(t, id, { 'os-reset_status': { migration_status: 'none' } }, admin)
    const complete = (body: Bag) => act(t, id, { 'os-migrate_volume_completion': body }, admin)
    assert.deepEqual((await complete({ new_volume: other })).json, { save_volume_id: other })
    assert.equal((await complete({ new_volume: NOWHERE })).status, 404)
    assert.match(
      JSON.stringify((await act(t, id, { 'os-extend_volume_completion': {} }, admin)).json),
      /Volume is not being extended/,
    )
    assert.equal((await act(t, id, { 'os-extend_volume_completion': {} })).status, 403)
  } finally {
    await t.close()
  }
})

test('a volume is reverted to its latest snapshot, and holds an image anew', async () => {
  const glance = smallGlance()
  const image = '00000000-0000-4000-8000-00000000000a'
  glance.images.set(image, { id: image, name: 'tiny', status: 'active', size: 5, min_disk: 1, disk_format: 'raw' })
  glance.images.set(NOWHERE, { id: NOWHERE, name: 'large', status: 'active', size: 5, min_disk: 9, disk_format: 'raw' })
  const t = await testCinder({ glance: glance.answers })
  try {
    const id = await volume(t)
    const revert = (snapshot_id: unknown, token = member, at = '3.40') =>
      act(t, id, { revert: { snapshot_id } }, token, at)
    assert.equal((await revert(null)).status, 400)
    const kept = await snapshot(t, id)
    assert.equal((await revert(kept, member, '3.39')).status, 404)
    assert.equal((await revert(kept, `reader@${P1}`)).status, 403)
    assert.equal((await revert(NOWHERE)).status, 400)
    assert.equal((await revert('x')).status, 400)
    assert.equal((await revert(kept)).status, 202)
    assert.equal((await t.settled(id))?.['status'], 'available')
    assert.equal((await t.settledSnapshot(kept))?.['status'], 'available')
    await act(t, id, { 'os-reset_status': { status: 'error' } }, admin)
    assert.equal((await revert(kept)).status, 409)

    const reimage = (wish: Bag, token = member, at = '3.68') => act(t, id, { 'os-reimage': wish }, token, at)
    assert.equal((await reimage({ image_id: image }, member, '3.67')).status, 404)
    assert.equal((await reimage({ image_id: image }, stranger)).status, 404)
    assert.equal((await reimage({ image_id: '00000000-0000-4000-8000-00000000000b' })).status, 404)
    assert.equal((await reimage({ image_id: NOWHERE })).status, 400)
    assert.equal((await reimage({ image_id: 'x' })).status, 400)
    assert.equal((await reimage({ image_id: image })).status, 202)
    const done = await t.settled(id)
    assert.deepEqual([done?.['status'], done?.['bootable']], ['available', 'true'])
    assert.equal(bag(done, 'volume_image_metadata')['image_name'], 'tiny')
    await act(t, id, { 'os-reserve': {} })
    assert.equal((await reimage({ image_id: image })).status, 400)
    assert.deepEqual(await t.cinder.audit(), [])
  } finally {
    await t.close()
  }
})

test('volumes and snapshots are let go of and managed again', async () => {
  const t = await testCinder()
  try {
    const host = 'node-1@file#file'
    const id = await volume(t, { size: 2 })
    const kept = await snapshot(t, id)
    const unmanage = (path: string, token = admin) =>
      t.call('POST', `${path}/action`, { token, body: { 'os-unmanage': null } })
    assert.equal((await unmanage(`/v3/volumes/${id}`, member)).status, 403)
    assert.equal((await unmanage(`/v3/volumes/${id}`)).status, 400, 'it has a snapshot')
    assert.equal((await unmanage(`/v3/snapshots/${kept}`)).status, 202)
    await t.until(async () => (await t.settledSnapshot(kept)) === undefined)
    const list = async (what: string): Promise<Bag[]> => {
      const answer = await t.call('GET', `/v3/manageable_${what}/detail?host=${encodeURIComponent(host)}`, {
        token: admin,
        at: '3.8',
      })
      assert.equal(answer.status, 200, JSON.stringify(answer.json))
      return (answer.json as Record<string, Bag[]>)[`manageable-${what}`] ?? []
    }
    assert.deepEqual(await list('snapshots'), [
      {
        reference: { 'source-name': `snapshot-${kept}` },
        size: 2,
        safe_to_manage: true,
        source_reference: { 'source-name': `volume-${id}` },
        reason_not_safe: null,
        cinder_id: null,
        extra_info: null,
      },
    ])
    const again = await t.call('POST', '/v3/os-snapshot-manage', {
      token: admin,
      body: { snapshot: { volume_id: id, ref: { 'source-name': `_snapshot-${kept}` }, name: 's' } },
    })
    assert.equal(again.status, 202, JSON.stringify(again.json))
    const newer = String(bag(again.json, 'snapshot')['id'])
    assert.equal((await t.settledSnapshot(newer))?.['status'], 'available')
    await t.call('DELETE', `/v3/snapshots/${newer}`, { token: admin })
    await t.until(async () => (await t.settledSnapshot(newer)) === undefined)

    assert.equal((await unmanage(`/v3/volumes/${id}`)).status, 202)
    await t.until(async () => (await t.settled(id)) === undefined)
    assert.deepEqual(
      (await list('volumes')).map(one => [one['reference'], one['size'], one['safe_to_manage']]),
      [[{ 'source-name': `volume-${id}` }, 2, true]],
    )
    const manage = (wish: Bag, token = admin, at = '3.8') =>
      t.call('POST', '/v3/manageable_volumes', { token, at, body: { volume: wish } })
    const ref = { 'source-name': `volume-${id}` }
    assert.equal((await manage({ ref, host }, member)).status, 403)
    assert.equal((await manage({ ref, host }, admin, '3.7')).status, 404)
    assert.equal((await manage({ host })).status, 400)
    assert.equal((await manage({ ref })).status, 400)
    assert.equal((await manage({ ref, host: 'node-9@file' })).status, 404)
    assert.equal((await manage({ ref, host, cluster: 'c' }, admin, '3.15')).status, 400)
    const back = await manage({ ref, host, name: 'back', bootable: true, metadata: { a: 'b' } })
    assert.equal(back.status, 202, JSON.stringify(back.json))
    const managed = await t.settled(String(bag(back.json, 'volume')['id']))
    assert.deepEqual([managed?.['status'], managed?.['size'], managed?.['bootable']], ['available', 2, 'true'])
    assert.equal((await manage({ ref: { 'source-name': `volume-${String(managed?.['id'])}` }, host })).status, 400)
    const none = bag((await manage({ ref: { 'source-name': 'nothing' }, host })).json, 'volume')
    assert.equal(none['status'], 'error_managing')
    assert.equal((await t.call('DELETE', `/v3/volumes/${String(none['id'])}`, { token: admin })).status, 202)
    await t.until(async () => (await t.settled(String(none['id']))) === undefined)
    assert.equal((await t.call('GET', '/v3/manageable_volumes', { token: admin, at: '3.8' })).status, 400)
    assert.equal(
      (await t.call('GET', '/v3/manageable_volumes?host=node-1@file&sort=color', { token: admin, at: '3.8' })).status,
      400,
    )
    assert.deepEqual(await t.cinder.audit(), [])
  } finally {
    await t.close()
  }
})

test('a volume moves to another back end, asked to or as its new type wants', async () => {
  const second = createSimulatedBackend({ totalGb: 20 })
  const t = await testCinder({ second })
  try {
    const type = async (name: string): Promise<void> => {
      const body = { volume_type: { name, extra_specs: { volume_backend_name: name } } }
      assert.equal((await t.call('POST', '/v3/types', { token: admin, body })).status, 200)
    }
    await type('file')
    await type('other')
    const id = await volume(t, { volume_type: 'file' })
    const at = async (): Promise<unknown[]> => {
      const found = await t.until(async () => {
        const now = await t.settled(id)
        return now?.['status'] === 'available' ? now : undefined
      })
      return [found['os-vol-host-attr:host'], found['volume_type'], found['migration_status']]
    }
    assert.deepEqual(await at(), ['node-1@file#file', 'file', null])
    await act(t, id, { 'os-retype': { new_type: 'other', migration_policy: 'never' } })
    assert.deepEqual(await at(), ['node-1@file#file', 'file', null], 'it may not move')
    assert.equal((await act(t, id, { 'os-retype': { new_type: 'other', migration_policy: 'on-demand' } })).status, 202)
    assert.deepEqual(await at(), ['node-1@other#other', 'other', 'success'])
    assert.deepEqual(
      (await second.inventory()).volumes.map(one => one.volumeId),
      [id],
    )
    assert.deepEqual((await t.backend.inventory()).volumes, [])
    assert.equal((await act(t, id, { 'os-migrate_volume': { host: 'node-1@file#file' } }, admin)).status, 202)
    assert.deepEqual(await at(), ['node-1@other#other', 'other', 'error'], 'its type does not let it')
    const free = await volume(t)
    const before = String((await t.settled(free))?.['os-vol-host-attr:host'])
    const to = before === 'node-1@file#file' ? 'node-1@other#other' : 'node-1@file#file'
    assert.equal((await act(t, free, { 'os-migrate_volume': { host: to } }, admin)).status, 202)
    const moved = await t.until(async () => {
      const now = await t.settled(free)
      return now?.['migration_status'] === 'success' ? now : undefined
    })
    assert.deepEqual([moved['os-vol-host-attr:host'], moved['status']], [to, 'available'])
    assert.deepEqual(await t.cinder.audit(), [])
  } finally {
    await t.close()
  }
})
