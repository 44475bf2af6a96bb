// The verbs of backups: each finds the backup for what it is about, wins the statuses it needs, and starts the story.
import type { Kysely } from 'kysely'

import type { Ctx } from '#kernel/lib/context.ts'
import type { Rule } from '#kernel/contract/rule.ts'
import { faults } from '#services/cinder/contract/faults.ts'
import { rules } from '#services/cinder/contract/rules.ts'
import { statusesFor } from '#services/cinder/contract/states.ts'
import { BACKUP_COLUMNS, backupsDb, type Backup, type BackupFilters } from '#services/cinder/db/backups.ts'
import { servicesDb } from '#services/cinder/db/services.ts'
import { snapshotsDb } from '#services/cinder/db/snapshots.ts'
import type { CinderTables } from '#services/cinder/db/tables.ts'
import { volumesDb, type Volume } from '#services/cinder/db/volumes.ts'
import { demand, findBackup, findSnapshot, findVolume, isUuid, targetOf } from '#services/cinder/domain/find.ts'
import { usableFilters, type ListRequest } from '#services/cinder/domain/listing.ts'
import { demandQuota } from '#services/cinder/domain/quotas.ts'
import { isUp } from '#services/cinder/domain/scheduling/pools.ts'
import { isAdmin, projectOf, type DomainTools } from '#services/cinder/domain/tools.ts'
import { createVolumes, takeForRestore } from '#services/cinder/domain/volumes/create.ts'
import { decodeRecord, encodeRecord } from '#services/cinder/domain/backup-record.ts'
import type { TypesDomain } from '#services/cinder/domain/types.ts'
import { createBackup } from '#services/cinder/sagas/create-backup.ts'
import { deleteBackup } from '#services/cinder/sagas/delete-backup.ts'
import { importBackup } from '#services/cinder/sagas/import-backup.ts'
import { restoreBackup } from '#services/cinder/sagas/restore-backup.ts'

type Metadata = Readonly<Record<string, string>>
export interface BackupWish {
  readonly volumeId: string
  readonly snapshotId: string | null
  readonly name: string | null
  readonly description: string | null
  readonly container: string | null
  readonly incremental: boolean
  readonly force: boolean
  readonly metadata: Metadata
  readonly availabilityZone: string | null
}
/** The volume of a backup that came by a record without one. */
const UNKNOWN_VOLUME = '00000000-0000-0000-0000-000000000000'
const NO_SERVICE = 'Service not found for creating backup.'
const machineOf = (host: string): string => host.split('@')[0] ?? host

export const createBackupsDomain = (tools: DomainTools & { readonly types: TypesDomain }) => {
  const { database, engine, clock, ids, settings } = tools
  const about = (ctx: Ctx, id: string): Ctx => ({ ...ctx, subject: id })
  const find = (ctx: Ctx, id: string, rule: Rule): Promise<Backup> => findBackup(tools, ctx, id, rule)

  /** A living cinder-backup, on that machine where one is named and in that zone where one is. */
  async function serviceFor(q: Kysely<CinderTables>, machine: string | null, zone: string | null) {
    return (await servicesDb(q).all()).find(
      one =>
        one.binary === 'cinder-backup' &&
        !one.disabled &&
        isUp(one, clock.now(), settings.downAfterMs) &&
        (machine === null || one.host === machine) &&
        (zone === null || zone === '' || one.availabilityZone === zone),
    )
  }
  /** The latest contents there are, older than the snapshot where one is backed up. Throws 400 without. */
  async function parentOf(
    q: Kysely<CinderTables>,
    volume: Volume,
    projectId: string,
    before: number | null,
  ): Promise<Backup> {
    const found = (await backupsDb(q).ofVolume(volume.id, projectId)).find(
      one => one.status === 'available' && (before === null || one.dataAt < before),
    )
    if (found === undefined) throw faults.InvalidBackup({ reason: 'No backups available to do an incremental backup.' })
    return found
  }

  return {
    find: (ctx: Ctx, id: string): Promise<Backup> => find(ctx, id, rules.backupGet),

    async list(
      ctx: Ctx,
      request: ListRequest,
      sortsByName: boolean,
    ): Promise<{ backups: Backup[]; more: boolean; count: number | null }> {
      const filters = filtersOf(ctx, usableFilters(ctx, 'backup', request), request)
      if (filters === 'nothing') return { backups: [], more: false, count: request.withCount ? 0 : null }
      const sort = request.sort.map(({ key, direction }) => {
        const column = key === 'name' && !sortsByName ? undefined : BACKUP_COLUMNS[key]
        if (column === undefined) throw faults.InvalidInput({ reason: 'Invalid sort key' })
        return { column, direction }
      })
      const { rows, count } = await database.read(ctx, 'list-backups', async q => ({
        rows:
          request.limit === 0
            ? []
            : await backupsDb(q).list(filters, {
                sort,
                marker: request.marker,
                limit: request.limit + request.offset,
              }),
        count: request.withCount ? await backupsDb(q).count(filters) : null,
      }))
      if (rows === undefined) throw faults.BackupNotFound({ id: request.marker ?? '' })
      const left = rows.slice(request.offset)
      return { backups: left.slice(0, request.limit), more: left.length > request.limit, count }
    },

    /** 202: the row is there, and volume or snapshot are held. */
    async create(ctx: Ctx, wish: BackupWish): Promise<Backup> {
      const volume = await findVolume(tools, ctx, wish.volumeId, rules.backupCreate)
      const snapshot =
        wish.snapshotId === null ? null : await findSnapshot(tools, ctx, wish.snapshotId, rules.volumeGetSnapshot)
      if (snapshot !== null && snapshot.volumeId !== volume.id)
        throw faults.InvalidVolume({
          reason: `Volume ${volume.id} does not match with snapshot.volume_id ${snapshot.volumeId}.`,
        })
      const id = ids.uuid()
      const projectId = projectOf(ctx) === '' ? volume.projectId : projectOf(ctx)
      const { backup, saga } = await database.tx(about(ctx, id), 'create-backup', async q => {
        const source = await volumesDb(q).byId(volume.id)
        if (source === undefined) throw faults.VolumeNotFound({ id: volume.id })
        const now = clock.now()
        const kept = snapshot === null ? null : ((await snapshotsDb(q).byId(snapshot.id)) ?? snapshot)
        if (kept === null) demandSource(source, wish.force)
        else if (kept.status !== 'available')
          throw faults.InvalidSnapshot({
            reason: `Snapshot to be backed up must be available, but the current status is "${kept.status}".`,
          })
        await demandQuota(q, projectId, { typeName: '', backups: 1, backupGigabytes: source.sizeGb }, settings.quotas)
        const parent = wish.incremental ? await parentOf(q, source, projectId, kept?.createdAt ?? null) : null
        const service =
          source.host === null
            ? undefined
            : await serviceFor(q, parent?.host ?? machineOf(source.host), wish.availabilityZone)
        const made: Backup = {
          id,
          projectId,
          userId: ctx.who?.userId ?? '',
          volumeId: source.id,
          snapshotId: kept?.id ?? null,
          parentId: parent?.id ?? null,
          restoreVolumeId: null,
          name: wish.name,
          description: wish.description,
          status: service === undefined ? 'error' : 'creating',
          failReason: service === undefined ? NO_SERVICE : null,
          sizeGb: source.sizeGb,
          objectCount: 0,
          container: wish.container ?? `${id.slice(0, 2)}/${id.slice(2, 4)}/${id}`,
          availabilityZone: service?.availabilityZone ?? wish.availabilityZone,
          host: service?.host ?? null,
          service: service === undefined ? null : settings.backupService,
          volumeFacts: {
            name: source.name,
            description: source.description,
            metadata: (await volumesDb(q).metadataOf([source.id])).get(source.id) ?? {},
            imageMetadata: source.bootable ? (source.imageMetadata ?? {}) : source.imageMetadata,
          },
          dataAt: kept?.createdAt ?? now,
          createdAt: now,
          updatedAt: null,
          statusAt: now,
        }
        await backupsDb(q).insert(made, wish.metadata)
        if (service === undefined || source.host === null) return { backup: made, saga: null }
        if (kept === null) await volumesDb(q).enter(source.id, source.status, { status: 'backing-up' }, now)
        else await snapshotsDb(q).enter(kept.id, 'available', { status: 'backing-up' }, now)
        const input = {
          backupId: id,
          parentId: made.parentId,
          volumeId: source.id,
          host: source.host,
          snapshotId: kept?.id ?? null,
          inUse: kept === null && source.status === 'in-use',
          backupHost: service.host,
        }
        return { backup: made, saga: await engine.prepare(q, createBackup, input, about(ctx, id)) }
      })
      if (saga !== null) engine.go(saga)
      return backup
    },

    async update(
      ctx: Ctx,
      id: string,
      change: { name?: string | null; description?: string | null },
      metadata: Metadata | null,
    ): Promise<Backup> {
      const backup = await find(ctx, id, rules.backupUpdate)
      await database.tx(about(ctx, backup.id), 'update-backup', async q => {
        await backupsDb(q).change(backup.id, change, clock.now())
        if (metadata !== null) await backupsDb(q).setMetadata(backup.id, metadata)
      })
      return find(ctx, id, rules.backupUpdate)
    },

    /** `force`: whatever its status. What increments stand on stays, also then. */
    async remove(ctx: Ctx, id: string, force: boolean): Promise<void> {
      const backup = await find(ctx, id, rules.backupDelete)
      if (force) demand(tools, ctx, rules.backupAdminActionsForceDelete, targetOf(backup))
      await database.tx(about(ctx, backup.id), 'delete-backup', async q => {
        const now = await backupsDb(q).byId(backup.id)
        if (now === undefined) throw faults.BackupNotFound({ id })
        if (!force && now.status !== 'available' && now.status !== 'error')
          throw faults.InvalidBackup({ reason: 'Backup status must be available or error' })
        if ((await backupsDb(q).childrenOf(backup.id)).length > 0)
          throw faults.InvalidBackup({ reason: 'Incremental backups exist for this backup.' })
        // What is being read at this moment is not taken away.
        if (now.restoreVolumeId !== null)
          throw faults.InvalidBackup({ reason: `Backup is being restored to volume ${now.restoreVolumeId}.` })
        await backupsDb(q).enter(backup.id, now.status, { status: 'deleting' }, clock.now())
      })
      void this.finishDelete(about(ctx, backup.id), backup.id).catch((error: unknown) =>
        tools.log.warn(ctx, `delete of backup ${backup.id} goes on later: ${(error as Error).message}`),
      )
    },
    /** Also called for those found in `deleting` at start. */
    async finishDelete(ctx: Ctx, id: string): Promise<void> {
      await engine.cancel(id, createBackup.name)
      await engine.cancel(id, importBackup.name)
      const backup = await database.read(ctx, 'find-backup', q => backupsDb(q).byId(id))
      if (backup === undefined) return
      const input = { backupId: id, backupHost: backup.host }
      try {
        engine.go(await engine.prepare(undefined, deleteBackup, input, ctx))
      } catch (error) {
        if ((error as { code?: string }).code !== 'SagaBusy') throw error
      }
    },

    /** Into a volume that is there, or a new one. */
    async restore(
      ctx: Ctx,
      id: string,
      to: { volumeId: string | null; name: string | null },
    ): Promise<{ backupId: string; volume: Volume }> {
      const backup = await find(ctx, id, rules.backupRestore)
      if (backup.status !== 'available') throw faults.InvalidBackup({ reason: 'Backup status must be available' })
      if (to.volumeId === null) {
        const volume = await createVolumes(tools, ctx, {
          name: to.name ?? `restore_backup_${backup.id}`,
          description: 'auto-created_from_restore_from_backup',
          typeRef: null,
          metadata: {},
          snapshotId: null,
          sourceVolumeId: null,
          imageRef: null,
          sizeGb: backup.sizeGb,
          availabilityZone: null,
          multiattach: false,
          groupId: null,
          backupId: backup.id,
          snapshotBehindImage: false,
        })
        return { backupId: backup.id, volume }
      }
      const found = await findVolume(tools, ctx, to.volumeId, rules.volumeGet)
      const { volume, saga } = await database.tx(about(ctx, found.id), 'restore-backup', async q => {
        const now = await volumesDb(q).byId(found.id)
        if (now?.status !== 'available' || now.host === null)
          throw faults.InvalidVolume({ reason: 'Volume to be restored to must be available' })
        if (backup.sizeGb > now.sizeGb)
          throw faults.InvalidVolume({
            reason: `volume size ${now.sizeGb} is too small to restore backup of size ${backup.sizeGb}.`,
          })
        const service = await serviceFor(q, backup.host, null)
        if (service === undefined) throw faults.BackupServiceMissing({ service: 'cinder-backup' })
        await takeForRestore(q, backup.id, now.id, clock.now())
        await volumesDb(q).enter(now.id, 'available', { status: 'restoring-backup' }, clock.now())
        const input = {
          backupId: backup.id,
          backupHost: service.host,
          volumeId: now.id,
          host: now.host,
          sizeGb: now.sizeGb,
        }
        return { volume: now, saga: await engine.prepare(q, restoreBackup, input, about(ctx, now.id)) }
      })
      engine.go(saga)
      return { backupId: backup.id, volume }
    },

    async resetStatus(ctx: Ctx, id: string, status: string): Promise<void> {
      const backup = await find(ctx, id, rules.backupAdminActionsResetStatus)
      await database.tx(about(ctx, backup.id), 'reset-backup-status', q =>
        backupsDb(q).change(backup.id, { status }, clock.now()),
      )
    },

    async exportRecord(ctx: Ctx, id: string): Promise<{ service: string; url: string }> {
      const backup = await find(ctx, id, rules.backupExportImport)
      if (backup.status !== 'available')
        throw faults.InvalidBackup({ reason: `Backup status must be available and not ${backup.status}.` })
      return { service: backup.service ?? '', url: encodeRecord(backup) }
    },
    async importRecord(ctx: Ctx, service: string, url: string): Promise<Backup> {
      demand(tools, ctx, rules.backupBackupImport, { project_id: projectOf(ctx) })
      const record = decodeRecord(url)
      if (!isUuid(record.id) || !isUuid(record.keptAs))
        throw faults.InvalidInput({ reason: 'Provided backup record is missing an id' })
      const id = record.id.toLowerCase()
      const { backup, saga } = await database.tx(about(ctx, id), 'import-backup', async q => {
        if ((await backupsDb(q).byId(id)) !== undefined)
          throw faults.InvalidBackup({ reason: 'Backup already exists in database.' })
        const keeper = await serviceFor(q, null, null)
        if (keeper === undefined) throw faults.BackupServiceMissing({ service })
        await demandQuota(
          q,
          projectOf(ctx),
          { typeName: '', backups: 1, backupGigabytes: record.sizeGb },
          settings.quotas,
        )
        const now = clock.now()
        const known = settings.backupService === service
        const made: Backup = {
          id,
          projectId: projectOf(ctx),
          userId: ctx.who?.userId ?? '',
          volumeId: record.volumeId ?? UNKNOWN_VOLUME,
          snapshotId: null,
          parentId: null,
          restoreVolumeId: null,
          name: record.name,
          description: record.description,
          status: known ? 'creating' : 'error',
          failReason: known
            ? null
            : `Import record failed, cannot find backup service to perform import. Request service ${service}.`.slice(
                0,
                255,
              ),
          sizeGb: record.sizeGb,
          objectCount: 0,
          container: record.container,
          availabilityZone: keeper.availabilityZone,
          host: known ? keeper.host : null,
          service: known ? service : null,
          volumeFacts: record.volumeFacts,
          dataAt: record.dataAt ?? now,
          createdAt: now,
          updatedAt: null,
          statusAt: now,
        }
        await backupsDb(q).insert(made, {})
        if (!known) return { backup: made, saga: null }
        const input = { backupId: id, keptAs: record.keptAs.toLowerCase(), backupHost: keeper.host }
        return { backup: made, saga: await engine.prepare(q, importBackup, input, about(ctx, id)) }
      })
      if (saga !== null) engine.go(saga)
      return backup
    },
  }
}
export type BackupsDomain = ReturnType<typeof createBackupsDomain>

function demandSource(volume: Volume, force: boolean): void {
  if (!statusesFor('backupInUse').includes(volume.status))
    throw faults.InvalidVolume({
      reason: `Volume to be backed up must be available or in-use, but the current status is "${volume.status}".`,
    })
  if (!force && !statusesFor('backup').includes(volume.status))
    throw faults.InvalidVolume({ reason: 'Backing up an in-use volume must use the force flag.' })
}

function filtersOf(
  ctx: Ctx,
  usable: Readonly<Record<string, string>>,
  request: ListRequest,
): BackupFilters | 'nothing' {
  const equal: Record<string, string | number> = {}
  let nameLike: string | null = null
  let projectId: string | null = request.allProjects && isAdmin(ctx) ? null : projectOf(ctx)
  for (const [key, value] of Object.entries(usable)) {
    if (key === 'name~' || key === 'display_name~') nameLike = value
    else if (key === 'project_id') {
      if (request.allProjects && isAdmin(ctx)) projectId = value
    } else {
      const column = BACKUP_COLUMNS[key]
      if (column === undefined) return 'nothing'
      equal[column] = ['size_gb', 'object_count'].includes(column) ? Number(value) : value
    }
  }
  return { projectId, equal, nameLike }
}
