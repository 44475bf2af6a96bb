import assert from 'node:assert/strict'
import { test } from 'node:test'
import { atCrossing, atName, delay, dieAt, fail, faultHooks, slow } from '#kernel/crossing/faults.ts'
import { crossings, type Crossing } from '#kernel/crossing/crossing.ts'
import { Fault } from '#kernel/contract/fault.ts'
import { ProcessDeath } from '#kernel/crossing/death.ts'
import { virtualClock } from '#kernel/lib/virtual-clock.ts'

const at = (name: string, change: Partial<Crossing> = {}): Crossing => ({
  kind: 'db',
  side: 'send',
  from: 'a',
  to: 'b',
  name,
  requestId: 'req-1',
  ...change,
})

test('fail before: nothing happened; fail after: it did, and the answer is lost', async () => {
  const error = (): Error => new Fault('Injected', 503, 'broken')
  let happened = 0
  const deed = async () => (happened += 1)
  await assert.rejects(crossings([fail(atName('x', 'before', 1), error)])(at('x'), deed), { code: 'Injected' })
  assert.equal(happened, 0)
  const cross = crossings([fail(atName('x', 'after', 1), error)])
  await assert.rejects(cross(at('x'), deed), { code: 'Injected' })
  assert.equal(happened, 1)
  await cross(at('x'), deed)
  assert.equal(happened, 2, 'only once')
})

test('names with stars', () => {
  const fits = (pattern: string, name: string): boolean => atName(pattern).matches(at(name))
  assert.deepEqual(
    [
      ['GET /v2/*', 'GET /v2/images/1'],
      ['*ports*', 'POST /v2.0/ports'],
      ['a*b*c', 'a-b-c'],
      ['a*b*c', 'a-c'],
      ['ab*ba', 'aba'],
      ['x', 'xy'],
    ].map(([pattern = '', name = '']) => fits(pattern, name)),
    [true, true, true, false, false, false],
  )
})

test('delay and slow motion take time', async () => {
  const clock = virtualClock()
  const cross = crossings([delay(clock, atName('x', 'after'), 500), slow(clock, 100)])
  await clock.during(cross(at('x'), async () => undefined))
  assert.equal(clock.monotonic(), 600)
  await clock.during(cross(at('x', { side: 'take' }), async () => undefined))
  assert.equal(clock.monotonic(), 1100)
})

test('a death is final, also for what is under way', async () => {
  const dying = dieAt(atCrossing(2, 'after', c => c.name === 'x'))
  const cross = crossings([dying.hook])
  let goOn = (): void => undefined
  const waiting = cross(at('long'), () => new Promise<void>(resolve => (goOn = resolve)))
  await cross(at('x'), async () => undefined)
  let happened = false
  await assert.rejects(
    cross(at('x'), async () => void (happened = true)),
    ProcessDeath,
  )
  assert.equal(happened, true)
  goOn()
  await assert.rejects(waiting, ProcessDeath)
  await assert.rejects(
    cross(at('y'), async () => assert.fail('nothing happens after death')),
    ProcessDeath,
  )
  assert.match(dying.died() ?? '', /a → b x \(after\)/)
})

test('KOTO_FAULT is read, or refused with a sentence', async () => {
  const clock = virtualClock()
  const died: string[] = []
  const parts = { clock, die: (where: string) => void died.push(where) }
  assert.deepEqual(faultHooks('', parts), [])
  const hooks = faultHooks(
    'slow:10, kill@crossing:3:after, fail:503@name:POST /v2.0/ports:before, delay:2000@step:7',
    parts,
  )
  assert.equal(hooks.length, 4)
  const cross = crossings(hooks)
  await clock.during(cross(at('x'), async () => undefined))
  await assert.rejects(clock.during(cross(at('POST /v2.0/ports'), async () => undefined)), { status: 503 })
  await assert.rejects(clock.during(cross(at('x'), async () => undefined)), ProcessDeath)
  assert.equal(died.length, 1)
  for (const bad of ['kill', 'kill@step:29', 'kill@step:x', 'burn@step:1', 'slow', 'delay@step:1'])
    assert.throws(() => faultHooks(bad, parts), /KOTO_FAULT|steps 1 to 28/)
})
