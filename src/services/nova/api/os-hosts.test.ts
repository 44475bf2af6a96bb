import assert from 'node:assert/strict'
import { test } from 'node:test'

import { lastFullMonth } from '#services/nova/domain/audit-log.ts'
import { testNova } from '#services/nova/test-nova.ts'

const ADMIN = 'admin@p0'

test('hosts of old show what they have and what is taken, until 2.42', async () => {
  const t = await testNova()
  await t.addHost('h1')
  await t.addHost('h2')
  await t.addServer({ host: 'h1' })
  await t.addServer({ host: 'h1', projectId: 'p2' })
  const get = (path: string, at = '2.42', as = ADMIN) => t.call('GET', `/v2.1/os-hosts${path}`, { as, at })
  assert.deepEqual((await get('')).json, {
    hosts: [
      { host_name: 'h1', service: 'compute', zone: 'nova' },
      { host_name: 'h2', service: 'compute', zone: 'nova' },
    ],
  })
  assert.deepEqual((await get('?zone=west')).json, { hosts: [] })
  const row = (project: string, cpu: number, memory_mb: number, disk_gb: number) => ({
    resource: { host: 'h1', project, cpu, memory_mb, disk_gb },
  })
  assert.deepEqual((await get('/h1')).json, {
    host: [
      row('(total)', 8, 16384, 100),
      row('(used_now)', 2, 1536, 2),
      row('(used_max)', 2, 1024, 2),
      row('p1', 1, 512, 1),
      row('p2', 1, 512, 1),
    ],
  })
  const put = (body: object, host = 'h1', as = ADMIN) => t.call('PUT', `/v2.1/os-hosts/${host}`, { as, body })
  assert.deepEqual((await put({ status: 'Disable' })).json, { host: 'h1', status: 'disabled' })
  assert.equal(((await get('')).json['hosts'] as unknown as unknown[]).length, 1)
  assert.deepEqual((await put({ status: 'enable' })).json, { host: 'h1', status: 'enabled' })
  for (const [answer, status] of [
    [await put({}), 400],
    [await put({ status: 'perhaps' }), 400],
    [await put({ status: 'enable', more: 1 }), 400],
    [await put({ maintenance_mode: 'enable' }), 501],
    [await put({ status: 'enable' }, 'h9'), 404],
    [await put({ maintenance_mode: 'enable' }, 'h9'), 404],
    [await get('/h9'), 404],
    [await get('', '2.43'), 404],
    [await get('/h1', '2.43'), 404],
    [await get('/h1/reboot'), 501],
    [await get('/h1/startup'), 501],
    [await get('/h9/shutdown'), 404],
  ] as const) {
    assert.equal(answer.status, status)
  }
  for (const as of ['reader@p1', 'manager@p1', 'admin@system']) {
    for (const path of ['', '/h1', '/h1/reboot', '/h1/startup', '/h1/shutdown'])
      assert.equal((await get(path, '2.1', as)).status, 403)
    assert.equal((await put({ status: 'enable' }, 'h1', as)).status, 403)
  }
  assert.deepEqual(t.errors, [])
  await t.close()
})

test('no host ran an audit of usage, and the log says so', async () => {
  const t = await testNova()
  await t.addHost('h1')
  const at = '/v2.1/os-instance_usage_audit_log'
  const all = (await t.call('GET', at, { as: ADMIN })).json['instance_usage_audit_logs'] as Record<string, unknown>
  assert.deepEqual(all['hosts_not_run'], ['h1'])
  assert.equal(all['overall_status'], '0 of 1 hosts done. 0 errors.')
  const one = await t.call('GET', `${at}/2026-03-15%2010:00:00`, { as: ADMIN })
  const log = one.json['instance_usage_audit_log'] as Record<string, unknown>
  assert.deepEqual([log['period_beginning'], log['period_ending']], ['2026-02-01 00:00:00', '2026-03-01 00:00:00'])
  const bad = await t.call('GET', `${at}/yesterday`, { as: ADMIN })
  assert.equal(bad.status, 400)
  assert.match(JSON.stringify(bad.json), /Invalid timestamp for date yesterday/)
  assert.equal((await t.call('GET', at, { as: 'manager@p1' })).status, 403)
  assert.equal((await t.call('GET', `${at}/yesterday`, { as: 'manager@p1' })).status, 403)
  await t.close()
})

test('the last full month is over', () => {
  const at = (text: string): string[] => {
    const { begin, end } = lastFullMonth(Date.parse(text))
    return [begin, end].map(ms => new Date(ms).toISOString().slice(0, 10))
  }
  assert.deepEqual(at('2026-01-15T00:00:00Z'), ['2025-12-01', '2026-01-01'])
  assert.deepEqual(at('2026-01-01T00:00:00Z'), ['2025-11-01', '2025-12-01'])
  assert.deepEqual(at('2026-02-28T23:59:59Z'), ['2026-01-01', '2026-02-01'])
})
