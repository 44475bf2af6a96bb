// A Node process in a session of its own, that outlives us, with a channel to it until we let go.
import { spawn, type ChildProcess } from 'node:child_process'
import { closeSync, mkdirSync, openSync } from 'node:fs'
import path from 'node:path'

/**
 * What a process that lives long is started with, for little memory: V8 would let its nursery grow to three times 16 MB; glibc
 * keeps an arena for each of a dozen threads, and, once a large block was freed, keeps the next ones for itself too.
 */
const FLAGS = ['--max-semi-space-size=4']
const TUNING = { MALLOC_ARENA_MAX: '1', MALLOC_MMAP_THRESHOLD_: '65536', MALLOC_TRIM_THRESHOLD_: '131072' }

/**
 * `program` is a file. What it prints is appended to `logFile`, 0600; `words` show in a process list. The variables that
 * only tune the process itself are named in `KOTO_TUNED`, so that it takes them out of what it hands on.
 */
export function forkDaemon(program: string, words: readonly string[], logFile: string): ChildProcess {
  mkdirSync(path.dirname(logFile), { recursive: true, mode: 0o700 })
  const log = openSync(logFile, 'a', 0o600)
  try {
    const tuning = Object.fromEntries(Object.entries(TUNING).filter(([name]) => process.env[name] === undefined))
    return spawn(process.execPath, [...FLAGS, ...process.execArgv, program, ...words], {
      detached: true,
      env: { ...process.env, ...tuning, KOTO_TUNED: Object.keys(tuning).join(' ') },
      stdio: ['ignore', log, log, 'ipc'],
      serialization: 'json',
    })
  } finally {
    closeSync(log)
  }
}
