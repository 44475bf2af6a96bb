// What the QEMU driver remembers of each guest: one folder with one guest.json, written before the deed it speaks of.
import { chown, mkdir, open, readdir, readFile, rename, rm, writeFile } from 'node:fs/promises'
import type { GuestUser, ProcessMark } from '#host/qemu/process.ts'
import type { GuestSpec } from '#services/nova/drivers/hypervisor.ts'

/**
 * `making`: disks are being made; nothing runs. `starting`: a process may exist that `process` does not name yet.
 * `destroying`: whatever is found goes away. The others are what they say.
 */
export type GuestPhase = 'making' | 'stopped' | 'starting' | 'running' | 'suspended' | 'destroying'

export interface GuestRecord {
  readonly spec: GuestSpec
  readonly phase: GuestPhase
  readonly process: ProcessMark | null
  /** The machine's boot in which `process` was started. */
  readonly bootId: string
  /** PCI slots (or bus positions) of disks and NICs, kept so that a guest finds its devices where they were. */
  readonly slots: Readonly<Record<string, number>>
  /** How it last ended, when not by us. */
  readonly ended?: { readonly why: 'guest' | 'crashed' | 'panic'; readonly detail: string }
}

export interface GuestStore {
  readonly root: string
  folder(serverId: string): string
  /** Undefined when there is no such guest, or only a folder whose record cannot be read. */
  read(serverId: string): Promise<GuestRecord | undefined>
  /** Whole or not at all: written beside and renamed. */
  write(record: GuestRecord): Promise<void>
  /** Makes the folder with its `run` folder; harmless when it is there. */
  makeFolder(serverId: string): Promise<string>
  removeFolder(serverId: string): Promise<void>
  /** The names of all folders, with a readable record or not. */
  ids(): Promise<readonly string[]>
}

const UUID = /^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/

/** Guests under `<state>/servers`. The folders belong to us; only `run` inside them belongs to the guests' user. */
export function guestStore(state: string, user: GuestUser | undefined): GuestStore {
  const root = `${state}/servers`
  const folder = (serverId: string): string => {
    if (!UUID.test(serverId)) throw new RangeError(`not a server's id: ${serverId}`)
    return `${root}/${serverId}`
  }
  let writes = 0
  return {
    root,
    folder,
    async read(serverId) {
      try {
        return JSON.parse(await readFile(`${folder(serverId)}/guest.json`, 'utf8')) as GuestRecord
      } catch (error) {
        if (error instanceof SyntaxError || (error as NodeJS.ErrnoException).code === 'ENOENT') return undefined
        throw error
      }
    },
    async write(record) {
      const file = `${folder(record.spec.serverId)}/guest.json`
      const beside = `${file}.${process.pid}.${++writes}.new`
      const text = JSON.stringify(record, null, 1)
      try {
        await writeFile(beside, text, { mode: 0o600 })
        await rename(beside, file)
      } catch (error) {
        await rm(beside, { force: true })
        if ((error as NodeJS.ErrnoException).code !== 'ENOSPC') throw error
        // On a full disk guests must still be stopped, adopted and removed: the old record's own blocks are room enough.
        await overwrite(file, text)
      }
    },
    async makeFolder(serverId) {
      const path = folder(serverId)
      await mkdir(root, { recursive: true, mode: 0o700 })
      // The guest's process may enter its folder and read in it, never add or exchange a name there: we follow names in it as root.
      await mkdir(path, { recursive: true, mode: user === undefined ? 0o700 : 0o750 })
      await mkdir(`${path}/run`, { recursive: true, mode: 0o700 })
      if (user !== undefined) {
        await chown(path, process.getuid?.() ?? 0, user.gid)
        await chown(`${path}/run`, user.uid, user.gid)
      }
      return path
    },
    removeFolder: serverId => rm(folder(serverId), { recursive: true, force: true }),
    async ids() {
      const names = await readdir(root).catch((error: NodeJS.ErrnoException) => {
        if (error.code === 'ENOENT') return []
        throw error
      })
      return names.filter(name => UUID.test(name))
    },
  }
}

async function overwrite(file: string, text: string): Promise<void> {
  const handle = await open(file, 'r+')
  try {
    const { bytesWritten } = await handle.write(text, 0)
    await handle.truncate(bytesWritten)
  } finally {
    await handle.close()
  }
}
