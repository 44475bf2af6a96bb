// From a row in `creating` to a volume that can be used. Read from top to bottom; each undo stands under its deed.
import { saga } from '#kernel/saga/saga.ts'
import type { LiveSnapshot } from '#services/cinder/drivers/backend.ts'
import { actorHost } from '#services/cinder/rpc.ts'
import type { Source, Tools, VolumeTools } from '#services/cinder/sagas/tools.ts'

export interface CreateVolume {
  readonly volumeId: string
  readonly sizeGb: number
  readonly source: Source
}

/** What another pool might do better. Bytes that are refused here are refused everywhere. */
const isReschedulable = (error: Error): boolean => {
  const { code } = error as { code?: string }
  return code === 'PoolFull' || code === 'Backend:no-room' || code === 'Backend:failed' || code === 'NoSuchConsumer'
}
/** The volume that is copied. */
const sourceOf = ({ source }: CreateVolume): string => (source.from === 'volume' ? source.volumeId : '')
const bytesOf = (s: CreateVolume): Source =>
  s.source.from === 'volume' ? { from: 'snapshot', volumeId: s.source.volumeId, snapshotId: s.volumeId } : s.source
type Kept = Awaited<ReturnType<VolumeTools['createSnapshot']>>
const isLive = (kept: Kept | undefined): kept is { live: LiveSnapshot } => kept !== undefined && kept.live !== null
/** Pools tried before giving up, as `scheduler_max_attempts` upstream. */
const MOST_POOLS = 3

export const createVolume = saga<Tools>()<CreateVolume, 'scheduler'>('create-volume', {
  subject: s => s.volumeId,
  taskState: 'creating',
  home: 'scheduler',
  failed: async (s, t, ending) => {
    if (s.source.from === 'backup') await t.backups.release(s.volumeId)
    await t.volumes.createFailed(s.volumeId, ending)
  },
})
  .step('pick-pools', {
    at: 'scheduler',
    do: async (s, t) => ({ pools: await t.volumes.pools(s.volumeId) }),
  })
  .forEachUntilOne(
    'in-a-pool',
    {
      as: 'pool',
      over: s => s.pools.slice(0, MOST_POOLS),
      retryOn: isReschedulable,
      hostOf: pool => actorHost(pool),
    },
    on =>
      on
        .step('place', {
          at: 'scheduler',
          do: (s, t) => t.volumes.place(s.volumeId, s.pool),
          undo: (s, t) => t.volumes.displace(s.volumeId),
        })
        // A volume is copied by way of a snapshot of its own, as it may be in use, or become so meanwhile.
        .step('keep-source', {
          at: 'volume',
          when: s => s.source.from === 'volume',
          do: async (s, t) => ({ kept: await t.createSnapshot(sourceOf(s), s.volumeId) }),
          undo: (s, t) => t.removeSnapshot(sourceOf(s), s.volumeId),
        })
        .step('switch-guest', {
          at: 'scheduler',
          when: s => isLive(s.kept),
          do: async (s, t) => {
            if (isLive(s.kept)) await t.nova.snapshot(sourceOf(s), s.volumeId, s.kept.live)
          },
        })
        .step('settle-source', {
          at: 'volume',
          when: s => isLive(s.kept),
          do: async (s, t, run) => {
            await t.awaitSwitch(sourceOf(s), s.volumeId, run.signal)
            await t.settleSnapshot(sourceOf(s), s.volumeId)
          },
          deadlineMs: 600_000,
        })
        .step('make', {
          at: 'volume',
          when: s => s.source.from !== 'image',
          do: (s, t, run) => t.create(s.volumeId, s.sizeGb, bytesOf(s), run.signal),
          undo: (s, t) => t.remove(s.volumeId),
          deadlineMs: 3_600_000,
        })
        .step('download', {
          at: 'volume',
          taskState: 'downloading',
          when: s => s.source.from === 'image',
          do: (s, t, run) => t.create(s.volumeId, s.sizeGb, s.source, run.signal),
          undo: (s, t) => t.remove(s.volumeId),
          deadlineMs: 3_600_000,
        })
        .step('restore', {
          at: 'backup',
          taskState: 'restoring-backup',
          when: s => s.source.from === 'backup',
          onHost: s => (s.source.from === 'backup' ? s.source.backupHost : ''),
          do: async (s, t, run) => {
            if (s.source.from !== 'backup') return
            await t.restore(s.source.backupId, { host: s.pool, volumeId: s.volumeId, sizeGb: s.sizeGb }, run.signal)
          },
          deadlineMs: 6 * 3_600_000,
        })
        .step('release-source', {
          at: 'volume',
          when: s => s.source.from === 'volume',
          do: (s, t) => t.removeSnapshot(sourceOf(s), s.volumeId),
          deadlineMs: 3_600_000,
        }),
  )
  .step('bring-back', {
    at: 'scheduler',
    when: s => s.source.from === 'backup',
    do: async (s, t) => {
      if (s.source.from === 'backup') await t.backups.restored(s.source.backupId, s.volumeId)
    },
  })
  .step('announce', {
    at: 'scheduler',
    do: (s, t) => t.volumes.made(s.volumeId, s.source.from === 'image' ? s.source.metadata : null),
    undo: (s, t) => t.volumes.unmade(s.volumeId, s.source.from === 'image'),
  })
