// A store of backups that keeps no bytes: which there are and what they stand on. For back ends that keep none either.
import { mkdir, readFile, rename, writeFile } from 'node:fs/promises'
import { dirname } from 'node:path'
import { BackupFault, type BackupStore, type KeptBackup } from '#services/cinder/drivers/backups.ts'

export interface SimulatedBackupsOptions {
  /** Where it is remembered; absent: only in memory. */
  readonly file?: string
  /** How long bytes would take. */
  readonly pause?: (signal?: AbortSignal) => Promise<void>
}
const KEPT: KeptBackup = { objectCount: 1, sizeBytes: 0 }

export function createSimulatedBackups(options: SimulatedBackupsOptions = {}): BackupStore {
  const kept = new Map<string, string[]>()
  let writing: Promise<void> = Promise.resolve()
  const save = (): Promise<void> => {
    const { file } = options
    if (file === undefined) return Promise.resolve()
    const text = JSON.stringify(Object.fromEntries(kept))
    writing = writing
      .catch(() => undefined)
      .then(async () => {
        await mkdir(dirname(file), { recursive: true, mode: 0o700 })
        await writeFile(`${file}.new`, text, { mode: 0o600 })
        await rename(`${file}.new`, file)
      })
    return writing
  }
  const mustHave = (backupId: string): void => {
    if (!kept.has(backupId)) throw new BackupFault('not-found', `Backup ${backupId} is not there`)
  }
  return {
    service: 'cinder.backup.drivers.simulated.SimulatedBackupDriver',
    async start() {
      if (options.file === undefined) return
      const text = await readFile(options.file, 'utf8').catch((error: NodeJS.ErrnoException) => {
        if (error.code === 'ENOENT') return '{}'
        throw error
      })
      for (const [id, needs] of Object.entries(JSON.parse(text) as Record<string, string[]>)) kept.set(id, needs)
    },
    async keep(backupId, parentId, _source, progress, signal) {
      if (kept.has(backupId)) return KEPT
      if (parentId !== null) mustHave(parentId)
      await options.pause?.(signal)
      signal.throwIfAborted()
      kept.set(backupId, parentId === null ? [] : [parentId])
      progress(1)
      await save()
      return KEPT
    },
    async fetched(backupId, use, signal) {
      mustHave(backupId)
      for (const needed of kept.get(backupId) ?? []) mustHave(needed)
      await options.pause?.(signal)
      signal.throwIfAborted()
      return use(null)
    },
    async adopt(fromId, backupId) {
      mustHave(fromId)
      if (!kept.has(backupId)) kept.set(backupId, [])
      await save()
      return KEPT
    },
    async remove(backupId) {
      if (kept.delete(backupId)) await save()
    },
    async inventory() {
      return { backups: [...kept].map(([backupId, needs]) => ({ backupId, needs })), leftovers: [] }
    },
  }
}
