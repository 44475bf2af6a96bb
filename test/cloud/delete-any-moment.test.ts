// A person who changes his mind: deletes at every moment of a boot, and of other operations. The end is always 404, and nothing is left.
import assert from 'node:assert/strict'
import { setTimeout as pause } from 'node:timers/promises'
import { test } from 'node:test'
import type { Crossing, Hook } from '#kernel/crossing/crossing.ts'
import { createCloud } from '#main/library.ts'
import { act, active, boot, gone, remove, removed, sound } from './story.ts'

test('deleted after a while, whatever it is doing: 404 in the end, zero residue', async () => {
  await using cloud = await createCloud({ hypervisor: 'simulated', network: 'simulated', hosts: 1 })
  const [demo, admin] = await Promise.all([cloud.as('demo'), cloud.as('admin')])
  const quota_set = { instances: 100, cores: 100, ram: -1 }
  await admin.json(`/compute/v2.1/os-quota-sets/${demo.projectId}`, { method: 'PUT', body: { quota_set } })
  const before = (await demo.json<{ ports: unknown[] }>('/networking/v2.0/ports')).ports.length
  const one = async (index: number): Promise<void> => {
    const id = await boot(demo, { name: `brief-${index}`, networks: ['private', 'shared'] })
    await pause((index * 7) % 150)
    assert.equal((await remove(demo, id)).status, 204)
    const twice = await remove(demo, id)
    assert.ok(twice.status === 204 || twice.status === 404, `a second delete: ${twice.status}`)
    await gone(demo, id)
  }
  for (let round = 0; round < 6; round++) await Promise.all([0, 1, 2, 3].map(n => one(round * 4 + n)))
  await sound(cloud)
  assert.equal((await demo.json<{ ports: unknown[] }>('/networking/v2.0/ports')).ports.length, before)
  const { limits } = await demo.json<{ limits: { absolute: Record<string, number> } }>('/compute/v2.1/limits')
  assert.equal(limits.absolute['totalInstancesUsed'], 0)
})

test('deleted exactly at each crossing of its boot: 404 in the end, zero residue', { timeout: 170_000 }, async () => {
  /** Called at each crossing on behalf of a server while it boots. */
  let at: (crossing: Crossing) => Promise<void> = async () => undefined
  const watch: Hook = async (crossing, next) => {
    await at(crossing)
    return next()
  }
  await using cloud = await createCloud({ hypervisor: 'simulated', network: 'simulated', hooks: [watch] })
  const demo = await cloud.as('demo')
  const taken = (crossing: Crossing): boolean => crossing.side === 'send' && crossing.kind !== 'rest'
  let deaths = 0
  for (let n = 1; ; n += 1) {
    let count = 0
    let asked: Promise<Response> | undefined
    let id: string | undefined
    at = async crossing => {
      if (crossing.from === 'nova-api' || !taken(crossing)) return
      if (asked !== undefined || crossing.subject === undefined || !/^[0-9a-f-]{36}$/.test(crossing.subject)) return
      count += 1
      if (count !== n) return
      const subject = crossing.subject
      asked = remove(demo, subject)
      await Promise.race([asked, pause(2000)]) // the delete is written down while the boot stands at this crossing
    }
    id = await boot(demo, { name: `cut-${n}` })
    if (await finished(() => asked !== undefined, demo, id)) {
      const answer = await asked
      assert.equal(answer?.status, 204, `crossing ${n}`)
      deaths += 1
      at = async () => undefined
      await gone(demo, id)
      await sound(cloud)
      continue
    }
    at = async () => undefined
    await removed(demo, id)
    break
  }
  assert.ok(deaths >= 30, `${deaths} moments`)
  await sound(cloud)
})

/** True as soon as `said`; false when the server is ACTIVE without it. */
async function finished(said: () => boolean, who: Parameters<typeof active>[0], id: string): Promise<boolean> {
  for (;;) {
    if (said()) return true
    const answer = await who.fetch(`/compute/v2.1/servers/${id}`)
    const text = await answer.text()
    if (said() || answer.status === 404) return true
    if ((JSON.parse(text) as { server: { status: string } }).server.status === 'ACTIVE') return said()
    await pause(5)
  }
}

test('deleted while it is being stopped, rebooted, paused: 404 in the end', async () => {
  await using cloud = await createCloud({ hypervisor: 'simulated', network: 'simulated' })
  const demo = await cloud.as('demo')
  for (const [verb, given] of [
    ['os-stop', null],
    ['reboot', { type: 'HARD' }],
    ['pause', null],
    ['suspend', null],
  ] as const) {
    const id = await boot(demo, { name: `busy-${verb}` })
    await active(demo, id)
    const [first, second] = await Promise.all([act(demo, id, verb, given), remove(demo, id)])
    assert.ok(first.status === 202 || first.status === 409 || first.status === 404, `${verb}: ${first.status}`)
    assert.equal(second.status, 204)
    await gone(demo, id)
    await sound(cloud)
  }
})
