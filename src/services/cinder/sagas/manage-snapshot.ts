// A snapshot that nobody knew of becomes one by its new id; the other way round in the second story.
import { saga } from '#kernel/saga/saga.ts'
import { actorHost } from '#services/cinder/rpc.ts'
import type { Tools } from '#services/cinder/sagas/tools.ts'

export interface ManageSnapshot {
  readonly snapshotId: string
  readonly volumeId: string
  readonly host: string
  /** The id it had. */
  readonly fromId: string
}

export const manageSnapshot = saga<Tools>()<ManageSnapshot, 'scheduler'>('manage-snapshot', {
  subject: s => s.snapshotId,
  taskState: 'creating',
  home: 'scheduler',
  failed: (s, t, ending) => t.snapshots.createFailed(s.snapshotId, ending),
})
  .step('take', {
    at: 'volume',
    onHost: s => actorHost(s.host),
    do: (s, t) => t.manageSnapshot(s.volumeId, s.fromId, s.snapshotId),
    undo: (s, t) => t.unmanageSnapshot(s.volumeId, s.snapshotId),
  })
  .step('announce', {
    at: 'scheduler',
    do: (s, t) => t.snapshots.made(s.snapshotId),
    undo: (s, t) => t.snapshots.unmade(s.snapshotId),
  })

export interface UnmanageSnapshot {
  readonly snapshotId: string
  readonly volumeId: string
  readonly host: string
}

export const unmanageSnapshot = saga<Tools>()<UnmanageSnapshot, 'scheduler'>('unmanage-snapshot', {
  subject: s => s.snapshotId,
  taskState: 'unmanaging',
  home: 'scheduler',
  failed: (s, t, ending) => t.changes.snapshotUnmanageFailed(s.snapshotId, ending),
})
  .step('let-go', {
    at: 'volume',
    onHost: s => actorHost(s.host),
    do: (s, t) => t.unmanageSnapshot(s.volumeId, s.snapshotId),
  })
  .step('forget', {
    at: 'scheduler',
    do: (s, t) => t.snapshots.forget(s.snapshotId),
  })
