// The verbs of managing: what is nobody's becomes a volume or a snapshot, and the other way round. For administrators.
import type { Ctx } from '#kernel/lib/context.ts'
import { faults } from '#services/cinder/contract/faults.ts'
import { rules } from '#services/cinder/contract/rules.ts'
import { orList, SNAPSHOT_DELETABLE, statusesFor } from '#services/cinder/contract/states.ts'
import { servicesDb, type Service } from '#services/cinder/db/services.ts'
import { snapshotsDb, type Snapshot } from '#services/cinder/db/snapshots.ts'
import { typesDb } from '#services/cinder/db/types.ts'
import { volumesDb, type Volume } from '#services/cinder/db/volumes.ts'
import { demand, findSnapshot, findVolume, isUuid } from '#services/cinder/domain/find.ts'
import type { ListRequest } from '#services/cinder/domain/listing.ts'
import { demandQuota } from '#services/cinder/domain/quotas.ts'
import { isUp, poolHost } from '#services/cinder/domain/scheduling/pools.ts'
import { projectOf, type DomainTools } from '#services/cinder/domain/tools.ts'
import type { TypesDomain } from '#services/cinder/domain/types.ts'
import type { Unmanaged } from '#services/cinder/drivers/backend.ts'
import { actorHost, volumeRpc } from '#services/cinder/rpc.ts'
import { manageSnapshot, unmanageSnapshot } from '#services/cinder/sagas/manage-snapshot.ts'
import { manageVolume } from '#services/cinder/sagas/manage-volume.ts'
import { unmanageVolume } from '#services/cinder/sagas/unmanage-volume.ts'

/** One entry of the lists. */
export interface ManageableView {
  readonly reference: string
  readonly sizeGb: number
  readonly unsafe: string | null
  readonly cinderId: string | null
  /** Of a snapshot: its volume. */
  readonly source: string | null
}
type Ref = Readonly<Record<string, unknown>> | string | null
const GIB = 2 ** 30
const SORTS = ['reference', 'size']

/** `{'source-name': 'volume-…'}` → the name. Empty when there is none. */
const nameIn = (ref: Ref): string => {
  const name = typeof ref === 'object' && ref !== null ? (ref['source-name'] ?? ref['source-id']) : ref
  return typeof name === 'string' ? name.slice(0, 255) : ''
}

export const createManagingDomain = (tools: DomainTools & { readonly types: TypesDomain }) => {
  const { database, engine, clock, ids, settings } = tools
  const about = (ctx: Ctx, id: string): Ctx => ({ ...ctx, subject: id })

  /** The back end behind `node-1@file` or `node-1@file#pool`. Throws 404. */
  async function serviceOf(ctx: Ctx, host: string | null): Promise<Service> {
    if (host === null || host === '') throw faults.InvalidInput({ reason: 'host field is missing.' })
    const services = await database.read(ctx, 'find-service', q => servicesDb(q).all())
    const found = services.find(one => one.binary === 'cinder-volume' && one.host === actorHost(host))
    if (found === undefined) throw faults.ServiceNotFound({ binary: 'cinder-volume', host })
    if (found.disabled || !isUp(found, clock.now(), settings.downAfterMs))
      throw faults.InvalidInput({ reason: 'Service is unavailable at this time.' })
    return found
  }
  const unmanagedAt = async (ctx: Ctx, host: string): Promise<Unmanaged> =>
    (await tools.bus.client(volumeRpc).on(host).unmanaged(ctx, {})).unmanaged

  function paged(entries: ManageableView[], request: ListRequest): ManageableView[] {
    const bad = request.sort.filter(one => !SORTS.includes(one.key)).map(one => one.key)
    if (bad.length > 0) throw faults.InvalidInput({ reason: `Invalid sort keys passed: ${bad.join(', ')}` })
    const sorted = entries.toSorted((a, b) => {
      for (const { key, direction } of request.sort) {
        const difference =
          key === 'size' ? a.sizeGb - b.sizeGb : a.reference < b.reference ? -1 : Number(a.reference > b.reference)
        if (difference !== 0) return direction === 'asc' ? difference : -difference
      }
      return a.reference < b.reference ? -1 : 1
    })
    const after =
      request.marker === null ? 0 : sorted.findIndex(one => request.marker?.includes(one.reference) === true) + 1
    return sorted.slice(after + request.offset, after + request.offset + request.limit)
  }

  return {
    async volumes(ctx: Ctx, host: string | null, request: ListRequest): Promise<ManageableView[]> {
      const service = await serviceOf(ctx, host)
      const { volumes } = await unmanagedAt(ctx, service.host)
      const managed = (await database.read(ctx, 'volumes-of-host', q => volumesDb(q).placed())).filter(
        volume => actorHost(volume.host ?? '') === service.host && volume.status !== 'error_managing',
      )
      return paged(
        [
          ...volumes.map(one => ({
            reference: one.name,
            sizeGb: Math.ceil(one.sizeBytes / GIB),
            unsafe: one.unsafe,
            cinderId: null,
            source: null,
          })),
          ...managed.map(one => ({
            reference: `volume-${one.id}`,
            sizeGb: one.sizeGb,
            unsafe: 'already managed',
            cinderId: one.id,
            source: null,
          })),
        ],
        request,
      )
    },
    async snapshots(ctx: Ctx, host: string | null, request: ListRequest): Promise<ManageableView[]> {
      const service = await serviceOf(ctx, host)
      const { snapshots } = await unmanagedAt(ctx, service.host)
      const managed = await database.read(ctx, 'snapshots-of-host', async q => {
        const here = new Set(
          (await volumesDb(q).placed()).filter(one => actorHost(one.host ?? '') === service.host).map(one => one.id),
        )
        return (await snapshotsDb(q).all()).filter(one => here.has(one.volumeId))
      })
      return paged(
        [
          ...snapshots.map(one => ({
            reference: `snapshot-${one.snapshotId}`,
            sizeGb: Math.ceil(one.sizeBytes / GIB),
            unsafe: null,
            cinderId: null,
            source: `volume-${one.volumeId}`,
          })),
          ...managed.map(one => ({
            reference: `snapshot-${one.id}`,
            sizeGb: one.sizeGb,
            unsafe: 'already managed',
            cinderId: one.id,
            source: `volume-${one.volumeId}`,
          })),
        ],
        request,
      )
    },

    /** 202: the row is `managing`, or `error_managing` where there is nothing of that name. */
    async manage(
      ctx: Ctx,
      wish: {
        ref: Ref
        host: string | null
        name: string | null
        description: string | null
        typeRef: string | null
        availabilityZone: string | null
        bootable: boolean
        metadata: Readonly<Record<string, string>>
      },
    ): Promise<Volume> {
      demand(tools, ctx, rules.volumeManage, { project_id: projectOf(ctx) })
      const service = await serviceOf(ctx, wish.host)
      const type =
        wish.typeRef === null || wish.typeRef === ''
          ? await tools.types.theDefault(ctx)
          : await tools.types.findByRef(ctx, wish.typeRef)
      const name = nameIn(wish.ref)
      const managedId = name.replace(/^volume-/, '').toLowerCase()
      const known = isUuid(managedId)
        ? await database.read(ctx, 'find-volume', q => volumesDb(q).byId(managedId))
        : undefined
      if (known !== undefined)
        throw faults.InvalidVolume({ reason: 'Unable to manage existing volume. The volume is already managed' })
      const found = (await unmanagedAt(ctx, service.host)).volumes.find(one => one.name === name)
      const fine = found !== undefined && found.unsafe === null
      const sizeGb = fine ? Math.max(1, Math.ceil(found.sizeBytes / GIB)) : 0
      const id = ids.uuid()
      const { volume, saga } = await database.tx(about(ctx, id), 'manage-volume', async q => {
        await demandQuota(q, projectOf(ctx), { typeName: type.name, volumes: 1, gigabytes: sizeGb }, settings.quotas)
        const now = clock.now()
        const made: Volume = {
          id,
          projectId: projectOf(ctx),
          userId: ctx.who?.userId ?? '',
          name: wish.name,
          description: wish.description,
          status: fine ? 'managing' : 'error_managing',
          attachStatus: 'detached',
          sizeGb,
          claimedGb: sizeGb,
          availabilityZone: wish.availabilityZone ?? service.availabilityZone,
          host: poolHost(service),
          typeId: type.id,
          snapshotId: null,
          sourceVolumeId: null,
          bootable: wish.bootable,
          multiattach: false,
          readonly: null,
          attachedMode: null,
          migrationStatus: null,
          imageMetadata: null,
          createdAt: now,
          updatedAt: null,
          statusAt: now,
          launchedAt: null,
        }
        await volumesDb(q).insert(made, wish.metadata)
        if (!fine) return { volume: made, saga: null }
        const input = { volumeId: id, host: poolHost(service), name }
        return { volume: made, saga: await engine.prepare(q, manageVolume, input, about(ctx, id)) }
      })
      if (saga !== null) engine.go(saga)
      return volume
    },

    async unmanage(ctx: Ctx, id: string): Promise<void> {
      const volume = await findVolume(tools, ctx, id, rules.volumeUnmanage)
      const wants = statusesFor('delete')
      const saga = await database.tx(about(ctx, volume.id), 'unmanage-volume', async q => {
        const now = await volumesDb(q).byId(volume.id)
        const free =
          now !== undefined && now.host !== null && wants.includes(now.status) && now.attachStatus !== 'attached'
        if (!free || (await snapshotsDb(q).ofVolume(volume.id)).length > 0)
          throw faults.InvalidVolume({
            reason: `Volume status must be ${orList(wants)} and must not be migrating, attached, belong to a group, have snapshots, awaiting a transfer, or be disassociated from snapshots after volume transfer.`,
          })
        await volumesDb(q).enter(now.id, now.status, { status: 'unmanaging' }, clock.now())
        const input = { volumeId: now.id, host: now.host ?? '' }
        return engine.prepare(q, unmanageVolume, input, about(ctx, now.id))
      })
      engine.go(saga)
    },

    async manageSnapshot(
      ctx: Ctx,
      wish: {
        ref: Ref
        volumeId: string
        name: string | null
        description: string | null
        metadata: Readonly<Record<string, string>>
      },
    ): Promise<Snapshot> {
      demand(tools, ctx, rules.snapshotExtensionSnapshotManage, { project_id: projectOf(ctx) })
      const volume = await findVolume(tools, ctx, wish.volumeId, rules.volumeGet)
      const service = await serviceOf(ctx, volume.host)
      const fromId = nameIn(wish.ref)
        .replace(/^_?snapshot-/, '')
        .toLowerCase()
      const found = (await unmanagedAt(ctx, service.host)).snapshots.find(
        one => one.snapshotId === fromId && one.volumeId === volume.id,
      )
      const id = ids.uuid()
      const { snapshot, saga } = await database.tx(about(ctx, id), 'manage-snapshot', async q => {
        const type = await typesDb(q).byId(volume.typeId)
        const wanted = { typeName: type?.name ?? '', snapshots: 1, gigabytes: volume.sizeGb }
        await demandQuota(q, projectOf(ctx), wanted, settings.quotas)
        const now = clock.now()
        const made: Snapshot = {
          id,
          volumeId: volume.id,
          projectId: projectOf(ctx),
          userId: ctx.who?.userId ?? '',
          name: wish.name,
          description: wish.description,
          status: found === undefined ? 'error' : 'creating',
          progress: '0%',
          sizeGb: volume.sizeGb,
          typeId: volume.typeId,
          imageMetadata: volume.imageMetadata,
          createdAt: now,
          updatedAt: null,
          statusAt: now,
        }
        await snapshotsDb(q).insert(made, wish.metadata)
        if (found === undefined) return { snapshot: made, saga: null }
        const input = { snapshotId: id, volumeId: volume.id, host: volume.host ?? '', fromId }
        return { snapshot: made, saga: await engine.prepare(q, manageSnapshot, input, about(ctx, id)) }
      })
      if (saga !== null) engine.go(saga)
      return snapshot
    },
    async unmanageSnapshot(ctx: Ctx, id: string): Promise<void> {
      const snapshot = await findSnapshot(tools, ctx, id, rules.snapshotExtensionSnapshotUnmanage)
      const saga = await database.tx(about(ctx, snapshot.id), 'unmanage-snapshot', async q => {
        const now = await snapshotsDb(q).byId(snapshot.id)
        const volume = await volumesDb(q).byId(snapshot.volumeId)
        if (now === undefined || !SNAPSHOT_DELETABLE.includes(now.status) || volume?.host == null)
          throw faults.InvalidSnapshot({
            reason: `Snapshot status must be ${orList(SNAPSHOT_DELETABLE)} and must not be part of a group.`,
          })
        await snapshotsDb(q).enter(now.id, now.status, { status: 'unmanaging' }, clock.now())
        const input = { snapshotId: now.id, volumeId: now.volumeId, host: volume.host }
        return engine.prepare(q, unmanageSnapshot, input, about(ctx, now.id))
      })
      engine.go(saga)
    },
  }
}
export type ManagingDomain = ReturnType<typeof createManagingDomain>
