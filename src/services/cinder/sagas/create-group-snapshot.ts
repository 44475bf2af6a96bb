// All volumes of a group as they are now, kept. Where guests hold them, their hosts switch the guests to overlays that we made.
import { saga } from '#kernel/saga/saga.ts'
import type { LiveSnapshot } from '#services/cinder/drivers/backend.ts'
import { actorHost } from '#services/cinder/rpc.ts'
import type { GroupMember } from '#services/cinder/sagas/group-tools.ts'
import type { Tools } from '#services/cinder/sagas/tools.ts'

export interface CreateGroupSnapshot {
  readonly groupSnapshotId: string
  readonly host: string
  readonly members: readonly GroupMember[]
}
/** What was kept of a volume that a guest holds. */
export type LiveMember = GroupMember & { readonly live: LiveSnapshot }
const idsOf = (s: CreateGroupSnapshot): readonly string[] => s.members.map(member => member.snapshotId)

export const createGroupSnapshot = saga<Tools>()<CreateGroupSnapshot, 'scheduler'>('create-group-snapshot', {
  subject: s => s.groupSnapshotId,
  taskState: 'creating',
  home: 'scheduler',
  failed: (s, t, ending) => t.groupSnapshots.createFailed(s.groupSnapshotId, idsOf(s), ending),
})
  .step('keep', {
    at: 'volume',
    onHost: s => actorHost(s.host),
    do: async (s, t) => {
      const live: LiveMember[] = []
      for (const member of s.members) {
        const kept = await t.createSnapshot(member.volumeId, member.snapshotId)
        if (kept.live !== null) live.push({ ...member, live: kept.live })
      }
      return { live }
    },
    undo: async (s, t) => {
      for (const { volumeId, snapshotId } of s.members) await t.removeSnapshot(volumeId, snapshotId)
    },
  })
  .step('switch-guests', {
    at: 'scheduler',
    when: s => s.live.length > 0,
    do: async (s, t) => {
      for (const one of s.live) await t.nova.snapshot(one.volumeId, one.snapshotId, one.live)
    },
  })
  .step('settle', {
    at: 'volume',
    when: s => s.live.length > 0,
    onHost: s => actorHost(s.host),
    do: async (s, t, run) => {
      for (const { volumeId, snapshotId } of s.live) {
        await t.awaitSwitch(volumeId, snapshotId, run.signal)
        await t.settleSnapshot(volumeId, snapshotId)
      }
    },
    deadlineMs: 600_000,
  })
  .step('announce', {
    at: 'scheduler',
    do: (s, t) => t.groupSnapshots.made(s.groupSnapshotId, idsOf(s)),
    undo: (s, t) => t.groupSnapshots.unmade(s.groupSnapshotId, idsOf(s)),
  })
