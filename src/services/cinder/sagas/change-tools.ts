// What the steps that change a volume as a whole may use, by the place where they run. Types only.
import type { Ending } from '#kernel/saga/saga.ts'

/** cinder-volume's part. */
export interface ChangeTools {
  /** The volume's bytes become those of an image that waits for them. Harmless when it has them. */
  upload(volumeId: string, imageId: string, format: string, signal: AbortSignal): Promise<void>
  /** An image that never got its bytes goes; one that has them stays. */
  dropImage(imageId: string): Promise<void>
  revert(volumeId: string, snapshotId: string): Promise<void>
  reimage(volumeId: string, sizeGb: number, imageId: string, signal: AbortSignal): Promise<void>
  manage(name: string, volumeId: string): Promise<{ sizeGb: number }>
  unmanage(volumeId: string): Promise<void>
  manageSnapshot(volumeId: string, fromId: string, snapshotId: string): Promise<void>
  unmanageSnapshot(volumeId: string, snapshotId: string): Promise<void>
}

/** cinder-scheduler's side: the rows. */
export interface ChangeRows {
  /** From a status that passes back to what its attachments say. */
  settled(volumeId: string, from: string): Promise<void>
  uploadFailed(volumeId: string, ending: Ending): Promise<void>
  reverted(volumeId: string, snapshotId: string): Promise<void>
  revertFailed(volumeId: string, snapshotId: string, ending: Ending): Promise<void>
  reimaged(volumeId: string, metadata: Readonly<Record<string, string>>): Promise<void>
  reimageFailed(volumeId: string, ending: Ending): Promise<void>
  /** It lies there now, and may be of another type. */
  moved(volumeId: string, to: { readonly host: string; readonly typeId: string | null }): Promise<void>
  migrated(volumeId: string): Promise<void>
  migrateFailed(
    volumeId: string,
    from: { readonly host: string; readonly typeId: string },
    ending: Ending,
  ): Promise<void>
  managed(volumeId: string, sizeGb: number): Promise<void>
  manageFailed(volumeId: string, ending: Ending): Promise<void>
  unmanageFailed(volumeId: string, ending: Ending): Promise<void>
  snapshotUnmanageFailed(snapshotId: string, ending: Ending): Promise<void>
}
