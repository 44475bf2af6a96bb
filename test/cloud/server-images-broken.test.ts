// Images, rescues, the shelf and rebuilds that break half-way: the server is what it was, no image and no file is left.
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { Fault } from '#kernel/contract/fault.ts'
import type { Crossing, Hook } from '#kernel/crossing/crossing.ts'
import { createCloud } from '#main/library.ts'
import { act, active, become, boot, removed, settled, shelf, show, sound } from './story.ts'

test('each breaks where it can, and is undone', { timeout: 120_000 }, async () => {
  /** Which crossing breaks now. */
  let breaks: (crossing: Crossing) => boolean = () => false
  const hook: Hook = async (crossing, next) => {
    if (crossing.side === 'send' && breaks(crossing)) throw new Fault('InjectedFault', 400, 'broken on purpose')
    return next()
  }
  await using cloud = await createCloud({ hypervisor: 'simulated', network: 'simulated', hooks: [hook] })
  const demo = await cloud.as('demo')
  const { image } = await shelf(demo)
  const names = async (): Promise<string[]> =>
    (await demo.json<{ images: { name: string }[] }>('/image/v2/images')).images.map(one => one.name).sort()
  const before = await names()
  const id = await boot(demo, { name: 'steady' })
  await active(demo, id)
  const from = 'nova-compute'
  const rows: readonly (readonly [verb: string, given: unknown, breaksAt: (crossing: Crossing) => boolean])[] = [
    ['createImage', { name: 'x' }, crossing => crossing.kind === 'driver' && crossing.name === 'capture-root'],
    ['createImage', { name: 'x' }, crossing => crossing.name === 'PATCH /v2/images/{id}'],
    ['createImage', { name: 'x' }, crossing => crossing.name === 'PUT /v2/images/{id}/file'],
    [
      'createBackup',
      { name: 'x', backup_type: 'd', rotation: 1 },
      crossing => crossing.name === 'PUT /v2/images/{id}/file',
    ],
    ['shelve', null, crossing => crossing.name === 'PUT /v2/images/{id}/file'],
    ['shelve', null, crossing => crossing.kind === 'driver' && crossing.name === 'capture-root'],
    ['rescue', null, crossing => crossing.kind === 'driver' && crossing.name === 'rescue'],
    [
      'rebuild',
      { imageRef: image() },
      crossing => crossing.from.startsWith(from) && crossing.name === 'GET /v2/images/{id}',
    ],
  ]
  for (const [verb, given, breaksAt] of rows) {
    breaks = breaksAt
    const answer = await act(demo, id, verb, given)
    assert.ok(answer.status === 202 || answer.status === 200, `${verb}: ${answer.status} ${await answer.text()}`)
    const server = await settled(demo, id)
    breaks = () => false
    assert.equal(server.status, 'ACTIVE', `${verb}: ${JSON.stringify(server.fault)}`)
    assert.deepEqual(await names(), before, `${verb} left an image`)
    await sound(cloud)
  }
  await become(demo, id, 'shelve', null, 'SHELVED_OFFLOADED')
  breaks = crossing => crossing.kind === 'driver' && crossing.name === 'spawn'
  assert.equal((await act(demo, id, 'unshelve')).status, 202)
  assert.equal((await settled(demo, id)).status, 'SHELVED_OFFLOADED')
  breaks = () => false
  await sound(cloud)
  await become(demo, id, 'unshelve', null, 'ACTIVE')
  breaks = crossing => crossing.kind === 'driver' && crossing.name === 'reimage'
  assert.equal((await act(demo, id, 'rebuild', { imageRef: image() })).status, 202)
  const broken = await settled(demo, id)
  breaks = () => false
  assert.equal(broken.status, 'ERROR', 'its disks were touched')
  await become(demo, id, 'rebuild', { imageRef: image() }, 'ACTIVE')
  assert.equal((await show(demo, id)).status, 'ACTIVE')
  await removed(demo, id)
  await sound(cloud)
})
