// What the steps of Cinder's sagas may use, by the place where they run. Types only: cinder-scheduler (which has the
// database) and cinder-volume (which has the back end) give implementations.
import type { Ending } from '#kernel/saga/saga.ts'
import type { GroupSnapshotTools, GroupTools } from '#services/cinder/sagas/group-tools.ts'
import type { LiveSnapshot } from '#services/cinder/drivers/backend.ts'

import type { ChangeRows, ChangeTools } from '#services/cinder/sagas/change-tools.ts'
import type { BackupRows, BackupTools } from '#services/cinder/sagas/backup-tools.ts'

/** Where the bytes of a new volume come from. */
export type Source =
  | { readonly from: 'nothing' }
  | { readonly from: 'volume'; readonly volumeId: string }
  | { readonly from: 'snapshot'; readonly volumeId: string; readonly snapshotId: string }
  | { readonly from: 'backup'; readonly backupId: string; readonly backupHost: string }
  | { readonly from: 'image'; readonly imageId: string; readonly metadata: Readonly<Record<string, string>> }

/** cinder-scheduler: decides where, and is the one of these places with a database. */
export interface SchedulerTools {
  readonly volumes: {
    /** Pools that would do, best first: `host@backend#pool`. Throws NoValidBackend with every pool's reasons. */
    pools(volumeId: string): Promise<readonly string[]>
    /** Gives the volume its place if the pool still has the room. Throws `PoolFull`. */
    place(volumeId: string, host: string): Promise<void>
    displace(volumeId: string): Promise<void>
    /** It is whole: available, unless somebody is deleting it. */
    made(volumeId: string, imageMetadata: Readonly<Record<string, string>> | null): Promise<void>
    /** Takes `made` back. Throws when somebody uses the volume already. */
    unmade(volumeId: string, fromImage: boolean): Promise<void>
    createFailed(volumeId: string, ending: Ending): Promise<void>
    /** The row and all that hangs on it are gone. */
    forget(volumeId: string): Promise<void>
    deleteFailed(volumeId: string, ending: Ending): Promise<void>
    /** Throws `PoolFull` when the pool has no room for the growth. */
    demandRoom(volumeId: string): Promise<void>
    setSize(volumeId: string, sizeGb: number): Promise<void>
    extended(volumeId: string, status: string): Promise<void>
    extendFailed(volumeId: string, sizeGb: number, status: string, ending: Ending): Promise<void>
  }
  readonly snapshots: {
    made(snapshotId: string): Promise<void>
    unmade(snapshotId: string): Promise<void>
    createFailed(snapshotId: string, ending: Ending): Promise<void>
    forget(snapshotId: string): Promise<void>
    deleteFailed(snapshotId: string, ending: Ending): Promise<void>
  }
  readonly groups: GroupTools
  readonly groupSnapshots: GroupSnapshotTools
  readonly backups: BackupRows
  readonly changes: ChangeRows
  /** Nova, by its public API, with cinder's own account. */
  readonly nova: {
    /** Lets the servers' hosts know that the volume has grown. `needed`: it has not yet, they must do it; throws when Nova refuses. */
    volumeExtended(volumeId: string, serverIds: readonly string[], needed: boolean): Promise<void>
    /** The volume of a server that is being rebuilt holds its new image. */
    volumeReimaged(volumeId: string, serverIds: readonly string[]): Promise<void>
    /** Asks the guest's host to let the guest write to the overlay from now on. */
    snapshot(volumeId: string, snapshotId: string, live: LiveSnapshot): Promise<void>
  }
}

/** cinder-volume at one back end; no database. */
export interface VolumeTools extends ChangeTools {
  create(volumeId: string, sizeGb: number, source: Source, signal: AbortSignal): Promise<void>
  remove(volumeId: string): Promise<void>
  resize(volumeId: string, sizeGb: number): Promise<{ grown: boolean }>
  /** After a growth that failed: smaller again, as far as nobody holds it. */
  resizeBack(volumeId: string, sizeGb: number): Promise<void>
  /** Resolves when the volume's bytes have that size. Throws after a while. */
  awaitSize(volumeId: string, sizeGb: number, signal: AbortSignal): Promise<void>
  createSnapshot(volumeId: string, snapshotId: string): Promise<{ live: LiveSnapshot | null }>
  /** Resolves when the guest writes to the overlay. Throws after a while. */
  awaitSwitch(volumeId: string, snapshotId: string, signal: AbortSignal): Promise<void>
  settleSnapshot(volumeId: string, snapshotId: string): Promise<void>
  removeSnapshot(volumeId: string, snapshotId: string): Promise<void>
}

export interface Tools {
  readonly backup: BackupTools
  readonly scheduler: SchedulerTools
  readonly volume: VolumeTools
}
