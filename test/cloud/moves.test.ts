// Servers that change their size or their host in a whole cloud of three simulated hosts: confirmed, reverted, moved while they run, taken from
// a dead host; and what is refused. After each story all ledgers agree.
import assert from 'node:assert/strict'
import { after, before, test } from 'node:test'
import { Fault } from '#kernel/contract/fault.ts'
import type { Hook } from '#kernel/crossing/crossing.ts'
import { createCloud, type CloudHandle } from '#main/library.ts'
import type { Person } from '#main/person.ts'
import { act, active, become, boot, removed, settled, shelf, show, sound, until } from './story.ts'

/** Driver verbs that fail just now. */
const broken = new Set<string>()
const breaks: Hook = (crossing, next) =>
  crossing.kind === 'driver' && broken.has(crossing.name)
    ? Promise.reject(new Fault('Hypervisor:invalid', 400, `${crossing.name} does not work here`))
    : next()

let cloud: CloudHandle
let demo: Person
let admin: Person
before(async () => {
  cloud = await createCloud({ hypervisor: 'simulated', network: 'simulated', hosts: 2, hooks: [breaks] })
  ;[demo, admin] = await Promise.all([cloud.as('demo'), cloud.as('admin')])
})
after(() => cloud.stop())

interface Admins {
  readonly 'OS-EXT-SRV-ATTR:host': string | null
  readonly flavor: { readonly original_name: string; readonly ram: number }
}
const newest = { 'openstack-api-version': 'compute 2.79' }
const seen = async (id: string): Promise<Admins> =>
  (await admin.json<{ server: Admins }>(`/compute/v2.1/servers/${id}`, { headers: newest })).server
const hostOf = async (id: string): Promise<string> => (await seen(id))['OS-EXT-SRV-ATTR:host'] ?? ''
const flavorRef = async (name: string): Promise<string> => (await shelf(demo)).flavor(name)
interface MoveRow {
  readonly id: number
  readonly status: string
  readonly migration_type: string
  readonly source_compute: string
  readonly dest_compute: string
  readonly instance_uuid: string
}
const movesOf = async (id: string): Promise<MoveRow[]> =>
  (await admin.json<{ migrations: MoveRow[] }>(`/compute/v2.1/os-migrations?instance_uuid=${id}`, { headers: newest }))
    .migrations
const status = (answer: Response, wanted: number): Promise<void> =>
  answer.text().then(text => assert.equal(answer.status, wanted, text))

test('resized to another host: both hosts count it until it is confirmed', async () => {
  const id = await boot(demo, { name: 'grows' })
  await active(demo, id)
  const from = await hostOf(id)
  await become(demo, id, 'resize', { flavorRef: await flavorRef('m1.tiny') }, 'VERIFY_RESIZE')
  const there = await seen(id)
  assert.notEqual(there['OS-EXT-SRV-ATTR:host'], from)
  assert.equal(there.flavor.original_name, 'm1.tiny')
  assert.deepEqual(
    (await movesOf(id)).map(move => [move.status, move.migration_type, move.source_compute]),
    [['finished', 'resize', from]],
  )
  await sound(cloud)
  await status(await act(demo, id, 'reboot', { type: 'HARD' }), 409)
  await status(await act(demo, id, 'confirmResize'), 204)
  await until('the confirmation', async () => ((await show(demo, id)).status === 'ACTIVE' ? true : null))
  assert.equal((await movesOf(id))[0]?.status, 'confirmed')
  await sound(cloud)
  await removed(demo, id)
  await sound(cloud)
})

test('reverted: it is what and where it was; a stopped one stays stopped', async () => {
  const id = await boot(demo, { name: 'returns' })
  await active(demo, id)
  const from = await hostOf(id)
  await become(demo, id, 'resize', { flavorRef: await flavorRef('m1.tiny') }, 'VERIFY_RESIZE')
  await become(demo, id, 'revertResize', null, 'ACTIVE')
  assert.equal(await hostOf(id), from)
  assert.equal((await seen(id)).flavor.original_name, 'm1.nano')
  await sound(cloud)
  await become(demo, id, 'os-stop', null, 'SHUTOFF')
  await become(demo, id, 'resize', { flavorRef: await flavorRef('m1.tiny') }, 'VERIFY_RESIZE')
  await sound(cloud)
  await status(await act(demo, id, 'confirmResize'), 204)
  await until('the confirmation', async () => ((await show(demo, id)).status === 'SHUTOFF' ? true : null))
  await sound(cloud)
  await removed(demo, id)
})

test('deleted while it waits to be confirmed: nothing stays on either host', async () => {
  const id = await boot(demo, { name: 'never-mind' })
  await active(demo, id)
  await become(demo, id, 'resize', { flavorRef: await flavorRef('m1.tiny') }, 'VERIFY_RESIZE')
  await removed(demo, id)
  await sound(cloud)
})

test('declared active while it waits: what was put aside goes, nothing is held any more', async () => {
  const id = await boot(demo, { name: 'declared' })
  await active(demo, id)
  await become(demo, id, 'resize', { flavorRef: await flavorRef('m1.tiny') }, 'VERIFY_RESIZE')
  await status(await act(admin, id, 'os-resetState', { state: 'active' }), 202)
  await until('the end of the resize', async () => ((await movesOf(id))[0]?.status === 'confirmed' ? true : null))
  assert.equal((await show(demo, id)).status, 'ACTIVE')
  await status(await act(demo, id, 'revertResize'), 409)
  await sound(cloud)
  await removed(demo, id)
  await sound(cloud)
})

test('nobody says a word: after the window the resize is confirmed by itself', async () => {
  const set = { 'nova.resize_confirm_window_s': '1' }
  await using quick = await createCloud({ hypervisor: 'simulated', network: 'simulated', set })
  const person = await quick.as('demo')
  const id = await boot(person, { name: 'silent' })
  await active(person, id)
  // The only host of this cloud: it stays there.
  await become(person, id, 'resize', { flavorRef: (await shelf(person)).flavor('m1.tiny') }, 'VERIFY_RESIZE')
  await until('the confirmation', async () => ((await show(person, id)).status === 'ACTIVE' ? true : null), 100_000)
  await sound(quick)
})

test('a step that fails on the way: the server is what it was, and its action says why', async () => {
  const id = await boot(demo, { name: 'stays' })
  await active(demo, id)
  const from = await hostOf(id)
  broken.add('move-in')
  try {
    await become(demo, id, 'resize', { flavorRef: await flavorRef('m1.tiny') }, 'ACTIVE')
  } finally {
    broken.clear()
  }
  assert.equal(await hostOf(id), from)
  assert.equal((await seen(id)).flavor.original_name, 'm1.nano')
  assert.equal((await movesOf(id))[0]?.status, 'error')
  await sound(cloud)
  await removed(demo, id)
})

test('what a resize refuses', async () => {
  const id = await boot(demo, { name: 'refused', flavor: 'm1.tiny' })
  await active(demo, id)
  const same = await act(demo, id, 'resize', { flavorRef: await flavorRef('m1.tiny') })
  await status(same, 400)
  await status(await act(demo, id, 'resize', { flavorRef: 'no-such' }), 400)
  await status(await act(demo, id, 'resize', { flavorRef: '3', extra: 1 }), 400)
  await status(await act(demo, id, 'resize', {}), 400)
  await status(await act(demo, id, 'resize', { flavorRef: '5', 'OS-DCF:diskConfig': 'x' }), 400)
  await status(await act(demo, id, 'confirmResize'), 409)
  await status(await act(demo, id, 'revertResize'), 409)
  await status(await act(demo, id, 'migrate'), 403)
  await status(
    await act(demo, id, 'os-migrateLive', { host: null, block_migration: false, disk_over_commit: false }),
    403,
  )
  await status(await act(demo, id, 'evacuate', { onSharedStorage: false }), 403)
  const quota_set = { cores: 2 }
  await admin.json(`/compute/v2.1/os-quota-sets/${demo.projectId}`, { method: 'PUT', body: { quota_set } })
  const over = await act(demo, id, 'resize', { flavorRef: await flavorRef('m1.large') })
  assert.match(await over.text(), /Quota exceeded for cores: Requested 3, but already used 1 of 2 cores/)
  assert.equal(over.status, 403)
  await admin.json(`/compute/v2.1/os-quota-sets/${demo.projectId}`, { method: 'DELETE' }).catch(() => undefined)
  const alt = await cloud.as('alt_demo')
  await status(await act(alt, id, 'resize', { flavorRef: '3' }), 404)
  assert.equal((await show(demo, id)).status, 'ACTIVE')
  await removed(demo, id)
  await sound(cloud)
})

test('cold migration goes where an administrator says, or where the scheduler likes; never to its own host', async () => {
  const id = await boot(demo, { name: 'moved' })
  await active(demo, id)
  const from = await hostOf(id)
  const named = (host: string | null): Promise<Response> =>
    admin.fetch(`/compute/v2.1/servers/${id}/action`, { body: { migrate: { host } }, headers: newest })
  await status(await named(from), 400)
  await status(await named('nowhere'), 400)
  const to = (await cloud.control.status()).hosts.map(host => host.name).find(name => name !== from) ?? ''
  await status(await named(to), 202)
  await until('the move', async () => ((await show(demo, id)).status === 'VERIFY_RESIZE' ? true : null))
  assert.equal(await hostOf(id), to)
  await become(admin, id, 'revertResize', null, 'ACTIVE')
  assert.equal(await hostOf(id), from)
  await become(admin, id, 'migrate', null, 'VERIFY_RESIZE')
  await sound(cloud)
  await removed(demo, id)
  await sound(cloud)
})

test('moved while it runs: by the scheduler and by name; a paused one stays paused', async () => {
  const id = await boot(demo, { name: 'runs-on' })
  await active(demo, id)
  const live = (given: object, at = '2.79'): Promise<Response> =>
    admin.fetch(`/compute/v2.1/servers/${id}/action`, {
      body: { 'os-migrateLive': given },
      headers: { 'openstack-api-version': `compute ${at}` },
    })
  const from = await hostOf(id)
  await status(await live({ host: null, block_migration: 'auto' }), 202)
  await active(demo, id)
  const next = await hostOf(id)
  assert.notEqual(next, from)
  await sound(cloud)
  await status(await live({ host: from, block_migration: false, disk_over_commit: false }, '2.1'), 202)
  await active(demo, id)
  assert.equal(await hostOf(id), from)
  await status(await live({ host: from, block_migration: false, disk_over_commit: false }, '2.1'), 400)
  await status(await live({ host: 'nowhere', block_migration: 'auto' }), 400)
  await status(await live({ host: null, block_migration: 'auto', force: true }, '2.30'), 400)
  await status(await live({ host: null, block_migration: 'auto', force: false }, '2.68'), 400)
  await status(await live({ host: null, block_migration: 'auto', disk_over_commit: false }, '2.25'), 400)
  await become(demo, id, 'pause', null, 'PAUSED')
  await status(await live({ host: null, block_migration: 'auto' }), 202)
  assert.equal((await settled(demo, id)).status, 'PAUSED')
  assert.deepEqual(
    (await movesOf(id)).map(move => move.status),
    ['completed', 'completed', 'completed'],
  )
  await sound(cloud)
  await removed(demo, id)
  await sound(cloud)
})

test('evacuated from a dead host, which cleans up when it is back', async () => {
  const id = await boot(demo, { name: 'flees' })
  await active(demo, id)
  const from = await hostOf(id)
  const evacuate = (): Promise<Response> =>
    admin.fetch(`/compute/v2.1/servers/${id}/action`, { body: { evacuate: {} }, headers: newest })
  await status(await evacuate(), 400)
  const { services } = await admin.json<{ services: { id: string; host: string; binary: string }[] }>(
    '/compute/v2.1/os-services',
    { headers: newest },
  )
  const service = services.find(one => one.host === from && one.binary === 'nova-compute')?.id ?? ''
  const down = (forced_down: boolean): Promise<unknown> =>
    admin.json(`/compute/v2.1/os-services/${service}`, { method: 'PUT', body: { forced_down }, headers: newest })
  await down(true)
  await status(await evacuate(), 200)
  await active(demo, id)
  assert.notEqual(await hostOf(id), from)
  await down(false)
  await until(
    'the clean-up on the old host',
    async () => ((await movesOf(id))[0]?.status === 'completed' ? true : null),
    60_000,
  )
  await sound(cloud)
  await removed(demo, id)
  await sound(cloud)
})
