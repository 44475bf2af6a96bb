// Images as files in one folder, `<id>`; an upload has another name until all of it is on the disk.
import { createHash } from 'node:crypto'
import { createReadStream } from 'node:fs'
import { mkdir, open, readdir, rename, rm, stat } from 'node:fs/promises'

import { createInspector, type Inspection } from '#host/block/inspect.ts'
import { writeWhole } from '#host/node/file-bytes.ts'
import { StoreFault, type ImageStore } from '#services/glance/drivers/store.ts'

const UUID = /^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/
const PARTIAL = '.partial-'
/** Formats whose bytes are nobody's disk: kept as they are. */
const OPAQUE = new Set(['aki', 'ari'])

export function createFileStore(folder: string): ImageStore {
  const path = (id: string): string => {
    if (!UUID.test(id)) throw new RangeError(`not an image's id: ${id}`)
    return `${folder}/${id}`
  }
  return {
    async put(id, bytes, { declared, wrapped = false, maxBytes }) {
      const final = path(id)
      await mkdir(folder, { recursive: true, mode: 0o700 })
      const partial = `${folder}/${PARTIAL}${id}`
      const file = await open(partial, 'w', 0o600)
      let kept = false
      try {
        const md5 = createHash('md5')
        const sha512 = createHash('sha512')
        const inspector = declared === null || OPAQUE.has(declared) ? null : createInspector(declared, { wrapped })
        let size = 0
        const judge = (verdict: Inspection | undefined): void => {
          const problem = verdict?.problems[0]
          if (problem !== undefined) throw new StoreFault('refused', problem.message)
        }
        for await (const chunk of bytes) {
          size += chunk.length
          if (size > maxBytes) throw new StoreFault('too-large', `the image is larger than ${maxBytes} bytes`)
          judge(inspector?.eat(chunk))
          const written = writeWhole(file, chunk)
          if (declared !== null) {
            md5.update(chunk) // while the disk is busy
            sha512.update(chunk)
          }
          await written
        }
        const verdict = inspector?.end()
        judge(verdict)
        await file.sync()
        await file.close()
        await rename(partial, final)
        kept = true
        return {
          size,
          md5: md5.digest('hex'),
          sha512: sha512.digest('hex'),
          virtualSize: verdict === undefined || verdict.virtualSize === 0 ? size : verdict.virtualSize,
        }
      } catch (error) {
        const { code } = error as NodeJS.ErrnoException
        if (code === 'ENOSPC' || code === 'EDQUOT' || code === 'EFBIG')
          throw new StoreFault('full', 'the disk of the image store is full', error)
        throw error
      } finally {
        if (!kept) {
          await file.close().catch(() => undefined)
          await rm(partial, { force: true })
        }
      }
    },
    get: (id, offset = 0, length = null) =>
      createReadStream(path(id), {
        start: offset,
        ...(length === null ? {} : { end: offset + length - 1 }),
        highWaterMark: 256 * 1024,
      }),
    remove: id => rm(path(id), { force: true }),
    has: async id => (await stat(path(id)).catch(() => null))?.size ?? null,
    url: id => `file://${id === '' ? folder : path(id)}`,
    async list() {
      const images = new Map<string, number>()
      const strays: string[] = []
      for (const name of await readdir(folder).catch(() => [])) {
        if (UUID.test(name)) images.set(name, (await stat(`${folder}/${name}`)).size)
        else strays.push(name)
      }
      return { images, strays }
    },
    async clean() {
      for (const name of await readdir(folder).catch(() => []))
        if (name.startsWith(PARTIAL)) await rm(`${folder}/${name}`, { force: true })
    },
  }
}
