// A server's root disk as an image. The API made the image's row, so that the client can look at it at once; it goes again
// with everything else when a step fails.
import { saga } from '#kernel/saga/saga.ts'
import type { NewImage } from '#services/nova/sagas/image-tools.ts'
import type { Tools } from '#services/nova/sagas/tools.ts'

export interface CreateImage {
  readonly serverId: string
  readonly host: string
  readonly image: NewImage
  /** For backups: how many of that kind stay. */
  readonly rotation: { readonly kind: string; readonly keep: number } | null
}

/** Both stories are the same but for the task they begin with and what follows. */
const story = (name: string, task: string, event: string, begun: { taskState?: string }) =>
  saga<Tools>()<CreateImage, 'conductor'>(name, {
    subject: s => s.serverId,
    taskState: task,
    home: 'conductor',
    failed: (s, t, ending) => t.servers.operationFailed(s.serverId, event, ending, false),
  })
    .step('reserve-image', {
      at: 'compute',
      onHost: s => s.host,
      ...begun,
      do: (s, t) => t.captures.reserve(s.image),
      undo: (s, t) => t.captures.drop(s.image.id),
    })
    .step('capture', {
      at: 'compute',
      onHost: s => s.host,
      taskState: 'image_pending_upload',
      deadlineMs: 3_600_000,
      do: (s, t, run) => t.captures.capture(s.serverId, s.image.id, run.signal),
      undo: (s, t) => t.captures.tidy(s.image.id),
    })
    .step('upload', {
      at: 'compute',
      onHost: s => s.host,
      taskState: 'image_uploading',
      deadlineMs: 3_600_000,
      do: (s, t, run) => t.captures.upload(s.image, run.signal),
    })
    .step('tidy', {
      at: 'compute',
      onHost: s => s.host,
      do: (s, t) => t.captures.tidy(s.image.id),
    })
    .step('rotate', {
      at: 'conductor',
      when: s => s.rotation !== null,
      do: (s, t) => t.serverImages.rotate(s.serverId, s.rotation?.kind ?? '', s.rotation?.keep ?? 0),
    })
    .step('announce', {
      at: 'conductor',
      taskState: null,
      do: (s, t, run) => t.servers.event(s.serverId, run.ctx.requestId, event, s.host, null),
    })

export const createImage = story('create-image', 'image_snapshot_pending', 'compute_snapshot_instance', {
  taskState: 'image_snapshot',
})
export const createBackup = story('create-backup', 'image_backup', 'compute_backup_instance', {})

export interface CreateVolumeImage {
  readonly serverId: string
  readonly image: NewImage
  readonly volumeIds: readonly string[]
}

/** A server whose root is a volume: snapshots of its volumes, and an image without bytes that names them. */
export const createVolumeImage = saga<Tools>()<CreateVolumeImage, 'conductor'>('create-volume-image', {
  subject: s => s.image.id,
  home: 'conductor',
  failed: (s, t, ending) =>
    t.servers.event(
      s.serverId,
      ending.run.ctx.requestId,
      'api_snapshot_instance',
      null,
      ending.cancelled ? null : (ending.errors.at(-1) ?? null),
    ),
})
  .step('snapshot-volumes', {
    at: 'conductor',
    do: async (s, t) => ({
      snapshots: await t.volumes.snapshot({
        imageId: s.image.id,
        name: `snapshot for ${s.image.name}`,
        volumeIds: s.volumeIds,
      }),
    }),
    undo: (s, t) => t.volumes.dropSnapshots({ imageId: s.image.id, name: '', volumeIds: s.volumeIds }),
  })
  .step('make-image', {
    at: 'conductor',
    do: (s, t) => t.serverImages.makeVolumeImage(s.serverId, s.image, s.snapshots),
    undo: (s, t) => t.serverImages.drop(s.image.id),
  })
  .step('announce', {
    at: 'conductor',
    do: (s, t, run) => t.servers.event(s.serverId, run.ctx.requestId, 'api_snapshot_instance', null, null),
  })
