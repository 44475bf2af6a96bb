// A volume is let go of: its bytes stay where they are, and nobody knows of them any more.
import { saga } from '#kernel/saga/saga.ts'
import { actorHost } from '#services/cinder/rpc.ts'
import type { Tools } from '#services/cinder/sagas/tools.ts'

export interface UnmanageVolume {
  readonly volumeId: string
  readonly host: string
}

export const unmanageVolume = saga<Tools>()<UnmanageVolume, 'scheduler'>('unmanage-volume', {
  subject: s => s.volumeId,
  taskState: 'unmanaging',
  home: 'scheduler',
  failed: (s, t, ending) => t.changes.unmanageFailed(s.volumeId, ending),
})
  .step('let-go', {
    at: 'volume',
    onHost: s => actorHost(s.host),
    do: (s, t) => t.unmanage(s.volumeId),
  })
  .step('forget', {
    at: 'scheduler',
    do: (s, t) => t.volumes.forget(s.volumeId),
  })
