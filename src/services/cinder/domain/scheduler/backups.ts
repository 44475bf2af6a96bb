// The rows of backups as the sagas change them. A volume that was held for a backup goes back to what its attachments say.
import type { Kysely } from 'kysely'

import type { Ending } from '#kernel/saga/saga.ts'
import { backupsDb, type Backup } from '#services/cinder/db/backups.ts'
import { snapshotsDb } from '#services/cinder/db/snapshots.ts'
import type { CinderTables } from '#services/cinder/db/tables.ts'
import { volumesDb } from '#services/cinder/db/volumes.ts'
import { settleVolume } from '#services/cinder/domain/attachments.ts'
import { addMessage, type ActionWord, type DetailWord } from '#services/cinder/domain/messages.ts'
import { failureWords } from '#services/cinder/domain/scheduler/failures.ts'
import type { SchedulerParts } from '#services/cinder/domain/scheduler/tools.ts'
import type { Ctx } from '#kernel/lib/context.ts'
import type { BackupRows } from '#services/cinder/sagas/backup-tools.ts'

/** From one status back to the one that its attachments give it. */
export async function backFrom(
  q: Kysely<CinderTables>,
  volumeId: string,
  from: string | readonly string[],
  now: number,
): Promise<boolean> {
  const mine = await volumesDb(q).enter(volumeId, from, { status: 'available' }, now)
  if (mine) await settleVolume(q, volumeId, now)
  return mine
}
/** The volume or snapshot that was read is free again. */
export async function freeSource(q: Kysely<CinderTables>, backup: Backup, now: number): Promise<void> {
  if (backup.snapshotId === null) await backFrom(q, backup.volumeId, 'backing-up', now)
  else await snapshotsDb(q).enter(backup.snapshotId, 'backing-up', { status: 'available' }, now)
}

export function backupRows(parts: SchedulerParts, ctx: Ctx): BackupRows {
  const { database, clock, ids, log, settings } = parts
  const now = (): number => clock.now()
  const tx = <T>(name: string, deed: (q: Kysely<CinderTables>) => Promise<T>): Promise<T> =>
    database.tx(ctx, name, deed)
  const tell = (
    q: Kysely<CinderTables>,
    backup: Backup,
    ending: Ending,
    action: ActionWord,
    detail: DetailWord,
  ): Promise<void> =>
    addMessage(q, {
      about: 'VOLUME_BACKUP',
      resourceId: backup.id,
      projectId: backup.projectId,
      id: ids.uuid(),
      requestId: ending.run.ctx.requestId,
      action,
      detail,
      says: failureWords(ending.errors),
      now: now(),
      ttlMs: settings.messageTtlMs,
    })
  const grumble = (what: string, ending: Ending): void =>
    log.warn(ctx, `${what}: ${ending.errors.map(error => error.message).join('; ')}`)
  const release = async (q: Kysely<CinderTables>, volumeId: string): Promise<void> => {
    for (const backup of await backupsDb(q).restoringInto(volumeId)) {
      await backupsDb(q).enter(backup.id, 'restoring', { status: 'available' }, now())
      await backupsDb(q).change(backup.id, { restoreVolumeId: null }, now())
    }
  }

  return {
    made: (backupId, objectCount) =>
      tx('backup-available', async q => {
        const backup = await backupsDb(q).byId(backupId)
        if (backup === undefined) return
        await backupsDb(q).enter(backupId, 'creating', { status: 'available', objectCount, failReason: null }, now())
        await freeSource(q, backup, now())
      }),
    unmade: backupId =>
      tx(
        'backup-unmade',
        async q => void (await backupsDb(q).enter(backupId, 'available', { status: 'creating' }, now())),
      ),
    async createFailed(backupId, ending) {
      if (!ending.cancelled) grumble(`backup ${backupId} could not be made`, ending)
      await tx('backup-failed', async q => {
        const backup = await backupsDb(q).byId(backupId)
        if (backup === undefined) return
        await freeSource(q, backup, now())
        if (ending.cancelled) return
        const failReason = (failureWords(ending.errors) || 'the backup could not be made').slice(0, 255)
        if (!(await backupsDb(q).enter(backupId, 'creating', { status: 'error', failReason }, now()))) return
        await tell(q, backup, ending, 'backupCreate', 'backupFailed')
      })
    },
    restored: (backupId, volumeId) =>
      tx('backup-restored', async q => {
        const backup = await backupsDb(q).byId(backupId)
        const volume = await volumesDb(q).byId(volumeId)
        if (volume === undefined) return release(q, volumeId)
        const facts = backup?.volumeFacts ?? null
        if (facts !== null) {
          // A volume that was named for the occasion takes the name it had; any other keeps its own.
          const named =
            facts.name !== null &&
            facts.name !== '' &&
            (volume.name === null || volume.name.startsWith('restore_backup_'))
          await volumesDb(q).change(
            volumeId,
            {
              ...(named ? { name: facts.name, description: facts.description } : {}),
              ...(facts.imageMetadata === null ? {} : { imageMetadata: facts.imageMetadata, bootable: true }),
            },
            now(),
          )
          if (Object.keys(facts.metadata).length > 0) await volumesDb(q).setMetadata(volumeId, facts.metadata, true)
        }
        await backFrom(q, volumeId, 'restoring-backup', now())
        await release(q, volumeId)
      }),
    release: volumeId => tx('backup-released', q => release(q, volumeId)),
    async restoreFailed(backupId, volumeId, ending) {
      grumble(`backup ${backupId} could not be restored`, ending)
      await tx('restore-failed', async q => {
        await volumesDb(q).enter(volumeId, 'restoring-backup', { status: 'error_restoring' }, now())
        await release(q, volumeId)
        const backup = await backupsDb(q).byId(backupId)
        if (backup !== undefined && !ending.cancelled)
          await tell(q, backup, ending, 'backupRestore', 'backupRestoreFailed')
      })
    },
    forget: backupId => tx('backup-deleted', q => backupsDb(q).remove(backupId)),
    async deleteFailed(backupId, ending) {
      grumble(`backup ${backupId} could not be deleted`, ending)
      await tx('backup-delete-failed', async q => {
        const backup = await backupsDb(q).byId(backupId)
        if (backup === undefined) return
        const failReason = (failureWords(ending.errors) || 'the backup could not be deleted').slice(0, 255)
        if (!(await backupsDb(q).enter(backupId, 'deleting', { status: 'error_deleting', failReason }, now()))) return
        await tell(q, backup, ending, 'backupDelete', 'backupDeleteFailed')
      })
    },
  }
}
