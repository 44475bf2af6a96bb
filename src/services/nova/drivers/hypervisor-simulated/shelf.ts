// Where simulated guests are kept: in memory, and in a file when they shall outlive the process.
import { copyFile, mkdir, readFile, rename, writeFile } from 'node:fs/promises'
import { dirname } from 'node:path'
import { blankQcow2 } from '#services/nova/drivers/hypervisor-simulated/blank-image.ts'
import type { GuestSpec, GuestState } from '#services/nova/drivers/hypervisor.ts'

export interface SimulatedGuest {
  readonly spec: GuestSpec
  readonly state: GuestState
  readonly startedAt: number
  readonly console: string
  /** Put aside while it moves or grows. */
  readonly aside?: boolean
  /** Received from another host and not yet taken over. */
  readonly incoming?: boolean
}

export interface Shelf {
  get(serverId: string): Promise<SimulatedGuest | undefined>
  all(): Promise<readonly SimulatedGuest[]>
  put(guest: SimulatedGuest): Promise<void>
  remove(serverId: string): Promise<void>
  /** Those put aside, apart from the others. */
  readonly aside: {
    get(serverId: string): Promise<SimulatedGuest | undefined>
    ids(): Promise<readonly string[]>
    /** From the shelf to here, in one write. */
    take(guest: SimulatedGuest): Promise<void>
    /** Back to the shelf, in one write. */
    giveBack(guest: SimulatedGuest): Promise<void>
    remove(serverId: string): Promise<void>
  }
  /** A capture: the image's bytes again, or a blank disk of that size where the image is only a name. */
  writeFile(path: string, base: string, virtualSize: number): Promise<void>
  close(): Promise<void>
}

/** Changes made while a write is under way go out together in the next one; `put` resolves when its own is on disk. */
export function createShelf(file: string | undefined): Shelf {
  const guests = new Map<string, SimulatedGuest>()
  const aside = new Map<string, SimulatedGuest>()
  let loaded: Promise<void> | undefined
  let writing: Promise<void> = Promise.resolve()
  let queued: Promise<void> | undefined

  const load = async (): Promise<void> => {
    if (file === undefined) return
    const text = await readFile(file, 'utf8').catch((error: NodeJS.ErrnoException) => {
      if (error.code === 'ENOENT') return '[]'
      throw error
    })
    for (const guest of JSON.parse(text) as SimulatedGuest[])
      (guest.aside === true ? aside : guests).set(guest.spec.serverId, guest)
  }
  const ready = (): Promise<void> => (loaded ??= load())
  const write = async (): Promise<void> => {
    if (file === undefined) return
    await mkdir(dirname(file), { recursive: true, mode: 0o700 })
    await writeFile(`${file}.new`, JSON.stringify([...guests.values(), ...aside.values()]), { mode: 0o600 })
    await rename(`${file}.new`, file)
  }
  const save = (): Promise<void> => {
    if (file === undefined) return Promise.resolve()
    if (queued !== undefined) return queued
    const next = writing
      .catch(() => undefined)
      .then(() => {
        queued = undefined
        return write()
      })
    queued = next
    writing = next
    return next
  }
  return {
    async get(serverId) {
      await ready()
      return guests.get(serverId)
    },
    async all() {
      await ready()
      return [...guests.values()]
    },
    async put(guest) {
      await ready()
      guests.set(guest.spec.serverId, guest)
      await save()
    },
    async remove(serverId) {
      await ready()
      if (guests.delete(serverId)) await save()
    },
    aside: {
      async get(serverId) {
        await ready()
        return aside.get(serverId)
      },
      async ids() {
        await ready()
        return [...aside.keys()]
      },
      async take(guest) {
        await ready()
        guests.delete(guest.spec.serverId)
        aside.set(guest.spec.serverId, { ...guest, aside: true })
        await save()
      },
      async giveBack({ aside: _was, ...guest }) {
        await ready()
        aside.delete(guest.spec.serverId)
        guests.set(guest.spec.serverId, guest)
        await save()
      },
      async remove(serverId) {
        await ready()
        if (aside.delete(serverId)) await save()
      },
    },
    async writeFile(path, base, virtualSize) {
      try {
        await copyFile(base, path)
      } catch {
        await writeFile(path, blankQcow2(virtualSize), { mode: 0o600 })
      }
    },
    close: () => writing.catch(() => undefined),
  }
}
