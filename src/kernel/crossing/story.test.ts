// A boot as its components cross the seam, played with bare crossings: what the recorder keeps, what the lens reads.
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { crossings, type Cross, type Crossing, type Hook } from '#kernel/crossing/crossing.ts'
import { atStep, dieAt } from '#kernel/crossing/faults.ts'
import { journey, STEP_TITLES } from '#kernel/crossing/story.ts'
import { ProcessDeath } from '#kernel/crossing/death.ts'
import { recorder, type JourneyStore, type Moment } from '#kernel/crossing/recorder.ts'
import { virtualClock, type VirtualClock } from '#kernel/lib/virtual-clock.ts'

type Do = (
  kind: Crossing['kind'],
  from: string,
  to: string,
  name: string,
  deed?: () => Promise<unknown>,
  more?: Partial<Crossing>,
) => Promise<unknown>

const doer =
  (cross: Cross, requestId: string, subject?: string): Do =>
  (kind, from, to, name, deed = async () => undefined, more = {}) =>
    cross(
      { kind, side: 'send', from, to, name, requestId, ...(subject === undefined ? {} : { subject }), ...more },
      deed,
    )

const CHECK = 'GET /v3/auth/tokens'

async function issueToken(cross: Cross, audit: string): Promise<void> {
  await doer(cross, `req-${audit}`)(
    'rest',
    'client',
    'keystone',
    'POST /v3/auth/tokens',
    async () => ({ status: 201, body: JSON.stringify({ token: { audit_ids: [audit] } }) }),
    { side: 'take' },
  )
}

/** Attempts per host; volumes or none; ports per server. */
async function boot(
  cross: Cross,
  options: { hosts?: string[]; volumes?: boolean; ports?: number; audit?: string } = {},
): Promise<void> {
  const api = doer(cross, 'req-boot')
  const it = doer(cross, 'req-boot', 'server-1')
  const check = (from: string) =>
    api('rest', from, 'keystone', CHECK, () => api('rest', from, 'keystone', CHECK, undefined, { side: 'take' }), {
      payload: { audit: options.audit ?? 'a1' },
    })
  await api(
    'rest',
    'client',
    'nova-api',
    'POST /v2.1/servers',
    async () => {
      await check('nova-api')
      await it('db', 'nova-api', 'nova-db', 'create-server', undefined, {
        payload: { status: 'BUILD', task: 'scheduling' },
      })
    },
    { side: 'take' },
  )
  await it('call', 'nova-conductor', 'nova-scheduler', 'select_destinations', () =>
    it(
      'call',
      'nova-conductor',
      'nova-scheduler',
      'select_destinations',
      () => it('decide', 'nova-scheduler', 'nova-scheduler', 'filter-and-weigh'),
      { side: 'take' },
    ),
  )
  for (const host of options.hosts ?? ['h1']) {
    const compute = `nova-compute@${host}`
    await it('cast', 'nova-conductor', compute, 'boot-server:learn')
    await it('cast', 'nova-conductor', compute, 'boot-server:learn', undefined, { side: 'take' })
    await it('call', compute, 'nova-conductor', 'server_to_build', () =>
      it(
        'call',
        compute,
        'nova-conductor',
        'server_to_build',
        () => it('db', 'nova-conductor', 'nova-db', 'server-to-build'),
        { side: 'take' },
      ),
    )
    // nova's own token, got on the way, is not the one that the server was asked for with
    await it('rest', compute, 'keystone', 'POST /v3/auth/tokens', async () =>
      it(
        'rest',
        compute,
        'keystone',
        'POST /v3/auth/tokens',
        async () => ({ body: '{"token":{"audit_ids":["own"]}}' }),
        { side: 'take' },
      ),
    )
    await it('rest', compute, 'glance-api', 'GET /v2/images/{image_id}', () =>
      api('rest', 'glance-api', 'keystone', CHECK, undefined, { payload: { audit: 'own' } }),
    )
    await it('rest', compute, 'glance-api', 'GET /v2/images/{image_id}/file')
    await it('db', 'nova-conductor', 'nova-db', 'saga:allocate-network', undefined, { payload: { task: 'networking' } })
    await it('rest', compute, 'neutron-server', 'GET /v2.0/ports', () => check('neutron-server'))
    for (let i = 0; i < (options.ports ?? 1); i += 1)
      await it('rest', compute, 'neutron-server', 'POST /v2.0/ports', () => check('neutron-server'))
    await it('db', 'nova-conductor', 'nova-db', 'saga:attach-volumes', undefined, {
      payload: { task: 'block_device_mapping' },
    })
    if (options.volumes === true)
      await it('rest', compute, 'cinder-api', 'POST /v3/{project}/attachments', () => check('cinder-api'))
    else await it('skip', compute, 'cinder-api', 'no-volume', undefined, { payload: { why: 'no volume' } })
    await it('db', 'nova-conductor', 'nova-db', 'saga:spawn', undefined, { payload: { task: 'spawning' } })
    await it('driver', compute, 'hypervisor', 'spawn')
  }
  await it('db', 'nova-conductor', 'nova-db', 'saga:boot-server done')
}

/** Time passes at each crossing, on both ways. */
const ticking =
  (clock: VirtualClock): Hook =>
  async (_crossing, next) => {
    await clock.advance(1)
    try {
      return await next()
    } finally {
      await clock.advance(1)
    }
  }

const all = Array.from({ length: 28 }, (_, i) => i + 1)

for (const pace of ['ticking', 'still'] as const)
  for (const volumes of [true, false])
    test(`the 28 steps are read back in ascending order (${pace} clock, ${volumes ? 'a' : 'no'} volume)`, async () => {
      const clock = virtualClock()
      const record = recorder({ clock })
      const cross = crossings([record.hook, ...(pace === 'ticking' ? [ticking(clock)] : [])])
      await issueToken(cross, 'a0')
      await issueToken(cross, 'a1')
      await boot(cross, { volumes, ports: 2 })
      const rows = journey(await record.moments('server-1'))
      assert.deepEqual(
        rows.flatMap(row => (row.step === null ? [] : [row.step])),
        all,
      )
      for (const [i, row] of rows.entries()) assert.ok(i === 0 || row.at_ms >= (rows[i - 1]?.at_ms ?? 0))
      const at = (step: number) => rows.find(row => row.step === step)
      assert.equal(at(3)?.at_ms, 0)
      assert.equal(at(1)?.request_id, 'req-a1', 'the token that the server was asked for with')
      if (pace === 'ticking') assert.ok((at(1)?.at_ms ?? 0) < 0)
      assert.deepEqual([at(5)?.from, at(5)?.to], ['keystone', 'nova-api'])
      assert.deepEqual([at(12)?.status, at(12)?.task], ['BUILD', 'scheduling'])
      assert.deepEqual([at(22)?.task, at(25)?.task, at(28)?.task], ['networking', 'block_device_mapping', 'spawning'])
      assert.deepEqual([rows.at(-1)?.name], ['saga:boot-server done'])
      if (!volumes) assert.deepEqual([at(26)?.kind, at(26)?.detail['why']], ['skip', 'no volume'])
      assert.deepEqual(
        journey(await record.moments('server-1'), 'book').map(row => row.step),
        all,
      )
    })

test('a second attempt at another host carries its numbers again, a repeated message to the same host does not', async () => {
  const record = recorder({ clock: virtualClock() })
  await boot(crossings([record.hook]), { hosts: ['h1', 'h1', 'h2'] })
  const steps = journey(await record.moments('server-1')).flatMap(row => (row.step === null ? [] : [row.step]))
  const build = all.slice(11)
  assert.deepEqual(steps, [...all.slice(2, 11), ...build, ...build])
})

test('what only reads or touches no subject is not kept, and a store gets each ended moment once', async () => {
  const clock = virtualClock()
  const saved: Moment[] = []
  const store: JourneyStore = {
    save: async (_subject, moments) => void saved.push(...(JSON.parse(JSON.stringify(moments)) as Moment[])),
    load: async () => saved,
  }
  const first = recorder({ clock, store })
  const cross = crossings([first.hook])
  const get = doer(cross, 'req-get')
  await get(
    'rest',
    'client',
    'nova-api',
    'GET /v2.1/servers/{id}',
    () => get('db', 'nova-api', 'nova-db', 'server', undefined, { subject: 'server-1' }),
    {
      side: 'take',
    },
  )
  const patch = doer(cross, 'req-patch')
  await patch('rest', 'client', 'keystone', 'PATCH /v3/users/{id}', undefined, { side: 'take' })
  await doer(cross, 'req-own', 'server-1')('db', 'nova-conductor', 'nova-db', 'sync')
  assert.deepEqual(await first.moments('server-1'), [])
  await issueToken(cross, 'a1')
  let changes = 0
  const unwatch = first.watch('server-1', () => (changes += 1))
  await boot(cross)
  unwatch()
  assert.ok(changes > 40)
  await clock.advance(1000)
  assert.equal(new Set(saved.map(m => m.id)).size, saved.length)
  await first.stop()

  const second = recorder({ clock, store })
  await doer(crossings([second.hook]), 'req-boot', 'server-1')('db', 'nova-conductor', 'nova-db', 'saga:announce')
  const rows = journey(await second.moments('server-1'))
  assert.deepEqual(
    rows.flatMap(row => (row.step === null ? [] : [row.step])),
    all,
  )
  assert.equal(rows.at(-1)?.name, 'saga:announce')
})

test('memory is bounded', async () => {
  const record = recorder({ clock: virtualClock(), keepRequests: 10, keepMoments: 5 })
  const cross = crossings([record.hook])
  for (let i = 0; i < 50; i += 1) {
    const it = doer(cross, `req-${i}`, `s${i}`)
    await it(
      'rest',
      'client',
      'nova-api',
      'POST /v2.1/servers',
      async () => {
        for (let j = 0; j < 20; j += 1) await it('db', 'nova-api', 'nova-db', 'create-server')
      },
      { side: 'take' },
    )
  }
  assert.equal((await record.moments('s0')).length, 0)
  assert.equal((await record.moments('s49')).length, 5)
})

for (const step of all)
  test(`step ${step} can be died at, and nothing crosses afterwards`, async () => {
    let after = 0
    const dying = dieAt(atStep(step))
    const cross = crossings([dying.hook, (_c, next) => (dying.died() === null ? undefined : (after += 1), next())])
    await assert.rejects(
      (async () => {
        await issueToken(cross, 'a1')
        await boot(cross, { volumes: step % 2 === 0 })
      })(),
      ProcessDeath,
    )
    assert.notEqual(dying.died(), null)
    await assert.rejects(boot(cross), ProcessDeath)
    assert.equal(after, 0)
    assert.equal(STEP_TITLES.length, 28)
  })
