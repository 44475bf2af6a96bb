// A backup that an exported record speaks of becomes one of this cloud: its bytes are found and taken over.
import { saga } from '#kernel/saga/saga.ts'
import type { Tools } from '#services/cinder/sagas/tools.ts'

export interface ImportBackup {
  readonly backupId: string
  /** By which id the store knows it. */
  readonly keptAs: string
  readonly backupHost: string
}

export const importBackup = saga<Tools>()<ImportBackup, 'scheduler'>('import-backup', {
  subject: s => s.backupId,
  taskState: 'creating',
  home: 'scheduler',
  failed: (s, t, ending) => t.backups.createFailed(s.backupId, ending),
})
  .step('adopt', {
    at: 'backup',
    onHost: s => s.backupHost,
    do: (s, t) => t.adopt(s.keptAs, s.backupId),
    // One that was there before by the same id stays.
    undo: async (s, t) => {
      if (s.keptAs !== s.backupId) await t.remove(s.backupId)
    },
  })
  .step('announce', {
    at: 'scheduler',
    do: (s, t) => t.backups.made(s.backupId, s.objectCount),
    undo: (s, t) => t.backups.unmade(s.backupId),
  })
