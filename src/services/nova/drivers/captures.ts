// Disks written out on a host on their way to the image service: one file per image, gone when the image has it.
import { createReadStream } from 'node:fs'
import { mkdir, readdir, rm, stat } from 'node:fs/promises'

export interface Captures {
  /** Where the file of that image goes; the folder is there. */
  path(imageId: string): Promise<string>
  /** The file's size in bytes and its bytes. Throws ENOENT when it was not written. */
  open(imageId: string): Promise<{ readonly size: number; readonly bytes: AsyncIterable<Uint8Array> }>
  /** Harmless when there is none; takes half-written ones, too. */
  remove(imageId: string): Promise<void>
  /** Ids of the images that files lie here for. */
  list(): Promise<readonly string[]>
}

const NAME = /^([0-9a-f-]{36})\.qcow2(\.new)?$/

export function createCaptures(options: { readonly folder: string }): Captures {
  const { folder } = options
  const file = (imageId: string): string => {
    if (!/^[0-9a-f-]{36}$/.test(imageId)) throw new RangeError(`not an image's id: ${imageId}`)
    return `${folder}/${imageId}.qcow2`
  }
  return {
    async path(imageId) {
      await mkdir(folder, { recursive: true, mode: 0o700 })
      return file(imageId)
    },
    async open(imageId) {
      const path = file(imageId)
      const { size } = await stat(path)
      return { size, bytes: createReadStream(path, { highWaterMark: 1 << 20 }) }
    },
    async remove(imageId) {
      for (const path of [file(imageId), `${file(imageId)}.new`]) await rm(path, { force: true })
    },
    async list() {
      const names = await readdir(folder).catch((error: NodeJS.ErrnoException) => {
        if (error.code === 'ENOENT') return []
        throw error
      })
      return [...new Set(names.flatMap(name => NAME.exec(name)?.[1] ?? []))]
    },
  }
}
