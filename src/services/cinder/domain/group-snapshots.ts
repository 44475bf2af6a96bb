// The verbs of snapshots of groups.
import type { Ctx } from '#kernel/lib/context.ts'
import type { Rule } from '#kernel/contract/rule.ts'
import { faults } from '#services/cinder/contract/faults.ts'
import { groupFaults } from '#services/cinder/contract/group-faults.ts'
import { rules } from '#services/cinder/contract/rules.ts'
import { GROUP_SNAPSHOT_COLUMNS, groupSnapshotsDb, type GroupSnapshot } from '#services/cinder/db/group-snapshots.ts'
import { groupTypesDb } from '#services/cinder/db/group-types.ts'
import { groupsDb } from '#services/cinder/db/groups.ts'
import { snapshotsDb } from '#services/cinder/db/snapshots.ts'
import { typesDb } from '#services/cinder/db/types.ts'
import { volumesDb, type Volume } from '#services/cinder/db/volumes.ts'
import { demandThawed, findGroup, findGroupSnapshot, rowQuery } from '#services/cinder/domain/group-find.ts'
import { isConsistent } from '#services/cinder/domain/group-types.ts'
import type { ListRequest } from '#services/cinder/domain/listing.ts'
import { demandQuota } from '#services/cinder/domain/quotas.ts'
import { projectOf, type DomainTools } from '#services/cinder/domain/tools.ts'
import { createGroupSnapshot } from '#services/cinder/sagas/create-group-snapshot.ts'
import { deleteGroupSnapshot } from '#services/cinder/sagas/delete-group-snapshot.ts'
import type { GroupMember } from '#services/cinder/sagas/group-tools.ts'

const STATUSES = ['error', 'available', 'creating', 'deleting', 'deleted', 'updating', 'error_deleting']

export const createGroupSnapshotsDomain = (tools: DomainTools) => {
  const { database, engine, clock, ids, settings } = tools
  const about = (ctx: Ctx, id: string): Ctx => ({ ...ctx, subject: id })
  const find = (ctx: Ctx, id: string, rule: Rule = rules.groupGetGroupSnapshot): Promise<GroupSnapshot> =>
    findGroupSnapshot(tools, ctx, id, rule)
  return {
    find,
    async list(ctx: Ctx, request: ListRequest): Promise<{ found: GroupSnapshot[]; more: boolean }> {
      const wanted = rowQuery(ctx, 'group_snapshot', request, GROUP_SNAPSHOT_COLUMNS)
      if (wanted === null || request.limit === 0) return { found: [], more: false }
      const rows = await database.read(ctx, 'list-group-snapshots', q =>
        groupSnapshotsDb(q).list(wanted.filters, wanted.paging),
      )
      if (rows === undefined) throw groupFaults.GroupSnapshotNotFound({ id: request.marker ?? '' })
      return { found: rows.slice(0, request.limit), more: rows.length > request.limit }
    },

    /** Answers 202 with the row in `creating`, a snapshot of each volume with it. Throws 400, 404, 413. */
    async create(
      ctx: Ctx,
      wish: { groupId: string; name: string | null; description: string | null },
    ): Promise<GroupSnapshot> {
      const group = await findGroup(tools, ctx, wish.groupId, rules.groupCreateGroupSnapshot)
      const projectId = projectOf(ctx) === '' ? group.projectId : projectOf(ctx)
      const id = ids.uuid()
      const { made, saga } = await database.tx(about(ctx, id), 'create-group-snapshot', async q => {
        const now = await groupsDb(q).byId(group.id)
        if (now === undefined) throw faults.GroupNotFound({ id: wish.groupId })
        const { host } = now
        if (host === null || !['available', 'in-use', 'error'].includes(now.status))
          throw groupFaults.InvalidGroup({
            reason: `Group status must be available, but current status is: ${now.status}`,
          })
        await demandThawed(q, host)
        const type = await groupTypesDb(q).byId(now.groupTypeId)
        const volumes = await groupsDb(q).volumesOf(now.id)
        for (const volume of volumes) demandSnappable(volume, type !== undefined && isConsistent(type))
        const at = clock.now()
        const members: GroupMember[] = []
        for (const volume of volumes) {
          const typeName = (await typesDb(q).byId(volume.typeId))?.name ?? ''
          await demandQuota(q, projectId, { typeName, snapshots: 1, gigabytes: volume.sizeGb }, settings.quotas)
          const member = { volumeId: volume.id, snapshotId: ids.uuid() }
          await snapshotsDb(q).insert(
            {
              id: member.snapshotId,
              volumeId: volume.id,
              projectId,
              userId: ctx.who?.userId ?? '',
              name: wish.name,
              description: wish.description,
              status: 'creating',
              progress: '0%',
              sizeGb: volume.sizeGb,
              typeId: volume.typeId,
              imageMetadata: volume.imageMetadata,
              createdAt: at,
              updatedAt: null,
              statusAt: at,
            },
            {},
          )
          members.push(member)
        }
        const row: GroupSnapshot = {
          id,
          groupId: now.id,
          projectId,
          userId: ctx.who?.userId ?? '',
          name: wish.name,
          description: wish.description,
          status: 'creating',
          groupTypeId: now.groupTypeId,
          createdAt: at,
          updatedAt: null,
          statusAt: at,
        }
        await groupSnapshotsDb(q).insert(
          row,
          members.map(member => member.snapshotId),
        )
        const story = { groupSnapshotId: id, host, members }
        return { made: row, saga: await engine.prepare(q, createGroupSnapshot, story, about(ctx, id)) }
      })
      engine.go(saga)
      return made
    },

    /** 202. Throws 400 while it is busy, or something is made of it. */
    async remove(ctx: Ctx, id: string): Promise<void> {
      const found = await find(ctx, id, rules.groupDeleteGroupSnapshot)
      await database.tx(about(ctx, found.id), 'delete-group-snapshot', async q => {
        const group = await groupsDb(q).byId(found.groupId)
        if (group?.host != null) await demandThawed(q, group.host)
        const members = await groupSnapshotsDb(q).membersOf(found.id)
        const copied = await Promise.all(members.map(member => volumesDb(q).beingMadeFrom('snapshot_id', member.id)))
        const busy =
          copied.some(some => some.length > 0) ||
          (await groupsDb(q).beingMadeFrom('group_snapshot_id', [found.id])).length > 0
        if (busy || !(await groupSnapshotsDb(q).enter(found.id, ['available', 'error'], 'deleting', clock.now())))
          throw groupFaults.InvalidGroupSnapshot({
            reason:
              'GroupSnapshot status must be available or error, and no Group can be currently using it as source for its creation.',
          })
        for (const member of members) await snapshotsDb(q).change(member.id, { status: 'deleting' }, clock.now())
      })
      void this.finishDelete(about(ctx, found.id), found.id).catch((error: unknown) =>
        tools.log.warn(ctx, `delete of group snapshot ${found.id} goes on later: ${(error as Error).message}`),
      )
    },
    /** Also called for those found in `deleting` at start. */
    async finishDelete(ctx: Ctx, id: string): Promise<void> {
      await engine.cancel(id, createGroupSnapshot.name)
      const found = await database.read(ctx, 'find-group-snapshot', async q => {
        const one = await groupSnapshotsDb(q).byId(id)
        return {
          one,
          members: await groupSnapshotsDb(q).membersOf(id),
          group: one === undefined ? undefined : await groupsDb(q).byId(one.groupId),
        }
      })
      if (found.one?.status !== 'deleting') return
      const members = found.members.map(member => ({ volumeId: member.volumeId, snapshotId: member.id }))
      const story = { groupSnapshotId: id, host: found.group?.host ?? null, members }
      try {
        engine.go(await engine.prepare(undefined, deleteGroupSnapshot, story, ctx))
      } catch (error) {
        if ((error as { code?: string }).code !== 'SagaBusy') throw error
      }
    },

    async resetStatus(ctx: Ctx, id: string, wanted: string): Promise<void> {
      if (wanted.trim() === '')
        throw groupFaults.InvalidGroupSnapshotStatus({ reason: "The 'status' can not be empty." })
      const status = wanted.toLowerCase()
      if (!STATUSES.includes(status))
        throw groupFaults.InvalidGroupSnapshotStatus({
          reason: `Group snapshot status: ${wanted} is invalid, valid statuses are: ('${STATUSES.join("', '")}').`,
        })
      const found = await find(ctx, id, rules.groupResetGroupSnapshotStatus)
      await database.tx(about(ctx, found.id), 'reset-group-snapshot-status', q =>
        groupSnapshotsDb(q).change(found.id, status, clock.now()),
      )
    },
  }
}
export type GroupSnapshotsDomain = ReturnType<typeof createGroupSnapshotsDomain>

/**
 * Throws 400 for a volume that cannot be kept. `consistent`: the group's type promises one moment for all volumes, which holds here
 * only while no guest writes.
 */
function demandSnappable(volume: Volume, consistent: boolean): void {
  if (volume.status === 'maintenance')
    throw faults.InvalidVolume({ reason: 'The snapshot cannot be created when the volume is in maintenance mode.' })
  if (volume.status === 'error')
    throw faults.InvalidVolume({ reason: 'The snapshot cannot be created when the volume is in error status.' })
  if (!['available', 'in-use'].includes(volume.status) || volume.host === null)
    throw faults.InvalidVolume({
      reason: `Volume ${volume.id} status must be available or in-use, but current status is: ${volume.status}.`,
    })
  if (consistent && volume.status === 'in-use')
    throw faults.InvalidVolume({
      reason: `Volume ${volume.id} is in use, and a consistent snapshot of its group wants all volumes at rest.`,
    })
}
