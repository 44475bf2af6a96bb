// Quotas and room of volumes: refused in words, counted exactly.
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { admin, member, P1, stranger, testCinder, type TestCinder } from '#services/cinder/service-for-tests.ts'

type Bag = Record<string, never>
let t: TestCinder
const make = async (volume: object): Promise<Bag> => {
  const made = await t.call('POST', '/v3/volumes', { token: member, at: '3.70', body: { volume } })
  assert.equal(made.status, 202, JSON.stringify(made.json))
  return (made.json as { volume: Bag }).volume
}
const remove = async (id: string): Promise<void> => {
  assert.equal((await t.call('DELETE', `/v3/volumes/${id}?cascade=true`, { token: admin })).status, 202)
  assert.equal(await t.settled(id, admin), undefined)
}
const says = (answer: { json: never }): string => {
  const [body] = Object.values(answer.json as Record<string, { message: string }>)
  return body?.message ?? ''
}

test('quotas and room: refused in words, counted exactly, also when many come at once', async () => {
  t = await testCinder({ settings: { quotaGigabytes: '50', perVolumeSizeLimit: '40' } })
  try {
    const many = await Promise.all(
      Array.from({ length: 20 }, () => t.call('POST', '/v3/volumes', { token: member, body: { volume: { size: 1 } } })),
    )
    assert.equal(many.filter(one => one.status === 202).length, 10)
    const refused = many.find(one => one.status !== 202)
    assert.deepEqual([refused?.status, refused?.json, refused?.headers['retry-after']], [
      413,
      {
        overLimit: {
          code: 413,
          message: "VolumeLimitExceeded: Maximum number of volumes allowed (10) exceeded for quota 'volumes'.",
          retryAfter: '0',
        },
      },
      '0',
    ] as never)
    const ids = many.flatMap(one => (one.status === 202 ? [(one.json as { volume: { id: string } }).volume.id] : []))
    for (const id of ids) assert.equal((await t.settled(id))?.['status'], 'available')
    for (const id of ids) await remove(id)
    const over = await t.call('POST', '/v3/volumes', { token: member, body: { volume: { size: 41 } } })
    assert.equal(
      says(over),
      'VolumeSizeExceedsLimit: Requested volume size 41G is larger than maximum allowed limit 40G.',
    )
    const large = String((await make({ size: 25 }))['id'])
    assert.equal((await t.settled(large))?.['status'], 'available')
    const gigabytes = await t.call('POST', '/v3/volumes', { token: member, body: { volume: { size: 30 } } })
    assert.equal(
      says(gigabytes),
      'VolumeSizeExceedsAvailableQuota: Requested volume or snapshot exceeds allowed gigabytes quota. Requested 30G, quota is 50G and 25G has been consumed.',
    )
    // The pool has 30 GiB: the quota allows it, the room does not.
    const failed = String((await make({ size: 20 }))['id'])
    assert.equal((await t.settled(failed))?.['status'], 'error')
    const told = await t.call('GET', `/v3/messages?resource_uuid=${failed}`, { token: member, at: '3.5' })
    const [message] = (told.json as { messages: { user_message: string; event_id: string; id: string }[] }).messages
    assert.match(
      message?.user_message ?? '',
      /^schedule allocate volume:Could not find any available weighted backend\. \(.*20 GiB wanted, 5 of 30 GiB are not promised yet\)$/,
    )
    assert.equal(message?.event_id, 'VOLUME_VOLUME_001_003')
    assert.equal((await t.call('GET', `/v3/messages/${message?.id ?? ''}`, { token: stranger, at: '3.3' })).status, 404)
    assert.equal(
      (await t.call('DELETE', `/v3/messages/${message?.id ?? ''}`, { token: member, at: '3.3' })).status,
      204,
    )
    const grown = await t.call('POST', `/v3/volumes/${large}/action`, {
      token: member,
      body: { 'os-extend': { new_size: 26 } },
    })
    assert.equal(grown.status, 202)
    assert.equal((await t.settled(large))?.['size'], 26)
    await remove(failed)
    // room is asked for again when it grows: 31 would be more than there is
    assert.equal(
      (await t.call('POST', `/v3/volumes/${large}/action`, { token: member, body: { 'os-extend': { new_size: 31 } } }))
        .status,
      202,
    )
    const same = await t.settled(large)
    assert.deepEqual([same?.['status'], same?.['size']], ['available', 26])
    const usage = await t.call('GET', `/v3/os-quota-sets/${P1}?usage=true`, { token: member })
    assert.deepEqual((usage.json as { quota_set: Record<string, unknown> }).quota_set['gigabytes'], {
      limit: 50,
      in_use: 26,
      reserved: 0,
      allocated: 0,
    })
    await remove(large)
    assert.deepEqual(await t.cinder.audit(), [])
  } finally {
    await t.close()
  }
})
