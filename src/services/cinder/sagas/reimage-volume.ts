// A volume holds an image anew. Nova, which keeps the volume reserved meanwhile, is told.
import { saga } from '#kernel/saga/saga.ts'
import { actorHost } from '#services/cinder/rpc.ts'
import type { Tools } from '#services/cinder/sagas/tools.ts'

export interface ReimageVolume {
  readonly volumeId: string
  readonly host: string
  readonly sizeGb: number
  readonly imageId: string
  readonly metadata: Readonly<Record<string, string>>
  readonly serverIds: readonly string[]
}

export const reimageVolume = saga<Tools>()<ReimageVolume, 'scheduler'>('reimage-volume', {
  subject: s => s.volumeId,
  taskState: 'downloading',
  home: 'scheduler',
  failed: (s, t, ending) => t.changes.reimageFailed(s.volumeId, ending),
})
  .step('write', {
    at: 'volume',
    onHost: s => actorHost(s.host),
    do: (s, t, run) => t.reimage(s.volumeId, s.sizeGb, s.imageId, run.signal),
    deadlineMs: 3_600_000,
  })
  .step('announce', {
    at: 'scheduler',
    do: (s, t) => t.changes.reimaged(s.volumeId, s.metadata),
  })
  .step('tell-nova', {
    at: 'scheduler',
    when: s => s.serverIds.length > 0,
    do: (s, t) => t.nova.volumeReimaged(s.volumeId, s.serverIds),
  })
