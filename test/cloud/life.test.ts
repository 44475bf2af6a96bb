// A server's life through the API: power verbs, quota under a crowd, strangers and readers, two clouds in one process.
import assert from 'node:assert/strict'
import { after, before, test } from 'node:test'
import { createCloud, type CloudHandle } from '#main/library.ts'
import { act, active, askForServer, become, boot, remove, removed, settled, show, sound } from './story.ts'

let cloud: CloudHandle
before(async () => {
  cloud = await createCloud({ hypervisor: 'simulated', network: 'simulated' })
})
after(() => cloud.stop())

test('stop, start, reboot, pause, suspend and back', async () => {
  const demo = await cloud.as('demo')
  const id = await boot(demo, { name: 'lively' })
  await active(demo, id)
  await become(demo, id, 'os-stop', null, 'SHUTOFF')
  assert.equal((await show(demo, id))['OS-EXT-STS:power_state'], 4)
  assert.equal((await act(demo, id, 'os-stop')).status, 409, 'stopped twice')
  assert.equal((await act(demo, id, 'pause')).status, 409, 'paused while stopped')
  await sound(cloud)
  await become(demo, id, 'os-start', null, 'ACTIVE')
  await become(demo, id, 'reboot', { type: 'SOFT' }, 'ACTIVE')
  await become(demo, id, 'reboot', { type: 'HARD' }, 'ACTIVE')
  await become(demo, id, 'pause', null, 'PAUSED')
  await sound(cloud)
  await become(demo, id, 'unpause', null, 'ACTIVE')
  await become(demo, id, 'suspend', null, 'SUSPENDED')
  await sound(cloud)
  await become(demo, id, 'resume', null, 'ACTIVE')
  assert.equal((await show(demo, id))['OS-EXT-STS:power_state'], 1)
  await sound(cloud)
  await removed(demo, id)
  await sound(cloud)
})

test('twenty ask at once where four fit: exactly four get one, the others are told why', async () => {
  const [admin, demo] = await Promise.all([cloud.as('admin'), cloud.as('demo')])
  const quota = async (instances: number): Promise<unknown> =>
    admin.json(`/compute/v2.1/os-quota-sets/${demo.projectId}`, {
      method: 'PUT',
      body: { quota_set: { instances } },
    })
  await quota(4)
  const answers = await Promise.all(
    Array.from({ length: 20 }, (_, index) => askForServer(demo, { name: `crowd-${index}` })),
  )
  const made: string[] = []
  for (const answer of answers) {
    const text = await answer.text()
    if (answer.status === 202) made.push((JSON.parse(text) as { server: { id: string } }).server.id)
    else {
      assert.equal(answer.status, 403, text)
      assert.match(text, /Quota exceeded for instances: Requested 1, but already used 4 of 4 instances/)
    }
  }
  assert.equal(made.length, 4)
  for (const id of made) await active(demo, id)
  await sound(cloud)
  await removed(demo, ...made)
  const again = await boot(demo, { name: 'room-again' })
  await active(demo, again)
  await removed(demo, again)
  await sound(cloud)
  await quota(10)
})

test('more than there could ever be are refused at once', async () => {
  const demo = await cloud.as('demo')
  for (const more of [{ max_count: 9_007_199_254_740_991 }, { min_count: 2_000_000_000 }]) {
    const answer = await askForServer(demo, { name: 'legion', more })
    assert.equal(answer.status, 403, await answer.text())
  }
  await sound(cloud)
})

test('a stranger sees nothing, a reader sees and may not do', async () => {
  const [demo, stranger, reader] = await Promise.all(['demo', 'alt_demo', 'demo_reader'].map(user => cloud.as(user)))
  assert.ok(demo !== undefined && stranger !== undefined && reader !== undefined)
  const id = await boot(demo, { name: 'private' })
  await active(demo, id)
  const absent = '00000000-0000-4000-8000-000000000000'
  for (const method of ['GET', 'DELETE', 'PUT']) {
    const ask = async (which: string): Promise<{ status: number; text: string }> => {
      const answer = await stranger.fetch(`/compute/v2.1/servers/${which}`, {
        method,
        ...(method === 'PUT' ? { body: { server: { name: 'mine' } } } : {}),
      })
      return { status: answer.status, text: (await answer.text()).replaceAll(which, 'ID') }
    }
    const hidden = await ask(id)
    assert.equal(hidden.status, 404, method)
    assert.deepEqual(hidden, await ask(absent), `${method}: as if it did not exist`)
  }
  assert.equal((await act(stranger, id, 'os-stop')).status, 404)
  const listed = await stranger.json<{ servers: unknown[] }>('/compute/v2.1/servers')
  assert.deepEqual(listed.servers, [])

  assert.equal((await show(reader, id)).status, 'ACTIVE')
  assert.equal((await remove(reader, id)).status, 403)
  assert.equal((await act(reader, id, 'os-stop')).status, 403)
  assert.equal((await askForServer(reader, { name: 'by-a-reader' })).status, 403)
  assert.equal((await settled(demo, id)).status, 'ACTIVE')
  await removed(demo, id)
  await sound(cloud)
})

test('two clouds side by side in one process know nothing of each other', async () => {
  await using other = await createCloud({ hypervisor: 'simulated', network: 'simulated' })
  assert.notEqual(other.door, cloud.door)
  const [here, there] = await Promise.all([cloud.as('demo'), other.as('demo')])
  const [one, two] = await Promise.all([boot(here, { name: 'twin' }), boot(there, { name: 'twin' })])
  await Promise.all([active(here, one), active(there, two)])
  assert.equal((await there.fetch(`/compute/v2.1/servers/${one}`)).status, 404)
  assert.equal((await other.fetch('/compute/v2.1/servers', { headers: { 'x-auth-token': here.token } })).status, 401)
  await Promise.all([sound(cloud), sound(other)])
  await other.stop()
  assert.equal((await show(here, one)).status, 'ACTIVE', 'the end of one is no matter to the other')
  await removed(here, one)
  await sound(cloud)
})
