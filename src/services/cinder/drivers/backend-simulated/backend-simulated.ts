// A back end that keeps no bytes: sizes and snapshots only. It keeps every promise of the port, so a whole cloud runs on it.
import { mkdir, readFile, rename, writeFile } from 'node:fs/promises'
import { dirname } from 'node:path'
import { locks } from '#kernel/lib/lock.ts'
import { BackendFault, type Backend, type Connector, type Filling } from '#services/cinder/drivers/backend.ts'

interface Kept {
  sizeGb: number
  snapshots: string[]
  /** Hosts that are connected. */
  hosts: string[]
  /** Snapshots that are nobody's. */
  strays?: string[]
}

export interface SimulatedBackendOptions {
  readonly totalGb: number
  /** Where it is remembered; absent: only in memory. */
  readonly file?: string
  /** How long bytes would take: called before each deed that moves any. */
  readonly pause?: (signal?: AbortSignal) => Promise<void>
}

const GIB = 2 ** 30

/** What a volume is read as: a file's worth of zeros, whatever its size. */
const EXPORT_BYTES = 2 ** 20
/** Names under which things that are nobody's are remembered. */
const UNMANAGED = 'unmanaged:'

export function createSimulatedBackend(options: SimulatedBackendOptions): Backend {
  const volumes = new Map<string, Kept>()
  const lock = locks()
  let writing: Promise<void> = Promise.resolve()

  const save = (): Promise<void> => {
    const { file } = options
    if (file === undefined) return Promise.resolve()
    const text = JSON.stringify(Object.fromEntries(volumes))
    writing = writing
      .catch(() => undefined)
      .then(async () => {
        await mkdir(dirname(file), { recursive: true, mode: 0o700 })
        await writeFile(`${file}.new`, text, { mode: 0o600 })
        await rename(`${file}.new`, file)
      })
    return writing
  }
  /** Reads a filling as far as one can without bytes. */
  const demandFilling = async (filling: Filling, signal: AbortSignal): Promise<void> => {
    if (filling.from === 'volume' || filling.from === 'snapshot') {
      const source = mustHave(filling.volumeId)
      if (filling.from === 'snapshot' && !source.snapshots.includes(filling.snapshotId))
        throw new BackendFault('not-found', `Snapshot ${filling.snapshotId} is not there`)
    }
    if (filling.from === 'image') {
      // The bytes are asked for and thrown away: whether the image can be had is part of the truth.
      for await (const _chunk of await filling.image.download(signal)) signal.throwIfAborted()
    }
    await options.pause?.(signal)
    signal.throwIfAborted()
  }
  const mustHave = (volumeId: string): Kept => {
    const kept = volumes.get(volumeId)
    if (kept === undefined) throw new BackendFault('not-found', `Volume ${volumeId} is not there`)
    return kept
  }

  return {
    protocol: 'simulated',
    capabilities: { thin: true, multiattach: true, onlineExtend: true, liveSnapshot: true, remote: true },
    async start() {
      if (options.file === undefined) return
      const text = await readFile(options.file, 'utf8').catch((error: NodeJS.ErrnoException) => {
        if (error.code === 'ENOENT') return '{}'
        throw error
      })
      for (const [id, kept] of Object.entries(JSON.parse(text) as Record<string, Kept>)) volumes.set(id, kept)
    },
    async room() {
      return { totalGb: options.totalGb, freeGb: options.totalGb }
    },
    create: (volumeId, sizeGb, filling, signal) =>
      lock.with(volumeId, async () => {
        if (volumes.has(volumeId)) return
        await demandFilling(filling, signal)
        volumes.set(volumeId, { sizeGb, snapshots: [], hosts: [] })
        await save()
      }),
    remove: volumeId =>
      lock.with(volumeId, async () => {
        if (volumes.delete(volumeId)) await save()
      }),
    resize: (volumeId, sizeGb, { shrink } = {}) =>
      lock.with(volumeId, async () => {
        const kept = mustHave(volumeId)
        if (sizeGb > kept.sizeGb || shrink === true) {
          kept.sizeGb = sizeGb
          await save()
        }
        return { grown: true }
      }),
    sizeBytes: async volumeId => mustHave(volumeId).sizeGb * GIB,
    createSnapshot: (volumeId, snapshotId) =>
      lock.with(volumeId, async () => {
        const kept = mustHave(volumeId)
        if (!kept.snapshots.includes(snapshotId)) {
          kept.snapshots.push(snapshotId)
          await save()
        }
        return { live: null }
      }),
    isSwitched: async () => true,
    settleSnapshot: async () => {
      throw new BackendFault('failed', 'settling a snapshot: nothing lives in a simulation')
    },
    removeSnapshot: (volumeId, snapshotId) =>
      lock.with(volumeId, async () => {
        const kept = volumes.get(volumeId)
        if (kept !== undefined && kept.snapshots.includes(snapshotId)) {
          kept.snapshots = kept.snapshots.filter(one => one !== snapshotId)
          await save()
        }
      }),
    replace: (volumeId, sizeGb, filling, signal) =>
      lock.with(volumeId, async () => {
        const kept = mustHave(volumeId)
        await demandFilling(filling, signal)
        kept.sizeGb = Math.max(kept.sizeGb, sizeGb)
        await save()
      }),
    revert: (volumeId, snapshotId) =>
      lock.with(volumeId, async () => {
        if (!mustHave(volumeId).snapshots.includes(snapshotId))
          throw new BackendFault('not-found', `Snapshot ${snapshotId} is not there`)
        await options.pause?.()
      }),
    exported: async (from, _format, use, signal) => {
      const kept = mustHave(from.volumeId)
      if (from.snapshotId !== null && !kept.snapshots.includes(from.snapshotId))
        throw new BackendFault('not-found', `Snapshot ${from.snapshotId} is not there`)
      await options.pause?.(signal)
      signal.throwIfAborted()
      const bytes = async function* (): AsyncIterable<Uint8Array> {
        yield new Uint8Array(EXPORT_BYTES)
      }
      return use({ path: '/dev/null', sizeBytes: EXPORT_BYTES, extents: [], bytes })
    },
    async unmanaged() {
      const known = [...volumes]
      return {
        volumes: known.flatMap(([name, kept]) =>
          name.startsWith(UNMANAGED)
            ? [{ name: name.slice(UNMANAGED.length), sizeBytes: kept.sizeGb * GIB, unsafe: null }]
            : [],
        ),
        snapshots: known.flatMap(([volumeId, kept]) =>
          (kept.strays ?? []).map(snapshotId => ({ volumeId, snapshotId, sizeBytes: kept.sizeGb * GIB })),
        ),
      }
    },
    manage: (name, volumeId) =>
      lock.with(volumeId, async () => {
        const found = volumes.get(`${UNMANAGED}${name}`)
        if (found !== undefined) {
          volumes.delete(`${UNMANAGED}${name}`)
          volumes.set(volumeId, found)
          await save()
        } else if (!volumes.has(volumeId)) throw new BackendFault('not-found', `${name} is not there`)
        return { sizeGb: mustHave(volumeId).sizeGb }
      }),
    unmanage: volumeId =>
      lock.with(volumeId, async () => {
        const kept = volumes.get(volumeId)
        if (kept === undefined) return
        if (kept.snapshots.length > 0)
          throw new BackendFault('unsupported', `Volume ${volumeId} has snapshots and cannot be let go of`)
        volumes.delete(volumeId)
        volumes.set(`${UNMANAGED}volume-${volumeId}`, kept)
        await save()
      }),
    manageSnapshot: (volumeId, fromId, snapshotId) =>
      lock.with(volumeId, async () => {
        const kept = mustHave(volumeId)
        if (kept.strays?.includes(fromId) === true) {
          kept.strays = kept.strays.filter(one => one !== fromId)
          kept.snapshots.push(snapshotId)
          await save()
        } else if (!kept.snapshots.includes(snapshotId))
          throw new BackendFault('not-found', `Snapshot ${fromId} is not there`)
      }),
    unmanageSnapshot: (volumeId, snapshotId) =>
      lock.with(volumeId, async () => {
        const kept = mustHave(volumeId)
        if (!kept.snapshots.includes(snapshotId)) return
        kept.snapshots = kept.snapshots.filter(one => one !== snapshotId)
        kept.strays = [...(kept.strays ?? []), snapshotId]
        await save()
      }),
    connect: (volumeId, sizeGb, connector, mode) =>
      lock.with(volumeId, async () => {
        const kept = mustHave(volumeId)
        kept.sizeGb = Math.max(kept.sizeGb, sizeGb)
        if (!kept.hosts.includes(connector.host)) kept.hosts.push(connector.host)
        await save()
        return {
          driver_volume_type: 'local',
          data: {
            device_path: `/simulated/volume-${volumeId}`,
            format: 'raw',
            access_mode: mode,
            volume_id: volumeId,
            qos_specs: null,
            encrypted: false,
          },
        }
      }),
    disconnect: (volumeId: string, connector: Connector | null) =>
      lock.with(volumeId, async () => {
        const kept = volumes.get(volumeId)
        if (kept === undefined) return
        kept.hosts = connector === null ? [] : kept.hosts.filter(host => host !== connector.host)
        await save()
      }),
    async inventory() {
      return {
        volumes: [...volumes].flatMap(([volumeId, kept]) =>
          volumeId.startsWith(UNMANAGED)
            ? []
            : [{ volumeId, sizeBytes: kept.sizeGb * GIB, snapshots: [...kept.snapshots] }],
        ),
        exports: [],
        leftovers: [],
      }
    },
    close: () => writing.catch(() => undefined),
  }
}
