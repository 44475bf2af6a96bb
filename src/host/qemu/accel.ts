// Does /dev/kvm really run guests? Nested machines have one that crawls. Two proofs with a time limit, the verdict kept.
import { access, constants, mkdir, readFile, rename, rm, stat, writeFile } from 'node:fs/promises'
import type { Exec } from '#host/node/exec.ts'
import { bootId } from '#host/qemu/process.ts'
import { cpioArchive, probeInit } from '#host/qemu/probe-guest.ts'
import type { Clock } from '#kernel/lib/clock.ts'

export interface Accelerator {
  readonly kind: 'kvm' | 'tcg'
  /** One sentence for people. */
  readonly why: string
  /** The group that owns /dev/kvm, for guests that run as another user. */
  readonly kvmGid?: number
  /** Not tried for want of a kernel or of room: worth asking again. */
  readonly provisional?: true
}

export interface AcceleratorProbe {
  readonly exec: Exec
  readonly clock: Clock
  readonly binary: string
  /** `QEMU emulator version …`: another QEMU, another verdict. */
  readonly qemuVersion: string
  /** Where the verdict is kept and the probe's files are made. */
  readonly cacheFolder: string
  /** A Linux kernel for the second proof. Without one KVM is not used, and nothing is remembered. */
  readonly kernel?: string
}

const BOOT_SECTOR_LIMIT_MS = 2_000
const LINUX_LIMIT_MS = 10_000
/** Faster than this needs no comparison with emulation. */
const CLEARLY_FAST_MS = 2_500

/** Proves KVM or decides for emulation. Never throws: what goes wrong is the reason. */
export async function chooseAccelerator(probe: AcceleratorProbe): Promise<Accelerator> {
  const device = await stat('/dev/kvm').catch(() => undefined)
  if (device === undefined) return { kind: 'tcg', why: 'this machine has no /dev/kvm' }
  if (
    !(await access('/dev/kvm', constants.R_OK | constants.W_OK).then(
      () => true,
      () => false,
    ))
  ) {
    return { kind: 'tcg', why: '/dev/kvm may not be opened by this user (join the group kvm)' }
  }
  const key = `${await bootId()} ${probe.qemuVersion}`
  const file = `${probe.cacheFolder}/accelerator.json`
  const kept = await readFile(file, 'utf8')
    .then(text => JSON.parse(text) as { key: string; verdict: Accelerator })
    .catch(() => undefined)
  if (kept?.key === key) return kept.verdict
  if (probe.kernel === undefined) return { kind: 'tcg', why: 'no kernel to prove /dev/kvm with', provisional: true }
  let verdict: Accelerator
  try {
    verdict = await prove(probe, probe.kernel)
  } catch (error) {
    // Not kept: a full disk says nothing of KVM.
    return { kind: 'tcg', why: `the proof of /dev/kvm failed: ${String(error)}`, provisional: true }
  }
  const whole: Accelerator = verdict.kind === 'kvm' ? { ...verdict, kvmGid: device.gid } : verdict
  // Several clouds may share the folder and prove at the same time.
  const draft = `${file}.${process.pid}.new`
  await mkdir(probe.cacheFolder, { recursive: true, mode: 0o700 })
  await writeFile(draft, JSON.stringify({ key, verdict: whole }), { mode: 0o600 })
  await rename(draft, file)
  return whole
}

async function prove(probe: AcceleratorProbe, kernel: string): Promise<Accelerator> {
  const folder = `${probe.cacheFolder}/accelerator-probe-${process.pid}`
  await rm(folder, { recursive: true, force: true })
  await mkdir(folder, { recursive: true, mode: 0o700 })
  try {
    const sector = `${folder}/sector.img`
    await writeFile(sector, bootSector())
    const first = await timed(
      probe,
      bootSectorVector(probe.binary, sector),
      BOOT_SECTOR_LIMIT_MS,
      ({ code }) => code === 33,
    )
    if (first === undefined) {
      return {
        kind: 'tcg',
        why: `/dev/kvm does not run a boot sector within ${BOOT_SECTOR_LIMIT_MS / 1000} s: emulation is faster here`,
      }
    }
    const ramdisk = `${folder}/init.cpio`
    await writeFile(ramdisk, cpioArchive([{ name: 'init', mode: 0o100755, data: probeInit() }]))
    const linux = (accel: 'kvm' | 'tcg'): Promise<number | undefined> =>
      timed(probe, linuxVector(probe.binary, accel, kernel, ramdisk), LINUX_LIMIT_MS, ({ stdout }) =>
        stdout.includes('KVM-PROBE-OK'),
      )
    const byKvm = await linux('kvm')
    if (byKvm === undefined)
      return {
        kind: 'tcg',
        why: `/dev/kvm does not start Linux within ${LINUX_LIMIT_MS / 1000} s: emulation is faster here`,
      }
    if (byKvm <= CLEARLY_FAST_MS) return { kind: 'kvm', why: `/dev/kvm starts Linux in ${seconds(byKvm)} s` }
    const byTcg = await linux('tcg')
    if (byTcg === undefined || byKvm < byTcg)
      return { kind: 'kvm', why: `/dev/kvm starts Linux in ${seconds(byKvm)} s` }
    return { kind: 'tcg', why: `/dev/kvm starts Linux in ${seconds(byKvm)} s, emulation in ${seconds(byTcg)} s` }
  } finally {
    await rm(folder, { recursive: true, force: true })
  }
}

const seconds = (ms: number): string => (ms / 1000).toFixed(1)

/** How long it took to succeed, or undefined when it did not. */
async function timed(
  probe: AcceleratorProbe,
  argv: readonly string[],
  timeoutMs: number,
  good: (end: { code: number; stdout: string }) => boolean,
): Promise<number | undefined> {
  const begun = probe.clock.monotonic()
  const end = await probe.exec.run(argv, { timeoutMs, anyCode: true }).catch(() => undefined)
  return end !== undefined && good(end) ? probe.clock.monotonic() - begun : undefined
}

/** `cli; mov al,10h; out 0E6h…` in short: writes 16 to port 0xf4, where isa-debug-exit makes it exit code 33, then halts. */
function bootSector(): Uint8Array {
  const sector = new Uint8Array(512)
  sector.set([0xfa, 0xb0, 0x10, 0xe6, 0xf4, 0xf4, 0xeb, 0xfd])
  sector.set([0x55, 0xaa], 510)
  return sector
}

export function bootSectorVector(binary: string, image: string): readonly string[] {
  return [
    ...[binary, '-nodefaults', '-no-user-config', '-display', 'none', '-accel', 'kvm', '-M', 'pc', '-m', '16'],
    ...['-device', 'isa-debug-exit,iobase=0xf4,iosize=4'],
    ...[
      '-blockdev',
      JSON.stringify({
        driver: 'raw',
        'node-name': 'sector',
        'read-only': false,
        file: { driver: 'file', filename: image },
      }),
    ],
    ...['-device', 'ide-hd,drive=sector'],
  ]
}

export function linuxVector(binary: string, accel: 'kvm' | 'tcg', kernel: string, ramdisk: string): readonly string[] {
  return [
    ...[
      binary,
      '-nodefaults',
      '-no-user-config',
      '-display',
      'none',
      '-accel',
      accel === 'kvm' ? 'kvm' : 'tcg,tb-size=32',
    ],
    ...['-M', 'pc', '-m', '128', '-no-reboot', '-serial', 'stdio', '-kernel', kernel, '-initrd', ramdisk],
    ...['-append', 'console=ttyS0 panic=-1 quiet cryptomgr.notests'],
  ]
}
