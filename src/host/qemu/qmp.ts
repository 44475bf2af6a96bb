// QEMU's machine protocol over a unix socket: one JSON object per line, replies matched by id, events in between.
import { open } from 'node:fs/promises'
import { connect, type Socket } from 'node:net'
import type { Clock } from '#kernel/lib/clock.ts'

/** A refusal by QEMU: `errorClass` as its schema names it (`GenericError`, `DeviceNotFound`, …). */
export class QmpError extends Error {
  readonly errorClass: string
  constructor(command: string, errorClass: string, description: string) {
    super(`${command}: ${description}`)
    this.name = 'QmpError'
    this.errorClass = errorClass
  }
}

/** No answer in time, or none any more. `gone` tells a closed connection from a silent one. */
export class QmpSilence extends Error {
  readonly gone: boolean
  constructor(message: string, gone: boolean) {
    super(message)
    this.name = 'QmpSilence'
    this.gone = gone
  }
}

export interface QmpEvent {
  readonly event: string
  readonly data: Readonly<Record<string, unknown>>
  readonly timestamp: { readonly seconds: number; readonly microseconds: number }
}

export interface Qmp {
  /** Throws {@link QmpError}, or {@link QmpSilence} after `timeoutMs` (default 10 000) or when the connection ends. */
  execute(command: string, args?: object, options?: { timeoutMs?: number; signal?: AbortSignal }): Promise<unknown>
  /** Every event from now on. Returns the unsubscribe. */
  onEvent(listen: (event: QmpEvent) => void): () => void
  /** Called once when the connection ends, for whatever reason but {@link Qmp.close}. */
  onClose(listen: () => void): void
  /**
   * The first event that `match` accepts, from the moment of the call. Rejects like `execute`. Start it before the command
   * that causes the event.
   */
  wait(match: (event: QmpEvent) => boolean, options: { timeoutMs: number; signal?: AbortSignal }): Promise<QmpEvent>
  readonly closed: boolean
  close(): void
}

/** Room in `sockaddr_un`; longer paths are reached through the folder's file descriptor. */
const LONGEST_SOCKET_PATH = 107

/** Calls `use` with a path to `folder/name` that is short enough for a unix socket, however deep the folder lies. */
export async function withSocketPath<T>(folder: string, name: string, use: (path: string) => Promise<T>): Promise<T> {
  const path = `${folder}/${name}`
  if (Buffer.byteLength(path) <= LONGEST_SOCKET_PATH) return use(path)
  const handle = await open(folder)
  try {
    return await use(`/proc/${process.pid}/fd/${handle.fd}/${name}`)
  } finally {
    await handle.close()
  }
}

/** A plain connection to `folder/name`. Throws the system's error when nobody listens. */
export function connectSocket(folder: string, name: string): Promise<Socket> {
  return withSocketPath(
    folder,
    name,
    path =>
      new Promise((resolve, reject) => {
        const socket = connect(path)
        socket.once('error', reject)
        socket.once('connect', () => {
          socket.off('error', reject)
          resolve(socket)
        })
      }),
  )
}

interface Pending {
  readonly command: string
  resolve(value: unknown): void
  reject(error: Error): void
}

/**
 * Connects once: greeting, then capabilities. Throws the system's error when nobody listens, {@link QmpSilence} when
 * whoever listens says nothing within `timeoutMs` (another client holds the monitor, or the process is stopped).
 */
export async function connectQmp(options: {
  folder: string
  name: string
  clock: Clock
  timeoutMs?: number
  signal?: AbortSignal
}): Promise<Qmp> {
  const { clock } = options
  const timeoutMs = options.timeoutMs ?? 5_000
  options.signal?.throwIfAborted()
  const socket = await connectSocket(options.folder, options.name)
  const pending = new Map<number, Pending>()
  const listeners = new Set<(event: QmpEvent) => void>()
  const closers: (() => void)[] = []
  let closed = false
  let quiet = false
  let lastId = 0
  let greeted: () => void = () => undefined
  let refused: (error: Error) => void = () => undefined
  const greeting = new Promise<void>((resolve, reject) => {
    greeted = resolve
    refused = reject
  })
  greeting.catch(() => undefined)

  const take = (line: string): void => {
    const message = JSON.parse(line) as {
      QMP?: unknown
      event?: string
      id?: number
      return?: unknown
      error?: { class: string; desc: string }
    }
    if (message.QMP !== undefined) return greeted()
    if (message.event !== undefined) {
      const event = { data: {}, ...(message as object) } as QmpEvent
      for (const listen of [...listeners]) listen(event)
      return
    }
    const waiter = message.id === undefined ? undefined : pending.get(message.id)
    if (waiter === undefined || message.id === undefined) return
    pending.delete(message.id)
    if (message.error === undefined) waiter.resolve(message.return)
    else waiter.reject(new QmpError(waiter.command, message.error.class, message.error.desc))
  }
  const end = (): void => {
    if (closed) return
    closed = true
    refused(new QmpSilence('the monitor closed the connection', true))
    for (const waiter of pending.values())
      waiter.reject(new QmpSilence(`${waiter.command}: the monitor closed the connection`, true))
    pending.clear()
    if (!quiet) for (const call of closers) call()
  }
  let rest = ''
  socket.setEncoding('utf8')
  socket.on('data', (text: string) => {
    rest += text
    for (let at = rest.indexOf('\n'); at >= 0; at = rest.indexOf('\n')) {
      const line = rest.slice(0, at).trim()
      rest = rest.slice(at + 1)
      if (line !== '') take(line)
    }
  })
  socket.on('error', () => undefined) // 'close' follows
  socket.on('close', end)

  /** Rejects when the clock or the signal says so, and cleans both up when `work` is done first. */
  const limited = <T>(
    what: string,
    ms: number,
    signal: AbortSignal | undefined,
    begin: (done: (act: () => void) => void) => () => void,
  ): Promise<T> =>
    new Promise<T>((_, reject) => {
      let over = false
      const done = (act: () => void): void => {
        if (over) return
        over = true
        cancelTimer()
        signal?.removeEventListener('abort', abort)
        act()
      }
      const abort = (): void => {
        forget()
        done(() => reject(signal?.reason))
      }
      const cancelTimer = clock.after(ms, () => {
        forget()
        done(() => reject(new QmpSilence(`${what}: no answer within ${ms} ms`, false)))
      })
      const forget = begin(done)
      if (signal?.aborted === true) abort()
      else signal?.addEventListener('abort', abort, { once: true })
    })

  const qmp: Qmp = {
    execute(command, args, { timeoutMs: ms = 10_000, signal } = {}) {
      if (closed) return Promise.reject(new QmpSilence(`${command}: the monitor closed the connection`, true))
      const id = ++lastId
      return new Promise((resolve, reject) => {
        limited(command, ms, signal, done => {
          pending.set(id, {
            command,
            resolve: value => done(() => resolve(value)),
            reject: error => done(() => reject(error)),
          })
          socket.write(
            `${JSON.stringify({ execute: command, ...(args === undefined ? {} : { arguments: args }), id })}\n`,
          )
          return () => pending.delete(id)
        }).catch(reject)
      })
    },
    onEvent(listen) {
      listeners.add(listen)
      return () => listeners.delete(listen)
    },
    onClose: listen => void (closed ? listen() : closers.push(listen)),
    wait(match, { timeoutMs: ms, signal }) {
      if (closed) return Promise.reject(new QmpSilence('the monitor closed the connection', true))
      return new Promise((resolve, reject) => {
        limited('waiting for an event', ms, signal, done => {
          const stop = qmp.onEvent(event => {
            if (!match(event)) return
            stop()
            done(() => resolve(event))
          })
          closers.push(() => {
            stop()
            done(() => reject(new QmpSilence('the monitor closed the connection', true)))
          })
          return stop
        }).catch(reject)
      })
    },
    get closed() {
      return closed
    },
    close() {
      quiet = true
      socket.destroy()
      end()
    },
  }
  const late = clock.after(timeoutMs, () => refused(new QmpSilence(`no greeting within ${timeoutMs} ms`, false)))
  try {
    await greeting
    await qmp.execute('qmp_capabilities', undefined, {
      timeoutMs,
      ...(options.signal === undefined ? {} : { signal: options.signal }),
    })
    return qmp
  } catch (error) {
    qmp.close()
    throw error
  } finally {
    late()
  }
}
