// Watches one guest: holds its QMP connection, finds it again when it breaks, and knows whether an end was asked for.
import { connectQmp, QmpError, QmpSilence, type Qmp, type QmpEvent } from '#host/qemu/qmp.ts'
import { lives, type ProcessMark } from '#host/qemu/process.ts'
import { SOCKETS } from '#host/qemu/command-line.ts'
import { HypervisorFault, type GuestState } from '#services/nova/drivers/hypervisor.ts'
import type { Clock } from '#kernel/lib/clock.ts'

/** How the process ended: by whose wish, as far as QEMU said. */
export type GuestEnd = { readonly why: 'guest' | 'crashed' | 'panic'; readonly detail: string }

export interface MonitorEvents {
  /** Every QMP event of the guest, in order. */
  event(event: QmpEvent): void
  /** The process is gone; called once, not after `close()`. */
  ended(end: GuestEnd): void
}

export interface GuestMonitor {
  readonly mark: ProcessMark
  /** QMP, or a fault in plain words: `timeout` when QEMU is silent, `wrong-state` when it is gone. */
  execute(command: string, args?: object, options?: { timeoutMs?: number; signal?: AbortSignal }): Promise<unknown>
  /** The connection itself, for events; waits for it while it is being found again. */
  connection(): Promise<Qmp>
  state(): Promise<GuestState>
  /** Lets go; the guest runs on and nothing is reported any more. */
  close(): void
}

const CONNECT_LIMIT_MS = 3_000

/** QEMU's run states in the port's words. */
export function stateFromQemu(status: string): GuestState {
  switch (status) {
    case 'running':
    case 'prelaunch':
    case 'inmigrate':
      return 'running'
    case 'internal-error':
    case 'guest-panicked':
      return 'crashed'
    case 'shutdown':
      return 'shutdown'
    default:
      return 'paused' // paused, io-error, debug, watchdog, save-vm, restore-vm, finish-migrate, postmigrate, suspended, colo
  }
}

/** Begins to watch. `first` is a connection that is there already. */
export function watchGuest(options: {
  folder: string
  mark: ProcessMark
  clock: Clock
  events: MonitorEvents
  first?: Qmp
}): GuestMonitor {
  const { folder, mark, clock, events } = options
  let closed = false
  let lastWords: GuestEnd | undefined
  let current: Promise<Qmp>

  const hold = (qmp: Qmp): Qmp => {
    qmp.onEvent(event => {
      if (event.event === 'SHUTDOWN') lastWords = endFrom(event)
      if (event.event === 'GUEST_PANICKED') lastWords = { why: 'panic', detail: 'the guest reported a kernel panic' }
      if (!closed) events.event(event)
    })
    qmp.onClose(() => {
      if (!closed) begin(find())
    })
    return qmp
  }
  /** Tries until it is connected, the process is gone, or nobody cares any more. */
  const find = async (): Promise<Qmp> => {
    for (let pauseMs = 20; !closed; pauseMs = Math.min(pauseMs * 2, 2_000)) {
      if (!(await lives(mark))) {
        if (closed) break
        closed = true
        events.ended(lastWords ?? { why: 'crashed', detail: 'the process of the guest is gone' })
        break
      }
      try {
        return hold(await connectQmp({ folder, name: SOCKETS.qmp, clock, timeoutMs: CONNECT_LIMIT_MS }))
      } catch {
        await clock.sleep(pauseMs)
      }
    }
    throw new QmpSilence('the guest is not watched any more', true)
  }
  const begin = (next: Promise<Qmp>): void => {
    current = next
    next.catch(() => undefined)
  }
  current = options.first === undefined ? find() : Promise.resolve(hold(options.first))
  current.catch(() => undefined)

  /** The connection, or a silence: a stopped process may keep us waiting for ever. */
  const connected = async (): Promise<Qmp> => {
    let cancel = (): void => undefined
    const late = new Promise<never>((_, reject) => {
      cancel = clock.after(CONNECT_LIMIT_MS + 2_000, () =>
        reject(new QmpSilence('the monitor of the guest does not answer', false)),
      )
    })
    try {
      return await Promise.race([current, late])
    } finally {
      cancel()
    }
  }
  return {
    mark,
    connection: connected,
    async execute(command, args, limits) {
      try {
        return await (await connected()).execute(command, args, limits)
      } catch (error) {
        if (!(error instanceof QmpSilence)) throw error
        throw error.gone
          ? new HypervisorFault('wrong-state', `The guest ended during ${command}`, error)
          : new HypervisorFault('timeout', `The guest's process does not answer (${command})`, error)
      }
    },
    async state() {
      if (!(await lives(mark))) return 'shutdown'
      try {
        const { status } = (await (await connected()).execute('query-status', undefined, { timeoutMs: 2_000 })) as {
          status: string
        }
        return stateFromQemu(status)
      } catch (error) {
        if (error instanceof QmpSilence) return (await lives(mark)) ? 'running' : 'shutdown'
        if (error instanceof QmpError) return 'crashed'
        throw error
      }
    },
    close() {
      closed = true
      current.then(qmp => qmp.close()).catch(() => undefined)
    },
  }
}

function endFrom(event: QmpEvent): GuestEnd {
  const reason = String(event.data.reason ?? '')
  if (reason === 'guest-panic') return { why: 'panic', detail: 'the guest reported a kernel panic' }
  if (reason === 'guest-shutdown' || reason === 'guest-reset')
    return { why: 'guest', detail: `the guest shut down (${reason})` }
  return { why: 'crashed', detail: `QEMU was ended (${reason})` }
}
