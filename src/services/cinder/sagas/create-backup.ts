// A volume or a snapshot is copied to where backups are kept. A volume in use is held fast by a snapshot of its own meanwhile.
import { saga } from '#kernel/saga/saga.ts'
import { actorHost } from '#services/cinder/rpc.ts'
import type { Tools } from '#services/cinder/sagas/tools.ts'

export interface CreateBackup {
  readonly backupId: string
  readonly parentId: string | null
  readonly volumeId: string
  /** Of the volume: `node-1@file#file`. */
  readonly host: string
  /** The snapshot that is copied; null for the volume itself. */
  readonly snapshotId: string | null
  readonly inUse: boolean
  /** The machine that keeps the backup. */
  readonly backupHost: string
}
const HOURS_MS = 6 * 3_600_000

export const createBackup = saga<Tools>()<CreateBackup, 'scheduler'>('create-backup', {
  subject: s => s.backupId,
  taskState: 'creating',
  home: 'scheduler',
  failed: (s, t, ending) => t.backups.createFailed(s.backupId, ending),
})
  .step('keep-source', {
    at: 'volume',
    when: s => s.inUse,
    onHost: s => actorHost(s.host),
    do: async (s, t) => ({ kept: await t.createSnapshot(s.volumeId, s.backupId) }),
    undo: (s, t) => t.removeSnapshot(s.volumeId, s.backupId),
  })
  .step('switch-guest', {
    at: 'scheduler',
    when: s => s.kept?.live != null,
    do: async (s, t) => {
      if (s.kept?.live != null) await t.nova.snapshot(s.volumeId, s.backupId, s.kept.live)
    },
  })
  .step('settle-source', {
    at: 'volume',
    when: s => s.kept?.live != null,
    onHost: s => actorHost(s.host),
    do: async (s, t, run) => {
      await t.awaitSwitch(s.volumeId, s.backupId, run.signal)
      await t.settleSnapshot(s.volumeId, s.backupId)
    },
    deadlineMs: 600_000,
  })
  .step('copy', {
    at: 'backup',
    onHost: s => s.backupHost,
    do: (s, t, run) =>
      t.keep(
        { backupId: s.backupId, parentId: s.parentId },
        { host: s.host, volumeId: s.volumeId, snapshotId: s.inUse ? s.backupId : s.snapshotId },
        run.signal,
      ),
    undo: (s, t) => t.remove(s.backupId),
    deadlineMs: HOURS_MS,
  })
  .step('release-source', {
    at: 'volume',
    when: s => s.inUse,
    onHost: s => actorHost(s.host),
    do: (s, t) => t.removeSnapshot(s.volumeId, s.backupId),
    deadlineMs: 3_600_000,
  })
  .step('announce', {
    at: 'scheduler',
    do: (s, t) => t.backups.made(s.backupId, s.objectCount),
    undo: (s, t) => t.backups.unmade(s.backupId),
  })
