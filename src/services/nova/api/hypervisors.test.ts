import assert from 'node:assert/strict'
import { test } from 'node:test'

import { testNova, type TestNova } from '#services/nova/test-nova.ts'
import { computeRpc } from '#services/nova/rpc.ts'

const ADMIN = 'admin@p0'
const AT = '/v2.1/os-hypervisors'
type Row = Record<string, unknown>
const get = (t: TestNova, path: string, at = '2.1', as = ADMIN) => t.call('GET', `${AT}${path}`, { as, at })
const rows = (answer: { json: Record<string, never> }): Row[] => answer.json['hypervisors'] as unknown as Row[]
const hosts = (answer: { json: Record<string, never> }): unknown[] =>
  rows(answer).map(one => one['hypervisor_hostname'])
const GONE_AT_288 = [
  'vcpus',
  'memory_mb',
  'local_gb',
  'vcpus_used',
  'memory_mb_used',
  'local_gb_used',
  'free_ram_mb',
  'free_disk_gb',
  'current_workload',
  'running_vms',
  'disk_available_least',
  'cpu_info',
]

test('hypervisors show what they have, give and hold', async () => {
  const t = await testNova()
  const { node, service } = await t.addHost('h1')
  await t.addServer({ host: 'h1', node: 'h1', taskState: 'rebooting' })
  await t.addServer({ host: 'h1', node: 'h1' })
  assert.deepEqual(rows(await get(t, '')), [{ id: 1, hypervisor_hostname: 'h1', state: 'up', status: 'enabled' }])
  const [whole] = rows(await get(t, '/detail')) as [Row]
  assert.deepEqual(whole['service'], { id: 1, host: 'h1', disabled_reason: null })
  assert.deepEqual(
    ['vcpus_used', 'memory_mb_used', 'free_ram_mb', 'local_gb_used', 'free_disk_gb'].map(key => whole[key]),
    [2, 1536, 14848, 2, 98],
  )
  assert.deepEqual([whole['current_workload'], whole['running_vms'], whole['disk_available_least']], [1, 2, 80])
  assert.equal(JSON.parse(String(whole['cpu_info'])).arch, 'x86_64')
  const [later] = rows(await get(t, '/detail', '2.53')) as [Row]
  assert.equal(later['id'], node)
  assert.equal((later['service'] as Row)['id'], service)
  const sum = (await get(t, '/statistics')).json['hypervisor_statistics'] as Row
  assert.deepEqual([sum['count'], sum['vcpus'], sum['vcpus_used'], sum['running_vms']], [1, 8, 2, 2])
  t.clock.move(61_000)
  assert.equal(rows(await get(t, ''))[0]?.['state'], 'down')
  assert.deepEqual(t.errors, [])
  await t.close()
})

test('each version shows what it knows', async () => {
  const t = await testNova()
  const { node } = await t.addHost('h1')
  const detail = async (at: string): Promise<Row> => rows(await get(t, '/detail', at))[0] as Row
  assert.equal(typeof (await detail('2.27'))['cpu_info'], 'string')
  assert.equal(typeof (await detail('2.28'))['cpu_info'], 'object')
  assert.equal((await detail('2.52'))['id'], 1)
  assert.equal((await detail('2.53'))['id'], node)
  for (const key of GONE_AT_288) {
    assert.ok(key in (await detail('2.87')), key)
    assert.ok(!(key in (await detail('2.88'))), key)
  }
  assert.ok(!('uptime' in (await detail('2.87'))))
  assert.equal((await detail('2.88'))['uptime'], null)
  for (const [path, last, next] of [
    ['/statistics', '2.87', '2.88'],
    ['/h/search', '2.52', '2.53'],
    ['/h/servers', '2.52', '2.53'],
  ] as const) {
    assert.equal((await get(t, path, last)).status, 200, path)
    assert.equal((await get(t, path, next)).status, 404, path)
  }
  assert.equal((await get(t, '/1', '2.52')).status, 200)
  assert.equal((await get(t, '/1', '2.53')).status, 400)
  assert.equal((await get(t, `/${node}`, '2.52')).status, 404)
  assert.equal((await get(t, `/${node}`, '2.53')).status, 200)
  assert.equal((await get(t, '?colour=red', '2.52')).status, 200)
  assert.equal((await get(t, '?colour=red', '2.53')).status, 400)
  await t.close()
})

test('lists are paged from 2.33 on, and searched', async () => {
  const t = await testNova()
  const nodes = []
  for (const host of ['web-1', 'web-2', 'db-1']) nodes.push((await t.addHost(host)).node)
  assert.deepEqual(hosts(await get(t, '?limit=1', '2.32')), ['web-1', 'web-2', 'db-1'])
  const first = await get(t, '?limit=2', '2.33')
  assert.deepEqual(hosts(first), ['web-1', 'web-2'])
  assert.deepEqual(first.json['hypervisors_links'], [
    { rel: 'next', href: 'http://127.0.0.1:8080/test/v2.1/os-hypervisors?limit=2&marker=2' },
  ])
  assert.deepEqual(hosts(await get(t, '?limit=2&marker=2', '2.33')), ['db-1'])
  assert.deepEqual(hosts(await get(t, `?limit=1&marker=${nodes[0]}`, '2.53')), ['web-2'])
  assert.equal((await get(t, `?marker=${nodes[0]}`, '2.33')).status, 400)
  assert.equal((await get(t, '?marker=1', '2.53')).status, 400)
  assert.equal((await get(t, '?marker=77', '2.33')).status, 400)

  assert.deepEqual(hosts(await get(t, '/WEB/search')), ['web-1', 'web-2'])
  assert.equal((await get(t, '/mail/search')).status, 404)
  assert.deepEqual(hosts(await get(t, '?hypervisor_hostname_pattern=web', '2.52')).length, 3)
  assert.deepEqual(hosts(await get(t, '?hypervisor_hostname_pattern=web', '2.53')), ['web-1', 'web-2'])
  assert.equal((await get(t, '?hypervisor_hostname_pattern=%25', '2.53')).status, 400)
  assert.equal((await get(t, '?hypervisor_hostname_pattern=mail', '2.53')).status, 404)
  assert.equal((await get(t, '?hypervisor_hostname_pattern=web&limit=1', '2.53')).status, 400)
  await t.close()
})

test('servers are named where they were asked for', async () => {
  const t = await testNova()
  const { node } = await t.addHost('h1')
  await t.addHost('h2')
  const server = await t.addServer({ host: 'h1', name: 'one' })
  await t.addServer({ host: 'h1', deletedAt: 1, vmState: 'deleted' })
  const named = [{ name: 'one', uuid: server.id }]
  const inside = (answer: { json: Record<string, never> }): unknown[] => rows(answer).map(one => one['servers'])
  assert.deepEqual(inside(await get(t, '/h/servers')), [named, undefined])
  assert.deepEqual(inside(await get(t, '?with_servers=1', '2.52')), [undefined, undefined])
  assert.deepEqual(inside(await get(t, '?with_servers=1', '2.53')), [named, undefined])
  assert.deepEqual(inside(await get(t, '?with_servers=true', '2.74')), [named, undefined])
  assert.deepEqual(inside(await get(t, '?with_servers=true', '2.75')), [named, []])
  assert.equal((await get(t, '?with_servers=perhaps', '2.53')).status, 400)
  const one = (await get(t, `/${node}?with_servers=True`, '2.53')).json['hypervisor'] as Row
  assert.deepEqual(one['servers'], named)
  await t.close()
})

test('uptime is what the host says; a host that cannot tell answers so', async () => {
  const t = await testNova()
  const { node } = await t.addHost('h1')
  await t.addHost('h2')
  const none = (): never => {
    throw new Error('not asked here')
  }
  const text = ' 12:00:00 up 3 days,  1:02,  load average: 0.00, 0.01, 0.05'
  const verbs = Object.fromEntries(Object.keys(computeRpc.verbs).map(verb => [verb, none]))
  const served = await t.nova.rooms.bus.serve(computeRpc, 'h1', { ...verbs, uptime: async () => ({ text }) } as never)
  const told = await get(t, '/1/uptime')
  assert.equal(told.status, 200)
  assert.deepEqual(told.json['hypervisor'], {
    id: 1,
    hypervisor_hostname: 'h1',
    state: 'up',
    status: 'enabled',
    uptime: text,
  })
  assert.equal((await get(t, `/${node}/uptime`, '2.87')).status, 200)
  assert.equal((await get(t, `/${node}/uptime`, '2.88')).status, 404)
  assert.equal(((await get(t, `/${node}`, '2.88')).json['hypervisor'] as Row)['uptime'], text)
  assert.equal((await get(t, '/2/uptime')).status, 501)
  assert.equal((await get(t, '/9/uptime')).status, 404)
  t.clock.move(61_000)
  assert.equal((await get(t, '/1/uptime')).status, 400)
  await served.close()
  await t.close()
})

test('only administrators see hypervisors', async () => {
  const t = await testNova()
  await t.addHost('h1')
  for (const as of ['reader@p1', 'manager@p1', 'service@service', 'admin@system']) {
    for (const path of ['', '/detail', '/statistics', '/1', '/1/uptime', '/h/search', '/h/servers']) {
      assert.equal((await get(t, path, '2.1', as)).status, 403, `${as} ${path}`)
    }
  }
  assert.equal((await get(t, '/9')).status, 404)
  assert.equal((await get(t, '/x')).status, 404)
  await t.close()
})
