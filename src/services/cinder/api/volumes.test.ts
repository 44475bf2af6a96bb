// Volumes over HTTP on the simulated back end: the happy path, bad input, strangers, versions, lists.
import assert from 'node:assert/strict'
import { createHash } from 'node:crypto'
import { after, before, describe, test } from 'node:test'
import {
  admin,
  member,
  nova,
  P1,
  P2,
  stranger,
  testCinder,
  type TestCinder,
} from '#services/cinder/service-for-tests.ts'

type Bag = Record<string, never>
const IMAGE = '44444444-4444-4444-8444-444444444444'
const bytes = new Uint8Array(1024)

let t: TestCinder
const images: Record<string, object> = {
  [IMAGE]: {
    id: IMAGE,
    name: 'small',
    status: 'active',
    disk_format: 'raw',
    container_format: 'bare',
    size: bytes.length,
    min_disk: 2,
    min_ram: 0,
    checksum: null,
    os_hash_algo: null,
    os_hash_value: null,
    hw_disk_bus: 'virtio',
    visibility: 'public',
  },
}
const glance: Parameters<typeof testCinder>[0] = {
  glance: ({ path, query }) => {
    if (path.endsWith('/file')) return { status: 200, body: bytes }
    if (path === '/v2/images') {
      const wanted = new URLSearchParams(query).get('name')
      const named = Object.values(images).filter(image => (image as { name: string }).name === wanted)
      return { status: 200, body: JSON.stringify({ images: named }) }
    }
    const image = images[path.split('/').at(-1) ?? '']
    return image === undefined ? undefined : { status: 200, body: JSON.stringify(image) }
  },
}

const make = async (volume: object, token = member, at = '3.70'): Promise<Bag> => {
  const made = await t.call('POST', '/v3/volumes', { token, at, body: { volume } })
  assert.equal(made.status, 202, JSON.stringify(made.json))
  return (made.json as { volume: Bag }).volume
}
const makeSettled = async (volume: object, token = member): Promise<Bag> =>
  (await t.settled((await make(volume, token))['id'] as unknown as string, admin)) as Bag
const remove = async (id: string): Promise<void> => {
  assert.equal((await t.call('DELETE', `/v3/volumes/${id}?cascade=true`, { token: admin })).status, 202)
  assert.equal(await t.settled(id, admin), undefined)
}
const says = (answer: { json: never }): string => {
  const [body] = Object.values(answer.json as Record<string, { message: string }>)
  return body?.message ?? ''
}

describe('volumes', () => {
  before(async () => {
    t = await testCinder({ settings: { quotaVolumes: '100', volumeBackingFileSizeGb: '1000' }, ...glance })
  })
  after(async () => {
    assert.deepEqual(await t.cinder.audit(), [])
    await t.close()
  })

  test('made, shown, changed, grown and removed', async () => {
    const volume = await makeSettled({ size: '2', name: ' v ', description: 'd', metadata: { a: '1' } })
    assert.deepEqual([volume['status'], volume['size'], volume['name'], volume['metadata'], volume['volume_type']], [
      'available',
      2,
      'v',
      { a: '1' },
      '__DEFAULT__',
    ] as never)
    const id = String(volume['id'])
    const changed = await t.call('PUT', `/v3/volumes/${id}`, {
      token: member,
      body: { volume: { name: 'w', metadata: { b: '2' } } },
    })
    assert.deepEqual(
      [
        changed.status,
        (changed.json as { volume: Bag }).volume['name'],
        (changed.json as { volume: Bag }).volume['metadata'],
      ],
      [200, 'w', { b: '2' }] as never,
    )
    assert.equal('os-vol-tenant-attr:tenant_id' in (changed.json as { volume: object }).volume, false)
    const grow = (size: unknown, at = '3.0') =>
      t.call('POST', `/v3/volumes/${id}/action`, { token: member, at, body: { 'os-extend': { new_size: size } } })
    assert.equal(
      says(await grow(2)),
      'Invalid input received: New size for extend must be greater than current size. (current: 2, extended: 2).',
    )
    assert.equal((await grow('3')).status, 202)
    assert.deepEqual((await t.settled(id))?.['size'], 3)
    await t.call('POST', `/v3/volumes/${id}/action`, { token: member, body: { 'os-reserve': null } })
    assert.match(says(await grow(4)), /status must be '\{'status': 'available'\}' to extend, currently attaching\.$/)
    await t.call('POST', `/v3/volumes/${id}/action`, { token: member, body: { 'os-unreserve': null } })
    await remove(id)
    assert.equal((await t.call('GET', `/v3/volumes/${id}`, { token: member })).status, 404)
  })

  test('bad bodies change nothing', async () => {
    const cases: [object | string, number, RegExp][] = [
      ['{', 400, /not JSON/],
      [{}, 400, /'volume' is a required property/],
      [{ volume: {} }, 400, /Volume size 'None' must be an integer and greater than 0/],
      [{ volume: { size: 0 } }, 400, /less than the minimum of 1/],
      [{ volume: { size: -1 } }, 400, /minimum|pattern|match/],
      [{ volume: { size: 1.5 } }, 400, /1\.5/],
      [{ volume: { size: 'x' } }, 400, /x/],
      [{ volume: { size: 2 ** 31 } }, 400, /maximum/],
      [{ volume: { size: 1, name: 'n'.repeat(256) } }, 400, /too long/],
      [{ volume: { size: 1, metadata: { k: 'v'.repeat(256) } } }, 400, /too long/],
      [{ volume: { size: 1, metadata: { ['k'.repeat(256)]: 'v' } } }, 400, /does not match any of the regexes/],
      [{ volume: { size: 1, snapshot_id: 'no' } }, 400, /not valid|uuid/],
      [{ volume: { size: 1, surprise: 1 } }, 400, /surprise/],
      [{ volume: { size: 1, volume_type: 'none such' } }, 404, /Volume type with name none such could not be found/],
      [{ volume: { size: 1, source_volid: IMAGE } }, 404, /Volume 4+.* could not be found/],
      [{ volume: { size: 1, snapshot_id: IMAGE } }, 404, /Snapshot/],
      [{ volume: { size: 1, imageRef: 'nothing' } }, 400, /Invalid image identifier/],
      [{ volume: { size: 1, imageRef: IMAGE } }, 400, /cannot be smaller than the image minDisk size 2GB/],
      [{ volume: { size: 1, availability_zone: 'mars' } }, 400, /Availability zone 'mars' is invalid/],
      [{ volume: { size: 1, multiattach: true } }, 400, /multiattach parameter has been removed/],
      [{ volume: { size: 1, group_id: IMAGE } }, 404, /Group/],
    ]
    for (const [body, status, text] of cases) {
      const answer = await t.call('POST', '/v3/volumes', { token: member, at: '3.70', body })
      assert.equal(answer.status, status, JSON.stringify([body, answer.json]))
      assert.match(says(answer), text)
    }
    const all = await t.call('GET', '/v3/volumes', { token: member })
    assert.deepEqual(all.json, { volumes: [] })
    // compat: before 3.53 what is not known is let through
    await remove(String((await make({ size: 1, surprise: 1 }, member, '3.52'))['id']))
  })

  test('strangers see nothing, readers change nothing, administrators all', async () => {
    const id = String((await makeSettled({ size: 1 }))['id'])
    const nowhere = await t.call('GET', `/v3/volumes/${IMAGE}`, { token: member })
    for (const [method, path, body] of [
      ['GET', ''],
      ['PUT', '', { volume: { name: 'x' } }],
      ['DELETE', ''],
      ['GET', '/metadata'],
      ['POST', '/action', { 'os-extend': { new_size: 9 } }],
    ] as const) {
      const answer = await t.call(method, `/v3/volumes/${id}${path}`, {
        token: stranger,
        ...(body === undefined ? {} : { body }),
      })
      assert.equal(answer.status, 404, `${method} ${path}`)
      assert.equal(says(answer), says(nowhere).replace(IMAGE, id))
    }
    for (const [method, path, body] of [
      ['PUT', '', { volume: { name: 'x' } }],
      ['DELETE', ''],
      ['POST', '/action', { 'os-reserve': null }],
      ['POST', '/metadata', { metadata: { a: 'b' } }],
    ] as const) {
      const answer = await t.call(method, `/v3/volumes/${id}${path}`, {
        token: `reader@${P1}`,
        ...(body === undefined ? {} : { body }),
      })
      assert.equal(answer.status, 403, `${method} ${path}`)
    }
    const reset = { 'os-reset_status': { status: 'error' } }
    assert.equal((await t.call('POST', `/v3/volumes/${id}/action`, { token: member, body: reset })).status, 403)
    assert.equal((await t.call('POST', `/v3/volumes/${id}/action`, { token: `admin@${P2}`, body: reset })).status, 202)
    assert.equal((await t.call('GET', `/v3/volumes/${id}`, { token: `reader@${P1}` })).status, 200)
    assert.equal((await t.call('GET', '/v3/volumes')).status, 401)
    assert.equal((await t.call('GET', `/v3/${P2}/volumes`, { token: member })).status, 400)
    assert.equal(says(await t.call('GET', `/v3/${P2}/volumes`, { token: admin })), 'Malformed request url')
    await remove(id)
  })

  test('fields come with their versions and their readers', async () => {
    const id = String((await makeSettled({ size: 1 }))['id'])
    const shown = async (at: string, token = member): Promise<string[]> =>
      Object.keys(((await t.call('GET', `/v3/volumes/${id}`, { token, at })).json as { volume: object }).volume)
    for (const [field, since, token] of [
      ['group_id', 13, member],
      ['provider_id', 21, admin],
      ['shared_targets', 48, member],
      ['service_uuid', 48, member],
      ['cluster_name', 61, admin],
      ['volume_type_id', 63, member],
      ['consumes_quota', 65, member],
    ] as const) {
      assert.equal((await shown(`3.${since - 1}`, token)).includes(field), false, `${field} before 3.${since}`)
      assert.equal((await shown(`3.${since}`, token)).includes(field), true, `${field} at 3.${since}`)
    }
    const people = await shown('3.70')
    for (const field of ['provider_id', 'cluster_name', 'migration_status', 'os-vol-host-attr:host'])
      assert.equal(people.includes(field), false, field)
    assert.ok((await shown('3.70', admin)).includes('os-vol-host-attr:host'))
    assert.equal((await t.call('GET', '/v3/volumes/summary', { token: member, at: '3.11' })).status, 404)
    assert.deepEqual((await t.call('GET', '/v3/volumes/summary', { token: member, at: '3.36' })).json, {
      'volume-summary': { total_count: 1, total_size: 1, metadata: {} },
    } as never)
    await remove(id)
  })

  test('of an image, of a snapshot, of a volume', async () => {
    const image = await makeSettled({ size: 2, imageRef: IMAGE })
    assert.equal(image['bootable'], 'true')
    assert.deepEqual(image['volume_image_metadata'], {
      signature_verified: 'False',
      image_id: IMAGE,
      image_name: 'small',
      checksum: '',
      container_format: 'bare',
      disk_format: 'raw',
      min_disk: '2',
      min_ram: '0',
      size: '1024',
      hw_disk_bus: 'virtio',
    } as never)
    const byName = await makeSettled({ size: 2, imageRef: 'small' })
    const clone = await makeSettled({ source_volid: image['id'] })
    assert.deepEqual([clone['size'], clone['bootable'], clone['source_volid']], [2, 'true', image['id']] as never)
    const snapped = await t.call('POST', '/v3/snapshots', {
      token: member,
      body: { snapshot: { volume_id: image['id'], name: 's' } },
    })
    const snapshot = (snapped.json as { snapshot: Bag }).snapshot
    await t.settledSnapshot(String(snapshot['id']))
    const small = await t.call('POST', '/v3/volumes', {
      token: member,
      body: { volume: { size: 1, snapshot_id: snapshot['id'] } },
    })
    assert.match(says(small), /cannot be smaller than the snapshot size 2GB/)
    const both = await t.call('POST', '/v3/volumes', {
      token: member,
      body: { volume: { size: 2, snapshot_id: snapshot['id'], source_volid: image['id'] } },
    })
    assert.match(says(both), /May specify only one of backup, imageRef, snapshot, source volume/)
    const again = await makeSettled({ snapshot_id: snapshot['id'] })
    assert.deepEqual([again['size'], again['bootable']], [2, 'true'] as never)
    assert.deepEqual(again['volume_image_metadata'], image['volume_image_metadata'])
    const found = await t.call(
      'GET',
      `/v3/volumes?glance_metadata=${encodeURIComponent("{'hw_disk_bus': 'virtio'}")}`,
      {
        token: admin,
        at: '3.4',
      },
    )
    assert.equal((found.json as { volumes: unknown[] }).volumes.length, 4)
    for (const volume of [byName, clone, again, image]) await remove(String(volume['id']))
  })

  test('lists: filters, sorting, pages, counts', async () => {
    const ids: string[] = []
    for (const [name, size, metadata] of [
      ['a', 3, { k: 'x' }],
      ['b', 1, { k: 'y' }],
      ['ab', 2, {}],
    ] as const)
      ids.push(String((await makeSettled({ name, size, metadata }))['id']))
    await makeSettled({ size: 1, name: 'theirs' }, stranger)
    const list = async (query: string, token = member, at = '3.70'): Promise<{ names: string[]; body: Bag }> => {
      const answer = await t.call('GET', `/v3/volumes?${query}`, { token, at })
      assert.equal(answer.status, 200, JSON.stringify(answer.json))
      const body = answer.json as Bag
      return { names: (body['volumes'] as unknown as { name: string }[]).map(one => one.name), body }
    }
    assert.deepEqual((await list('')).names, ['ab', 'b', 'a'])
    assert.deepEqual((await list('sort=name:asc')).names, ['a', 'ab', 'b'])
    assert.deepEqual((await list('sort_key=size&sort_dir=asc')).names, ['b', 'ab', 'a'])
    assert.deepEqual((await list('name=a')).names, ['a'])
    assert.deepEqual((await list('name~=a&sort=name:asc')).names, ['a', 'ab'])
    assert.deepEqual((await list('status=available&size=2')).names, ['ab'])
    assert.deepEqual((await list('bootable=true')).names, [])
    assert.deepEqual((await list(`metadata=${encodeURIComponent("{'k': 'y'}")}`)).names, ['b'])
    assert.deepEqual((await list('with_count=true&limit=1')).body['count'], 3 as never)
    assert.deepEqual((await list('created_at=gt:2020-01-01T00:00:00&sort=name:asc')).names, ['a', 'ab', 'b'])
    assert.deepEqual((await list('created_at=lt:2020-01-01T00:00:00')).names, [])
    assert.deepEqual((await list('all_tenants=1')).names, ['ab', 'b', 'a'], 'not for everybody')
    assert.deepEqual((await list('all_tenants=1&sort=name:asc', admin)).names, ['a', 'ab', 'b', 'theirs'])
    assert.deepEqual((await list(`all_tenants=1&project_id=${P2}`, admin)).names, ['theirs'])
    assert.deepEqual((await list('nonsense=1', admin)).names, [])
    assert.deepEqual((await list('host=x', member, '3.30')).names, ['ab', 'b', 'a'], 'left out before 3.31')
    // page by page, each one once
    const seen: string[] = []
    let next: string | null = 'limit=1&sort=size:asc'
    while (next !== null) {
      const { names, body }: { names: string[]; body: Bag } = await list(next)
      seen.push(...names)
      const links = body['volumes_links'] as unknown as { rel: string; href: string }[] | undefined
      assert.ok(links === undefined || links[0]?.href.startsWith('http://127.0.0.1:8080/test/v3/volumes?'))
      next = links === undefined ? null : (links[0]?.href.split('?')[1] ?? null)
    }
    assert.deepEqual(seen, ['b', 'ab', 'a'])
    const full = await list('limit=3')
    assert.ok(full.names.length === 3 && 'volumes_links' in full.body, 'a full page has a next one, as upstream')
    assert.equal((await t.call('GET', '/v3/volumes/', { token: member })).status, 404)
    assert.equal((await t.call('DELETE', '/v3/volumes/', { token: member })).status, 404)
    const page = await t.call('GET', `/v3/${P1}/volumes/detail?limit=1`, { token: member })
    assert.match(
      (page.json as { volumes_links: { href: string }[] }).volumes_links[0]?.href ?? '',
      new RegExp(`/v3/${P1}/volumes/detail\\?limit=1&marker=`),
    )
    for (const [query, status] of [
      ['limit=x', 400],
      ['limit=-1', 400],
      ['offset=-1', 400],
      ['sort=none', 400],
      ['sort=name:up', 400],
      ['sort=name&sort_key=name', 400],
      ['marker=00000000-0000-4000-8000-000000000000', 404],
      ['bootable=perhaps', 400],
      ['created_at=about:2020', 400],
      ['host=x', 400],
      ['all_tenants=perhaps', 400],
    ] as const)
      assert.equal((await t.call('GET', `/v3/volumes?${query}`, { token: member, at: '3.70' })).status, status, query)
    for (const id of ids) await remove(id)
    const theirs = (await list('all_tenants=1', admin)).body['volumes'] as unknown as { id: string }[]
    for (const { id } of theirs) await remove(id)
  })

  test('metadata, with ETags', async () => {
    const id = String((await makeSettled({ size: 1, metadata: { a: '1' } }))['id'])
    const at = '3.15'
    const meta = (method: string, path: string, given: object = {}) =>
      t.call(method, `/v3/volumes/${id}/metadata${path}`, { token: member, at, ...given })
    const first = await meta('GET', '')
    assert.deepEqual(first.json, { metadata: { a: '1' } } as never)
    // as Python prints {"metadata": {"a": "1"}}
    assert.equal(first.headers['etag'], createHash('md5').update('{"metadata": {"a": "1"}}').digest('hex'))
    assert.deepEqual((await meta('POST', '', { body: { metadata: { b: '2' } } })).json, {
      metadata: { a: '1', b: '2' },
    } as never)
    const stale = await meta('PUT', '/b', {
      body: { meta: { b: '3' } },
      headers: { 'if-match': `"${first.headers['etag'] ?? ''}"` },
    })
    assert.deepEqual([stale.status, stale.body], [412, null])
    assert.deepEqual((await meta('PUT', '/b', { body: { meta: { b: '3' } } })).json, { meta: { b: '3' } } as never)
    assert.equal((await meta('PUT', '/x', { body: { meta: { b: '3' } } })).status, 400)
    assert.deepEqual((await meta('PUT', '', { body: { metadata: { c: '4' } } })).json, {
      metadata: { c: '4' },
    } as never)
    assert.deepEqual((await meta('GET', '/c')).json, { meta: { c: '4' } } as never)
    assert.equal(says(await meta('GET', '/a')), `Volume ${id} has no metadata with key a.`)
    assert.equal((await meta('DELETE', '/c')).status, 200)
    assert.equal((await meta('DELETE', '/c')).status, 404)
    const act = (body: object) => t.call('POST', `/v3/volumes/${id}/action`, { token: member, body })
    assert.deepEqual((await act({ 'os-set_image_metadata': { metadata: { x: 'y' } } })).json, {
      metadata: { x: 'y' },
    } as never)
    assert.deepEqual((await act({ 'os-show_image_metadata': null })).json, { metadata: { x: 'y' } } as never)
    assert.equal((await act({ 'os-unset_image_metadata': { key: 'x' } })).status, 200)
    assert.equal((await act({ 'os-unset_image_metadata': { key: 'x' } })).status, 404)
    await remove(id)
  })

  test('what there is not at a version, or not at all, says so', async () => {
    const id = String((await makeSettled({ size: 1 }))['id'])
    const act = (body: object, at = '3.70') => t.call('POST', `/v3/volumes/${id}/action`, { token: member, at, body })
    assert.equal((await act({ 'os-nonsense': null })).status, 400)
    assert.equal((await t.call('GET', '/v3/attachments', { token: member, at: '3.26' })).status, 404)
    assert.equal((await t.call('GET', '/v3/nothing', { token: member })).status, 404)
    assert.equal((await t.call('GET', '/v3/volumes', { token: member, at: '3.71' })).status, 406)
    await remove(id)
  })

  test('the status is set, the flags too', async () => {
    const id = String((await makeSettled({ size: 1 }))['id'])
    const act = (body: object, token = admin) => t.call('POST', `/v3/volumes/${id}/action`, { token, body })
    assert.equal((await act({ 'os-set_bootable': { bootable: 'true' } }, member)).status, 200)
    assert.equal((await act({ 'os-update_readonly_flag': { readonly: true } }, member)).status, 202)
    const shown = (await t.settled(id)) as Bag
    assert.deepEqual([shown['bootable'], shown['metadata']], ['true', { readonly: 'True' }] as never)
    assert.equal(
      says(await act({ 'os-reset_status': { status: 'in-use' } })),
      'Cannot reset-state to in-use because volume does not have any attachments.',
    )
    assert.equal((await act({ 'os-reset_status': { status: 'deleting' } })).status, 400)
    assert.equal((await act({ 'os-reset_status': { status: 'nonsense' } })).status, 400)
    assert.equal((await act({ 'os-reset_status': {} })).status, 400)
    assert.equal((await act({ 'os-reset_status': { status: 'Error' } })).status, 202)
    assert.equal((await t.settled(id))?.['status'], 'error')
    assert.match(
      says(await act({ 'os-update_readonly_flag': { readonly: true } })),
      /status must be available to update readonly flag, but current status is: error/,
    )
    assert.equal(
      (await t.call('POST', `/v3/volumes/${id}/action`, { token: member, body: { 'os-force_delete': null } })).status,
      403,
    )
    assert.equal((await act({ 'os-force_delete': null })).status, 202)
    assert.equal(await t.settled(id), undefined)
    assert.equal((await t.call('GET', '/v3/volumes', { token: nova })).status, 200)
  })
})

test('a volume that is being made is unwound when it is deleted', async () => {
  let open = (): void => undefined
  const gate = new Promise<void>(resolve => (open = resolve))
  t = await testCinder({
    ...glance,
    hooks: [
      async (crossing, next) => {
        if (crossing.kind === 'driver' && crossing.name.startsWith('create')) await gate
        return next()
      },
    ],
  })
  try {
    const id = String((await make({ size: 2, imageRef: IMAGE }))['id'])
    await t.until(
      async () =>
        ((await t.call('GET', `/v3/volumes/${id}`, { token: member })).json as { volume: Bag }).volume['status'] ===
        ('downloading' as never),
    )
    assert.equal((await t.call('DELETE', `/v3/volumes/${id}`, { token: member })).status, 400)
    const forced = await t.call('POST', `/v3/volumes/${id}/action`, { token: admin, body: { 'os-force_delete': null } })
    assert.equal(forced.status, 202)
    open()
    assert.equal(await t.settled(id), undefined)
    assert.deepEqual((await t.backend.inventory()).volumes, [])
    assert.deepEqual(await t.cinder.audit(), [])
  } finally {
    await t.close()
  }
})
