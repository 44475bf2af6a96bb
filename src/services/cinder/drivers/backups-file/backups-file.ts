// Backups as folders of compressed pieces on this machine's disk. What differs from the parent is written, the rest is referred to.
import { link, mkdir, readdir, rename, rm, writeFile } from 'node:fs/promises'
import { Worker } from 'node:worker_threads'
import { locks } from '#kernel/lib/lock.ts'
import { BackupFault, type BackupStore, type KeptBackup } from '#services/cinder/drivers/backups.ts'
import {
  CHUNK_BYTES,
  homeOf,
  isId,
  isPartial,
  MANIFEST,
  partialOf,
  pieceName,
  readManifest,
  restoreOf,
  type Manifest,
} from '#services/cinder/drivers/backups-file/layout.ts'
import type { Order, Word } from '#services/cinder/drivers/backups-file/worker.ts'

export interface FileBackupsOptions {
  /** Made with mode 0700. On a file system with hard links. */
  readonly folder: string
  readonly chunkBytes?: number
}

const HERE = new URL(import.meta.url)
const WORKER = new URL(HERE.pathname.endsWith('.ts') ? './worker.ts' : './worker.js', HERE)

export function createFileBackups({ folder, chunkBytes = CHUNK_BYTES }: FileBackupsOptions): BackupStore {
  const lock = locks()
  const one = <T>(backupId: string, deed: () => Promise<T>): Promise<T> =>
    lock.with(backupId, deed).catch(asBackupFault)
  const mustHave = async (backupId: string): Promise<Manifest> => {
    const manifest = await readManifest(homeOf(folder, backupId))
    if (manifest === undefined) throw new BackupFault('not-found', `Backup ${backupId} is not there`)
    return manifest
  }
  const kept = (manifest: Manifest): KeptBackup => ({
    objectCount: manifest.chunks.filter(([, , by]) => by === manifest.backupId).length,
    sizeBytes: manifest.sizeBytes,
  })
  /** From a folder in the making to one that counts, in one step. */
  const finish = (backupId: string): Promise<void> => rename(partialOf(folder, backupId), homeOf(folder, backupId))
  const begin = async (backupId: string): Promise<void> => {
    await rm(partialOf(folder, backupId), { recursive: true, force: true })
    await mkdir(partialOf(folder, backupId), { mode: 0o700 })
  }

  return {
    service: 'cinder.backup.drivers.posix.PosixBackupDriver',
    async start() {
      await mkdir(folder, { recursive: true, mode: 0o700 })
      for (const name of await readdir(folder))
        if (isPartial(name)) await rm(`${folder}/${name}`, { recursive: true, force: true })
    },
    keep: (backupId, parentId, source, progress, signal) =>
      one(backupId, async () => {
        const before = await readManifest(homeOf(folder, backupId))
        if (before !== undefined) return kept(before)
        const parent = parentId === null ? null : await mustHave(parentId)
        await begin(backupId)
        try {
          const { path, extents } = await source.raw()
          const done = await work(
            { deed: 'keep', folder, backupId, path, extents, chunkBytes, parent },
            progress,
            signal,
          )
          await finish(backupId)
          return done
        } catch (error) {
          await rm(partialOf(folder, backupId), { recursive: true, force: true })
          throw error
        }
      }),
    async fetched(backupId, use, signal) {
      const path = restoreOf(folder, backupId)
      try {
        await one(backupId, async () => {
          const manifest = await mustHave(backupId)
          await rm(path, { force: true })
          await work({ deed: 'fetch', folder, manifest, path }, () => undefined, signal)
        })
        return await use(path)
      } finally {
        await rm(path, { force: true })
      }
    },
    adopt: (fromId, backupId) =>
      one(backupId, async () => {
        const from = await mustHave(fromId)
        if (fromId === backupId) return kept(from)
        const before = await readManifest(homeOf(folder, backupId))
        if (before !== undefined) return kept(before)
        await begin(backupId)
        for (const [index, , by] of from.chunks)
          await link(`${homeOf(folder, by)}/${pieceName(index)}`, `${partialOf(folder, backupId)}/${pieceName(index)}`)
        const manifest: Manifest = {
          ...from,
          backupId,
          chunks: from.chunks.map(([index, hash]) => [index, hash, backupId] as const),
        }
        await writeFile(`${partialOf(folder, backupId)}/${MANIFEST}`, JSON.stringify(manifest), { mode: 0o600 })
        await finish(backupId)
        return kept(manifest)
      }),
    remove: backupId =>
      one(backupId, async () => {
        // Out of sight first: half of a backup is none.
        await rm(partialOf(folder, backupId), { recursive: true, force: true })
        await rename(homeOf(folder, backupId), partialOf(folder, backupId)).catch((error: NodeJS.ErrnoException) => {
          if (error.code !== 'ENOENT') throw error
        })
        await rm(partialOf(folder, backupId), { recursive: true, force: true })
      }),
    async inventory() {
      const names = await readdir(folder).catch(() => [] as string[])
      const backups: { backupId: string; needs: string[] }[] = []
      for (const backupId of names.filter(isId)) {
        const manifest = await readManifest(homeOf(folder, backupId)).catch(() => undefined)
        const needs = new Set(manifest?.chunks.map(([, , by]) => by))
        needs.delete(backupId)
        backups.push({ backupId, needs: [...needs] })
      }
      return { backups, leftovers: names.filter(name => !isId(name)) }
    },
  }
}

/** Runs the thread to its end, or stops it when the signal says so. */
function work(order: Order, progress: (objectCount: number) => void, signal: AbortSignal): Promise<KeptBackup> {
  signal.throwIfAborted()
  return new Promise<KeptBackup>((resolve, reject) => {
    const worker = new Worker(WORKER, { workerData: order })
    const stop = (): void => {
      void worker.terminate()
      reject(signal.reason as Error)
    }
    signal.addEventListener('abort', stop, { once: true })
    worker.on('message', (word: Word) => {
      if (word.says === 'progress') progress(word.objectCount)
      else if (word.says === 'done') resolve({ objectCount: word.objectCount, sizeBytes: word.sizeBytes })
      else reject(Object.assign(new Error(word.message), { code: word.code }))
    })
    worker.once('error', reject)
    worker.once('exit', code => {
      signal.removeEventListener('abort', stop)
      reject(new Error(`the thread that works on backups ended with ${code}`))
    })
  })
}

/** What the system says, as far as we know what it means. */
function asBackupFault(error: unknown): never {
  if (error instanceof BackupFault) throw error
  const { code, message } = error as { code?: string; message: string }
  if (code === 'ENOSPC' || code === 'EDQUOT')
    throw new BackupFault('no-room', 'the disk that keeps the backups is full', error)
  if (code === 'corrupt') throw new BackupFault('corrupt', message, error)
  throw error
}
