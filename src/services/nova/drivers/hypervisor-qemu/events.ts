// What a guest does by itself: its record follows, and whoever listens is told.
import { readFile, statfs } from 'node:fs/promises'
import { deviceId } from '#host/qemu/command-line.ts'
import type { ProcessMark } from '#host/qemu/process.ts'
import type { QmpEvent } from '#host/qemu/qmp.ts'
import { afterEnd } from '#services/nova/drivers/hypervisor-qemu/after-end.ts'
import { forgetDisk, forgetNic } from '#services/nova/drivers/hypervisor-qemu/hotplug.ts'
import type { GuestEnd, MonitorEvents } from '#services/nova/drivers/hypervisor-qemu/monitor.ts'
import { sameProcess, type QemuTools } from '#services/nova/drivers/hypervisor-qemu/tools.ts'

/** A guest stopped by a full disk goes on when this much is free again. */
const ROOM_TO_GO_ON = 64 * 2 ** 20

export function guestEvents(tools: QemuTools, serverId: string, mark: ProcessMark): MonitorEvents {
  const problem = (error: unknown): void => tools.problem(`Instance ${serverId}: ${String(error)}`)
  return {
    event: event => void take(tools, serverId, event).catch(problem),
    ended: end => void ended(tools, serverId, mark, end).catch(problem),
  }
}

async function ended(tools: QemuTools, serverId: string, mark: ProcessMark, end: GuestEnd): Promise<void> {
  if (tools.expected.has(serverId)) return
  await tools.locks.run(serverId, undefined, async () => {
    const record = await tools.store.read(serverId)
    // invariant: only the end of the process the record names is news; a reboot may have put another in its place.
    if (record === undefined || !sameProcess(record.process, mark) || record.phase === 'destroying') return
    tools.monitors.get(serverId)?.close()
    tools.monitors.delete(serverId)
    const whole = end.why === 'crashed' ? { ...end, detail: `${end.detail}${await lastWord(tools, serverId)}` } : end
    await afterEnd(tools, { ...record, phase: 'stopped', ended: whole })
    tools.emit({ kind: 'stopped', serverId, ...whole })
  })
}

/** What QEMU itself said last, if anything. */
async function lastWord(tools: QemuTools, serverId: string): Promise<string> {
  const text = await readFile(`${tools.store.folder(serverId)}/qemu.log`, 'utf8').catch(() => '')
  const line = text.trim().split('\n').at(-1) ?? ''
  return line === '' ? '' : `: ${line.slice(-300)}`
}

async function take(tools: QemuTools, serverId: string, event: QmpEvent): Promise<void> {
  const { data } = event
  switch (event.event) {
    case 'RESET':
      if (data.guest === true) tools.emit({ kind: 'rebooted', serverId })
      return
    case 'BLOCK_IO_ERROR': {
      if (data.action !== 'stop') return
      const full = data.nospace === true
      tools.emit({
        kind: 'paused',
        serverId,
        why: full ? 'disk-full' : 'disk-error',
        detail: `${String(data['node-name'] ?? data.device)}: ${String(data.reason ?? 'write error')}`,
      })
      // QEMU says so a moment before it stops the guest: time to do it.
      if (full) await tools.clock.sleep(500).then(() => goOnWhenThereIsRoom(tools, serverId))
      return
    }
    case 'DEVICE_DELETED': {
      const device = String(data.device ?? '')
      if (tools.expected.has(`${serverId} ${device}`)) return
      await tools.locks.run(serverId, undefined, () => lateRemoval(tools, serverId, device))
      return
    }
    default:
  }
}

/** Waits for room, then lets a guest go on that QEMU stopped for want of it. A guest that somebody paused stays paused. */
export async function goOnWhenThereIsRoom(tools: QemuTools, serverId: string): Promise<void> {
  const monitor = tools.monitors.get(serverId)
  while (monitor !== undefined && tools.monitors.get(serverId) === monitor) {
    const { status } = (await monitor.execute('query-status')) as { status: string }
    if (status !== 'io-error') return
    const { bavail, bsize } = await statfs(tools.state)
    if (bavail * bsize >= ROOM_TO_GO_ON) {
      await monitor.execute('cont')
      tools.emit({ kind: 'resumed', serverId })
      return
    }
    await tools.clock.sleep(1_000)
  }
}

/** The guest let go of a device after we had stopped waiting, or on its own. */
async function lateRemoval(tools: QemuTools, serverId: string, device: string): Promise<void> {
  const record = await tools.store.read(serverId)
  if (record === undefined) return
  const disk = record.spec.disks.find(({ volumeId }) => device === deviceId(`vol-${volumeId}`))
  if (disk !== undefined) {
    await forgetDisk(tools, record, disk.volumeId)
    tools.emit({ kind: 'disk-removed', serverId, volumeId: disk.volumeId })
  }
  const nic = record.spec.nics.find(({ portId }) => device === deviceId(`nic-${portId}`))
  if (nic !== undefined) {
    await forgetNic(tools, record, nic.portId)
    tools.emit({ kind: 'nic-removed', serverId, portId: nic.portId })
  }
}
