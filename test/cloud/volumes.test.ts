// Volumes in a whole cloud: attached, grown and snapshotted in use, booted from, refused by quota, gone with their server.
import assert from 'node:assert/strict'
import { after, before, test } from 'node:test'
import { createCloud, type CloudHandle } from '#main/library.ts'
import type { Person } from '#main/person.ts'
import { active, boot, remove, removed, settled, shelf, show, sound, until } from './story.ts'

interface VolumeView {
  readonly id: string
  readonly status: string
  readonly size: number
  readonly bootable: string
  readonly attachments: readonly { readonly server_id: string; readonly device: string }[]
}

let cloud: CloudHandle
before(async () => {
  cloud = await createCloud({ hypervisor: 'simulated', network: 'simulated' })
})
after(() => cloud.stop())

const at = { 'openstack-api-version': 'volume 3.70' }
const look = async (who: Person, id: string): Promise<VolumeView | null> => {
  const answer = await who.fetch(`/volume/v3/volumes/${id}`, { headers: at })
  const text = await answer.text()
  return answer.status === 404 ? null : (JSON.parse(text) as { volume: VolumeView }).volume
}
const become = (who: Person, id: string, status: string): Promise<VolumeView> =>
  until(`volume ${id} in ${status}`, async () => {
    const volume = await look(who, id)
    assert.ok(
      volume === null || status === 'error' || !volume.status.startsWith('error'),
      `it is ${volume?.status ?? ''}`,
    )
    return volume?.status === status ? volume : null
  })
const gone = (who: Person, id: string): Promise<true> =>
  until(`the end of volume ${id}`, async () => ((await look(who, id)) === null ? true : null))
const make = async (who: Person, volume: object): Promise<string> => {
  const answer = await who.fetch('/volume/v3/volumes', { headers: at, body: { volume } })
  const text = await answer.text()
  assert.equal(answer.status, 202, text)
  const { id } = (JSON.parse(text) as { volume: { id: string } }).volume
  await become(who, id, 'available')
  return id
}
const drop = async (who: Person, id: string): Promise<void> => {
  assert.equal((await who.fetch(`/volume/v3/volumes/${id}`, { method: 'DELETE' })).status, 202)
  await gone(who, id)
}
const attach = (who: Person, server: string, volumeId: string): Promise<Response> =>
  who.fetch(`/compute/v2.1/servers/${server}/os-volume_attachments`, { body: { volumeAttachment: { volumeId } } })

test('attached, grown, snapshotted and detached', async () => {
  const demo = await cloud.as('demo')
  const server = await boot(demo, { name: 'with-volume' })
  const volume = await make(demo, { size: 1, name: 'v' })
  await active(demo, server)
  assert.equal((await attach(demo, server, volume)).status, 200)
  const held = await become(demo, volume, 'in-use')
  assert.deepEqual(
    held.attachments.map(one => one.server_id),
    [server],
  )
  await settled(demo, server)
  await sound(cloud)
  assert.equal((await demo.fetch(`/volume/v3/volumes/${volume}`, { method: 'DELETE' })).status, 400)
  assert.equal((await attach(demo, server, volume)).status, 400)

  const grow = await demo.fetch(`/volume/v3/volumes/${volume}/action`, {
    headers: at,
    body: { 'os-extend': { new_size: 2 } },
  })
  assert.equal(grow.status, 202, await grow.text())
  await until('the growth', async () => {
    const now = await look(demo, volume)
    return now?.status === 'in-use' && now.size === 2 ? now : null
  })
  const snapped = await demo.fetch('/volume/v3/snapshots', {
    headers: at,
    body: { snapshot: { volume_id: volume, name: 's' } },
  })
  const { id } = ((await snapped.json()) as { snapshot: { id: string } }).snapshot
  await until('the snapshot', async () => {
    const { snapshot } = await demo.json<{ snapshot: { status: string } }>(`/volume/v3/snapshots/${id}`)
    return snapshot.status === 'available' ? true : null
  })
  await sound(cloud)

  // The person's own way to let go of it is Nova.
  const { attachments } = await demo.json<{ attachments: { id: string }[] }>(
    `/volume/v3/attachments?volume_id=${volume}`,
    { headers: at },
  )
  const mine = await demo.fetch(`/volume/v3/attachments/${attachments[0]?.id ?? ''}`, { method: 'DELETE', headers: at })
  assert.equal(mine.status, 409)
  const detach = await demo.fetch(`/compute/v2.1/servers/${server}/os-volume_attachments/${volume}`, {
    method: 'DELETE',
  })
  assert.equal(detach.status, 202)
  await become(demo, volume, 'available')
  await removed(demo, server)
  assert.equal((await demo.fetch(`/volume/v3/snapshots/${id}`, { method: 'DELETE' })).status, 202)
  await until('the end of the snapshot', async () =>
    (await demo.fetch(`/volume/v3/snapshots/${id}`)).status === 404 ? true : null,
  )
  await drop(demo, volume)
  await sound(cloud)
})

test('a server that boots from a volume made of an image; both go together', async () => {
  const demo = await cloud.as('demo')
  const { image } = await shelf(demo)
  const server = await boot(demo, {
    name: 'from-volume',
    more: {
      imageRef: '',
      block_device_mapping_v2: [
        {
          boot_index: 0,
          uuid: image(),
          source_type: 'image',
          destination_type: 'volume',
          volume_size: 1,
          delete_on_termination: true,
        },
      ],
    },
  })
  await active(demo, server)
  const { volumes } = await demo.json<{ volumes: VolumeView[] }>('/volume/v3/volumes/detail')
  assert.deepEqual(
    volumes.map(one => [one.status, one.bootable, one.attachments[0]?.server_id]),
    [['in-use', 'true', server]],
    'it is the person’s own',
  )
  await sound(cloud)
  await removed(demo, server)
  await gone(demo, volumes[0]?.id ?? '')
  await sound(cloud)
})

test('a server deleted with a volume attached gives it back', async () => {
  const demo = await cloud.as('demo')
  const server = await boot(demo, { name: 'passing' })
  const volume = await make(demo, { size: 1 })
  await active(demo, server)
  assert.equal((await attach(demo, server, volume)).status, 200)
  await become(demo, volume, 'in-use')
  await settled(demo, server)
  await removed(demo, server)
  await become(demo, volume, 'available')
  await drop(demo, volume)
  await sound(cloud)
})

test('the quota of volumes is the person’s, also when Nova makes them', async () => {
  const [admin, demo] = await Promise.all([cloud.as('admin'), cloud.as('demo')])
  const quota = (volumes: number): Promise<unknown> =>
    admin.json(`/volume/v3/os-quota-sets/${demo.projectId}`, { method: 'PUT', body: { quota_set: { volumes } } })
  await quota(0)
  const { image } = await shelf(demo)
  const server = await boot(demo, {
    name: 'too-much',
    more: {
      imageRef: '',
      block_device_mapping_v2: [
        { boot_index: 0, uuid: image(), source_type: 'image', destination_type: 'volume', volume_size: 1 },
      ],
    },
  })
  await settled(demo, server)
  const failed = await show(demo, server)
  assert.equal(failed.status, 'ERROR')
  assert.match(failed.fault?.message ?? '', /VolumeLimitExceeded|quota/i)
  assert.equal((await remove(demo, server)).status, 204)
  await until('its end', async () =>
    (await demo.fetch(`/compute/v2.1/servers/${server}`)).status === 404 ? true : null,
  )
  await quota(10)
  await sound(cloud)
})
