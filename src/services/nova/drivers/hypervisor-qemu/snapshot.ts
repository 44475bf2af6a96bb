// Copies and chains of disks: a volume's live snapshot and its merge, a live resize, and the root as one file for an image.
import { chown, chmod, link, rename, rm, stat } from 'node:fs/promises'
import { nodeName } from '#host/qemu/command-line.ts'
import { readQcow2Header } from '#host/qemu/qcow2-header.ts'
import { takeVolumeOut } from '#services/nova/drivers/hypervisor-qemu/disks.ts'
import { volumeDiskId } from '#services/nova/drivers/hypervisor-qemu/machine.ts'
import type { GuestMonitor } from '#services/nova/drivers/hypervisor-qemu/monitor.ts'
import { volumesOf } from '#services/nova/drivers/hypervisor-qemu/lifecycle.ts'
import type { GuestRecord } from '#services/nova/drivers/hypervisor-qemu/guest-store.ts'
import { mustRead, mustRun, type QemuTools } from '#services/nova/drivers/hypervisor-qemu/tools.ts'
import { HypervisorFault, type DiskSpec } from '#services/nova/drivers/hypervisor.ts'

const JOB_LIMIT_MS = 3_600_000

function mustHave(record: GuestRecord, volumeId: string): DiskSpec {
  const disk = volumesOf(record.spec).find(one => one.volumeId === volumeId)
  if (disk === undefined)
    throw new HypervisorFault('not-found', `Volume ${volumeId} is not attached to instance ${record.spec.serverId}`)
  return disk
}

/** The record with a volume's source exchanged, wherever it stands in the specification. */
function withSource(record: GuestRecord, volumeId: string, source: DiskSpec['source']): GuestRecord {
  const change = (disk: DiskSpec): DiskSpec => (disk.volumeId === volumeId ? { ...disk, source } : disk)
  const { rootDisk } = record.spec
  return {
    ...record,
    spec: {
      ...record.spec,
      disks: record.spec.disks.map(change),
      rootDisk: rootDisk.from === 'volume' ? { from: 'volume', disk: change(rootDisk.disk) } : rootDisk,
    },
  }
}

/** The name of the node a disk writes to now, and the nodes under that name's stem. */
async function nodesOf(monitor: GuestMonitor, stem: string): Promise<{ top: string; all: readonly string[] }> {
  const blocks = (await monitor.execute('query-block')) as { inserted?: { 'node-name'?: string } }[]
  const ours = (name: string): boolean => name === stem || name.startsWith(`${stem}.`) || name.startsWith(`${stem}-`)
  const top = blocks.map(block => block.inserted?.['node-name'] ?? '').find(ours)
  if (top === undefined) throw new HypervisorFault('not-found', `The guest has no disk ${stem}`)
  const nodes = (await monitor.execute('query-named-block-nodes', { flat: true })) as { 'node-name': string }[]
  return { top, all: nodes.map(node => node['node-name']).filter(ours) }
}

export async function resizeDisk(
  tools: QemuTools,
  serverId: string,
  volumeId: string,
  sizeBytes: number,
): Promise<void> {
  const disk = mustHave(await mustRead(tools, serverId), volumeId)
  const monitor = mustRun(tools, serverId)
  if (disk.source.kind !== 'file')
    throw new HypervisorFault('unsupported', 'A disk behind NBD cannot grow while it is attached')
  const { top } = await nodesOf(monitor, nodeName(volumeDiskId(volumeId)))
  await monitor.execute('block_resize', { 'node-name': top, size: sizeBytes })
}

export async function snapshotDisk(
  tools: QemuTools,
  serverId: string,
  volumeId: string,
  overlay: { path: string },
): Promise<void> {
  const record = await mustRead(tools, serverId)
  const disk = mustHave(record, volumeId)
  const monitor = mustRun(tools, serverId)
  if (disk.source.kind !== 'file')
    throw new HypervisorFault('unsupported', 'The side that serves an NBD export takes its snapshots')
  if (disk.source.path === overlay.path) return
  const header = await readQcow2Header(overlay.path)
  if (header.dataFile || header.backing === undefined)
    throw new HypervisorFault('invalid', `${overlay.path} is not an overlay`)
  const folder = tools.store.folder(serverId)
  const stem = nodeName(volumeDiskId(volumeId))
  const { top, all } = await nodesOf(monitor, stem)
  const last = Math.max(0, ...all.map(name => Number(name.startsWith(`${stem}.`) ? name.slice(stem.length + 1) : 0)))
  const node = `${stem}.${last + 1}`
  // A name of its own until the switch is done; the names by depth are made anew at the guest's next start.
  const name = `volume-${volumeId}.live${last + 1}.qcow2`
  await rm(`${folder}/${name}`, { force: true })
  await link(overlay.path, `${folder}/${name}`)
  if (tools.user !== undefined) {
    await chown(overlay.path, tools.user.uid, tools.user.gid)
    await chmod(overlay.path, 0o600)
  }
  try {
    await monitor.execute('blockdev-add', {
      'node-name': node,
      driver: 'qcow2',
      backing: null,
      discard: 'unmap',
      file: { driver: 'file', filename: name, discard: 'unmap' },
    })
    await monitor.execute('blockdev-snapshot', { node: top, overlay: node })
  } catch (error) {
    await monitor.execute('blockdev-del', { 'node-name': node }).catch(() => undefined)
    await rm(`${folder}/${name}`, { force: true })
    throw error
  }
  await tools.store.write(withSource(record, volumeId, { kind: 'file', path: overlay.path, format: 'qcow2' }))
}

export async function commitDisk(
  tools: QemuTools,
  serverId: string,
  volumeId: string,
  base: { path: string },
  signal: AbortSignal,
): Promise<void> {
  const record = await mustRead(tools, serverId)
  const disk = mustHave(record, volumeId)
  const monitor = mustRun(tools, serverId)
  if (disk.source.kind !== 'file')
    throw new HypervisorFault('unsupported', 'The side that serves an NBD export merges its snapshots')
  if (disk.source.path === base.path) return
  const stem = nodeName(volumeDiskId(volumeId))
  const { top, all } = await nodesOf(monitor, stem)
  const wanted = await stat(base.path)
  const nodes = (await monitor.execute('query-named-block-nodes', { flat: true })) as {
    'node-name': string
    drv: string
    file: string
  }[]
  let target: { 'node-name': string; drv: string } | undefined
  for (const node of nodes) {
    if (!all.includes(node['node-name'])) continue
    const at = await stat(`${tools.store.folder(serverId)}/${node.file}`).catch(() => undefined)
    if (at?.ino === wanted.ino && at.dev === wanted.dev) target = node
  }
  if (target === undefined)
    throw new HypervisorFault('not-found', `${base.path} is not below what volume ${volumeId} writes to`)
  if (tools.user !== undefined) {
    await chown(base.path, tools.user.uid, tools.user.gid)
    await chmod(base.path, 0o600)
  }
  const job = `commit-${stem}`
  await runJob(
    tools,
    monitor,
    job,
    signal,
    () =>
      monitor.execute('block-commit', {
        'job-id': job,
        device: top,
        'base-node': target['node-name'],
        'auto-dismiss': false,
      }),
    true,
  )
  for (const name of all) {
    if (name === target['node-name']) continue
    await monitor.execute('blockdev-del', { 'node-name': name }).catch(() => undefined) // still below the base: stays
  }
  // Names of layers that QEMU has closed would keep their bytes on the disk after Cinder removes them.
  const left = (await monitor.execute('query-named-block-nodes', { flat: true })) as { file: string }[]
  await takeVolumeOut(tools, tools.store.folder(serverId), volumeId, new Set(left.map(node => node.file)))
  await tools.store.write(
    withSource(record, volumeId, { kind: 'file', path: base.path, format: target.drv === 'raw' ? 'raw' : 'qcow2' }),
  )
}

/** Starts a job and stays until QEMU calls it concluded; cancels it when asked to stop. */
async function runJob(
  tools: QemuTools,
  monitor: GuestMonitor,
  id: string,
  signal: AbortSignal,
  begin: () => Promise<unknown>,
  completes: boolean,
): Promise<void> {
  const begun = tools.clock.monotonic()
  await monitor.execute('job-dismiss', { id }).catch(() => undefined)
  await begin()
  try {
    for (let asked = false; ;) {
      const jobs = (await monitor.execute('query-jobs')) as { id: string; status: string; error?: string }[]
      const job = jobs.find(one => one.id === id)
      if (job === undefined) return
      if (job.status === 'concluded') {
        if (job.error !== undefined)
          throw new HypervisorFault('unsupported', `The disk could not be copied: ${job.error}`)
        return
      }
      if (job.status === 'ready' && completes && !asked) {
        asked = true
        await monitor.execute('job-complete', { id })
      }
      if (tools.clock.monotonic() - begun > JOB_LIMIT_MS)
        throw new HypervisorFault('timeout', 'The disk was not copied within an hour')
      await tools.clock.sleep(50, signal)
    }
  } catch (error) {
    await monitor.execute('job-cancel', { id }).catch(() => undefined)
    throw error
  } finally {
    await dismissed(tools, monitor, id)
  }
}

async function dismissed(tools: QemuTools, monitor: GuestMonitor, id: string): Promise<void> {
  for (let tries = 0; tries < 100; tries++) {
    const jobs = (await monitor.execute('query-jobs').catch(() => [])) as { id: string; status: string }[]
    const job = jobs.find(one => one.id === id)
    if (job === undefined) return
    if (job.status === 'concluded') await monitor.execute('job-dismiss', { id }).catch(() => undefined)
    else await tools.clock.sleep(50)
  }
}

/** The root disk as one file: by QEMU's own backup job while it runs, by qemu-img when it does not. */
export async function captureRoot(
  tools: QemuTools,
  serverId: string,
  out: { path: string; format: 'raw' | 'qcow2' },
  signal: AbortSignal,
): Promise<void> {
  const record = await mustRead(tools, serverId)
  if (record.spec.rootDisk.from !== 'image')
    throw new HypervisorFault('unsupported', 'The root is a volume: its snapshot is Cinder’s')
  const folder = tools.store.folder(serverId)
  const root = `${folder}/root.qcow2`
  const beside = `${out.path}.new`
  await rm(beside, { force: true })
  const monitor = tools.monitors.get(serverId)
  if (monitor === undefined) {
    await tools.exec.run(['qemu-img', 'convert', '-f', 'qcow2', '-O', out.format, root, beside], {
      timeoutMs: JOB_LIMIT_MS,
    })
    return rename(beside, out.path)
  }
  const { virtualSize } = await readQcow2Header(root)
  const name = `capture.${out.format}`
  const node = 'n-capture'
  await monitor.execute('blockdev-del', { 'node-name': node }).catch(() => undefined)
  await rm(`${folder}/${name}`, { force: true })
  await tools.exec.run(['qemu-img', 'create', '-q', '-f', out.format, `${folder}/${name}`, String(virtualSize)])
  if (tools.user !== undefined) await chown(`${folder}/${name}`, tools.user.uid, tools.user.gid)
  try {
    await monitor.execute('blockdev-add', {
      'node-name': node,
      driver: out.format,
      discard: 'unmap',
      'detect-zeroes': 'unmap',
      file: { driver: 'file', filename: name, discard: 'unmap' },
    })
    const { top } = await nodesOf(monitor, nodeName('root'))
    const begin = (): Promise<unknown> =>
      monitor.execute('blockdev-backup', {
        'job-id': 'capture',
        device: top,
        target: node,
        sync: 'full',
        'auto-dismiss': false,
      })
    await runJob(tools, monitor, 'capture', signal, begin, false)
  } catch (error) {
    await monitor.execute('blockdev-del', { 'node-name': node }).catch(() => undefined)
    await rm(`${folder}/${name}`, { force: true })
    throw error
  }
  await monitor.execute('blockdev-del', { 'node-name': node })
  if (tools.user !== undefined) await chown(`${folder}/${name}`, process.getuid?.() ?? 0, process.getgid?.() ?? 0)
  await move(tools, `${folder}/${name}`, beside)
  await rename(beside, out.path)
}

async function move(tools: QemuTools, from: string, to: string): Promise<void> {
  try {
    await rename(from, to)
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'EXDEV') throw error
    await tools.exec.run(['cp', '--sparse=always', '--', from, to], { timeoutMs: JOB_LIMIT_MS })
    await rm(from, { force: true })
  }
}
