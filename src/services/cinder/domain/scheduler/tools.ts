// cinder-scheduler's hands for the sagas: it decides where volumes go, and is the one of their places with a database.
import type { Kysely } from 'kysely'

import { Fault } from '#kernel/contract/fault.ts'
import type { Database } from '#kernel/db/database.ts'
import type { Clock } from '#kernel/lib/clock.ts'
import type { Ctx } from '#kernel/lib/context.ts'
import type { Ids } from '#kernel/lib/ids.ts'
import type { Log } from '#kernel/lib/log.ts'
import type { Ending } from '#kernel/saga/saga.ts'
import { groupsDb } from '#services/cinder/db/groups.ts'
import { snapshotsDb } from '#services/cinder/db/snapshots.ts'
import type { CinderTables } from '#services/cinder/db/tables.ts'
import { typesDb } from '#services/cinder/db/types.ts'
import { volumesDb } from '#services/cinder/db/volumes.ts'
import { addMessage, type ActionWord, type DetailWord } from '#services/cinder/domain/messages.ts'
import { groupTools } from '#services/cinder/domain/scheduler/groups.ts'
import { changeRows } from '#services/cinder/domain/scheduler/changes.ts'
import { backupRows } from '#services/cinder/domain/scheduler/backups.ts'
import { failureDetail, failureWords } from '#services/cinder/domain/scheduler/failures.ts'
import { decide, roomVerdict, type PoolVerdict } from '#services/cinder/domain/scheduling/decide.ts'
import { poolStates, type PoolSettings } from '#services/cinder/domain/scheduling/pools.ts'
import { actorHost } from '#services/cinder/rpc.ts'
import type { SchedulerTools } from '#services/cinder/sagas/tools.ts'

export interface SchedulerParts {
  readonly database: Database<CinderTables>
  readonly clock: Clock
  readonly ids: Ids
  readonly log: Log
  readonly settings: PoolSettings & { readonly messageTtlMs: number }
  readonly nova: (ctx: Ctx) => SchedulerTools['nova']
}

const MAKING = ['creating', 'downloading', 'restoring-backup']

/** Tools for one try of one step, in its context. */
export const schedulerTools =
  (parts: SchedulerParts) =>
  (ctx: Ctx): SchedulerTools => {
    const { database, clock, ids, settings, log } = parts
    const now = (): number => clock.now()
    const tell = (
      q: Kysely<CinderTables>,
      about: { about: 'VOLUME' | 'VOLUME_SNAPSHOT'; resourceId: string; projectId: string },
      ending: Ending,
      action: ActionWord,
      otherwise: DetailWord,
    ): Promise<void> =>
      addMessage(q, {
        ...about,
        id: ids.uuid(),
        requestId: ending.run.ctx.requestId,
        action,
        detail: failureDetail(ending.errors, otherwise),
        says: failureWords(ending.errors),
        now: now(),
        ttlMs: settings.messageTtlMs,
      })
    const grumble = (what: string, ending: Ending): void =>
      log.warn(ctx, `${what}: ${ending.errors.map(error => error.message).join('; ')}`)

    return {
      nova: parts.nova(ctx),
      ...groupTools(parts, ctx),
      backups: backupRows(parts, ctx),
      changes: changeRows(parts, ctx),
      volumes: {
        async pools(volumeId) {
          const { volume, origin, group, type, pools } = await database.read(ctx, 'pools-for-volume', async q => {
            const found = await volumesDb(q).byId(volumeId)
            const snapshot = found?.snapshotId == null ? undefined : await snapshotsDb(q).byId(found.snapshotId)
            const originId = snapshot?.volumeId ?? found?.sourceVolumeId ?? null
            const groupId = found === undefined ? null : await groupsDb(q).ofVolume(found.id)
            return {
              volume: found,
              group: groupId === null ? undefined : await groupsDb(q).byId(groupId),
              origin: originId === null ? undefined : await volumesDb(q).byId(originId),
              type: found === undefined ? undefined : await typesDb(q).byId(found.typeId),
              pools: await poolStates(q, settings, now()),
            }
          })
          if (volume === undefined) throw new Fault('VolumeGone', 404, `Volume ${volumeId} could not be found.`)
          if (volume.host !== null) return [volume.host]
          const wish = {
            sizeGb: volume.claimedGb,
            availabilityZone: volume.availabilityZone,
            extraSpecs: type?.extraSpecs ?? {},
            onlyHost: origin?.host ?? null,
            onlyBackend: group?.host == null ? null : actorHost(group.host),
          }
          return ctx.cross(
            {
              kind: 'decide',
              side: 'send',
              from: ctx.actor,
              to: ctx.actor,
              name: 'pick-pools',
              requestId: ctx.requestId,
              subject: volumeId,
            },
            async () => {
              const { hosts, verdicts } = decide(wish, pools)
              if (hosts.length === 0) throw noValidBackend(verdicts)
              return hosts
            },
          )
        },
        place: (volumeId, host) =>
          database.tx(ctx, 'place-volume', async q => {
            const volume = await volumesDb(q).byId(volumeId)
            if (volume === undefined || volume.host === host) return
            const pool = (await poolStates(q, settings, now())).find(one => one.host === host)
            const short = pool === undefined ? null : roomVerdict(pool, volume.claimedGb)
            if (short !== null)
              throw new Fault('PoolFull', 500, `No valid backend was found. ${short.says}`, { because: [short] })
            await volumesDb(q).change(volumeId, { host }, now())
          }),
        displace: volumeId =>
          database.tx(
            ctx,
            'displace-volume',
            async q => void (await volumesDb(q).change(volumeId, { host: null }, now())),
          ),
        made: (volumeId, imageMetadata) =>
          database.tx(ctx, 'volume-available', async q => {
            await volumesDb(q).enter(
              volumeId,
              MAKING,
              {
                status: 'available',
                launchedAt: now(),
                ...(imageMetadata === null ? {} : { bootable: true, imageMetadata }),
              },
              now(),
            )
          }),
        unmade: (volumeId, fromImage) =>
          database.tx(ctx, 'volume-unmade', async q => {
            const now = clock.now()
            const back = { status: 'creating', ...(fromImage ? { bootable: false, imageMetadata: null } : {}) }
            if (await volumesDb(q).enter(volumeId, 'available', back, now)) return
            const volume = await volumesDb(q).byId(volumeId)
            if (volume !== undefined && ![...MAKING, 'error', 'deleting'].includes(volume.status))
              throw new Fault('VolumeInUse', 409, `Volume ${volumeId} is ${volume.status} already`)
          }),
        async createFailed(volumeId, ending) {
          if (ending.cancelled) return
          grumble(`volume ${volumeId} could not be made`, ending)
          await database.tx(ctx, 'volume-failed', async q => {
            const volume = await volumesDb(q).byId(volumeId)
            if (volume === undefined || !MAKING.includes(volume.status)) return
            await volumesDb(q).change(volumeId, { status: 'error' }, now())
            const fromImage = volume.status === 'downloading'
            const noPlace = failureDetail(ending.errors, 'driverFailedCreate') === 'noBackend'
            await tell(
              q,
              { about: 'VOLUME', resourceId: volumeId, projectId: volume.projectId },
              ending,
              noPlace ? 'schedule' : fromImage ? 'copyImage' : 'create',
              'driverFailedCreate',
            )
          })
        },
        forget: volumeId =>
          database.tx(ctx, 'volume-deleted', async q => {
            for (const snapshot of await snapshotsDb(q).ofVolume(volumeId)) await snapshotsDb(q).remove(snapshot.id)
            await volumesDb(q).remove(volumeId)
          }),
        async deleteFailed(volumeId, ending) {
          grumble(`volume ${volumeId} could not be deleted`, ending)
          await database.tx(ctx, 'delete-failed', async q => {
            await volumesDb(q).enter(volumeId, 'deleting', { status: 'error_deleting' }, now())
            for (const snapshot of await snapshotsDb(q).ofVolume(volumeId))
              await snapshotsDb(q).enter(snapshot.id, 'deleting', { status: 'error_deleting' }, now())
          })
        },
        demandRoom: volumeId =>
          database.read(ctx, 'room-for-growth', async q => {
            const volume = await volumesDb(q).byId(volumeId)
            if (volume === undefined) throw new Fault('VolumeGone', 404, `Volume ${volumeId} could not be found.`)
            const pool = (await poolStates(q, settings, now())).find(one => one.host === volume.host)
            // The growth is claimed already: nothing more may be wanted.
            const short = pool === undefined ? null : roomVerdict(pool, 0)
            if (short !== null)
              throw new Fault('PoolFull', 500, `The pool has no room for the volume's growth: ${short.says}`, {
                because: [short],
              })
          }),
        setSize: (volumeId, sizeGb) =>
          database.tx(ctx, 'volume-size', async q => void (await volumesDb(q).change(volumeId, { sizeGb }, now()))),
        extended: (volumeId, status) =>
          database.tx(ctx, 'volume-extended', async q => {
            const volume = await volumesDb(q).byId(volumeId)
            if (volume === undefined) return
            await volumesDb(q).enter(volumeId, 'extending', { status, claimedGb: volume.sizeGb }, now())
          }),
        async extendFailed(volumeId, sizeGb, status, ending) {
          grumble(`volume ${volumeId} could not be extended`, ending)
          await database.tx(ctx, 'extend-failed', async q => {
            const volume = await volumesDb(q).byId(volumeId)
            if (volume === undefined) return
            // Nothing was changed: a volume in use stays in use. One at rest says so, as upstream's does.
            const noRoom = failureDetail(ending.errors, 'driverFailedExtend') === 'noBackend'
            const next = status === 'in-use' || noRoom || ending.cancelled ? status : 'error_extending'
            const mine = await volumesDb(q).enter(
              volumeId,
              'extending',
              { status: next, sizeGb, claimedGb: sizeGb },
              now(),
            )
            if (!mine) await volumesDb(q).change(volumeId, { sizeGb, claimedGb: sizeGb }, now())
            if (ending.cancelled || !mine) return
            await tell(
              q,
              { about: 'VOLUME', resourceId: volumeId, projectId: volume.projectId },
              ending,
              'extend',
              'driverFailedExtend',
            )
          })
        },
      },
      snapshots: {
        made: snapshotId =>
          database.tx(ctx, 'snapshot-available', async q => {
            await snapshotsDb(q).enter(
              snapshotId,
              ['creating', 'available'],
              { status: 'available', progress: '100%' },
              now(),
            )
          }),
        unmade: snapshotId =>
          database.tx(ctx, 'snapshot-unmade', async q => {
            await snapshotsDb(q).enter(snapshotId, 'available', { status: 'creating', progress: '0%' }, clock.now())
          }),
        async createFailed(snapshotId, ending) {
          if (ending.cancelled) return
          grumble(`snapshot ${snapshotId} could not be made`, ending)
          await database.tx(ctx, 'snapshot-failed', async q => {
            const snapshot = await snapshotsDb(q).byId(snapshotId)
            if (snapshot === undefined) return
            if (!(await snapshotsDb(q).enter(snapshotId, 'creating', { status: 'error' }, now()))) return
            await tell(
              q,
              { about: 'VOLUME_SNAPSHOT', resourceId: snapshotId, projectId: snapshot.projectId },
              ending,
              'snapshotCreate',
              'snapshotFailed',
            )
          })
        },
        forget: snapshotId => database.tx(ctx, 'snapshot-deleted', q => snapshotsDb(q).remove(snapshotId)),
        async deleteFailed(snapshotId, ending) {
          grumble(`snapshot ${snapshotId} could not be deleted`, ending)
          await database.tx(ctx, 'snapshot-delete-failed', async q => {
            const snapshot = await snapshotsDb(q).byId(snapshotId)
            if (snapshot === undefined) return
            const detail = failureDetail(ending.errors, 'snapshotDeleteFailed')
            // A busy one is as it was.
            const status = detail === 'snapshotBusy' ? 'available' : 'error_deleting'
            if (!(await snapshotsDb(q).enter(snapshotId, 'deleting', { status }, now()))) return
            await tell(
              q,
              { about: 'VOLUME_SNAPSHOT', resourceId: snapshotId, projectId: snapshot.projectId },
              ending,
              'snapshotDelete',
              'snapshotDeleteFailed',
            )
          })
        },
      },
    }
  }

/** Cinder's words, with every pool's reasons under them. */
function noValidBackend(verdicts: readonly PoolVerdict[]): Fault {
  const most = verdicts.flatMap(verdict => verdict.because).at(0)
  const says = verdicts.length === 0 ? 'no volume service has reported yet' : (most?.says ?? 'no pool would do')
  return new Fault('NoValidBackend', 500, `No valid backend was found. No weighed backends available: ${says}`, {
    because: verdicts.map(verdict => ({ who: verdict.host, says: 'refused', because: verdict.because })),
  })
}
