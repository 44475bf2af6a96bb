// The two ways down, on whatever hypervisor the cloud has.
import assert from 'node:assert/strict'
import { active, become, boot, removed, settled, show, until } from '../cloud/story.ts'
import type { RealCloud } from './real-cloud.ts'

const guestPid = async (cloud: RealCloud, id: string): Promise<number | null> =>
  (await cloud.control.status()).guests.find(guest => guest.id === id)?.pid ?? null

/** Servers of every kind, a `koto down`, a `koto up`. */
export async function downAndUp(cloud: RealCloud): Promise<void> {
  await cloud.up()
  const demo = await cloud.as('demo')
  const ids = await Promise.all(['runs', 'stands', 'waits', 'sleeps'].map(name => boot(demo, { name })))
  const [runs = '', stands = '', waits = '', sleeps = ''] = ids
  for (const id of ids) await active(demo, id)
  await become(demo, stands, 'os-stop', null, 'SHUTOFF')
  await become(demo, waits, 'pause', null, 'PAUSED')
  await become(demo, sleeps, 'suspend', null, 'SUSPENDED')
  await cloud.sound()
  assert.equal((await cloud.koto('down')).code, 0)
  assert.equal((await cloud.koto('status')).code, 3)

  await cloud.up()
  const again = await cloud.as('demo')
  const here = await settled(again, runs)
  assert.equal(here.status, 'ACTIVE', JSON.stringify(here.fault))
  assert.equal(here['OS-EXT-STS:power_state'], 1)
  assert.equal((await show(again, stands)).status, 'SHUTOFF')
  // What a paused guest had in memory is gone with its process.
  await until('the paused one to be SHUTOFF', async () =>
    (await show(again, waits)).status === 'SHUTOFF' ? true : null,
  )
  assert.equal((await show(again, sleeps)).status, 'SUSPENDED')
  await cloud.sound()
  await become(again, stands, 'os-start', null, 'ACTIVE')
  await become(again, waits, 'os-start', null, 'ACTIVE')
  await become(again, sleeps, 'resume', null, 'ACTIVE')
  await become(again, runs, 'os-stop', null, 'SHUTOFF')
  await cloud.sound()
  await removed(again, ...ids)
  await cloud.sound()
}

/** A guest runs on while nobody is in control, also through a kill -9, and belongs to the next cloud. */
export async function keptAndUp(cloud: RealCloud): Promise<void> {
  await cloud.up()
  const demo = await cloud.as('demo')
  const id = await boot(demo, { name: 'stays', networks: ['private', 'shared'] })
  await active(demo, id)
  for (const leave of [() => cloud.koto('down', '--keep-guests'), () => cloud.kill()]) {
    const pid = await guestPid(cloud, id) // a reboot is a new process
    await leave()
    await cloud.dead()
    await cloud.up()
    const again = await cloud.as('demo')
    await active(again, id)
    assert.equal(await guestPid(cloud, id), pid, 'the same guest')
    await cloud.sound()
    await become(again, id, 'reboot', { type: 'SOFT' }, 'ACTIVE')
    await cloud.sound()
  }
  await removed(await cloud.as('demo'), id)
  await cloud.sound()
}
