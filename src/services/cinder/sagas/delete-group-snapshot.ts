// A snapshot of a group goes, with the snapshots that make it up. Forward only.
import { saga } from '#kernel/saga/saga.ts'
import { actorHost } from '#services/cinder/rpc.ts'
import type { GroupMember } from '#services/cinder/sagas/group-tools.ts'
import type { Tools } from '#services/cinder/sagas/tools.ts'

export interface DeleteGroupSnapshot {
  readonly groupSnapshotId: string
  /** Null: there is nothing of it anywhere. */
  readonly host: string | null
  readonly members: readonly GroupMember[]
}
const idsOf = (s: DeleteGroupSnapshot): readonly string[] => s.members.map(member => member.snapshotId)

export const deleteGroupSnapshot = saga<Tools>()<DeleteGroupSnapshot, 'scheduler'>('delete-group-snapshot', {
  subject: s => s.groupSnapshotId,
  taskState: 'deleting',
  home: 'scheduler',
  failed: (s, t, ending) => t.groupSnapshots.deleteFailed(s.groupSnapshotId, idsOf(s), ending),
})
  .step('remove', {
    at: 'volume',
    when: s => s.host !== null && s.members.length > 0,
    onHost: s => actorHost(s.host ?? ''),
    do: async (s, t) => {
      for (const { volumeId, snapshotId } of s.members) await t.removeSnapshot(volumeId, snapshotId)
    },
    deadlineMs: 3_600_000,
  })
  .step('forget', {
    at: 'scheduler',
    do: (s, t) => t.groupSnapshots.forget(s.groupSnapshotId, idsOf(s)),
  })
