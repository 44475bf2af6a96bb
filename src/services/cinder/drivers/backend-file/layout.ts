// How volumes lie in the folder. The newest layer of a volume is always `volume-<id>`, so what Nova keeps of a connection stays
// true; what a snapshot holds is `volume-<id>.snapshot-<snapshot>`, further down in the same chain of qcow2 files.
import { link, lstat, readdir, rename, rm } from 'node:fs/promises'
import { readQcow2Header } from '#host/qemu/qcow2-header.ts'

const UUID = '[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}'
const ID = new RegExp(`^${UUID}$`)
const NAME = new RegExp(`^volume-(${UUID})(?:\\.(snapshot|overlay|dropped|unmanaged)-(${UUID}))?$`)

/**
 * What a file in the folder is. `overlay` is a further name of the newest layer, by which a guest's host knows it; `dropped`
 * marks the layer of a snapshot that was deleted while something stood on it, `unmanaged` that of one that is nobody's now.
 */
export interface Entry {
  readonly name: string
  readonly volumeId: string
  readonly kind: 'volume' | 'snapshot' | 'overlay' | 'dropped' | 'unmanaged'
  readonly snapshotId: string | null
}

const demandId = (id: string): string => {
  if (!ID.test(id)) throw new RangeError(`not an id: ${id}`)
  return id
}
export const volumeName = (volumeId: string): string => `volume-${demandId(volumeId)}`
export const snapshotName = (volumeId: string, snapshotId: string): string =>
  `${volumeName(volumeId)}.snapshot-${demandId(snapshotId)}`
export const overlayName = (volumeId: string, snapshotId: string): string =>
  `${volumeName(volumeId)}.overlay-${demandId(snapshotId)}`
export const droppedName = (volumeId: string, snapshotId: string): string =>
  `${volumeName(volumeId)}.dropped-${demandId(snapshotId)}`
export const unmanagedName = (volumeId: string, snapshotId: string): string =>
  `${volumeName(volumeId)}.unmanaged-${demandId(snapshotId)}`
/** Where files lie that could become volumes. */
export const MANAGEABLE = 'manageable'
/** Work in progress: gone at the next start. */
export const partialName = (volumeId: string, what: string): string => `.partial-${demandId(volumeId)}.${what}`
export const isPartial = (name: string): boolean => name.startsWith('.partial-')

/** All files of all volumes, or of one. */
export async function entriesOf(folder: string, volumeId?: string): Promise<Entry[]> {
  const found: Entry[] = []
  for (const name of await readdir(folder).catch(() => [] as string[])) {
    const match = NAME.exec(name)
    if (match === null || (volumeId !== undefined && match[1] !== volumeId)) continue
    found.push({
      name,
      volumeId: match[1] ?? '',
      kind: (match[2] as Entry['kind'] | undefined) ?? 'volume',
      snapshotId: match[3] ?? null,
    })
  }
  return found
}

export const exists = async (path: string): Promise<boolean> => (await lstat(path).catch(() => undefined)) !== undefined

/** Whether two names are of one file. */
export async function sameFile(a: string, b: string): Promise<boolean> {
  const [x, y] = await Promise.all([lstat(a).catch(() => undefined), lstat(b).catch(() => undefined)])
  return x !== undefined && y !== undefined && x.ino === y.ino && x.dev === y.dev
}

/** `to` becomes another name of `from`, whatever it was before, in one step. */
export async function linkOver(from: string, to: string): Promise<void> {
  if (await sameFile(from, to)) return
  const beside = `${to.slice(0, to.lastIndexOf('/'))}/.partial-link-${to.slice(to.lastIndexOf('/') + 1)}`
  await rm(beside, { force: true })
  await link(from, beside)
  await rename(beside, to)
}

/** The name of the file a layer stands on, without its folder; null for one that stands alone. */
export async function backingOf(path: string): Promise<string | null> {
  const { backing } = await readQcow2Header(path)
  return backing === undefined ? null : backing.name.slice(backing.name.lastIndexOf('/') + 1)
}

/** The layers of a volume from the newest down, as names. Throws the system's error when one is missing. */
export async function chainOf(folder: string, volumeId: string): Promise<string[]> {
  const chain = [volumeName(volumeId)]
  for (
    let name = await backingOf(`${folder}/${chain[0]}`);
    name !== null;
    name = await backingOf(`${folder}/${name}`)
  ) {
    if (chain.length > 64 || chain.includes(name)) throw new RangeError(`${volumeId}: its layers do not end`)
    chain.push(name)
  }
  return chain
}
