// The ledgers of Glance against its folders: every image that should have bytes has them, and no byte is nobody's.
import type { Database } from '#kernel/db/database.ts'
import type { Clock } from '#kernel/lib/clock.ts'
import type { Violation } from '#kernel/lib/violation.ts'
import { cachedImagesDb } from '#services/glance/db/cached-images.ts'
import { imagesDb } from '#services/glance/db/images.ts'
import type { GlanceTables } from '#services/glance/db/tables.ts'
import { tasksDb } from '#services/glance/db/tasks.ts'
import type { ImageCache, ImageStore } from '#services/glance/drivers/store.ts'

export interface AuditTools {
  readonly database: Database<GlanceTables>
  readonly clock: Clock
  readonly store: ImageStore
  readonly staging: ImageStore
  readonly cache: ImageCache
  readonly uploadTimeoutMs: number
}
const ledger = 'I-25'

export const createAudit =
  ({ database, clock, store, staging, cache, uploadTimeoutMs }: AuditTools) =>
  async (): Promise<readonly Violation[]> => {
    const found: Violation[] = []
    const report = (subject: string, says: string): void => void found.push({ ledger, subject, says })
    // Files first: what is being made or removed meanwhile is then known to the rows, or gone.
    const { images: files, strays } = await store.list()
    const staged = await staging.list()
    const cached = await cache.list()
    const rows = await imagesDb(database.kysely).all()
    const living = new Map(rows.map(row => [row.id, row]))
    for (const image of rows) {
      const size = files.get(image.id)
      const wants = image.status === 'active' || image.status === 'deactivated'
      if (wants && size === undefined) report(image.id, `the image is ${image.status} and has no bytes`)
      else if (wants && size !== image.size)
        report(image.id, `the image says ${image.size} bytes, the store has ${size}`)
      else if (image.status === 'queued' && size !== undefined) report(image.id, 'the image is queued and has bytes')
      if (image.status === 'saving' && image.savingSince !== null && clock.now() - image.savingSince > uploadTimeoutMs)
        report(image.id, 'its upload has not ended for too long')
      if (image.status === 'uploading' && image.size !== null && !staged.images.has(image.id))
        report(image.id, 'the image is staged and has no staged bytes')
      if (image.status === 'importing') {
        const task = await tasksDb(database.kysely).byId(image.importState?.task ?? '')
        if (task === undefined || !['pending', 'processing'].includes(task.status))
          report(image.id, 'the image is being imported and has no task that works on it')
      }
    }
    for (const id of files.keys()) if (!living.has(id)) report(id, 'bytes in the store belong to no image')
    for (const id of staged.images.keys())
      if (!['uploading', 'importing'].includes(living.get(id)?.status ?? ''))
        report(id, 'staged bytes belong to no import')
    const busy = rows.filter(row => ['saving', 'uploading', 'importing'].includes(row.status))
    for (const name of [...strays, ...staged.strays])
      if (!busy.some(row => name.endsWith(row.id))) report(name, 'a file in the store belongs to no image')
    const entries = new Map((await cachedImagesDb(database.kysely).all()).map(one => [one.imageId, one]))
    for (const [id, entry] of entries) {
      if (!living.has(id)) report(id, 'the cache holds an image that is gone')
      else if (entry.state === 'cached' && cached.get(id) !== entry.size)
        report(id, `the cache says ${entry.size} bytes, its folder has ${cached.get(id) ?? 'none'}`)
    }
    for (const id of cached.keys()) if (!entries.has(id)) report(id, 'bytes in the cache belong to no entry')
    return found
  }
