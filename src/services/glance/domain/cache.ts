// The image cache: who fills it, what it holds, what leaves it. A queued image is fetched at once in the background; what a killed
// process left queued is fetched at the next start.
import type { Clock } from '#kernel/lib/clock.ts'
import type { Ctx } from '#kernel/lib/context.ts'
import { faults } from '#services/glance/contract/faults.ts'
import { rules } from '#services/glance/contract/rules.ts'
import { cachedImagesDb, type CachedImage } from '#services/glance/db/cached-images.ts'
import { imagesDb } from '#services/glance/db/images.ts'
import { holdImage, type AccessTools } from '#services/glance/domain/access.ts'
import type { ImageCache } from '#services/glance/drivers/store.ts'

export interface CacheTools extends AccessTools {
  readonly clock: Clock
  readonly cache: ImageCache
  readonly maxBytes: number
  readonly warn: (ctx: Ctx, says: string) => void
}

/** compat: who queues an image (Tempest) looks for it in the queue before it looks for it in the cache. */
const PAUSE_MS = 300

export const createCacheDomain = (tools: CacheTools) => {
  const { database, clock, cache } = tools
  const filling = new Map<string, Promise<void>>()
  const all = (ctx: Ctx): Promise<CachedImage[]> => database.read(ctx, 'cached-images', q => cachedImagesDb(q).all())
  /** The row goes first: what nobody knows of is served to nobody. */
  const drop = async (ctx: Ctx, id: string): Promise<boolean> => {
    const was = await database.tx({ ...ctx, subject: id }, 'uncache-image', q => cachedImagesDb(q).remove(id))
    await cache.remove(id)
    return was
  }
  const fill = (ctx: Ctx, id: string): void => {
    if (filling.has(id)) return
    const work = (async (): Promise<void> => {
      await clock.sleep(PAUSE_MS)
      const size = await cache.fill(id)
      const there = await database.tx({ ...ctx, subject: id }, 'image-cached', async q => {
        const image = await imagesDb(q).byId(id)
        return image !== undefined && (await cachedImagesDb(q).filled(id, size, clock.now()))
      })
      if (!there) await cache.remove(id)
    })()
      .catch(async (error: unknown) => {
        tools.warn(ctx, `image ${id} could not be cached: ${(error as Error).message}`)
        await drop(ctx, id)
      })
      .catch((error: unknown) => tools.warn(ctx, `image ${id} stays queued: ${(error as Error).message}`))
      .finally(() => filling.delete(id))
    filling.set(id, work)
  }
  const dropAll = async (ctx: Ctx, state: string): Promise<number> => {
    const some = (await all(ctx)).filter(one => one.state === state)
    for (const one of some) await drop(ctx, one.imageId)
    return some.length
  }

  return {
    list: all,
    /** Throws 400, 404. */
    async queue(ctx: Ctx, id: string): Promise<void> {
      const { image } = await holdImage(tools, ctx, id, rules.cacheImage)
      if (image.status !== 'active')
        throw faults.BadRequest({ reason: 'Only images with status active can be targeted for queueing' })
      await database.tx({ ...ctx, subject: image.id }, 'queue-image', q =>
        cachedImagesDb(q).queue(image.id, clock.now()),
      )
      fill(ctx, image.id)
    },
    /** Throws 404 when there is neither such an image nor such an entry. */
    async remove(ctx: Ctx, id: string): Promise<void> {
      const known = (await all(ctx)).some(one => one.imageId === id)
      if (!known) await holdImage(tools, ctx, id, rules.cacheDelete)
      if (known) await drop(ctx, id)
    },
    /** `target`: `cache`, `queue`, or empty for both. Throws 400. */
    async clear(ctx: Ctx, target: string): Promise<void> {
      if (!['', 'cache', 'queue'].includes(target))
        throw faults.BadRequest({
          reason: "If provided 'x-image-cache-clear-target' must be 'cache', 'queue' or empty string.",
        })
      if (target !== 'queue') await dropAll(ctx, 'cached')
      if (target !== 'cache') await dropAll(ctx, 'queued')
    },
    /** Entries without bytes go, and bytes without an entry. */
    async clean(ctx: Ctx): Promise<void> {
      const [rows, files] = [await all(ctx), await cache.list()]
      const known = new Set(rows.map(one => one.imageId))
      for (const one of rows)
        if (!filling.has(one.imageId) && files.get(one.imageId) !== one.size) await drop(ctx, one.imageId)
      for (const id of files.keys()) if (!known.has(id) && !filling.has(id)) await cache.remove(id)
    },
    /** The least lately used go until the rest fits. */
    async prune(ctx: Ctx): Promise<{ files: number; bytes: number }> {
      const rows = (await all(ctx)).filter(one => one.state === 'cached')
      let total = rows.reduce((sum, one) => sum + one.size, 0)
      const pruned = { files: 0, bytes: 0 }
      for (const one of rows) {
        if (total <= tools.maxBytes) break
        await drop(ctx, one.imageId)
        total -= one.size
        pruned.files += 1
        pruned.bytes += one.size
      }
      return pruned
    },
    /** The bytes if they are here, else null. Never touches the disk or the database's writer for images nobody cached. */
    async bytesOf(
      ctx: Ctx,
      id: string,
    ): Promise<((offset: number, length: number | null) => AsyncIterable<Uint8Array>) | null> {
      const known = await database.read(ctx, 'cached-image', q =>
        q.selectFrom('cached_images').select('state').where('image_id', '=', id).executeTakeFirst(),
      )
      if (known?.state !== 'cached') return null
      const there = await database.tx({ ...ctx, subject: id }, 'cache-hit', q => cachedImagesDb(q).hit(id, clock.now()))
      return there ? (offset, length) => cache.get(id, offset, length) : null
    },
    /** The image is gone. */
    async forget(ctx: Ctx, id: string): Promise<void> {
      const known = await database.read(ctx, 'cached-image', q =>
        q.selectFrom('cached_images').select('state').where('image_id', '=', id).executeTakeFirst(),
      )
      if (known !== undefined) await drop(ctx, id)
    },
    /** At start: what was queued is fetched, what is left over goes. */
    async resume(ctx: Ctx): Promise<void> {
      for (const one of await all(ctx)) if (one.state === 'queued') fill(ctx, one.imageId)
      await this.clean(ctx)
    },
    idle: async (): Promise<void> => void (await Promise.all(filling.values())),
  }
}
export type CacheDomain = ReturnType<typeof createCacheDomain>
