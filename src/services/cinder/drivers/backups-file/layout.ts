// How a backup lies on disk: a folder by its id with a manifest and one compressed file for each piece that holds anything.
// A piece that is as in an earlier backup is named there and not written again.
import { readFile } from 'node:fs/promises'

export const CHUNK_BYTES = 2 ** 22

export interface Manifest {
  readonly version: 1
  readonly backupId: string
  readonly sizeBytes: number
  readonly chunkBytes: number
  /** Index, SHA-256 of the contents, and the backup in whose folder the piece lies. Zeros are left out. */
  readonly chunks: readonly (readonly [index: number, sha256: string, keptBy: string])[]
}

const ID = /^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/
const demandId = (id: string): string => {
  if (!ID.test(id)) throw new RangeError(`not an id: ${id}`)
  return id
}
export const isId = (name: string): boolean => ID.test(name)
export const homeOf = (folder: string, backupId: string): string => `${folder}/${demandId(backupId)}`
export const partialOf = (folder: string, backupId: string): string => `${folder}/.partial-${demandId(backupId)}`
/** A raw file on its way into a volume. */
export const restoreOf = (folder: string, backupId: string): string => `${partialOf(folder, backupId)}.raw`
export const isPartial = (name: string): boolean => name.startsWith('.partial-')
export const pieceName = (index: number): string => `${String(index).padStart(10, '0')}.gz`
export const MANIFEST = 'manifest.json'

/** Undefined when there is none. Throws SyntaxError for one that cannot be read. */
export async function readManifest(home: string): Promise<Manifest | undefined> {
  const text = await readFile(`${home}/${MANIFEST}`, 'utf8').catch((error: NodeJS.ErrnoException) => {
    if (error.code === 'ENOENT' || error.code === 'ENOTDIR') return null
    throw error
  })
  if (text === null) return undefined
  const manifest = JSON.parse(text) as Manifest
  if (manifest.version !== 1) throw new SyntaxError(`${home}: a manifest of version ${String(manifest.version)}`)
  return manifest
}
