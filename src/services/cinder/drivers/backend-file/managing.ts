// Volumes and snapshots that are nobody's: let go of, and taken up again by other ids. Files lie in a folder of their own, where an
// administrator may put more.
import { chmod, link, readdir, rename, rm } from 'node:fs/promises'
import { inspectFile } from '#host/block/inspect-file.ts'
import { limited, qemuFormat } from '#host/block/qemu-img.ts'
import { readQcow2Header } from '#host/qemu/qcow2-header.ts'
import { BackendFault, type Backend, type Manageable } from '#services/cinder/drivers/backend.ts'
import { demandFree, type Inside } from '#services/cinder/drivers/backend-file/contents.ts'
import {
  entriesOf,
  exists,
  MANAGEABLE,
  partialName,
  snapshotName,
  unmanagedName,
  volumeName,
} from '#services/cinder/drivers/backend-file/layout.ts'

const GIB = 2 ** 30
const NAME = /^[A-Za-z0-9][A-Za-z0-9_.-]{0,254}$/
const BRIEF = { memoryBytes: GIB, cpuSeconds: 30, timeoutMs: 30_000 }

export function createManaging(
  inside: Inside,
): Pick<Backend, 'unmanaged' | 'manage' | 'unmanage' | 'manageSnapshot' | 'unmanageSnapshot'> {
  const { folder, exec, qemu } = inside
  const at = (name: string): string => `${folder}/${name}`
  const aside = (name: string): string => `${folder}/${MANAGEABLE}/${name}`

  /** Judged like an image: what an administrator puts there may come from anywhere. */
  async function look(name: string): Promise<Manageable & { readonly format: string }> {
    const { format, virtualSize, problems } = await inspectFile(aside(name), await declared(aside(name)))
    const known = qemuFormat(format) !== undefined
    return {
      name,
      format,
      sizeBytes: virtualSize,
      unsafe: problems[0]?.message ?? (known ? null : `${format} is not supported`),
    }
  }

  return {
    unmanaged: () =>
      inside.translated(
        (async () => {
          const volumes: Manageable[] = []
          for (const file of await readdir(`${folder}/${MANAGEABLE}`).catch(() => [] as string[])) {
            if (!NAME.test(file)) continue
            const { name, sizeBytes, unsafe } = await look(file)
            volumes.push({ name, sizeBytes, unsafe })
          }
          const snapshots = []
          for (const { kind, name, volumeId, snapshotId } of await entriesOf(folder))
            if (kind === 'unmanaged' && snapshotId !== null)
              snapshots.push({ volumeId, snapshotId, sizeBytes: (await readQcow2Header(at(name))).virtualSize })
          return { volumes, snapshots }
        })(),
      ),

    manage: (name, volumeId) =>
      inside.one(volumeId, async () => {
        const path = at(volumeName(volumeId))
        if (!(await exists(path))) {
          if (!NAME.test(name) || !(await exists(aside(name))))
            throw new BackendFault('not-found', `${name} is not there`)
          const found = await look(name)
          if (found.unsafe !== null) throw new BackendFault('refused', `${name} is unacceptable: ${found.unsafe}`)
          const format = qemuFormat(found.format) ?? 'raw'
          const whole = Math.max(1, Math.ceil(found.sizeBytes / GIB)) * GIB
          await inside.forgetPartials(volumeId)
          if (format === 'qcow2') {
            if (found.sizeBytes < whole) await qemu.resize(aside(name), { format, sizeBytes: whole })
            await chmod(aside(name), 0o600)
            await rename(aside(name), path)
          } else {
            const partial = at(partialName(volumeId, 'new'))
            await qemu.convert(aside(name), partial, { fromFormat: format, toFormat: 'qcow2' })
            if (found.sizeBytes < whole) await qemu.resize(partial, { format: 'qcow2', sizeBytes: whole })
            await chmod(partial, 0o600)
            await rename(partial, path)
            await rm(aside(name), { force: true })
          }
        }
        return { sizeGb: Math.ceil((await readQcow2Header(path)).virtualSize / GIB) }
      }),

    unmanage: volumeId =>
      inside.one(volumeId, async () => {
        if (!(await exists(at(volumeName(volumeId))))) return
        const path = await demandFree(inside, volumeId)
        await inside.takeBack(volumeId)
        await inside.collapse(volumeId)
        if ((await entriesOf(folder, volumeId)).length > 1)
          throw new BackendFault('unsupported', `Volume ${volumeId} has snapshots and cannot be let go of`)
        await rename(path, aside(volumeName(volumeId)))
      }),

    manageSnapshot: (volumeId, fromId, snapshotId) =>
      inside.one(volumeId, async () => {
        await demandFree(inside, volumeId)
        const before = snapshotName(volumeId, fromId)
        const after = snapshotName(volumeId, snapshotId)
        const mark = at(unmanagedName(volumeId, fromId))
        if (!(await exists(mark))) {
          if (await exists(at(after))) return
          throw new BackendFault('not-found', `Snapshot ${fromId} is not there`)
        }
        if (before !== after) {
          await link(mark, at(after)).catch((error: NodeJS.ErrnoException) => {
            if (error.code !== 'EEXIST') throw error
          })
          const above = await inside.standsOn(volumeId, before)
          if (above !== null)
            await exec.run([
              ...limited(BRIEF),
              ...['qemu-img', 'rebase', '-q', '-u', '-f', 'qcow2', '-b', after, '-F', 'qcow2', at(above)],
            ])
          await rm(at(before), { force: true })
        }
        await rm(mark)
      }),

    unmanageSnapshot: (volumeId, snapshotId) =>
      inside.one(volumeId, async () => {
        await inside.mustHave(volumeId)
        const name = snapshotName(volumeId, snapshotId)
        if (!(await exists(at(name)))) return
        await link(at(name), at(unmanagedName(volumeId, snapshotId))).catch((error: NodeJS.ErrnoException) => {
          if (error.code !== 'EEXIST') throw error
        })
      }),
  }
}

/** What a file says it is: qcow2 if it begins so, else bytes as they are. */
const declared = async (path: string): Promise<string> => {
  const header = await readQcow2Header(path).catch(() => null)
  return header === null ? 'raw' : 'qcow2'
}
