// `koto down` and `koto up`: what ran runs again, what was stopped stays so; with --keep-guests the next up finds them as they are.
import assert from 'node:assert/strict'
import { after, test } from 'node:test'
import { active, boot, removed } from '../cloud/story.ts'
import { downAndUp, keptAndUp } from './down-and-up.ts'
import { realCloud, type RealCloud } from './real-cloud.ts'

const clouds: RealCloud[] = []
const made = (name: string): RealCloud => {
  const cloud = realCloud(name)
  clouds.push(cloud)
  return cloud
}
after(async () => {
  for (const cloud of clouds) await cloud.end()
})

test('down and up: guests that ran come back, the others stay as they were', () => downAndUp(made('down')))

test('down --keep-guests and up: adopted', () => keptAndUp(made('kept')))

test('a boot under way at SIGTERM is finished by the next up', async () => {
  const cloud = made('term')
  const pid = await cloud.up('delay:1500@step:22')
  const demo = await cloud.as('demo')
  const id = await boot(demo, { name: 'under-way' })
  const from = performance.now()
  process.kill(pid, 'SIGTERM')
  await cloud.dead()
  assert.ok(performance.now() - from < 10_000, `it took ${performance.now() - from} ms to stop`)
  await cloud.up()
  const again = await cloud.as('demo')
  await active(again, id)
  await cloud.sound()
  await removed(again, id)
  await cloud.sound()
})
