// A volume's contents as a whole: replaced, taken back to a snapshot, written out in other formats.
import { createReadStream } from 'node:fs'
import { chmod, rename, rm, stat } from 'node:fs/promises'
import { limited, qemuFormat, type QemuImg } from '#host/block/qemu-img.ts'
import type { Exec } from '#host/node/exec.ts'
import { readQcow2Header } from '#host/qemu/qcow2-header.ts'
import { BackendFault, type Backend, type ExportFormat, type Filling } from '#services/cinder/drivers/backend.ts'
import type { Extent } from '#services/cinder/drivers/backups.ts'
import { exists, partialName, snapshotName } from '#services/cinder/drivers/backend-file/layout.ts'

/** What the file back end lends to its parts. */
export interface Inside {
  readonly folder: string
  readonly exec: Exec
  readonly qemu: QemuImg
  /** Deeds about one volume run one after another. */
  one<T>(volumeId: string, deed: () => Promise<T>): Promise<T>
  translated<T>(deed: Promise<T>): Promise<T>
  /** The path of the newest layer. Throws `not-found`. */
  mustHave(volumeId: string): Promise<string>
  isInUse(volumeId: string): Promise<boolean>
  standsOn(volumeId: string, name: string): Promise<string | null>
  takeBack(volumeId: string): Promise<void>
  collapse(volumeId: string): Promise<void>
  fill(volumeId: string, to: string, sizeGb: number, filling: Filling, signal: AbortSignal): Promise<void>
  forgetPartials(volumeId: string): Promise<void>
}

const MIB = 2 ** 20
const LONG = { memoryBytes: 2 ** 31, cpuSeconds: 1800, timeoutMs: 3_600_000 }
const BRIEF = { memoryBytes: 2 ** 30, cpuSeconds: 30, timeoutMs: 30_000 }

export const demandFree = async (inside: Inside, volumeId: string): Promise<string> => {
  const path = await inside.mustHave(volumeId)
  if (await inside.isInUse(volumeId)) throw new BackendFault('busy', `Volume ${volumeId} is in use by a running server`)
  return path
}

export function createContents(inside: Inside): Pick<Backend, 'replace' | 'revert' | 'exported'> {
  const { folder, exec, qemu } = inside
  const at = (name: string): string => `${folder}/${name}`

  /** A new newest layer in place of the one there is; the layers below stay. */
  async function exchange(volumeId: string, make: (to: string) => Promise<void>): Promise<void> {
    const path = await demandFree(inside, volumeId)
    await inside.forgetPartials(volumeId)
    await inside.takeBack(volumeId)
    const partial = at(partialName(volumeId, 'new'))
    try {
      await make(partial)
      await chmod(partial, 0o600)
      await rename(partial, path)
    } finally {
      await inside.forgetPartials(volumeId)
    }
    await inside.collapse(volumeId)
  }

  async function writeAs(from: string, to: string, format: ExportFormat): Promise<void> {
    const toFormat = qemuFormat(format)
    if (toFormat === undefined) throw new BackendFault('unsupported', `volumes cannot be written as ${format}`)
    if (toFormat !== 'vmdk') return qemu.convert(from, to, { fromFormat: 'qcow2', toFormat })
    // Glance takes no VMDK that names other files.
    const how = ['-f', 'qcow2', '-O', 'vmdk', '-o', 'subformat=streamOptimized']
    await exec.run([...limited(LONG), 'qemu-img', 'convert', '-q', ...how, from, to], { timeoutMs: LONG.timeoutMs })
  }

  return {
    replace: (volumeId, sizeGb, filling, signal) =>
      inside.one(volumeId, () => exchange(volumeId, to => inside.fill(volumeId, to, sizeGb, filling, signal))),

    revert: (volumeId, snapshotId) =>
      inside.one(volumeId, async () => {
        const size = (await readQcow2Header(await inside.mustHave(volumeId))).virtualSize
        const below = snapshotName(volumeId, snapshotId)
        if (!(await exists(at(below)))) throw new BackendFault('not-found', `Snapshot ${snapshotId} is not there`)
        const vector = ['qemu-img', 'create', '-q', '-f', 'qcow2', '-u', '-b', below, '-F', 'qcow2']
        await exchange(volumeId, async to => {
          await exec.run([...limited(BRIEF), ...vector, to, String(size)])
        })
      }),

    async exported({ volumeId, snapshotId }, format, use, signal) {
      const path = at(partialName(volumeId, `export-${snapshotId ?? 'now'}`))
      try {
        const extents = await inside.one(volumeId, async () => {
          const from = snapshotId === null ? await demandFree(inside, volumeId) : at(snapshotName(volumeId, snapshotId))
          if (!(await exists(from))) throw new BackendFault('not-found', `Snapshot ${snapshotId ?? ''} is not there`)
          await rm(path, { force: true })
          await writeAs(from, path, format)
          signal.throwIfAborted()
          return format === 'raw' ? extentsOf(exec, path) : []
        })
        const { size } = await stat(path)
        return await use({
          path,
          sizeBytes: size,
          extents,
          bytes: () => createReadStream(path, { highWaterMark: MIB }),
        })
      } finally {
        await rm(path, { force: true })
      }
    },
  }
}

/** Where a raw file has more than zeros. */
async function extentsOf(exec: Exec, path: string): Promise<Extent[]> {
  const { stdout } = await exec.run([...limited(BRIEF), 'qemu-img', 'map', '-f', 'raw', '--output=json', path])
  return (JSON.parse(stdout) as { start: number; length: number; data: boolean; zero: boolean }[])
    .filter(one => one.data && !one.zero)
    .map(({ start, length }) => ({ start, length }))
}
