// cinder-volume at one back end: runs its legs of the sagas, connects hosts, reports its pool. No database: what it needs to
// know travels in the message.
import type { Bus, Served } from '#kernel/bus/bus.ts'
import type { Cross } from '#kernel/crossing/crossing.ts'
import type { ServiceIdentity } from '#kernel/http/service-identity.ts'
import type { Clock } from '#kernel/lib/clock.ts'
import type { Ctx } from '#kernel/lib/context.ts'
import type { Ids } from '#kernel/lib/ids.ts'
import type { Log } from '#kernel/lib/log.ts'
import { atPlace, serveLegs } from '#kernel/saga/legs.ts'
import type { GlanceNeighbour } from '#services/cinder/actors/neighbours/glance.ts'
import { driverCall, volumeTools } from '#services/cinder/actors/volume-tools.ts'
import type { Backend } from '#services/cinder/drivers/backend.ts'
import { schedulerRpc, volumeRpc } from '#services/cinder/rpc.ts'
import { createGroupSnapshot } from '#services/cinder/sagas/create-group-snapshot.ts'
import { createBackup } from '#services/cinder/sagas/create-backup.ts'
import { manageSnapshot, unmanageSnapshot } from '#services/cinder/sagas/manage-snapshot.ts'
import { manageVolume } from '#services/cinder/sagas/manage-volume.ts'
import { migrateVolume } from '#services/cinder/sagas/migrate-volume.ts'
import { reimageVolume } from '#services/cinder/sagas/reimage-volume.ts'
import { revertVolume } from '#services/cinder/sagas/revert-volume.ts'
import { unmanageVolume } from '#services/cinder/sagas/unmanage-volume.ts'
import { uploadVolume } from '#services/cinder/sagas/upload-volume.ts'
import { createSnapshot } from '#services/cinder/sagas/create-snapshot.ts'
import { createVolume } from '#services/cinder/sagas/create-volume.ts'
import { deleteGroupSnapshot } from '#services/cinder/sagas/delete-group-snapshot.ts'
import { deleteGroup } from '#services/cinder/sagas/delete-group.ts'
import { deleteSnapshot } from '#services/cinder/sagas/delete-snapshot.ts'
import { deleteVolume } from '#services/cinder/sagas/delete-volume.ts'
import { extendVolume } from '#services/cinder/sagas/extend-volume.ts'
import { fillGroup } from '#services/cinder/sagas/fill-group.ts'

export interface VolumeParts {
  /** `node-1@file`. */
  readonly host: string
  readonly backendName: string
  readonly pool: string
  readonly availabilityZone: string
  readonly backend: Backend
  readonly bus: Bus
  readonly clock: Clock
  readonly ids: Ids
  readonly log: Log
  readonly cross: Cross
  readonly identity: ServiceIdentity
  readonly glance: GlanceNeighbour
  readonly reportMs: number
}

export interface VolumeActor {
  start(): Promise<void>
  /** One report now; also by itself every `reportMs`. */
  report(): Promise<void>
  stop(): Promise<void>
}

export function createVolumeActor(parts: VolumeParts): VolumeActor {
  const { backend, bus, clock, host } = parts
  const actor = `cinder-volume@${host}`

  const driver = driverCall(host)
  const tools = volumeTools(parts)

  const ownCtx = (): Ctx => ({ requestId: `req-${parts.ids.uuid()}`, who: null, actor, cross: parts.cross })
  const report = async (): Promise<void> => {
    const { totalGb, freeGb } = await backend.room()
    await bus
      .client(schedulerRpc)
      .any()
      .pool_report(ownCtx(), {
        host,
        availabilityZone: parts.availabilityZone,
        stats: {
          backend: parts.backendName,
          pool: parts.pool,
          vendor: 'Koto',
          driverVersion: '1.0',
          protocol: backend.protocol,
          totalGb,
          freeGb,
          thin: backend.capabilities.thin,
          multiattach: backend.capabilities.multiattach,
          onlineExtend: backend.capabilities.onlineExtend,
        },
      })
  }

  const served: Served[] = []
  let stopTimer = (): void => undefined
  let stopped = false
  let reporting: Promise<void> = Promise.resolve()
  const turn = (): void => {
    stopTimer = clock.after(parts.reportMs, () => {
      reporting = report()
        .catch((error: unknown) => parts.log.warn(null, `${actor} could not report: ${(error as Error).message}`))
        .then(() => {
          if (!stopped) turn()
        })
    })
  }

  return {
    report,
    async start() {
      await backend.start()
      await report()
      const at = [
        atPlace(uploadVolume, 'volume', run => tools(run.ctx)),
        atPlace(revertVolume, 'volume', run => tools(run.ctx)),
        atPlace(reimageVolume, 'volume', run => tools(run.ctx)),
        atPlace(migrateVolume, 'volume', run => tools(run.ctx)),
        atPlace(manageVolume, 'volume', run => tools(run.ctx)),
        atPlace(unmanageVolume, 'volume', run => tools(run.ctx)),
        atPlace(manageSnapshot, 'volume', run => tools(run.ctx)),
        atPlace(unmanageSnapshot, 'volume', run => tools(run.ctx)),
        atPlace(createBackup, 'volume', run => tools(run.ctx)),
        atPlace(createVolume, 'volume', run => tools(run.ctx)),
        atPlace(deleteVolume, 'volume', run => tools(run.ctx)),
        atPlace(extendVolume, 'volume', run => tools(run.ctx)),
        atPlace(createSnapshot, 'volume', run => tools(run.ctx)),
        atPlace(deleteSnapshot, 'volume', run => tools(run.ctx)),
        ...[deleteGroup, createGroupSnapshot, deleteGroupSnapshot, fillGroup].map(one =>
          atPlace(one as never, 'volume' as never, run => tools(run.ctx) as never),
        ),
      ]
      served.push(
        await serveLegs({
          bus,
          clock,
          actor: 'cinder-volume',
          host,
          sagas: at,
          onLost: (order, error) =>
            parts.log.warn(null, `a leg of ${order.saga} could not report home: ${error.message}`),
        }),
        await bus.serve(volumeRpc, host, {
          connect: async (ctx, { volumeId, sizeGb, connector, mode }) => ({
            connection: await driver(ctx, 'connect', volumeId, () =>
              backend.connect(volumeId, sizeGb, connector, mode),
            ),
          }),
          disconnect: async (ctx, { volumeId, connector }) => {
            await driver(ctx, 'disconnect', volumeId, () => backend.disconnect(volumeId, connector))
            return { done: true }
          },
          inventory: async ctx => ({
            inventory: await driver(ctx, 'inventory', host, () => backend.inventory()),
          }),
          unmanaged: async ctx => ({
            unmanaged: await driver(ctx, 'unmanaged', host, () => backend.unmanaged()),
          }),
          report: () => report(),
        }),
      )
      turn()
    },
    async stop() {
      stopped = true
      stopTimer()
      await reporting
      for (const one of served.splice(0)) await one.close()
      await backend.close()
    },
  }
}
