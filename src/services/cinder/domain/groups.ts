// The verbs of groups of volumes: each finds the group for what it is about, wins its status, and starts the story where there is one.
import type { Kysely } from 'kysely'

import type { Ctx } from '#kernel/lib/context.ts'
import type { Rule } from '#kernel/contract/rule.ts'
import { faults } from '#services/cinder/contract/faults.ts'
import { groupFaults } from '#services/cinder/contract/group-faults.ts'
import { rules } from '#services/cinder/contract/rules.ts'
import { groupSnapshotsDb } from '#services/cinder/db/group-snapshots.ts'
import type { GroupType } from '#services/cinder/db/group-types.ts'
import { GROUP_COLUMNS, groupsDb, type Group } from '#services/cinder/db/groups.ts'
import { servicesDb } from '#services/cinder/db/services.ts'
import { snapshotsDb } from '#services/cinder/db/snapshots.ts'
import type { CinderTables } from '#services/cinder/db/tables.ts'
import { volumesDb } from '#services/cinder/db/volumes.ts'
import { demandThawed, findGroup, rowQuery } from '#services/cinder/domain/group-find.ts'
import { judgeAdded, judgeRemoved } from '#services/cinder/domain/group-members.ts'
import type { GroupTypesDomain } from '#services/cinder/domain/group-types.ts'
import type { ListRequest } from '#services/cinder/domain/listing.ts'
import { demandGroupQuota } from '#services/cinder/domain/quotas.ts'
import { demand } from '#services/cinder/domain/find.ts'
import { projectOf, type DomainTools } from '#services/cinder/domain/tools.ts'
import type { TypesDomain } from '#services/cinder/domain/types.ts'
import { createGroup } from '#services/cinder/sagas/create-group.ts'
import { createVolume } from '#services/cinder/sagas/create-volume.ts'
import { deleteGroup } from '#services/cinder/sagas/delete-group.ts'
import { extendVolume } from '#services/cinder/sagas/extend-volume.ts'
import { fillGroup } from '#services/cinder/sagas/fill-group.ts'

/** What both APIs of groups are given. */
export interface GroupsTools extends DomainTools {
  readonly types: TypesDomain
  readonly groupTypes: GroupTypesDomain
}
/** A group as people see it. */
export interface GroupView extends Group {
  readonly volumeTypes: readonly string[]
  readonly volumes: readonly string[]
}
/** Every status an administrator may set. */
const STATUSES = ['error', 'available', 'creating', 'deleting', 'deleted', 'updating', 'error_deleting']

const idsIn = (text: string | null): string[] =>
  (text ?? '')
    .split(',')
    .map(id => id.trim())
    .filter(id => id !== '')

export const createGroupsDomain = (tools: GroupsTools) => {
  const { database, engine, clock, ids, settings, types, groupTypes } = tools
  const about = (ctx: Ctx, id: string): Ctx => ({ ...ctx, subject: id })
  const find = (ctx: Ctx, id: string, rule: Rule = rules.groupGet): Promise<Group> => findGroup(tools, ctx, id, rule)
  const views = (ctx: Ctx, found: readonly Group[]): Promise<GroupView[]> =>
    database.read(ctx, 'of-groups', async q => {
      const typesOf = await groupsDb(q).typesOf(found.map(group => group.id))
      const all: GroupView[] = []
      for (const group of found)
        all.push({
          ...group,
          volumeTypes: typesOf.get(group.id) ?? [],
          volumes: (await groupsDb(q).volumesOf(group.id)).map(volume => volume.id),
        })
      return all
    })

  /** A zone there is. Throws 400. */
  const zoneOf = async (q: Kysely<CinderTables>, wanted: string | null): Promise<string> => {
    const zone = wanted ?? settings.availabilityZone
    const known = (await servicesDb(q).all()).map(service => service.availabilityZone)
    if (zone !== settings.availabilityZone && !known.includes(zone))
      throw faults.InvalidInput({ reason: `Availability zone '${zone}' is invalid.` })
    return zone
  }

  return {
    find,
    views,
    /** Throws 400 for a group that only the API of consistency groups may touch. */
    async demandGeneric(ctx: Ctx, groupTypeId: string, what = 'group'): Promise<void> {
      const reserved = await groupTypes.consistency(ctx)
      if (reserved?.id !== groupTypeId) return
      throw faults.BadRequest({
        reason:
          what === 'group'
            ? `Group_type ${groupTypeId} is reserved for migrating CGs to groups. Migrated group can only be operated by CG APIs.`
            : `Group_type ${groupTypeId} is reserved for migrating CGs to groups. Migrated group snapshots can only be operated by CG snapshot APIs.`,
      })
    },

    async list(ctx: Ctx, request: ListRequest): Promise<{ groups: Group[]; more: boolean }> {
      const wanted = rowQuery(ctx, 'group', request, GROUP_COLUMNS)
      if (wanted === null || request.limit === 0) return { groups: [], more: false }
      const rows = await database.read(ctx, 'list-groups', q => groupsDb(q).list(wanted.filters, wanted.paging))
      if (rows === undefined) throw faults.GroupNotFound({ id: request.marker ?? '' })
      return { groups: rows.slice(0, request.limit), more: rows.length > request.limit }
    },

    /** Answers 202 with the row in `creating`; the story finds it a place. */
    async create(
      ctx: Ctx,
      wish: {
        name: string | null
        description: string | null
        type: GroupType
        volumeTypes: readonly string[]
        availabilityZone: string | null
      },
    ): Promise<Group> {
      const projectId = projectOf(ctx)
      if (projectId === '') throw faults.BadRequest({ reason: 'The token is not for a project.' })
      demand(tools, ctx, rules.groupCreate, { project_id: projectId })
      const volumeTypes: string[] = []
      for (const ref of wish.volumeTypes) volumeTypes.push((await types.findByRef(ctx, ref)).id)
      const id = ids.uuid()
      const { group, saga } = await database.tx(about(ctx, id), 'create-group', async q => {
        await demandGroupQuota(q, projectId, settings.quotas)
        const now = clock.now()
        const made: Group = {
          id,
          projectId,
          userId: ctx.who?.userId ?? '',
          name: wish.name,
          description: wish.description,
          status: 'creating',
          host: null,
          availabilityZone: await zoneOf(q, wish.availabilityZone),
          groupTypeId: wish.type.id,
          groupSnapshotId: null,
          sourceGroupId: null,
          createdAt: now,
          updatedAt: null,
          statusAt: now,
        }
        await groupsDb(q).insert(made, volumeTypes)
        return { group: made, saga: await engine.prepare(q, createGroup, { groupId: id }, about(ctx, id)) }
      })
      engine.go(saga)
      return group
    },

    /** Changes name and description, takes volumes in and lets volumes go: at once, as no byte moves. */
    async update(
      ctx: Ctx,
      id: string,
      change: { name: string | null; description: string | null; add: string | null; remove: string | null },
    ): Promise<void> {
      const group = await find(ctx, id, rules.groupUpdate)
      const add = idsIn(change.add)
      const remove = idsIn(change.remove)
      const both = add.filter(one => remove.includes(one))
      if (both.length > 0)
        throw faults.InvalidVolume({
          reason: `UUIDs ['${both.join("', '")}'] are in both add and remove volume list.`,
        })
      await database.tx(about(ctx, group.id), 'update-group', async q => {
        const now = await groupsDb(q).byId(group.id)
        if (now === undefined) throw faults.GroupNotFound({ id })
        const members = await groupsDb(q).volumesOf(group.id)
        const typeIds = (await groupsDb(q).typesOf([group.id])).get(group.id) ?? []
        const added = await judgeAdded(q, now, typeIds, members, add)
        const removed = judgeRemoved(now, members, remove)
        const name = change.name === null || change.name === now.name ? null : change.name
        const description =
          change.description === null || change.description === now.description ? null : change.description
        if (name === null && description === null && added.length === 0 && removed.length === 0)
          throw groupFaults.InvalidGroup({
            reason: `Cannot update group ${group.id} because no valid name, description, add_volumes, or remove_volumes were provided.`,
          })
        if ((added.length > 0 || removed.length > 0) && now.status !== 'available')
          throw groupFaults.InvalidGroup({ reason: 'Group status must be available.' })
        await groupsDb(q).addVolumes(group.id, added)
        await groupsDb(q).dropVolumes(group.id, removed)
        await groupsDb(q).change(
          group.id,
          { ...(name === null ? {} : { name }), ...(description === null ? {} : { description }) },
          clock.now(),
        )
      })
    },

    /** 202: with `withVolumes` its volumes go too, whatever its status. Throws 400 with what keeps it. */
    async remove(ctx: Ctx, id: string, withVolumes: boolean): Promise<void> {
      const group = await find(ctx, id, rules.groupDelete)
      await engine.cancel(group.id, createGroup.name)
      await database.tx(about(ctx, group.id), 'delete-group', async q => {
        const now = await groupsDb(q).byId(group.id)
        if (now === undefined) throw faults.GroupNotFound({ id })
        if (now.host === null) {
          await groupsDb(q).remove(now.id)
          return
        }
        await demandThawed(q, now.host)
        await demandDeletable(q, now, withVolumes)
        for (const volume of await groupsDb(q).volumesOf(now.id))
          await volumesDb(q).change(volume.id, { status: 'deleting' }, clock.now())
        await groupsDb(q).change(now.id, { status: 'deleting' }, clock.now())
      })
      void this.finishDelete(about(ctx, group.id), group.id).catch((error: unknown) =>
        tools.log.warn(ctx, `delete of group ${group.id} goes on later: ${(error as Error).message}`),
      )
    },
    /** Unwinds what runs for the group and its volumes, then runs the story of its end. Also called for those found at start. */
    async finishDelete(ctx: Ctx, id: string): Promise<void> {
      await engine.cancel(id, fillGroup.name)
      const found = await database.read(ctx, 'find-group', async q => ({
        group: await groupsDb(q).byId(id),
        volumes: await groupsDb(q).volumesOf(id),
      }))
      const { group } = found
      if (group?.status !== 'deleting' || group.host === null) return
      for (const volume of found.volumes) {
        await engine.cancel(volume.id, createVolume.name)
        await engine.cancel(volume.id, extendVolume.name)
      }
      // What was unwound says so in its status; the promise to delete stands.
      const volumes = await database.tx(ctx, 'delete-group', async q => {
        const left = await groupsDb(q).volumesOf(id)
        for (const volume of left)
          if (volume.status !== 'deleting') await volumesDb(q).change(volume.id, { status: 'deleting' }, clock.now())
        return left.map(volume => ({ volumeId: volume.id, host: volume.host }))
      })
      try {
        engine.go(await engine.prepare(undefined, deleteGroup, { groupId: id, host: group.host, volumes }, ctx))
      } catch (error) {
        if ((error as { code?: string }).code !== 'SagaBusy') throw error
      }
    },

    async resetStatus(ctx: Ctx, id: string, wanted: string): Promise<void> {
      if (wanted.trim() === '') throw groupFaults.InvalidGroupStatus({ reason: "The 'status' can not be empty." })
      const status = wanted.toLowerCase()
      if (!STATUSES.includes(status))
        throw groupFaults.InvalidGroupStatus({
          reason: `Group status: ${wanted} is invalid, valid status are: ('${STATUSES.join("', '")}').`,
        })
      const group = await find(ctx, id, rules.groupResetStatus)
      await database.tx(about(ctx, group.id), 'reset-group-status', q =>
        groupsDb(q).change(group.id, { status }, clock.now()),
      )
    },

    /** No back end here replicates, so each of the verbs of replication is refused, for the first reason upstream would find. */
    async replicate(
      ctx: Ctx,
      id: string,
      verb: 'enable' | 'disable' | 'failover' | 'list',
      rule: Rule,
    ): Promise<never> {
      const group = await find(ctx, id, rule)
      const type = await groupTypes.find(ctx, group.groupTypeId)
      const replicated = ['group_replication_enabled', 'consistent_group_replication_enabled'].some(
        key => type.specs[key] === '<is> True',
      )
      if (!replicated)
        throw groupFaults.InvalidGroupType({ reason: `Group ${group.id} is not a replication group type.` })
      const [view] = await views(ctx, [group])
      for (const typeId of view?.volumeTypes ?? [])
        if ((await types.find(ctx, typeId)).extraSpecs['replication_enabled'] !== '<is> True')
          throw groupFaults.InvalidVolumeType({
            reason: `Volume type ${typeId} does not have 'replication_enabled' spec key set to '<is> True'.`,
          })
      const words = verb === 'failover' ? 'failover replication' : `${verb} replication`
      if (verb === 'enable' && group.status !== 'available')
        throw groupFaults.InvalidGroup({
          reason: `Group ${group.id} status must be ['available'], but current status is: ${group.status}. Cannot ${words}.`,
        })
      throw groupFaults.InvalidGroup({
        reason: `Group ${group.id} replication status must be ['enabled'], but current status is: disabled. Cannot ${words}.`,
      })
    },
  }
}
export type GroupsDomain = ReturnType<typeof createGroupsDomain>

/** What keeps a group from being deleted. Throws 400. */
async function demandDeletable(q: Kysely<CinderTables>, group: Group, withVolumes: boolean): Promise<void> {
  if (!withVolumes && !['available', 'error'].includes(group.status))
    throw groupFaults.InvalidGroup({
      reason: `Group status must be available or error, but current status is: ${group.status}`,
    })
  const kept = await groupSnapshotsDb(q).ofGroup(group.id)
  if (kept.length > 0) throw groupFaults.InvalidGroup({ reason: 'Group has existing snapshots.' })
  const volumes = await groupsDb(q).volumesOf(group.id)
  if (volumes.length > 0 && !withVolumes)
    throw groupFaults.InvalidGroup({
      reason: `Group ${group.id} still contains volumes. The delete-volumes flag is required to delete it.`,
    })
  for (const volume of volumes) {
    if (volume.attachStatus === 'attached')
      throw groupFaults.InvalidGroup({
        reason: `Volume in group ${group.id} is attached. Need to detach first.`,
      })
    if ((await snapshotsDb(q).ofVolume(volume.id)).length > 0)
      throw groupFaults.InvalidGroup({ reason: 'Volume in group still has dependent snapshots.' })
  }
  const source = await groupsDb(q).beingMadeFrom('source_group_id', [group.id])
  const copied = await Promise.all(volumes.map(volume => volumesDb(q).beingMadeFrom('source_volume_id', volume.id)))
  if (source.length > 0 || copied.some(some => some.length > 0))
    throw groupFaults.InvalidGroup({
      reason: `Cannot delete group ${group.id}. Group must not have attached volumes, volumes with snapshots, or dependent group snapshots, and it cannot be the source for an ongoing group or group snapshot creation.`,
    })
}
