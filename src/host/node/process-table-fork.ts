// A Node process in a session of its own, that outlives us, with a channel to it until we let go.
import { spawn, type ChildProcess } from 'node:child_process'
import { closeSync, mkdirSync, openSync } from 'node:fs'
import path from 'node:path'
import { fileURLToPath } from 'node:url'

/** `module` is a file URL. What it prints is appended to `logFile`, 0600; `words` show in a process list. */
export function forkDaemon(module: string, words: readonly string[], logFile: string): ChildProcess {
  mkdirSync(path.dirname(logFile), { recursive: true, mode: 0o700 })
  const log = openSync(logFile, 'a', 0o600)
  try {
    return spawn(process.execPath, [...process.execArgv, fileURLToPath(module), ...words], {
      detached: true,
      stdio: ['ignore', log, log, 'ipc'],
      serialization: 'json',
    })
  } finally {
    closeSync(log)
  }
}
