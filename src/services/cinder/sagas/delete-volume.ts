// From `deleting` to nothing: bytes with all snapshots, then rows. Forward only: each step is repeated until it is done.
import { saga } from '#kernel/saga/saga.ts'
import { actorHost } from '#services/cinder/rpc.ts'
import type { Tools } from '#services/cinder/sagas/tools.ts'

export interface DeleteVolume {
  readonly volumeId: string
  /** Null: it never had a place. */
  readonly host: string | null
}

export const deleteVolume = saga<Tools>()<DeleteVolume, 'scheduler'>('delete-volume', {
  subject: s => s.volumeId,
  taskState: 'deleting',
  home: 'scheduler',
  failed: (s, t, ending) => t.volumes.deleteFailed(s.volumeId, ending),
})
  .step('erase', {
    at: 'volume',
    when: s => s.host !== null,
    onHost: s => actorHost(s.host ?? ''),
    do: (s, t) => t.remove(s.volumeId),
  })
  .step('forget', {
    at: 'scheduler',
    do: (s, t) => t.volumes.forget(s.volumeId),
  })
