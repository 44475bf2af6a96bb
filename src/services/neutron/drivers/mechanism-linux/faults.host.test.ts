// Whatever program fails, whenever: the next apply without the fault gives the same network as one that never met it.
import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { ExecError, createExec, type Exec } from '#host/node/exec.ts'
import type { MechanismInventory } from '#services/neutron/drivers/mechanism.ts'
import { cannotRun, createHostBench, eventually } from '#services/neutron/drivers/mechanism-linux/host-bench.ts'
import { portOf, sampleState } from '#services/neutron/drivers/mechanism-samples.ts'

const skip = await cannotRun()

/** The real door to programs, whose `turn`-th opening from now on fails: before the program ran, or after it (its answer is lost). */
function faulty(): Exec & { fail(turn: number, when: 'before' | 'after'): void; met(): boolean } {
  const real = createExec()
  let left = Number.POSITIVE_INFINITY
  let how: 'before' | 'after' = 'before'
  const through = async <T>(argv: readonly string[], deed: () => Promise<T>): Promise<T> => {
    left -= 1
    if (left !== 0) return deed()
    if (how === 'after') await deed().catch(() => undefined)
    throw new ExecError(argv, null, '', 'was not allowed to succeed')
  }
  return {
    run: (argv, options) => through(argv, () => real.run(argv, options)),
    daemon: (argv, options) => through(argv, () => real.daemon(argv, options)),
    talk: (argv, options) => real.talk(argv, options),
    fail(turn, when) {
      left = turn
      how = when
    },
    met: () => left <= 0,
  }
}

/** What may differ between two ways to the same network is left out. */
const essence = (found: MechanismInventory) => ({
  ...found,
  // A device that no port wants keeps what it had.
  links: found.links
    .filter(link => !link.name.startsWith('tap') || link.master !== null)
    .map(({ name, master, up, mtu }) => `${name} ${master ?? ''} ${up} ${mtu}`)
    .sort(),
  dhcpServers: found.dhcpServers.map(({ networkId, hosts }) => ({ networkId, hosts })),
})

describe('the n-th program fails', { skip, timeout: 120_000, concurrency: true }, () => {
  for (const when of ['before', 'after'] as const) {
    test(`… ${when} it ran, for every n, while the network is made and changed`, async t => {
      const exec = faulty()
      const bench = await createHostBench({ exec })
      const full = sampleState()
      const [router] = full.routers
      assert.ok(router)
      const changed = sampleState({ ports: [portOf(1), portOf(2)], routers: [{ ...router, floatingIps: [] }] })
      try {
        for (const index of [0, 1, 2]) await bench.fabric.link.createTap(`tap${portOf(index).id.slice(0, 11)}`)
        const clean: unknown[] = []
        for (const state of [full, changed]) {
          await bench.mechanism.apply(state)
          await bench.mechanism.settled()
          clean.push(essence(await bench.mechanism.inventory()))
        }
        let met = 0
        for (let turn = 1; turn < 40; turn += 1) {
          await bench.mechanism.remove()
          exec.fail(turn, when)
          for (const state of [full, changed]) await bench.mechanism.apply(state).catch(() => undefined)
          const reached = exec.met()
          exec.fail(Number.POSITIVE_INFINITY, when)
          if (!reached) break
          met += 1
          for (const [index, state] of [full, changed].entries()) {
            const result = await bench.mechanism.apply(state)
            await bench.mechanism.settled()
            assert.deepEqual(
              [...new Set(Object.values(result).flatMap(kind => Object.values(kind as Record<string, unknown>)))],
              ['up'],
              `turn ${turn}`,
            )
            assert.deepEqual(essence(await bench.mechanism.inventory()), clean[index], `turn ${turn}`)
          }
        }
        assert.ok(met >= 8, `only ${met} programs were started`)
        t.diagnostic(`${met} places to fail`)
        const guest = await bench.plug(portOf(3))
        await bench.mechanism.apply(sampleState({ ports: [portOf(3)] }))
        assert.ok(await eventually(() => guest.pings('172.24.4.1', 1)), 'and packets pass')
      } finally {
        await bench.end()
      }
    })
  }
})
