// The stock tests on the example, and that they would find something.
import { test } from 'node:test'
import assert from 'node:assert/strict'
import { build, world } from '#kernel/saga/example.suite.ts'
import {
  diesAfterEveryCrossing,
  runsTwiceWithoutHarm,
  undoTwiceIsHarmless,
  unwindsFromEveryStep,
} from '#kernel/saga/saga.suite.ts'
import { memorySagaLog } from '#kernel/saga/memory-log.ts'

const log = async () => memorySagaLog()

runsTwiceWithoutHarm(build, world(true, log))
unwindsFromEveryStep(build, world(true, log))
unwindsFromEveryStep(build, world(false, log))
undoTwiceIsHarmless(build, world(true, log))
diesAfterEveryCrossing(build, world(true, log))

test('the boot of the example crosses often enough to mean something', async () => {
  let count = 0
  const w = await world(true, log)(build, [(_c, next) => ((count += 1), next())])
  await w.begin()
  assert.ok(count > 25, `${count} crossings`)
})
