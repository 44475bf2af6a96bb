// Backups over HTTP.
import { isoMicros } from '#kernel/lib/clock.ts'
import type { Static } from '#kernel/contract/shape.ts'
import type { Ctx } from '#kernel/lib/context.ts'
import { handlers, type HandlerTable } from '#kernel/http/handlers.ts'
import { needs, presenter, type Rows } from '#kernel/http/presenter.ts'
import { backupActions, BackupBrief, backups, BackupView } from '#services/cinder/contract/backups.ts'
import type { Backup } from '#services/cinder/db/backups.ts'
import { linksOf, listRequest, pageLinks } from '#services/cinder/api/listing.ts'
import type { BackupsDomain } from '#services/cinder/domain/backups.ts'
import type { VolumeLoads } from '#services/cinder/domain/volumes/loads.ts'

interface Loaded {
  metadata: ReadonlyMap<string, Readonly<Record<string, string>>>
  parents: ReadonlySet<string>
}
const briefRows: Rows<Backup, object, Static<typeof BackupBrief>> = {
  id: b => b.id,
  name: b => b.name,
  links: (b, _loaded, view) => linksOf(view.base, 'backups', b.id),
}

export function backupHandlers(api: { domain: BackupsDomain; loads: VolumeLoads; maxLimit: number }): HandlerTable[] {
  const { domain, loads, maxLimit } = api
  const idsOf = (all: readonly Backup[]): string[] => all.map(one => one.id)
  const brief = presenter<Backup, object>()(BackupBrief, briefRows)
  const shown = presenter<Backup, Loaded>()(
    BackupView,
    {
      ...briefRows,
      status: b => b.status,
      size: b => b.sizeGb,
      object_count: b => b.objectCount,
      availability_zone: b => b.availabilityZone,
      container: b => b.container,
      created_at: b => isoMicros(b.createdAt),
      updated_at: b => (b.updatedAt === null ? null : isoMicros(b.updatedAt)),
      description: b => b.description,
      fail_reason: b => b.failReason,
      volume_id: b => b.volumeId,
      is_incremental: b => b.parentId !== null,
      has_dependent_backups: needs(['parents'], (b, { parents }) => parents.has(b.id)),
      snapshot_id: b => b.snapshotId,
      data_timestamp: b => isoMicros(b.dataAt),
      'os-backup-project-attr:project_id': b => b.projectId,
      metadata: needs(['metadata'], (b, { metadata }) => ({ ...metadata.get(b.id) })),
      user_id: b => b.userId,
    },
    {
      loaders: {
        metadata: (ctx: Ctx, all: readonly Backup[]) => loads.backupMetadata(ctx, idsOf(all)),
        parents: (ctx: Ctx, all: readonly Backup[]) => loads.backupParents(ctx, idsOf(all)),
      },
    },
  )
  return [
    handlers(backups, {
      list: async call => {
        const {
          backups: found,
          more,
          count,
        } = await domain.list(call.ctx, listRequest(call, maxLimit), call.has('sortName'))
        return {
          backups: await call.list(brief, found),
          ...pageLinks(call, 'backups', more, found.at(-1)?.id),
          ...(count === null ? {} : { count }),
        }
      },
      detail: async call => {
        const {
          backups: found,
          more,
          count,
        } = await domain.list(call.ctx, listRequest(call, maxLimit), call.has('sortName'))
        return {
          backups: await call.list(shown, found),
          ...pageLinks(call, 'backups', more, found.at(-1)?.id),
          ...(count === null ? {} : { count }),
        }
      },
      show: async call => ({ backup: await call.show(shown, await domain.find(call.ctx, call.params.id)) }),
      create: async call => {
        const { backup } = call.body
        const made = await domain.create(call.ctx, {
          volumeId: backup.volume_id,
          snapshotId: backup.snapshot_id ?? null,
          name: backup.name ?? null,
          description: backup.description ?? null,
          container: backup.container ?? null,
          incremental: backup.incremental === true,
          force: backup.force === true,
          metadata: backup.metadata ?? {},
          availabilityZone: backup.availability_zone ?? null,
        })
        return { backup: await call.show(brief, made) }
      },
      update: async call => {
        const { name, description, metadata } = call.body.backup
        const changed = await domain.update(
          call.ctx,
          call.params.id,
          { ...(name === undefined ? {} : { name }), ...(description === undefined ? {} : { description }) },
          metadata ?? null,
        )
        return { backup: await call.show(brief, changed) }
      },
      remove: call => domain.remove(call.ctx, call.params.id, false),
      restore: async call => {
        const { name, volume_id } = call.body.restore
        const { backupId, volume } = await domain.restore(call.ctx, call.params.id, {
          name: name ?? null,
          volumeId: volume_id ?? null,
        })
        return { restore: { backup_id: backupId, volume_id: volume.id, volume_name: volume.name } }
      },
      exportRecord: async call => {
        const { service, url } = await domain.exportRecord(call.ctx, call.params.id)
        return { 'backup-record': { backup_service: service, backup_url: url } }
      },
      importRecord: async call => {
        const { backup_service, backup_url } = call.body['backup-record']
        return { backup: await call.show(brief, await domain.importRecord(call.ctx, backup_service, backup_url)) }
      },
    }),
    handlers(backupActions, {
      resetStatus: call => domain.resetStatus(call.ctx, call.params.id, call.body.status ?? ''),
      forceDelete: call => domain.remove(call.ctx, call.params.id, true),
    }),
  ]
}
