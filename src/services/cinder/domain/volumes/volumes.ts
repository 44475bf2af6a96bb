// The verbs of volumes: each finds the volume for what it is about, wins its status, and starts the story where there is one.
import type { Ctx } from '#kernel/lib/context.ts'
import type { Rule } from '#kernel/contract/rule.ts'
import { faults } from '#services/cinder/contract/faults.ts'
import { rules } from '#services/cinder/contract/rules.ts'
import { orList, SNAPSHOT_DELETABLE, statusesFor } from '#services/cinder/contract/states.ts'
import { attachmentsDb } from '#services/cinder/db/attachments.ts'
import { groupsDb } from '#services/cinder/db/groups.ts'
import { snapshotsDb } from '#services/cinder/db/snapshots.ts'
import { typesDb } from '#services/cinder/db/types.ts'
import { volumesDb, type Volume, type VolumeChange } from '#services/cinder/db/volumes.ts'
import { findVolume } from '#services/cinder/domain/find.ts'
import { demandQuota, demandSize } from '#services/cinder/domain/quotas.ts'
import { isAdmin, projectOf, type DomainTools } from '#services/cinder/domain/tools.ts'
import { demandTypeSize } from '#services/cinder/domain/volumes/create.ts'
import { createVolume } from '#services/cinder/sagas/create-volume.ts'
import { deleteVolume } from '#services/cinder/sagas/delete-volume.ts'
import { extendVolume } from '#services/cinder/sagas/extend-volume.ts'
import { manageVolume } from '#services/cinder/sagas/manage-volume.ts'
import { migrateVolume } from '#services/cinder/sagas/migrate-volume.ts'
import { reimageVolume } from '#services/cinder/sagas/reimage-volume.ts'
import { restoreBackup } from '#services/cinder/sagas/restore-backup.ts'
import { revertVolume } from '#services/cinder/sagas/revert-volume.ts'
import { uploadVolume } from '#services/cinder/sagas/upload-volume.ts'

/** Stories of a volume that end when it is deleted by force. */
const CANCELLED = [extendVolume, restoreBackup, uploadVolume, revertVolume, reimageVolume, migrateVolume, manageVolume]

export const createVolumesDomain = (tools: DomainTools) => {
  const { database, engine, clock, settings } = tools
  const about = (ctx: Ctx, id: string): Ctx => ({ ...ctx, subject: id })
  const find = (ctx: Ctx, id: string, rule: Rule): Promise<Volume> => findVolume(tools, ctx, id, rule)
  const demandNoMaintenance = (volume: Volume, says: string): void => {
    if (volume.status === 'maintenance') throw faults.InvalidVolume({ reason: says })
  }

  return {
    find,

    /** Changes name, description, metadata. */
    async update(
      ctx: Ctx,
      id: string,
      change: Pick<VolumeChange, 'name' | 'description'>,
      metadata: Readonly<Record<string, string>> | null,
      rule: Rule = rules.volumeUpdate,
    ): Promise<Volume> {
      const volume = await find(ctx, id, rule)
      demandNoMaintenance(volume, 'The volume cannot be updated during maintenance.')
      await database.tx(about(ctx, id), 'update-volume', async q => {
        await volumesDb(q).change(volume.id, change, clock.now())
        if (metadata !== null) await volumesDb(q).setMetadata(volume.id, metadata, true)
      })
      return find(ctx, id, rule)
    },
    async setBootable(ctx: Ctx, id: string, bootable: boolean): Promise<void> {
      const volume = await find(ctx, id, rules.volumeUpdate)
      demandNoMaintenance(volume, 'The volume cannot be updated during maintenance.')
      await database.tx(about(ctx, id), 'set-bootable', q => volumesDb(q).change(volume.id, { bootable }, clock.now()))
    },
    async setReadonly(ctx: Ctx, id: string, readonly: boolean): Promise<void> {
      const volume = await find(ctx, id, rules.volumeUpdateReadonlyFlag)
      if (!statusesFor('updateReadonly').includes(volume.status))
        throw faults.InvalidVolume({
          reason: `Volume ${volume.id} status must be available to update readonly flag, but current status is: ${volume.status}.`,
        })
      await database.tx(about(ctx, id), 'set-readonly', q =>
        volumesDb(q).change(volume.id, { readonly: readonly ? 'True' : 'False' }, clock.now()),
      )
    },

    /**
     * Deletes, with `cascade` its snapshots too; `force` whatever its status (not while a server uses it). A creation under way is
     * unwound first. Throws 400 with all that must not be.
     */
    async remove(
      ctx: Ctx,
      id: string,
      how: { cascade: boolean; force: boolean },
      rule: Rule = rules.volumeDelete,
    ): Promise<void> {
      const volume = await find(ctx, id, rule)
      const wants = statusesFor('delete')
      const statusWords = how.force ? '' : `status must be ${orList(wants)} and`
      const refusal = () =>
        faults.InvalidVolume({
          reason: `Volume ${statusWords} must not be migrating, attached, belong to a group, have snapshots, awaiting a transfer, or be disassociated from snapshots after volume transfer.`,
        })
      await database.tx(about(ctx, id), 'delete-volume', async q => {
        const now = await volumesDb(q).byId(volume.id)
        if (now === undefined) throw faults.VolumeNotFound({ id })
        const mayGo = how.force || now.host === null || wants.includes(now.status)
        if (!mayGo || now.attachStatus === 'attached') throw refusal()
        if (now.host !== null && (await groupsDb(q).ofVolume(now.id)) !== null) throw refusal()
        const snapshots = await snapshotsDb(q).ofVolume(volume.id)
        if (snapshots.length > 0 && !how.cascade) throw refusal()
        if (!how.force && snapshots.some(one => ![...SNAPSHOT_DELETABLE, 'deleting'].includes(one.status)))
          throw refusal()
        if (!isAdmin(ctx) && snapshots.some(one => one.projectId !== projectOf(ctx))) throw refusal()
        if (now.status === 'deleting') return
        const busy = await volumesDb(q).beingMadeFrom('source_volume_id', volume.id)
        if (busy.length > 0 && !how.force)
          throw faults.InvalidVolume({ reason: `Volume ${volume.id} is being copied to volume ${busy[0] ?? ''}.` })
        for (const one of snapshots) await snapshotsDb(q).change(one.id, { status: 'deleting' }, clock.now())
        await volumesDb(q).enter(volume.id, now.status, { status: 'deleting' }, clock.now())
      })
      void this.finishDelete(about(ctx, volume.id), volume.id).catch((error: unknown) =>
        tools.log.warn(ctx, `delete of volume ${volume.id} goes on later: ${(error as Error).message}`),
      )
    },

    /** Unwinds what runs for the volume, then runs the story of its end. Also called for those found in `deleting` at start. */
    async finishDelete(ctx: Ctx, id: string): Promise<void> {
      await engine.cancel(id, createVolume.name)
      for (const one of CANCELLED) await engine.cancel(id, one.name)
      const volume = await database.read(ctx, 'find-volume', q => volumesDb(q).byId(id))
      if (volume === undefined) return
      if (volume.status !== 'deleting')
        await database.tx(ctx, 'delete-volume', q => volumesDb(q).change(id, { status: 'deleting' }, clock.now()))
      try {
        engine.go(await engine.prepare(undefined, deleteVolume, { volumeId: id, host: volume.host }, ctx))
      } catch (error) {
        if ((error as { code?: string }).code !== 'SagaBusy') throw error
      }
    },

    /** 202: the volume is `extending`, the larger size claimed. `inUse`: the version lets volumes in use grow. */
    async extend(ctx: Ctx, id: string, newSizeGb: number, inUse: boolean): Promise<void> {
      const first = await find(ctx, id, rules.volumeExtend)
      const attached = inUse && first.status === 'in-use'
      const volume = attached ? await find(ctx, id, rules.volumeExtendAttachedVolume) : first
      const saga = await database.tx(about(ctx, volume.id), 'extend-volume', async q => {
        const now = await volumesDb(q).byId(volume.id)
        if (now === undefined) throw faults.VolumeNotFound({ id })
        if (newSizeGb <= now.sizeGb)
          throw faults.InvalidInput({
            reason: `New size for extend must be greater than current size. (current: ${now.sizeGb}, extended: ${newSizeGb}).`,
          })
        const type = await typesDb(q).byId(now.typeId)
        if (type !== undefined) demandTypeSize(type, newSizeGb)
        const wants = attached ? 'in-use' : 'available'
        const { host } = now
        if (now.status !== wants || host === null)
          throw faults.InvalidVolume({
            reason: `Volume ${now.id} status must be '{'status': '${wants}'}' to extend, currently ${now.status}.`,
          })
        await demandSize(q, now.projectId, newSizeGb, settings.quotas)
        const gigabytes = newSizeGb - now.sizeGb
        await demandQuota(q, now.projectId, { typeName: type?.name ?? '', gigabytes }, settings.quotas)
        await volumesDb(q).enter(now.id, wants, { status: 'extending', claimedGb: newSizeGb }, clock.now())
        const servers = (await attachmentsDb(q).ofVolume(now.id)).flatMap(one => one.serverId ?? [])
        return engine.prepare(
          q,
          extendVolume,
          {
            volumeId: now.id,
            host,
            fromGb: now.sizeGb,
            toGb: newSizeGb,
            status: wants,
            serverIds: [...new Set(servers)],
          },
          about(ctx, now.id),
        )
      })
      engine.go(saga)
    },

    /** An administrator says what the status is. Attach status `detached` ends all attachments on record. */
    async resetStatus(
      ctx: Ctx,
      id: string,
      to: { status: string | null; attachStatus: string | null; migrationStatus: string | null },
    ): Promise<void> {
      const volume = await find(ctx, id, rules.volumeAdminActionsResetStatus)
      if (to.status !== null && ['deleting', 'error_deleting', 'detaching'].includes(to.status))
        throw faults.BadRequest({ reason: `Cannot reset-state to ${to.status}` })
      await database.tx(about(ctx, volume.id), 'reset-status', async q => {
        if (to.status === 'in-use' && (await attachmentsDb(q).ofVolume(volume.id)).length === 0)
          throw faults.BadRequest({
            reason: 'Cannot reset-state to in-use because volume does not have any attachments.',
          })
        await volumesDb(q).change(
          volume.id,
          {
            ...(to.status === null ? {} : { status: to.status }),
            ...(to.attachStatus === null ? {} : { attachStatus: to.attachStatus }),
            ...(to.migrationStatus === null
              ? {}
              : { migrationStatus: to.migrationStatus === 'none' ? null : to.migrationStatus }),
          },
          clock.now(),
        )
        if (to.attachStatus !== 'detached') return
        for (const one of await attachmentsDb(q).ofVolume(volume.id)) await attachmentsDb(q).remove(one.id)
        await volumesDb(q).change(volume.id, { attachedMode: null }, clock.now())
      })
    },
  }
}
export type VolumesDomain = ReturnType<typeof createVolumesDomain>
