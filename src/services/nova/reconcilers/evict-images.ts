// Forgets copies of images that no guest of a host stands on and that nobody asked for in a long time.
import { reconciler } from '#kernel/reconciler/reconciler.ts'
import type { ImageCache } from '#services/nova/drivers/image-cache.ts'

export interface EvictImagesTools {
  /** Null where images are not kept. */
  readonly images: Pick<ImageCache, 'inventory' | 'evict'> | null
  /** How long an unused image is kept; 0 for ever. */
  readonly unusedMs: number
}

/** Every 40 minutes, as upstream's image cache manager. */
export const evictImages = reconciler<EvictImagesTools>()('evict-images', { every: '40m' }, async tools => {
  if (tools.images === null || tools.unusedMs === 0) return { seen: 0, corrected: 0 }
  const seen = (await tools.images.inventory()).length
  return { seen, corrected: (await tools.images.evict({ olderThanMs: tools.unusedMs })).length }
})
