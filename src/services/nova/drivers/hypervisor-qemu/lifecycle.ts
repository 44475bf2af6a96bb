// Starting and ending guests. The order of writes is the point: a crash between any two leaves something `adopt` and
// `destroy` can finish, and never two processes on one disk.
import { chown, open, readFile, readdir, rm, stat } from 'node:fs/promises'
import { commandLine, SERIAL_LOG, SOCKETS, type DiskLayer } from '#host/qemu/command-line.ts'
import {
  endProcess,
  findGuestProcess,
  launchVector,
  lives,
  startGuestProcess,
  type ProcessMark,
} from '#host/qemu/process.ts'
import { connectQmp, QmpSilence, type Qmp } from '#host/qemu/qmp.ts'
import { afterEnd, removeTaps } from '#services/nova/drivers/hypervisor-qemu/after-end.ts'
import { untilStarted } from '#services/nova/drivers/hypervisor-qemu/boot-queue.ts'
import {
  bringVolume,
  dropRescueDisks,
  makeOwnDisks,
  namesOf,
  takeVolumeOut,
} from '#services/nova/drivers/hypervisor-qemu/disks.ts'
import { guestEvents } from '#services/nova/drivers/hypervisor-qemu/events.ts'
import type { GuestRecord } from '#services/nova/drivers/hypervisor-qemu/guest-store.ts'
import { assignSlots, machineFor } from '#services/nova/drivers/hypervisor-qemu/machine.ts'
import { watchGuest, type GuestMonitor } from '#services/nova/drivers/hypervisor-qemu/monitor.ts'
import type { QemuTools } from '#services/nova/drivers/hypervisor-qemu/tools.ts'
import { HypervisorFault, type DiskSpec, type GuestSpec } from '#services/nova/drivers/hypervisor.ts'

const ANSWER_LIMIT_MS = 30_000
/** Where a guest's memory waits while it is suspended. */
export const MEMORY_FILE = 'memory.state'

export const volumesOf = (guest: GuestSpec): readonly DiskSpec[] =>
  guest.rootDisk.from === 'volume' ? [guest.rootDisk.disk, ...guest.disks] : guest.disks

/** Begins to watch a process that runs. */
export function watch(tools: QemuTools, serverId: string, mark: ProcessMark, first?: Qmp): GuestMonitor {
  tools.monitors.get(serverId)?.close()
  const monitor = watchGuest({
    folder: tools.store.folder(serverId),
    mark,
    clock: tools.clock,
    events: guestEvents(tools, serverId, mark),
    ...(first === undefined ? {} : { first }),
  })
  tools.monitors.set(serverId, monitor)
  return monitor
}

/** The process of a record, if it lives: by its mark, else (a start was cut off before the mark was written) by looking. */
export async function livingProcess(tools: QemuTools, record: GuestRecord): Promise<ProcessMark | undefined> {
  if (record.process !== null && record.bootId === tools.bootId && (await lives(record.process))) return record.process
  if (record.phase === 'stopped' || record.phase === 'suspended') return undefined
  return findGuestProcess(record.spec.serverId, tools.store.folder(record.spec.serverId))
}

/** Makes disks and starts, after waiting its turn. The caller holds the guest's lock. */
export async function start(
  tools: QemuTools,
  guest: GuestSpec,
  before: GuestRecord | undefined,
  signal: AbortSignal,
  incoming = false,
): Promise<GuestMonitor> {
  const asked = tools.clock.monotonic()
  const leave = await tools.queue.enter(signal)
  try {
    const turn = tools.clock.monotonic()
    const accelerator = await tools.accelerator()
    const folder = await tools.store.makeFolder(guest.serverId)
    const slots = assignSlots(guest, before?.slots ?? {})
    // Until there is a process it stays what it was: a start that is cut off must not look like a guest half made.
    const phase =
      before === undefined || before.phase === 'starting' || before.phase === 'running' ? 'making' : before.phase
    const record: GuestRecord = { spec: guest, phase, process: null, bootId: tools.bootId, slots }
    await tools.store.write(record)
    const gone = (before?.spec.nics ?? []).filter(nic => !guest.nics.some(one => one.tap === nic.tap))
    if (gone.length > 0) await removeTaps(tools, { ...record, spec: { ...guest, nics: gone } })
    // Side by side: disks, wires and the empty log need nothing from each other.
    const [, volumes, logSize] = await allOrThrow([
      guest.rescue === undefined
        ? dropRescueDisks(folder).then(() => makeOwnDisks(tools, guest, folder))
        : makeOwnDisks(tools, guest, folder),
      bringVolumes(tools, folder, guest),
      prepareRun(tools, folder, incoming),
      ...guest.nics.map(nic =>
        tools.taps?.create(nic.tap, {
          ...(tools.user === undefined ? {} : { uid: tools.user.uid }),
          mtu: nic.mtu,
          mac: nic.mac,
          portId: nic.portId,
        }),
      ),
    ] as const)
    signal.throwIfAborted()
    const machine = machineFor(guest, {
      binary: tools.binary,
      accel: accelerator.kind,
      productVersion: tools.productVersion,
      slots,
      volumes,
      incoming,
      wire: nic => (tools.taps === undefined ? { kind: 'user' } : { kind: 'tap', name: nic.tap, vhost: false }),
    })
    const vector = launchVector(commandLine(machine), {
      folder,
      hiddenTun: await tools.hiddenTun(),
      ...(tools.user === undefined ? {} : { user: withKvm(tools, accelerator.kvmGid) }),
    })
    await tools.store.write({ ...record, phase: 'starting' })
    const mark = await startGuestProcess(tools.placeIn, vector, `${folder}/qemu.log`)
    const oursMs = tools.clock.monotonic() - turn
    await tools.store.write({ ...record, phase: 'starting', process: mark })
    const qmp = await firstAnswer(tools, folder, mark, logSize, signal)
    if (!incoming) await tools.store.write({ ...record, phase: 'running', process: mark })
    const monitor = watch(tools, guest.serverId, mark, qmp)
    tools.started({
      serverId: guest.serverId,
      queuedMs: turn - asked,
      oursMs,
      answeredMs: tools.clock.monotonic() - turn,
    })
    const over = (): boolean => tools.monitors.get(guest.serverId) !== monitor
    void untilStarted({
      clock: tools.clock,
      log: `${folder}/${SERIAL_LOG}`,
      from: 0,
      limitMs: tools.startingMs[accelerator.kind],
      over,
    }).finally(leave)
    return monitor
  } catch (error) {
    leave()
    throw error
  }
}

const withKvm = (tools: QemuTools, kvmGid: number | undefined): NonNullable<QemuTools['user']> => {
  const user = tools.user ?? { uid: 0, gid: 0 }
  return kvmGid === undefined || kvmGid === 0 ? user : { ...user, groups: [kvmGid] }
}

/** Like Promise.all, but no work is left running behind the first error. */
async function allOrThrow<T extends readonly unknown[]>(work: T): Promise<{ -readonly [K in keyof T]: Awaited<T[K]> }> {
  const ends = await Promise.allSettled(work)
  const bad = ends.find(end => end.status === 'rejected')
  if (bad !== undefined) throw bad.reason
  return ends.map(end => (end as PromiseFulfilledResult<unknown>).value) as { -readonly [K in keyof T]: Awaited<T[K]> }
}

async function bringVolumes(
  tools: QemuTools,
  folder: string,
  guest: GuestSpec,
): Promise<ReadonlyMap<string, DiskLayer>> {
  const layers = new Map<string, DiskLayer>()
  for (const { volumeId, source, readOnly } of volumesOf(guest)) {
    layers.set(volumeId, await bringVolume(tools, folder, volumeId, source, readOnly ?? false))
  }
  const used = new Set([...layers.values()].flatMap(namesOf))
  for (const name of await readdir(folder)) {
    const id = /^volume-([0-9a-f-]{36})\./.exec(name)?.[1]
    if (id !== undefined && !used.has(name)) await takeVolumeOut(tools, folder, id, used)
  }
  return layers
}

/** Old sockets away, an empty serial log that QEMU may append to; says where QEMU's own words will begin. */
async function prepareRun(tools: QemuTools, folder: string, keepLog: boolean): Promise<number> {
  await Promise.all(Object.values(SOCKETS).map(name => rm(`${folder}/${name}`, { force: true })))
  const log = await open(`${folder}/${SERIAL_LOG}`, keepLog ? 'a' : 'w', 0o600)
  await log.close()
  if (tools.user !== undefined) await chown(`${folder}/${SERIAL_LOG}`, tools.user.uid, tools.user.gid)
  return (await stat(`${folder}/qemu.log`).catch(() => undefined))?.size ?? 0
}

/** Waits until QEMU answers, or throws with its last words; a process that will not answer is ended. */
async function firstAnswer(
  tools: QemuTools,
  folder: string,
  mark: ProcessMark,
  logFrom: number,
  signal: AbortSignal,
): Promise<Qmp> {
  const { clock } = tools
  const begun = clock.monotonic()
  try {
    for (let pauseMs = 5; ; pauseMs = Math.min(pauseMs * 1.5, 100)) {
      signal.throwIfAborted()
      try {
        return await connectQmp({ folder, name: SOCKETS.qmp, clock, timeoutMs: 10_000, signal })
      } catch (error) {
        signal.throwIfAborted()
        if (!(await lives(mark)))
          throw new HypervisorFault(
            'start-failed',
            `QEMU ended while starting: ${await wordsSince(folder, logFrom)}`,
            error,
          )
        if (error instanceof QmpSilence && !error.gone)
          throw new HypervisorFault('start-failed', 'QEMU started but does not answer', error)
        if (clock.monotonic() - begun > ANSWER_LIMIT_MS)
          throw new HypervisorFault('start-failed', `QEMU did not answer within ${ANSWER_LIMIT_MS / 1000} s`, error)
      }
      await clock.sleep(pauseMs, signal)
    }
  } catch (error) {
    if (!(await endProcess(mark, { clock })))
      throw new HypervisorFault('cannot-stop', `Process ${mark.pid} of the guest cannot be ended`, error)
    throw error
  }
}

async function wordsSince(folder: string, from: number): Promise<string> {
  const text = (await readFile(`${folder}/qemu.log`).catch(() => Buffer.alloc(0)))
    .subarray(from)
    .toString('utf8')
    .trim()
  return text === '' ? 'it said nothing' : text.slice(-800)
}

/** Ends the guest's process, politely when asked so; the record says `stopped` after. The caller holds the lock. */
export async function stop(
  tools: QemuTools,
  record: GuestRecord,
  options: { graceMs: number; signal: AbortSignal; keepTaps?: boolean },
): Promise<void> {
  const { serverId } = record.spec
  const mark = await livingProcess(tools, record)
  tools.expected.add(serverId)
  try {
    if (mark !== undefined) {
      if (options.graceMs > 0) await askToShutDown(tools, serverId, mark, options)
      // SIGTERM lets QEMU write its disks' tables; SIGKILL follows if it is stuck.
      if (!(await endProcess(mark, { clock: tools.clock, signal: 'SIGTERM' }))) {
        throw new HypervisorFault('cannot-stop', `Process ${mark.pid} of instance ${serverId} cannot be ended`)
      }
    }
    tools.monitors.get(serverId)?.close()
    tools.monitors.delete(serverId)
    await afterEnd(tools, { ...record, phase: 'stopped' }, options.keepTaps)
  } finally {
    tools.expected.delete(serverId)
  }
}

async function askToShutDown(
  tools: QemuTools,
  serverId: string,
  mark: ProcessMark,
  options: { graceMs: number; signal: AbortSignal },
): Promise<void> {
  const { clock } = tools
  const monitor = tools.monitors.get(serverId)
  if (monitor === undefined) return
  const begun = clock.monotonic()
  let pressed = -Infinity
  while (await lives(mark)) {
    const passed = clock.monotonic() - begun
    if (passed >= options.graceMs) return
    // Pressed again now and then: a guest that is still booting misses the first.
    if (passed - pressed >= 10_000) {
      pressed = passed
      if ((await monitor.state()) !== 'running') return
      try {
        await monitor.execute('system_powerdown', undefined, { timeoutMs: 3_000 })
      } catch {
        if (await lives(mark)) return
      }
    }
    await clock.sleep(Math.min(100, Math.max(1, options.graceMs - passed)), options.signal)
  }
}

/** Ends whatever runs as this guest and removes its folder. The caller is alone with the guest. */
export async function destroyGuest(tools: QemuTools, serverId: string): Promise<void> {
  const { store, clock } = tools
  const folder = store.folder(serverId)
  const record = await store.read(serverId)
  const there = (await stat(folder).catch(() => undefined)) !== undefined
  if (record !== undefined) await store.write({ ...record, phase: 'destroying' })
  tools.expected.add(serverId)
  try {
    tools.monitors.get(serverId)?.close()
    tools.monitors.delete(serverId)
    const marks = [
      record === undefined ? undefined : await livingProcess(tools, { ...record, phase: 'destroying' }),
      await findGuestProcess(serverId, folder),
    ]
    const hasVolumes = record !== undefined && volumesOf(record.spec).length > 0
    for (const mark of marks) {
      if (mark === undefined) continue
      if (!(await endProcess(mark, { clock, signal: hasVolumes ? 'SIGTERM' : 'SIGKILL' }))) {
        throw new HypervisorFault('cannot-stop', `Process ${mark.pid} of instance ${serverId} cannot be ended`)
      }
    }
    if (record !== undefined) await removeTaps(tools, record)
    if (!there) return
    for (const name of await readdir(folder)) {
      const id = /^volume-([0-9a-f-]{36})\./.exec(name)?.[1]
      if (id !== undefined) await takeVolumeOut(tools, folder, id)
    }
    await store.removeFolder(serverId)
  } finally {
    tools.expected.delete(serverId)
  }
}
