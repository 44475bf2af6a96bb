// The port between cinder-volume and whatever keeps the bytes of volumes: shapes and promises. Plain JSON crosses it, but for
// the bytes of an image. A back end knows nothing of projects, quotas and statuses.

import type { Extent } from '#services/cinder/drivers/backups.ts'

/** What this kind of storage can do; shown in pools and read by the scheduler. */
export interface BackendCapabilities {
  /** Space is taken when it is written, not when the volume is made. */
  readonly thin: boolean
  readonly multiattach: boolean
  /** A volume that a guest uses may grow. */
  readonly onlineExtend: boolean
  /** A volume that a guest uses may be snapshotted. */
  readonly liveSnapshot: boolean
  /** Servers on other hosts reach it too. */
  readonly remote: boolean
}

/** The room there is, in GiB. */
export interface PoolRoom {
  readonly totalGb: number
  readonly freeGb: number
}

/** An image's bytes and what they must be. */
export interface ImageBytes {
  readonly id: string
  /** Glance's `disk_format`. */
  readonly diskFormat: string
  readonly sizeBytes: number | null
  readonly hashAlgorithm: string | null
  readonly hashValue: string | null
  readonly checksum: string | null
  download(signal: AbortSignal): Promise<AsyncIterable<Uint8Array>>
}

/** What a new volume holds. */
export type Filling =
  | { readonly from: 'nothing' }
  | { readonly from: 'volume'; readonly volumeId: string }
  | { readonly from: 'snapshot'; readonly volumeId: string; readonly snapshotId: string }
  | { readonly from: 'image'; readonly image: ImageBytes }
  /** A raw file of our own making on this machine; null where nobody keeps bytes. */
  | { readonly from: 'file'; readonly path: string | null }

/** Glance's words for what a volume can be written as. */
export type ExportFormat = 'raw' | 'qcow2' | 'vmdk' | 'vdi' | 'vhd' | 'vhdx' | 'ploop'

export interface ExportedFile {
  readonly path: string
  readonly sizeBytes: number
  /** For `raw`: where there is more than zeros. */
  readonly extents: readonly Extent[]
  bytes(): AsyncIterable<Uint8Array>
}
/** Something that could become a volume: it lies there and belongs to nobody. */
export interface Manageable {
  /** How an administrator calls it: `volume-…` for what was a volume once. */
  readonly name: string
  readonly sizeBytes: number
  /** Why it cannot, or null. */
  readonly unsafe: string | null
}
/** Something that could become a snapshot of a volume that is there. */
export interface ManageableSnapshot {
  readonly volumeId: string
  /** The id it had. */
  readonly snapshotId: string
  readonly sizeBytes: number
}

/** How a host reaches a volume: upstream's connection_info before it is flattened. */
export interface Connection {
  /** `file`, `nbd` or `local`. */
  readonly driver_volume_type: string
  readonly data: Readonly<Record<string, unknown>>
}
/** Who connects: what Nova says of its host. */
export interface Connector {
  readonly host: string
  readonly [fact: string]: unknown
}

/**
 * A guest holds the volume's file, so its host has to do the deed: `overlay` is made ready, and the guest is to write there from
 * now on.
 */
export interface LiveSnapshot {
  readonly overlay: string
}

export interface FoundVolume {
  readonly volumeId: string
  readonly sizeBytes: number
  readonly snapshots: readonly string[]
}
/** What could be managed. */
export interface Unmanaged {
  readonly volumes: readonly Manageable[]
  readonly snapshots: readonly ManageableSnapshot[]
}
/** Everything that lies about, whether or not anyone remembers it. For the audit. */
export interface Inventory {
  readonly volumes: readonly FoundVolume[]
  /** Served to other hosts. */
  readonly exports: readonly { readonly volumeId: string; readonly alive: boolean }[]
  /** Half-made things. */
  readonly leftovers: readonly string[]
}

export type BackendFaultCode =
  | 'not-found' // no such volume or snapshot
  | 'busy' // a guest, or another piece of work, holds it
  | 'no-room' // the disk is full
  | 'too-small' // the image does not fit
  | 'refused' // the image gate does not let the bytes in
  | 'corrupt' // the bytes are not what was promised
  | 'unsupported'
  | 'failed'

/** What a driver throws when it knows why. Anything else is a defect or the machine's own error. */
export class BackendFault extends Error {
  readonly code: BackendFaultCode
  constructor(code: BackendFaultCode, message: string, cause?: unknown) {
    super(message, cause === undefined ? undefined : { cause })
    this.name = 'BackendFault'
    this.code = code
  }
}

/**
 * One pool of volumes. Every verb may be repeated: doing what is already done succeeds. A verb that throws, or is killed, has
 * left either the state before or the state after, or something that a repetition finishes and `remove` clears away.
 * Verbs about one volume run one after another.
 */
export interface Backend {
  readonly capabilities: BackendCapabilities
  /** `file`, `simulated`: the protocol shown in pools. */
  readonly protocol: string

  /** Clears half-made things away and takes up exports from before. Call once, first. */
  start(): Promise<void>
  room(): Promise<PoolRoom>

  /** A new volume of `sizeGb`. Throws `too-small`, `refused`, `corrupt`, `no-room`, `busy`, `not-found`. */
  create(volumeId: string, sizeGb: number, filling: Filling, signal: AbortSignal): Promise<void>
  /** The volume with all its snapshots. Harmless for one that is not there. Throws `busy` while a guest holds it. */
  remove(volumeId: string): Promise<void>
  /** `grown: false`: a guest holds it and its host must grow it. With `shrink` a volume nobody holds gets smaller again. */
  resize(volumeId: string, sizeGb: number, options?: { readonly shrink?: boolean }): Promise<{ grown: boolean }>
  sizeBytes(volumeId: string): Promise<number>

  /** The volume as it is now. `live`: {@link settleSnapshot} follows when the guest's host has done its part. */
  createSnapshot(volumeId: string, snapshotId: string): Promise<{ live: LiveSnapshot | null }>
  /** Does the guest write to the overlay by now? */
  isSwitched(volumeId: string, snapshotId: string): Promise<boolean>
  /** Makes the overlay the volume. Throws `failed` while {@link isSwitched} is false. */
  settleSnapshot(volumeId: string, snapshotId: string): Promise<void>
  /** The snapshot is no more. While a guest stands on its bytes they may stay, unseen, until the guest lets go. */
  removeSnapshot(volumeId: string, snapshotId: string): Promise<void>

  /**
   * Other contents for a volume that nobody uses; its snapshots stay what they are. Throws as `create` does, and `busy`.
   */
  replace(volumeId: string, sizeGb: number, filling: Filling, signal: AbortSignal): Promise<void>
  /** A volume that nobody uses is as it was at its latest snapshot; it keeps its size. Throws `busy`, `not-found`. */
  revert(volumeId: string, snapshotId: string): Promise<void>
  /**
   * Writes the contents of a volume that nobody uses, or of a snapshot, to a file that `use` may read; it is gone afterwards.
   * Throws `busy`, `not-found`, `no-room`.
   */
  exported<T>(
    from: { readonly volumeId: string; readonly snapshotId: string | null },
    format: ExportFormat,
    use: (file: ExportedFile) => Promise<T>,
    signal: AbortSignal,
  ): Promise<T>

  /** What nobody knows of and could become a volume or a snapshot. */
  unmanaged(): Promise<Unmanaged>
  /** It becomes the volume, rounded up to whole GiB. Throws `not-found`, `refused`. */
  manage(name: string, volumeId: string): Promise<{ readonly sizeGb: number }>
  /** The volume is nobody's any more and keeps its bytes as `volume-ID`. Throws `busy`, and `unsupported` with snapshots. */
  unmanage(volumeId: string): Promise<void>
  /** An unmanaged snapshot of the volume becomes one by another id. Throws `not-found`, `busy`. */
  manageSnapshot(volumeId: string, fromId: string, snapshotId: string): Promise<void>
  unmanageSnapshot(volumeId: string, snapshotId: string): Promise<void>

  /** How that host reaches the volume. A volume smaller than `sizeGb` that nobody holds is grown. */
  connect(volumeId: string, sizeGb: number, connector: Connector, mode: 'rw' | 'ro'): Promise<Connection>
  /** Ends what `connect` began for that host. Harmless to repeat. */
  disconnect(volumeId: string, connector: Connector | null): Promise<void>

  inventory(): Promise<Inventory>
  /** Lets go of everything; exports live on. */
  close(): Promise<void>
}
