// Resizes, migrations and their ends in a cloud where, at each crossing in turn, a call fails, a server is deleted, or the process dies:
// the server is either what it was or what it was to be, and all ledgers agree.
import assert from 'node:assert/strict'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as pause } from 'node:timers/promises'
import { test } from 'node:test'
import { Fault } from '#kernel/contract/fault.ts'
import type { Crossing, Hook } from '#kernel/crossing/crossing.ts'
import { ProcessDeath } from '#kernel/crossing/death.ts'
import { createCloud, type CloudHandle } from '#main/library.ts'
import type { Person } from '#main/person.ts'
import { act, active, become, boot, gone, remove, removed, settled, shelf, show, sound } from '../cloud/story.ts'

/** Called at each crossing on behalf of a server. */
let at: (crossing: Crossing) => Promise<void> = async () => undefined
const watch: Hook = async (crossing, next) => {
  await at(crossing)
  return next()
}
const nothing = async (): Promise<void> => undefined
const ofServer = (crossing: Crossing): boolean =>
  crossing.side === 'send' && crossing.subject !== undefined && /^[0-9a-f-]{36}$/.test(crossing.subject)

interface Deed {
  readonly name: string
  /** Brings the server to where the deed begins. */
  readonly before: (who: Who, id: string) => Promise<void>
  readonly begin: (who: Who, id: string) => Promise<Response>
  readonly ends: readonly string[]
  /** What follows by itself, some time later, from another host's report. */
  readonly after?: (who: Who) => Promise<void>
}
interface Who {
  readonly demo: Person
  readonly admin: Person
  readonly flavor: string
}
const newest = { 'openstack-api-version': 'compute 2.79' }
const resized = (who: Who, id: string): Promise<void> =>
  become(who.demo, id, 'resize', { flavorRef: who.flavor }, 'VERIFY_RESIZE')
/** The host of a server, or all hosts, dead by an administrator's word or alive again. */
async function forced(who: Who, host: string | null, forced_down: boolean): Promise<void> {
  const { services } = await who.admin.json<{ services: { id: string; host: string; binary: string }[] }>(
    '/compute/v2.1/os-services',
    { headers: newest },
  )
  for (const service of services)
    if (service.binary === 'nova-compute' && (host === null || service.host === host))
      await who.admin.json(`/compute/v2.1/os-services/${service.id}`, {
        method: 'PUT',
        body: { forced_down },
        headers: newest,
      })
}
const DEEDS: readonly Deed[] = [
  {
    name: 'resize',
    before: async () => undefined,
    begin: (who, id) => act(who.demo, id, 'resize', { flavorRef: who.flavor }),
    ends: ['ACTIVE', 'VERIFY_RESIZE'],
  },
  {
    name: 'live migration',
    before: async () => undefined,
    begin: (who, id) =>
      who.admin.fetch(`/compute/v2.1/servers/${id}/action`, {
        body: { 'os-migrateLive': { host: null, block_migration: 'auto' } },
        headers: newest,
      }),
    ends: ['ACTIVE'],
  },
  {
    name: 'evacuation',
    async before(who, id) {
      const { server } = await who.admin.json<{ server: { 'OS-EXT-SRV-ATTR:host': string } }>(
        `/compute/v2.1/servers/${id}`,
      )
      await forced(who, server['OS-EXT-SRV-ATTR:host'], true)
    },
    begin: (who, id) =>
      who.admin.fetch(`/compute/v2.1/servers/${id}/action`, { body: { evacuate: {} }, headers: newest }),
    ends: ['ACTIVE'],
    after: who => forced(who, null, false),
  },
  { name: 'confirm', before: resized, begin: (who, id) => act(who.demo, id, 'confirmResize'), ends: ['ACTIVE'] },
  { name: 'revert', before: resized, begin: (who, id) => act(who.demo, id, 'revertResize'), ends: ['ACTIVE'] },
]
const people = async (cloud: CloudHandle): Promise<Who> => {
  const [demo, admin] = await Promise.all([cloud.as('demo'), cloud.as('admin')])
  const quota_set = { instances: 100, cores: 100, ram: -1 }
  await admin.json(`/compute/v2.1/os-quota-sets/${demo.projectId}`, { method: 'PUT', body: { quota_set } })
  return { demo, admin, flavor: (await shelf(demo)).flavor('m1.tiny') }
}
/** All ledgers agree: at once, or when the host that was dead has reported. */
async function soundAfter(cloud: CloudHandle, deed: Deed, who: Who): Promise<void> {
  if (deed.after !== undefined) {
    await deed.after(who)
    for (let tries = 0; tries < 100 && (await cloud.control.audit()).length > 0; tries++) await pause(100)
  }
  await sound(cloud)
}
const SET = { 'nova.report_interval_s': '1' }
/** Waits for the end of a confirmation, too: no task shows it. */
const ended = async (who: Who, id: string, ends: readonly string[]): Promise<string> => {
  for (let tries = 0; ; tries++) {
    const { status } = await settled(who.demo, id)
    if (ends.includes(status) || tries > 200) return status
    await pause(20)
  }
}

for (const deed of DEEDS) {
  test(`${deed.name}: a refusal at each crossing`, { timeout: 500_000 }, async () => {
    await using cloud = await createCloud({
      hypervisor: 'simulated',
      network: 'simulated',
      hosts: 2,
      hooks: [watch],
      set: SET,
    })
    const who = await people(cloud)
    const forward = deed.name === 'confirm' || deed.name === 'revert'
    let hits = 0
    // Every second crossing is enough for the long ones.
    for (let n = 1; ; n += forward ? 1 : 2) {
      const id = await boot(who.demo, { name: `cut-${n}` })
      await active(who.demo, id)
      await deed.before(who, id)
      let count = 0
      let hit = false
      let onlyForward = forward
      at = async crossing => {
        // What only goes forward is repeated: a neighbour that is away for a moment, not one that says no.
        if (crossing.name === 'hand-over-server') onlyForward = true
        const kinds = onlyForward ? ['rest', 'driver'] : ['rest', 'driver', 'call']
        if (hit || crossing.from === 'nova-api' || !ofServer(crossing) || !kinds.includes(crossing.kind)) return
        if (++count !== n) return
        hit = true
        throw new Fault('InjectedFault', onlyForward ? 503 : 400, `broken at ${crossing.name}`)
      }
      const answer = await deed.begin(who, id)
      assert.ok(answer.status < 300, `${deed.name} ${n}: ${answer.status} ${await answer.text()}`)
      const status = await ended(who, id, deed.ends)
      at = nothing
      assert.ok(
        deed.ends.includes(status),
        `${deed.name} cut at ${n}: ${status} ${JSON.stringify((await show(who.demo, id)).fault)}`,
      )
      await soundAfter(cloud, deed, who)
      await removed(who.demo, id)
      if (!hit) break
      hits++
    }
    assert.ok(hits >= 2, `${hits} crossings`)
    await soundAfter(cloud, deed, who)
  })

  test(`${deed.name}: a delete at each crossing`, { timeout: 500_000 }, async () => {
    await using cloud = await createCloud({
      hypervisor: 'simulated',
      network: 'simulated',
      hosts: 2,
      hooks: [watch],
      set: SET,
    })
    const who = await people(cloud)
    let hits = 0
    for (let n = 1; ; n++) {
      const id = await boot(who.demo, { name: `gone-${n}` })
      await active(who.demo, id)
      await deed.before(who, id)
      let count = 0
      let asked: Promise<Response> | undefined
      at = async crossing => {
        if (asked !== undefined || crossing.from === 'nova-api' || crossing.subject !== id) return
        if (!ofServer(crossing) || ++count !== n) return
        asked = remove(who.demo, id)
        await Promise.race([asked, pause(2000)])
      }
      await deed.begin(who, id)
      await ended(who, id, deed.ends).catch(() => 'gone')
      at = nothing
      if (asked === undefined) {
        await removed(who.demo, id)
        break
      }
      assert.equal((await asked).status, 204)
      await gone(who.demo, id)
      await soundAfter(cloud, deed, who)
      hits++
    }
    assert.ok(hits >= 5, `${hits} crossings`)
    await soundAfter(cloud, deed, who)
  })

  test(`${deed.name}: the process dies at each step`, { timeout: 500_000 }, async t => {
    const state = mkdtempSync(join(tmpdir(), 'koto-moves-'))
    t.after(() => rmSync(state, { recursive: true, force: true }))
    const open = (): Promise<CloudHandle> =>
      createCloud({
        hypervisor: 'simulated',
        network: 'simulated',
        hosts: 2,
        hooks: [watch],
        set: SET,
        state,
        ephemeral: false,
      })
    let deaths = 0
    for (let n = 4; ; n += 13) {
      let id: string
      let died = false
      {
        const cloud = await open()
        const who = await people(cloud)
        id = await boot(who.demo, { name: `dies-${n}` })
        await active(who.demo, id)
        await deed.before(who, id)
        let count = 0
        at = async crossing => {
          if (died && crossing.from.startsWith('nova') && crossing.from !== 'nova-api') throw new ProcessDeath('dead')
          if (crossing.from === 'nova-api' || crossing.subject !== id || ++count !== n) return
          died = true
          throw new ProcessDeath(`dead at ${crossing.name}`)
        }
        await deed.begin(who, id)
        for (let waited = 0; !died && waited < 2_000; waited += 20) await pause(20)
        // Guests outlive who started them.
        await cloud.stop({ keepGuests: true })
      }
      at = nothing
      await using again = await open()
      const who = await people(again)
      const status = await ended(who, id, deed.ends)
      assert.ok(deed.ends.includes(status), `${deed.name} dead at ${n}: ${status}`)
      await soundAfter(again, deed, who)
      await removed(who.demo, id)
      await soundAfter(again, deed, who)
      if (!died) break
      deaths++
    }
    assert.ok(deaths >= 1, `${deaths} deaths`)
  })
}
