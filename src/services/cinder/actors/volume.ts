// cinder-volume at one back end: runs its legs of the sagas, connects hosts, reports its pool. No database: what it needs to
// know travels in the message.
import { Fault } from '#kernel/contract/fault.ts'
import type { Bus, Served } from '#kernel/bus/bus.ts'
import type { Cross } from '#kernel/crossing/crossing.ts'
import type { ServiceIdentity } from '#kernel/http/service-identity.ts'
import type { Clock } from '#kernel/lib/clock.ts'
import type { Ctx } from '#kernel/lib/context.ts'
import type { Ids } from '#kernel/lib/ids.ts'
import type { Log } from '#kernel/lib/log.ts'
import { atPlace, serveLegs } from '#kernel/saga/legs.ts'
import type { GlanceNeighbour } from '#services/cinder/actors/neighbours/glance.ts'
import { BackendFault, type Backend, type Filling } from '#services/cinder/drivers/backend.ts'
import { schedulerRpc, volumeRpc } from '#services/cinder/rpc.ts'
import { createSnapshot } from '#services/cinder/sagas/create-snapshot.ts'
import { createVolume } from '#services/cinder/sagas/create-volume.ts'
import { deleteSnapshot } from '#services/cinder/sagas/delete-snapshot.ts'
import { deleteVolume } from '#services/cinder/sagas/delete-volume.ts'
import { extendVolume } from '#services/cinder/sagas/extend-volume.ts'
import type { Source, VolumeTools } from '#services/cinder/sagas/tools.ts'

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

const GIB = 2 ** 30
/** How long a guest's host may take for its part. */
const GUEST_MS = 120_000

/** A driver's own error as a fault that crosses the bus with its words. */
function asFault(error: unknown): never {
  if (error instanceof BackendFault)
    throw new Fault(`Backend:${error.code}`, error.code === 'busy' ? 409 : 500, error.message, { cause: error })
  throw error
}

export function createVolumeActor(parts: VolumeParts): VolumeActor {
  const { backend, bus, clock, host } = parts
  const actor = `cinder-volume@${host}`

  const driver = <T>(ctx: Ctx, name: string, subject: string, deed: () => Promise<T>): Promise<T> =>
    ctx
      .cross(
        { kind: 'driver', side: 'send', from: actor, to: `backend@${host}`, name, requestId: ctx.requestId, subject },
        deed,
      )
      .catch(asFault)

  async function fillingOf(ctx: Ctx, source: Source): Promise<Filling> {
    if (source.from !== 'image') return source
    const service = await parts.identity.ctx(actor, ctx)
    const image = await parts.glance.image(service, source.imageId)
    if (image === null) throw new Fault('Backend:refused', 404, `Image ${source.imageId} could not be found.`)
    if (image.status !== 'active') throw new Fault('Backend:refused', 400, `Image ${source.imageId} is not active.`)
    return {
      from: 'image',
      image: {
        id: image.id,
        diskFormat: image.disk_format ?? 'raw',
        sizeBytes: image.size,
        hashAlgorithm: image.os_hash_algo,
        hashValue: image.os_hash_value,
        checksum: image.checksum,
        download: () => parts.glance.bytes(service, image.id),
      },
    }
  }

  /** Looks again and again, twice true in a row being enough. */
  async function seen(what: string, look: () => Promise<boolean>, signal: AbortSignal): Promise<void> {
    const end = clock.monotonic() + GUEST_MS
    let yes = 0
    for (let pause = 50; yes < 2; pause = Math.min(pause * 2, 500)) {
      yes = (await look()) ? yes + 1 : 0
      if (yes >= 2) return
      if (clock.monotonic() > end) throw new Fault('Backend:failed', 500, `${what} did not happen in time`)
      await clock.sleep(pause, signal)
    }
  }

  const tools = (ctx: Ctx): VolumeTools => ({
    create: async (volumeId, sizeGb, source, signal) => {
      const filling = await fillingOf(ctx, source)
      await driver(ctx, `create-from-${source.from}`, volumeId, () => backend.create(volumeId, sizeGb, filling, signal))
    },
    remove: volumeId => driver(ctx, 'remove', volumeId, () => backend.remove(volumeId)),
    resize: (volumeId, sizeGb) => driver(ctx, 'resize', volumeId, () => backend.resize(volumeId, sizeGb)),
    resizeBack: async (volumeId, sizeGb) => {
      await driver(ctx, 'resize-back', volumeId, () => backend.resize(volumeId, sizeGb, { shrink: true }))
    },
    awaitSize: (volumeId, sizeGb, signal) =>
      seen(
        `the growth of volume ${volumeId} by its server's host`,
        async () => (await driver(ctx, 'size', volumeId, () => backend.sizeBytes(volumeId))) >= sizeGb * GIB,
        signal,
      ),
    createSnapshot: (volumeId, snapshotId) =>
      driver(ctx, 'create-snapshot', volumeId, () => backend.createSnapshot(volumeId, snapshotId)),
    awaitSwitch: (volumeId, snapshotId, signal) =>
      seen(
        `the switch of volume ${volumeId}`,
        () => driver(ctx, 'is-switched', volumeId, () => backend.isSwitched(volumeId, snapshotId)),
        signal,
      ),
    settleSnapshot: (volumeId, snapshotId) =>
      driver(ctx, 'settle-snapshot', volumeId, () => backend.settleSnapshot(volumeId, snapshotId)),
    dropSnapshot: async (volumeId, snapshotId) => {
      await driver(ctx, 'drop-snapshot', volumeId, async () => {
        const { live } = await backend.removeSnapshot(volumeId, snapshotId)
        if (live !== null) throw new BackendFault('busy', `Snapshot ${snapshotId} is in use by a running server`)
      })
    },
    removeSnapshot: (volumeId, snapshotId) =>
      driver(ctx, 'remove-snapshot', volumeId, () => backend.removeSnapshot(volumeId, snapshotId)),
    awaitMerge: (volumeId, snapshotId, signal) =>
      seen(
        `the merge of snapshot ${snapshotId}`,
        () => driver(ctx, 'is-merged', volumeId, () => backend.isMerged(volumeId, snapshotId)),
        signal,
      ),
    settleRemoval: (volumeId, snapshotId) =>
      driver(ctx, 'settle-removal', volumeId, () => backend.settleRemoval(volumeId, snapshotId)),
  })

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
        atPlace(createVolume, 'volume', run => tools(run.ctx)),
        atPlace(deleteVolume, 'volume', run => tools(run.ctx)),
        atPlace(extendVolume, 'volume', run => tools(run.ctx)),
        atPlace(createSnapshot, 'volume', run => tools(run.ctx)),
        atPlace(deleteSnapshot, 'volume', run => tools(run.ctx)),
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
