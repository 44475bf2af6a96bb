// What the cache holds or shall hold.
import type { Kysely } from 'kysely'

import { fromTime, time } from '#kernel/db/codecs.ts'
import { insertIfAbsent, swap } from '#kernel/db/helpers.ts'
import type { GlanceTables } from '#services/glance/db/tables.ts'

export interface CachedImage {
  readonly imageId: string
  readonly state: string
  readonly size: number
  readonly hits: number
  readonly lastModified: number
  readonly lastAccessed: number
}

export const cachedImagesDb = (q: Kysely<GlanceTables>) => ({
  /** Least lately used first. */
  async all(): Promise<CachedImage[]> {
    const rows = await q.selectFrom('cached_images').selectAll().orderBy('last_accessed').orderBy('image_id').execute()
    return rows.map(row => ({
      imageId: row.image_id,
      state: row.state,
      size: row.size,
      hits: row.hits,
      lastModified: fromTime(row.last_modified),
      lastAccessed: fromTime(row.last_accessed),
    }))
  },
  /** Is it in the cache? Counts the hit if so. */
  async hit(imageId: string, now: number): Promise<boolean> {
    const row = await q
      .selectFrom('cached_images')
      .select('hits')
      .where('image_id', '=', imageId)
      .where('state', '=', 'cached')
      .executeTakeFirst()
    if (row === undefined) return false
    return swap(
      q,
      'cached_images',
      { image_id: imageId, state: 'cached' },
      { hits: row.hits + 1, last_accessed: time(now) },
    )
  },
  async queue(imageId: string, now: number): Promise<void> {
    const at = time(now)
    await insertIfAbsent(
      q,
      'cached_images',
      { image_id: imageId, state: 'queued', size: 0, hits: 0, last_modified: at, last_accessed: at },
      ['image_id'],
    )
  },
  filled: (imageId: string, size: number, now: number): Promise<boolean> =>
    swap(
      q,
      'cached_images',
      { image_id: imageId, state: 'queued' },
      { state: 'cached', size, last_modified: time(now), last_accessed: time(now) },
    ),
  async remove(imageId: string): Promise<boolean> {
    const gone = await q.deleteFrom('cached_images').where('image_id', '=', imageId).executeTakeFirst()
    return gone.numDeletedRows > 0n
  },
})
