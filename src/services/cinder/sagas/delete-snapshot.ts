// A snapshot goes; what was written after it stays. Forward only.
import { saga } from '#kernel/saga/saga.ts'
import { actorHost } from '#services/cinder/rpc.ts'
import type { Tools } from '#services/cinder/sagas/tools.ts'

export interface DeleteSnapshot {
  readonly snapshotId: string
  readonly volumeId: string
  /** Null: its volume never had a place. */
  readonly host: string | null
}

export const deleteSnapshot = saga<Tools>()<DeleteSnapshot, 'scheduler'>('delete-snapshot', {
  subject: s => s.snapshotId,
  taskState: 'deleting',
  home: 'scheduler',
  failed: (s, t, ending) => t.snapshots.deleteFailed(s.snapshotId, ending),
})
  .step('remove', {
    at: 'volume',
    when: s => s.host !== null,
    onHost: s => actorHost(s.host ?? ''),
    do: (s, t) => t.removeSnapshot(s.volumeId, s.snapshotId),
    deadlineMs: 3_600_000,
  })
  .step('forget', {
    at: 'scheduler',
    do: (s, t) => t.snapshots.forget(s.snapshotId),
  })
