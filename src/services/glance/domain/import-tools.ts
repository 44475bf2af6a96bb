// The tools of the import saga.
import type { Database } from '#kernel/db/database.ts'
import { Fault } from '#kernel/contract/fault.ts'
import type { Clock } from '#kernel/lib/clock.ts'
import type { Ctx } from '#kernel/lib/context.ts'
import { faults } from '#services/glance/contract/faults.ts'
import { STORE } from '#services/glance/contract/imports.ts'
import { imagesDb } from '#services/glance/db/images.ts'
import type { GlanceTables } from '#services/glance/db/tables.ts'
import { tasksDb } from '#services/glance/db/tasks.ts'
import type { Store } from '#services/glance/domain/images.ts'
import { permits, type UriRules } from '#services/glance/domain/import-uri.ts'
import type { ApiTools } from '#services/glance/sagas/tools.ts'

/** The door to addresses that a user supplied; `main` hands in the host's. */
export interface Door {
  open(
    url: string,
    options: { permit: (url: URL) => boolean; signal?: AbortSignal },
  ): Promise<{ readonly bytes: AsyncIterable<Uint8Array> }>
}
export interface ImportToolsOf {
  readonly database: Database<GlanceTables>
  readonly clock: Clock
  readonly store: Store
  readonly staging: Store
  readonly door: Door
  readonly uriRules: UriRules
  readonly maxBytes: number
  readonly taskTtlMs: number
}
const LIVING = ['pending', 'processing'] as const

export const importTools =
  (tools: ImportToolsOf) =>
  (ctx: Ctx): ApiTools => {
    const { database, clock, store, staging, maxBytes } = tools
    const driver = <T>(name: string, work: () => Promise<T>): Promise<T> =>
      ctx.cross(
        { kind: 'driver', side: 'send', from: ctx.actor, to: 'glance-store', name, requestId: ctx.requestId },
        work,
      )
    const expiresAt = (): number => clock.now() + tools.taskTtlMs
    return {
      begin: taskId =>
        database.tx(ctx, 'task-processing', async q => {
          await tasksDb(q).enter(taskId, LIVING, { status: 'processing' }, clock.now())
        }),
      download: (imageId, uri, signal) =>
        driver('download', async () => {
          const { bytes } = await tools.door.open(uri, { permit: url => permits(tools.uriRules, url), signal })
          const { size } = await staging
            .put(imageId, heeding(bytes, signal), { declared: null, maxBytes })
            .catch(spoken(maxBytes))
          await database.tx(ctx, 'image-staged', async q => {
            await imagesDb(q).enterImport(imageId, ['importing'], { status: 'importing', size }, clock.now())
          })
        }),
      discard: imageId => driver('discard', () => staging.remove(imageId)),
      keep: (imageId, signal) =>
        driver('keep', async () => {
          const image = await database.read(ctx, 'find-image', q => imagesDb(q).byId(imageId))
          if (image?.status !== 'importing') throw faults.ImageNotFound({ id: imageId })
          const bytes = heeding(staging.get(imageId), signal)
          const wrapped = image.containerFormat !== 'bare'
          return store
            .put(imageId, bytes, { declared: image.diskFormat ?? 'raw', wrapped, maxBytes })
            .catch(spoken(maxBytes))
        }),
      drop: imageId =>
        driver('drop', async () => {
          // Whoever won the race and made the image active keeps its bytes.
          const image = await database.read(ctx, 'find-image', q => imagesDb(q).byId(imageId))
          if (image === undefined || image.status === 'importing') await store.remove(imageId)
        }),
      finish: (imageId, taskId, kept) =>
        database.tx(ctx, 'image-imported', async q => {
          const now = clock.now()
          const image = await imagesDb(q).byId(imageId)
          if (image === undefined) throw faults.ImageNotFound({ id: imageId })
          const changed = {
            ...image,
            status: 'active',
            size: kept.size,
            virtualSize: kept.virtualSize,
            checksum: kept.md5,
            hashAlgo: 'sha512',
            hashValue: kept.sha512,
            updatedAt: now,
          }
          const mine = image.importState?.task === taskId
          if (mine && (await imagesDb(q).replace(changed, 'importing')))
            await imagesDb(q).enterImport(
              imageId,
              ['active'],
              { status: 'active', state: { importing: [], failed: [] } },
              now,
            )
          await tasksDb(q).enter(
            taskId,
            LIVING,
            { status: 'success', result: { image_id: imageId }, expiresAt: expiresAt() },
            now,
          )
        }),
      unfinish: (imageId, taskId) =>
        database.tx(ctx, 'image-not-imported', async q => {
          const now = clock.now()
          const state = { task: taskId, importing: [STORE], failed: [] }
          // Only what this very task made active.
          if (!(await tasksDb(q).enter(taskId, ['success'], { status: 'processing' }, now))) return
          const image = await imagesDb(q).byId(imageId)
          if (image === undefined) return
          const bare = { ...image, virtualSize: null, checksum: null, hashAlgo: null, hashValue: null }
          if (await imagesDb(q).replace({ ...bare, status: 'importing', updatedAt: now }, 'active'))
            await imagesDb(q).enterImport(imageId, ['importing'], { status: 'importing', state }, now)
        }),
      failed: (imageId, taskId, ending) =>
        database.tx(ctx, 'import-failed', async q => {
          const now = clock.now()
          await imagesDb(q).enterImport(
            imageId,
            ['importing'],
            { status: 'queued', size: null, state: { importing: [], failed: [STORE] } },
            now,
          )
          const message = ending.errors.at(-1)?.message ?? 'The import was given up.'
          await tasksDb(q).enter(taskId, LIVING, { status: 'failure', message, expiresAt: expiresAt() }, now)
        }),
    }
  }

/** The bytes until somebody calls it off. */
async function* heeding(bytes: AsyncIterable<Uint8Array>, signal: AbortSignal): AsyncIterable<Uint8Array> {
  for await (const chunk of bytes) {
    signal.throwIfAborted()
    yield chunk
  }
}
/** Errors of a store in the words people read. */
export const spoken =
  (limit: number) =>
  (error: unknown): never => {
    if (error instanceof Fault) throw error
    switch ((error as { code?: string }).code) {
      case 'too-large':
        throw faults.TooLarge({ limit }, { cause: error })
      case 'full':
        throw faults.StoreFull({ cause: error })
      case 'ENOENT':
        throw faults.Conflict({ reason: 'The staged data of the image is gone.' }, { cause: error })
      case 'refused':
        throw (error as Error).name === 'StoreFault'
          ? faults.Refused({ reason: (error as Error).message }, { cause: error })
          : error
      default:
        throw error
    }
  }
