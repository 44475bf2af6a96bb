// cinder-backup on one machine: keeps and restores with its store and the machine's back ends. No database.
import type { Bus, Served } from '#kernel/bus/bus.ts'
import { Fault } from '#kernel/contract/fault.ts'
import type { Cross } from '#kernel/crossing/crossing.ts'
import type { Clock } from '#kernel/lib/clock.ts'
import type { Ctx } from '#kernel/lib/context.ts'
import type { Ids } from '#kernel/lib/ids.ts'
import type { Log } from '#kernel/lib/log.ts'
import { atPlace, serveLegs } from '#kernel/saga/legs.ts'
import { driverCall } from '#services/cinder/actors/volume-tools.ts'
import { BackendFault, type Backend } from '#services/cinder/drivers/backend.ts'
import { BackupFault, type BackupStore } from '#services/cinder/drivers/backups.ts'
import { actorHost, backupRpc, schedulerRpc } from '#services/cinder/rpc.ts'
import type { BackupTools } from '#services/cinder/sagas/backup-tools.ts'
import { createBackup } from '#services/cinder/sagas/create-backup.ts'
import { createVolume } from '#services/cinder/sagas/create-volume.ts'
import { deleteBackup } from '#services/cinder/sagas/delete-backup.ts'
import { importBackup } from '#services/cinder/sagas/import-backup.ts'
import { migrateVolume } from '#services/cinder/sagas/migrate-volume.ts'
import { restoreBackup } from '#services/cinder/sagas/restore-backup.ts'

export interface BackupToolsParts {
  /** The machine: `node-1`. */
  readonly host: string
  readonly store: BackupStore
  /** `node-1@file` → its back end. */
  readonly backends: ReadonlyMap<string, Backend>
  readonly clock: Clock
  /** Hears how far a backup is. */
  readonly progress?: (ctx: Ctx, backupId: string, objectCount: number) => void
}
const PROGRESS_MS = 1000

/** A store's own error as a fault that crosses the bus with its words. */
function asFault(error: unknown): never {
  if (error instanceof BackupFault) throw new Fault(`Backup:${error.code}`, 500, error.message, { cause: error })
  if (error instanceof BackendFault)
    throw new Fault(`Backend:${error.code}`, error.code === 'busy' ? 409 : 500, error.message, { cause: error })
  throw error
}

/** Tools for one try of one step, in its context. */
export function backupTools(parts: BackupToolsParts): (ctx: Ctx) => BackupTools {
  const { store, backends, clock } = parts
  const driver = driverCall(parts.host)
  const backendOf = (host: string): Backend => {
    const backend = backends.get(actorHost(host))
    if (backend === undefined)
      throw new Fault('Backup:failed', 500, `Volumes of ${actorHost(host)} cannot be reached from ${parts.host}`)
    return backend
  }
  return ctx => {
    const on = <T>(name: string, backupId: string, deed: () => Promise<T>): Promise<T> =>
      driver(ctx, name, backupId, () => deed().catch(asFault))
    return {
      async keep({ backupId, parentId }, { host, volumeId, snapshotId }, signal) {
        const backend = backendOf(host)
        let last = clock.monotonic()
        const progress = (objectCount: number): void => {
          if (clock.monotonic() - last < PROGRESS_MS) return
          last = clock.monotonic()
          parts.progress?.(ctx, backupId, objectCount)
        }
        const { objectCount } = await on('keep-backup', backupId, () =>
          backend.exported(
            { volumeId, snapshotId },
            'raw',
            file => store.keep(backupId, parentId, { raw: async () => file }, progress, signal),
            signal,
          ),
        )
        return { objectCount }
      },
      restore: (backupId, { host, volumeId, sizeGb }, signal) => {
        const backend = backendOf(host)
        return on('restore-backup', backupId, () =>
          store.fetched(backupId, path => backend.replace(volumeId, sizeGb, { from: 'file', path }, signal), signal),
        )
      },
      adopt: (fromId, backupId) =>
        on('adopt-backup', backupId, async () => ({ objectCount: (await store.adopt(fromId, backupId)).objectCount })),
      async copy(volumeId, sizeGb, from, to, signal) {
        const [source, target] = [backendOf(from), backendOf(to)]
        await on('copy-volume', volumeId, () =>
          source.exported(
            { volumeId, snapshotId: null },
            'raw',
            ({ path }) => target.create(volumeId, sizeGb, { from: 'file', path }, signal),
            signal,
          ),
        )
      },
      dropCopy: (volumeId, host) => on('drop-copy', volumeId, () => backendOf(host).remove(volumeId)),
      remove: backupId => on('remove-backup', backupId, () => store.remove(backupId)),
    }
  }
}

export interface BackupParts extends BackupToolsParts {
  readonly availabilityZone: string
  readonly bus: Bus
  readonly ids: Ids
  readonly log: Log
  readonly cross: Cross
  readonly reportMs: number
}
export interface BackupActor {
  start(): Promise<void>
  stop(): Promise<void>
}

export function createBackupActor(parts: BackupParts): BackupActor {
  const { bus, clock, host, store, log } = parts
  const actor = `cinder-backup@${host}`
  const ownCtx = (): Ctx => ({ requestId: `req-${parts.ids.uuid()}`, who: null, actor, cross: parts.cross })
  const scheduler = bus.client(schedulerRpc).any()
  const tools = backupTools({
    ...parts,
    progress: (ctx, backupId, objectCount) => {
      void scheduler.backup_progress(ctx, { backupId, objectCount }).catch(() => undefined)
    },
  })
  const report = async (): Promise<void> => {
    await scheduler.backup_report(ownCtx(), {
      host,
      availabilityZone: parts.availabilityZone,
    })
  }
  const served: Served[] = []
  let stopTimer = (): void => undefined
  let stopped = false
  let reporting: Promise<void> = Promise.resolve()
  const turn = (): void => {
    stopTimer = clock.after(parts.reportMs, () => {
      reporting = report()
        .catch((error: unknown) => log.warn(null, `${actor} could not report: ${(error as Error).message}`))
        .then(() => {
          if (!stopped) turn()
        })
    })
  }
  return {
    async start() {
      await store.start()
      await report()
      const sagas = [createBackup, restoreBackup, deleteBackup, importBackup, createVolume, migrateVolume] as const
      served.push(
        await serveLegs({
          bus,
          clock,
          actor: 'cinder-backup',
          host,
          sagas: sagas.map(one => atPlace(one as typeof createBackup, 'backup', run => tools(run.ctx))),
          onLost: (order, error) => log.warn(null, `a leg of ${order.saga} could not report home: ${error.message}`),
        }),
        await bus.serve(backupRpc, host, {
          inventory: async () => ({ inventory: await store.inventory() }),
        }),
      )
      turn()
    },
    async stop() {
      stopped = true
      stopTimer()
      await reporting
      for (const one of served.splice(0)) await one.close()
    },
  }
}
