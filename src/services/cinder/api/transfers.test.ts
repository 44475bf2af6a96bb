// Hand-overs: who sees them, what the key opens, and what moves with the volume.
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { admin, member, P1, P2, stranger, testCinder, type TestCinder } from '#services/cinder/service-for-tests.ts'

type Bag = Record<string, unknown>
const bag = (json: unknown, key: string): Bag => (json as Record<string, Bag>)[key] ?? {}
const reader = `reader@${P1}`

async function volume(cinder: TestCinder, sizeGb = 1): Promise<string> {
  const made = await cinder.call('POST', '/v3/volumes', { token: member, body: { volume: { size: sizeGb } } })
  const id = String(bag(made.json, 'volume')['id'])
  await cinder.settled(id)
  return id
}
async function snapshot(cinder: TestCinder, volumeId: string): Promise<string> {
  const body = { snapshot: { volume_id: volumeId } }
  const made = await cinder.call('POST', '/v3/snapshots', { token: member, body })
  const id = String(bag(made.json, 'snapshot')['id'])
  await cinder.settledSnapshot(id)
  return id
}

test('a volume goes to who has the key, with its snapshots and what they take of quotas', async () => {
  const cinder = await testCinder()
  const { call } = cinder
  try {
    const id = await volume(cinder, 2)
    const kept = await snapshot(cinder, id)
    const at = '3.57'
    const offer = await call('POST', '/v3/volume-transfers', {
      token: member,
      at,
      body: { transfer: { volume_id: id, name: ' gift ' } },
    })
    assert.equal(offer.status, 202, JSON.stringify(offer.json))
    const made = bag(offer.json, 'transfer')
    assert.match(String(made['auth_key']), /^[0-9a-f]{16}$/)
    const { auth_key, links, created_at, id: transfer, ...rest } = made
    assert.ok(Array.isArray(links) && typeof created_at === 'string')
    assert.deepEqual(rest, {
      volume_id: id,
      name: 'gift',
      no_snapshots: false,
      source_project_id: P1,
      destination_project_id: null,
      accepted: false,
    })
    const path = `/v3/os-volume-transfer/${String(transfer)}`
    assert.equal((await cinder.settled(id))?.['status'], 'awaiting-transfer')
    const shown = await call('GET', path, { token: reader })
    assert.deepEqual(Object.keys(bag(shown.json, 'transfer')).toSorted(), [
      'created_at',
      'id',
      'links',
      'name',
      'volume_id',
    ])
    assert.ok(!JSON.stringify(shown.json).includes(String(auth_key)))
    assert.ok(
      !JSON.stringify(await cinder.database.kysely.selectFrom('transfers').selectAll().execute()).includes(
        String(auth_key),
      ),
    )
    // Nobody else sees it, and it is no volume to be deleted, extended, or offered again.
    assert.equal((await call('GET', path, { token: stranger })).status, 404)
    assert.equal((await call('DELETE', path, { token: stranger })).status, 404)
    assert.equal((await call('DELETE', path, { token: reader })).status, 403)
    assert.equal((await call('GET', path, { token: admin })).status, 200)
    assert.equal((await call('DELETE', `/v3/volumes/${id}`, { token: member })).status, 400)
    assert.equal(
      (await call('POST', '/v3/os-volume-transfer', { token: member, body: { transfer: { volume_id: id } } })).status,
      400,
    )
    const accept = (key: unknown, token = stranger, where = path) =>
      call('POST', `${where}/accept`, { token, body: { accept: { auth_key: key } } })
    const wrong = await accept('0123456789abcdef')
    assert.equal(wrong.status, 400)
    assert.match(JSON.stringify(wrong.json), /Invalid auth key: Attempt to transfer/)
    assert.equal((await accept(auth_key, `reader@${P2}`)).status, 403)
    assert.equal(
      (await accept(auth_key, stranger, '/v3/os-volume-transfer/00000000-0000-4000-8000-000000000000')).status,
      404,
    )

    // No room at the other's: everything stays.
    const quota = (limits: Bag) => call('PUT', `/v3/os-quota-sets/${P2}`, { token: admin, body: { quota_set: limits } })
    await quota({ gigabytes: 3 })
    assert.equal((await accept(auth_key)).status, 413)
    await quota({ gigabytes: 10, snapshots: 0 })
    assert.equal((await accept(auth_key)).status, 413)
    assert.equal((await cinder.settled(id))?.['os-vol-tenant-attr:tenant_id'], P1)
    await quota({ snapshots: 1 })
    assert.equal((await accept(auth_key)).status, 202)
    assert.equal((await accept(auth_key)).status, 404, 'once')

    const mine = await call('GET', `/v3/volumes/${id}`, { token: stranger })
    assert.equal(bag(mine.json, 'volume')['status'], 'available')
    assert.equal((await call('GET', `/v3/snapshots/${kept}`, { token: stranger })).status, 200)
    assert.equal((await call('GET', `/v3/volumes/${id}`, { token: member })).status, 404)
    const usage = async (project: string): Promise<unknown> => {
      const set = bag(
        (await call('GET', `/v3/os-quota-sets/${project}?usage=true`, { token: admin })).json,
        'quota_set',
      )
      return ['volumes', 'snapshots', 'gigabytes'].map(key => (set[key] as Bag)['in_use'])
    }
    assert.deepEqual(await usage(P1), [0, 0, 0])
    assert.deepEqual(await usage(P2), [1, 1, 4])
    assert.deepEqual(await cinder.cinder.audit(), [])
  } finally {
    await cinder.close()
  }
})

test('offers are listed, taken back, and refuse what is wrong', async () => {
  const cinder = await testCinder()
  const { call } = cinder
  try {
    const volumes = [await volume(cinder), await volume(cinder), await volume(cinder)]
    const made: string[] = []
    for (const [n, id] of volumes.entries()) {
      const answer = await call('POST', '/v3/volume-transfers', {
        token: member,
        at: '3.55',
        body: { transfer: { volume_id: id, name: `t${n}`, no_snapshots: n === 1 } },
      })
      made.push(String(bag(answer.json, 'transfer')['id']))
    }
    const names = async (query: string, options: Bag = {}): Promise<unknown[]> => {
      const answer = await call('GET', `/v3/volume-transfers${query}`, { token: member, at: '3.59', ...options })
      assert.equal(answer.status, 200, JSON.stringify(answer.json))
      return (answer.json as { transfers: Bag[] }).transfers.map(one => one['name'])
    }
    assert.deepEqual(new Set(await names('')), new Set(['t0', 't1', 't2']))
    assert.deepEqual(new Set(await names('?marker=x&sort=salt', { at: '3.58' })), new Set(['t0', 't1', 't2']))
    assert.deepEqual(await names('?sort=name:asc&limit=2'), ['t0', 't1'])
    assert.deepEqual(await names(`?sort=name:asc&marker=${made[1]}`), ['t2'])
    assert.deepEqual((await names('?limit=1&offset=1', { at: '3.0' })).length, 1)
    assert.deepEqual(await names('?name=t1'), ['t1'])
    assert.deepEqual(await names(`/detail?volume_id=${volumes[2]}`), ['t2'])
    assert.deepEqual(await names('?no_snapshots=true'), ['t1'])
    assert.deepEqual(await names('?key_hash=1'), [])
    assert.deepEqual(await names('', { token: stranger }), [])
    assert.deepEqual(await names('?all_tenants=1', { token: stranger }), [])
    assert.deepEqual(await names('?all_tenants=1', { token: `admin@${P2}` }).then(all => all.length), 3)
    assert.equal((await call('GET', '/v3/volume-transfers?sort=salt', { token: member, at: '3.59' })).status, 400)

    const bad: readonly [unknown, string?][] = [
      [{}],
      [{ transfer: {} }],
      [{ transfer: { volume_id: 'x' } }],
      [{ transfer: { volume_id: volumes[0], more: 1 } }],
      [{ transfer: { volume_id: volumes[0], name: 'x'.repeat(256) } }],
      [{ transfer: { volume_id: volumes[0], name: 'a\u0000' } }],
      [{ transfer: { volume_id: volumes[0], no_snapshots: true } }, '3.54'],
      [{ transfer: { volume_id: volumes[0], no_snapshots: 'perhaps' } }],
    ]
    for (const [body, at = '3.55'] of bad)
      assert.equal((await call('POST', '/v3/volume-transfers', { token: member, at, body })).status, 400)
    assert.equal(
      (await call('POST', '/v3/volume-transfers', { token: stranger, body: { transfer: { volume_id: volumes[0] } } }))
        .status,
      404,
    )
    for (const body of [{}, { accept: {} }, { accept: { auth_key: null } }, { accept: { auth_key: 'x', y: 1 } }])
      assert.equal(
        (await call('POST', `/v3/volume-transfers/${made[0]}/accept`, { token: stranger, body })).status,
        400,
      )

    assert.equal((await call('DELETE', `/v3/volume-transfers/${made[0]}`, { token: member })).status, 202)
    assert.equal((await call('GET', `/v3/volume-transfers/${made[0]}`, { token: member })).status, 404)
    assert.equal((await cinder.settled(volumes[0] ?? ''))?.['status'], 'available')
    // A volume that an administrator let go of is no longer handed over by an old offer.
    await call('POST', `/v3/volumes/${volumes[1]}/action`, {
      token: admin,
      body: { 'os-reset_status': { status: 'available' } },
    })
    await call('DELETE', `/v3/volumes/${volumes[1]}`, { token: member })
    await cinder.until(async () => (await cinder.settled(volumes[1] ?? '')) === undefined)
    assert.equal((await call('GET', `/v3/volume-transfers/${made[1]}`, { token: member })).status, 404)
    assert.deepEqual(await cinder.cinder.audit(), [])
    assert.deepEqual(cinder.errors, [])
  } finally {
    await cinder.close()
  }
})
