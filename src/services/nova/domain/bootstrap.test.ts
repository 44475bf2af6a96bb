import assert from 'node:assert/strict'
import { test } from 'node:test'

import { newSshKey } from '#host/node/state-dir-key.ts'
import { inProcess } from '#kernel/http/client.ts'
import { bootstrapCompute } from '#services/nova/domain/bootstrap.ts'
import { testNova } from '#services/nova/test-nova.ts'

test('the first flavors and the demo key are made once, and what a person made stays', async () => {
  const t = await testNova()
  const nova = inProcess(t.nova.handle, 'nova-api', 'http://127.0.0.1:8080/compute')
  const publicKey = newSshKey('koto').publicText.trim()
  const wish = { nova, ctx: t.ctx('admin@service'), demoUserId: 'user-of-member@p1', publicKey }
  await bootstrapCompute(wish)
  const list = async () =>
    ((await t.call('GET', '/v2.1/flavors/detail')).json['flavors'] as unknown as Record<string, number | string>[]).map(
      one => [one['id'], one['name'], one['vcpus'], one['ram'], one['disk']],
    )
  assert.deepEqual(await list(), [
    ['1', 'm1.tiny', 1, 512, 1],
    ['2', 'm1.small', 1, 2048, 20],
    ['3', 'm1.medium', 2, 4096, 40],
    ['4', 'm1.large', 4, 8192, 80],
    ['42', 'm1.nano', 1, 128, 1],
    ['5', 'm1.xlarge', 8, 16384, 160],
    ['84', 'm1.micro', 1, 192, 1],
  ])
  const key = async () =>
    (await t.call('GET', '/v2.1/os-keypairs/koto')).json['keypair'] as unknown as { id: number; public_key: string }
  assert.equal((await key()).public_key, publicKey)

  // another start, after a person changed something
  await t.call('DELETE', '/v2.1/flavors/42', { as: 'admin@p0' })
  const own = { id: '420', name: 'm1.nano', ram: 64, vcpus: 1, disk: 0 }
  await t.call('POST', '/v2.1/flavors', { as: 'admin@p0', body: { flavor: own } })
  await bootstrapCompute(wish)
  assert.deepEqual(
    (await list()).filter(([, name]) => name === 'm1.nano'),
    [['420', 'm1.nano', 1, 64, 0]],
  )
  assert.equal((await key()).id, 1)
  const other = newSshKey('koto').publicText.trim()
  await bootstrapCompute({ ...wish, publicKey: other })
  assert.equal((await key()).public_key, other)
  assert.deepEqual(t.errors, [])
  await t.close()
})
