// From a machine's description to QEMU's arguments. Pure: the tests read the text. Paths are relative to the guest's folder.
// Disks and devices go in as JSON, the same objects that QMP takes for hot-plug, so nothing needs escaping and nothing differs.

/** Where a disk's bytes come from. Every layer names its format; none is ever probed. */
export interface DiskLayer {
  readonly format: 'raw' | 'qcow2'
  readonly file:
    | { readonly kind: 'file'; readonly path: string }
    | { readonly kind: 'nbd'; readonly socket: string; readonly export: string }
    | { readonly kind: 'nbd-tcp'; readonly host: string; readonly port: number; readonly export: string }
  /** The layer below, instead of whatever name the file itself carries. `null`: there must be none. */
  readonly backing: DiskLayer | null
}

export interface MachineDisk {
  /** Letters, digits and dashes, not starting with a digit; node and device names derive from it. */
  readonly id: string
  readonly layer: DiskLayer
  readonly readOnly: boolean
  readonly bus: 'virtio' | 'ide' | 'ide-cdrom' | 'scsi' | 'usb'
  /** Of no meaning on `usb`. PCI slot; for `ide` the position 0–3; for `scsi` the target. */
  readonly slot: number
  /** What the guest reads back; virtio keeps the first 20 characters. */
  readonly serial?: string
  /** 0 boots first. */
  readonly bootIndex?: number
}

export interface MachineNic {
  readonly id: string
  readonly mac: string
  readonly slot: number
  readonly mtu: number
  readonly model: 'virtio' | 'e1000' | 'rtl8139'
  /** `tap` exists already. `user`: QEMU's own closed network, for machines without any. */
  readonly wire: { readonly kind: 'tap'; readonly name: string; readonly vhost: boolean } | { readonly kind: 'user' }
}

export interface Machine {
  readonly uuid: string
  readonly binary: string
  readonly accel: 'kvm' | 'tcg'
  readonly cpuModel: string
  readonly vcpus: number
  readonly memoryMb: number
  readonly kernel?: { readonly path: string; readonly ramdisk?: string; readonly cmdline: string }
  readonly disks: readonly MachineDisk[]
  readonly nics: readonly MachineNic[]
  /** Waits for a memory image over QMP instead of starting. */
  readonly incoming: boolean
  /** For SMBIOS, where cloud-init looks. */
  readonly product: { readonly version: string }
}

/** Below this a kernel does not find room for itself. */
export const LEAST_MEMORY_MB = 96

/** Paths inside the guest's folder. `run` belongs to the guest's user, the folder does not. */
export const SOCKETS = { qmp: 'run/qmp.sock', vnc: 'run/vnc.sock', serial: 'run/serial.sock' } as const
export const SERIAL_LOG = 'serial.log'

export const DEFAULT_KERNEL_COMMAND_LINE = 'root=/dev/vda console=tty0 console=ttyS0'

/** PCI slots with a fixed owner on the `pc` machine; 0 and 1 are the chipset's. */
export const FIXED_SLOTS = { vga: 2, entropy: 3, balloon: 4, scsi: 30, configDrive: 31 } as const

/** The whole vector, the program first. Throws RangeError for what no QEMU would take. */
export function commandLine(machine: Machine): readonly string[] {
  if (!/^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/.test(machine.uuid))
    throw new RangeError(`not a uuid: ${machine.uuid}`)
  if (!Number.isInteger(machine.vcpus) || machine.vcpus < 1) throw new RangeError(`vcpus: ${machine.vcpus}`)
  const argv = [machine.binary, '-nodefaults', '-no-user-config']
  argv.push('-name', `guest=${machine.uuid},debug-threads=off`, '-uuid', machine.uuid)
  argv.push('-sandbox', 'on,obsolete=deny,elevateprivileges=deny,spawn=deny,resourcecontrol=deny')
  argv.push('-M', 'pc,usb=off,vmport=off,dump-guest-core=off')
  argv.push('-accel', machine.accel === 'kvm' ? 'kvm' : 'tcg,tb-size=32')
  argv.push('-cpu', machine.cpuModel)
  argv.push('-m', `size=${Math.max(LEAST_MEMORY_MB, machine.memoryMb)}M`)
  argv.push('-smp', `cpus=${machine.vcpus},sockets=1,cores=${machine.vcpus},threads=1`)
  argv.push('-rtc', 'base=utc,driftfix=slew')
  argv.push(
    '-smbios',
    `type=1,manufacturer=OpenStack Foundation,product=OpenStack Nova,version=${machine.product.version.replaceAll(',', '.')},` +
      `serial=${machine.uuid},uuid=${machine.uuid},family=Virtual Machine`,
  )
  argv.push('-display', 'none', '-vnc', `unix:${SOCKETS.vnc}`)
  argv.push('-qmp', `unix:${SOCKETS.qmp},server=on,wait=off`)
  argv.push(
    '-chardev',
    `socket,id=serial0,path=${SOCKETS.serial},server=on,wait=off,logfile=${SERIAL_LOG},logappend=on`,
  )
  argv.push('-device', json({ driver: 'isa-serial', chardev: 'serial0', id: 'serial' }))
  argv.push('-device', json({ driver: 'pvpanic' }))
  argv.push('-device', json({ driver: 'VGA', id: 'video', addr: pci(FIXED_SLOTS.vga), vgamem_mb: 8 }))
  argv.push('-object', json({ 'qom-type': 'rng-random', id: 'entropy0', filename: '/dev/urandom' }))
  argv.push(
    '-device',
    json({ driver: 'virtio-rng-pci', rng: 'entropy0', id: 'entropy', addr: pci(FIXED_SLOTS.entropy) }),
  )
  argv.push('-device', json({ driver: 'virtio-balloon-pci', id: 'balloon', addr: pci(FIXED_SLOTS.balloon) }))
  if (machine.disks.some(disk => disk.bus === 'scsi')) {
    argv.push('-device', json({ driver: 'virtio-scsi-pci', id: 'scsi0', addr: pci(FIXED_SLOTS.scsi) }))
  }
  if (machine.disks.some(disk => disk.bus === 'usb'))
    argv.push('-device', json({ driver: 'piix3-usb-uhci', id: 'usb0', addr: '0x1.2' }))
  for (const disk of machine.disks) {
    for (const node of blockNodes(disk)) argv.push('-blockdev', json(node))
    argv.push('-device', json(diskDevice(disk)))
  }
  for (const nic of machine.nics) {
    argv.push('-netdev', json(netdev(nic)))
    argv.push('-device', json(nicDevice(nic)))
  }
  if (machine.kernel !== undefined) {
    argv.push('-kernel', machine.kernel.path)
    if (machine.kernel.ramdisk !== undefined) argv.push('-initrd', machine.kernel.ramdisk)
    argv.push('-append', machine.kernel.cmdline)
  } else {
    argv.push('-boot', 'strict=on')
  }
  if (machine.incoming) argv.push('-incoming', 'defer')
  return argv
}

/** The disk's node as `blockdev-add` takes it, in the order to add: one tree, so always one element. */
export function blockNodes(disk: MachineDisk): readonly object[] {
  return [layerOptions(disk.layer, disk.readOnly, nodeName(disk.id), 0)]
}

/** Block node names are at most 31 characters, and a snapshot's node adds `.<number>`: a long id is cut, 88 bits of a uuid stay. */
export function nodeName(id: string): string {
  const name = id.length <= 25 ? id : id.replaceAll('-', '').slice(0, 25)
  return `n-${name}`
}

export const deviceId = (id: string): string => `d-${id}`

/** Layers below the first are called `<name>-<depth>`, so that a merge can name its target. */
function layerOptions(layer: DiskLayer, readOnly: boolean, name: string, depth: number): Record<string, unknown> {
  const { file } = layer
  const protocol =
    file.kind === 'file'
      ? { driver: 'file', filename: file.path, discard: 'unmap' }
      : file.kind === 'nbd'
        ? { driver: 'nbd', server: { type: 'unix', path: file.socket }, export: file.export, 'reconnect-delay': 10 }
        : {
            driver: 'nbd',
            server: { type: 'inet', host: file.host, port: String(file.port) },
            export: file.export,
            'reconnect-delay': 10,
          }
  return {
    'node-name': depth === 0 ? name : `${name}-${depth}`,
    driver: layer.format,
    'read-only': readOnly,
    discard: 'unmap',
    ...(layer.format === 'qcow2'
      ? { backing: layer.backing === null ? null : layerOptions(layer.backing, true, name, depth + 1) }
      : {}),
    file: protocol,
  }
}

/** The guest's end of a disk as `device_add` takes it. */
export function diskDevice(disk: MachineDisk): Record<string, unknown> {
  const common = {
    id: deviceId(disk.id),
    drive: nodeName(disk.id),
    ...(disk.serial === undefined ? {} : { serial: disk.serial.slice(0, 20) }),
    ...(disk.bootIndex === undefined ? {} : { bootindex: disk.bootIndex }),
  }
  switch (disk.bus) {
    case 'virtio':
      return {
        driver: 'virtio-blk-pci',
        addr: pci(disk.slot),
        ...common,
        ...(disk.readOnly ? {} : { werror: 'enospc', rerror: 'report' }),
      }
    case 'scsi':
      return { driver: 'scsi-hd', bus: 'scsi0.0', 'scsi-id': disk.slot, ...common }
    case 'ide':
      return { driver: 'ide-hd', bus: `ide.${disk.slot >> 1}`, unit: disk.slot & 1, ...common }
    case 'usb':
      return { driver: 'usb-storage', bus: 'usb0.0', ...common }
    case 'ide-cdrom':
      return { driver: 'ide-cd', bus: `ide.${disk.slot >> 1}`, unit: disk.slot & 1, ...common }
  }
}

/** The host's end of a wire as `netdev_add` takes it. */
export function netdev(nic: MachineNic): Record<string, unknown> {
  if (nic.wire.kind === 'user') return { type: 'user', id: `w-${nic.id}`, restrict: true }
  return {
    type: 'tap',
    id: `w-${nic.id}`,
    ifname: nic.wire.name,
    script: 'no',
    downscript: 'no',
    vhost: nic.wire.vhost,
  }
}

const NIC_DRIVERS = { virtio: 'virtio-net-pci', e1000: 'e1000', rtl8139: 'rtl8139' } as const

/** The guest's end. No boot ROM: nothing here boots from the network, and loading it costs every start. */
export function nicDevice(nic: MachineNic): Record<string, unknown> {
  return {
    driver: NIC_DRIVERS[nic.model],
    id: deviceId(nic.id),
    netdev: `w-${nic.id}`,
    mac: nic.mac,
    addr: pci(nic.slot),
    romfile: '',
    ...(nic.model === 'virtio' ? { host_mtu: nic.mtu } : {}),
  }
}

const pci = (slot: number): string => `0x${slot.toString(16)}`
const json = (value: object): string => JSON.stringify(value)
