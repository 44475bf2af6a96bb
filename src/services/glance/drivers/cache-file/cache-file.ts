// The cache beside a store of files on the same disk: another name of the same bytes, so that it costs no room of its own and an
// image that is deleted while somebody reads it from here ends well.
import { createReadStream } from 'node:fs'
import { link, mkdir, readdir, rm, stat } from 'node:fs/promises'

import type { ImageCache } from '#services/glance/drivers/store.ts'

const UUID = /^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/

/** `images`: the folder of the store. */
export function createFileCache(folder: string, images: string): ImageCache {
  const path = (id: string): string => {
    if (!UUID.test(id)) throw new RangeError(`not an image's id: ${id}`)
    return `${folder}/${id}`
  }
  return {
    async fill(id) {
      const own = path(id)
      await mkdir(folder, { recursive: true, mode: 0o700 })
      await link(`${images}/${id}`, own).catch((error: NodeJS.ErrnoException) => {
        if (error.code !== 'EEXIST') throw error
      })
      return (await stat(own)).size
    },
    get: (id, offset = 0, length = null) =>
      createReadStream(path(id), {
        start: offset,
        ...(length === null ? {} : { end: offset + length - 1 }),
        highWaterMark: 256 * 1024,
      }),
    remove: id => rm(path(id), { force: true }),
    async list() {
      const found = new Map<string, number>()
      for (const name of await readdir(folder).catch(() => []))
        if (UUID.test(name)) found.set(name, (await stat(`${folder}/${name}`)).size)
      return found
    },
  }
}
