// A guest's own disks made anew under the same guest: its folder, its volumes and its wires' names stay.
import { rm } from 'node:fs/promises'
import { dropOwnDisks, makeOwnDisks } from '#services/nova/drivers/hypervisor-qemu/disks.ts'
import { MEMORY_FILE, stop } from '#services/nova/drivers/hypervisor-qemu/lifecycle.ts'
import { assignSlots } from '#services/nova/drivers/hypervisor-qemu/machine.ts'
import { mustRead, type QemuTools } from '#services/nova/drivers/hypervisor-qemu/tools.ts'
import type { GuestSpec } from '#services/nova/drivers/hypervisor.ts'

/** The caller holds the guest's lock. The record says `stopped` with the new specification before a disk is touched. */
export async function reimageGuest(
  tools: QemuTools,
  guest: GuestSpec,
  keepEphemeral: boolean,
  signal: AbortSignal,
): Promise<void> {
  const before = await mustRead(tools, guest.serverId)
  await stop(tools, before, { graceMs: 0, signal })
  const folder = tools.store.folder(guest.serverId)
  await rm(`${folder}/${MEMORY_FILE}`, { force: true })
  await tools.store.write({
    spec: guest,
    phase: 'stopped',
    process: null,
    bootId: tools.bootId,
    slots: assignSlots(guest, before.slots),
  })
  await dropOwnDisks(folder, keepEphemeral)
  await makeOwnDisks(tools, guest, folder)
}
