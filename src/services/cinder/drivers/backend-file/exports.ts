// Volumes served over NBD to servers on other hosts: one qemu-storage-daemon each, which outlives us and is found again.
import { mkdir, readdir, readFile, rename, rm, writeFile } from 'node:fs/promises'
import { createServer } from 'node:net'
import type { Exec } from '#host/node/exec.ts'
import { endProcess, lives, processStatus, type ProcessMark } from '#host/qemu/process.ts'
import { connectQmp, withSocketPath } from '#host/qemu/qmp.ts'
import type { Clock } from '#kernel/lib/clock.ts'
import { BackendFault } from '#services/cinder/drivers/backend.ts'
import { volumeName } from '#services/cinder/drivers/backend-file/layout.ts'

interface ExportRecord {
  readonly volumeId: string
  readonly process: ProcessMark
  readonly address: string
  readonly port: number
  readonly readOnly: boolean
  /** Hosts that are connected. */
  readonly hosts: readonly string[]
}

export interface Exports {
  /** Serves the volume to that host; harmless to repeat. */
  open(volumeId: string, host: string, readOnly: boolean): Promise<{ address: string; port: number; name: string }>
  /** For one host, or (null) for all. The last one ends the process. */
  close(volumeId: string, host: string | null): Promise<void>
  has(volumeId: string): Promise<boolean>
  /** Starts again what has ended while it was wanted. */
  adopt(): Promise<void>
  list(): Promise<readonly { volumeId: string; alive: boolean }[]>
  /** From now on what the other host writes goes to `overlay`, a name in the folder. */
  snapshot(volumeId: string, overlay: string): Promise<void>
}

const SOCKET = 'qmp'

export function createExports(parts: {
  readonly exec: Exec
  readonly clock: Clock
  /** Where the volumes are. */
  readonly folder: string
  /** The address listened on. */
  readonly address: string
}): Exports {
  const { exec, clock, folder } = parts
  const home = (volumeId: string): string => `${folder}/exports/${volumeName(volumeId)}`
  const read = async (volumeId: string): Promise<ExportRecord | null> => {
    const text = await readFile(`${home(volumeId)}/export.json`, 'utf8').catch(() => null)
    return text === null ? null : (JSON.parse(text) as ExportRecord)
  }
  const write = async (record: ExportRecord): Promise<void> => {
    const path = `${home(record.volumeId)}/export.json`
    await writeFile(`${path}.new`, JSON.stringify(record), { mode: 0o600 })
    await rename(`${path}.new`, path)
  }

  /** Starts the daemon and waits until it answers. `port` 0 takes a free one. */
  async function serve(
    volumeId: string,
    readOnly: boolean,
    port: number,
  ): Promise<{ mark: ProcessMark; port: number }> {
    const place = home(volumeId)
    await mkdir(place, { recursive: true, mode: 0o700 })
    await rm(`${place}/${SOCKET}`, { force: true })
    const chosen = port === 0 ? await freePort(parts.address) : port
    const path = `${folder}/${volumeName(volumeId)}`
    const mode = readOnly ? 'on' : 'off'
    return withSocketPath(place, SOCKET, async socket => {
      const pid = await exec.daemon(
        [
          'qemu-storage-daemon',
          ...['--blockdev', `driver=file,node-name=file,filename=${escaped(path)},read-only=${mode},discard=unmap`],
          ...['--blockdev', `driver=qcow2,node-name=volume,file=file,read-only=${mode},discard=unmap`],
          ...['--chardev', `socket,id=monitor,path=${escaped(socket)},server=on,wait=off`],
          ...['--monitor', 'chardev=monitor'],
          ...['--nbd-server', `addr.type=inet,addr.host=${parts.address},addr.port=${chosen}`],
          ...[
            '--export',
            `type=nbd,id=export,node-name=volume,name=${volumeName(volumeId)},writable=${readOnly ? 'off' : 'on'}`,
          ],
        ],
        { logFile: `${place}/log` },
      )
      const status = await processStatus(pid)
      const mark = { pid, startTime: status?.startTime ?? '0' }
      for (let pause = 5; ; pause = Math.min(pause * 2, 200)) {
        const qmp = await connectQmp({ folder: place, name: SOCKET, clock, timeoutMs: 2_000 }).catch(() => null)
        qmp?.close()
        if (qmp !== null) return { mark, port: chosen }
        if (!(await lives(mark))) {
          const says = await readFile(`${place}/log`, 'utf8').catch(() => '')
          throw new BackendFault('failed', `Volume ${volumeId} could not be served: ${says.trim().slice(-300)}`)
        }
        await clock.sleep(pause)
      }
    })
  }

  return {
    async open(volumeId, host, readOnly) {
      const before = await read(volumeId)
      const name = volumeName(volumeId)
      if (before !== null && (await lives(before.process))) {
        if (!before.hosts.includes(host)) await write({ ...before, hosts: [...before.hosts, host] })
        return { address: before.address, port: before.port, name }
      }
      const { mark, port } = await serve(volumeId, readOnly, before?.port ?? 0)
      await write({
        volumeId,
        process: mark,
        address: parts.address,
        port,
        readOnly,
        hosts: [...new Set([...(before?.hosts ?? []), host])],
      })
      return { address: parts.address, port, name }
    },
    async close(volumeId, host) {
      const record = await read(volumeId)
      if (record === null) return
      const hosts = host === null ? [] : record.hosts.filter(one => one !== host)
      if (hosts.length > 0) return write({ ...record, hosts })
      if (!(await endProcess(record.process, { clock, signal: 'SIGTERM' })))
        throw new BackendFault('busy', `The process that serves volume ${volumeId} does not end`)
      await rm(home(volumeId), { recursive: true, force: true })
    },
    has: async volumeId => {
      const record = await read(volumeId)
      return record !== null && (await lives(record.process))
    },
    async adopt() {
      for (const { volumeId, alive } of await this.list()) {
        const record = await read(volumeId)
        if (alive || record === null) continue
        const { mark } = await serve(volumeId, record.readOnly, record.port)
        await write({ ...record, process: mark })
      }
    },
    async list() {
      const found: { volumeId: string; alive: boolean }[] = []
      for (const name of await readdir(`${folder}/exports`).catch(() => [] as string[])) {
        const record = name.startsWith('volume-') ? await read(name.slice('volume-'.length)) : null
        if (record !== null) found.push({ volumeId: record.volumeId, alive: await lives(record.process) })
      }
      return found
    },
    async snapshot(volumeId, overlay) {
      const qmp = await connectQmp({ folder: home(volumeId), name: SOCKET, clock })
      try {
        const nodes = (await qmp.execute('query-named-block-nodes', { flat: true })) as { 'node-name': string }[]
        const layers = nodes.map(node => node['node-name']).filter(name => name.startsWith('layer-'))
        const node = `layer-${overlay.slice(-12)}`
        if (layers.includes(node)) return
        // The last one added is the one that is served.
        const exported = (await qmp.execute('query-block-exports')) as { 'node-name': string }[]
        const top = exported[0]?.['node-name'] ?? 'volume'
        await qmp.execute('blockdev-add', {
          'node-name': node,
          driver: 'qcow2',
          backing: null,
          discard: 'unmap',
          file: { driver: 'file', filename: `${folder}/${overlay}`, discard: 'unmap' },
        })
        try {
          await qmp.execute('blockdev-snapshot', { node: top, overlay: node })
        } catch (error) {
          await qmp.execute('blockdev-del', { 'node-name': node }).catch(() => undefined)
          throw error
        }
      } finally {
        qmp.close()
      }
    },
  }
}

/** In QEMU's option lists a comma is written twice. */
const escaped = (path: string): string => path.replaceAll(',', ',,')

/** A port nobody listens on just now. */
const freePort = (address: string): Promise<number> =>
  new Promise((resolve, reject) => {
    const server = createServer()
    server.once('error', reject)
    server.listen(0, address, () => {
      const at = server.address()
      server.close(() => resolve(typeof at === 'object' && at !== null ? at.port : 0))
    })
  })
