// The port between cinder-backup and whatever keeps backups. A store knows nothing of projects, quotas and statuses.

/** Where something lies in a file, in bytes. */
export interface Extent {
  readonly start: number
  readonly length: number
}
/** What is to be kept: a raw file of the volume's contents. It is asked for when it is needed, and removed afterwards by its maker. */
export interface BackupSource {
  /** Outside the extents there are only zeros. */
  raw(): Promise<{ readonly path: string; readonly extents: readonly Extent[] }>
}
export interface KeptBackup {
  /** Pieces that were written for it. */
  readonly objectCount: number
  readonly sizeBytes: number
}
/** Everything that lies about, for the audit. */
export interface BackupInventory {
  readonly backups: readonly { readonly backupId: string; readonly needs: readonly string[] }[]
  readonly leftovers: readonly string[]
}

export type BackupFaultCode =
  | 'not-found' // no such backup
  | 'corrupt' // its pieces are not what they were
  | 'no-room'
  | 'failed'

/** What a store throws when it knows why. */
export class BackupFault extends Error {
  readonly code: BackupFaultCode
  constructor(code: BackupFaultCode, message: string, cause?: unknown) {
    super(message, cause === undefined ? undefined : { cause })
    this.name = 'BackupFault'
    this.code = code
  }
}

/**
 * Keeps backups. Every verb may be repeated: doing what is already done succeeds, and a verb that throws or is killed has left the
 * state before, or the state after, or something that a repetition or `remove` clears away. An incremental backup needs its parent's
 * pieces for as long as it lives: whoever removes sees to that.
 */
export interface BackupStore {
  /** `cinder.backup.drivers.…`: shown in exported records. */
  readonly service: string
  /** Clears half-made things away. Call once, first. */
  start(): Promise<void>
  /** Keeps what differs from `parentId`, or all. `progress` hears the pieces written so far. */
  keep(
    backupId: string,
    parentId: string | null,
    source: BackupSource,
    progress: (objectCount: number) => void,
    signal: AbortSignal,
  ): Promise<KeptBackup>
  /** The contents as a sparse raw file that `use` may read, gone afterwards; null when the store keeps no bytes. */
  fetched<T>(backupId: string, use: (path: string | null) => Promise<T>, signal: AbortSignal): Promise<T>
  /** A second backup with the contents of another, independent of it; with both ids the same it is only looked for. */
  adopt(fromId: string, backupId: string): Promise<KeptBackup>
  remove(backupId: string): Promise<void>
  inventory(): Promise<BackupInventory>
}
