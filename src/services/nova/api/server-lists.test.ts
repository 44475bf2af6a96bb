// The lists of servers: pages, order, filters of each version, and whose servers they show.
import assert from 'node:assert/strict'
import { test } from 'node:test'

import { testNova } from '#services/nova/test-nova.ts'

const ADMIN = 'admin@p0'
type Listed = { id: string; name: string }[]
const setUp = async () => {
  const t = await testNova()
  const from = t.clock.now() - 60_000
  const made = []
  for (const [index, name] of ['web1', 'web2', 'db1', 'DB2'].entries()) {
    made.push(await t.addServer({ name, createdAt: from + index * 1000, updatedAt: from + index * 1000 }))
  }
  const list = async (query: string, given: { at?: string; as?: string } = {}) => {
    const answer = await t.call('GET', `/v2.1/servers${query}`, given)
    return { ...answer, names: ((answer.json['servers'] as unknown as Listed | undefined) ?? []).map(one => one.name) }
  }
  return { t, from, made, list }
}

test('pages follow each other to the end, in the order asked for', async () => {
  const { t, made, list } = await setUp()
  assert.deepEqual((await list('')).names, ['DB2', 'db1', 'web2', 'web1'])
  const first = await list('?limit=3')
  assert.deepEqual(first.names, ['DB2', 'db1', 'web2'])
  const next = (first.json['servers_links'] as unknown as { rel: string; href: string }[])[0]
  assert.deepEqual(next, {
    rel: 'next',
    href: `http://127.0.0.1:8080/test/v2.1/servers?limit=3&marker=${made[1]?.id ?? ''}`,
  })
  const last = await list(`?limit=3&marker=${made[1]?.id ?? ''}`)
  assert.deepEqual(last.names, ['web1'])
  assert.ok(!('servers_links' in last.json))
  assert.ok('servers_links' in (await list('?limit=4')).json, 'a full page has a next one, as upstream')
  assert.equal((await t.call('GET', '/v2.1/servers/')).status, 404)
  assert.deepEqual((await list('?sort_key=display_name&sort_dir=asc')).names, ['DB2', 'db1', 'web1', 'web2'])
  assert.deepEqual((await list('?sort_key=vm_state&sort_key=created_at&sort_dir=asc')).names[0], 'web1')
  assert.deepEqual((await list('?limit=0')).names, [])
  // A marker stays good when it no longer matches.
  assert.deepEqual((await list(`?name=web&limit=1&marker=${made[2]?.id ?? ''}`)).names, ['web2'])
  for (const bad of [
    'limit=-1',
    'limit=x',
    'marker=none',
    'sort_key=colour',
    'sort_dir=up',
    'sort_dir=asc&sort_dir=asc',
  ])
    assert.equal((await list(`?${bad}`)).status, 400, bad)
  assert.equal((await list('?sort_key=host')).status, 403)
  assert.equal((await list('?sort_key=id', { at: '2.74' })).status, 200)
  assert.equal((await list('?sort_key=id', { at: '2.75' })).status, 400)
  assert.equal((await list('?sort_key=locked', { at: '2.75' })).status, 200)
  assert.deepEqual(t.errors, [])
  await t.close()
})

test('names match as patterns in linear time', async () => {
  const { t, list } = await setUp()
  assert.deepEqual((await list('?name=web')).names, ['web2', 'web1'])
  assert.deepEqual((await list('?name=%5Edb')).names, ['DB2', 'db1'])
  assert.deepEqual((await list('?name=b1%24')).names, ['db1', 'web1'])
  assert.deepEqual((await list('?name=b%25')).names, [])
  assert.equal((await list('?name=(')).status, 400)
  await t.addServer({ name: 'a'.repeat(255) })
  for (const evil of ['.*.*.*.*.*x$', '(a+)+$x', '(a|a)*x']) {
    const begin = process.hrtime.bigint()
    assert.equal((await list(`?name=${encodeURIComponent(evil)}`)).status, 200)
    assert.ok(process.hrtime.bigint() - begin < 2_000_000_000n, evil)
  }
  assert.deepEqual(t.errors, [])
  await t.close()
})

test('each filter counts from its version on, and for those it is for', async () => {
  const { t, from, made, list } = await setUp()
  const [web1, web2] = made
  await t.call('PUT', `/v2.1/servers/${web1?.id ?? ''}/tags`, { at: '2.26', body: { tags: ['red', 'big'] } })
  await t.call('PUT', `/v2.1/servers/${web2?.id ?? ''}/tags`, { at: '2.26', body: { tags: ['red'] } })
  assert.equal((await list('?tags=red', { at: '2.25' })).names.length, 4)
  assert.deepEqual((await list('?tags=red', { at: '2.26' })).names, ['web2', 'web1'])
  assert.deepEqual((await list('?tags=red,big', { at: '2.26' })).names, ['web1'])
  assert.deepEqual((await list('?tags-any=big,none', { at: '2.26' })).names, ['web1'])
  assert.deepEqual((await list('?not-tags=red,big', { at: '2.26' })).names, ['DB2', 'db1', 'web2'])
  assert.deepEqual((await list('?not-tags-any=red,big', { at: '2.26' })).names, ['DB2', 'db1'])
  assert.deepEqual((await list('?status=active')).names.length, 4)
  assert.deepEqual((await list('?status=SHUTOFF')).names, [])
  assert.deepEqual((await list('?status=dancing', { at: '2.37' })).names, [])
  assert.equal((await list('?status=dancing', { at: '2.38' })).status, 400)
  assert.equal((await list('?status=deleted')).status, 403)
  assert.deepEqual((await list('?vm_state=stopped', { at: '2.82' })).names.length, 4)
  assert.deepEqual((await list('?vm_state=stopped', { at: '2.83' })).names, [])
  assert.equal((await list('?hostname=x', { at: '2.89' })).names.length, 4)
  assert.equal((await list('?hostname=x', { at: '2.90' })).names.length, 0)
  assert.equal((await list('?locked=true', { at: '2.72' })).names.length, 4)
  assert.equal((await list('?locked=true', { at: '2.73' })).names.length, 0)
  assert.equal((await list('?locked=maybe', { at: '2.73' })).status, 400)
  assert.equal((await list('?colour=red', { at: '2.74' })).names.length, 4)
  assert.equal((await list('?colour=red', { at: '2.75' })).status, 400)
  assert.equal((await list('?metadata=x')).status, 200)
  assert.equal((await list('?metadata=x', { as: ADMIN })).status, 400)
  const time = (ms: number): string => new Date(ms).toISOString()
  assert.deepEqual((await list(`?changes-since=${time(from + 3000)}`)).names, ['DB2'])
  assert.equal((await list('?changes-since=yesterday')).status, 400)
  const before = `?changes-before=${time(from + 2500)}&changes-since=${time(from + 2000)}`
  assert.deepEqual((await list(before, { at: '2.66' })).names, ['db1'])
  assert.equal(
    (await list(`?changes-before=${time(from)}&changes-since=${time(from + 5)}`, { at: '2.66' })).status,
    400,
  )
  await t.addServer({ name: 'gone', vmState: 'deleted', deletedAt: from + 9000, updatedAt: from + 9000 })
  assert.ok(!(await list('')).names.includes('gone'))
  assert.ok((await list(`?changes-since=${time(from + 8000)}`)).names.includes('gone'))
  assert.deepEqual((await list('?deleted=true&all_tenants=1', { as: ADMIN })).names, ['gone'])
  assert.deepEqual((await list('?status=deleted&all_tenants=1', { as: ADMIN })).names, ['gone'])
  assert.equal((await list('?deleted=true')).names.length, 4)
  assert.deepEqual(t.errors, [])
  await t.close()
})

test('a project sees its own servers; all of them only whom the policy lets', async () => {
  const { t, list } = await setUp()
  await t.addServer({ name: 'other', projectId: 'p2', userId: 'u2' })
  assert.equal((await list('')).names.length, 4)
  assert.deepEqual((await list('', { as: 'member@p2' })).names, ['other'])
  assert.deepEqual((await list('?project_id=p1', { as: 'member@p2' })).names, ['other'])
  for (const value of ['', '1', 'true', 'yes']) assert.equal((await list(`?all_tenants=${value}`)).status, 403, value)
  for (const value of ['0', 'false']) assert.equal((await list(`?all_tenants=${value}`)).names.length, 4, value)
  assert.equal((await list('?all_tenants=perhaps')).status, 400)
  assert.equal((await list('?all_tenants=1', { as: ADMIN })).names.length, 5)
  assert.deepEqual((await list('?all_tenants=1&project_id=p2', { as: ADMIN })).names, ['other'])
  assert.equal((await list('', { as: ADMIN })).names.length, 0)
  assert.equal((await t.call('GET', '/v2.1/servers/detail?all_tenants=1')).status, 403)
  assert.equal((await t.call('GET', '/v2.1/servers', { as: null })).status, 401)
  assert.deepEqual(t.errors, [])
  await t.close()
})
