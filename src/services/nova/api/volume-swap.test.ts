// Moving a server's volume to another one is Cinder's to ask, at the end of a migration.
import assert from 'node:assert/strict'
import { test } from 'node:test'

import { testNova } from '#services/nova/test-nova.ts'

const OLD = '11111111-1111-4111-8111-111111111111'
const MOVING = '22222222-2222-4222-8222-222222222222'
const NOWHERE = '99999999-9999-4999-8999-999999999999'

test('a volume that is not there is 404, one that does not move 409, a target that is not there 400; people are 403', async () => {
  const volume = (id: string, moving: string | null) => ({
    json: { volume: { id, status: 'in-use', size: 1, multiattach: false, migration_status: moving } },
  })
  const t = await testNova({
    neighbours: {
      cinder: (_method, path) =>
        path.endsWith(OLD)
          ? volume(OLD, null)
          : path.endsWith(MOVING)
            ? volume(MOVING, 'migrating')
            : { status: 404, json: { itemNotFound: { message: 'no' } } },
    },
  })
  const { id } = await t.addServer({ host: 'h1' })
  const put = async (from: string, to: string, as = 'admin@p1', at = '2.1') => {
    const path = `/v2.1/servers/${id}/os-volume_attachments/${from}`
    return (await t.call('PUT', path, { as, at, body: { volumeAttachment: { volumeId: to } } })).status
  }
  assert.equal(await put(NOWHERE, OLD), 404)
  assert.equal(await put(OLD, MOVING), 409)
  assert.equal(await put(OLD, OLD), 409, 'until 2.84 it is always a move')
  assert.equal(await put(MOVING, NOWHERE), 400)
  assert.equal(await put(OLD, NOWHERE), 400)
  assert.equal(await put(MOVING, OLD), 404, 'not attached')
  assert.equal(await put(OLD, MOVING, 'member@p1'), 403)
  assert.equal(await put(OLD, OLD, 'member@p1', '2.85'), 404, 'from 2.85 on its properties are changed: not attached')
  await t.close()
})
