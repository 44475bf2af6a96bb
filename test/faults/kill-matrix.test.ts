// kill -9 at each step of the book's boot from the moment its row is written: after the next `koto up` the server is ACTIVE, the ledgers
// agree with each other and with the machine, and a delete leaves nothing.
import { after, describe, test } from 'node:test'
import { killedAt } from './killed-at.ts'
import { realCloud, type RealCloud } from './real-cloud.ts'

const LANES = 3
const CELLS = Array.from({ length: 22 }, (_, index) => index + 7).flatMap(step =>
  (['before', 'after'] as const).map(when => ({ step, when })),
)

describe('killed at each step of a boot', { concurrency: LANES }, () => {
  for (let lane = 0; lane < LANES; lane++) {
    // Each lane goes on with the cloud of the cell before: what that one left behind would be found, too.
    let cloud: RealCloud | null = null
    after(() => cloud?.end())
    test(`lane ${lane + 1}`, async t => {
      for (const { step, when } of CELLS.filter((_cell, index) => index % LANES === lane)) {
        await t.test(`${when} step ${step}`, async () => {
          cloud ??= realCloud(`kill-${step}`)
          const mine = cloud
          cloud = null
          try {
            await killedAt(mine, step, when)
            cloud = mine
          } finally {
            if (cloud === null) await mine.end()
          }
        })
      }
    })
  }
})
