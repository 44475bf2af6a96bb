// Volumes as qcow2 files in a folder. A server on this host opens the file itself; a server elsewhere gets it over NBD.
import { chmod, chown, link, lstat, mkdir, readdir, rename, rm, statfs } from 'node:fs/promises'
import { limited, createQemuImg } from '#host/block/qemu-img.ts'
import { ExecError, type Exec } from '#host/node/exec.ts'
import { readQcow2Header } from '#host/qemu/qcow2-header.ts'
import type { Clock } from '#kernel/lib/clock.ts'
import { locks } from '#kernel/lib/lock.ts'
import { BackendFault, type Backend, type Filling } from '#services/cinder/drivers/backend.ts'
import { createContents } from '#services/cinder/drivers/backend-file/contents.ts'
import { createExports } from '#services/cinder/drivers/backend-file/exports.ts'
import { imageToQcow2 } from '#services/cinder/drivers/backend-file/image-bytes.ts'
import { createManaging } from '#services/cinder/drivers/backend-file/managing.ts'
import {
  backingOf,
  droppedName,
  entriesOf,
  exists,
  isPartial,
  linkOver,
  MANAGEABLE,
  overlayName,
  partialName,
  sameFile,
  snapshotName,
  volumeName,
} from '#services/cinder/drivers/backend-file/layout.ts'

export interface FileBackendOptions {
  /** Made with mode 0700. On a file system with hard links. */
  readonly folder: string
  readonly exec: Exec
  readonly clock: Clock
  /** The machine's name: who connects from it gets the file itself. */
  readonly host: string
  /** GiB that all volumes together may take. */
  readonly totalGb: number
  /** Where volumes are served to other hosts. */
  readonly nbdAddress: string
}

const GIB = 2 ** 30
const BRIEF = { memoryBytes: GIB, cpuSeconds: 30, timeoutMs: 30_000 }

export function createFileBackend(options: FileBackendOptions): Backend {
  const { folder, exec, host } = options
  const qemu = createQemuImg({ exec })
  const exports = createExports({ exec, clock: options.clock, folder, address: options.nbdAddress })
  const lock = locks()
  const working = new Set<Promise<void>>()
  const at = (name: string): string => `${folder}/${name}`

  /** True while a guest, or a daemon of ours, has the file open for writing: QEMU locks what it writes. */
  async function isHeld(path: string): Promise<boolean> {
    const vector = [...limited(BRIEF), 'qemu-img', 'info', '-f', 'qcow2', '--output=json', path]
    const { code, stderr } = await exec.run(vector, { anyCode: true })
    if (code === 0) return false
    if (/lock/.test(stderr)) return true
    throw new BackendFault('failed', `${path} cannot be read: ${stderr.trim().slice(-300)}`)
  }
  /** An empty layer over a name in the same folder, which need not be there yet. */
  async function makeOverlay(name: string, backing: string, sizeBytes: number): Promise<void> {
    await rm(at(name), { force: true })
    const vector = ['qemu-img', 'create', '-q', '-f', 'qcow2', '-u', '-b', backing, '-F', 'qcow2', at(name)]
    await exec.run([...limited(BRIEF), ...vector, String(sizeBytes)])
    await chmod(at(name), 0o600)
  }
  /** A guest, or a daemon of ours, writes to the volume's newest layer, whatever it goes by. */
  async function isInUse(volumeId: string): Promise<boolean> {
    for (const { name, kind } of await entriesOf(folder, volumeId)) {
      if (kind === 'volume' && (await isHeld(at(name)))) return true
      // One that was not finished can be read by nobody.
      if (kind === 'overlay' && (await isHeld(at(name)).catch(() => false))) return true
    }
    return false
  }
  /** The further names of the newest layer, those of overlays that still wait for their guest left out. */
  async function aliasesOf(volumeId: string): Promise<string[]> {
    const found: string[] = []
    for (const { kind, name, snapshotId } of await entriesOf(folder, volumeId))
      if (kind === 'overlay' && !(await isPrepared(volumeId, snapshotId ?? ''))) found.push(at(name))
    return found
  }
  /** A host that knows the volume by a further name finds the newest layer there, also when its guest begins anew. */
  async function realias(volumeId: string): Promise<void> {
    const path = at(volumeName(volumeId))
    for (const alias of await aliasesOf(volumeId)) if (!(await sameFile(path, alias))) await linkOver(path, alias)
  }
  /** A file that a guest's user had is ours again, and goes by one name. */
  async function takeBack(volumeId: string): Promise<void> {
    const path = at(volumeName(volumeId))
    for (const alias of await aliasesOf(volumeId)) await rm(alias, { force: true })
    const uid = process.getuid?.() ?? 0
    const gid = process.getgid?.() ?? 0
    const about = await lstat(path).catch(() => undefined)
    if (uid === 0 && about !== undefined && about.uid !== uid) await chown(path, uid, gid)
  }
  /** Lets the layers of deleted snapshots go; nobody may have the volume open. What stands on one is merged down into it. */
  async function collapse(volumeId: string): Promise<void> {
    for (const { kind, name: marker, snapshotId } of await entriesOf(folder, volumeId)) {
      if (kind !== 'dropped') continue
      const name = snapshotName(volumeId, snapshotId ?? '')
      if (await exists(at(name))) {
        const above = await standsOn(volumeId, name)
        if (above === null) await rm(at(name))
        else {
          await qemu.commit(at(above), { keepOverlay: true })
          await chmod(at(name), 0o600)
          await rename(at(name), at(above))
        }
      }
      await rm(at(marker), { force: true })
    }
    await realias(volumeId)
  }
  /** {@link collapse} when nobody waits for it. What fails is tried again at the next parting or start: the marks stay. */
  function collapseLater(volumeId: string): void {
    const deed = one(volumeId, async () => {
      if (!(await isInUse(volumeId))) await collapse(volumeId)
    })
      .catch(() => undefined)
      .finally(() => working.delete(deed))
    working.add(deed)
  }
  const mustHave = async (volumeId: string): Promise<string> => {
    const path = at(volumeName(volumeId))
    if (!(await exists(path))) throw new BackendFault('not-found', `Volume ${volumeId} is not there`)
    return path
  }
  const sizeBytes = async (volumeId: string): Promise<number> =>
    (await readQcow2Header(await mustHave(volumeId))).virtualSize

  /** Fills `to` and makes it as large as asked. */
  async function fill(
    volumeId: string,
    to: string,
    sizeGb: number,
    filling: Filling,
    signal: AbortSignal,
  ): Promise<void> {
    switch (filling.from) {
      case 'nothing':
        return qemu.createBlank(to, { format: 'qcow2', sizeBytes: sizeGb * GIB })
      case 'image':
        await imageToQcow2(qemu, filling.image, sizeGb, { work: at(partialName(volumeId, 'download')), to }, signal)
        break
      case 'volume': {
        const from = await mustHave(filling.volumeId)
        if (await isHeld(from))
          throw new BackendFault(
            'busy',
            `Volume ${filling.volumeId} is in use by a running server: make a snapshot of it and create the volume from that`,
          )
        await qemu.convert(from, to, { fromFormat: 'qcow2', toFormat: 'qcow2' })
        break
      }
      case 'file':
        if (filling.path === null) throw new BackendFault('unsupported', 'there are no bytes to take')
        await qemu.convert(filling.path, to, { fromFormat: 'raw', toFormat: 'qcow2' })
        break
      case 'snapshot': {
        const from = at(snapshotName(filling.volumeId, filling.snapshotId))
        if (!(await exists(from))) throw new BackendFault('not-found', `Snapshot ${filling.snapshotId} is not there`)
        await qemu.convert(from, to, { fromFormat: 'qcow2', toFormat: 'qcow2' })
      }
    }
    signal.throwIfAborted()
    if ((await readQcow2Header(to)).virtualSize < sizeGb * GIB)
      await qemu.resize(to, { format: 'qcow2', sizeBytes: sizeGb * GIB })
  }
  const forgetPartials = async (volumeId: string): Promise<void> => {
    for (const what of ['new', 'download']) await rm(at(partialName(volumeId, what)), { force: true })
  }
  /** The layer that stands on `name`, or null. */
  async function standsOn(volumeId: string, name: string): Promise<string | null> {
    for (const entry of await entriesOf(folder, volumeId)) {
      if (entry.kind !== 'volume' && entry.kind !== 'snapshot') continue
      if ((await backingOf(at(entry.name))) === name) return entry.name
    }
    return null
  }
  const isSwitched = async (volumeId: string, snapshotId: string): Promise<boolean> => {
    const overlay = at(overlayName(volumeId, snapshotId))
    return (await exists(overlay)) && (await isHeld(overlay))
  }
  /** The snapshot's name and the volume's are of one file still: the overlay was made and nobody writes to it. */
  const isPrepared = (volumeId: string, snapshotId: string): Promise<boolean> =>
    sameFile(at(snapshotName(volumeId, snapshotId)), at(volumeName(volumeId)))

  async function createSnapshot(volumeId: string, snapshotId: string): Promise<{ live: { overlay: string } | null }> {
    const volume = await mustHave(volumeId)
    const snapshot = at(snapshotName(volumeId, snapshotId))
    const overlay = at(overlayName(volumeId, snapshotId))
    if ((await exists(snapshot)) && !(await isPrepared(volumeId, snapshotId))) return { live: null } // done before
    if (!(await exists(overlay)) || !(await exists(snapshot))) {
      await makeOverlay(
        overlayName(volumeId, snapshotId),
        snapshotName(volumeId, snapshotId),
        await sizeBytes(volumeId),
      )
      await link(volume, snapshot).catch((error: NodeJS.ErrnoException) => {
        if (error.code !== 'EEXIST') throw error
      })
    }
    if (await exports.has(volumeId)) {
      await exports.snapshot(volumeId, overlayName(volumeId, snapshotId))
      await linkOver(overlay, volume)
      await rm(overlay, { force: true })
      return { live: null }
    }
    if ((await isHeld(volume)) || (await isHeld(overlay))) return { live: { overlay } }
    await rename(overlay, volume)
    if (!(await isHeld(snapshot))) {
      await realias(volumeId)
      return { live: null }
    }
    // A guest began in this very moment and writes to what was to be the snapshot: back, and its host does it.
    await rename(volume, overlay)
    await linkOver(snapshot, volume)
    return { live: { overlay } }
  }

  async function removeSnapshot(volumeId: string, snapshotId: string): Promise<void> {
    const name = snapshotName(volumeId, snapshotId)
    const volume = at(volumeName(volumeId))
    const overlay = at(overlayName(volumeId, snapshotId))
    if (!(await exists(at(name)))) {
      if (!(await sameFile(volume, overlay))) await rm(overlay, { force: true })
      return
    }
    if (await isPrepared(volumeId, snapshotId)) {
      // Begun and not switched: the overlay is empty. If a guest writes there after all, it is the volume now.
      if (!(await isSwitched(volumeId, snapshotId))) {
        await rm(overlay, { force: true })
        await rm(at(name), { force: true })
        return
      }
      await linkOver(overlay, volume)
    }
    await link(at(name), at(droppedName(volumeId, snapshotId))).catch((error: NodeJS.ErrnoException) => {
      if (error.code !== 'EEXIST') throw error
    })
    if (!(await isInUse(volumeId))) await collapse(volumeId)
  }

  const translated = <T>(deed: Promise<T>): Promise<T> => deed.catch(asBackendFault)
  const one = <T>(volumeId: string, deed: () => Promise<T>): Promise<T> => translated(lock.with(volumeId, deed))

  const inside = {
    folder,
    exec,
    qemu,
    one,
    mustHave,
    isInUse,
    standsOn,
    takeBack,
    collapse,
    fill,
    forgetPartials,
    translated,
  }
  const contents = { ...createContents(inside), ...createManaging(inside) }

  return {
    protocol: 'file',
    capabilities: { thin: true, multiattach: false, onlineExtend: true, liveSnapshot: true, remote: true },
    async start() {
      await mkdir(folder, { recursive: true, mode: 0o700 })
      for (const name of await readdir(folder)) if (isPartial(name)) await rm(at(name), { force: true })
      await mkdir(at(MANAGEABLE), { recursive: true, mode: 0o700 })
      await exports.adopt()
      const unfinished = (await entriesOf(folder)).filter(({ kind }) => kind === 'dropped' || kind === 'overlay')
      for (const volumeId of new Set(unfinished.map(entry => entry.volumeId))) collapseLater(volumeId)
    },
    async room() {
      let taken = 0
      const seen = new Set<number>()
      for (const entry of await entriesOf(folder)) {
        const about = await lstat(at(entry.name)).catch(() => undefined)
        if (about === undefined || seen.has(about.ino)) continue
        seen.add(about.ino)
        taken += about.blocks * 512
      }
      const disk = await statfs(folder)
      const left = Math.min(options.totalGb * GIB - taken, disk.bavail * disk.bsize)
      return { totalGb: options.totalGb, freeGb: Math.max(0, left / GIB) }
    },

    create: (volumeId, sizeGb, filling, signal) => {
      const make = (): Promise<void> =>
        one(volumeId, async () => {
          if (await exists(at(volumeName(volumeId)))) return
          await forgetPartials(volumeId)
          const partial = at(partialName(volumeId, 'new'))
          try {
            await fill(volumeId, partial, sizeGb, filling, signal)
            await chmod(partial, 0o600)
            await rename(partial, at(volumeName(volumeId)))
          } finally {
            await forgetPartials(volumeId)
          }
        })
      // Nothing happens to the source meanwhile.
      return filling.from === 'volume' || filling.from === 'snapshot' ? one(filling.volumeId, make) : make()
    },
    remove: volumeId =>
      one(volumeId, async () => {
        await exports.close(volumeId, null)
        await forgetPartials(volumeId)
        const path = at(volumeName(volumeId))
        if ((await exists(path)) && (await isHeld(path)))
          throw new BackendFault('busy', `Volume ${volumeId} is in use by a running server`)
        // The newest last: as long as it is there, a repeat finds the rest.
        for (const entry of await entriesOf(folder, volumeId)) if (entry.kind !== 'volume') await rm(at(entry.name))
        await rm(path, { force: true })
      }),
    resize: (volumeId, sizeGb, { shrink } = {}) =>
      one(volumeId, async () => {
        const path = await mustHave(volumeId)
        const now = await sizeBytes(volumeId)
        const wanted = sizeGb * GIB
        if (shrink === true ? now === wanted : now >= wanted) return { grown: true }
        if (await isHeld(path)) {
          if (await exports.has(volumeId))
            throw new BackendFault('unsupported', 'a volume that is served to another host cannot grow meanwhile')
          return { grown: shrink === true }
        }
        await qemu.resize(path, { format: 'qcow2', sizeBytes: wanted, shrink: wanted < now })
        return { grown: true }
      }),
    sizeBytes: volumeId => translated(sizeBytes(volumeId)),

    createSnapshot: (volumeId, snapshotId) => one(volumeId, () => createSnapshot(volumeId, snapshotId)),
    isSwitched: (volumeId, snapshotId) =>
      one(volumeId, async () => !(await isPrepared(volumeId, snapshotId)) || (await isSwitched(volumeId, snapshotId))),
    settleSnapshot: (volumeId, snapshotId) =>
      one(volumeId, async () => {
        if (!(await isPrepared(volumeId, snapshotId))) return
        if (!(await isSwitched(volumeId, snapshotId)))
          throw new BackendFault('failed', `Volume ${volumeId} was not switched to its new layer`)
        // The guest's host knows the layer by the overlay's name, so that stays as a second one.
        await linkOver(at(overlayName(volumeId, snapshotId)), at(volumeName(volumeId)))
        await realias(volumeId)
      }),
    removeSnapshot: (volumeId, snapshotId) => one(volumeId, () => removeSnapshot(volumeId, snapshotId)),

    ...contents,
    connect: (volumeId, sizeGb, connector, mode) =>
      one(volumeId, async () => {
        const path = await mustHave(volumeId)
        const common = { volume_id: volumeId, access_mode: mode, qos_specs: null, encrypted: false }
        const grows = (await sizeBytes(volumeId)) < sizeGb * GIB && !(await isHeld(path))
        if (grows) await qemu.resize(path, { format: 'qcow2', sizeBytes: sizeGb * GIB })
        if (connector.host === host)
          return {
            driver_volume_type: 'file',
            data: { ...common, device_path: path, name: volumeName(volumeId), format: 'qcow2' },
          }
        const { address, port, name } = await exports.open(volumeId, connector.host, mode === 'ro')
        return {
          driver_volume_type: 'nbd',
          data: { ...common, host: address, port, export: name, format: 'raw' },
        }
      }),
    disconnect: (volumeId, connector) =>
      one(volumeId, async () => {
        if (connector === null || connector.host !== host) await exports.close(volumeId, connector?.host ?? null)
        const path = at(volumeName(volumeId))
        if (!(await exists(path)) || (await isInUse(volumeId))) return
        await takeBack(volumeId)
        if ((await entriesOf(folder, volumeId)).some(entry => entry.kind === 'dropped')) collapseLater(volumeId)
      }),

    async inventory() {
      const volumes = new Map<string, { volumeId: string; sizeBytes: number; snapshots: string[] }>()
      const of = (volumeId: string) => {
        let found = volumes.get(volumeId)
        if (found === undefined) volumes.set(volumeId, (found = { volumeId, sizeBytes: 0, snapshots: [] }))
        return found
      }
      const entries = await entriesOf(folder)
      const dropped = new Set(
        entries.filter(({ kind }) => kind === 'dropped' || kind === 'unmanaged').map(entry => entry.snapshotId),
      )
      for (const entry of entries) {
        if (entry.kind === 'snapshot') {
          if (!dropped.has(entry.snapshotId)) of(entry.volumeId).snapshots.push(entry.snapshotId ?? '')
        } else if (entry.kind === 'volume')
          of(entry.volumeId).sizeBytes = (await readQcow2Header(at(entry.name)).catch(() => null))?.virtualSize ?? 0
      }
      const names = await readdir(folder).catch(() => [] as string[])
      return {
        volumes: [...volumes.values()],
        exports: await exports.list(),
        leftovers: names.filter(isPartial),
      }
    },
    close: async () => void (await Promise.all(working)),
  }
}

/** What tools and the system say, as far as we know what it means. */
function asBackendFault(error: unknown): never {
  if (error instanceof BackendFault) throw error
  const { code } = error as NodeJS.ErrnoException
  const stderr = error instanceof ExecError ? error.stderr : ''
  if (code === 'ENOSPC' || code === 'EDQUOT' || /No space left|Disk quota/.test(stderr))
    throw new BackendFault('no-room', 'the disk that keeps the volumes is full', error)
  if (/lock/.test(stderr)) throw new BackendFault('busy', 'the volume is in use by a running server', error)
  if (error instanceof ExecError) throw new BackendFault('failed', error.message, error)
  throw error
}
