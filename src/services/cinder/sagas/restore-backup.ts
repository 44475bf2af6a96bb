// A backup is written over a volume that is there. What the volume held before is lost from the first byte on, as everywhere.
import { saga } from '#kernel/saga/saga.ts'
import type { Tools } from '#services/cinder/sagas/tools.ts'

export interface RestoreBackup {
  readonly backupId: string
  readonly backupHost: string
  readonly volumeId: string
  readonly host: string
  readonly sizeGb: number
}

export const restoreBackup = saga<Tools>()<RestoreBackup, 'scheduler'>('restore-backup', {
  subject: s => s.volumeId,
  taskState: 'restoring-backup',
  home: 'scheduler',
  failed: (s, t, ending) => t.backups.restoreFailed(s.backupId, s.volumeId, ending),
})
  .step('write', {
    at: 'backup',
    onHost: s => s.backupHost,
    do: (s, t, run) => t.restore(s.backupId, { host: s.host, volumeId: s.volumeId, sizeGb: s.sizeGb }, run.signal),
    deadlineMs: 6 * 3_600_000,
  })
  .step('announce', {
    at: 'scheduler',
    do: (s, t) => t.backups.restored(s.backupId, s.volumeId),
  })
