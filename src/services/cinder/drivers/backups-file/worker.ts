// The long work of backups in a thread of its own: hashing, compressing, comparing. It speaks to the store by messages only.
import { createHash } from 'node:crypto'
import {
  closeSync,
  fsyncSync,
  ftruncateSync,
  fstatSync,
  openSync,
  readFileSync,
  readSync,
  writeFileSync,
  writeSync,
} from 'node:fs'
import { gunzipSync, gzipSync } from 'node:zlib'
import { parentPort, workerData } from 'node:worker_threads'
import type { Extent } from '#services/cinder/drivers/backups.ts'
import { homeOf, MANIFEST, partialOf, pieceName, type Manifest } from '#services/cinder/drivers/backups-file/layout.ts'

export type Order =
  | {
      readonly deed: 'keep'
      readonly folder: string
      readonly backupId: string
      readonly path: string
      readonly extents: readonly Extent[]
      readonly chunkBytes: number
      /** What the parent has, or null. */
      readonly parent: Manifest | null
    }
  | { readonly deed: 'fetch'; readonly folder: string; readonly manifest: Manifest; readonly path: string }
export type Word =
  | { readonly says: 'progress'; readonly objectCount: number }
  | { readonly says: 'done'; readonly objectCount: number; readonly sizeBytes: number }
  | { readonly says: 'error'; readonly code: string; readonly message: string }

const say = (word: Word): void => parentPort?.postMessage(word)
const sha256 = (bytes: Uint8Array): string => createHash('sha256').update(bytes).digest('hex')

/** Indexes of the pieces that any extent touches, in order. */
function touched(extents: readonly Extent[], chunkBytes: number): number[] {
  const found = new Set<number>()
  for (const { start, length } of extents)
    if (length > 0)
      for (let i = Math.floor(start / chunkBytes); i <= Math.floor((start + length - 1) / chunkBytes); i += 1)
        found.add(i)
  return [...found].sort((a, b) => a - b)
}

function keep(order: Extract<Order, { deed: 'keep' }>): void {
  const { folder, backupId, chunkBytes, parent } = order
  const home = partialOf(folder, backupId)
  const before = new Map(
    parent === null || parent.chunkBytes !== chunkBytes ? [] : parent.chunks.map(([i, hash, by]) => [i, { hash, by }]),
  )
  const file = openSync(order.path, 'r')
  try {
    const sizeBytes = fstatSync(file).size
    const chunks: [number, string, string][] = []
    const buffer = Buffer.alloc(chunkBytes)
    const zeros = Buffer.alloc(chunkBytes)
    let objectCount = 0
    for (const index of touched(order.extents, chunkBytes)) {
      const wanted = Math.min(chunkBytes, sizeBytes - index * chunkBytes)
      let have = 0
      while (have < wanted) {
        const read = readSync(file, buffer, have, wanted - have, index * chunkBytes + have)
        if (read === 0) break
        have += read
      }
      const piece = buffer.subarray(0, Math.max(0, have))
      if (piece.length === 0 || piece.equals(zeros.subarray(0, piece.length))) continue
      const hash = sha256(piece)
      const same = before.get(index)
      if (same !== undefined && same.hash === hash) {
        chunks.push([index, hash, same.by])
        continue
      }
      writeFileSync(`${home}/${pieceName(index)}`, gzipSync(piece, { level: 1 }), { mode: 0o600, flag: 'wx' })
      chunks.push([index, hash, backupId])
      objectCount += 1
      if (objectCount % 16 === 0) say({ says: 'progress', objectCount })
    }
    const manifest: Manifest = { version: 1, backupId, sizeBytes, chunkBytes, chunks }
    writeFileSync(`${home}/${MANIFEST}`, JSON.stringify(manifest), { mode: 0o600, flush: true })
    say({ says: 'done', objectCount, sizeBytes })
  } finally {
    closeSync(file)
  }
}

function bringBack({ folder, manifest, path }: Extract<Order, { deed: 'fetch' }>): void {
  const file = openSync(path, 'wx', 0o600)
  try {
    ftruncateSync(file, manifest.sizeBytes)
    for (const [index, hash, by] of manifest.chunks) {
      const name = `${homeOf(folder, by)}/${pieceName(index)}`
      let piece: Uint8Array
      try {
        piece = gunzipSync(readFileSync(name), { maxOutputLength: manifest.chunkBytes })
      } catch (error) {
        throw Object.assign(
          new Error(`Piece ${index} of backup ${manifest.backupId} cannot be read`, { cause: error }),
          {
            code: 'corrupt',
          },
        )
      }
      if (sha256(piece) !== hash)
        throw Object.assign(new Error(`Piece ${index} of backup ${manifest.backupId} is not what it was`), {
          code: 'corrupt',
        })
      for (let from = 0; from < piece.length;)
        from += writeSync(file, piece, from, piece.length - from, index * manifest.chunkBytes + from)
    }
    fsyncSync(file)
    say({ says: 'done', objectCount: manifest.chunks.length, sizeBytes: manifest.sizeBytes })
  } finally {
    closeSync(file)
  }
}

try {
  const order = workerData as Order
  if (order.deed === 'keep') keep(order)
  else bringBack(order)
} catch (error) {
  const { code = 'failed', message } = error as { code?: string; message: string }
  say({ says: 'error', code, message })
}
