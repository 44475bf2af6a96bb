// Servers and images: snapshots and backups, rebuilds, rescues, the shelf; what is refused, and that nothing is left behind.
import assert from 'node:assert/strict'
import { after, before, test } from 'node:test'
import { createCloud, type CloudHandle } from '#main/library.ts'
import type { Person } from '#main/person.ts'
import { act, active, become, boot, removed, settled, shelf, show, sound, until } from './story.ts'

interface Image {
  readonly id: string
  readonly name: string
  readonly status: string
  readonly [property: string]: unknown
}

let cloud: CloudHandle
before(async () => {
  cloud = await createCloud({ hypervisor: 'simulated', network: 'simulated' })
})
after(() => cloud.stop())

const at = (version: string): Record<string, string> => ({ 'openstack-api-version': `compute ${version}` })
const actAt = (who: Person, id: string, version: string, body: object): Promise<Response> =>
  who.fetch(`/compute/v2.1/servers/${id}/action`, { body, headers: at(version) })
const images = async (who: Person): Promise<readonly Image[]> =>
  (await who.json<{ images: Image[] }>('/image/v2/images')).images
const image = (who: Person, id: string): Promise<Image> => who.json<Image>(`/image/v2/images/${id}`)
const drop = (who: Person, id: string): Promise<Response> => who.fetch(`/image/v2/images/${id}`, { method: 'DELETE' })

test('a snapshot says whence it comes, boots, and may go while its server lives', async () => {
  const demo = await cloud.as('demo')
  const { image: named } = await shelf(demo)
  const id = await boot(demo, { name: 'model' })
  await active(demo, id)
  const older = await actAt(demo, id, '2.44', { createImage: { name: 'one', metadata: { mine: 'yes' } } })
  assert.equal(older.status, 202)
  const first = older.headers.get('location')?.split('/').at(-1) ?? ''
  await settled(demo, id)
  const newer = await actAt(demo, id, '2.45', { createImage: { name: 'two' } })
  assert.equal(newer.headers.get('location'), null)
  const { image_id: second } = (await newer.json()) as { image_id: string }
  await settled(demo, id)
  const made = await image(demo, first)
  assert.equal(made.status, 'active')
  const { instance_uuid, base_image_ref, image_type, mine, visibility, owner, owner_user_name, boot_roles } = made
  assert.deepEqual(
    { instance_uuid, base_image_ref, image_type, mine, visibility, owner, owner_user_name },
    {
      ...{ instance_uuid: id, base_image_ref: named(), image_type: 'snapshot', mine: 'yes' },
      ...{ visibility: 'private', owner: demo.projectId, owner_user_name: 'demo' },
    },
  )
  assert.match(String(boot_roles), /member/)
  const again = await boot(demo, { name: 'again', more: { imageRef: first } })
  await active(demo, again)
  await drop(demo, first)
  await become(demo, again, 'reboot', { type: 'HARD' }, 'ACTIVE')
  await drop(demo, second)
  await sound(cloud)
  await removed(demo, id, again)
  await sound(cloud)
})

test('of each kind of backup as many are kept as were asked for', async () => {
  const demo = await cloud.as('demo')
  const id = await boot(demo, { name: 'kept' })
  await active(demo, id)
  for (const name of ['monday', 'tuesday', 'wednesday']) {
    const backup = { name, backup_type: 'daily', rotation: 2 }
    assert.equal((await act(demo, id, 'createBackup', backup)).status, 202)
    await settled(demo, id)
  }
  const left = (await images(demo)).filter(one => one['backup_type'] === 'daily')
  assert.deepEqual(left.map(one => one.name).sort(), ['tuesday', 'wednesday'])
  for (const one of left) await drop(demo, one.id)
  await removed(demo, id)
  await sound(cloud)
})

test('a rebuild changes what it may, and a stopped server stays stopped', async () => {
  const demo = await cloud.as('demo')
  const { image: named } = await shelf(demo)
  const id = await boot(demo, { name: 'before' })
  const { addresses } = await active(demo, id)
  const rebuild = {
    imageRef: named(),
    name: 'after',
    metadata: { a: 'b' },
    accessIPv4: '192.0.2.1',
    description: 'new',
  }
  const answer = await actAt(demo, id, '2.90', { rebuild: { ...rebuild, user_data: 'aGk=', hostname: 'other' } })
  assert.equal(answer.status, 202)
  const { server } = (await answer.json()) as { server: Record<string, unknown> }
  assert.equal(server['status'], 'REBUILD')
  assert.equal(server['user_data'], 'aGk=')
  assert.equal(typeof server['adminPass'], 'string')
  const now = await active(demo, id)
  assert.equal(now.name, 'after')
  assert.deepEqual(now.addresses, addresses)
  await become(demo, id, 'os-stop', null, 'SHUTOFF')
  await become(demo, id, 'rebuild', { imageRef: named() }, 'SHUTOFF')
  await become(demo, id, 'os-start', null, 'ACTIVE')
  await removed(demo, id)
  await sound(cloud)
})

test('a rescue and the way back; meanwhile nothing else can be done', async () => {
  const demo = await cloud.as('demo')
  const id = await boot(demo, { name: 'sick' })
  await active(demo, id)
  const answer = await act(demo, id, 'rescue', { adminPass: 'let me in' })
  assert.equal(answer.status, 200)
  assert.deepEqual(await answer.json(), { adminPass: 'let me in' })
  assert.equal((await settled(demo, id)).status, 'RESCUE')
  for (const verb of ['os-start', 'pause', 'rescue', 'shelve'])
    assert.equal((await act(demo, id, verb)).status, 409, verb)
  await sound(cloud)
  await become(demo, id, 'unrescue', null, 'ACTIVE')
  await removed(demo, id)
  await sound(cloud)
})

test('a shelved server holds no place, comes back where it is told, and leaves no image', async () => {
  const [admin, demo] = await Promise.all([cloud.as('admin'), cloud.as('demo')])
  const id = await boot(demo, { name: 'stored' })
  await active(demo, id)
  await become(demo, id, 'shelve', null, 'SHELVED_OFFLOADED')
  assert.equal((await images(demo)).filter(one => one.name === 'stored-shelved').length, 1)
  await sound(cloud)
  assert.equal((await actAt(demo, id, '2.77', { unshelve: {} })).status, 400)
  assert.equal((await actAt(demo, id, '2.77', { unshelve: { availability_zone: 'nowhere' } })).status, 400)
  assert.equal((await actAt(demo, id, '2.91', { unshelve: { host: 'any' } })).status, 403)
  assert.equal((await actAt(admin, id, '2.91', { unshelve: { host: 'nobody' } })).status, 400)
  assert.equal((await actAt(demo, id, '2.77', { unshelve: { availability_zone: 'nova' } })).status, 202)
  await active(demo, id)
  await until('the end of the shelved image', async () =>
    (await images(demo)).every(one => one.name !== 'stored-shelved') ? true : null,
  )
  await become(demo, id, 'shelve', null, 'SHELVED_OFFLOADED')
  await removed(demo, id)
  assert.ok(
    (await images(demo)).every(one => one.name !== 'stored-shelved'),
    'the image went with its server',
  )
  await sound(cloud)
})

test('a server on a volume: its image is snapshots, it is rebuilt from the same image, and shelved without an image', async () => {
  const demo = await cloud.as('demo')
  const { image: named } = await shelf(demo)
  const root = {
    ...{ boot_index: 0, uuid: named(), source_type: 'image', destination_type: 'volume', volume_size: 1 },
    delete_on_termination: true,
  }
  const id = await boot(demo, { name: 'deep', more: { imageRef: '', block_device_mapping_v2: [root] } })
  await active(demo, id)
  assert.equal((await act(demo, id, 'createBackup', { name: 'x', backup_type: 'y', rotation: 1 })).status, 400)
  assert.equal((await act(demo, id, 'rescue')).status, 400)
  const answer = await actAt(demo, id, '2.45', { createImage: { name: 'deep-image' } })
  const text = await answer.text()
  assert.equal(answer.status, 202, text)
  const made = await image(demo, (JSON.parse(text) as { image_id: string }).image_id)
  assert.equal(made.status, 'active')
  assert.equal(made['size'], 0)
  const [mapping] = JSON.parse(String(made['block_device_mapping'])) as Record<string, unknown>[]
  assert.equal(mapping?.['source_type'], 'snapshot')
  assert.equal(mapping?.['boot_index'], 0)
  const snapshots = (): Promise<{ snapshots: { id: string; status: string }[] }> =>
    demo.json<{ snapshots: { id: string; status: string }[] }>('/volume/v3/snapshots')
  const snapshot = String(mapping?.['snapshot_id'])
  await until('the snapshot', async () =>
    (await snapshots()).snapshots.some(one => one.id === snapshot && one.status === 'available') ? true : null,
  )
  const again = await boot(demo, { name: 'deeper', more: { imageRef: made.id } })
  await active(demo, again)
  await become(demo, id, 'rebuild', { imageRef: named() }, 'ACTIVE')
  await become(demo, id, 'shelve', null, 'SHELVED_OFFLOADED')
  await sound(cloud)
  await become(demo, id, 'unshelve', null, 'ACTIVE')
  await sound(cloud)
  await removed(demo, id, again)
  await drop(demo, made.id)
  await demo.fetch(`/volume/v3/snapshots/${snapshot}`, { method: 'DELETE' })
  await until('the end of the snapshot', async () => ((await snapshots()).snapshots.length === 0 ? true : null))
  // A volume with a snapshot outlives its server, as upstream, and is its owner's.
  for (const { id: volume } of (await demo.json<{ volumes: { id: string }[] }>('/volume/v3/volumes')).volumes)
    await demo.fetch(`/volume/v3/volumes/${volume}`, { method: 'DELETE' })
  await sound(cloud)
})

test('a snapshot that is overtaken by a delete leaves neither image nor file', async () => {
  const demo = await cloud.as('demo')
  const id = await boot(demo, { name: 'short' })
  await active(demo, id)
  assert.equal((await act(demo, id, 'createImage', { name: 'never' })).status, 202)
  await removed(demo, id)
  const left = (await images(demo)).filter(one => one.name === 'never' && one.status !== 'active')
  assert.deepEqual(left, [])
  for (const one of (await images(demo)).filter(found => found.name === 'never')) await drop(demo, one.id)
  await sound(cloud)
})

test('what makes no sense is refused, and changes nothing', async () => {
  const [demo, stranger] = await Promise.all([cloud.as('demo'), cloud.as('alt_demo')])
  const { image: named } = await shelf(demo)
  const id = await boot(demo, { name: 'calm' })
  await active(demo, id)
  const nobody = '00000000-0000-4000-8000-000000000000'
  for (const [verb, given, status] of [
    ['createImage', {}, 400],
    ['createImage', { name: '' }, 400],
    ['createImage', { name: 'x'.repeat(256) }, 400],
    ['createImage', { name: 'x', metadata: { k: 'v'.repeat(256) } }, 400],
    ['createImage', { name: 'x', surprise: 1 }, 400],
    ['createBackup', { name: 'x', backup_type: 'daily' }, 400],
    ['createBackup', { name: 'x', backup_type: 'daily', rotation: -1 }, 400],
    ['rebuild', {}, 400],
    ['rebuild', { imageRef: 'no-uuid' }, 400],
    ['rebuild', { imageRef: nobody }, 400],
    ['rebuild', { imageRef: named(), name: 'nul\0' }, 400],
    ['rebuild', { imageRef: named(), accessIPv4: 'eight.eight' }, 400],
    ['rebuild', { imageRef: named(), user_data: 'aGk=' }, 400],
    ['rescue', { rescue_image_ref: nobody }, 400],
    ['rescue', { surprise: true }, 400],
    ['unrescue', null, 409],
    ['unshelve', null, 409],
    ['shelveOffload', null, 403],
  ] as const) {
    const answer = await act(demo, id, verb, given)
    assert.equal(answer.status, status, `${verb} ${JSON.stringify(given)}: ${await answer.text()}`)
  }
  for (const [verb, given] of [
    ['createImage', { name: 'x' }],
    ['rebuild', { imageRef: named() }],
    ['rescue', null],
    ['shelve', null],
  ] as const) {
    assert.equal((await act(stranger, id, verb, given)).status, 404, verb)
    assert.equal((await act(demo, nobody, verb, given)).status, 404, verb)
  }
  assert.equal((await show(demo, id)).status, 'ACTIVE')
  await removed(demo, id)
  await sound(cloud)
})
