// From `deleting` to nothing: bytes, then the row. Forward only.
import { saga } from '#kernel/saga/saga.ts'
import type { Tools } from '#services/cinder/sagas/tools.ts'

export interface DeleteBackup {
  readonly backupId: string
  /** Null: nothing was ever kept. */
  readonly backupHost: string | null
}

export const deleteBackup = saga<Tools>()<DeleteBackup, 'scheduler'>('delete-backup', {
  subject: s => s.backupId,
  taskState: 'deleting',
  home: 'scheduler',
  failed: (s, t, ending) => t.backups.deleteFailed(s.backupId, ending),
})
  .step('erase', {
    at: 'backup',
    when: s => s.backupHost !== null,
    onHost: s => s.backupHost ?? '',
    do: (s, t) => t.remove(s.backupId),
  })
  .step('forget', {
    at: 'scheduler',
    do: (s, t) => t.backups.forget(s.backupId),
  })
