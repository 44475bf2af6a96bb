import assert from 'node:assert/strict'
import { test } from 'node:test'

import { testNova, type TestNova } from '#services/nova/test-nova.ts'

const ADMIN = 'admin@p0'
const HOUR = 3_600_000
type Row = Record<string, unknown>
const at = (ms: number): string => new Date(ms).toISOString().slice(0, 23)
const show = (t: TestNova, project: string, query: string, version = '2.1', as = 'reader@p1') =>
  t.call('GET', `/v2.1/os-simple-tenant-usage/${project}${query}`, { at: version, as })

test('usage is counted by the hour, within the period and the life of each server', async () => {
  const t = await testNova()
  const now = t.clock.now()
  const big = { id: '3', name: 'big', vcpus: 2, ramMb: 1024, diskGb: 10, ephemeralGb: 5, swapMb: 0, extraSpecs: {} }
  const running = await t.addServer({ launchedAt: now - 10 * HOUR, name: 'running' })
  const ended = await t.addServer({
    name: 'ended',
    flavor: big,
    launchedAt: now - 8 * HOUR,
    terminatedAt: now - 3 * HOUR,
    deletedAt: now - 3 * HOUR,
    vmState: 'deleted',
  })
  await t.addServer({ name: 'early', launchedAt: now - 30 * HOUR, terminatedAt: now - 20 * HOUR, deletedAt: now })
  await t.addServer({ name: 'building', launchedAt: null })
  await t.addServer({ name: 'others', projectId: 'p2', launchedAt: now - HOUR })
  const start = at(now - 6 * HOUR)
  const answer = await show(t, 'p1', `?start=${start}&end=${at(now - 2 * HOUR)}`)
  assert.equal(answer.status, 200)
  const usage = answer.json['tenant_usage'] as unknown as Row & { server_usages: Row[] }
  const [one, two] = [running.id, ended.id].map(id => usage.server_usages.find(row => row['instance_id'] === id))
  assert.equal(usage.server_usages.length, 2)
  assert.deepEqual([one?.['hours'], one?.['state'], one?.['ended_at'], one?.['local_gb']], [4, 'active', null, 1])
  assert.deepEqual([two?.['hours'], two?.['state'], two?.['local_gb'], two?.['uptime']], [3, 'terminated', 15, 18000])
  assert.equal(usage['total_hours'], 7)
  assert.equal(usage['total_vcpus_usage'], 4 + 2 * 3)
  assert.equal(usage['total_memory_mb_usage'], 4 * 512 + 3 * 1024)
  assert.equal(usage['total_local_gb_usage'], 4 + 3 * 15)
  assert.equal(usage['start'], `${start}000`)

  const all = await t.call('GET', `/v2.1/os-simple-tenant-usage?start=${start}&detailed=1`, { as: ADMIN })
  const projects = all.json['tenant_usages'] as unknown as (Row & { server_usages: Row[] })[]
  assert.deepEqual(
    projects.map(project => [project['tenant_id'], project.server_usages.length]),
    [
      ['p1', 2],
      ['p2', 1],
    ],
  )
  const brief = await t.call('GET', `/v2.1/os-simple-tenant-usage?start=${start}`, { as: ADMIN })
  assert.ok(!('server_usages' in (brief.json['tenant_usages'] as unknown as [Row])[0]))
  assert.deepEqual((await show(t, 'p3', `?start=${start}`, '2.1', ADMIN)).json, { tenant_usage: {} })
  assert.deepEqual(t.errors, [])
  await t.close()
})

test('usage is paged from 2.40 on', async () => {
  const t = await testNova()
  const now = t.clock.now()
  const ids: string[] = []
  for (let count = 0; count < 3; count++) ids.push((await t.addServer({ launchedAt: now - HOUR })).id)
  ids.sort()
  const start = `start=${at(now - 2 * HOUR)}`
  const seen = (answer: { json: Record<string, never> }): unknown[] =>
    ((answer.json['tenant_usage'] as unknown as { server_usages?: Row[] }).server_usages ?? []).map(
      row => row['instance_id'],
    )
  assert.equal(seen(await show(t, 'p1', `?${start}&limit=1`, '2.39')).length, 3)
  const first = await show(t, 'p1', `?${start}&limit=2`, '2.40')
  assert.deepEqual(seen(first), ids.slice(0, 2))
  const [link] = first.json['tenant_usage_links'] as unknown as [{ href: string }]
  assert.ok(link.href.endsWith(`limit=2&marker=${ids[1]}`), link.href)
  const last = await show(t, 'p1', `?${start}&limit=2&marker=${ids[1]}`, '2.40')
  assert.deepEqual(seen(last), ids.slice(2))
  assert.ok(!('tenant_usage_links' in last.json))
  assert.equal((await show(t, 'p1', `?${start}&marker=nope`, '2.40')).status, 400)
  const all = await t.call('GET', `/v2.1/os-simple-tenant-usage?${start}&limit=1`, { as: ADMIN, at: '2.40' })
  assert.ok('tenant_usages_links' in all.json)
  assert.equal((await show(t, 'p1', '?x=1', '2.74')).status, 200)
  assert.equal((await show(t, 'p1', '?x=1', '2.75')).status, 400)
  await t.close()
})

test('times in other forms are refused; who may', async () => {
  const t = await testNova()
  for (const [query, status] of [
    ['', 200],
    ['?start=2020-01-01T00:00:00', 200],
    ['?start=2020-01-01T00:00:00.123456', 200],
    ['?start=2020-01-01%2000:00:00.5', 200],
    ['?start=2020-01-01', 400],
    ['?start=2020-13-01T00:00:00', 400],
    ['?start=yesterday', 400],
    ['?end=2020-01-01T00:00:00', 400],
    ['?start=2020-01-02T00:00:00&end=2020-01-01T00:00:00', 400],
    ['?start=2020-01-01T00:00:00&end=2020-01-01T00:00:00', 400],
    ['?start=2999-01-01T00:00:00', 400],
  ] as const) {
    assert.equal((await show(t, 'p1', query)).status, status, query)
  }
  assert.equal((await show(t, 'p1', '', '2.1', 'member@p2')).status, 403)
  assert.equal((await show(t, 'p1', '', '2.1', 'service@service')).status, 403)
  assert.equal((await show(t, 'p1', '', '2.1', ADMIN)).status, 200)
  assert.equal((await t.call('GET', '/v2.1/os-simple-tenant-usage', { as: 'manager@p1' })).status, 403)
  await t.close()
})
