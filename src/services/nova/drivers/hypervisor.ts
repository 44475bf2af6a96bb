// The port between nova-compute and whatever runs guests on one host: shapes and promises, written for more than QEMU.
// Everything that crosses it is plain JSON, so a guest can be described on one machine and started on another.

/** What a guest is doing. `missing`: nothing of it is on this host. `crashed`: it ended without being asked and not by itself. */
export type GuestState = 'running' | 'shutdown' | 'paused' | 'crashed' | 'suspended' | 'missing'

/** A volume as the host reaches it. `device` is Nova's name for it, e.g. `vdb`; `serial` is what the guest reads back. */
export interface DiskSpec {
  readonly volumeId: string
  readonly source: DiskSource
  readonly serial: string
  readonly device: string
  readonly readOnly?: boolean
  /** 0 boots first. Absent: never booted from. */
  readonly bootIndex?: number
}

/**
 * Where a disk's bytes are. `file`: a path on this host. `nbd`: an export behind a unix socket, or behind an address; the
 * bytes it serves are already the guest's, so its format is always raw.
 */
export type DiskSource =
  | { readonly kind: 'file'; readonly path: string; readonly format: 'raw' | 'qcow2' }
  | { readonly kind: 'nbd'; readonly socket: string; readonly export: string }
  | { readonly kind: 'nbd-tcp'; readonly host: string; readonly port: number; readonly export: string }

/** Made from a cached image (`sizeGb` 0: the image's own size) or a volume that is the root itself. */
export type RootDisk =
  | {
      readonly from: 'image'
      readonly base: string
      readonly baseFormat: 'raw' | 'qcow2'
      /** The image's virtual size in bytes; a flavor disk smaller than it is refused with `disk-too-small`. */
      readonly baseVirtualSize?: number
      readonly sizeGb: number
    }
  | { readonly from: 'volume'; readonly disk: DiskSpec }

export interface NicSpec {
  readonly portId: string
  readonly mac: string
  /** The host's end of the wire, by Neutron's rule `tap` + first 11 characters of the port's id. */
  readonly tap: string
  readonly mtu: number
}

/**
 * Boot this instead for a while: an image as first disk, the guest's own root as the second and nothing else. With `stable` all
 * disks stay where they are, and the image comes last, as the device and on the bus it names, and boots first.
 */
export interface RescueSpec {
  readonly base: string
  readonly baseFormat: 'raw' | 'qcow2'
  readonly kernel?: string
  readonly ramdisk?: string
  /** Only with a kernel. */
  readonly cmdline?: string
  readonly stable?: { readonly device: 'disk' | 'cdrom'; readonly bus: 'virtio' | 'ide' | 'scsi' | 'usb' }
}

/** All there is to know to make a guest, or make it again. */
export interface GuestSpec {
  readonly serverId: string
  readonly name: string
  readonly hostname: string
  readonly vcpus: number
  readonly memoryMb: number
  readonly rootDisk: RootDisk
  /** Paths of a kernel and its ramdisk; without them the firmware boots the first disk. */
  readonly kernel?: string
  readonly ramdisk?: string
  /** The image's `os_command_line`; only with a kernel. */
  readonly cmdline?: string
  /** Volumes besides the root. */
  readonly disks: readonly DiskSpec[]
  readonly ephemeralGb?: number
  readonly swapMb?: number
  /** In the order the guest shall see them. */
  readonly nics: readonly NicSpec[]
  /** The path of an ISO to show as a read-only disk. The driver keeps its own copy. */
  readonly configDriveIso?: string
  readonly configDriveBus?: 'virtio' | 'ide'
  /** The driver's default when absent. */
  readonly cpuModel?: string
  readonly rescue?: RescueSpec
  /** From the image: `virtio` unless said otherwise. */
  readonly diskBus?: 'virtio' | 'ide' | 'scsi'
  readonly nicModel?: 'virtio' | 'e1000' | 'rtl8139'
}

/** What this hypervisor can do beyond starting and ending guests; feeds Placement's traits. */
export interface HypervisorCapabilities {
  readonly suspend: boolean
  readonly hotplugDisk: boolean
  readonly hotplugNic: boolean
  readonly liveVolumeResize: boolean
  readonly liveVolumeSnapshot: boolean
  readonly liveCapture: boolean
  readonly vnc: boolean
  readonly serial: boolean
  readonly rescue: boolean
  readonly liveMigration: boolean
}

export interface HostFacts {
  /** `QEMU`, `fake`, … as `hypervisor_type` of the API. */
  readonly hypervisorType: string
  /** 7.2.22 is 7002022. */
  readonly hypervisorVersion: number
  readonly vcpus: number
  readonly memoryMb: number
  /** Of the file system that holds guests' disks. */
  readonly diskGb: number
  readonly diskFreeGb: number
  readonly memoryFreeMb: number
  /** As `uptime` prints it, for people; absent where the host cannot tell. */
  readonly uptime?: string
  readonly cpu: {
    readonly arch: string
    readonly vendor: string
    readonly model: string
    readonly features: readonly string[]
    readonly topology: {
      readonly sockets: number
      readonly cores: number
      readonly threads: number
      readonly cells: number
    }
  }
  /** What makes guests run, and one sentence on how that was decided. */
  readonly accelerator: { readonly kind: 'kvm' | 'tcg' | 'simulated'; readonly why: string }
}

/** Something that was found on the machine, whether or not anyone remembers it. */
export interface FoundGuest {
  readonly serverId: string
  readonly state: GuestState
  /** True: its record is whole. False: a process or a folder without one (a half-made or half-removed guest). */
  readonly recorded: boolean
  readonly pid?: number
  readonly folder?: string
  readonly disks: readonly FoundDisk[]
  readonly nics: readonly NicSpec[]
  /** Name, sizes and so on as recorded; absent when not recorded. */
  readonly spec?: GuestSpec
}

export interface FoundDisk {
  /** `root`, `ephemeral`, `swap`, `config`, or a volume's id. */
  readonly id: string
  readonly path: string
  readonly format: string
  readonly sizeBytes: number
  readonly backing?: string
}

/** Things guests do by themselves. What the driver was asked to do raises no event. */
export type GuestEvent =
  | {
      readonly kind: 'stopped'
      readonly serverId: string
      readonly why: 'guest' | 'crashed' | 'panic'
      readonly detail: string
    }
  | {
      readonly kind: 'paused'
      readonly serverId: string
      readonly why: 'disk-full' | 'disk-error' | 'other'
      readonly detail: string
    }
  | { readonly kind: 'resumed'; readonly serverId: string }
  | { readonly kind: 'rebooted'; readonly serverId: string }
  | { readonly kind: 'disk-removed'; readonly serverId: string; readonly volumeId: string }
  | { readonly kind: 'nic-removed'; readonly serverId: string; readonly portId: string }

/** Counters since the guest's process began; shaped for Nova's standardised diagnostics. */
export interface Diagnostics {
  readonly state: GuestState
  readonly driver: string
  readonly hypervisor: string
  readonly hypervisorOs: string
  readonly uptimeSeconds: number | null
  readonly configDrive: boolean
  readonly cpus: readonly { readonly id: number; readonly timeNs: number | null }[]
  readonly memory: { readonly maximumMb: number; readonly usedMb: number | null }
  readonly disks: readonly {
    readonly id: string
    readonly readBytes: number
    readonly readRequests: number
    readonly writeBytes: number
    readonly writeRequests: number
    readonly errors: number
  }[]
  readonly nics: readonly {
    readonly mac: string
    readonly rxBytes: number | null
    readonly rxPackets: number | null
    readonly txBytes: number | null
    readonly txPackets: number | null
  }[]
}

export type HypervisorFaultCode =
  | 'not-found' // no such guest, disk or NIC on this host
  | 'wrong-state' // the guest is not in a state in which this can be done
  | 'disk-too-small' // the flavor's disk is smaller than the image
  | 'start-failed' // the guest's process ended while starting; the message carries its last words
  | 'cannot-stop' // the guest's process does not end, not even by force
  | 'busy' // the guest does not let go of a device, or a disk is used by another guest
  | 'timeout' // the guest's process does not answer
  | 'unsupported' // this driver or this machine cannot
  | 'invalid' // the specification makes no sense

/** What a driver throws when it knows why. Anything else it throws is a defect or the machine's own error. */
export class HypervisorFault extends Error {
  readonly code: HypervisorFaultCode
  constructor(code: HypervisorFaultCode, message: string, cause?: unknown) {
    super(message, cause === undefined ? undefined : { cause })
    this.name = 'HypervisorFault'
    this.code = code
  }
}

export interface Abortable {
  readonly signal?: AbortSignal
}

/** What a guest's next host needs of its last one: where its own disks lie, as far as the driver has any. Plain JSON. */
export interface Baggage {
  /** `qemu`, `simulated`: another kind of driver cannot take it. */
  readonly driver: string
  /** A folder with the disks, on a file system that both hosts reach. */
  readonly folder: string | null
  /** Where devices sat, so that the guest finds them there again. */
  readonly slots: Readonly<Record<string, number>>
}

/** Where a running guest may be sent to. Plain JSON. */
export interface Landing {
  readonly driver: string
  readonly address: string | null
}

/** How far a running guest has come on its way. Bytes. */
export interface SendProgress {
  readonly memoryTotal: number
  readonly memoryDone: number
  readonly diskTotal: number
  readonly diskDone: number
}

/**
 * One host's guests. Every verb may be repeated: doing what is already done succeeds. Verbs about one guest run one after
 * another; `destroy` does not wait for others but ends them. A verb that throws has left either the state before or the
 * state after, never something between that a repetition could not finish.
 */
export interface Hypervisor {
  readonly capabilities: HypervisorCapabilities

  /** Finds guests that run from before (a restart of the control plane) and listens to them again. Call once, first. */
  adopt(): Promise<readonly FoundGuest[]>

  facts(options?: Abortable): Promise<HostFacts>

  /**
   * Makes the guest's disks, wires and process, and starts it. Resolves when the process answers, which is long before the
   * guest's operating system does. A guest that runs already is left alone. Waits its turn when many start at once.
   * Throws `disk-too-small`, `start-failed`, `busy`, `invalid`. Nothing stays behind after a throw or an abort.
   */
  spawn(guest: GuestSpec, options?: Abortable): Promise<void>

  /** Ends the guest and removes all of it but its volumes. Harmless for one that does not exist. Throws `cannot-stop`. */
  destroy(serverId: string, options?: Abortable): Promise<void>

  /** Asks the guest to shut down, waits `graceMs`, then pulls the plug. With 0 it is not asked. */
  powerOff(serverId: string, options?: Abortable & { readonly graceMs?: number }): Promise<void>

  /**
   * Starts a stopped guest from its disks, by the specification as given now: sizes, volumes and wires may have changed, a
   * larger root grows. A suspended guest forgets its memory. One that runs is left alone.
   */
  powerOn(guest: GuestSpec, options?: Abortable): Promise<void>

  /** `soft`: asked to shut down for `graceMs` (default 60 000), then started anew. `hard`: without asking. Both end in a new process. */
  reboot(guest: GuestSpec, kind: 'soft' | 'hard', options?: Abortable & { readonly graceMs?: number }): Promise<void>

  /**
   * Ends the guest and makes its own disks anew by this specification; with `keepEphemeral` only the root. It is stopped then.
   * Volumes are left alone. Throws `disk-too-small`, `not-found`.
   */
  reimage(guest: GuestSpec, options?: Abortable & { readonly keepEphemeral?: boolean }): Promise<void>

  pause(serverId: string): Promise<void>
  unpause(serverId: string): Promise<void>

  /** Memory goes to disk, the process ends. Throws `unsupported`, `wrong-state`. */
  suspend(serverId: string, options?: Abortable): Promise<void>
  /** From where it was suspended. Throws `wrong-state` when it was not. */
  resume(serverId: string, options?: Abortable): Promise<void>

  /** To a running guest at once, to a stopped one for its next start. */
  attachDisk(serverId: string, disk: DiskSpec, options?: Abortable): Promise<void>
  /**
   * Asks the guest to let go, again and again, for `timeoutMs` (default 60 000); then throws `busy` with the disk still
   * attached. A disk that is not attached is success.
   */
  detachDisk(serverId: string, volumeId: string, options?: Abortable & { readonly timeoutMs?: number }): Promise<void>
  /** Lets a running guest see the disk's new size. A file-backed disk is grown by this call; for a stopped guest it throws `wrong-state`. */
  resizeDisk(serverId: string, volumeId: string, sizeBytes: number): Promise<void>
  /**
   * From now on the guest writes to `overlay`, an empty qcow2 already made with the current file as its backing file; the
   * current file becomes the snapshot and is not written again. Only for running guests and file-backed disks.
   */
  snapshotDisk(serverId: string, volumeId: string, overlay: { readonly path: string }): Promise<void>
  /** Replaces a disk's chain by one file after `snapshotDisk`: merges what the guest wrote down into `base`. */
  commitDisk(serverId: string, volumeId: string, base: { readonly path: string }, options?: Abortable): Promise<void>

  attachNic(serverId: string, nic: NicSpec, options?: Abortable): Promise<void>
  detachNic(serverId: string, portId: string, options?: Abortable & { readonly timeoutMs?: number }): Promise<void>

  /** Writes the root disk as one file without backing to `out`, while the guest runs or not. For images made from servers. */
  captureRoot(
    serverId: string,
    out: { readonly path: string; readonly format: 'raw' | 'qcow2' },
    options?: Abortable,
  ): Promise<void>

  /** The end of what the guest said on its serial line: at most `lines` lines and 100 KiB. */
  consoleLog(serverId: string, lines?: number): Promise<string>
  /** The path of a unix socket that speaks RFB. Throws `wrong-state` when the guest does not run. */
  vnc(serverId: string): Promise<string>
  /** The path of a unix socket that is the guest's serial line. */
  serial(serverId: string): Promise<string>
  /** The screen as PNG, the pointer not drawn. */
  screenshot(serverId: string): Promise<Uint8Array>

  /** An interrupt that no kernel can mask: most dump themselves. Throws `wrong-state` when the guest does not run. */
  interrupt(serverId: string): Promise<void>
  /**
   * Tells the guest a user's new password. `hasAgent`: its image says that somebody inside listens. Throws `unsupported`
   * where nobody does.
   */
  setPassword(
    serverId: string,
    given: { readonly user: string; readonly password: string; readonly hasAgent: boolean },
  ): Promise<void>

  state(serverId: string): Promise<GuestState>
  /** The specification it was last started by: what its disks really stand on. Null for one that is not here. */
  recorded(serverId: string): Promise<GuestSpec | null>
  /** Everything on this machine that is a guest of ours or was made for one. For adoption and for the audit. */
  list(): Promise<readonly FoundGuest[]>
  diagnostics(serverId: string): Promise<Diagnostics>

  /**
   * Stops the guest as `powerOff` does and puts it aside with its own disks, out of `list` and `state`, its volumes and wires let go: it is
   * to stand up elsewhere, or here in another size. A guest that is aside already is left so. Throws `not-found`.
   */
  setAside(serverId: string, options?: Abortable & { readonly graceMs?: number }): Promise<Baggage>
  /**
   * Makes the guest from copies of what was put aside, by the specification: a larger root grows. Running, or stopped when `start` is false.
   * Throws `unsupported` for baggage it cannot reach or read, and what `spawn` throws; nothing stays behind then.
   */
  moveIn(guest: GuestSpec, baggage: Baggage, options: Abortable & { readonly start: boolean }): Promise<void>
  /** What was put aside is the guest again, stopped; whatever stands in its place goes. Harmless when nothing is aside. */
  bringBack(serverId: string): Promise<void>
  /** Forgets what was put aside. Harmless when there is nothing. */
  dropAside(serverId: string): Promise<void>
  /** Ids of the guests put aside here. */
  asides(): Promise<readonly string[]>

  /** Stands ready for a running guest from another host. Paused until `takeOver`; `destroy` ends it. Throws `unsupported`. */
  receive(guest: GuestSpec, options?: Abortable): Promise<Landing>
  /**
   * Sends a running or paused guest's memory, and the disks that are its own, there; ends only when all of it has come, and the guest still
   * counts as being here. An abort leaves it as it was. Throws `unsupported`, `wrong-state`.
   */
  send(
    serverId: string,
    to: Landing,
    options?: Abortable & { readonly onProgress?: (progress: SendProgress) => void },
  ): Promise<void>
  /** A sending under way is to end soon, whatever the guest feels of it. Harmless when there is none. */
  hurry(serverId: string): Promise<void>
  /** A guest that was received goes on here. */
  takeOver(serverId: string, state: 'running' | 'paused'): Promise<void>

  /** Calls back for each event until the returned function is called. */
  onEvent(listen: (event: GuestEvent) => void): () => void

  /** Lets go of the guests; they run on. */
  close(): Promise<void>
}
