// What a guest shows and says: its serial log, its screen, and the numbers Nova calls diagnostics.
import { appendFile, chown, open, readFile, rm, writeFile } from 'node:fs/promises'
import { SERIAL_LOG, SOCKETS } from '#host/qemu/command-line.ts'
import { lives } from '#host/qemu/process.ts'
import { lastLines } from '#services/nova/drivers/console-lines.ts'
import { mustRead, mustRun, type QemuTools } from '#services/nova/drivers/hypervisor-qemu/tools.ts'
import { HypervisorFault, type Diagnostics, type GuestState } from '#services/nova/drivers/hypervisor.ts'

/** As much as Nova ever returns. */
const MOST_CONSOLE_BYTES = 100 * 1024

export async function consoleLog(tools: QemuTools, serverId: string, lines?: number): Promise<string> {
  await mustRead(tools, serverId)
  const handle = await open(`${tools.store.folder(serverId)}/${SERIAL_LOG}`).catch(() => undefined)
  if (handle === undefined) return ''
  try {
    const { size } = await handle.stat()
    const from = Math.max(0, size - MOST_CONSOLE_BYTES)
    const { buffer, bytesRead } = await handle.read(Buffer.alloc(size - from), 0, undefined, from)
    return lastLines(buffer.toString('utf8', 0, bytesRead), lines)
  } finally {
    await handle.close()
  }
}

/** A guest that talks without end must not fill the host's disk: beyond `most` bytes only the last `keep` stay. */
export async function trimLog(path: string, most = 8 * 2 ** 20, keep = 256 * 1024): Promise<void> {
  const handle = await open(path, 'r+').catch(() => undefined)
  if (handle === undefined) return
  try {
    const { size } = await handle.stat()
    if (size <= most) return
    const { buffer, bytesRead } = await handle.read(Buffer.alloc(keep), 0, keep, size - keep)
    // QEMU appends wherever the end is now, so nothing it writes meanwhile is torn.
    await handle.truncate(0)
    await appendFile(path, buffer.subarray(0, bytesRead))
  } finally {
    await handle.close()
  }
}

/** The path of one of the guest's sockets, when it runs. */
export async function socketPath(tools: QemuTools, serverId: string, name: 'vnc' | 'serial'): Promise<string> {
  await mustRead(tools, serverId)
  mustRun(tools, serverId)
  return `${tools.store.folder(serverId)}/${SOCKETS[name]}`
}

/** Every processor of the guest is interrupted at once. */
export async function interrupt(tools: QemuTools, serverId: string): Promise<void> {
  await mustRead(tools, serverId)
  await mustRun(tools, serverId).execute('inject-nmi')
}

/** Nobody in these guests listens: they have no line to an agent. */
export async function setPassword(tools: QemuTools, serverId: string, hasAgent: boolean): Promise<never> {
  await mustRead(tools, serverId)
  mustRun(tools, serverId)
  throw new HypervisorFault(
    'unsupported',
    hasAgent ? 'Set admin password is not supported' : 'QEMU guest agent is not enabled',
  )
}

export async function screenshot(tools: QemuTools, serverId: string): Promise<Uint8Array> {
  await mustRead(tools, serverId)
  const monitor = mustRun(tools, serverId)
  const file = `${tools.store.folder(serverId)}/run/screen.png`
  await rm(file, { force: true })
  // Made by us and handed over, so that QEMU fills this file and no other.
  await writeFile(file, '', { mode: 0o600, flag: 'wx' })
  if (tools.user !== undefined) await chown(file, tools.user.uid, tools.user.gid)
  try {
    await monitor.execute('screendump', { filename: 'run/screen.png', format: 'png' })
    return await readFile(file)
  } finally {
    await rm(file, { force: true })
  }
}

export async function guestState(tools: QemuTools, serverId: string): Promise<GuestState> {
  const record = await tools.store.read(serverId)
  if (record === undefined) return 'missing'
  if (record.phase === 'suspended') return 'suspended'
  const monitor = tools.monitors.get(serverId)
  if (monitor !== undefined) return monitor.state()
  if (record.process !== null && record.bootId === tools.bootId && (await lives(record.process))) return 'running'
  return record.ended !== undefined && record.ended.why !== 'guest' ? 'crashed' : 'shutdown'
}

interface BlockStats {
  readonly qdev?: string
  readonly stats: Readonly<Record<string, number>>
}

export async function diagnostics(tools: QemuTools, serverId: string): Promise<Diagnostics> {
  const { spec } = await mustRead(tools, serverId)
  const monitor = mustRun(tools, serverId)
  const [state, cpus, blocks, balloon, uptime] = await Promise.all([
    monitor.state(),
    monitor.execute('query-cpus-fast') as Promise<{ 'cpu-index': number; 'thread-id': number }[]>,
    monitor.execute('query-blockstats') as Promise<BlockStats[]>,
    (monitor.execute('query-balloon') as Promise<{ actual: number }>).catch(() => undefined),
    processUptime(monitor.mark.startTime),
  ])
  const times = await Promise.all(
    cpus.map(async cpu => ({ id: cpu['cpu-index'], timeNs: await threadTime(monitor.mark.pid, cpu['thread-id']) })),
  )
  return {
    state,
    driver: 'libvirt', // compat: Nova's enumeration of drivers has no other word for QEMU and KVM
    hypervisor: (await tools.accelerator()).kind === 'kvm' ? 'kvm' : 'qemu',
    hypervisorOs: 'linux',
    uptimeSeconds: uptime,
    configDrive: spec.configDriveIso !== undefined,
    cpus: times,
    memory: { maximumMb: spec.memoryMb, usedMb: balloon === undefined ? null : Math.round(balloon.actual / 2 ** 20) },
    disks: blocks
      .filter(block => /(^|\/)d-/.test(block.qdev ?? ''))
      .map(({ qdev, stats }) => ({
        id: /(?:^|\/)d-(?:vol-)?([^/]+)/.exec(qdev ?? '')?.[1] ?? '',
        readBytes: stats.rd_bytes ?? 0,
        readRequests: stats.rd_operations ?? 0,
        writeBytes: stats.wr_bytes ?? 0,
        writeRequests: stats.wr_operations ?? 0,
        errors: (stats.failed_rd_operations ?? 0) + (stats.failed_wr_operations ?? 0),
      })),
    // The counters of a tap live in the namespace of the fabric; who owns that may add them.
    nics: spec.nics.map(({ mac }) => ({ mac, rxBytes: null, rxPackets: null, txBytes: null, txPackets: null })),
  }
}

/** Clock ticks per second of /proc: 100 on every Linux that Node runs on. */
const TICKS = 100

async function processUptime(startTime: string): Promise<number | null> {
  const text = await readFile('/proc/uptime', 'utf8').catch(() => undefined)
  const now = Number(text?.split(' ')[0])
  return Number.isFinite(now) ? Math.max(0, Math.round(now - Number(startTime) / TICKS)) : null
}

async function threadTime(pid: number, thread: number): Promise<number | null> {
  const text = await readFile(`/proc/${pid}/task/${thread}/stat`, 'utf8').catch(() => undefined)
  if (text === undefined) return null
  const fields = text.slice(text.lastIndexOf(')') + 2).split(' ')
  return (Number(fields[11]) + Number(fields[12])) * (1_000_000_000 / TICKS)
}
