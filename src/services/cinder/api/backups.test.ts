// Backups over HTTP: made, restored, exported, listed, refused.
import assert from 'node:assert/strict'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { test } from 'node:test'
import { createFileBackups } from '#services/cinder/drivers/backups-file/backups-file.ts'
import { createSimulatedBackups } from '#services/cinder/drivers/backups-simulated/backups-simulated.ts'
import { admin, member, P1, stranger, testCinder, type TestCinder } from '#services/cinder/service-for-tests.ts'

type Bag = Record<string, unknown>
const bag = (json: unknown, key: string): Bag => (json as Record<string, Bag>)[key] ?? {}
const reader = `reader@${P1}`

const volume = async (t: TestCinder, wish: Bag = {}): Promise<string> => {
  const made = await t.call('POST', '/v3/volumes', { token: member, body: { volume: { size: 1, ...wish } } })
  const id = String(bag(made.json, 'volume')['id'])
  assert.equal((await t.settled(id))?.['status'], 'available')
  return id
}
const show = async (t: TestCinder, id: string, token = admin): Promise<Bag> =>
  bag((await t.call('GET', `/v3/backups/${id}`, { token, at: '3.56' })).json, 'backup')
const settled = (t: TestCinder, id: string): Promise<Bag> =>
  t.until(async () => {
    const found = await show(t, id)
    return ['creating', 'restoring', 'deleting'].includes(String(found['status'])) ? undefined : found
  }, `backup ${id}`)
const backup = async (t: TestCinder, wish: Bag, at = '3.51'): Promise<string> => {
  const made = await t.call('POST', '/v3/backups', { token: member, at, body: { backup: wish } })
  assert.equal(made.status, 202, JSON.stringify(made.json))
  const id = String(bag(made.json, 'backup')['id'])
  assert.equal((await settled(t, id))['status'], 'available')
  return id
}

test('a backup is made, shown, changed, restored to a new volume and to an old one, and deleted', async () => {
  const folder = await mkdtemp(`${tmpdir()}/koto-backups-`)
  const t = await testCinder({ backups: createFileBackups({ folder }) })
  try {
    const source = await volume(t, { name: 'source', metadata: { a: 'b' } })
    await t.call('POST', `/v3/volumes/${source}/action`, {
      token: member,
      body: { 'os-set_image_metadata': { metadata: { image_name: 'tiny' } } },
    })
    const id = await backup(t, { volume_id: source, name: ' first ', metadata: { x: 'y' } })
    const { links, created_at, updated_at, data_timestamp, ...shown } = await show(t, id)
    assert.ok(Array.isArray(links) && created_at === data_timestamp && typeof updated_at === 'string')
    assert.deepEqual(shown, {
      id,
      name: 'first',
      status: 'available',
      size: 1,
      object_count: 0,
      availability_zone: 'nova',
      container: `${id.slice(0, 2)}/${id.slice(2, 4)}/${id}`,
      description: null,
      fail_reason: null,
      volume_id: source,
      is_incremental: false,
      has_dependent_backups: false,
      snapshot_id: null,
      'os-backup-project-attr:project_id': P1,
      metadata: { x: 'y' },
      user_id: shown['user_id'],
    })
    // What each version shows.
    for (const [at, key, there] of [
      ['3.17', 'os-backup-project-attr:project_id', false],
      ['3.18', 'os-backup-project-attr:project_id', true],
      ['3.42', 'metadata', false],
      ['3.43', 'metadata', true],
      ['3.55', 'user_id', false],
      ['3.56', 'user_id', true],
    ] as const) {
      const seen = bag((await t.call('GET', `/v3/backups/${id}`, { token: admin, at })).json, 'backup')
      assert.equal(key in seen, there, `${key} at ${at}`)
    }
    assert.ok(!('user_id' in (await show(t, id, member))))
    const put = (body: unknown, at = '3.43', token = member) => t.call('PUT', `/v3/backups/${id}`, { token, at, body })
    assert.equal((await put({ backup: { name: 'x' } }, '3.8')).status, 404)
    assert.equal((await put({ backup: { metadata: {} } }, '3.42')).status, 400)
    assert.equal((await put({ backup: { name: 'x' } }, '3.9', reader)).status, 403)
    assert.equal((await put({ backup: { name: 'second', description: 'd', metadata: { k: 'v' } } })).status, 200)
    assert.deepEqual((await show(t, id))['metadata'], { k: 'v' })

    const restore = (body: Bag, token = member) =>
      t.call('POST', `/v3/backups/${id}/restore`, { token, body: { restore: body } })
    const fresh = await restore({})
    assert.equal(fresh.status, 202, JSON.stringify(fresh.json))
    const made = bag(fresh.json, 'restore')
    assert.deepEqual([made['backup_id'], made['volume_name']], [id, `restore_backup_${id}`])
    const restored = await t.settled(String(made['volume_id']))
    assert.deepEqual(
      [
        restored?.['status'],
        restored?.['name'],
        restored?.['bootable'],
        restored?.['metadata'],
        restored?.['volume_image_metadata'],
      ],
      ['available', 'source', 'true', { a: 'b' }, { image_name: 'tiny' }],
    )
    assert.equal((await settled(t, id))['status'], 'available')
    const target = await volume(t, { name: 'target' })
    assert.equal((await restore({ volume_id: target })).status, 202)
    assert.equal((await t.settled(target))?.['name'], 'target')
    assert.equal((await settled(t, id))['status'], 'available')
    // A volume of a backup, since 3.47.
    const from = await t.call('POST', '/v3/volumes', {
      token: member,
      at: '3.47',
      body: { volume: { backup_id: id, size: 2, name: 'larger' } },
    })
    assert.equal(from.status, 202, JSON.stringify(from.json))
    assert.equal((await t.settled(String(bag(from.json, 'volume')['id'])))?.['status'], 'available')
    assert.equal((await settled(t, id))['status'], 'available')

    assert.equal((await t.call('DELETE', `/v3/backups/${id}`, { token: reader })).status, 403)
    assert.equal((await t.call('DELETE', `/v3/backups/${id}`, { token: member })).status, 202)
    await t.until(async () => (await t.call('GET', `/v3/backups/${id}`, { token: member })).status === 404)
    assert.deepEqual(await t.cinder.audit(), [])
    assert.deepEqual(t.errors, [])
  } finally {
    await t.close()
    await rm(folder, { recursive: true })
  }
})

test('increments stand on what they were made of; snapshots and volumes in use are backed up too', async () => {
  const t = await testCinder()
  try {
    const source = await volume(t)
    const first = await t.call('POST', '/v3/backups', {
      token: member,
      body: { backup: { volume_id: source, incremental: true } },
    })
    assert.equal(first.status, 400)
    assert.match(JSON.stringify(first.json), /No backups available to do an incremental backup/)
    const whole = await backup(t, { volume_id: source })
    const snapshot = await t.call('POST', '/v3/snapshots', { token: member, body: { snapshot: { volume_id: source } } })
    const snapshotId = String(bag(snapshot.json, 'snapshot')['id'])
    const kept = await t.settledSnapshot(snapshotId)
    const third = await backup(t, { volume_id: source, incremental: true, snapshot_id: snapshotId })
    assert.equal((await show(t, third))['data_timestamp'], kept?.['created_at'])
    assert.deepEqual(
      [(await show(t, whole))['has_dependent_backups'], (await show(t, third))['is_incremental']],
      [true, true],
    )
    assert.equal((await t.settledSnapshot(snapshotId))?.['status'], 'available')
    for (const path of [`/v3/backups/${whole}`]) {
      const refused = await t.call('DELETE', path, { token: member })
      assert.equal(refused.status, 400)
      assert.match(JSON.stringify(refused.json), /Incremental backups exist for this backup/)
    }
    assert.equal(
      (await t.call('POST', `/v3/backups/${whole}/action`, { token: admin, body: { 'os-force_delete': null } })).status,
      400,
    )
    await t.call('POST', `/v3/volumes/${source}/action`, {
      token: member,
      body: { 'os-attach': { host_name: 'h', mountpoint: '/dev/vdb' } },
    })
    const inUse = { volume_id: source }
    assert.equal((await t.call('POST', '/v3/backups', { token: member, body: { backup: inUse } })).status, 400)
    await backup(t, { ...inUse, force: true })
    assert.equal((await t.settled(source))?.['status'], 'in-use')
    assert.deepEqual(await t.cinder.audit(), [])
    // A row that lost its bytes, and bytes that lost their row.
    await t.database.kysely.deleteFrom('backups').where('id', '=', third).execute()
    assert.deepEqual(
      (await t.cinder.audit()).map(one => [one.subject, one.says]),
      [[third, 'A backup is kept and has no row']],
    )
  } finally {
    await t.close()
  }
})

test('records go out and come back, under another id too', async () => {
  const t = await testCinder()
  try {
    const source = await volume(t)
    const id = await backup(t, { volume_id: source, name: 'b' })
    const get = (token: string) => t.call('GET', `/v3/backups/${id}/export_record`, { token })
    assert.equal((await get(member)).status, 403)
    const record = bag((await get(admin)).json, 'backup-record')
    const load = (body: Bag, token = admin) =>
      t.call('POST', '/v3/backups/import_record', { token, body: { 'backup-record': body } })
    assert.equal((await load(record, member)).status, 403)
    assert.match(JSON.stringify((await load(record)).json), /Backup already exists in database/)
    const url = (change: Bag): string =>
      btoa(JSON.stringify({ ...(JSON.parse(atob(String(record['backup_url']))) as Bag), ...change }))
    const other = '00000000-0000-4000-8000-00000000beef'
    const made = await load({ ...record, backup_url: url({ id: other }) })
    assert.equal(made.status, 201, JSON.stringify(made.json))
    assert.equal((await settled(t, other))['status'], 'available')
    await t.call('DELETE', `/v3/backups/${id}`, { token: member })
    await t.until(async () => (await t.call('GET', `/v3/backups/${id}`, { token: member })).status === 404)
    assert.equal(
      (await t.call('POST', `/v3/backups/${other}/restore`, { token: admin, body: { restore: {} } })).status,
      202,
    )
    assert.equal((await settled(t, other))['status'], 'available')
    const lost = '00000000-0000-4000-8000-00000000dead'
    await load({ ...record, backup_url: url({ id: lost, service_metadata: id }) })
    assert.equal((await settled(t, lost))['status'], 'error')
    const strange = '00000000-0000-4000-8000-00000000cafe'
    await load({ backup_service: 'cinder.backup.drivers.swift', backup_url: url({ id: strange }) })
    assert.match(String((await settled(t, strange))['fail_reason']), /cannot find backup service to perform import/)
    for (const backup_url of [
      '%%',
      btoa('{'),
      btoa('[]'),
      btoa('{}'),
      btoa('{"id":"x","size":1}'),
      btoa(`{"id":"${lost.replace('dead', 'fade')}"}`),
      btoa(`{"id":"${lost}","size":-1}`),
    ])
      assert.equal((await load({ ...record, backup_url })).status, 400, backup_url)
  } finally {
    await t.close()
  }
})

test('lists are filtered, sorted, paged and counted; what is wrong is refused', async () => {
  const t = await testCinder({ settings: { quotaBackups: '4', quotaBackupGigabytes: '5' } })
  try {
    const [a, b] = [await volume(t), await volume(t, { size: 2 })]
    const ids = [
      await backup(t, { volume_id: a, name: 'one' }),
      await backup(t, { volume_id: b, name: 'two' }),
      await backup(t, { volume_id: a, name: 'three' }),
    ]
    const names = async (query: string, at = '3.45', token = member): Promise<unknown> => {
      const answer = await t.call('GET', `/v3/backups${query}`, { token, at })
      assert.equal(answer.status, 200, JSON.stringify(answer.json))
      return (answer.json as { backups: Bag[] }).backups.map(one => one['name'])
    }
    assert.deepEqual(await names('?sort=name:asc'), ['one', 'three', 'two'])
    assert.deepEqual(await names(`?volume_id=${a}&sort=name:asc`), ['one', 'three'])
    assert.deepEqual(await names('?name=two'), ['two'])
    assert.deepEqual(await names('?name~=t&sort=name:asc'), ['three', 'two'])
    assert.deepEqual(await names('/detail?status=error'), [])
    assert.deepEqual(await names(`?sort=name:asc&marker=${ids[0]}&limit=1`), ['three'])
    assert.deepEqual(await names('?sort=name:asc&offset=2'), ['two'])
    assert.deepEqual(await names('', '3.45', stranger), [])
    assert.equal(((await names('?all_tenants=1', '3.45', 'admin@bbb')) as unknown[]).length, 3)
    const counted = await t.call('GET', '/v3/backups/detail?with_count=true&limit=1', { token: member, at: '3.45' })
    assert.equal((counted.json as Bag)['count'], 3)
    assert.equal((counted.json as { backups_links: unknown[] }).backups_links.length, 1)
    for (const [query, at] of [
      ['?sort=name', '3.36'],
      ['?sort=salt', '3.45'],
      ['?limit=-1', '3.0'],
      ['?color=red', '3.31'],
    ] as const)
      assert.equal((await t.call('GET', `/v3/backups${query}`, { token: member, at })).status, 400, query)
    assert.equal((await t.call('GET', `/v3/backups?marker=${a}`, { token: member })).status, 404)

    const post = (wish: unknown, token = member, at = '3.51') =>
      t.call('POST', '/v3/backups', { token, at, body: { backup: wish } })
    assert.match(
      JSON.stringify((await post({ volume_id: b })).json),
      /BackupSizeExceedsAvailableQuota: Requested backup exceeds/,
    )
    await t.call('PUT', `/v3/os-quota-sets/${P1}`, { token: admin, body: { quota_set: { backup_gigabytes: 9 } } })
    ids.push(await backup(t, { volume_id: a, name: 'four', availability_zone: 'nova' }))
    assert.match(
      JSON.stringify((await post({ volume_id: a })).json),
      /Maximum number of backups allowed \(4\) exceeded/,
    )
    const other = '00000000-0000-4000-8000-000000000000'
    const bad: readonly [unknown, number, string?][] = [
      [null, 400],
      [{}, 400],
      [{ volume_id: 'x' }, 400],
      [{ volume_id: a, color: 'red' }, 400],
      [{ volume_id: a, name: 'x'.repeat(256) }, 400],
      [{ volume_id: a, name: 'a\u0000b' }, 400],
      [{ volume_id: a, incremental: 'perhaps' }, 400],
      [{ volume_id: a, metadata: {} }, 400, '3.42'],
      [{ volume_id: a, availability_zone: 'nova' }, 400, '3.50'],
      [{ volume_id: a, metadata: { k: 1 } }, 400],
      [{ volume_id: other }, 404],
      [{ volume_id: a, snapshot_id: other }, 404],
    ]
    for (const [wish, status, at] of bad)
      assert.equal((await post(wish, member, at)).status, status, JSON.stringify(wish))
    assert.equal((await post({ volume_id: a }, stranger)).status, 404)
    assert.equal((await post({ volume_id: a }, reader)).status, 403)
    for (const path of ['', '/restore'])
      assert.equal(
        (
          await t.call(path === '' ? 'GET' : 'POST', `/v3/backups/${ids[0]}${path}`, {
            token: stranger,
            ...(path === '' ? {} : { body: { restore: {} } }),
          })
        ).status,
        404,
      )
    const small = await t.call('POST', `/v3/backups/${ids[1]}/restore`, {
      token: member,
      body: { restore: { volume_id: a } },
    })
    assert.match(JSON.stringify(small.json), /volume size 1 is too small to restore backup of size 2/)
    // Administrators say what a status is; what is not available is not restored.
    const reset = (status: unknown, token = admin) =>
      t.call('POST', `/v3/backups/${ids[0]}/action`, { token, body: { 'os-reset_status': { status } } })
    assert.equal((await reset('error', member)).status, 403)
    assert.equal((await reset('dancing')).status, 400)
    assert.equal((await reset('error')).status, 202)
    assert.match(
      JSON.stringify(
        (await t.call('POST', `/v3/backups/${ids[0]}/restore`, { token: member, body: { restore: {} } })).json,
      ),
      /Backup status must be available/,
    )
    assert.equal(
      (await t.call('POST', `/v3/backups/${ids[0]}/action`, { token: admin, body: { 'os-force_delete': {} } })).status,
      202,
    )
    await t.until(async () => (await t.call('GET', `/v3/backups/${ids[0]}`, { token: member })).status === 404)
    // A zone without cinder-backup.
    const nowhere = await post({ volume_id: a, availability_zone: 'mars' })
    assert.equal(
      (await settled(t, String(bag(nowhere.json, 'backup')['id'])))['fail_reason'],
      'Service not found for creating backup.',
    )
    assert.deepEqual(await t.cinder.audit(), [])
  } finally {
    await t.close()
  }
})

test('a backup that cannot be made says why, and lets go of the volume', async () => {
  const store = createSimulatedBackups()
  const t = await testCinder({
    backups: { ...store, keep: () => Promise.reject(new Error('/secret/path is full')) },
  })
  try {
    const source = await volume(t)
    const made = await t.call('POST', '/v3/backups', { token: member, body: { backup: { volume_id: source } } })
    const failed = await settled(t, String(bag(made.json, 'backup')['id']))
    assert.deepEqual([failed['status'], failed['fail_reason']], ['error', 'the backup could not be made'])
    assert.equal((await t.settled(source))?.['status'], 'available')
    const told = await t.call('GET', '/v3/messages', { token: member, at: '3.5' })
    assert.match(JSON.stringify(told.json), /create backup:Backup driver failed to create backup/)
    assert.deepEqual(await t.cinder.audit(), [])
  } finally {
    await t.close()
  }
})
