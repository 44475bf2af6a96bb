// `koto up -d`: starts the cloud in a session of its own, waits until it says ready or why not, and lets go.
import { existsSync, rmSync } from 'node:fs'
import path from 'node:path'
import { fileURLToPath } from 'node:url'
import { Refusal } from '#kernel/config/refusal.ts'
import { forkDaemon } from '#host/node/process-table-fork.ts'
import { ensureStateFolder, openState, statePath, temporaryState } from '#host/node/state-dir.ts'
import { lockHolder } from '#host/node/state-dir-lock.ts'
import { readSettings } from '#main/cli/settings.ts'
import type { UpWish } from '#main/cli/up-run.ts'
import type { UpSummary } from '#main/control/control.ts'

const DOOR = fileURLToPath(new URL('../../../bin/koto.js', import.meta.url))

/** What the daemon tells its starter, one message each. */
export type DaemonSays =
  | { readonly kind: 'progress'; readonly says: string }
  | { readonly kind: 'ready'; readonly summary: UpSummary; readonly password: string }
  | { readonly kind: 'refused'; readonly says: string; readonly exitCode: number }

/** What the starter tells the daemon, as its first message: nothing of it shows in a process list. */
export interface DaemonOrder {
  readonly wish: UpWish
  readonly beganMs: number
}

/** Resolves when the daemon is ready. @throws Refusal with the daemon's own sentence, or where its last words are. */
export async function startDetached(
  wish: UpWish,
  beganMs: number,
  progress: (says: string) => void,
): Promise<{ summary: UpSummary; password: string }> {
  const dir = wish.dir ?? temporaryState()
  const known = existsSync(dir)
  readSettings(openState(dir), { localrc: wish.localrc, flags: wish.flags, cwd: process.cwd(), env: process.env })
  const holder = known ? lockHolder(dir) : null
  if (holder !== null) {
    throw new Refusal(
      `Another koto (process ${holder.pid}) is starting or running on ${dir}; this one changed nothing.`,
    )
  }
  const made = ensureStateFolder(dir)
  const logFile = path.join(dir, 'log', 'process.log')
  const order: DaemonOrder = { wish: { ...wish, dir: statePath(dir, {}) }, beganMs }
  const child = forkDaemon(DOOR, ['--daemon', dir], logFile)
  child.send(order)
  const interrupted = (): void => {
    child.kill('SIGTERM')
  }
  for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) process.on(signal, interrupted)
  try {
    return await new Promise((resolve, reject) => {
      child.on('message', message => {
        const said = message as DaemonSays
        if (said.kind === 'progress') progress(said.says)
        else if (said.kind === 'refused') reject(new Refusal(said.says, said.exitCode))
        else resolve({ summary: said.summary, password: said.password })
      })
      child.on('error', error => reject(new Refusal(`The cloud's process could not be started (${error.message}).`)))
      child.on('exit', (code, signal) => {
        const how = signal === null ? `with ${code}` : `by ${signal}`
        // A message sent just before the end is delivered after it.
        setImmediate(() => reject(new Refusal(`The cloud's process ended ${how} before it was ready; see ${logFile}.`)))
      })
    })
  } catch (error) {
    if (made !== null && !existsSync(path.join(dir, 'format'))) rmSync(made, { recursive: true, force: true })
    throw error
  } finally {
    for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) process.removeListener(signal, interrupted)
    child.removeAllListeners()
    if (child.connected) child.disconnect()
    child.unref()
  }
}
