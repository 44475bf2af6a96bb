// One cell of the kill matrix: up with a fault, a boot, the death, up again, and what must be true from then on.
import assert from 'node:assert/strict'
import { STEP_TITLES } from '#kernel/crossing/story.ts'
import type { Person } from '#main/person.ts'
import { askForServer, removed, settled, type BootWish } from '../cloud/story.ts'
import type { RealCloud } from './real-cloud.ts'

/** `look`: at what else there is to see when all is well again. Throws when a promise is broken. The cloud is left dead, with an empty state, for the next cell. */
export async function killedAt(
  cloud: RealCloud,
  step: number,
  when: 'before' | 'after',
  wish: BootWish = {},
  look: () => Promise<void> = async () => undefined,
): Promise<void> {
  const name = `killed-${when}-${step}`
  await cloud.up(`kill@step:${step}:${when}`)
  const accepted = await askForServer(await cloud.as('demo'), { ...wish, name })
    .then(answer => answer.status)
    .catch(() => null) // the connection broke with the process
  assert.ok(accepted === null || accepted === 202, `the POST was answered ${accepted}`)
  const where = await cloud.dead()
  assert.match(where, new RegExp(`\\(${when}\\)$`), 'where it died')

  await cloud.up()
  const demo = await cloud.as('demo')
  const ids = await named(demo, name)
  // Before the row is written there is nothing to keep, and the client was told so.
  if (step === 7 && when === 'before') assert.deepEqual(ids, [])
  else assert.equal(ids.length, 1, `one server, not ${ids.length}, after a death at ${where}: ${STEP_TITLES[step - 1]}`)
  for (const id of ids) {
    const server = await settled(demo, id)
    assert.equal(server.status, 'ACTIVE', `after a death at ${where}: ${server.status} ${JSON.stringify(server.fault)}`)
  }
  await look()
  await cloud.sound()
  await removed(demo, ...ids)
  await cloud.sound()
  await cloud.kill()
}

const named = async (who: Person, name: string): Promise<string[]> =>
  (await who.json<{ servers: { id: string; name: string }[] }>(`/compute/v2.1/servers?name=${name}`)).servers.map(
    server => server.id,
  )
