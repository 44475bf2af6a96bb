// cinder-volume's hands for the sagas: the back end's verbs on the seam, images fetched where they are needed, waiting for guests.
import { Fault } from '#kernel/contract/fault.ts'
import type { ServiceIdentity } from '#kernel/http/service-identity.ts'
import type { Clock } from '#kernel/lib/clock.ts'
import type { Ctx } from '#kernel/lib/context.ts'
import type { GlanceNeighbour } from '#services/cinder/actors/neighbours/glance.ts'
import { BackendFault, type Backend, type ExportFormat, type Filling } from '#services/cinder/drivers/backend.ts'
import type { Source, VolumeTools } from '#services/cinder/sagas/tools.ts'

export interface VolumeToolsParts {
  /** `node-1@file`. */
  readonly host: string
  readonly backend: Backend
  readonly clock: Clock
  readonly identity: ServiceIdentity
  readonly glance: Pick<GlanceNeighbour, 'image' | 'bytes' | 'upload' | 'remove'>
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

/** A verb of the back end, shown on the seam; its own errors as faults that cross the bus with their words. */
export const driverCall =
  (host: string) =>
  <T>(ctx: Ctx, name: string, subject: string, deed: () => Promise<T>): Promise<T> =>
    ctx
      .cross(
        {
          kind: 'driver',
          side: 'send',
          from: `cinder-volume@${host}`,
          to: `backend@${host}`,
          name,
          requestId: ctx.requestId,
          subject,
        },
        deed,
      )
      .catch(asFault)

/** Tools for one try of one step, in its context. */
export function volumeTools(parts: VolumeToolsParts): (ctx: Ctx) => VolumeTools {
  const { backend, clock, host } = parts
  const actor = `cinder-volume@${host}`
  const driver = driverCall(host)

  async function fillingOf(ctx: Ctx, source: Source): Promise<Filling> {
    // cinder-backup writes what a backup holds.
    if (source.from === 'backup') return { from: 'nothing' }
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

  return ctx => ({
    create: async (volumeId, sizeGb, source, signal) => {
      const filling = await fillingOf(ctx, source)
      await driver(ctx, `create-from-${source.from}`, volumeId, () => backend.create(volumeId, sizeGb, filling, signal))
    },
    async upload(volumeId, imageId, format, signal) {
      const service = await parts.identity.ctx(actor, ctx)
      if ((await parts.glance.image(service, imageId))?.status === 'active') return
      const from = { volumeId, snapshotId: null }
      await driver(ctx, 'export', volumeId, () =>
        backend.exported(
          from,
          format as ExportFormat,
          file => parts.glance.upload(service, imageId, file.bytes()),
          signal,
        ),
      )
    },
    async dropImage(imageId) {
      const service = await parts.identity.ctx(actor, ctx)
      const image = await parts.glance.image(service, imageId)
      if (image !== null && image.status !== 'active') await parts.glance.remove(service, imageId)
    },
    revert: (volumeId, snapshotId) => driver(ctx, 'revert', volumeId, () => backend.revert(volumeId, snapshotId)),
    async reimage(volumeId, sizeGb, imageId, signal) {
      const filling = await fillingOf(ctx, { from: 'image', imageId, metadata: {} })
      await driver(ctx, 'reimage', volumeId, () => backend.replace(volumeId, sizeGb, filling, signal))
    },
    manage: (name, volumeId) => driver(ctx, 'manage', volumeId, () => backend.manage(name, volumeId)),
    unmanage: volumeId => driver(ctx, 'unmanage', volumeId, () => backend.unmanage(volumeId)),
    manageSnapshot: (volumeId, fromId, snapshotId) =>
      driver(ctx, 'manage-snapshot', volumeId, () => backend.manageSnapshot(volumeId, fromId, snapshotId)),
    unmanageSnapshot: (volumeId, snapshotId) =>
      driver(ctx, 'unmanage-snapshot', volumeId, () => backend.unmanageSnapshot(volumeId, snapshotId)),
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
    removeSnapshot: (volumeId, snapshotId) =>
      driver(ctx, 'remove-snapshot', volumeId, () => backend.removeSnapshot(volumeId, snapshotId)),
  })
}
