// Disks and NICs that come and go while a guest runs; for a stopped guest only its record changes.
import { blockNodes, deviceId, diskDevice, netdev, nicDevice, nodeName } from '#host/qemu/command-line.ts'
import { QmpError } from '#host/qemu/qmp.ts'
import { bringVolume, takeVolumeOut } from '#services/nova/drivers/hypervisor-qemu/disks.ts'
import type { GuestRecord } from '#services/nova/drivers/hypervisor-qemu/guest-store.ts'
import {
  machineNic,
  nicId,
  slotForDisk,
  slotForNic,
  volumeDisk,
  volumeDiskId,
} from '#services/nova/drivers/hypervisor-qemu/machine.ts'
import type { GuestMonitor } from '#services/nova/drivers/hypervisor-qemu/monitor.ts'
import { mustRead, type QemuTools } from '#services/nova/drivers/hypervisor-qemu/tools.ts'
import { HypervisorFault, type DiskSpec, type NicSpec } from '#services/nova/drivers/hypervisor.ts'

/** How long one request to let go is given before it is made again. */
const ASK_AGAIN_MS = 5_000

const without = (slots: Readonly<Record<string, number>>, id: string): Record<string, number> =>
  Object.fromEntries(Object.entries(slots).filter(([key]) => key !== id))

/** A suspended guest's memory knows its devices: none may come or go until it is resumed. */
async function mustBeChangeable(tools: QemuTools, serverId: string): Promise<GuestRecord> {
  const record = await mustRead(tools, serverId)
  if (record.phase === 'suspended') throw new HypervisorFault('wrong-state', `Instance ${serverId} is suspended`)
  return record
}

const withSpec = (record: GuestRecord, change: Partial<GuestRecord['spec']>, slots = record.slots): GuestRecord => ({
  ...record,
  slots,
  spec: { ...record.spec, ...change },
})

/** QEMU's own "there is no such thing", which for a removal is success. */
const isAbsent = (error: unknown): boolean =>
  error instanceof QmpError &&
  (error.errorClass === 'DeviceNotFound' || /not found|Failed to find|Cannot find|Unable to find/i.test(error.message))

async function devices(monitor: GuestMonitor): Promise<ReadonlySet<string>> {
  const found = (await monitor.execute('qom-list', { path: '/machine/peripheral' })) as { name: string }[]
  return new Set(found.map(({ name }) => name))
}

export async function attachDisk(
  tools: QemuTools,
  serverId: string,
  disk: DiskSpec,
  signal: AbortSignal,
): Promise<void> {
  const record = await mustBeChangeable(tools, serverId)
  const monitor = tools.monitors.get(serverId)
  const id = volumeDiskId(disk.volumeId)
  const slots = slotForDisk(record.slots, disk)
  const after = withSpec(
    record,
    { disks: [...record.spec.disks.filter(one => one.volumeId !== disk.volumeId), disk] },
    slots,
  )
  if (monitor === undefined) return tools.store.write(after)
  if ((await devices(monitor)).has(deviceId(id))) return tools.store.write(after)
  const folder = tools.store.folder(serverId)
  await removeNodes(monitor, id) // what a cut-off attempt may have left
  const layer = await bringVolume(tools, folder, disk.volumeId, disk.source, disk.readOnly ?? false)
  const machineDisk = volumeDisk(slots, disk, layer)
  try {
    for (const node of blockNodes(machineDisk)) await monitor.execute('blockdev-add', node, { signal })
    await tools.store.write(after)
    await monitor.execute('device_add', diskDevice({ ...machineDisk }), { signal })
  } catch (error) {
    await tools.store.write(record)
    await removeNodes(monitor, id).catch(() => undefined)
    await takeVolumeOut(tools, folder, disk.volumeId)
    if (error instanceof QmpError && /lock/i.test(error.message))
      throw new HypervisorFault('busy', `Volume ${disk.volumeId} is in use: ${error.message}`, error)
    throw error
  }
}

export async function detachDisk(
  tools: QemuTools,
  serverId: string,
  volumeId: string,
  options: { timeoutMs: number; signal: AbortSignal },
): Promise<void> {
  const record = await mustBeChangeable(tools, serverId)
  const monitor = tools.monitors.get(serverId)
  if (monitor !== undefined)
    await unplug(tools, serverId, monitor, deviceId(volumeDiskId(volumeId)), `volume ${volumeId}`, options)
  await forgetDisk(tools, record, volumeId)
}

/** After the guest let go: QEMU closes the file, the folder loses its names, the record its row. */
export async function forgetDisk(tools: QemuTools, record: GuestRecord, volumeId: string): Promise<void> {
  const { serverId } = record.spec
  const monitor = tools.monitors.get(serverId)
  if (monitor !== undefined) await removeNodes(monitor, volumeDiskId(volumeId))
  await takeVolumeOut(tools, tools.store.folder(serverId), volumeId)
  await tools.store.write(
    withSpec(
      record,
      { disks: record.spec.disks.filter(disk => disk.volumeId !== volumeId) },
      without(record.slots, volumeDiskId(volumeId)),
    ),
  )
}

/** All nodes of a disk, the topmost first: snapshots put further ones on top of the first. */
async function removeNodes(monitor: GuestMonitor, id: string): Promise<void> {
  const base = nodeName(id)
  const nodes = (await monitor.execute('query-named-block-nodes', { flat: true })) as { 'node-name': string }[]
  const ours = nodes.map(node => node['node-name']).filter(name => name === base || name.startsWith(`${base}.`))
  for (const name of ours.toSorted((one, other) => other.length - one.length || (one < other ? 1 : -1))) {
    await monitor.execute('blockdev-del', { 'node-name': name }).catch((error: unknown) => {
      if (!isAbsent(error)) throw error
    })
  }
}

/** Asks again and again until the guest has let go; `busy` when it does not. */
async function unplug(
  tools: QemuTools,
  serverId: string,
  monitor: GuestMonitor,
  device: string,
  what: string,
  options: { timeoutMs: number; signal: AbortSignal },
): Promise<void> {
  const { clock } = tools
  const begun = clock.monotonic()
  const note = `${serverId} ${device}`
  tools.expected.add(note)
  try {
    for (;;) {
      if (!(await devices(monitor)).has(device)) return
      const left = options.timeoutMs - (clock.monotonic() - begun)
      if (left <= 0) throw new HypervisorFault('busy', `The guest does not let go of ${what}`)
      const qmp = await monitor.connection()
      const gone = qmp.wait(event => event.event === 'DEVICE_DELETED' && event.data.device === device, {
        timeoutMs: Math.min(ASK_AGAIN_MS, left),
        signal: options.signal,
      })
      gone.catch(() => undefined)
      try {
        await monitor.execute('device_del', { id: device }, { signal: options.signal })
      } catch (error) {
        if (isAbsent(error)) return
        // "already in the process of unplug": the guest has heard; wait on.
        if (!(error instanceof QmpError)) throw error
      }
      await gone.catch(() => options.signal.throwIfAborted())
    }
  } finally {
    tools.expected.delete(note)
  }
}

export async function attachNic(tools: QemuTools, serverId: string, nic: NicSpec, signal: AbortSignal): Promise<void> {
  const record = await mustBeChangeable(tools, serverId)
  const monitor = tools.monitors.get(serverId)
  const slots = slotForNic(record.slots, nic)
  const after = withSpec(record, { nics: [...record.spec.nics.filter(one => one.portId !== nic.portId), nic] }, slots)
  if (monitor === undefined) return tools.store.write(after)
  const id = nicId(nic.portId)
  if ((await devices(monitor)).has(deviceId(id))) return tools.store.write(after)
  const { taps } = tools
  const machine = machineNic(
    slots,
    record.spec,
    nic,
    taps === undefined ? { kind: 'user' } : { kind: 'tap', name: nic.tap, vhost: false },
  )
  await tools.store.write(after)
  try {
    await taps?.create(nic.tap, {
      ...(tools.user === undefined ? {} : { uid: tools.user.uid }),
      mtu: nic.mtu,
      mac: nic.mac,
      portId: nic.portId,
    })
    await monitor.execute('netdev_del', { id: `w-${id}` }).catch((error: unknown) => {
      if (!(error instanceof QmpError)) throw error
    })
    await monitor.execute('netdev_add', netdev(machine), { signal })
    await monitor.execute('device_add', nicDevice(machine), { signal })
  } catch (error) {
    await monitor.execute('netdev_del', { id: `w-${id}` }).catch(() => undefined)
    await taps?.remove(nic.tap)
    await tools.store.write(record)
    throw error
  }
}

export async function detachNic(
  tools: QemuTools,
  serverId: string,
  portId: string,
  options: { timeoutMs: number; signal: AbortSignal },
): Promise<void> {
  const record = await mustBeChangeable(tools, serverId)
  const monitor = tools.monitors.get(serverId)
  if (monitor !== undefined) await unplug(tools, serverId, monitor, deviceId(nicId(portId)), `port ${portId}`, options)
  await forgetNic(tools, record, portId)
}

export async function forgetNic(tools: QemuTools, record: GuestRecord, portId: string): Promise<void> {
  const monitor = tools.monitors.get(record.spec.serverId)
  const nic = record.spec.nics.find(one => one.portId === portId)
  if (monitor !== undefined) {
    await monitor.execute('netdev_del', { id: `w-${nicId(portId)}` }).catch((error: unknown) => {
      if (!(error instanceof QmpError)) throw error
    })
  }
  if (nic !== undefined) await tools.taps?.remove(nic.tap)
  await tools.store.write(
    withSpec(
      record,
      { nics: record.spec.nics.filter(one => one.portId !== portId) },
      without(record.slots, nicId(portId)),
    ),
  )
}
