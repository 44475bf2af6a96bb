// Snapshots, types, quotas, services and what there is, over HTTP.
import assert from 'node:assert/strict'
import { after, before, test } from 'node:test'
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
let t: TestCinder
before(async () => {
  t = await testCinder()
})
after(async () => {
  assert.deepEqual(await t.cinder.audit(), [])
  await t.close()
})
const says = (answer: { json: never }): string =>
  Object.values(answer.json as Record<string, { message: string }>)[0]?.message ?? ''
const volume = async (): Promise<string> => {
  const made = await t.call('POST', '/v3/volumes', { token: member, body: { volume: { size: 1 } } })
  const { id } = (made.json as { volume: { id: string } }).volume
  await t.settled(id)
  return id
}
const gone = async (id: string): Promise<void> => {
  assert.equal((await t.call('DELETE', `/v3/volumes/${id}?cascade=true`, { token: admin })).status, 202)
  assert.equal(await t.settled(id), undefined)
}

test('snapshots: made, listed, changed, removed', async () => {
  const id = await volume()
  const snap = (body: object, at = '3.70', token = member) =>
    t.call('POST', '/v3/snapshots', { token, at, body: { snapshot: { volume_id: id, ...body } } })
  const made = await snap({ name: 's', metadata: { a: '1' } })
  assert.equal(made.status, 202)
  const { snapshot } = made.json as { snapshot: Bag }
  assert.deepEqual([snapshot['status'], snapshot['size'], snapshot['user_id'], snapshot['consumes_quota']], [
    'creating',
    1,
    `user-of-${member}`,
    true,
  ] as never)
  const sid = String(snapshot['id'])
  const shown = (await t.settledSnapshot(sid)) as Bag
  assert.deepEqual([shown['status'], shown['os-extended-snapshot-attributes:progress'], shown['metadata']], [
    'available',
    '100%',
    { a: '1' },
  ] as never)
  assert.equal((await snap({ force: false })).status, 400)
  assert.equal((await snap({ volume_id: 'no' })).status, 400)
  assert.equal((await snap({}, '3.70', stranger)).status, 404)
  const list = async (query: string, token = member): Promise<number> => {
    const answer = await t.call('GET', `/v3/snapshots/detail?${query}`, { token, at: '3.70' })
    assert.equal(answer.status, 200, JSON.stringify(answer.json))
    return (answer.json as { snapshots: unknown[] }).snapshots.length
  }
  assert.equal(await list(''), 1)
  assert.equal(await list('', stranger), 0)
  assert.equal(await list('all_tenants=1', nova), 1)
  assert.equal(await list(`volume_id=${id}&name=s&status=available`), 1)
  assert.equal(await list(`metadata=${encodeURIComponent("{'a': '2'}")}`), 0)
  assert.equal(await list('name~=S'), 0)
  assert.equal((await t.call('GET', `/v3/snapshots/${sid}`, { token: stranger })).status, 404)
  const changed = await t.call('PUT', `/v3/snapshots/${sid}`, {
    token: member,
    body: { snapshot: { description: 'd' } },
  })
  assert.equal((changed.json as { snapshot: Bag }).snapshot['description'], 'd' as never)
  assert.equal((await t.call('PUT', `/v3/snapshots/${sid}`, { token: member, body: { snapshot: {} } })).status, 400)
  const meta = (method: string, path: string, body?: object) =>
    t.call(method, `/v3/snapshots/${sid}/metadata${path}`, { token: member, ...(body === undefined ? {} : { body }) })
  assert.deepEqual((await meta('POST', '', { metadata: { b: '2' } })).json, { metadata: { a: '1', b: '2' } } as never)
  assert.deepEqual((await meta('PUT', '', { metadata: { c: '3' } })).json, { metadata: { c: '3' } } as never)
  assert.deepEqual((await meta('PUT', '/c', { meta: { c: '4' } })).json, { meta: { c: '4' } } as never)
  assert.deepEqual((await meta('GET', '/c')).json, { meta: { c: '4' } } as never)
  assert.equal((await meta('DELETE', '/c')).status, 200)
  assert.equal((await meta('GET', '/c')).status, 404)

  const blocked = await t.call('DELETE', `/v3/volumes/${id}`, { token: member })
  assert.match(says(blocked), /must not be migrating, attached, belong to a group, have snapshots/)
  const act = (body: object, token = member) => t.call('POST', `/v3/snapshots/${sid}/action`, { token, body })
  assert.equal((await act({ 'os-reset_status': { status: 'error' } })).status, 403)
  assert.equal((await act({ 'os-reset_status': { status: 'backing-up' } }, admin)).status, 202)
  assert.equal(
    says(await t.call('DELETE', `/v3/snapshots/${sid}`, { token: member })),
    'Invalid snapshot: Snapshot status must be available or error and must not be part of a group.',
  )
  assert.match(
    says(await act({ 'os-update_snapshot_status': { status: 'available' } }, nova)),
    /Snapshot status backing-up not allowed/,
  )
  await act({ 'os-reset_status': { status: 'creating' } }, admin)
  assert.equal((await act({ 'os-update_snapshot_status': { status: 'creating', progress: '90%' } }, nova)).status, 202)
  assert.equal((await act({ 'os-update_snapshot_status': { status: 'creating', progress: '900%' } }, nova)).status, 400)
  assert.equal((await act({ 'os-update_snapshot_status': { status: 'deleting' } }, nova)).status, 400)
  assert.equal((await act({ 'os-force_delete': null }, admin)).status, 202)
  assert.equal(await t.settledSnapshot(sid), undefined)
  await gone(id)
})

test('a volume goes with its snapshots when asked to', async () => {
  const id = await volume()
  for (const name of ['a', 'b']) {
    const made = await t.call('POST', '/v3/snapshots', { token: member, body: { snapshot: { volume_id: id, name } } })
    await t.settledSnapshot((made.json as { snapshot: { id: string } }).snapshot.id)
  }
  await gone(id)
  assert.deepEqual((await t.call('GET', '/v3/snapshots', { token: member })).json, { snapshots: [] } as never)
  assert.deepEqual((await t.backend.inventory()).volumes, [])
})

test('types: public, private, extra specs, the default', async () => {
  const create = (body: object, token = admin) => t.call('POST', '/v3/types', { token, body: { volume_type: body } })
  assert.equal((await create({ name: 'x' }, member)).status, 403)
  for (const body of [{}, { name: '' }, { name: ' ' }, { name: 'n'.repeat(256) }, { name: 'x', more: 1 }])
    assert.equal((await create(body)).status, 400, JSON.stringify(body))
  const made = await create({
    name: 'secret',
    description: 'd',
    'os-volume-type-access:is_public': false,
    extra_specs: { volume_backend_name: 'file', multiattach: '<is> True' },
  })
  const type = (made.json as { volume_type: Bag }).volume_type
  const id = String(type['id'])
  // Tempest's schema: what create answers has no qos_specs_id, what show answers has
  assert.deepEqual([made.status, type['is_public'], type['qos_specs_id']], [200, false, undefined] as never)
  assert.deepEqual([(await create({ name: 'secret' })).status], [409])
  const names = async (token: string, query = ''): Promise<string[]> =>
    (
      (await t.call('GET', `/v3/types?sort=name:asc${query}`, { token })).json as { volume_types: { name: string }[] }
    ).volume_types.map(one => one.name)
  assert.deepEqual(await names(member), ['__DEFAULT__', 'lvmdriver-1'])
  assert.deepEqual(await names(admin, '&is_public=None'), ['__DEFAULT__', 'lvmdriver-1', 'secret'])
  assert.deepEqual(await names(admin, '&is_public=false'), ['secret'])
  assert.equal((await t.call('GET', `/v3/types/${id}`, { token: member })).status, 404)
  const act = (body: object) => t.call('POST', `/v3/types/${id}/action`, { token: admin, body })
  assert.equal((await act({ addProjectAccess: { project: P1 } })).status, 202)
  assert.equal((await act({ addProjectAccess: { project: P1 } })).status, 409)
  assert.deepEqual((await t.call('GET', `/v3/types/${id}/os-volume-type-access`, { token: admin })).json, {
    volume_type_access: [{ volume_type_id: id, project_id: P1 }],
  } as never)
  assert.deepEqual(await names(member), ['__DEFAULT__', 'lvmdriver-1', 'secret'])
  const seen = (await t.call('GET', `/v3/types/${id}`, { token: member })).json as { volume_type: { extra_specs: Bag } }
  assert.deepEqual(seen.volume_type.extra_specs, { multiattach: '<is> True' }, 'the rest is not for everybody')
  const specs = (method: string, path: string, body?: object) =>
    t.call(method, `/v3/types/${id}/extra_specs${path}`, { token: admin, ...(body === undefined ? {} : { body }) })
  assert.deepEqual((await specs('POST', '', { extra_specs: { k: 'v' } })).json, { extra_specs: { k: 'v' } } as never)
  assert.deepEqual((await specs('PUT', '/k', { k: 'w' })).json, { k: 'w' } as never)
  assert.equal((await specs('PUT', '/k', { j: 'w' })).status, 400)
  assert.deepEqual((await specs('GET', '/k')).json, { k: 'w' } as never)
  assert.equal((await specs('DELETE', '/k')).status, 202)
  assert.equal((await specs('DELETE', '/k')).status, 404)
  const made1 = await t.call('POST', '/v3/volumes', {
    token: member,
    body: { volume: { size: 1, volume_type: 'secret' } },
  })
  const vid = (made1.json as { volume: { id: string } }).volume.id
  assert.equal((await t.settled(vid))?.['status'], 'available')
  assert.equal((await specs('POST', '', { extra_specs: { k: 'v' } })).status, 400)
  assert.equal((await t.call('DELETE', `/v3/types/${id}`, { token: admin })).status, 400)
  await gone(vid)
  assert.equal(
    (await t.call('PUT', `/v3/types/${id}`, { token: admin, body: { volume_type: { name: '__DEFAULT__' } } })).status,
    409,
  )
  assert.equal((await t.call('PUT', `/v3/types/${id}`, { token: admin, body: { volume_type: {} } })).status, 400)
  assert.equal(
    (await t.call('PUT', `/v3/types/${id}`, { token: admin, body: { volume_type: { is_public: true } } })).status,
    200,
  )
  assert.equal((await t.call('GET', `/v3/types/${id}/os-volume-type-access`, { token: admin })).status, 404)
  assert.equal((await t.call('DELETE', `/v3/types/${id}`, { token: admin })).status, 202)
  const theDefault = ((await t.call('GET', '/v3/types/default', { token: member })).json as { volume_type: Bag })
    .volume_type
  assert.equal(theDefault['name'], '__DEFAULT__' as never)
  assert.match(
    says(await t.call('DELETE', `/v3/types/${String(theDefault['id'])}`, { token: admin })),
    /is a default volume type and cannot be deleted/,
  )
  assert.equal((await t.call('GET', `/v3/types/${P1}`, { token: member })).status, 404)
})

test('a type that no pool fits ends in error, with the reason', async () => {
  await t.call('POST', '/v3/types', {
    token: admin,
    body: { volume_type: { name: 'gold', extra_specs: { volume_backend_name: 'gold' } } },
  })
  const made = await t.call('POST', '/v3/volumes', {
    token: member,
    body: { volume: { size: 1, volume_type: 'gold' } },
  })
  const { id } = (made.json as { volume: { id: string } }).volume
  assert.equal((await t.settled(id))?.['status'], 'error')
  const told = (await t.call('GET', '/v3/messages', { token: member, at: '3.3' })).json as {
    messages: { user_message: string }[]
  }
  assert.match(told.messages[0]?.user_message ?? '', /the type wants volume_backend_name to be gold/)
  await gone(id)
})

test('quotas: shown, changed, of a class, of strangers', async () => {
  const path = `/v3/${P1}/os-quota-sets/${P1}`
  const shown = ((await t.call('GET', path, { token: member })).json as { quota_set: Record<string, number | string> })
    .quota_set
  assert.deepEqual(
    [
      shown['volumes'],
      shown['snapshots'],
      shown['gigabytes'],
      shown['per_volume_gigabytes'],
      shown['id'],
      shown['volumes_lvmdriver-1'],
    ],
    [10, 10, 1000, -1, P1, -1],
  )
  assert.equal((await t.call('GET', path, { token: `member@${P2}` })).status, 400)
  assert.equal((await t.call('GET', `/v3/os-quota-sets/${P1}`, { token: stranger })).status, 403)
  const put = (body: object, token = admin) =>
    t.call('PUT', `/v3/os-quota-sets/${P1}`, { token, body: { quota_set: body } })
  assert.equal((await put({ volumes: 5 }, member)).status, 403)
  for (const body of [{}, { nonsense: 1 }, { volumes: 'x' }, { volumes: -2 }, { volumes: 2 ** 31 }])
    assert.equal((await put(body)).status, 400, JSON.stringify(body))
  const changed = (await put({ volumes: '5', gigabytes: -1 })).json as { quota_set: Record<string, number> }
  assert.deepEqual([changed.quota_set['volumes'], changed.quota_set['gigabytes']], [5, -1])
  const id = await volume()
  assert.match(
    says(await put({ volumes: 0 })),
    /Quota volumes limit must be equal or greater than existing resources. Current usage is 1/,
  )
  await gone(id)
  assert.equal((await t.call('DELETE', `/v3/os-quota-sets/${P1}`, { token: admin })).status, 200)
  const classes = (method: string, body?: object) =>
    t.call(method, '/v3/os-quota-class-sets/default', { token: admin, ...(body === undefined ? {} : { body }) })
  assert.equal((await classes('PUT', { quota_class_set: { snapshots: 3 } })).status, 200)
  const after = ((await t.call('GET', path, { token: member })).json as { quota_set: Record<string, number> }).quota_set
  assert.deepEqual([after['volumes'], after['snapshots']], [10, 3])
  assert.equal(
    (
      await t.call('PUT', '/v3/os-quota-class-sets/default', {
        token: member,
        body: { quota_class_set: { volumes: 3 } },
      })
    ).status,
    403,
  )
  const limits = (await t.call('GET', '/v3/limits', { token: member })).json as {
    limits: { absolute: Bag; rate: unknown[] }
  }
  assert.deepEqual([limits.limits.absolute['maxTotalSnapshots'], limits.limits.rate], [3, []] as never)
})

test('services, pools and what there is', async () => {
  assert.equal((await t.call('GET', '/v3/os-services', { token: member })).status, 403)
  const services = (await t.call('GET', '/v3/os-services?binary=cinder-volume', { token: admin })).json as {
    services: Bag[]
  }
  assert.deepEqual([services.services.length, services.services[0]?.['state']], [1, 'up'] as never)
  const put = (path: string, body: object) => t.call('PUT', `/v3/os-services/${path}`, { token: admin, body })
  assert.equal((await put('disable', { binary: 'cinder-volume', host: 'nobody' })).status, 404)
  assert.equal((await put('disable', { binary: 'cinder-volume' })).status, 400)
  assert.equal(
    (await put('disable-log-reason', { binary: 'cinder-volume', host: 'node-1@file', disabled_reason: 'why' })).status,
    200,
  )
  const refused = await t.call('POST', '/v3/volumes', { token: member, body: { volume: { size: 1 } } })
  const { id } = (refused.json as { volume: { id: string } }).volume
  assert.equal((await t.settled(id))?.['status'], 'error')
  await gone(id)
  assert.equal((await put('enable', { binary: 'cinder-volume', host: 'node-1@file' })).status, 200)
  assert.equal((await t.call('GET', '/v3/scheduler-stats/get_pools', { token: member })).status, 403)
  assert.deepEqual((await t.call('GET', '/v3/scheduler-stats/get_pools', { token: admin })).json, {
    pools: [{ name: 'node-1@file#file' }],
  } as never)
  assert.deepEqual((await t.call('GET', '/v3/os-availability-zone', { token: member })).json, {
    availabilityZoneInfo: [{ zoneName: 'nova', zoneState: { available: true } }],
  } as never)
  assert.equal((await t.call('GET', '/v3/resource_filters', { token: member, at: '3.32' })).status, 404)
  const filters = (await t.call('GET', '/v3/resource_filters?resource=pool', { token: member, at: '3.33' })).json
  assert.deepEqual(filters, { resource_filters: [{ resource: 'pool', filters: ['name', 'volume_type'] }] } as never)
  assert.ok(
    ((await t.call('GET', '/v3/extensions', { token: member })).json as { extensions: unknown[] }).extensions.length >
      10,
  )
  assert.equal((await t.call('GET', '/')).status, 300)
  assert.equal((await t.call('GET', '/v3/')).status, 200)
})
