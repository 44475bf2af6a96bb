// From a guest's record to the machine QEMU shall be: which device sits in which slot, what it boots, what it is called.
import {
  DEFAULT_KERNEL_COMMAND_LINE,
  FIXED_SLOTS,
  type DiskLayer,
  type Machine,
  type MachineDisk,
  type MachineNic,
} from '#host/qemu/command-line.ts'
import { HypervisorFault, type DiskSpec, type GuestSpec, type NicSpec } from '#services/nova/drivers/hypervisor.ts'

export const volumeDiskId = (volumeId: string): string => `vol-${volumeId}`
export const nicId = (portId: string): string => `nic-${portId}`

/** Disks first fill 5–17, NICs 18–29; whichever runs out takes from the other. 26 devices in all. */
const FIRST_DISK_SLOT = 5
const FIRST_NIC_SLOT = 18
const LAST_SLOT = 29

/** The oldest processor that systems built for x86-64-v2 accept; emulating it costs no more than QEMU's own default. */
const EMULATED_CPU = 'Nehalem'

type Slots = Readonly<Record<string, number>>

function freeSlot(slots: Slots, wanted: number): number {
  const taken = new Set(Object.values(slots))
  for (let at = wanted; at <= LAST_SLOT; at++) if (!taken.has(at)) return at
  for (let at = FIRST_DISK_SLOT; at < wanted; at++) if (!taken.has(at)) return at
  throw new HypervisorFault('unsupported', 'No more devices can be attached: the machine has no free slot')
}

/** `vdb` wants the second place: the guest names its disks in the order of their slots. */
const letterPlace = (device: string): number => {
  const letter = /^[a-z]d([a-z])$/.exec(device)?.[1]
  return letter === undefined ? 1 : letter.charCodeAt(0) - 97
}

export function slotForDisk(slots: Slots, disk: DiskSpec): Slots {
  const id = volumeDiskId(disk.volumeId)
  if (slots[id] !== undefined) return slots
  return { ...slots, [id]: freeSlot(slots, Math.min(FIRST_DISK_SLOT + letterPlace(disk.device), FIRST_NIC_SLOT - 1)) }
}

export function slotForNic(slots: Slots, nic: NicSpec): Slots {
  const id = nicId(nic.portId)
  return slots[id] === undefined ? { ...slots, [id]: freeSlot(slots, FIRST_NIC_SLOT) } : slots
}

/** Slots for everything in the specification: those given before are kept, those of what is gone are free again. */
export function assignSlots(guest: GuestSpec, before: Slots): Slots {
  const volumes = guest.rootDisk.from === 'volume' ? [guest.rootDisk.disk, ...guest.disks] : guest.disks
  const wanted = new Set([
    'root',
    'ephemeral',
    'swap',
    ...(guest.rescue?.stable === undefined ? [] : ['rescue']),
    ...volumes.map(disk => volumeDiskId(disk.volumeId)),
    ...guest.nics.map(nic => nicId(nic.portId)),
  ])
  let slots: Slots = Object.fromEntries(Object.entries(before).filter(([id]) => wanted.has(id)))
  const claim = (id: string, place: number): void => {
    if (slots[id] === undefined) slots = { ...slots, [id]: freeSlot(slots, FIRST_DISK_SLOT + place) }
  }
  if (guest.rootDisk.from === 'image') claim('root', 0)
  if ((guest.ephemeralGb ?? 0) > 0) claim('ephemeral', 1)
  if ((guest.swapMb ?? 0) > 0) claim('swap', 2)
  for (const disk of volumes) slots = slotForDisk(slots, disk)
  for (const nic of guest.nics) slots = slotForNic(slots, nic)
  // After all others: whoever counts disks by their place finds them where they were.
  if (guest.rescue?.stable !== undefined && slots['rescue'] === undefined)
    slots = { ...slots, rescue: freeSlot(slots, FIRST_NIC_SLOT - 1) }
  return slots
}

const ownFile = (path: string, format: 'raw' | 'qcow2', backing: DiskLayer | null = null): DiskLayer => ({
  format,
  file: { kind: 'file', path },
  backing,
})

export function volumeDisk(slots: Slots, disk: DiskSpec, layer: DiskLayer): MachineDisk {
  const id = volumeDiskId(disk.volumeId)
  return {
    id,
    layer,
    readOnly: disk.readOnly ?? false,
    bus: 'virtio',
    slot: slots[id] ?? FIRST_DISK_SLOT,
    serial: disk.serial,
  }
}

export function machineNic(slots: Slots, guest: GuestSpec, nic: NicSpec, wire: MachineNic['wire']): MachineNic {
  const id = nicId(nic.portId)
  return { id, mac: nic.mac, mtu: nic.mtu, model: guest.nicModel ?? 'virtio', slot: slots[id] ?? FIRST_NIC_SLOT, wire }
}

export interface MachineChoices {
  readonly binary: string
  readonly accel: 'kvm' | 'tcg'
  readonly productVersion: string
  readonly slots: Slots
  /** Each volume's layers, by volume id, as they were brought into the folder. */
  readonly volumes: ReadonlyMap<string, DiskLayer>
  readonly wire: (nic: NicSpec) => MachineNic['wire']
  readonly incoming: boolean
}

/** The whole machine. Pure; the files it names are made by `disks.ts`. */
export function machineFor(guest: GuestSpec, choices: MachineChoices): Machine {
  const { slots } = choices
  const disks: MachineDisk[] = []
  const bus = guest.diskBus ?? 'virtio'
  /** Buses other than PCI count from 0. */
  const place = (slot: number): number => (bus === 'virtio' ? slot : slot - FIRST_DISK_SLOT)
  const kernel = guest.rescue === undefined ? guest.kernel : guest.rescue.kernel
  /** With a kernel of its own QEMU boots that, under number 0, and disks have no say. */
  const boots = (index: number | undefined): { bootIndex?: number } =>
    index === undefined || index < 0 || kernel !== undefined ? {} : { bootIndex: index + 1 }
  const volume = (disk: DiskSpec): MachineDisk => {
    const layer = choices.volumes.get(disk.volumeId)
    if (layer === undefined) throw new HypervisorFault('invalid', `Volume ${disk.volumeId} has not been brought in`)
    return { ...volumeDisk(slots, disk, layer), ...boots(disk.bootIndex) }
  }
  const { rescue, rootDisk } = guest
  const stable = rescue?.stable
  /** As upstream: without a stable device a rescued guest sees the rescue system and its own root, nothing else to damage. */
  const alone = rescue !== undefined && stable === undefined
  const rootSlot = alone ? FIRST_DISK_SLOT + 1 : (slots.root ?? FIRST_DISK_SLOT)
  const rescueLayer =
    rescue === undefined
      ? null
      : ownFile('rescue.qcow2', 'qcow2', ownFile(`rescue-base.${rescue.baseFormat}`, rescue.baseFormat))
  if (alone && rescueLayer !== null)
    disks.push({
      id: 'rescue',
      layer: rescueLayer,
      readOnly: false,
      bus,
      slot: place(FIRST_DISK_SLOT),
      ...boots(0),
    })
  if (rootDisk.from === 'image') {
    const layer = ownFile('root.qcow2', 'qcow2', ownFile(`base.${rootDisk.baseFormat}`, rootDisk.baseFormat))
    disks.push({
      id: 'root',
      layer,
      readOnly: false,
      bus,
      slot: place(rootSlot),
      ...boots(rescue === undefined ? 0 : undefined),
    })
  } else {
    const { bootIndex: _own, ...disk } = volume(rootDisk.disk)
    disks.push(
      rescue === undefined
        ? { ...disk, ...boots(rootDisk.disk.bootIndex ?? 0) }
        : { ...disk, ...(alone ? { slot: FIRST_DISK_SLOT + 1 } : {}) },
    )
  }
  if (!alone) {
    if ((guest.ephemeralGb ?? 0) > 0)
      disks.push({
        id: 'ephemeral',
        layer: ownFile('ephemeral.raw', 'raw'),
        readOnly: false,
        bus,
        slot: place(slots.ephemeral ?? 0),
      })
    if ((guest.swapMb ?? 0) > 0)
      disks.push({ id: 'swap', layer: ownFile('swap.raw', 'raw'), readOnly: false, bus, slot: place(slots.swap ?? 0) })
    for (const disk of guest.disks) disks.push(volume(disk))
  }
  if (stable !== undefined && rescueLayer !== null) {
    const slot = slots['rescue'] ?? FIRST_NIC_SLOT - 1
    const common = { id: 'rescue', layer: rescueLayer, ...boots(0) }
    if (stable.device === 'cdrom') {
      if (stable.bus !== 'ide') throw new HypervisorFault('unsupported', `A CD cannot be on bus ${stable.bus} here`)
      disks.push({ ...common, readOnly: true, bus: 'ide-cdrom', slot: 3 })
    } else if (stable.bus === 'ide') disks.push({ ...common, readOnly: false, bus: 'ide', slot: 3 })
    else disks.push({ ...common, readOnly: false, bus: stable.bus, slot })
  }
  if (guest.configDriveIso !== undefined) {
    const config = { id: 'config', layer: ownFile('config.iso', 'raw'), readOnly: true } as const
    disks.push(
      guest.configDriveBus === 'ide'
        ? { ...config, bus: 'ide-cdrom', slot: 2 }
        : { ...config, bus: 'virtio', slot: FIXED_SLOTS.configDrive },
    )
  }
  const ramdisk = rescue === undefined ? guest.ramdisk : rescue.ramdisk
  const prefix = rescue === undefined ? '' : 'rescue-'
  return {
    uuid: guest.serverId,
    binary: choices.binary,
    accel: choices.accel,
    cpuModel: guest.cpuModel ?? (choices.accel === 'kvm' ? 'host' : EMULATED_CPU),
    vcpus: guest.vcpus,
    memoryMb: guest.memoryMb,
    ...(kernel === undefined
      ? {}
      : {
          kernel: {
            path: `${prefix}kernel`,
            ...(ramdisk === undefined ? {} : { ramdisk: `${prefix}ramdisk` }),
            cmdline: (rescue === undefined ? guest.cmdline : rescue.cmdline) ?? DEFAULT_KERNEL_COMMAND_LINE,
          },
        }),
    disks,
    nics: guest.nics.map(nic => machineNic(slots, guest, nic, choices.wire(nic))),
    incoming: choices.incoming,
    product: { version: choices.productVersion },
  }
}
