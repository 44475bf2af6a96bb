// A group made of another one or of a snapshot of one: a volume for each there, in the same back end; row, quota and saga are one
// transaction.
import type { Kysely } from 'kysely'

import type { Ctx } from '#kernel/lib/context.ts'
import { faults } from '#services/cinder/contract/faults.ts'
import { groupFaults } from '#services/cinder/contract/group-faults.ts'
import { rules } from '#services/cinder/contract/rules.ts'
import { groupSnapshotsDb } from '#services/cinder/db/group-snapshots.ts'
import { groupsDb, type Group } from '#services/cinder/db/groups.ts'
import type { CinderTables } from '#services/cinder/db/tables.ts'
import { typesDb } from '#services/cinder/db/types.ts'
import { volumesDb, type Volume } from '#services/cinder/db/volumes.ts'
import { demand } from '#services/cinder/domain/find.ts'
import { demandThawed, findGroup, findGroupSnapshot } from '#services/cinder/domain/group-find.ts'
import { demandGroupQuota, demandQuota } from '#services/cinder/domain/quotas.ts'
import { roomVerdict } from '#services/cinder/domain/scheduling/decide.ts'
import { poolStates } from '#services/cinder/domain/scheduling/pools.ts'
import { projectOf, type DomainTools } from '#services/cinder/domain/tools.ts'
import { fillGroup, type Copy } from '#services/cinder/sagas/fill-group.ts'

interface Origin {
  readonly volume: Volume
  readonly snapshotId: string | null
}

/** Answers 202 with the row in `creating`. Throws 400, 403, 404, 413. */
export async function createGroupFrom(
  tools: DomainTools,
  ctx: Ctx,
  wish: {
    name: string | null
    description: string | null
    groupSnapshotId: string | null
    sourceGroupId: string | null
  },
): Promise<Group> {
  const { database, engine, clock, ids, settings } = tools
  const projectId = projectOf(ctx)
  if (projectId === '') throw faults.BadRequest({ reason: 'The token is not for a project.' })
  demand(tools, ctx, rules.groupCreate, { project_id: projectId })
  const kept =
    wish.groupSnapshotId === null
      ? null
      : await findGroupSnapshot(tools, ctx, wish.groupSnapshotId, rules.groupGetGroupSnapshot)
  const source = await findGroup(tools, ctx, kept?.groupId ?? wish.sourceGroupId ?? '', rules.groupGet)
  const id = ids.uuid()
  const about: Ctx = { ...ctx, subject: id }
  const { group, saga } = await database.tx(about, 'create-group-from', async q => {
    const from = await originsIn(q, source, kept?.id ?? null)
    const host = (await groupsDb(q).byId(source.id))?.host ?? null
    const size = from.reduce((sum, { volume }) => sum + volume.sizeGb, 0)
    const pool = (await poolStates(q, { ...settings }, clock.now())).find(one => one.host === host)
    if (host === null || pool === undefined || pool.disabled || !pool.up || roomVerdict(pool, size) !== null)
      throw groupFaults.InvalidGroup({ reason: `No valid host to create group ${id}.` })
    await demandThawed(q, host)
    await demandGroupQuota(q, projectId, settings.quotas)
    const typeIds = (await groupsDb(q).typesOf([source.id])).get(source.id) ?? []
    const now = clock.now()
    const made: Group = {
      id,
      projectId,
      userId: ctx.who?.userId ?? '',
      name: wish.name,
      description: wish.description,
      status: 'creating',
      host,
      availabilityZone: source.availabilityZone,
      groupTypeId: source.groupTypeId,
      groupSnapshotId: kept?.id ?? null,
      sourceGroupId: kept === null ? source.id : null,
      createdAt: now,
      updatedAt: null,
      statusAt: now,
    }
    await groupsDb(q).insert(made, [...typeIds, ...from.map(({ volume }) => volume.typeId)])
    const copies: Copy[] = []
    for (const { volume, snapshotId } of from) {
      const type = await typesDb(q).byId(volume.typeId)
      const wanted = { typeName: type?.name ?? '', volumes: 1, gigabytes: volume.sizeGb }
      await demandQuota(q, projectId, wanted, settings.quotas)
      const copy: Copy = { volumeId: ids.uuid(), sizeGb: volume.sizeGb, sourceVolumeId: volume.id, snapshotId }
      await volumesDb(q).insert(
        {
          ...volume,
          id: copy.volumeId,
          projectId,
          userId: ctx.who?.userId ?? '',
          name: wish.name,
          description: wish.description,
          status: 'creating',
          attachStatus: 'detached',
          claimedGb: volume.sizeGb,
          host,
          snapshotId,
          sourceVolumeId: snapshotId === null ? volume.id : null,
          readonly: null,
          attachedMode: null,
          migrationStatus: null,
          createdAt: now,
          updatedAt: null,
          statusAt: now,
          launchedAt: null,
        },
        {},
      )
      copies.push(copy)
    }
    await groupsDb(q).addVolumes(
      id,
      copies.map(copy => copy.volumeId),
    )
    return { group: made, saga: await engine.prepare(q, fillGroup, { groupId: id, host, copies }, about) }
  })
  engine.go(saga)
  return group
}

/** What is copied, looked at inside the transaction. */
async function originsIn(q: Kysely<CinderTables>, source: Group, groupSnapshotId: string | null): Promise<Origin[]> {
  if (groupSnapshotId === null) {
    const volumes = await groupsDb(q).volumesOf(source.id)
    if (volumes.length === 0)
      throw groupFaults.InvalidGroup({ reason: 'Source Group is empty. No group will be created.' })
    for (const volume of volumes)
      if (!['available', 'in-use'].includes(volume.status))
        throw faults.InvalidVolume({
          reason: `Originating source volume status must be one of 'available, in-use' values`,
        })
    return volumes.map(volume => ({ volume, snapshotId: null }))
  }
  const members = await groupSnapshotsDb(q).membersOf(groupSnapshotId)
  if (members.length === 0)
    throw groupFaults.InvalidGroup({ reason: 'Group snapshot is empty. No group will be created.' })
  const origins: Origin[] = []
  for (const member of members) {
    const volume = await volumesDb(q).byId(member.volumeId)
    if (volume === undefined || member.status !== 'available')
      throw faults.InvalidSnapshot({ reason: "Originating snapshot status must be one of 'available' values" })
    origins.push({ volume: { ...volume, sizeGb: member.sizeGb, typeId: member.typeId }, snapshotId: member.id })
  }
  return origins
}
