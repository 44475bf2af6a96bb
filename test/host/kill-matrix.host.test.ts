// kill -9 around the steps of a boot that leave something on the machine, with real QEMU and real bridges: the next `koto up` has the
// server ACTIVE with one guest of its own, and a delete leaves nothing.
import assert from 'node:assert/strict'
import { after, test } from 'node:test'
import { markedProcesses, programOf } from '#host/node/process-table.ts'
import { killedAt } from '../faults/killed-at.ts'
import { realCloud, type RealCloud } from '../faults/real-cloud.ts'
import { unable } from './unable.ts'

const skip = unable()
/** The cast to the host, the wires asked for, the wires had, the guest started. */
const STEPS = [12, 22, 24, 28] as const

let cloud: RealCloud | null = null
after(() => cloud?.end())

for (const step of STEPS) {
  for (const when of ['before', 'after'] as const) {
    test(`killed ${when} step ${step} with real guests`, { skip }, async () => {
      cloud ??= realCloud('kill-real', ['--hypervisor', 'qemu', '--network', 'linux'])
      const mine = cloud
      cloud = null
      try {
        await killedAt(mine, step, when, {}, async () => {
          const guests = guestsOf(mine.dir)
          assert.equal(guests.length, 1, `one guest, not ${guests.length}`)
        })
        assert.deepEqual(guestsOf(mine.dir), [])
        cloud = mine
      } finally {
        if (cloud === null) await mine.end()
      }
    })
  }
}

const guestsOf = (dir: string): number[] => markedProcesses(dir).filter(pid => programOf(pid).startsWith('qemu-system'))
