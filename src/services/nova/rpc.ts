// What Nova's actors can be asked. Actors have no database: what they need to know travels in the message or is asked of
// the conductor; what they learned is reported to it.
import { call, cast, rpc } from '#kernel/bus/rpc.ts'
import type { Reason } from '#kernel/contract/verdict.ts'
import type {
  DiskSpec,
  Diagnostics,
  GuestSpec,
  GuestState,
  HostFacts,
  NicSpec,
  SendProgress,
} from '#services/nova/drivers/hypervisor.ts'
import type { FlavorCopy, NicAddress, RequestedNic } from '#services/nova/db/tables.ts'

/** A request for places, as the scheduler needs it. */
export interface RequestSpec {
  readonly serverId: string
  readonly projectId: string
  readonly flavor: FlavorCopy
  readonly imageProperties: Readonly<Record<string, string>>
  readonly bootFromVolume: boolean
  readonly availabilityZone: string | null
  readonly requestedHost: string | null
  readonly hints: Readonly<Record<string, unknown>>
  readonly ignoreHosts: readonly string[]
  /** For a server that moves: only hosts of this kind can take it. */
  readonly fromHypervisor?: string
  /** Server group of the request, resolved: its policy and where its members are. */
  readonly group: {
    readonly policy: string
    readonly maxPerHost: number | null
    readonly hosts: Readonly<Record<string, number>>
  } | null
}
/** One candidate: a host, and what to claim for it in Placement. */
export interface Destination {
  readonly host: string
  readonly node: string
  /** Placement's resource provider. */
  readonly providerId: string
  readonly availabilityZone: string
  readonly weight: number
}
/** A host as the scheduler sees it. */
export interface HostState {
  readonly host: string
  readonly node: string
  readonly providerId: string
  readonly up: boolean
  readonly disabled: boolean
  readonly availabilityZone: string
  readonly aggregates: readonly { readonly name: string; readonly metadata: Readonly<Record<string, string>> }[]
  readonly vcpus: number
  readonly vcpusUsed: number
  readonly memoryMb: number
  readonly memoryMbUsed: number
  readonly diskGb: number
  readonly diskGbUsed: number
  readonly cpuRatio: number
  readonly ramRatio: number
  readonly diskRatio: number
  readonly reservedMemoryMb: number
  readonly servers: number
  /** Servers in a transitional state: load that is about to come. */
  readonly building: number
  readonly hypervisorType: string
  readonly capabilities: Readonly<Record<string, boolean>>
}
export interface HostVerdict {
  readonly host: string
  readonly ok: boolean
  readonly because: readonly Reason[]
  readonly weights: Readonly<Record<string, number>>
  readonly weight: number | null
}

export const schedulerRpc = rpc('nova-scheduler', {
  select_destinations: call<{ spec: RequestSpec }, { hosts: Destination[]; verdicts: HostVerdict[] }>({
    timeoutMs: 60_000,
  }),
})

/** All a host must know of a server to make its guest. */
export interface ServerToBuild {
  readonly serverId: string
  readonly name: string
  readonly hostname: string
  readonly projectId: string
  readonly userId: string
  readonly flavor: FlavorCopy
  readonly imageId: string
  readonly kernelId: string
  readonly ramdiskId: string
  readonly imageProperties: Readonly<Record<string, string>>
  readonly configDrive: boolean
  readonly requestedNetworks: readonly RequestedNic[] | 'auto' | 'none'
  readonly securityGroups: readonly string[]
  readonly availabilityZone: string | null
  readonly volumes: readonly VolumeToAttach[]
  readonly nics: readonly NicRecord[]
}
export interface VolumeToAttach {
  readonly blockDeviceId: string
  readonly sourceType: string
  readonly volumeId: string | null
  readonly imageId: string | null
  readonly snapshotId: string | null
  readonly attachmentId: string | null
  readonly sizeGb: number | null
  readonly volumeType: string | null
  readonly bootIndex: number | null
  readonly device: string | null
  readonly deleteOnTermination: boolean
  readonly connectionInfo: Readonly<Record<string, unknown>> | null
}
/** A wire as Nova remembers it. */
export interface NicRecord {
  readonly portId: string
  readonly networkId: string
  readonly networkLabel: string
  readonly mac: string
  readonly mtu: number
  readonly tap: string
  readonly ours: boolean
  readonly tag: string | null
  readonly addresses: readonly NicAddress[]
  readonly vifType: string
}
/** A volume with how to reach it. */
export interface ConnectedDisk {
  readonly blockDeviceId: string
  readonly volumeId: string
  readonly attachmentId: string
  readonly sizeGb: number
  readonly connectionInfo: Readonly<Record<string, unknown>>
  readonly disk: DiskSpec
}

export interface HostReport {
  readonly host: string
  readonly node: string
  readonly nodeId: string | null
  readonly hostIp: string
  readonly facts: HostFacts
  readonly capabilities: Readonly<Record<string, boolean>>
  /** Guests found, by server id. */
  readonly guests: Readonly<Record<string, GuestState>>
  /** Ids of guests put aside here while they move. */
  readonly asides?: readonly string[]
}

/** What a guest should be by its server's row; `gone`: there is no such server. */
export type WantedState = 'running' | 'shutdown' | 'paused' | 'suspended' | 'gone'

export const conductorRpc = rpc('nova-conductor', {
  server_to_build: call<{ serverId: string }, { server: ServerToBuild }>({ timeoutMs: 60_000 }),
  /** Each host for the scheduler, with what Placement and our own rows say of it. */
  host_states: call<{ hosts: string[] | null }, { hosts: HostState[] }>({ timeoutMs: 60_000 }),
  save_nics: call<{ serverId: string; nics: NicRecord[] }, { saved: boolean }>({ timeoutMs: 60_000 }),
  save_disks: call<{ serverId: string; disks: ConnectedDisk[] }, { saved: boolean }>({ timeoutMs: 60_000 }),
  /** The guest as it should be, from what is recorded: for power-on, hard reboot and adoption. */
  guest_parts: call<{ serverId: string }, { server: ServerToBuild; hostname: string }>({ timeoutMs: 60_000 }),
  /** A host says that it is there and what it has; the answer names its node's id. */
  host_report: call<
    HostReport,
    {
      nodeId: string
      wanted: Readonly<Record<string, WantedState>>
      /** What was put aside for nobody. */
      forget: readonly string[]
    }
  >({
    timeoutMs: 60_000,
  }),
  /** A guest is not what it should be and does not become so by itself: start it, stop it. False: nobody wants that any more. */
  mend_guest: call<{ serverId: string; host: string; verb: 'start' | 'stop' }, { begun: boolean }>({
    timeoutMs: 60_000,
  }),
  /** How far a running guest has come on its way to another host. */
  move_progress: cast<{ moveId: string; progress: SendProgress }>(),
  /** A guest changed by itself. */
  guest_changed: cast<{ serverId: string; host: string; state: GuestState; detail: string }>(),
  /** What `meta_data.json` and its companions hold, for the config drive. */
  config_drive_files: call<{ serverId: string; nics: NicRecord[] }, { files: Readonly<Record<string, string>> }>({
    timeoutMs: 60_000,
  }),
})

export const computeRpc = rpc('nova-compute', {
  console_log: call<{ serverId: string; lines: number | null }, { text: string }>({ timeoutMs: 10_000 }),
  vnc_socket: call<{ serverId: string }, { path: string }>({ timeoutMs: 10_000 }),
  serial_socket: call<{ serverId: string }, { path: string }>({ timeoutMs: 10_000 }),
  diagnostics: call<{ serverId: string }, { diagnostics: Diagnostics }>({ timeoutMs: 10_000 }),
  resize_disk: call<{ serverId: string; volumeId: string; sizeBytes: number }, { resized: boolean }>({
    timeoutMs: 60_000,
  }),
  snapshot_disk: call<{ serverId: string; volumeId: string; overlay: string }, { done: boolean }>({
    timeoutMs: 60_000,
  }),
  /** Merges what the guest wrote since a snapshot down into `base`. */
  commit_disk: call<{ serverId: string; volumeId: string; base: string }, { done: boolean }>({ timeoutMs: 600_000 }),
  /** An interrupt that no kernel can mask. */
  interrupt: call<{ serverId: string }, { done: boolean }>({ timeoutMs: 10_000 }),
  /** Tells the guest a user's new password. `hasAgent`: its image says that somebody inside listens. */
  set_password: call<{ serverId: string; user: string; password: string; hasAgent: boolean }, { done: boolean }>({
    timeoutMs: 30_000,
  }),
  /** Has the image at hand from now on. */
  cache_image: call<{ imageId: string }, { cached: boolean }>({ timeoutMs: 3_600_000 }),
  /** A sending under way is to end soon. */
  hurry: call<{ serverId: string }, { done: boolean }>({ timeoutMs: 10_000 }),
  /** Whether guests may come and go here while they run. */
  can_take_live: call<Record<never, never>, { can: boolean }>({ timeoutMs: 10_000 }),
  /** How long the host is up, as `uptime` prints it; null where it cannot tell. */
  uptime: call<Record<never, never>, { text: string | null }>({ timeoutMs: 10_000 }),
  /** Everything on the host that is a guest or was made for one: for the audit. */
  inventory: call<Record<never, never>, { guests: unknown[] }>({ timeoutMs: 60_000 }),
})

export type { DiskSpec, GuestSpec, NicSpec }
