// The verbs that change a volume as a whole: upload, retype, migrate, revert, reimage.
import type { Ctx } from '#kernel/lib/context.ts'
import { faults } from '#services/cinder/contract/faults.ts'
import { rules } from '#services/cinder/contract/rules.ts'
import { orList } from '#services/cinder/contract/states.ts'
import { attachmentsDb } from '#services/cinder/db/attachments.ts'
import { groupsDb } from '#services/cinder/db/groups.ts'
import { servicesDb } from '#services/cinder/db/services.ts'
import { snapshotsDb } from '#services/cinder/db/snapshots.ts'
import { typesDb, type VolumeType } from '#services/cinder/db/types.ts'
import { volumesDb, type Volume } from '#services/cinder/db/volumes.ts'
import { demand, findVolume, targetOf } from '#services/cinder/domain/find.ts'
import { demandTypeQuota } from '#services/cinder/domain/quotas.ts'
import { decide } from '#services/cinder/domain/scheduling/decide.ts'
import { isUp, poolStates } from '#services/cinder/domain/scheduling/pools.ts'
import type { DomainTools } from '#services/cinder/domain/tools.ts'
import type { TypesDomain } from '#services/cinder/domain/types.ts'
import { demandPlain, demandTypeSize } from '#services/cinder/domain/volumes/create.ts'
import { imageMetadata, judgeImage } from '#services/cinder/domain/volumes/images.ts'
import { migrateVolume } from '#services/cinder/sagas/migrate-volume.ts'
import { reimageVolume } from '#services/cinder/sagas/reimage-volume.ts'
import { revertVolume } from '#services/cinder/sagas/revert-volume.ts'
import { uploadVolume } from '#services/cinder/sagas/upload-volume.ts'

export interface UploadWish {
  readonly name: string
  readonly diskFormat: string
  readonly containerFormat: string
  /** Null: the version does not know of it. */
  readonly visibility: string | null
  readonly protected: boolean | null
}
export interface Uploading {
  readonly volume: Volume
  readonly type: VolumeType | undefined
  readonly imageId: string
}
/** Facts of the image a volume was made of that a new image has of its own. */
const CORE = [
  'checksum',
  'container_format',
  'disk_format',
  'image_name',
  'image_id',
  'min_disk',
  'min_ram',
  'name',
  'size',
]
const IDLE: readonly (string | null)[] = [null, 'deleting', 'error', 'success', 'none']

export const createChangesDomain = (tools: DomainTools & { readonly types: TypesDomain }) => {
  const { database, engine, clock, ids, settings } = tools
  const about = (ctx: Ctx, id: string): Ctx => ({ ...ctx, subject: id })
  const backTo = (host: string): string => host.split('#')[0] ?? host

  return {
    /** 202: there is an image that waits for the volume's bytes. The image is made with the caller's own token. */
    async upload(ctx: Ctx, id: string, wish: UploadWish): Promise<Uploading> {
      const volume = await findVolume(tools, ctx, id, rules.volumeActionsUploadImage)
      if (wish.visibility === 'public') demand(tools, ctx, rules.volumeActionsUploadPublic, targetOf(volume))
      const refusal = () => faults.InvalidVolume({ reason: `Volume ${volume.id} status must be available` })
      if (volume.status !== 'available' || volume.host === null) throw refusal()
      if (wish.containerFormat === 'compressed')
        throw faults.BadRequest({
          reason: 'Image compression upload disallowed, but container_format is compressed',
        })
      const imageId = ids.uuid()
      const kept = Object.entries(volume.imageMetadata ?? {}).filter(
        ([key]) => !CORE.includes(key) && !key.startsWith('os_glance'),
      )
      const problem = await tools.glance.create(ctx, {
        ...Object.fromEntries(kept),
        id: imageId,
        name: wish.name,
        disk_format: wish.diskFormat,
        container_format: wish.containerFormat,
        min_disk: volume.sizeGb,
        ...(wish.visibility === null ? {} : { visibility: wish.visibility }),
        ...(wish.protected === null ? {} : { protected: wish.protected }),
      })
      if (problem !== null) throw faults.BadRequest({ reason: problem })
      try {
        const { host } = volume
        const { saga, type, now } = await database.tx(about(ctx, volume.id), 'upload-volume', async q => {
          if (!(await volumesDb(q).enter(volume.id, 'available', { status: 'uploading' }, clock.now()))) throw refusal()
          const input = { volumeId: volume.id, host, imageId, format: wish.diskFormat }
          return {
            type: await typesDb(q).byId(volume.typeId),
            now: (await volumesDb(q).byId(volume.id)) ?? volume,
            saga: await engine.prepare(q, uploadVolume, input, about(ctx, volume.id)),
          }
        })
        engine.go(saga)
        return { volume: now, type, imageId }
      } catch (error) {
        await tools.glance.remove(ctx, imageId).catch(() => undefined)
        throw error
      }
    },

    /** Another type: at once where the volume's pool will do, by way of another pool where the policy allows. */
    async retype(ctx: Ctx, id: string, typeRef: string, migrates: boolean): Promise<void> {
      const volume = await findVolume(tools, ctx, id, rules.volumeRetype)
      const type = await tools.types.findByRef(ctx, typeRef)
      demandTypeSize(type, volume.sizeGb)
      await demandPlain(tools, ctx, type)
      const multiattach = type.extraSpecs['multiattach'] === '<is> True'
      if (multiattach !== volume.multiattach) {
        if (volume.status !== 'available')
          throw faults.InvalidInput({
            reason: `Invalid volume_type passed, retypes affecting multiattach are only allowed on available volumes, the specified volume however currently has a status of: ${volume.status}.`,
          })
        if (multiattach) demand(tools, ctx, rules.volumeMultiattach, targetOf(volume))
      }
      const saga = await database.tx(about(ctx, volume.id), 'retype-volume', async q => {
        const now = await volumesDb(q).byId(volume.id)
        if (now === undefined) throw faults.VolumeNotFound({ id })
        await demandTypeQuota(
          q,
          now.projectId,
          { typeName: type.name, volumes: 1, gigabytes: now.claimedGb },
          settings.quotas,
        )
        if (
          !['available', 'in-use'].includes(now.status) ||
          now.host === null ||
          now.typeId === type.id ||
          !IDLE.includes(now.migrationStatus) ||
          (await groupsDb(q).ofVolume(now.id)) !== null
        )
          throw faults.InvalidVolume({
            reason:
              'Retype needs volume to be in available or in-use state, not be part of an active migration or a consistency group, requested type has to be different that the one from the volume, and for in-use volumes front-end qos specs cannot change.',
          })
        const { host } = now
        const pools = await poolStates(q, settings, clock.now())
        const wish = { sizeGb: 0, availabilityZone: null, extraSpecs: type.extraSpecs }
        if (decide({ ...wish, onlyHost: host }, pools).hosts.length > 0) {
          await volumesDb(q).change(now.id, { typeId: type.id, multiattach }, clock.now())
          return null
        }
        const others = decide({ ...wish, sizeGb: now.claimedGb }, pools).hosts.filter(one => one !== host)
        const to = others[0]
        const hasSnapshots = (await snapshotsDb(q).ofVolume(now.id)).length > 0
        // As it was, and a word about it: the request itself was fine.
        if (to === undefined || !migrates || now.status !== 'available' || hasSnapshots) {
          tools.log.warn(ctx, `volume ${now.id} stays of its type: no pool would do without a migration`)
          await volumesDb(q).change(now.id, { migrationStatus: migrates ? 'error' : now.migrationStatus }, clock.now())
          return null
        }
        await volumesDb(q).enter(now.id, 'available', { status: 'retyping', migrationStatus: 'migrating' }, clock.now())
        const input = {
          volumeId: now.id,
          sizeGb: now.sizeGb,
          from: host,
          to,
          oldTypeId: now.typeId,
          newTypeId: type.id,
        }
        return engine.prepare(q, migrateVolume, input, about(ctx, now.id))
      })
      if (saga !== null) engine.go(saga)
    },

    async migrate(ctx: Ctx, id: string, host: string): Promise<void> {
      const volume = await findVolume(tools, ctx, id, rules.volumeAdminActionsMigrateVolume)
      const saga = await database.tx(about(ctx, volume.id), 'migrate-volume', async q => {
        const now = await volumesDb(q).byId(volume.id)
        if (now === undefined) throw faults.VolumeNotFound({ id })
        const service = (await servicesDb(q).all()).find(
          one =>
            one.binary === 'cinder-volume' &&
            one.host === backTo(host) &&
            !one.disabled &&
            isUp(one, clock.now(), settings.downAfterMs),
        )
        if (service === undefined) throw faults.InvalidHost({ reason: `No available service named '${host}'` })
        const to = host.includes('#') ? host : `${service.host}#${service.stats?.pool ?? 'pool'}`
        const pool = (await poolStates(q, settings, clock.now())).find(one => one.host === to)
        if (
          !['available', 'in-use'].includes(now.status) ||
          !IDLE.includes(now.migrationStatus) ||
          now.host === null ||
          now.host === to ||
          (await snapshotsDb(q).ofVolume(now.id)).length > 0 ||
          (await groupsDb(q).ofVolume(now.id)) !== null
        )
          throw faults.InvalidVolume({
            reason: `Volume ${now.id} status must be available or in-use, must not be migrating, have snapshots, be replicated, be part of a group and destination host/cluster must be different than the current one`,
          })
        const type = await typesDb(q).byId(now.typeId)
        const wish = { sizeGb: now.claimedGb, availabilityZone: null, extraSpecs: type?.extraSpecs ?? {}, onlyHost: to }
        if (now.status !== 'available' || pool === undefined || decide(wish, [pool]).hosts.length === 0) {
          await volumesDb(q).change(now.id, { migrationStatus: 'error' }, clock.now())
          tools.log.warn(ctx, `volume ${now.id} cannot be migrated to ${to}`)
          return null
        }
        await volumesDb(q).enter(
          now.id,
          'available',
          { status: 'maintenance', migrationStatus: 'migrating' },
          clock.now(),
        )
        const input = {
          volumeId: now.id,
          sizeGb: now.sizeGb,
          from: now.host,
          to,
          oldTypeId: now.typeId,
          newTypeId: null,
        }
        return engine.prepare(q, migrateVolume, input, about(ctx, now.id))
      })
      if (saga !== null) engine.go(saga)
    },
    /** Nova has copied a volume to another one by itself; its attachments are its own affair. */
    async completeMigration(ctx: Ctx, id: string, newVolumeId: string): Promise<string> {
      const volume = await findVolume(tools, ctx, id, rules.volumeAdminActionsMigrateVolumeCompletion)
      const other = await findVolume(tools, ctx, newVolumeId, rules.volumeGet)
      if (volume.migrationStatus === null && other.migrationStatus === null) return other.id
      if (volume.migrationStatus === null) throw faults.InvalidVolume({ reason: 'Source volume not mid-migration.' })
      throw faults.InvalidVolume({ reason: 'Destination volume not mid-migration.' })
    },
    /** No back end here leaves the end of a growth to somebody else. */
    async completeExtension(ctx: Ctx, id: string): Promise<void> {
      const volume = await findVolume(tools, ctx, id, rules.volumeAdminActionsExtendVolumeCompletion)
      if (volume.status !== 'extending') throw faults.InvalidVolume({ reason: 'Volume is not being extended.' })
      throw faults.InvalidVolume({ reason: 'Required volume admin metadata is malformed or missing.' })
    },

    async revert(ctx: Ctx, id: string, snapshotId: string | null): Promise<void> {
      const volume = await findVolume(tools, ctx, id, rules.volumeRevertToSnapshot)
      const saga = await database.tx(about(ctx, volume.id), 'revert-volume', async q => {
        const latest = (await snapshotsDb(q).ofVolume(volume.id)).toSorted((a, b) => b.createdAt - a.createdAt)
        const first = latest[0]
        if (first === undefined) throw faults.BadRequest({ reason: `Volume ${volume.id} doesn't have any snapshots.` })
        const snapshot = latest.find(one => one.createdAt === first.createdAt && one.id === snapshotId)
        if (snapshot === undefined)
          throw faults.BadRequest({
            reason: `Specified snapshot ${snapshotId ?? 'None'} is None or not the latest one of volume ${volume.id}.`,
          })
        const words = `Can't revert volume ${volume.id} to its latest snapshot ${snapshot.id}.`
        if (volume.sizeGb !== snapshot.sizeGb)
          throw faults.BadRequest({ reason: `${words} The volume size must be equal to the snapshot size.` })
        if (
          volume.host === null ||
          !(await volumesDb(q).enter(volume.id, 'available', { status: 'reverting' }, clock.now()))
        )
          throw faults.Conflict({ reason: `Invalid volume: ${words} Volume's status must be 'available'.` })
        if (!(await snapshotsDb(q).enter(snapshot.id, 'available', { status: 'restoring' }, clock.now())))
          throw faults.Conflict({ reason: `Invalid snapshot: ${words} Snapshot's status must be 'available'.` })
        const input = { volumeId: volume.id, snapshotId: snapshot.id, host: volume.host }
        return engine.prepare(q, revertVolume, input, about(ctx, volume.id))
      })
      engine.go(saga)
    },

    async reimage(ctx: Ctx, id: string, imageId: string, reserved: boolean): Promise<void> {
      const volume = await findVolume(tools, ctx, id, rules.volumeGet)
      demand(
        tools,
        ctx,
        volume.status === 'reserved' ? rules.volumeReimageReserved : rules.volumeReimage,
        targetOf(volume),
      )
      const wants = reserved ? ['available', 'error', 'reserved'] : ['available', 'error']
      const demandStatus = (now: Volume): void => {
        if (!wants.includes(now.status) || now.host === null)
          throw faults.InvalidVolume({
            reason: `Volume ${now.id} status must be ${orList(wants)}, but current status is ${now.status}.`,
          })
      }
      const attachments = await database.read(ctx, 'attachments-of-volume', q => attachmentsDb(q).ofVolume(volume.id))
      if (attachments.length > 1)
        throw faults.Conflict({ reason: 'Cannot re-image a volume which is attached to more than one server.' })
      demandStatus(volume)
      const image = await tools.glance.image(ctx, imageId)
      if (image === null) throw faults.ImageNotFound({ id: imageId })
      judgeImage(image, volume.sizeGb)
      const saga = await database.tx(about(ctx, volume.id), 'reimage-volume', async q => {
        const now = await volumesDb(q).byId(volume.id)
        if (now === undefined) throw faults.VolumeNotFound({ id })
        demandStatus(now)
        await volumesDb(q).enter(now.id, now.status, { status: 'downloading' }, clock.now())
        const servers = (await attachmentsDb(q).ofVolume(now.id)).flatMap(one => one.serverId ?? [])
        const input = {
          volumeId: now.id,
          host: now.host ?? '',
          sizeGb: now.sizeGb,
          imageId: image.id,
          metadata: imageMetadata(image),
          serverIds: [...new Set(servers)],
        }
        return engine.prepare(q, reimageVolume, input, about(ctx, now.id))
      })
      engine.go(saga)
    },
  }
}
export type ChangesDomain = ReturnType<typeof createChangesDomain>
