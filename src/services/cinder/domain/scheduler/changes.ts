// The rows of volumes that are changed as a whole, as the sagas change them.
import type { Kysely } from 'kysely'

import type { Ctx } from '#kernel/lib/context.ts'
import type { Ending } from '#kernel/saga/saga.ts'
import { snapshotsDb } from '#services/cinder/db/snapshots.ts'
import type { CinderTables } from '#services/cinder/db/tables.ts'
import { typesDb } from '#services/cinder/db/types.ts'
import { volumesDb } from '#services/cinder/db/volumes.ts'
import { addMessage, type ActionWord, type DetailWord } from '#services/cinder/domain/messages.ts'
import { backFrom } from '#services/cinder/domain/scheduler/backups.ts'
import { failureWords } from '#services/cinder/domain/scheduler/failures.ts'
import type { SchedulerParts } from '#services/cinder/domain/scheduler/tools.ts'
import type { ChangeRows } from '#services/cinder/sagas/change-tools.ts'

export function changeRows(parts: SchedulerParts, ctx: Ctx): ChangeRows {
  const { database, clock, ids, log, settings } = parts
  const now = (): number => clock.now()
  const tx = <T>(name: string, deed: (q: Kysely<CinderTables>) => Promise<T>): Promise<T> =>
    database.tx(ctx, name, deed)
  const grumble = (what: string, ending: Ending): void =>
    log.warn(ctx, `${what}: ${ending.errors.map(error => error.message).join('; ')}`)
  async function tell(
    q: Kysely<CinderTables>,
    volumeId: string,
    ending: Ending,
    action: ActionWord,
    detail: DetailWord,
  ): Promise<void> {
    const volume = await volumesDb(q).byId(volumeId)
    if (volume === undefined || ending.cancelled) return
    await addMessage(q, {
      about: 'VOLUME',
      resourceId: volumeId,
      projectId: volume.projectId,
      id: ids.uuid(),
      requestId: ending.run.ctx.requestId,
      action,
      detail,
      says: failureWords(ending.errors),
      now: now(),
      ttlMs: settings.messageTtlMs,
    })
  }

  return {
    settled: (volumeId, from) => tx('volume-settled', async q => void (await backFrom(q, volumeId, from, now()))),
    async uploadFailed(volumeId, ending) {
      grumble(`volume ${volumeId} could not be uploaded`, ending)
      await tx('upload-failed', async q => {
        if (await backFrom(q, volumeId, 'uploading', now()))
          await tell(q, volumeId, ending, 'uploadImage', 'uploadFailed')
      })
    },
    reverted: (volumeId, snapshotId) =>
      tx('volume-reverted', async q => {
        await volumesDb(q).enter(volumeId, 'reverting', { status: 'available' }, now())
        await snapshotsDb(q).enter(snapshotId, 'restoring', { status: 'available' }, now())
      }),
    async revertFailed(volumeId, snapshotId, ending) {
      grumble(`volume ${volumeId} could not be reverted`, ending)
      await tx('revert-failed', async q => {
        await volumesDb(q).enter(volumeId, 'reverting', { status: 'error' }, now())
        await snapshotsDb(q).enter(snapshotId, 'restoring', { status: 'available' }, now())
      })
    },
    reimaged: (volumeId, metadata) =>
      tx('volume-reimaged', async q => {
        await volumesDb(q).change(volumeId, { imageMetadata: { ...metadata }, bootable: true }, now())
        await backFrom(q, volumeId, 'downloading', now())
      }),
    async reimageFailed(volumeId, ending) {
      grumble(`volume ${volumeId} could not be reimaged`, ending)
      await tx('reimage-failed', async q => {
        await volumesDb(q).enter(volumeId, ['downloading', 'available', 'reserved'], { status: 'error' }, now())
        await tell(q, volumeId, ending, 'reimage', 'reimageFailed')
      })
    },
    moved: (volumeId, { host, typeId }) =>
      tx('volume-moved', async q => {
        const multiattach =
          typeId === null
            ? {}
            : { multiattach: (await typesDb(q).byId(typeId))?.extraSpecs['multiattach'] === '<is> True' }
        await volumesDb(q).change(volumeId, { host, ...(typeId === null ? {} : { typeId, ...multiattach }) }, now())
      }),
    migrated: volumeId =>
      tx('volume-migrated', async q => {
        await volumesDb(q).change(volumeId, { migrationStatus: 'success' }, now())
        await backFrom(q, volumeId, ['retyping', 'maintenance'], now())
      }),
    async migrateFailed(volumeId, from, ending) {
      grumble(`volume ${volumeId} could not be migrated`, ending)
      await tx('migrate-failed', async q => {
        await volumesDb(q).change(volumeId, { migrationStatus: 'error', ...from }, now())
        await backFrom(q, volumeId, ['retyping', 'maintenance'], now())
      })
    },
    managed: (volumeId, sizeGb) =>
      tx('volume-managed', async q => {
        const change = { status: 'available', sizeGb, claimedGb: sizeGb, launchedAt: now() }
        await volumesDb(q).enter(volumeId, 'managing', change, now())
      }),
    async manageFailed(volumeId, ending) {
      grumble(`volume ${volumeId} could not be managed`, ending)
      const gone = { status: 'error_managing', sizeGb: 0, claimedGb: 0 }
      await tx('manage-failed', async q => void (await volumesDb(q).enter(volumeId, 'managing', gone, now())))
    },
    async unmanageFailed(volumeId, ending) {
      grumble(`volume ${volumeId} could not be let go of`, ending)
      await tx('unmanage-failed', async q => {
        await volumesDb(q).enter(volumeId, 'unmanaging', { status: 'error_unmanaging' }, now())
        await tell(q, volumeId, ending, 'unmanage', 'unknown')
      })
    },
    async snapshotUnmanageFailed(snapshotId, ending) {
      grumble(`snapshot ${snapshotId} could not be let go of`, ending)
      await tx(
        'unmanage-failed',
        async q => void (await snapshotsDb(q).enter(snapshotId, 'unmanaging', { status: 'available' }, now())),
      )
    },
  }
}
