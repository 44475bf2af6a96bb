// One starter per state folder. `lock` names the holder (pid and start time); a kernel file lock guards the moment of taking it.
import { readFileSync, rmSync, statSync, writeFileSync, renameSync } from 'node:fs'
import path from 'node:path'
import { DatabaseSync } from 'node:sqlite'
import { identityOf, isAlive, type ProcessIdentity } from '#host/node/process-table.ts'

/** Who holds the folder, or null when nobody that is alive does. A half-written or foreign file counts as nobody. */
export function lockHolder(dir: string): ProcessIdentity | null {
  let found: unknown
  try {
    found = JSON.parse(readFileSync(path.join(dir, 'lock'), 'utf8'))
  } catch {
    return null
  }
  const { pid, started, folder } = (found ?? {}) as { pid?: unknown; started?: unknown; folder?: unknown }
  if (typeof pid !== 'number' || typeof started !== 'string') return null
  if (folder !== undefined && folder !== inodeOf(dir)) return null // came along when somebody copied the folder
  const holder = { pid, started }
  return isAlive(holder) ? holder : null
}

const inodeOf = (dir: string): string => {
  const { dev, ino } = statSync(dir)
  return `${dev}:${ino}`
}

/**
 * Takes the folder for this process: returns null, or the living holder, in which case nothing was touched.
 * The guard is an empty SQLite file: `begin exclusive` takes a lock that the kernel drops when we die, so no starter
 * can remove a lock that another has just written.
 */
export function takeLock(dir: string): ProcessIdentity | null {
  const before = lockHolder(dir)
  if (before !== null) return before
  const guard = new DatabaseSync(path.join(dir, 'lock.guard'), { timeout: 10_000 })
  try {
    guard.exec('begin exclusive')
    const holder = lockHolder(dir)
    if (holder !== null) return holder
    const me = identityOf(process.pid) ?? { pid: process.pid, started: '' }
    const fresh = path.join(dir, `lock.${process.pid}`)
    writeFileSync(fresh, `${JSON.stringify({ ...me, folder: inodeOf(dir) })}\n`, { mode: 0o600 })
    renameSync(fresh, path.join(dir, 'lock'))
    return null
  } finally {
    guard.close() // rolls back, which lets go
  }
}

/** Gives the folder back, if it is ours. */
export function releaseLock(dir: string): void {
  if (lockHolder(dir)?.pid === process.pid) rmSync(path.join(dir, 'lock'), { force: true })
}
