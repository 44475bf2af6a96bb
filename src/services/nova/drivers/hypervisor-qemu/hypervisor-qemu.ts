// The driver that runs guests as QEMU processes on this machine, spoken to over QMP.
import { mkdir, readFile, rm } from 'node:fs/promises'
import { availableParallelism } from 'node:os'
import { createExec, type Exec } from '#host/node/exec.ts'
import { chooseAccelerator, type Accelerator } from '#host/qemu/accel.ts'
import { SERIAL_LOG } from '#host/qemu/command-line.ts'
import { bootId, chooseGuestUser, openTun, type GuestUser } from '#host/qemu/process.ts'
import type { Clock } from '#kernel/lib/clock.ts'
import { adoptGuests, listGuests } from '#services/nova/drivers/hypervisor-qemu/adoption.ts'
import { bootQueue } from '#services/nova/drivers/hypervisor-qemu/boot-queue.ts'
import {
  consoleLog,
  diagnostics,
  guestState,
  interrupt,
  screenshot,
  setPassword,
  socketPath,
  trimLog,
} from '#services/nova/drivers/hypervisor-qemu/console.ts'
import { hostFacts } from '#services/nova/drivers/hypervisor-qemu/facts.ts'
import { guestLocks } from '#services/nova/drivers/guest-locks.ts'
import { guestStore } from '#services/nova/drivers/hypervisor-qemu/guest-store.ts'
import { attachDisk, attachNic, detachDisk, detachNic } from '#services/nova/drivers/hypervisor-qemu/hotplug.ts'
import {
  destroyGuest,
  livingProcess,
  MEMORY_FILE,
  start,
  stop,
  watch,
} from '#services/nova/drivers/hypervisor-qemu/lifecycle.ts'
import { qemuMoves } from '#services/nova/drivers/hypervisor-qemu/moving.ts'
import { captureRoot, commitDisk, resizeDisk, snapshotDisk } from '#services/nova/drivers/hypervisor-qemu/snapshot.ts'
import { reimageGuest } from '#services/nova/drivers/hypervisor-qemu/reimage.ts'
import { resumeGuest, suspendGuest } from '#services/nova/drivers/hypervisor-qemu/suspend.ts'
import {
  mustRead,
  mustRun,
  type QemuTools,
  type StartTimes,
  type Taps,
} from '#services/nova/drivers/hypervisor-qemu/tools.ts'
import { HypervisorFault, type GuestEvent, type GuestSpec, type Hypervisor } from '#services/nova/drivers/hypervisor.ts'

export interface QemuHypervisorOptions {
  /** The cloud's state folder; guests live in `servers/` below it, verdicts in `cache/`. */
  readonly state: string
  readonly clock: Clock
  /** Programs in the host's own namespaces. */
  readonly exec?: Exec
  /** Where guests start: the network fabric's. Default: as `exec`. */
  readonly placeIn?: Exec
  /** Without it NICs end in a closed network of QEMU's own. */
  readonly taps?: Taps
  /** Who guests run as. Default: an identity of our choice where we are root; `null`: as ourselves. */
  readonly user?: GuestUser | null
  readonly binary?: string
  /** `auto` proves /dev/kvm first. */
  readonly accelerator?: 'auto' | 'kvm' | 'tcg'
  /** A Linux kernel to prove /dev/kvm with, where there is one by now. Without one emulation is used, and asked again next time. */
  readonly probeKernel?: () => string | undefined
  /** Where the verdict on /dev/kvm is kept; default `cache` in the state folder. */
  readonly verdicts?: string
  /** How many guests may be starting at once. Default: the number of cores. */
  readonly startingAtOnce?: number
  /** How long a guest counts as starting when its console does not say that it is up. */
  readonly startingMs?: { readonly kvm: number; readonly tcg: number }
  readonly productVersion?: string
  /** Told in one sentence what went wrong where no caller waits. */
  readonly onProblem?: (sentence: string) => void
  /** Told after every start how long it took. */
  readonly onStarted?: (times: StartTimes) => void
}

/** How often guests' logs are looked at. */
const SWEEP_MS = 15_000

/** Makes the driver. Throws when QEMU is not installed; everything else is found out when asked for. */
export async function createQemuHypervisor(options: QemuHypervisorOptions): Promise<Hypervisor> {
  const { state, clock } = options
  const exec = options.exec ?? createExec()
  const binary = options.binary ?? 'qemu-system-x86_64'
  const { stdout: qemuVersion } = await exec.run([binary, '--version'])
  const user = options.user === null ? undefined : (options.user ?? (await defaultUser()))
  const listeners = new Set<(event: GuestEvent) => void>()
  await mkdir(`${state}/servers`, { recursive: true, mode: 0o700 })
  const placeIn = options.placeIn ?? exec
  let tun: Promise<'open' | 'hidden'> | undefined
  const tunFor = (): Promise<'open' | 'hidden'> =>
    (tun ??= openTun(placeIn).catch((error: unknown) => {
      tun = undefined
      throw error
    }))
  let verdict: Promise<Accelerator> | undefined
  const accelerator = (): Promise<Accelerator> => {
    if (options.accelerator === 'kvm' || options.accelerator === 'tcg')
      return Promise.resolve({ kind: options.accelerator, why: 'as configured' })
    if (verdict !== undefined) return verdict
    const kernel = options.probeKernel?.()
    const asked = chooseAccelerator({
      exec,
      clock,
      binary,
      qemuVersion: qemuVersion.split('\n')[0] ?? '',
      cacheFolder: options.verdicts ?? `${state}/cache`,
      ...(kernel === undefined ? {} : { kernel }),
    })
    verdict = asked
    const forget = (): void => void (verdict === asked && (verdict = undefined))
    void asked.then(found => (found.provisional === true ? forget() : undefined), forget)
    return asked
  }
  const tools: QemuTools = {
    clock,
    exec,
    placeIn,
    taps: options.taps,
    user,
    // Asked at the first start: the place where guests live may not be there yet.
    hiddenTun: async () => user !== undefined && options.taps !== undefined && (await tunFor()) === 'hidden',
    state,
    binary,
    bootId: await bootId(),
    productVersion: options.productVersion ?? '1.0.0',
    store: guestStore(state, user),
    locks: guestLocks(),
    queue: bootQueue(Math.max(1, options.startingAtOnce ?? availableParallelism())),
    monitors: new Map(),
    expected: new Set(),
    startingMs: options.startingMs ?? { kvm: 3_000, tcg: 20_000 },
    accelerator,
    emit: event => listeners.forEach(listen => listen(event)),
    problem: sentence => options.onProblem?.(sentence),
    started: times => options.onStarted?.(times),
  }
  const stopSweeping = repeat(clock, SWEEP_MS, async () => {
    for (const serverId of tools.monitors.keys()) {
      for (const name of [SERIAL_LOG, 'qemu.log']) await trimLog(`${tools.store.folder(serverId)}/${name}`)
    }
  })
  return assemble(tools, qemuVersion, listeners, stopSweeping)
}

/** Does it again and again, never twice at once; returns the end of it. A failure is left for the next time. */
function repeat(clock: Clock, everyMs: number, deed: () => Promise<void>): () => void {
  let over = false
  let cancel = (): void => undefined
  const next = (): void => {
    if (over) return
    cancel = clock.after(everyMs, () => {
      void deed().then(next, next)
    })
  }
  next()
  return () => {
    over = true
    cancel()
  }
}

async function defaultUser(): Promise<GuestUser | undefined> {
  const [uidMap, passwd] = await Promise.all([
    readFile('/proc/self/uid_map', 'utf8').catch(() => ''),
    readFile('/etc/passwd', 'utf8').catch(() => ''),
  ])
  return chooseGuestUser({ uid: process.getuid?.() ?? 1, uidMap, passwd })
}

function assemble(
  tools: QemuTools,
  qemuVersion: string,
  listeners: Set<(event: GuestEvent) => void>,
  atClose: () => void,
): Hypervisor {
  const { locks, store } = tools
  /** True when it runs already and is watched. */
  const runs = async (serverId: string): Promise<boolean> => {
    const record = await store.read(serverId)
    if (record === undefined || record.phase === 'stopped' || record.phase === 'suspended' || record.phase === 'making')
      return false
    const mark = await livingProcess(tools, record)
    if (mark === undefined) return false
    if (!tools.monitors.has(serverId)) {
      await store.write({ ...record, phase: 'running', process: mark })
      watch(tools, serverId, mark)
    }
    return true
  }
  const startAgain = async (guest: GuestSpec, signal: AbortSignal): Promise<void> => {
    const before = await mustRead(tools, guest.serverId)
    await rm(`${store.folder(guest.serverId)}/${MEMORY_FILE}`, { force: true })
    try {
      await start(tools, guest, before, signal)
    } catch (error) {
      await stop(
        tools,
        { ...before, phase: 'starting', process: null },
        { graceMs: 0, signal: AbortSignal.timeout(30_000) },
      )
      throw error
    }
  }
  return {
    capabilities: {
      suspend: true,
      hotplugDisk: true,
      hotplugNic: true,
      liveVolumeResize: true,
      liveVolumeSnapshot: true,
      liveCapture: true,
      vnc: true,
      serial: true,
      rescue: true,
      liveMigration: false,
    },
    async adopt() {
      await adoptGuests(tools)
      return listGuests(tools)
    },
    facts: () => hostFacts(tools, qemuVersion),
    spawn: (guest, { signal } = {}) =>
      locks.run(guest.serverId, signal, async either => {
        if (await runs(guest.serverId)) return
        const before = await store.read(guest.serverId)
        if (before?.phase === 'destroying') await destroyGuest(tools, guest.serverId)
        try {
          await start(tools, guest, before, either)
        } catch (error) {
          // invariant: disks that a user may have written to are never removed for a failed start.
          if (before === undefined || before.phase === 'making' || before.phase === 'destroying')
            await destroyGuest(tools, guest.serverId)
          else
            await stop(
              tools,
              { ...before, phase: 'starting', process: null },
              { graceMs: 0, signal: AbortSignal.timeout(30_000) },
            )
          throw error
        }
      }),
    destroy: serverId =>
      locks.end(serverId, new HypervisorFault('not-found', `Instance ${serverId} is being deleted`), () =>
        destroyGuest(tools, serverId),
      ),
    powerOff: (serverId, { signal, graceMs = 0 } = {}) =>
      locks.run(serverId, signal, async either => {
        const record = await mustRead(tools, serverId)
        if (record.phase === 'stopped') return
        await rm(`${store.folder(serverId)}/${MEMORY_FILE}`, { force: true })
        await stop(tools, record, { graceMs, signal: either })
      }),
    powerOn: (guest, { signal } = {}) =>
      locks.run(guest.serverId, signal, async either => {
        if (!(await runs(guest.serverId))) await startAgain(guest, either)
      }),
    reboot: (guest, kind, { signal, graceMs = 60_000 } = {}) =>
      locks.run(guest.serverId, signal, async either => {
        const record = await mustRead(tools, guest.serverId)
        await stop(tools, record, { graceMs: kind === 'soft' ? graceMs : 0, signal: either, keepTaps: true })
        await startAgain(guest, either)
      }),
    reimage: (guest, { signal, keepEphemeral = false } = {}) =>
      locks.run(guest.serverId, signal, async either => reimageGuest(tools, guest, keepEphemeral, either)),
    pause: serverId =>
      locks.run(serverId, undefined, async () => void (await (await running(serverId)).execute('stop'))),
    unpause: serverId =>
      locks.run(serverId, undefined, async () => void (await (await running(serverId)).execute('cont'))),
    suspend: (serverId, { signal } = {}) =>
      locks.run(serverId, signal, either => suspendGuest(tools, serverId, either)),
    resume: (serverId, { signal } = {}) => locks.run(serverId, signal, either => resumeGuest(tools, serverId, either)),
    attachDisk: (serverId, disk, { signal } = {}) =>
      locks.run(serverId, signal, either => attachDisk(tools, serverId, disk, either)),
    detachDisk: (serverId, volumeId, { signal, timeoutMs = 60_000 } = {}) =>
      locks.run(serverId, signal, either => detachDisk(tools, serverId, volumeId, { timeoutMs, signal: either })),
    resizeDisk: (serverId, volumeId, sizeBytes) =>
      locks.run(serverId, undefined, () => resizeDisk(tools, serverId, volumeId, sizeBytes)),
    snapshotDisk: (serverId, volumeId, overlay) =>
      locks.run(serverId, undefined, () => snapshotDisk(tools, serverId, volumeId, overlay)),
    commitDisk: (serverId, volumeId, base, { signal } = {}) =>
      locks.run(serverId, signal, either => commitDisk(tools, serverId, volumeId, base, either)),
    attachNic: (serverId, nic, { signal } = {}) =>
      locks.run(serverId, signal, either => attachNic(tools, serverId, nic, either)),
    detachNic: (serverId, portId, { signal, timeoutMs = 60_000 } = {}) =>
      locks.run(serverId, signal, either => detachNic(tools, serverId, portId, { timeoutMs, signal: either })),
    captureRoot: (serverId, out, { signal } = {}) =>
      locks.run(serverId, signal, either => captureRoot(tools, serverId, out, either)),
    ...qemuMoves(tools, runs),
    consoleLog: (serverId, lines) => consoleLog(tools, serverId, lines),
    vnc: serverId => socketPath(tools, serverId, 'vnc'),
    serial: serverId => socketPath(tools, serverId, 'serial'),
    screenshot: serverId => screenshot(tools, serverId),
    interrupt: serverId => interrupt(tools, serverId),
    setPassword: (serverId, { hasAgent }) => setPassword(tools, serverId, hasAgent),
    state: serverId => guestState(tools, serverId),
    recorded: async serverId => (await store.read(serverId))?.spec ?? null,
    list: () => listGuests(tools),
    diagnostics: serverId => diagnostics(tools, serverId),
    onEvent(listen) {
      listeners.add(listen)
      return () => listeners.delete(listen)
    },
    close() {
      atClose()
      for (const monitor of tools.monitors.values()) monitor.close()
      tools.monitors.clear()
      listeners.clear()
      return Promise.resolve()
    },
  }
  async function running(serverId: string): Promise<ReturnType<typeof mustRun>> {
    await mustRead(tools, serverId)
    return mustRun(tools, serverId)
  }
}
