// The verdict on /dev/kvm, with programs that answer as the proofs ask. Where there is no /dev/kvm only that is said.
import assert from 'node:assert/strict'
import { accessSync, constants, existsSync, mkdtempSync, readdirSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, describe, it } from 'node:test'
import type { Exec, Finished } from '#host/node/exec.ts'
import { chooseAccelerator, type Accelerator } from '#host/qemu/accel.ts'
import type { Clock } from '#kernel/lib/clock.ts'

const folder = mkdtempSync(join(tmpdir(), 'koto-accel-'))
after(() => rmSync(folder, { recursive: true, force: true }))

interface Machine {
  readonly sector: { code: number; ms: number }
  readonly kvm: { says: string; ms: number }
  readonly tcg: { says: string; ms: number }
}

function usable(): boolean {
  try {
    accessSync('/dev/kvm', constants.R_OK | constants.W_OK)
    return true
  } catch {
    return false
  }
}

let homes = 0
/** What is decided on such a machine, twice, and how many programs that took. */
async function decided(
  machine: Machine,
  kernel: string | null = '/kernel',
): Promise<{ verdicts: Accelerator[]; programs: number }> {
  let now = 0
  let programs = 0
  const clock = { monotonic: () => now, now: () => now } as Clock
  const exec = {
    run(argv, options): Promise<Finished> {
      programs++
      const accel = argv[argv.indexOf('-accel') + 1] ?? ''
      const sector = argv.some(word => word.startsWith('isa-debug-exit'))
      const [code, says, ms] = sector
        ? [machine.sector.code, '', machine.sector.ms]
        : accel === 'kvm'
          ? [0, machine.kvm.says, machine.kvm.ms]
          : [0, machine.tcg.says, machine.tcg.ms]
      now += Math.min(ms, options?.timeoutMs ?? Infinity)
      if (ms > (options?.timeoutMs ?? Infinity)) return Promise.reject(new Error('late'))
      return Promise.resolve({ code, stdout: says, stderr: '' })
    },
  } as Exec
  const cacheFolder = join(folder, String(++homes))
  const ask = (): Promise<Accelerator> =>
    chooseAccelerator({
      exec,
      clock,
      binary: 'q',
      qemuVersion: '7',
      cacheFolder,
      ...(kernel === null ? {} : { kernel }),
    })
  const verdicts = [await ask(), await ask()]
  if (existsSync(cacheFolder)) assert.deepEqual(readdirSync(cacheFolder), ['accelerator.json'])
  return { verdicts, programs }
}

const WORD = 'KVM-PROBE-OK\r\n'
const good: Machine = { sector: { code: 33, ms: 300 }, kvm: { says: WORD, ms: 700 }, tcg: { says: WORD, ms: 3_000 } }

describe('the accelerator', { skip: !usable() && 'this user has no /dev/kvm' }, () => {
  it('is KVM where Linux starts quickly; the verdict is kept', async () => {
    const { verdicts, programs } = await decided(good)
    assert.equal(verdicts[0]?.kind, 'kvm')
    assert.match(verdicts[0]?.why ?? '', /starts Linux in 0\.7 s/)
    assert.deepEqual(verdicts[0], verdicts[1])
    assert.equal(programs, 2)
  })

  it('is emulation where not even a boot sector runs in time', async () => {
    const { verdicts, programs } = await decided({ ...good, sector: { code: 33, ms: 6_000 } })
    assert.equal(verdicts[0]?.kind, 'tcg')
    assert.match(verdicts[0]?.why ?? '', /boot sector/)
    assert.equal(programs, 1)
    assert.equal((await decided({ ...good, sector: { code: 1, ms: 1 } })).verdicts[0]?.kind, 'tcg')
  })

  it('is emulation where Linux crawls or says nothing', async () => {
    assert.equal((await decided({ ...good, kvm: { says: WORD, ms: 60_000 } })).verdicts[0]?.kind, 'tcg')
    assert.equal((await decided({ ...good, kvm: { says: '', ms: 500 } })).verdicts[0]?.kind, 'tcg')
  })

  it('is whichever is faster where KVM is slow but sound', async () => {
    assert.equal((await decided({ ...good, kvm: { says: WORD, ms: 5_000 } })).verdicts[0]?.kind, 'tcg')
    assert.equal((await decided({ ...good, kvm: { says: WORD, ms: 2_900 } })).verdicts[0]?.kind, 'kvm')
  })

  it('is emulation, for now, where there is no kernel to prove it with', async () => {
    const { verdicts, programs } = await decided(good, null)
    assert.deepEqual([verdicts[0]?.kind, programs], ['tcg', 0])
  })
})
