// After a restart of the control plane, or for the audit: what is on this machine, remembered or not.
import { readdir, stat } from 'node:fs/promises'
import { guestProcessesUnder, type ProcessMark } from '#host/qemu/process.ts'
import { readQcow2Header } from '#host/qemu/qcow2-header.ts'
import { afterEnd } from '#services/nova/drivers/hypervisor-qemu/after-end.ts'
import { guestState } from '#services/nova/drivers/hypervisor-qemu/console.ts'
import { goOnWhenThereIsRoom } from '#services/nova/drivers/hypervisor-qemu/events.ts'
import {
  destroyGuest,
  livingProcess,
  MEMORY_FILE,
  stop,
  watch,
} from '#services/nova/drivers/hypervisor-qemu/lifecycle.ts'
import type { QemuTools } from '#services/nova/drivers/hypervisor-qemu/tools.ts'
import type { FoundDisk, FoundGuest } from '#services/nova/drivers/hypervisor.ts'

/**
 * Takes every guest that still runs under watch again and sets the records of those that do not right. A removal that was
 * cut off is finished; a start that was cut off is kept when its process answers.
 */
export async function adoptGuests(tools: QemuTools): Promise<void> {
  for (const serverId of await tools.store.ids()) {
    const adopted = tools.locks.run(serverId, undefined, async () => {
      const record = await tools.store.read(serverId)
      if (record === undefined || tools.monitors.has(serverId)) return
      if (record.phase === 'destroying') return destroyGuest(tools, serverId)
      if (record.phase === 'making' || record.phase === 'stopped') return
      const mark = await livingProcess(tools, record)
      const memory = await stat(`${tools.store.folder(serverId)}/${MEMORY_FILE}`).catch(() => undefined)
      if (memory !== undefined && record.phase !== 'suspended') {
        // Either a suspend that lacked only its last word, or a resume that had not got its memory yet: both are `suspended`.
        await stop(tools, record, { graceMs: 0, signal: AbortSignal.timeout(30_000) })
        return tools.store.write({ ...record, phase: 'suspended', process: null })
      }
      if (mark !== undefined) {
        await tools.store.write({ ...record, phase: 'running', process: mark, bootId: tools.bootId })
        watch(tools, serverId, mark)
        void goOnWhenThereIsRoom(tools, serverId).catch(() => undefined)
        return
      }
      if (record.phase === 'suspended') return
      const detail = record.bootId === tools.bootId ? 'ended while nobody watched' : 'the machine was restarted'
      await afterEnd(tools, { ...record, phase: 'stopped', ended: { why: 'guest', detail } })
    })
    // One guest that cannot be taken back must not leave the others unwatched.
    await adopted.catch((error: unknown) =>
      tools.problem(`Instance ${serverId} could not be taken back: ${String(error)}`),
    )
  }
}

const OWN_DISKS: Readonly<Record<string, string>> = {
  'root.qcow2': 'root',
  'rescue.qcow2': 'rescue',
  'ephemeral.raw': 'ephemeral',
  'swap.raw': 'swap',
  'config.iso': 'config',
}

/** Everything below the servers' folder and every process that works in it. Changes nothing. */
export async function listGuests(tools: QemuTools): Promise<readonly FoundGuest[]> {
  const processes = new Map<string, ProcessMark>()
  for (const { uuid, mark } of await guestProcessesUnder(tools.store.root)) processes.set(uuid, mark)
  const found: FoundGuest[] = []
  const ids = new Set([...(await tools.store.ids()), ...processes.keys()])
  for (const serverId of ids) {
    const record = await tools.store.read(serverId)
    const mark = processes.get(serverId)
    const whole = record !== undefined && record.phase !== 'making' && record.phase !== 'destroying'
    const state = whole ? await guestState(tools, serverId) : mark === undefined ? 'shutdown' : 'running'
    const folder = tools.store.folder(serverId)
    found.push({
      serverId,
      state,
      recorded: whole,
      folder,
      disks: await disksIn(folder),
      nics: record?.spec.nics ?? [],
      ...(mark === undefined ? {} : { pid: mark.pid }),
      ...(record === undefined ? {} : { spec: record.spec }),
    })
  }
  return found
}

async function disksIn(folder: string): Promise<readonly FoundDisk[]> {
  const disks: FoundDisk[] = []
  for (const name of await readdir(folder).catch(() => [])) {
    const volume = /^volume-([0-9a-f-]{36})\.(?:live\d+\.)?(raw|qcow2|sock)$/.exec(name)
    const id = OWN_DISKS[name] ?? volume?.[1]
    if (id === undefined) continue
    const path = `${folder}/${name}`
    const about = await stat(path).catch(() => undefined)
    if (about === undefined) continue
    const format = name.endsWith('.qcow2') ? 'qcow2' : name.endsWith('.sock') ? 'nbd' : 'raw'
    const header = format === 'qcow2' ? await readQcow2Header(path).catch(() => undefined) : undefined
    disks.push({
      id,
      path,
      format,
      sizeBytes: header?.virtualSize ?? about.size,
      ...(header?.backing === undefined ? {} : { backing: header.backing.name }),
    })
  }
  return disks
}
