// Where a server goes: nowhere, apart from its kin, or to the next host when the first one fails.
import assert from 'node:assert/strict'
import { after, before, test } from 'node:test'
import { Fault } from '#kernel/contract/fault.ts'
import type { Hook } from '#kernel/crossing/crossing.ts'
import { createCloud, type CloudHandle } from '#main/library.ts'
import type { Person } from '#main/person.ts'
import { active, askForServer, boot, removed, settled, sound } from './story.ts'

/** Hosts on which no guest starts just now. */
const broken = new Set<string>()
const breaks: Hook = (crossing, next) =>
  crossing.kind === 'driver' && crossing.name === 'spawn' && (broken.has(crossing.to) || broken.has('*'))
    ? Promise.reject(new Fault('Hypervisor:start-failed', 500, `${crossing.to} has no power for it`))
    : next()

let cloud: CloudHandle
let demo: Person
let admin: Person
before(async () => {
  cloud = await createCloud({ hypervisor: 'simulated', network: 'simulated', hosts: 2, hooks: [breaks] })
  ;[demo, admin] = await Promise.all([cloud.as('demo'), cloud.as('admin')])
})
after(() => cloud.stop())

const hostOf = async (id: string): Promise<string | null> =>
  (await admin.json<{ server: { 'OS-EXT-SRV-ATTR:host': string | null } }>(`/compute/v2.1/servers/${id}`)).server[
    'OS-EXT-SRV-ATTR:host'
  ]
const hosts = async (): Promise<string[]> => (await cloud.control.status()).hosts.map(host => host.name)

test('a flavor that fits nowhere: ERROR, a fault that says so, and reasons that name what is short', async () => {
  const flavor = { name: 'huge', vcpus: 512, ram: 4_194_304, disk: 100_000 }
  await admin.json('/compute/v2.1/flavors', { body: { flavor } })
  const quota_set = { cores: -1, ram: -1 }
  await admin.json(`/compute/v2.1/os-quota-sets/${demo.projectId}`, { method: 'PUT', body: { quota_set } })
  const id = await boot(demo, { name: 'toobig', flavor: 'huge' })
  const server = await settled(demo, id)
  assert.equal(server.status, 'ERROR')
  assert.match(server.fault?.message ?? '', /^No valid host was found\./)
  assert.equal(server.fault?.code, 500)
  const why = await cloud.control.why(id)
  const said = JSON.stringify(why)
  for (const short of [/vcpus/, /memory/, /disk/]) assert.match(said, short)
  assert.deepEqual(why?.because.map(reason => reason.who).sort(), (await hosts()).sort(), 'each host has its say')
  assert.match(why?.nearest ?? '', /would take it if/)
  await sound(cloud)
  await removed(demo, id)
  await sound(cloud)
})

test('members of an anti-affinity group are apart, also when they come all at once; one too many is told so', async () => {
  const { server_group: group } = await demo.json<{ server_group: { id: string } }>('/compute/v2.1/os-server-groups', {
    body: { server_group: { name: 'apart', policy: 'anti-affinity' } },
    headers: { 'openstack-api-version': 'compute 2.64' },
  })
  const many = await askForServer(demo, { name: 'apart', more: { min_count: 3 }, hints: { group: group.id } })
  assert.equal(many.status, 202, await many.text())
  await boot(demo, { name: 'apart-4', hints: { group: group.id } })
  const { servers } = await demo.json<{ servers: { id: string }[] }>('/compute/v2.1/servers')
  const ids = servers.map(server => server.id)
  assert.equal(ids.length, 4)
  const ends = await Promise.all(ids.map(id => settled(demo, id)))
  const placed = ends.filter(server => server.status === 'ACTIVE')
  assert.equal(placed.length, 3, JSON.stringify(ends.map(end => [end.status, end.fault])))
  const where = await Promise.all(placed.map(server => hostOf(server.id)))
  assert.deepEqual(where.toSorted(), (await hosts()).toSorted())
  const left = ends.find(server => server.status !== 'ACTIVE')
  assert.equal(left?.status, 'ERROR')
  assert.match(left.fault?.message ?? '', /No valid host was found|server group policy was violated/)
  await sound(cloud)
  await removed(demo, ...ids)
  await demo.fetch(`/compute/v2.1/os-server-groups/${group.id}`, { method: 'DELETE' })
  await sound(cloud)
})

test('members of an affinity group are together, also when they come all at once', async () => {
  const { server_group: group } = await demo.json<{ server_group: { id: string } }>('/compute/v2.1/os-server-groups', {
    body: { server_group: { name: 'together', policy: 'affinity' } },
    headers: { 'openstack-api-version': 'compute 2.64' },
  })
  const ids = await Promise.all(
    [1, 2, 3, 4].map(n => boot(demo, { name: `together-${n}`, hints: { group: group.id } })),
  )
  for (const id of ids) await active(demo, id)
  assert.equal(new Set(await Promise.all(ids.map(hostOf))).size, 1)
  await removed(demo, ...ids)
  await sound(cloud)
})

test('a host on which no guest starts is left for the next one, and keeps nothing', async () => {
  const first = (await hosts())[0] ?? ''
  const probe = await boot(demo, { name: 'probe' })
  await active(demo, probe)
  const preferred = (await hostOf(probe)) ?? first
  await removed(demo, probe)
  broken.add(`hypervisor@${preferred}`)
  try {
    const id = await boot(demo, { name: 'moved', networks: ['private', 'shared'] })
    await active(demo, id)
    assert.notEqual(await hostOf(id), preferred)
    await sound(cloud)
    await removed(demo, id)
    await sound(cloud)
  } finally {
    broken.clear()
  }
})

test('where no host can start it: ERROR with the last host’s words, nothing held anywhere', async () => {
  broken.add('*')
  let id: string
  try {
    id = await boot(demo, { name: 'nowhere' })
    const server = await settled(demo, id)
    assert.equal(server.status, 'ERROR')
    assert.match(server.fault?.message ?? '', /has no power for it/)
    assert.equal(await hostOf(id), null)
    await sound(cloud)
    const { ports } = await demo.json<{ ports: { device_id: string }[] }>(`/networking/v2.0/ports?device_id=${id}`)
    assert.deepEqual(ports, [])
  } finally {
    broken.clear()
  }
  await removed(demo, id)
  await sound(cloud)
})
