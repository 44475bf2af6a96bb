// A volume is as it was at its latest snapshot again. What was written since is lost.
import { saga } from '#kernel/saga/saga.ts'
import { actorHost } from '#services/cinder/rpc.ts'
import type { Tools } from '#services/cinder/sagas/tools.ts'

export interface RevertVolume {
  readonly volumeId: string
  readonly snapshotId: string
  readonly host: string
}

export const revertVolume = saga<Tools>()<RevertVolume, 'scheduler'>('revert-volume', {
  subject: s => s.volumeId,
  taskState: 'reverting',
  home: 'scheduler',
  failed: (s, t, ending) => t.changes.revertFailed(s.volumeId, s.snapshotId, ending),
})
  .step('revert', {
    at: 'volume',
    onHost: s => actorHost(s.host),
    do: (s, t) => t.revert(s.volumeId, s.snapshotId),
  })
  .step('announce', {
    at: 'scheduler',
    do: (s, t) => t.changes.reverted(s.volumeId, s.snapshotId),
  })
