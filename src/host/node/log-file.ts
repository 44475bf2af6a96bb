// One log file per service under the state folder, lines that can be merged by time again, and readers for `koto logs`.
import { closeSync, mkdirSync, openSync, renameSync, writeSync, fstatSync } from 'node:fs'
import path from 'node:path'
import type { Log } from '#kernel/lib/log.ts'

export type Level = 'DEBUG' | 'INFO' | 'WARNING' | 'ERROR'

export interface LogLine {
  /** Milliseconds since 1970. */
  readonly at: number
  readonly service: string
  readonly level: Level
  /** `req-…`, or null outside any request. */
  readonly requestId: string | null
  readonly message: string
}

export interface LogFiles {
  write(service: string, level: Level, message: string, requestId?: string | null): void
  /** Sees every line as it is written; returns the way to stop. */
  watch(see: (line: LogLine) => void): () => void
  /** Writes what is still in memory. */
  flush(): void
  close(): void
}

const stamp = (at: number): string => new Date(at).toISOString().replace('T', ' ').slice(0, 23)

/** `2026-11-22 13:48:02.914 INFO nova-api [req-…] message`; UTC; further lines of a message are indented. */
export const formatLine = (line: LogLine): string =>
  `${stamp(line.at)} ${line.level} ${line.service} [${line.requestId ?? '-'}] ${line.message.trimEnd().replaceAll('\n', '\n    ')}\n`

const HEAD = /^(\d{4}-\d\d-\d\d \d\d:\d\d:\d\d\.\d{3}) (DEBUG|INFO|WARNING|ERROR) (\S+) \[([^\]\s]*)\] (.*)$/

/** The lines of a file's text. Text that is not ours (a crash's last words) is kept with the line before it. */
export function parseLines(text: string, service: string): LogLine[] {
  const lines: LogLine[] = []
  for (const raw of text.split('\n')) {
    const head = HEAD.exec(raw)
    if (head !== null) {
      lines.push({
        at: Date.parse(`${(head[1] ?? '').replace(' ', 'T')}Z`),
        level: head[2] as Level,
        service: head[3] ?? service,
        requestId: head[4] === '-' || head[4] === undefined ? null : head[4],
        message: head[5] ?? '',
      })
      continue
    }
    if (raw.trim() === '') continue
    const last = lines.pop()
    const more = raw.replace(/^ {4}/, '')
    if (last === undefined) lines.push({ at: 0, level: 'INFO', service, requestId: null, message: more })
    else lines.push({ ...last, message: `${last.message}\n${more}` })
  }
  return lines
}

interface OpenFile {
  readonly fd: number
  bytes: number
  waiting: string
}

/**
 * Opens the folder for writing. Lines are written once per turn of the event loop; a full disk loses lines, never the cloud.
 * A file over `maxBytes` becomes `<name>.1`, `.1` becomes `.2`, and so on up to `keep`.
 */
export function openLogs(dir: string, now: () => number, limits: { maxBytes?: number; keep?: number } = {}): LogFiles {
  const maxBytes = limits.maxBytes ?? 16 * 1024 ** 2
  const keep = limits.keep ?? 2
  mkdirSync(dir, { recursive: true, mode: 0o700 })
  const files = new Map<string, OpenFile>()
  const watchers = new Set<(line: LogLine) => void>()
  let due: NodeJS.Immediate | null = null

  const open = (service: string): OpenFile => {
    const known = files.get(service)
    if (known !== undefined) return known
    const fd = openSync(path.join(dir, `${service.replace(/[^\w.@-]/g, '_')}.log`), 'a', 0o600)
    const file = { fd, bytes: fstatSync(fd).size, waiting: '' }
    files.set(service, file)
    return file
  }
  const rotate = (service: string, file: OpenFile): void => {
    const name = path.join(dir, `${service}.log`)
    closeSync(file.fd)
    files.delete(service)
    for (let i = keep; i >= 1; i--) {
      try {
        renameSync(i === 1 ? name : `${name}.${i - 1}`, `${name}.${i}`)
      } catch {
        // an older one that does not exist yet
      }
    }
  }
  const flush = (): void => {
    if (due !== null) clearImmediate(due)
    due = null
    for (const [service, file] of [...files]) {
      const text = file.waiting
      if (text === '') continue
      file.waiting = ''
      try {
        if (file.bytes > 0 && file.bytes + text.length > maxBytes) rotate(service, file)
        const target = open(service)
        target.bytes += writeSync(target.fd, text)
      } catch {
        // disk full: these lines are lost
      }
    }
  }
  return {
    write(service, level, message, requestId = null) {
      const line: LogLine = { at: now(), service, level, message, requestId }
      try {
        open(service).waiting += formatLine(line)
      } catch {
        // no file can be opened: still shown to who watches
      }
      for (const see of watchers) see(line)
      due ??= setImmediate(flush)
    },
    watch(see) {
      watchers.add(see)
      return () => watchers.delete(see)
    },
    flush,
    close() {
      flush()
      for (const file of files.values()) closeSync(file.fd)
      files.clear()
    },
  }
}

/** The log that a component is given: its lines go to the file of its service. */
export function serviceLog(files: LogFiles, service: string): Log {
  return {
    info: (ctx, says, facts) => files.write(service, 'INFO', says + factText(facts), ctx?.requestId),
    warn: (ctx, says, facts) => files.write(service, 'WARNING', says + factText(facts), ctx?.requestId),
    error: (ctx, says, error) =>
      files.write(service, 'ERROR', error === undefined ? says : `${says}: ${causes(error)}`, ctx?.requestId),
  }
}

function factText(facts: Readonly<Record<string, unknown>> | undefined): string {
  if (facts === undefined) return ''
  const shown = (value: unknown): string =>
    typeof value === 'string' && /^\S+$/.test(value) ? value : JSON.stringify(value)
  return Object.entries(facts)
    .map(([name, value]) => ` ${name}=${shown(value)}`)
    .join('')
}

/** The error with its stack, then each cause under it. */
function causes(error: unknown): string {
  const chain: string[] = []
  let one = error
  for (let depth = 0; depth < 8 && one !== undefined && one !== null; depth++) {
    chain.push(one instanceof Error ? (one.stack ?? `${one.name}: ${one.message}`) : JSON.stringify(one))
    one = one instanceof Error ? one.cause : undefined
  }
  return chain.join('\ncaused by: ')
}
