// Memory to disk and back. QEMU may start no program (its sandbox), so it speaks to a socket and we move the bytes.
import { createReadStream, createWriteStream } from 'node:fs'
import { chown, open, rename, rm } from 'node:fs/promises'
import { createServer, type Socket } from 'node:net'
import { pipeline } from 'node:stream/promises'
import { connectSocket, withSocketPath } from '#host/qemu/qmp.ts'
import { afterEnd } from '#services/nova/drivers/hypervisor-qemu/after-end.ts'
import { MEMORY_FILE, start, stop } from '#services/nova/drivers/hypervisor-qemu/lifecycle.ts'
import type { GuestMonitor } from '#services/nova/drivers/hypervisor-qemu/monitor.ts'
import { mustRead, mustRun, type QemuTools } from '#services/nova/drivers/hypervisor-qemu/tools.ts'
import { HypervisorFault } from '#services/nova/drivers/hypervisor.ts'

const MOVE_LIMIT_MS = 300_000

/** Until QEMU's own account of the move is `completed`; a failed one throws with its words. */
async function moved(tools: QemuTools, monitor: GuestMonitor, signal: AbortSignal): Promise<void> {
  const begun = tools.clock.monotonic()
  for (;;) {
    const move = (await monitor.execute('query-migrate')) as { status?: string; 'error-desc'?: string }
    if (move.status === 'completed') return
    if (move.status === 'failed' || move.status === 'cancelled')
      throw new HypervisorFault(
        'unsupported',
        `The guest's memory could not be moved: ${move['error-desc'] ?? move.status}`,
      )
    if (tools.clock.monotonic() - begun > MOVE_LIMIT_MS)
      throw new HypervisorFault('timeout', `The guest's memory was not moved within ${MOVE_LIMIT_MS / 1000} s`)
    await tools.clock.sleep(20, signal)
  }
}

export async function suspendGuest(tools: QemuTools, serverId: string, signal: AbortSignal): Promise<void> {
  const record = await mustRead(tools, serverId)
  if (record.phase === 'suspended') return
  const monitor = mustRun(tools, serverId)
  const folder = tools.store.folder(serverId)
  const wasRunning = (await monitor.state()) === 'running'
  await rm(`${folder}/run/memory.sock`, { force: true })
  let came: (socket: Socket) => void = () => undefined
  const socket = new Promise<Socket>(resolve => (came = resolve))
  const server = createServer(one => came(one))
  try {
    await withSocketPath(
      folder,
      'run/memory.sock',
      path => new Promise<void>((resolve, reject) => server.once('error', reject).listen(path, resolve)),
    )
    if (tools.user !== undefined) await chown(`${folder}/run/memory.sock`, tools.user.uid, tools.user.gid)
    await monitor.execute('stop')
    await monitor.execute('migrate-set-parameters', { 'max-bandwidth': 2 ** 33 })
    const written = socket.then(one =>
      pipeline(one, createWriteStream(`${folder}/${MEMORY_FILE}.new`, { mode: 0o600 })),
    )
    written.catch(() => undefined)
    await monitor.execute('migrate', { uri: 'unix:run/memory.sock' })
    await moved(tools, monitor, signal)
    await written
    const file = await open(`${folder}/${MEMORY_FILE}.new`, 'r+')
    await file.sync().finally(() => file.close())
    await rename(`${folder}/${MEMORY_FILE}.new`, `${folder}/${MEMORY_FILE}`)
  } catch (error) {
    await monitor.execute('migrate_cancel').catch(() => undefined)
    if (wasRunning) await monitor.execute('cont').catch(() => undefined)
    await rm(`${folder}/${MEMORY_FILE}.new`, { force: true })
    throw error
  } finally {
    server.close()
    await rm(`${folder}/run/memory.sock`, { force: true })
  }
  // A crash here leaves memory and process; `adopt` takes the whole memory file as the word that this was finished.
  await stop(tools, record, { graceMs: 0, signal })
  await afterEnd(tools, { ...record, phase: 'suspended' })
}

export async function resumeGuest(tools: QemuTools, serverId: string, signal: AbortSignal): Promise<void> {
  const record = await mustRead(tools, serverId)
  if (record.phase === 'running') return
  if (record.phase !== 'suspended') throw new HypervisorFault('wrong-state', `Instance ${serverId} is not suspended`)
  const folder = tools.store.folder(serverId)
  try {
    const monitor = await start(tools, record.spec, record, signal, true)
    // QEMU answers at once and listens; only then do we pour.
    await monitor.execute('migrate-incoming', { uri: 'unix:run/memory.sock' })
    const socket = await connectSocket(folder, 'run/memory.sock')
    await pipeline(createReadStream(`${folder}/${MEMORY_FILE}`, { highWaterMark: 1 << 20 }), socket)
    await moved(tools, monitor, signal)
    await rm(`${folder}/${MEMORY_FILE}`, { force: true })
    await monitor.execute('cont')
    const now = await mustRead(tools, serverId)
    await tools.store.write({ ...now, phase: 'running' })
  } catch (error) {
    const now = await tools.store.read(serverId)
    if (now !== undefined && now.phase !== 'destroying') {
      await stop(tools, now, { graceMs: 0, signal: AbortSignal.timeout(30_000) })
      await tools.store.write({ ...record, process: null })
    }
    throw error
  }
  await rm(`${folder}/run/memory.sock`, { force: true })
}
