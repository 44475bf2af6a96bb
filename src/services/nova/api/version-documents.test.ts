import assert from 'node:assert/strict'
import { test } from 'node:test'

import { testNova } from '#services/nova/test-nova.ts'

test('anybody may ask which versions there are', async () => {
  const t = await testNova()
  const root = await t.call('GET', '/', { as: null })
  assert.equal(root.status, 200)
  const versions = root.json['versions'] as unknown as Record<string, unknown>[]
  assert.deepEqual(
    versions.map(one => [one['id'], one['status'], one['min_version'], one['version']]),
    [
      ['v2.0', 'DEPRECATED', '', ''],
      ['v2.1', 'CURRENT', '2.1', '2.96'],
    ],
  )
  for (const [path, id, href] of [
    ['/v2.1', 'v2.1', 'http://127.0.0.1:8080/test/v2.1/'],
    ['/v2.1/', 'v2.1', 'http://127.0.0.1:8080/test/v2.1/'],
    ['/v2', 'v2.0', 'http://127.0.0.1:8080/test/v2/'],
    ['/v2/', 'v2.0', 'http://127.0.0.1:8080/test/v2/'],
  ] as const) {
    const answer = await t.call('GET', path, { as: null })
    assert.equal(answer.status, 200, path)
    const version = answer.json['version'] as unknown as { id: string; links: { rel: string; href: string }[] }
    assert.equal(version.id, id)
    assert.deepEqual(version.links[0], { rel: 'self', href })
    assert.equal(version.links[1]?.rel, 'describedby')
  }
  // the older name is the same API
  assert.equal((await t.call('GET', '/v2/flavors')).status, 200)
  assert.equal((await t.call('GET', '/v3', { as: null })).status, 401)
  await t.close()
})

test('a project in the path is the own one, and a slash too many is another path', async () => {
  const t = await testNova()
  const project = '0123456789abcdef0123456789abcdef'
  const as = `member@${project}`
  assert.equal((await t.call('GET', `/v2.1/${project}/flavors`, { as })).status, 200)
  const other = await t.call('GET', `/v2.1/${project.replace('0', 'f')}/flavors`, { as })
  assert.equal(other.status, 400)
  assert.match(JSON.stringify(other.json), /Malformed request URL: URL's project_id 'f1.*' doesn't match Context's/)
  assert.equal((await t.call('GET', `/v2.1/${project}/flavors`, { as: 'admin@p0' })).status, 400)
  assert.equal((await t.call('GET', '/v2.1/flavors/', { as })).status, 404)
  assert.equal((await t.call('GET', '/v2.1/os-simple-tenant-usage/', { as: 'admin@p0' })).status, 404)
  await t.close()
})

test('extensions are names of what is there anyway', async () => {
  const t = await testNova()
  const list = (await t.call('GET', '/v2.1/extensions', { as: 'reader@p1' })).json['extensions'] as unknown as {
    alias: string
  }[]
  assert.equal(list.length, 99)
  assert.equal(new Set(list.map(one => one.alias)).size, 99)
  const one = await t.call('GET', '/v2.1/extensions/os-keypairs')
  assert.deepEqual(one.json['extension'], {
    alias: 'os-keypairs',
    name: 'Keypairs',
    description: 'Keypairs',
    links: [],
    namespace: 'http://docs.openstack.org/compute/ext/fake_xml',
    updated: '2014-12-03T00:00:00Z',
  })
  assert.equal((await t.call('GET', '/v2.1/extensions/os-nothing')).status, 404)
  await t.close()
})
