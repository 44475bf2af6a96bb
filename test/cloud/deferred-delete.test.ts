// Deletes that can be taken back; passwords and interrupts of guests; users' own quotas; images brought to hosts beforehand.
import assert from 'node:assert/strict'
import { after, before, test } from 'node:test'

import { createCloud, type CloudHandle } from '#main/library.ts'
import type { Person } from '#main/person.ts'
import { act, active, askForServer, become, boot, gone, remove, settled, show, sound, until } from './story.ts'

let cloud: CloudHandle
before(async () => {
  cloud = await createCloud({
    hypervisor: 'simulated',
    network: 'simulated',
    set: { 'nova.reclaim_instance_interval_s': '3600' },
  })
})
after(() => cloud.stop())

interface Quotas {
  readonly instances: { readonly in_use: number }
}
const used = async (who: Person): Promise<number> =>
  (await who.json<{ quota_set: Quotas }>(`/compute/v2.1/os-quota-sets/${who.projectId}/detail`)).quota_set.instances
    .in_use
const listed = async (who: Person, query = ''): Promise<string[]> =>
  (await who.json<{ servers: { id: string }[] }>(`/compute/v2.1/servers?${query}`)).servers.map(server => server.id)
const asideAfterDelete = async (who: Person, id: string): Promise<void> => {
  assert.equal((await remove(who, id)).status, 204)
  assert.equal((await settled(who, id)).status, 'SOFT_DELETED')
}

test('a deleted server waits: stopped, hidden, out of the quota; it comes back, or goes for good', async () => {
  const [admin, demo, other] = await Promise.all([cloud.as('admin'), cloud.as('demo'), cloud.as('alt_demo')])
  const id = await boot(demo, { name: 'second thoughts' })
  await active(demo, id)
  assert.equal((await act(admin, id, 'restore')).status, 409, 'nothing to restore')
  await asideAfterDelete(demo, id)
  assert.equal((await show(demo, id))['OS-EXT-STS:power_state'], 4)
  assert.deepEqual(await listed(demo), [], 'not in the list any more')
  assert.deepEqual(await listed(admin, 'all_tenants=1&deleted=true'), [id])
  assert.equal(await used(demo), 0)
  await sound(cloud)
  assert.equal((await remove(demo, id)).status, 204, 'deleted twice is deleted once')
  assert.equal((await act(demo, id, 'os-start')).status, 409)
  assert.equal((await act(other, id, 'restore')).status, 404)
  await become(demo, id, 'restore', null, 'ACTIVE')
  assert.equal(await used(demo), 1)
  await sound(cloud)
  await asideAfterDelete(demo, id)
  assert.equal((await act(admin, id, 'forceDelete')).status, 202)
  await gone(demo, id)
  assert.equal(await used(demo), 0)
  await sound(cloud)
})

test('no room, no way back: restore is 403 and the server goes on waiting', async () => {
  const [admin, demo] = await Promise.all([cloud.as('admin'), cloud.as('demo')])
  const quota = async (instances: number): Promise<unknown> =>
    admin.json(`/compute/v2.1/os-quota-sets/${demo.projectId}`, { method: 'PUT', body: { quota_set: { instances } } })
  const id = await boot(demo)
  await active(demo, id)
  await asideAfterDelete(demo, id)
  await quota(0)
  assert.equal((await act(demo, id, 'restore')).status, 403)
  assert.equal((await show(demo, id)).status, 'SOFT_DELETED')
  await quota(10)
  await act(admin, id, 'forceDelete')
  await gone(demo, id)
  await sound(cloud)
})

test("a user's own quota is counted when servers are made", async () => {
  const [admin, demo] = await Promise.all([cloud.as('admin'), cloud.as('demo')])
  const id = await boot(demo)
  const { user_id: userId } = (await active(demo, id)) as unknown as { user_id: string }
  const at = `/compute/v2.1/os-quota-sets/${demo.projectId}?user_id=${userId}`
  await admin.json(at, { method: 'PUT', body: { quota_set: { instances: 1 } } })
  const answer = await askForServer(demo)
  assert.equal(answer.status, 403)
  assert.match(await answer.text(), /Quota exceeded for instances: Requested 1, but already used 1 of 1 instances/)
  assert.equal((await admin.fetch(at, { method: 'DELETE' })).status, 202)
  const second = await boot(demo)
  for (const one of [id, second]) {
    await active(demo, one)
    await act(admin, one, 'forceDelete')
    await gone(demo, one)
  }
  await sound(cloud)
})

test('the disk is laid out as asked for, and changed later', async () => {
  const [admin, demo] = await Promise.all([cloud.as('admin'), cloud.as('demo')])
  const config = async (id: string): Promise<unknown> =>
    ((await show(demo, id)) as unknown as Record<string, unknown>)['OS-DCF:diskConfig']
  const id = await boot(demo, { more: { 'OS-DCF:diskConfig': 'AUTO' } })
  await active(demo, id)
  assert.equal(await config(id), 'AUTO')
  await demo.json(`/compute/v2.1/servers/${id}`, { method: 'PUT', body: { server: { 'OS-DCF:diskConfig': 'MANUAL' } } })
  assert.equal(await config(id), 'MANUAL')

  // What else there is to do to a server that runs.
  assert.equal((await act(demo, id, 'changePassword', { adminPass: 'new' })).status, 202)
  assert.equal((await act(demo, id, 'changePassword', { adminPass: 5 })).status, 400)
  assert.equal((await act(demo, id, 'changePassword', {})).status, 400)
  assert.equal((await show(demo, id))['OS-EXT-STS:task_state'], null)
  const dump = (): Promise<Response> =>
    demo.fetch(`/compute/v2.1/servers/${id}/action`, {
      body: { trigger_crash_dump: null },
      headers: { 'openstack-api-version': 'compute 2.17' },
    })
  assert.equal((await act(demo, id, 'trigger_crash_dump')).status, 404, 'not before 2.17')
  assert.equal((await dump()).status, 202)
  await until('the interrupt in the log', async () => {
    const answer = await act(demo, id, 'os-getConsoleOutput', {})
    return (await answer.text()).includes('NMI received') ? true : null
  })
  await become(demo, id, 'os-stop', null, 'SHUTOFF')
  assert.equal((await act(demo, id, 'changePassword', { adminPass: 'new' })).status, 409)
  assert.equal((await dump()).status, 409)
  await act(admin, id, 'forceDelete')
  await gone(demo, id)
  await sound(cloud)
})
