// A volume becomes an image: its bytes go to the image that the request has made.
import { saga } from '#kernel/saga/saga.ts'
import { actorHost } from '#services/cinder/rpc.ts'
import type { Tools } from '#services/cinder/sagas/tools.ts'

export interface UploadVolume {
  readonly volumeId: string
  readonly host: string
  readonly imageId: string
  readonly format: string
}

export const uploadVolume = saga<Tools>()<UploadVolume, 'scheduler'>('upload-volume', {
  subject: s => s.volumeId,
  taskState: 'uploading',
  home: 'scheduler',
  failed: (s, t, ending) => t.changes.uploadFailed(s.volumeId, ending),
})
  .step('upload', {
    at: 'volume',
    onHost: s => actorHost(s.host),
    do: (s, t, run) => t.upload(s.volumeId, s.imageId, s.format, run.signal),
    undo: (s, t) => t.dropImage(s.imageId),
    deadlineMs: 6 * 3_600_000,
  })
  .step('announce', {
    at: 'scheduler',
    do: (s, t) => t.changes.settled(s.volumeId, 'uploading'),
  })
