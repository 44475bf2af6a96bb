// Something that lay about becomes a volume.
import { saga } from '#kernel/saga/saga.ts'
import { actorHost } from '#services/cinder/rpc.ts'
import type { Tools } from '#services/cinder/sagas/tools.ts'

export interface ManageVolume {
  readonly volumeId: string
  readonly host: string
  /** How the back end calls it. */
  readonly name: string
}

export const manageVolume = saga<Tools>()<ManageVolume, 'scheduler'>('manage-volume', {
  subject: s => s.volumeId,
  taskState: 'managing',
  home: 'scheduler',
  failed: (s, t, ending) => t.changes.manageFailed(s.volumeId, ending),
})
  .step('take', {
    at: 'volume',
    onHost: s => actorHost(s.host),
    do: (s, t) => t.manage(s.name, s.volumeId),
    undo: (s, t) => t.unmanage(s.volumeId),
    deadlineMs: 3_600_000,
  })
  .step('announce', {
    at: 'scheduler',
    do: (s, t) => t.changes.managed(s.volumeId, s.sizeGb),
  })
