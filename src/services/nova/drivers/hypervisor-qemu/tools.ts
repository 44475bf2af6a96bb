// What the parts of the QEMU driver share: passed to each, held nowhere else.
import type { Exec } from '#host/node/exec.ts'
import type { Accelerator } from '#host/qemu/accel.ts'
import type { GuestUser, ProcessMark } from '#host/qemu/process.ts'
import type { Clock } from '#kernel/lib/clock.ts'
import type { BootQueue } from '#services/nova/drivers/hypervisor-qemu/boot-queue.ts'
import type { GuestLocks } from '#services/nova/drivers/guest-locks.ts'
import type { GuestRecord, GuestStore } from '#services/nova/drivers/hypervisor-qemu/guest-store.ts'
import type { GuestMonitor } from '#services/nova/drivers/hypervisor-qemu/monitor.ts'
import { HypervisorFault, type GuestEvent } from '#services/nova/drivers/hypervisor.ts'

/** Makes and removes the host's end of a guest's wire, in whatever namespace guests live. Both are harmless to repeat. */
export interface Taps {
  create(
    name: string,
    options: { readonly uid?: number; readonly mtu?: number; readonly mac?: string; readonly portId?: string },
  ): Promise<void>
  remove(name: string): Promise<void>
}

/** How long the parts of one start took, in milliseconds. `oursMs`: from the verb's turn to a process. */
export interface StartTimes {
  readonly serverId: string
  readonly queuedMs: number
  readonly oursMs: number
  readonly answeredMs: number
}

export interface QemuTools {
  readonly clock: Clock
  readonly exec: Exec
  readonly placeIn: Exec
  readonly taps: Taps | undefined
  readonly user: GuestUser | undefined
  /** True when each guest must bring its own /dev/net/tun. */
  hiddenTun(): Promise<boolean>
  readonly state: string
  readonly binary: string
  readonly bootId: string
  readonly productVersion: string
  readonly store: GuestStore
  readonly locks: GuestLocks
  readonly queue: BootQueue
  readonly monitors: Map<string, GuestMonitor>
  /** Guests whose end or device loss we asked for: nothing to report. Holds server ids, and `<server id> <device id>`. */
  readonly expected: Set<string>
  readonly startingMs: { readonly kvm: number; readonly tcg: number }
  accelerator(): Promise<Accelerator>
  emit(event: GuestEvent): void
  /** For the log: what went wrong where nobody waits for an answer. */
  problem(sentence: string): void
  started(times: StartTimes): void
}

/** The record, or `not-found`. */
export async function mustRead(tools: QemuTools, serverId: string): Promise<GuestRecord> {
  const record = await tools.store.read(serverId)
  if (record === undefined || record.phase === 'destroying')
    throw new HypervisorFault('not-found', `Instance ${serverId} could not be found on this host`)
  return record
}

/** The monitor of a guest that runs, or `wrong-state`. */
export function mustRun(tools: QemuTools, serverId: string): GuestMonitor {
  const monitor = tools.monitors.get(serverId)
  if (monitor === undefined) throw new HypervisorFault('wrong-state', `Instance ${serverId} is not running`)
  return monitor
}

export const sameProcess = (one: ProcessMark | null, other: ProcessMark | null): boolean =>
  one !== null && other !== null && one.pid === other.pid && one.startTime === other.startTime
