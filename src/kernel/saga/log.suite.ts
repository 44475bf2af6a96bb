// What every saga log promises, whatever keeps it.
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { Fenced, type SagaLog, type SagaRow } from '#kernel/saga/log.ts'

const row = (id: string, change: Partial<SagaRow> = {}): SagaRow => ({
  id,
  name: 'boot',
  subject: `server-${id}`,
  state: 'prepared',
  input: { serverId: id, deep: { list: [1, null, 'x'] } },
  taskState: 'scheduling',
  requestId: 'req-1',
  who: null,
  owner: null,
  leaseUntil: 0,
  generation: 0,
  cancelled: false,
  errors: [],
  createdAt: 1_700_000_000_000,
  updatedAt: 1_700_000_000_000,
  ...change,
})

/** `make` gives an empty log; it is called once per test. */
export function sagaLogSuite(name: string, make: () => Promise<SagaLog<never>>): void {
  const now = 1_700_000_001_000

  test(`${name}: what was written is read back`, async () => {
    const log = await make()
    await log.create(undefined, row('1'))
    assert.deepEqual(await log.load('1'), row('1'))
    assert.equal(await log.load('2'), undefined)
    const mine = await log.claim('1', 'me', now, now + 1000, false)
    assert.deepEqual(mine, row('1', { owner: 'me', leaseUntil: now + 1000, generation: 1, updatedAt: now }))
    const error = { code: 'X', status: 500, message: 'x', cause: { code: 'Y', status: 404, message: 'y' } }
    const step = { key: 'each#0/a', seq: 1, state: 'done' as const, output: { a: [1] }, error: null, at: now }
    await log.write('1', 1, now, { state: 'running', taskState: null, errors: [error] }, step)
    await log.write('1', 1, now, undefined, { ...step, key: 'b', seq: 2, state: 'failed', output: null, error })
    await log.write('1', 1, now, undefined, { ...step, state: 'undone', at: now + 1 })
    const read = await log.load('1')
    assert.deepEqual([read?.state, read?.taskState, read?.errors], ['running', null, [error]])
    assert.deepEqual(
      (await log.steps('1')).map(s => [s.key, s.seq, s.state, s.output, s.error, s.at]),
      [
        ['each#0/a', 1, 'undone', { a: [1] }, null, now + 1],
        ['b', 2, 'failed', null, error, now],
      ],
    )
  })

  test(`${name}: one unfinished saga for a name and a subject`, async () => {
    const log = await make()
    await log.create(undefined, row('1', { subject: 's' }))
    await assert.rejects(log.create(undefined, row('2', { subject: 's' })), { code: 'SagaBusy', status: 409 })
    await log.create(undefined, row('3', { subject: 's', name: 'resize' }))
    await log.claim('1', 'me', now, now + 1, false)
    await log.write('1', 1, now, { state: 'failed' }, undefined)
    await log.create(undefined, row('2', { subject: 's' }))
    assert.deepEqual((await log.about('s')).map(r => r.id).sort(), ['1', '2', '3'])
  })

  test(`${name}: a claim needs a free saga, an ended lease or force, and fences the owner before`, async () => {
    const log = await make()
    await log.create(undefined, row('1'))
    assert.ok(await log.claim('1', 'a', now, now + 1000, false))
    assert.equal(await log.claim('1', 'b', now, now + 1000, false), undefined)
    assert.equal((await log.claim('1', 'b', now + 1000, now + 2000, false))?.generation, 2)
    await assert.rejects(log.write('1', 1, now, { state: 'done' }, undefined), Fenced)
    await log.renew('b', now + 9000)
    assert.equal(await log.claim('1', 'c', now + 3000, now + 4000, false), undefined)
    assert.equal((await log.claim('1', 'c', now + 3000, now + 4000, true))?.generation, 3)
    await log.write('1', 3, now, { state: 'done' }, undefined)
    assert.equal(await log.claim('1', 'c', now, now, true), undefined)
    await assert.rejects(log.write('1', 3, now, undefined, undefined), Fenced)
  })

  test(`${name}: a cancelled saga cannot become done, and its token goes when it is over`, async () => {
    const log = await make()
    await log.create(undefined, row('1', { subject: 's' }))
    await log.claim('1', 'a', now, now + 1000, false)
    assert.deepEqual(await log.write('1', 1, now, { state: 'running' }, undefined), { cancelled: false })
    assert.deepEqual(await log.cancel('s', undefined, now), ['1'])
    assert.deepEqual(await log.cancel('s', 'other', now), [])
    assert.deepEqual(await log.write('1', 1, now, { state: 'done' }, undefined), { cancelled: true })
    assert.equal((await log.load('1'))?.state, 'running')
    await log.write('1', 1, now, { state: 'failed' }, undefined)
    const over = await log.load('1')
    assert.deepEqual([over?.state, over?.owner, over?.who, over?.cancelled], ['failed', null, null, true])
    assert.deepEqual(await log.cancel('s', undefined, now), [])
  })

  test(`${name}: lists and forgetting`, async () => {
    const log = await make()
    for (const id of ['1', '2', '3']) await log.create(undefined, row(id))
    await log.claim('2', 'a', now, now, false)
    await log.write('2', 1, now, { state: 'stuck' }, undefined)
    await log.claim('3', 'a', now, now, false)
    await log.write(
      '3',
      1,
      now,
      { state: 'done' },
      { key: 'a', seq: 1, state: 'done', output: null, error: null, at: now },
    )
    assert.deepEqual(
      (await log.unfinished()).map(r => r.id),
      ['1'],
    )
    assert.deepEqual(
      (await log.stuck()).map(r => r.id),
      ['2'],
    )
    assert.equal(await log.forget(now), 0)
    assert.equal(await log.forget(now + 1), 1)
    assert.deepEqual(await log.steps('3'), [])
    assert.ok(await log.claim('2', 'b', now, now, false), 'a stuck saga can be taken up again')
  })
}
