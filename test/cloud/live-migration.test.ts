// A running server on its long way to another host: seen as it goes, called back, or hurried; with a volume that follows it.
import assert from 'node:assert/strict'
import { after, before, test } from 'node:test'
import { createCloud, type CloudHandle } from '#main/library.ts'
import type { Person } from '#main/person.ts'
import { active, boot, removed, show, sound, until } from './story.ts'

let cloud: CloudHandle
let demo: Person
let admin: Person
before(async () => {
  const set = { 'koto.simulated_migration_ms': '60000' }
  cloud = await createCloud({ hypervisor: 'simulated', network: 'simulated', hosts: 1, set })
  ;[demo, admin] = await Promise.all([cloud.as('demo'), cloud.as('admin')])
})
after(() => cloud.stop())

interface Running {
  readonly id: number
  readonly status: string
  readonly memory_total_bytes: number | null
  readonly memory_remaining_bytes: number | null
}
const newest = { 'openstack-api-version': 'compute 2.79' }
const underWay = async (id: string): Promise<Running[]> =>
  (await admin.json<{ migrations: Running[] }>(`/compute/v2.1/servers/${id}/migrations`, { headers: newest }))
    .migrations
const hostOf = async (id: string): Promise<string> =>
  (await admin.json<{ server: { 'OS-EXT-SRV-ATTR:host': string } }>(`/compute/v2.1/servers/${id}`)).server[
    'OS-EXT-SRV-ATTR:host'
  ]
const begin = async (id: string): Promise<number> => {
  const answer = await admin.fetch(`/compute/v2.1/servers/${id}/action`, {
    body: { 'os-migrateLive': { host: null, block_migration: 'auto' } },
    headers: newest,
  })
  assert.equal(answer.status, 202, await answer.text())
  const running = await until('the way', async () => {
    const [one] = await underWay(id)
    return one?.status === 'running' && one.memory_total_bytes !== null ? one : null
  })
  assert.equal((await show(demo, id)).status, 'MIGRATING')
  assert.equal(running.memory_total_bytes, 128 * 2 ** 20)
  return running.id
}

test('called back on its way: it never left', async () => {
  const id = await boot(demo, { name: 'called-back' })
  await active(demo, id)
  const from = await hostOf(id)
  const number = await begin(id)
  const resize = await demo.fetch(`/compute/v2.1/servers/${id}/action`, { body: { resize: { flavorRef: '1' } } })
  assert.equal(resize.status, 409)
  const path = `/compute/v2.1/servers/${id}/migrations/${number}`
  const aborted = await admin.fetch(path, { method: 'DELETE', headers: newest })
  assert.equal(aborted.status, 202, await aborted.text())
  await active(demo, id)
  assert.equal(await hostOf(id), from)
  assert.deepEqual(await underWay(id), [])
  await sound(cloud)
  await removed(demo, id)
  await sound(cloud)
})

test('hurried on its way: it arrives, and its volume with it', async () => {
  const id = await boot(demo, { name: 'hurried' })
  await active(demo, id)
  const volume = await demo.json<{ volume: { id: string } }>('/volume/v3/volumes', { body: { volume: { size: 1 } } })
  const volumeId = volume.volume.id
  const inState = (wanted: string): Promise<unknown> =>
    until(`the volume ${wanted}`, async () => {
      const seen = await demo.json<{ volume: { status: string; attachments: unknown[] } }>(
        `/volume/v3/volumes/${volumeId}`,
      )
      return seen.volume.status === wanted ? seen.volume.attachments : null
    })
  await inState('available')
  await demo.json(`/compute/v2.1/servers/${id}/os-volume_attachments`, { body: { volumeAttachment: { volumeId } } })
  await inState('in-use')
  const from = await hostOf(id)
  const number = await begin(id)
  const hurried = await admin.fetch(`/compute/v2.1/servers/${id}/migrations/${number}/action`, {
    body: { force_complete: null },
    headers: newest,
  })
  assert.equal(hurried.status, 202, await hurried.text())
  await active(demo, id)
  assert.notEqual(await hostOf(id), from)
  assert.equal(((await inState('in-use')) as unknown[]).length, 1)
  await sound(cloud)
  // A resize takes the volume along, too, and back.
  const act = (body: object): Promise<Response> => demo.fetch(`/compute/v2.1/servers/${id}/action`, { body })
  assert.equal((await act({ resize: { flavorRef: '1' } })).status, 202)
  await until('the resize', async () => ((await show(demo, id)).status === 'VERIFY_RESIZE' ? true : null))
  assert.equal(((await inState('in-use')) as unknown[]).length, 1)
  await sound(cloud)
  assert.equal((await act({ revertResize: null })).status, 202)
  await until('the way back', async () => ((await show(demo, id)).status === 'ACTIVE' ? true : null))
  assert.equal(((await inState('in-use')) as unknown[]).length, 1)
  await sound(cloud)
  await removed(demo, id)
  await inState('available')
  await sound(cloud)
})
