// A volume as it is now, kept. Where a guest holds the volume's file, its host switches the guest to an overlay that we made.
import { saga } from '#kernel/saga/saga.ts'
import { actorHost } from '#services/cinder/rpc.ts'
import type { Tools } from '#services/cinder/sagas/tools.ts'

export interface CreateSnapshot {
  readonly snapshotId: string
  readonly volumeId: string
  readonly host: string
}

export const createSnapshot = saga<Tools>()<CreateSnapshot, 'scheduler'>('create-snapshot', {
  subject: s => s.snapshotId,
  taskState: 'creating',
  home: 'scheduler',
  failed: (s, t, ending) => t.snapshots.createFailed(s.snapshotId, ending),
})
  .step('keep', {
    at: 'volume',
    onHost: s => actorHost(s.host),
    do: (s, t) => t.createSnapshot(s.volumeId, s.snapshotId),
    undo: (s, t) => t.removeSnapshot(s.volumeId, s.snapshotId),
  })
  .step('switch-guest', {
    at: 'scheduler',
    when: s => s.live !== null,
    do: async (s, t) => {
      if (s.live !== null) await t.nova.snapshot(s.volumeId, s.snapshotId, s.live)
    },
  })
  .step('settle', {
    at: 'volume',
    when: s => s.live !== null,
    onHost: s => actorHost(s.host),
    do: async (s, t, run) => {
      await t.awaitSwitch(s.volumeId, s.snapshotId, run.signal)
      await t.settleSnapshot(s.volumeId, s.snapshotId)
    },
    deadlineMs: 600_000,
  })
  .step('announce', {
    at: 'scheduler',
    do: (s, t) => t.snapshots.made(s.snapshotId),
    undo: (s, t) => t.snapshots.unmade(s.snapshotId),
  })
