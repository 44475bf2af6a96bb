// What the steps of the sagas of groups may ask of cinder-scheduler. Types only.
import type { Ending } from '#kernel/saga/saga.ts'

/** A volume of a group. */
export interface GroupVolume {
  readonly volumeId: string
  /** `host@backend#pool`, or null while it has no place. */
  readonly host: string | null
}
/** A snapshot that is part of a group snapshot. */
export interface GroupMember {
  readonly volumeId: string
  readonly snapshotId: string
}

export interface GroupTools {
  /** Pools that would do for all types of the group, best first. Throws NoValidBackend. */
  pools(groupId: string): Promise<readonly string[]>
  place(groupId: string, host: string): Promise<void>
  displace(groupId: string): Promise<void>
  /** The group is whole, and so are these volumes that were made with it. */
  made(groupId: string, volumeIds: readonly string[]): Promise<void>
  unmade(groupId: string, volumeIds: readonly string[]): Promise<void>
  createFailed(groupId: string, volumeIds: readonly string[], ending: Ending): Promise<void>
  /** Rows of the volumes and of the group are gone. */
  forget(groupId: string, volumeIds: readonly string[]): Promise<void>
  deleteFailed(groupId: string, volumeIds: readonly string[], ending: Ending): Promise<void>
}
export interface GroupSnapshotTools {
  made(id: string, snapshotIds: readonly string[]): Promise<void>
  unmade(id: string, snapshotIds: readonly string[]): Promise<void>
  createFailed(id: string, snapshotIds: readonly string[], ending: Ending): Promise<void>
  forget(id: string, snapshotIds: readonly string[]): Promise<void>
  deleteFailed(id: string, snapshotIds: readonly string[], ending: Ending): Promise<void>
}
