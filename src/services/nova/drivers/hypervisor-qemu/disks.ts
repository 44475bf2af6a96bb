// A guest's disks: those it owns are made in its folder; volumes, image bases and kernels come in as hard links, so that
// the guest's process reaches them by a name in its own folder whatever folders above are closed to it.
import {
  chmod,
  chown,
  copyFile,
  link,
  lstat,
  open,
  readdir,
  realpath,
  rename,
  rm,
  stat,
  symlink,
} from 'node:fs/promises'
import { dirname, isAbsolute, join } from 'node:path'
import type { Exec } from '#host/node/exec.ts'
import type { DiskLayer } from '#host/qemu/command-line.ts'
import type { GuestUser } from '#host/qemu/process.ts'
import { readQcow2Header } from '#host/qemu/qcow2-header.ts'
import { HypervisorFault, type DiskSource, type GuestSpec } from '#services/nova/drivers/hypervisor.ts'

const GIB = 2 ** 30

export interface DiskTools {
  readonly exec: Exec
  readonly user: GuestUser | undefined
  /** Every layer of a volume must lie below this folder. */
  readonly state: string
}

/** Makes what is missing of the guest's own disks; grows the root if the flavor did. Harmless to repeat. */
export async function makeOwnDisks(tools: DiskTools, guest: GuestSpec, folder: string): Promise<void> {
  if (guest.rootDisk.from === 'image') {
    const { base, baseFormat, sizeGb, baseVirtualSize } = guest.rootDisk
    if (sizeGb > 0 && baseVirtualSize !== undefined && baseVirtualSize > sizeGb * GIB) {
      throw new HypervisorFault(
        'disk-too-small',
        `Flavor's disk is too small for requested image. Flavor disk is ${sizeGb * GIB} bytes, image is ${baseVirtualSize} bytes.`,
      )
    }
    await makeOverlay(
      tools,
      folder,
      'root.qcow2',
      { base, format: baseFormat, name: `base.${baseFormat}` },
      sizeGb * GIB,
    )
  }
  if (guest.rescue !== undefined) {
    const { base, baseFormat } = guest.rescue
    await makeOverlay(tools, folder, 'rescue.qcow2', { base, format: baseFormat, name: `rescue-base.${baseFormat}` }, 0)
  }
  if ((guest.ephemeralGb ?? 0) > 0)
    await makeFormatted(tools, folder, 'ephemeral.raw', (guest.ephemeralGb ?? 0) * GIB, [
      'mke2fs',
      '-q',
      '-F',
      '-t',
      'ext4',
      '-L',
      'ephemeral0',
    ])
  if ((guest.swapMb ?? 0) > 0)
    await makeFormatted(tools, folder, 'swap.raw', (guest.swapMb ?? 0) * 2 ** 20, ['mkswap', '-L', 'swap'])
  for (const [name, path] of [
    ['kernel', guest.kernel],
    ['ramdisk', guest.ramdisk],
    ['rescue-kernel', guest.rescue?.kernel],
    ['rescue-ramdisk', guest.rescue?.ramdisk],
  ] as const) {
    if (path !== undefined) await bringIn(tools, path, `${folder}/${name}`, 'read')
  }
  if (guest.configDriveIso !== undefined) await ownCopy(tools, guest.configDriveIso, `${folder}/config.iso`)
}

/** What a rescue left: the next one begins with its image as it is. */
export async function dropRescueDisks(folder: string): Promise<void> {
  const names = ['rescue.qcow2', 'rescue-base.raw', 'rescue-base.qcow2', 'rescue-kernel', 'rescue-ramdisk']
  await Promise.all(names.map(name => rm(`${folder}/${name}`, { force: true })))
}

/** The guest's own disks away, so that `makeOwnDisks` makes them anew. */
export async function dropOwnDisks(folder: string, keepEphemeral: boolean): Promise<void> {
  await dropRescueDisks(folder)
  const names = ['root.qcow2', 'base.raw', 'base.qcow2', 'kernel', 'ramdisk']
  if (!keepEphemeral) names.push('ephemeral.raw', 'swap.raw')
  await Promise.all(names.map(name => rm(`${folder}/${name}`, { force: true })))
}

async function makeOverlay(
  tools: DiskTools,
  folder: string,
  name: string,
  below: { readonly base: string; readonly format: 'raw' | 'qcow2'; readonly name: string },
  size: number,
): Promise<void> {
  const path = `${folder}/${name}`
  const there = await readQcow2Header(path).catch(() => undefined)
  if (there !== undefined) {
    if (size > there.virtualSize) await tools.exec.run(['qemu-img', 'resize', '-q', '-f', 'qcow2', path, String(size)])
    return
  }
  await bringIn(tools, below.base, `${folder}/${below.name}`, 'read')
  await rm(`${path}.new`, { force: true })
  const vector = ['qemu-img', 'create', '-q', '-f', 'qcow2', '-b', below.name, '-F', below.format, `${path}.new`]
  await tools.exec.run(size > 0 ? [...vector, String(size)] : vector)
  await give(tools, `${path}.new`, 'write')
  await rename(`${path}.new`, path)
}

async function makeFormatted(
  tools: DiskTools,
  folder: string,
  name: string,
  size: number,
  format: readonly string[],
): Promise<void> {
  const path = `${folder}/${name}`
  if ((await stat(path).catch(() => undefined)) !== undefined) return
  await rm(`${path}.new`, { force: true })
  const handle = await open(`${path}.new`, 'wx', 0o600)
  await handle.truncate(size)
  await handle.close()
  // Without the tool the guest gets an empty disk, as it does upstream for a format the host does not know.
  await tools.exec.run([...format, `${path}.new`]).catch(() => undefined)
  await give(tools, `${path}.new`, 'write')
  await rename(`${path}.new`, path)
}

/** Lets the guests' user read or write a file, and nobody else. Nothing to do when guests run as ourselves. */
async function give(tools: DiskTools, path: string, how: 'read' | 'write'): Promise<void> {
  const { user } = tools
  if (user === undefined) return
  if (how === 'write') {
    await chown(path, user.uid, user.gid)
    await chmod(path, 0o600)
    return
  }
  const now = await stat(path)
  if ((now.mode & 0o004) !== 0) return // the system's own kernel, for one: open to all, and not ours to change
  if (now.uid !== user.uid && now.gid !== user.gid) await chown(path, now.uid, user.gid)
  if ((now.mode & 0o440) !== 0o440) await chmod(path, (now.mode & 0o777) | 0o440)
}

/** A second name for `from` at `to`; a symbolic link where the file systems differ. Harmless to repeat. */
async function bringIn(tools: DiskTools, from: string, to: string, how: 'read' | 'write'): Promise<void> {
  const source = await realpath(from).catch(async (error: NodeJS.ErrnoException) => {
    // What a guest once had it keeps, whatever became of the cache.
    if (error.code === 'ENOENT' && how === 'read' && (await stat(to).catch(() => undefined)) !== undefined) return to
    throw error
  })
  if (source === to) return
  const [want, have] = await Promise.all([stat(source), lstat(to).catch(() => undefined)])
  if (have === undefined || have.ino !== want.ino || have.dev !== want.dev) {
    await rm(to, { force: true })
    try {
      await link(source, to)
    } catch (error) {
      const { code } = error as NodeJS.ErrnoException
      if (code !== 'EXDEV' && code !== 'EPERM' && code !== 'EMLINK') throw error
      await symlink(source, to)
    }
  }
  await give(tools, to, how)
}

/** The guest's own copy: what `from` says now, or, when it is gone, what it said last. */
async function ownCopy(tools: DiskTools, from: string, to: string): Promise<void> {
  try {
    await copyFile(from, `${to}.new`)
  } catch (error) {
    const kept = await stat(to).catch(() => undefined)
    if ((error as NodeJS.ErrnoException).code === 'ENOENT' && kept !== undefined) return
    throw error
  }
  await chmod(`${to}.new`, 0o600) // it holds passwords: open to the guests' user, not to all
  await give(tools, `${to}.new`, 'read')
  await rename(`${to}.new`, to)
}

/**
 * Brings a volume into the guest's folder, every layer of it, and says how QEMU opens it. Names begin with
 * `volume-<id>`; what an earlier attachment left under them is replaced.
 */
export async function bringVolume(
  tools: DiskTools,
  folder: string,
  volumeId: string,
  source: DiskSource,
  readOnly: boolean,
): Promise<DiskLayer> {
  const name = `volume-${volumeId}`
  if (source.kind === 'nbd-tcp') return { format: 'raw', backing: null, file: source }
  if (source.kind === 'nbd') {
    await bringIn(tools, source.socket, `${folder}/${name}.sock`, 'write')
    return { format: 'raw', backing: null, file: { kind: 'nbd', socket: `${name}.sock`, export: source.export } }
  }
  const layers = await chainOf(source.path, source.format)
  const home = await realpath(tools.state)
  let layer: DiskLayer | null = null
  for (const [depth, { path, format }] of [...layers.entries()].toReversed()) {
    const real = await realpath(path)
    // invariant: a backing name inside a file never leads out of the cloud's own folder.
    if (depth > 0 && !real.startsWith(`${home}/`))
      throw new HypervisorFault('invalid', `Volume ${volumeId} has a backing file outside the state folder`)
    const here = depth === 0 ? `${name}.${format}` : `${name}.${depth}.${format}`
    await bringIn(tools, real, `${folder}/${here}`, depth === 0 && !readOnly ? 'write' : 'read')
    layer = { format, file: { kind: 'file', path: here }, backing: layer }
  }
  if (layer === null) throw new HypervisorFault('invalid', `Volume ${volumeId} has no file`)
  return layer
}

/**
 * Removes a volume's names from the guest's folder, but for those in `keep`, and takes the files back from the guests'
 * user where no other guest has them.
 */
export async function takeVolumeOut(
  tools: DiskTools,
  folder: string,
  volumeId: string,
  keep: ReadonlySet<string> = new Set(),
): Promise<void> {
  for (const name of await readdir(folder).catch(() => [])) {
    if (!name.startsWith(`volume-${volumeId}.`) || keep.has(name)) continue
    const path = `${folder}/${name}`
    const about = await lstat(path).catch(() => undefined)
    if (tools.user !== undefined && about?.uid === tools.user.uid && about.nlink === 2) {
      await chown(path, process.getuid?.() ?? 0, process.getgid?.() ?? 0)
    }
    await rm(path, { force: true })
  }
}

/** The names in the guest's folder that a layer and those below it use. */
export function namesOf(layer: DiskLayer | null): readonly string[] {
  if (layer === null) return []
  const { file } = layer
  const name = file.kind === 'file' ? [file.path] : file.kind === 'nbd' ? [file.socket] : []
  return [...name, ...namesOf(layer.backing)]
}

/** The layers of a file from the top: its own backing names, each with the format that stands beside the name. */
async function chainOf(
  path: string,
  format: 'raw' | 'qcow2',
): Promise<readonly { path: string; format: 'raw' | 'qcow2' }[]> {
  const layers: { path: string; format: 'raw' | 'qcow2' }[] = []
  let next: { path: string; format: 'raw' | 'qcow2' } | undefined = { path, format }
  while (next !== undefined) {
    if (layers.length === 64) throw new HypervisorFault('invalid', `${path} has more than 64 layers`)
    layers.push(next)
    if (next.format === 'raw') break
    const header = await readQcow2Header(next.path)
    if (header.dataFile) throw new HypervisorFault('invalid', `${next.path} keeps its data in another file`)
    if (header.backing === undefined) break
    const { name, format: below } = header.backing
    if (below !== 'raw' && below !== 'qcow2')
      throw new HypervisorFault('invalid', `${next.path} does not say what format its backing file has`)
    next = { path: isAbsolute(name) ? name : join(dirname(next.path), name), format: below }
  }
  return layers
}
