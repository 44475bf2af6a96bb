// What must follow the end of a guest's process, whoever caused it.
import type { GuestRecord } from '#services/nova/drivers/hypervisor-qemu/guest-store.ts'
import type { QemuTools } from '#services/nova/drivers/hypervisor-qemu/tools.ts'

/** What follows the end of a process, whoever caused it: no wires (unless it starts again at once), and a record that says so. */
export async function afterEnd(tools: QemuTools, record: GuestRecord, keepTaps = false): Promise<void> {
  if (!keepTaps) await removeTaps(tools, record)
  await tools.store.write({ ...record, process: null })
}

/** The host's ends of all its wires; harmless to repeat. */
export async function removeTaps(tools: QemuTools, record: GuestRecord): Promise<void> {
  const { taps } = tools
  if (taps !== undefined) await Promise.all(record.spec.nics.map(nic => taps.remove(nic.tap)))
}
