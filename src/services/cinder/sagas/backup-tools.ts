// What the steps about backups may use, by the place where they run. Types only.
import type { Ending } from '#kernel/saga/saga.ts'

/** cinder-backup on one machine: its store, and the back ends of the same machine; no database. */
export interface BackupTools {
  /** Keeps a volume nobody uses, or a snapshot. `host` is the volume's. */
  keep(
    backup: { readonly backupId: string; readonly parentId: string | null },
    from: { readonly host: string; readonly volumeId: string; readonly snapshotId: string | null },
    signal: AbortSignal,
  ): Promise<{ objectCount: number }>
  /** The volume holds what the backup holds. */
  restore(
    backupId: string,
    to: { readonly host: string; readonly volumeId: string; readonly sizeGb: number },
    signal: AbortSignal,
  ): Promise<void>
  adopt(fromId: string, backupId: string): Promise<{ objectCount: number }>
  remove(backupId: string): Promise<void>
  /** The same volume in another back end of this machine too. */
  copy(volumeId: string, sizeGb: number, from: string, to: string, signal: AbortSignal): Promise<void>
  dropCopy(volumeId: string, host: string): Promise<void>
}

/** cinder-scheduler's side: the rows. */
export interface BackupRows {
  /** It is whole; volume and snapshot are free again. */
  made(backupId: string, objectCount: number): Promise<void>
  /** Takes `made` back. */
  unmade(backupId: string): Promise<void>
  createFailed(backupId: string, ending: Ending): Promise<void>
  /** The volume is what it was, with name, metadata and image; backup and volume are free again. */
  restored(backupId: string, volumeId: string): Promise<void>
  /** Nothing is written into the volume any more. */
  release(volumeId: string): Promise<void>
  restoreFailed(backupId: string, volumeId: string, ending: Ending): Promise<void>
  forget(backupId: string): Promise<void>
  deleteFailed(backupId: string, ending: Ending): Promise<void>
}
