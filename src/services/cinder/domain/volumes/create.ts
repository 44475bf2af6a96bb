// Making volumes: every mistake is found before a row is written; row, quota and saga are one transaction.
import type { Kysely } from 'kysely'

import type { Ctx } from '#kernel/lib/context.ts'
import { faults } from '#services/cinder/contract/faults.ts'
import { groupFaults } from '#services/cinder/contract/group-faults.ts'
import { rules } from '#services/cinder/contract/rules.ts'
import { statusesFor } from '#services/cinder/contract/states.ts'
import { groupsDb, type Group } from '#services/cinder/db/groups.ts'
import { backupsDb, type Backup } from '#services/cinder/db/backups.ts'
import { servicesDb } from '#services/cinder/db/services.ts'
import { snapshotsDb, type Snapshot } from '#services/cinder/db/snapshots.ts'
import type { CinderTables } from '#services/cinder/db/tables.ts'
import { encryptionDb } from '#services/cinder/db/type-extras.ts'
import type { VolumeType } from '#services/cinder/db/types.ts'
import { volumesDb, type Volume } from '#services/cinder/db/volumes.ts'
import { findGroup } from '#services/cinder/domain/group-find.ts'
import { demand, findBackup, findSnapshot, findVolume } from '#services/cinder/domain/find.ts'
import { demandQuota, demandSize } from '#services/cinder/domain/quotas.ts'
import { projectOf, type DomainTools } from '#services/cinder/domain/tools.ts'
import type { TypesDomain } from '#services/cinder/domain/types.ts'
import { findImage, imageMetadata, judgeImage, snapshotOf } from '#services/cinder/domain/volumes/images.ts'
import { createVolume } from '#services/cinder/sagas/create-volume.ts'
import type { Source } from '#services/cinder/sagas/tools.ts'

export interface CreateRequest {
  readonly name: string | null
  readonly description: string | null
  readonly typeRef: string | null
  readonly metadata: Readonly<Record<string, string>>
  readonly snapshotId: string | null
  readonly sourceVolumeId: string | null
  readonly imageRef: string | null
  readonly sizeGb: number | null
  readonly availabilityZone: string | null
  readonly multiattach: boolean
  readonly groupId: string | null
  readonly backupId: string | null
  /** From 3.46 on an image of Nova stands for the snapshot behind it. */
  readonly snapshotBehindImage: boolean
}

interface Origins {
  readonly snapshot: Snapshot | null
  readonly volume: Volume | null
  readonly image: Awaited<ReturnType<typeof findImage>> | null
  readonly backup: Backup | null
}

/** Answers 202 with the row in `creating`; the saga does the rest. Throws 400, 403, 404, 409, 413. */
export async function createVolumes(
  tools: DomainTools & { readonly types: TypesDomain },
  ctx: Ctx,
  request: CreateRequest,
): Promise<Volume> {
  const { database, engine, clock, ids, settings } = tools
  const projectId = projectOf(ctx)
  if (projectId === '') throw faults.BadRequest({ reason: 'The token is not for a project.' })
  demand(tools, ctx, request.imageRef === null ? rules.volumeCreate : rules.volumeCreateFromImage, {
    project_id: projectId,
  })
  if (request.multiattach)
    throw faults.BadRequest({
      reason:
        'multiattach parameter has been removed. The default behavior is to use multiattach enabled volume types. Contact your administrator to create a multiattach enabled volume type and use it to create multiattach volumes.',
    })
  const wantedType = request.typeRef === null ? null : await tools.types.findByRef(ctx, request.typeRef)
  const group = request.groupId === null ? null : await groupFor(tools, ctx, request.groupId, wantedType)
  const origins = await originsOf(tools, ctx, request)
  const sizeGb = sizeOf(request, origins)
  const type = wantedType ?? (await typeOf(tools, ctx, origins))
  demandTypeSize(type, sizeGb)
  await demandPlain(tools, ctx, type)
  if (origins.image !== null) judgeImage(origins.image, sizeGb)
  const multiattach = type.extraSpecs['multiattach'] === '<is> True'
  if (multiattach) demand(tools, ctx, rules.volumeMultiattach, { project_id: projectId })
  const source: Source =
    origins.snapshot !== null
      ? { from: 'snapshot', volumeId: origins.snapshot.volumeId, snapshotId: origins.snapshot.id }
      : origins.volume !== null
        ? { from: 'volume', volumeId: origins.volume.id }
        : origins.image !== null
          ? { from: 'image', imageId: origins.image.id, metadata: imageMetadata(origins.image) }
          : origins.backup !== null
            ? { from: 'backup', backupId: origins.backup.id, backupHost: origins.backup.host ?? '' }
            : { from: 'nothing' }

  const id = ids.uuid()
  const about: Ctx = { ...ctx, subject: id }
  const { volume, saga } = await database.tx(about, 'create-volume', async q => {
    await demandSize(q, projectId, sizeGb, settings.quotas)
    await demandQuota(q, projectId, { typeName: type.name, volumes: 1, gigabytes: sizeGb }, settings.quotas)
    const from = await demandOrigin(q, origins)
    const zone = await zoneOf(q, request, from, settings.availabilityZone)
    const now = clock.now()
    const made: Volume = {
      id,
      projectId,
      userId: ctx.who?.userId ?? '',
      name: request.name,
      description: request.description,
      status: 'creating',
      attachStatus: 'detached',
      sizeGb,
      claimedGb: sizeGb,
      availabilityZone: zone,
      host: null,
      typeId: type.id,
      snapshotId: origins.snapshot?.id ?? null,
      sourceVolumeId: origins.volume?.id ?? null,
      bootable: from?.bootable ?? false,
      multiattach,
      readonly: null,
      attachedMode: null,
      migrationStatus: null,
      imageMetadata: origins.snapshot?.imageMetadata ?? from?.imageMetadata ?? null,
      createdAt: now,
      updatedAt: null,
      statusAt: now,
      launchedAt: null,
    }
    await volumesDb(q).insert(made, request.metadata)
    if (group !== null) await groupsDb(q).addVolumes(group.id, [id])
    if (origins.backup !== null) await takeForRestore(q, origins.backup.id, id, now)
    return { volume: made, saga: await engine.prepare(q, createVolume, { volumeId: id, sizeGb, source }, about) }
  })
  engine.go(saga)
  return volume
}

/** The group the volume is to be in: it must be there, and take such types. */
async function groupFor(tools: DomainTools, ctx: Ctx, id: string, type: VolumeType | null): Promise<Group> {
  const group = await findGroup(tools, ctx, id, rules.groupGet)
  if (type === null)
    throw faults.InvalidInput({ reason: 'volume_type must be provided when creating a volume in a group.' })
  const types = await tools.database.read(ctx, 'types-of-group', q => groupsDb(q).typesOf([group.id]))
  if (types.get(group.id)?.includes(type.id) !== true)
    throw faults.InvalidInput({
      reason: `Invalid volume_type provided: ${type.name} (requested type must be supported by this group).`,
    })
  if (group.status !== 'available')
    throw faults.InvalidInput({ reason: `Originating group status must be one of 'available' values` })
  return group
}

async function originsOf(tools: DomainTools, ctx: Ctx, request: CreateRequest): Promise<Origins> {
  const snapshot =
    request.snapshotId === null ? null : await findSnapshot(tools, ctx, request.snapshotId, rules.volumeGetSnapshot)
  const volume =
    request.sourceVolumeId === null ? null : await findVolume(tools, ctx, request.sourceVolumeId, rules.volumeGet)
  const image = request.imageRef === null ? null : await findImage(tools, ctx, request.imageRef)
  const backup = request.backupId === null ? null : await findBackup(tools, ctx, request.backupId, rules.backupGet)
  if ([snapshot, volume, image, backup].filter(one => one !== null).length > 1)
    throw faults.InvalidInput({ reason: 'May specify only one of backup, imageRef, snapshot, source volume' })
  if (image !== null && request.snapshotBehindImage) {
    const behind = await snapshotOf(tools, ctx, image)
    if (behind !== null) return { snapshot: behind, volume: null, image: null, backup: null }
  }
  if (snapshot !== null && snapshot.status !== 'available')
    throw faults.InvalidSnapshot({ reason: "Originating snapshot status must be one of 'available' values" })
  if (volume !== null && !statusesFor('cloneFrom').includes(volume.status))
    throw faults.InvalidVolume({
      reason: `Originating source volume status must be one of '${statusesFor('cloneFrom').join(', ')}' values`,
    })
  if (backup !== null && backup.status !== 'available')
    throw faults.InvalidInput({ reason: "Originating backup status must be one of 'available' values" })
  return { snapshot, volume, image, backup }
}

function sizeOf(request: CreateRequest, { snapshot, volume, backup }: Origins): number {
  const size = request.sizeGb ?? snapshot?.sizeGb ?? volume?.sizeGb ?? backup?.sizeGb
  if (size === undefined || size <= 0)
    throw faults.InvalidInput({
      reason: `Volume size '${request.sizeGb ?? 'None'}' must be an integer and greater than 0`,
    })
  if (snapshot !== null && size < snapshot.sizeGb)
    throw faults.InvalidInput({
      reason: `Volume size '${size}'GB cannot be smaller than the snapshot size ${snapshot.sizeGb}GB. They must be >= original snapshot size.`,
    })
  if (backup !== null && size < backup.sizeGb)
    throw faults.InvalidInput({
      reason: `Volume size ${size}GB cannot be smaller than the backup size ${backup.sizeGb}GB. It must be >= backup size.`,
    })
  if (volume !== null && size < volume.sizeGb)
    throw faults.InvalidInput({
      reason: `Volume size '${size}'GB cannot be smaller than original volume size  ${volume.sizeGb}GB. They must be >= original volume size.`,
    })
  return size
}

async function typeOf(
  tools: DomainTools & { readonly types: TypesDomain },
  ctx: Ctx,
  { snapshot, volume, image }: Origins,
): Promise<VolumeType> {
  const inherited = volume?.typeId ?? snapshot?.typeId ?? image?.['cinder_img_volume_type']
  return typeof inherited === 'string' ? tools.types.findByRef(ctx, inherited) : tools.types.theDefault(ctx)
}

/** There is no key manager here, so nothing of an encrypted type is made: never bytes in the clear that were to be encrypted. */
export async function demandPlain(tools: DomainTools, ctx: Ctx, type: VolumeType): Promise<void> {
  const found = await tools.database.read(ctx, 'type-encryption', q => encryptionDb(q).ofType(type.id))
  if (found === undefined) return
  throw groupFaults.KeyManagerMissing({
    because: [{ who: 'encryption', says: `type ${type.name} is encrypted, and there is no key manager` }],
  })
}

/** The sizes a type allows: `provisioning:min_vol_size` and `provisioning:max_vol_size`. */
export function demandTypeSize(type: VolumeType, sizeGb: number): void {
  const min = Number(type.extraSpecs['provisioning:min_vol_size'] ?? 0)
  const max = Number(type.extraSpecs['provisioning:max_vol_size'] ?? 0)
  if (min > 0 && sizeGb < min)
    throw faults.InvalidInput({
      reason: `Specified volume size of '${sizeGb}' is less than the minimum required size of '${min}' for volume type '${type.name}'.`,
    })
  if (max > 0 && sizeGb > max)
    throw faults.InvalidInput({
      reason: `Specified volume size of '${sizeGb}' is greater than the maximum allowable size of '${max}' for volume type '${type.name}'.`,
    })
}

/** The volume whose bytes are copied, looked at again inside the transaction. */
async function demandOrigin(q: Kysely<CinderTables>, { snapshot, volume }: Origins): Promise<Volume | null> {
  if (snapshot !== null) {
    const now = await snapshotsDb(q).byId(snapshot.id)
    if (now?.status !== 'available')
      throw faults.InvalidSnapshot({ reason: "Originating snapshot status must be one of 'available' values" })
    return (await volumesDb(q).byId(snapshot.volumeId)) ?? null
  }
  if (volume === null) return null
  const now = await volumesDb(q).byId(volume.id)
  if (now === undefined || !statusesFor('cloneFrom').includes(now.status))
    throw faults.InvalidVolume({
      reason: `Originating source volume status must be one of '${statusesFor('cloneFrom').join(', ')}' values`,
    })
  return now
}

async function zoneOf(
  q: Kysely<CinderTables>,
  request: CreateRequest,
  from: Volume | null,
  own: string,
): Promise<string> {
  const known = new Set((await servicesDb(q).all()).map(service => service.availabilityZone))
  known.add(own)
  const zone = request.availabilityZone ?? from?.availabilityZone ?? own
  if (!known.has(zone)) throw faults.InvalidAvailabilityZone({ az: zone })
  if (from?.availabilityZone != null && from.availabilityZone !== zone)
    throw faults.InvalidInput({
      reason: `Volume must be in the same availability zone as the ${request.snapshotId === null ? 'source volume' : 'snapshot'}`,
    })
  return zone
}

/** The backup is being written into that volume. Throws 400 when somebody was first. */
export async function takeForRestore(
  q: Kysely<CinderTables>,
  backupId: string,
  volumeId: string,
  now: number,
): Promise<void> {
  if (!(await backupsDb(q).enter(backupId, 'available', { status: 'restoring', restoreVolumeId: volumeId }, now)))
    throw faults.InvalidBackup({ reason: 'Backup status must be available' })
}
