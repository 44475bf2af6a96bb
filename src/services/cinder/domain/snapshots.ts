// The verbs of snapshots.
import { isFull } from '#kernel/http/paging.ts'
import type { Ctx } from '#kernel/lib/context.ts'
import type { Rule } from '#kernel/contract/rule.ts'
import { faults } from '#services/cinder/contract/faults.ts'
import { rules } from '#services/cinder/contract/rules.ts'
import { SNAPSHOT_DELETABLE, orList, statusesFor } from '#services/cinder/contract/states.ts'
import { groupSnapshotsDb } from '#services/cinder/db/group-snapshots.ts'
import { snapshotsDb, SNAPSHOT_SORT, type Snapshot, type SnapshotFilters } from '#services/cinder/db/snapshots.ts'
import { typesDb } from '#services/cinder/db/types.ts'
import { volumesDb } from '#services/cinder/db/volumes.ts'
import { demand, findSnapshot, findVolume, targetOf } from '#services/cinder/domain/find.ts'
import { usableFilters, type ListRequest } from '#services/cinder/domain/listing.ts'
import { pythonDict } from '#services/cinder/domain/python-dict.ts'
import { demandQuota } from '#services/cinder/domain/quotas.ts'
import { isAdmin, projectOf, type DomainTools } from '#services/cinder/domain/tools.ts'
import { createSnapshot } from '#services/cinder/sagas/create-snapshot.ts'
import { deleteSnapshot } from '#services/cinder/sagas/delete-snapshot.ts'

type Metadata = Readonly<Record<string, string>>

/** From which status os-update_snapshot_status may lead where. */
const STEPS: Readonly<Record<string, readonly string[]>> = {
  creating: ['creating', 'available', 'error'],
  deleting: ['deleting', 'error_deleting'],
}

export const createSnapshotsDomain = (tools: DomainTools) => {
  const { database, engine, clock, ids, settings } = tools
  const about = (ctx: Ctx, id: string): Ctx => ({ ...ctx, subject: id })

  return {
    find: (ctx: Ctx, id: string, rule: Rule): Promise<Snapshot> => findSnapshot(tools, ctx, id, rule),

    async list(
      ctx: Ctx,
      request: ListRequest,
    ): Promise<{ snapshots: Snapshot[]; more: boolean; count: number | null }> {
      const usable = usableFilters(ctx, 'snapshot', request)
      const filters = filtersOf(ctx, usable, request)
      if (filters === 'nothing') return { snapshots: [], more: false, count: request.withCount ? 0 : null }
      const sort = request.sort.map(({ key, direction }) => {
        const column = SNAPSHOT_SORT[key]
        if (column === undefined) throw faults.InvalidInput({ reason: 'Invalid sort key' })
        return { column, direction }
      })
      const { rows, count } = await database.read(ctx, 'list-snapshots', async q => ({
        rows:
          request.limit === 0
            ? []
            : await snapshotsDb(q).list(filters, {
                sort,
                marker: request.marker,
                limit: request.limit,
                offset: request.offset,
              }),
        count: request.withCount ? await snapshotsDb(q).count(filters) : null,
      }))
      if (rows === undefined) throw faults.SnapshotNotFound({ id: request.marker ?? '' })
      return { snapshots: rows.slice(0, request.limit), more: isFull(rows.length, request.limit), count }
    },

    /** 202 with the row in `creating`. `inUse`: of a volume that is in use too. Throws 400, 404, 413. */
    async create(
      ctx: Ctx,
      wish: {
        volumeId: string | null
        name: string | null
        description: string | null
        metadata: Metadata
        inUse: boolean
      },
    ): Promise<Snapshot> {
      const volume = await findVolume(tools, ctx, wish.volumeId ?? 'None', rules.volumeGet)
      demand(tools, ctx, rules.volumeCreateSnapshot, targetOf(volume))
      const id = ids.uuid()
      const { snapshot, saga } = await database.tx(about(ctx, id), 'create-snapshot', async q => {
        const now = await volumesDb(q).byId(volume.id)
        if (now === undefined) throw faults.VolumeNotFound({ id: volume.id })
        const expected = statusesFor(wish.inUse ? 'snapshotInUse' : 'snapshot')
        const { host } = now
        if (!expected.includes(now.status) || host === null)
          throw faults.InvalidVolume({
            reason: `Volume ${now.id} status must be ${expected.join(', ')}, but current status is: ${now.status}.`,
          })
        const type = await typesDb(q).byId(now.typeId)
        await demandQuota(
          q,
          projectOf(ctx) === '' ? now.projectId : projectOf(ctx),
          { typeName: type?.name ?? '', snapshots: 1, gigabytes: now.sizeGb },
          settings.quotas,
        )
        const made: Snapshot = {
          id,
          volumeId: now.id,
          projectId: projectOf(ctx) === '' ? now.projectId : projectOf(ctx),
          userId: ctx.who?.userId ?? '',
          name: wish.name,
          description: wish.description,
          status: 'creating',
          progress: '0%',
          sizeGb: now.sizeGb,
          typeId: now.typeId,
          imageMetadata: now.imageMetadata,
          createdAt: clock.now(),
          updatedAt: null,
          statusAt: clock.now(),
        }
        await snapshotsDb(q).insert(made, wish.metadata)
        const saga = await engine.prepare(q, createSnapshot, { snapshotId: id, volumeId: now.id, host }, about(ctx, id))
        return { snapshot: made, saga }
      })
      engine.go(saga)
      return snapshot
    },

    async update(
      ctx: Ctx,
      id: string,
      change: { name?: string | null; description?: string | null },
    ): Promise<Snapshot> {
      const snapshot = await findSnapshot(tools, ctx, id, rules.volumeUpdateSnapshot)
      await database.tx(about(ctx, id), 'update-snapshot', q => snapshotsDb(q).change(snapshot.id, change, clock.now()))
      return findSnapshot(tools, ctx, id, rules.volumeUpdateSnapshot)
    },

    /** `force`: whatever its status. */
    async remove(ctx: Ctx, id: string, force: boolean, rule: Rule = rules.volumeDeleteSnapshot): Promise<void> {
      const snapshot = await findSnapshot(tools, ctx, id, rule)
      const started = await database.tx(about(ctx, id), 'delete-snapshot', async q => {
        const now = await snapshotsDb(q).byId(snapshot.id)
        if (now === undefined) throw faults.SnapshotNotFound({ id })
        const allowed = force || SNAPSHOT_DELETABLE.includes(now.status)
        const inGroup = (await groupSnapshotsDb(q).ofSnapshots([now.id])).size > 0
        if (!allowed || inGroup)
          throw faults.InvalidSnapshot({
            reason: `Snapshot status must be ${orList(SNAPSHOT_DELETABLE)} and must not be part of a group.`,
          })
        if (now.status === 'deleting') return force
        const busy = await volumesDb(q).beingMadeFrom('snapshot_id', now.id)
        if (busy.length > 0 && !force)
          throw faults.InvalidSnapshot({ reason: `Snapshot ${now.id} is being copied to volume ${busy[0] ?? ''}.` })
        return snapshotsDb(q).enter(now.id, now.status, { status: 'deleting' }, clock.now())
      })
      if (started)
        void this.finishDelete(about(ctx, snapshot.id), snapshot.id).catch((error: unknown) =>
          tools.log.warn(ctx, `delete of snapshot ${snapshot.id} goes on later: ${(error as Error).message}`),
        )
    },
    /** Also called for those found in `deleting` at start. A volume that is going takes its snapshots with it. */
    async finishDelete(ctx: Ctx, id: string): Promise<void> {
      await engine.cancel(id, createSnapshot.name)
      const found = await database.read(ctx, 'find-snapshot', async q => {
        const snapshot = await snapshotsDb(q).byId(id)
        return { snapshot, volume: snapshot === undefined ? undefined : await volumesDb(q).byId(snapshot.volumeId) }
      })
      if (found.snapshot === undefined || found.volume?.status === 'deleting') return
      if (found.snapshot.status !== 'deleting')
        await database.tx(ctx, 'delete-snapshot', q => snapshotsDb(q).change(id, { status: 'deleting' }, clock.now()))
      const input = { snapshotId: id, volumeId: found.snapshot.volumeId, host: found.volume?.host ?? null }
      try {
        engine.go(await engine.prepare(undefined, deleteSnapshot, input, ctx))
      } catch (error) {
        if ((error as { code?: string }).code !== 'SagaBusy') throw error
      }
    },

    async resetStatus(ctx: Ctx, id: string, status: string): Promise<void> {
      const snapshot = await findSnapshot(tools, ctx, id, rules.snapshotAdminActionsResetStatus)
      await database.tx(about(ctx, id), 'reset-snapshot-status', q =>
        snapshotsDb(q).change(snapshot.id, { status }, clock.now()),
      )
    },
    /** Nova says how far a snapshot is that it makes for us. */
    async report(ctx: Ctx, id: string, status: string, progress: string | null): Promise<void> {
      const snapshot = await findSnapshot(tools, ctx, id, rules.snapshotExtensionSnapshotActionsUpdateSnapshotStatus)
      const steps = STEPS[snapshot.status]
      if (steps === undefined)
        throw faults.BadRequest({
          reason: `Snapshot status ${snapshot.status} not allowed for update_snapshot_status`,
        })
      if (!steps.includes(status))
        throw faults.BadRequest({
          reason: `Provided snapshot status ${status} not allowed for snapshot with status ${snapshot.status}.`,
        })
      await database.tx(about(ctx, id), 'report-snapshot', q =>
        snapshotsDb(q).enter(
          snapshot.id,
          snapshot.status,
          { status, ...(progress === null ? {} : { progress }) },
          clock.now(),
        ),
      )
    },

    async metadata(ctx: Ctx, id: string, rule: Rule = rules.volumeGetSnapshotMetadata): Promise<Metadata> {
      const snapshot = await findSnapshot(tools, ctx, id, rule)
      const all = await database.read(ctx, 'snapshot-metadata', q => snapshotsDb(q).metadataOf([snapshot.id]))
      return all.get(snapshot.id) ?? {}
    },
    async setMetadata(ctx: Ctx, id: string, metadata: Metadata, replace: boolean): Promise<Metadata> {
      const snapshot = await findSnapshot(tools, ctx, id, rules.volumeUpdateSnapshotMetadata)
      return database.tx(about(ctx, id), 'set-snapshot-metadata', async q => {
        await snapshotsDb(q).setMetadata(snapshot.id, metadata, replace)
        return (await snapshotsDb(q).metadataOf([snapshot.id])).get(snapshot.id) ?? {}
      })
    },
    async dropMetadatum(ctx: Ctx, id: string, key: string): Promise<void> {
      const snapshot = await findSnapshot(tools, ctx, id, rules.volumeDeleteSnapshotMetadata)
      if (
        !(await database.tx(about(ctx, id), 'drop-snapshot-metadata', q =>
          snapshotsDb(q).dropMetadatum(snapshot.id, key),
        ))
      )
        throw faults.SnapshotMetadataNotFound({ id, key })
    },
  }
}
export type SnapshotsDomain = ReturnType<typeof createSnapshotsDomain>

function filtersOf(
  ctx: Ctx,
  usable: Readonly<Record<string, string>>,
  request: ListRequest,
): SnapshotFilters | 'nothing' {
  const { name, display_name, status, volume_id, metadata, availability_zone, consumes_quota, use_quota, ...rest } =
    usable
  const like = rest['name~'] ?? rest['display_name~']
  const left = Object.keys(rest).filter(key => !['name~', 'display_name~', 'id', 'project_id'].includes(key))
  if (left.length > 0) return 'nothing'
  const quota = consumes_quota ?? use_quota
  if (quota !== undefined && ['false', '0', 'f', 'no', 'n', 'off'].includes(quota.toLowerCase())) return 'nothing'
  const pairs = metadata === undefined ? {} : pythonDict(metadata)
  if (pairs === null) return 'nothing'
  const exact = name ?? display_name
  const projectId = request.allProjects && isAdmin(ctx) ? (rest['project_id'] ?? null) : projectOf(ctx)
  return {
    projectId,
    metadata: pairs,
    ...(rest['id'] === undefined ? {} : { ids: [rest['id']] }),
    ...(exact === undefined ? {} : { name: exact }),
    ...(like === undefined ? {} : { nameLike: like }),
    ...(status === undefined ? {} : { status }),
    ...(volume_id === undefined ? {} : { volumeId: volume_id }),
    ...(availability_zone === undefined ? {} : { availabilityZone: availability_zone }),
  }
}
