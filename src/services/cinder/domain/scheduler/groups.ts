// cinder-scheduler's hands for the sagas of groups: where a group goes, and what its rows say afterwards.
import { Fault } from '#kernel/contract/fault.ts'
import type { Ctx } from '#kernel/lib/context.ts'
import type { Ending } from '#kernel/saga/saga.ts'
import { groupSnapshotsDb } from '#services/cinder/db/group-snapshots.ts'
import { groupsDb } from '#services/cinder/db/groups.ts'
import { snapshotsDb } from '#services/cinder/db/snapshots.ts'
import { typesDb } from '#services/cinder/db/types.ts'
import { volumesDb } from '#services/cinder/db/volumes.ts'
import type { SchedulerParts } from '#services/cinder/domain/scheduler/tools.ts'
import { decide, type PoolVerdict } from '#services/cinder/domain/scheduling/decide.ts'
import { poolStates } from '#services/cinder/domain/scheduling/pools.ts'
import type { GroupSnapshotTools, GroupTools } from '#services/cinder/sagas/group-tools.ts'

export function groupTools(
  parts: SchedulerParts,
  ctx: Ctx,
): { readonly groups: GroupTools; readonly groupSnapshots: GroupSnapshotTools } {
  const { database, clock, settings } = parts
  const now = (): number => clock.now()
  const grumble = (what: string, ending: Ending): void =>
    parts.log.warn(ctx, `${what}: ${ending.errors.map(error => error.message).join('; ')}`)
  return {
    groups: {
      async pools(groupId) {
        const { group, types, pools } = await database.read(ctx, 'pools-for-group', async q => ({
          group: await groupsDb(q).byId(groupId),
          types: await Promise.all(
            ((await groupsDb(q).typesOf([groupId])).get(groupId) ?? []).map(id => typesDb(q).byId(id)),
          ),
          pools: await poolStates(q, settings, now()),
        }))
        if (group === undefined) throw new Fault('GroupGone', 404, `Group ${groupId} could not be found.`)
        if (group.host !== null) return [group.host]
        return ctx.cross(
          {
            kind: 'decide',
            side: 'send',
            from: ctx.actor,
            to: ctx.actor,
            name: 'pick-pools',
            requestId: ctx.requestId,
            subject: groupId,
          },
          async () => {
            let fitting: readonly string[] | null = null
            const verdicts: PoolVerdict[] = []
            for (const type of types) {
              const wish = {
                sizeGb: 0,
                availabilityZone: group.availabilityZone,
                extraSpecs: type?.extraSpecs ?? {},
              }
              const found = decide(wish, pools)
              verdicts.push(...found.verdicts)
              fitting = fitting === null ? found.hosts : fitting.filter(host => found.hosts.includes(host))
            }
            if (fitting === null || fitting.length === 0)
              throw new Fault('NoValidBackend', 500, 'No valid backend was found for all types of the group.', {
                because: verdicts.flatMap(verdict =>
                  verdict.because.map(reason => ({ ...reason, says: `${verdict.host}: ${reason.says}` })),
                ),
              })
            return fitting
          },
        )
      },
      place: (groupId, host) =>
        database.tx(ctx, 'place-group', async q => void (await groupsDb(q).change(groupId, { host }, now()))),
      displace: groupId =>
        database.tx(ctx, 'displace-group', async q => void (await groupsDb(q).change(groupId, { host: null }, now()))),
      made: (groupId, volumeIds) =>
        database.tx(ctx, 'group-available', async q => {
          for (const id of volumeIds)
            await volumesDb(q).enter(id, 'creating', { status: 'available', launchedAt: now() }, now())
          await groupsDb(q).enter(groupId, 'creating', { status: 'available' }, now())
        }),
      unmade: (groupId, volumeIds) =>
        database.tx(ctx, 'group-unmade', async q => {
          for (const id of volumeIds) await volumesDb(q).enter(id, 'available', { status: 'creating' }, now())
          await groupsDb(q).enter(groupId, 'available', { status: 'creating' }, now())
        }),
      async createFailed(groupId, volumeIds, ending) {
        if (!ending.cancelled) grumble(`group ${groupId} could not be made`, ending)
        await database.tx(ctx, 'group-failed', async q => {
          for (const id of volumeIds) await volumesDb(q).enter(id, 'creating', { status: 'error' }, now())
          await groupsDb(q).enter(groupId, 'creating', { status: 'error' }, now())
        })
      },
      forget: (groupId, volumeIds) =>
        database.tx(ctx, 'group-deleted', async q => {
          for (const id of volumeIds) {
            for (const snapshot of await snapshotsDb(q).ofVolume(id)) await snapshotsDb(q).remove(snapshot.id)
            await volumesDb(q).remove(id)
          }
          await groupsDb(q).remove(groupId)
        }),
      async deleteFailed(groupId, volumeIds, ending) {
        grumble(`group ${groupId} could not be deleted`, ending)
        await database.tx(ctx, 'delete-failed', async q => {
          for (const id of volumeIds) await volumesDb(q).enter(id, 'deleting', { status: 'error_deleting' }, now())
          await groupsDb(q).enter(groupId, 'deleting', { status: 'error_deleting' }, now())
        })
      },
    },
    groupSnapshots: {
      made: (id, snapshotIds) =>
        database.tx(ctx, 'group-snapshot-available', async q => {
          for (const one of snapshotIds)
            await snapshotsDb(q).enter(one, 'creating', { status: 'available', progress: '100%' }, now())
          await groupSnapshotsDb(q).enter(id, 'creating', 'available', now())
        }),
      unmade: (id, snapshotIds) =>
        database.tx(ctx, 'group-snapshot-unmade', async q => {
          for (const one of snapshotIds)
            await snapshotsDb(q).enter(one, 'available', { status: 'creating', progress: '0%' }, now())
          await groupSnapshotsDb(q).enter(id, 'available', 'creating', now())
        }),
      async createFailed(id, snapshotIds, ending) {
        if (!ending.cancelled) grumble(`group snapshot ${id} could not be made`, ending)
        await database.tx(ctx, 'group-snapshot-failed', async q => {
          for (const one of snapshotIds) await snapshotsDb(q).enter(one, 'creating', { status: 'error' }, now())
          await groupSnapshotsDb(q).enter(id, 'creating', 'error', now())
        })
      },
      forget: (id, snapshotIds) =>
        database.tx(ctx, 'group-snapshot-deleted', async q => {
          for (const one of snapshotIds) await snapshotsDb(q).remove(one)
          await groupSnapshotsDb(q).remove(id)
        }),
      async deleteFailed(id, snapshotIds, ending) {
        grumble(`group snapshot ${id} could not be deleted`, ending)
        await database.tx(ctx, 'delete-failed', async q => {
          for (const one of snapshotIds)
            await snapshotsDb(q).enter(one, 'deleting', { status: 'error_deleting' }, now())
          await groupSnapshotsDb(q).enter(id, 'deleting', 'error_deleting', now())
        })
      },
    },
  }
}
