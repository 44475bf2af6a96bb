// What upstream took away answers 410 at every version; the Bare Metal proxy ends at 2.35.
import assert from 'node:assert/strict'
import { test } from 'node:test'

import { gone } from '#services/nova/contract/gone.ts'
import { testNova } from '#services/nova/test-nova.ts'

test('every route that is gone for good answers 410 in the usual envelope, old version or new', async () => {
  const nova = await testNova()
  for (const route of Object.values(gone)) {
    const path = route.path.replace(/\{\w+\}/g, 'x')
    for (const at of ['2.1', '2.96']) {
      const body = route.action === null ? { any: {} } : { [route.action]: null }
      const answer = await nova.call(route.method, path, { at, ...(route.method === 'GET' ? {} : { body }) })
      assert.equal(answer.status, 410, `${route.method} ${path} ${route.action ?? ''} at ${at}`)
      assert.equal((answer.json as { computeFault?: { code: number } }).computeFault?.code, 410)
    }
    assert.equal((await nova.call(route.method, path, { as: null, body: {} })).status, 401)
  }
  assert.deepEqual(nova.errors, [])
  await nova.close()
})

test('bare metal nodes: written with Ironic itself, read where there is one, gone after 2.35', async () => {
  const nova = await testNova()
  const admin = 'admin@p1'
  const posted = await nova.call('POST', '/v2.1/os-baremetal-nodes', { as: admin, body: { node: {} } })
  assert.equal(posted.status, 400)
  assert.match(JSON.stringify(posted.json), /Please use Ironic command node-create/)
  const acted = await nova.call('POST', '/v2.1/os-baremetal-nodes/x/action', {
    as: admin,
    body: { add_interface: { address: 'aa:bb' } },
  })
  assert.equal(acted.status, 400)
  assert.equal((await nova.call('DELETE', '/v2.1/os-baremetal-nodes/x', { as: admin })).status, 400)
  assert.equal((await nova.call('GET', '/v2.1/os-baremetal-nodes', { as: admin })).status, 501)
  assert.equal((await nova.call('GET', '/v2.1/os-baremetal-nodes', {})).status, 403)
  assert.equal((await nova.call('GET', '/v2.1/os-baremetal-nodes', { as: admin, at: '2.36' })).status, 404)
  await nova.close()
})
