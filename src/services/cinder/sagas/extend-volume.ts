// A volume grows, in use or not. The request has claimed the larger size; the row shows it when the bytes are about to be there,
// since Nova reads the size from us when it is told.
import { saga } from '#kernel/saga/saga.ts'
import { actorHost } from '#services/cinder/rpc.ts'
import type { Tools } from '#services/cinder/sagas/tools.ts'

export interface ExtendVolume {
  readonly volumeId: string
  readonly host: string
  readonly fromGb: number
  readonly toGb: number
  /** `available` or `in-use`: where it goes back to. */
  readonly status: string
  readonly serverIds: readonly string[]
}

export const extendVolume = saga<Tools>()<ExtendVolume, 'scheduler'>('extend-volume', {
  subject: s => s.volumeId,
  taskState: 'extending',
  home: 'scheduler',
  failed: (s, t, ending) => t.volumes.extendFailed(s.volumeId, s.fromGb, s.status, ending),
})
  .step('find-room', {
    at: 'scheduler',
    do: (s, t) => t.volumes.demandRoom(s.volumeId),
  })
  .step('grow', {
    at: 'volume',
    onHost: s => actorHost(s.host),
    do: (s, t) => t.resize(s.volumeId, s.toGb),
    undo: (s, t) => t.resizeBack(s.volumeId, s.fromGb),
  })
  .step('show-size', {
    at: 'scheduler',
    do: (s, t) => t.volumes.setSize(s.volumeId, s.toGb),
    undo: (s, t) => t.volumes.setSize(s.volumeId, s.fromGb),
  })
  .step('tell-nova', {
    at: 'scheduler',
    when: s => s.serverIds.length > 0,
    do: (s, t) => t.nova.volumeExtended(s.volumeId, s.serverIds, !s.grown),
  })
  .step('see-it-grown', {
    // a guest holds the file, so its host grows it
    at: 'volume',
    when: s => !s.grown,
    onHost: s => actorHost(s.host),
    do: (s, t, run) => t.awaitSize(s.volumeId, s.toGb, run.signal),
    deadlineMs: 180_000,
  })
  .step('announce', {
    at: 'scheduler',
    do: (s, t) => t.volumes.extended(s.volumeId, s.status),
  })
