// A cloud in this process: takes the state folder, starts, opens the control socket, and stops in order when told or signalled.
import { NewerDatabase } from '#kernel/db/errors.ts'
import { randomIds } from '#kernel/lib/ids.ts'
import { systemClock } from '#kernel/lib/clock.ts'
import { Refusal } from '#kernel/config/refusal.ts'
import { createExec } from '#host/node/exec.ts'
import { openLogs, type LogFiles } from '#host/node/log-file.ts'
import { MARK, markedProcesses } from '#host/node/process-table.ts'
import { endProcesses } from '#host/node/process-table-end.ts'
import { asPortRefusal } from '#host/node/process-table-ports.ts'
import { asDiskRefusal, openState, prepareState } from '#host/node/state-dir.ts'
import { writeClouds } from '#host/node/state-dir-clouds.ts'
import { holdIdentity } from '#host/node/state-dir-identity.ts'
import { demoKey } from '#host/node/state-dir-key.ts'
import { kotoConfig } from '#main/options.ts'
import type { DownOptions, StartCloud, StartedCloud, UpSummary } from '#main/control/control.ts'
import { openDoorInside, type DoorInside } from '#main/control/door-inside.ts'
import { requestLog } from '#main/control/request-log.ts'
import { serveControl } from '#main/control/server.ts'
import { checkExposure, keepPasswords, readSettings, type SettingsWish } from '#main/cli/settings.ts'

export interface UpWish extends Omit<SettingsWish, 'cwd' | 'env'> {
  /** Undefined: a temporary folder, for an ephemeral cloud. */
  readonly dir: string | undefined
  readonly ephemeral: boolean
}

export interface Running {
  readonly summary: UpSummary
  readonly password: string
  readonly logs: LogFiles
  /** Resolves when all is closed and the folder is given back; rejects when the cloud died by itself. */
  readonly over: Promise<void>
  stop(options: DownOptions): Promise<void>
}

/** Longest time an interrupted start may take to let go. */
const LET_GO_MS = 8_000

/**
 * Starts a cloud here. `began` is a `performance.now()`-like time at which the person pressed enter.
 * @throws Refusal with one sentence; then nothing is left of the attempt.
 */
export async function startHere(
  wish: UpWish,
  start: StartCloud,
  hands: { signal: AbortSignal; progress: (says: string) => void; beganMs: number; letGoMs?: number },
): Promise<Running> {
  const clock = systemClock()
  const given = { localrc: wish.localrc, flags: wish.flags, cwd: process.cwd(), env: process.env }
  if (wish.dir !== undefined) {
    const first = readSettings(openState(wish.dir), given) // a wrong option is said before a folder is made
    checkExposure(first.config.of(kotoConfig).bind, first.passwords.admin)
  }
  const state = prepareState({ ephemeral: wish.ephemeral, ...(wish.dir === undefined ? {} : { dir: wish.dir }) })
  let logs: LogFiles | null = null
  let letGo = (): void => undefined
  try {
    letGo = await holdIdentity(state, randomIds())
    const settings = readSettings(state, given)
    const options = settings.config.of(kotoConfig)
    checkExposure(options.bind, settings.passwords.admin)
    const passwords = keepPasswords(state, settings.passwords, randomIds())
    logs = openLogs(state.folder('log'), clock.now)
    process.env[MARK] = state.path // whatever we start says whose it is, so that `koto clean` finds it even after a crash
    for (const notice of settings.notices) hands.progress(notice)
    const cloud = await orLetGo(
      start({
        state,
        config: settings.config,
        passwords,
        demoKey: demoKey(state),
        logs,
        disabled: settings.disabled,
        hooks: [requestLog(logs, clock)],
        signal: hands.signal,
        progress: hands.progress,
      }),
      hands.signal,
      () => clock.sleep(hands.letGoMs ?? LET_GO_MS),
    )
    writeClouds(state, { authUrl: cloud.authUrl, region: options.region, password: passwords.admin })
    const summary: UpSummary = {
      ready: true,
      seconds: Math.round((clock.monotonic() - hands.beganMs) / 10) / 100,
      auth_url: cloud.authUrl,
      horizon: cloud.horizon,
      clouds_yaml: state.file('clouds.yaml'),
      state: state.path,
      pid: process.pid,
      host_ip: cloud.hostIp,
      notices: [...settings.notices, ...cloud.notices],
    }
    const inside = await doorInside(cloud, logs)
    const { promise: over, resolve, reject } = Promise.withResolvers<void>()
    over.catch(() => undefined)
    let stopping: Promise<void> | null = null
    const stop = (how: DownOptions): Promise<void> =>
      (stopping ??= (async () => {
        inside?.close()
        try {
          await cloud.control.down(wish.ephemeral ? { keepGuests: false, remove: true } : how)
        } finally {
          void server.close().then(resolve)
          logs?.close()
          letGo()
          state.release()
        }
      })())
    const server = await serveControl({ state, control: cloud.control, summary, stop })
    cloud.stopped.catch((error: unknown) => {
      if (stopping !== null) return
      logs?.write('koto', 'ERROR', `the cloud ended by itself: ${error instanceof Error ? error.stack : String(error)}`)
      logs?.close()
      state.release()
      reject(error)
    })
    return { summary, password: passwords.admin, logs, over, stop }
  } catch (error) {
    const reason = asSentence(error, state.path)
    if (!(reason instanceof Refusal)) {
      logs?.write(
        'koto',
        'ERROR',
        `the cloud did not start: ${reason instanceof Error ? reason.stack : String(reason)}`,
      )
    }
    logs?.close()
    letGo()
    // In a new cloud nothing that runs is worth keeping; in an old one guests are.
    if (state.fresh) await endProcesses(markedProcesses(state.path))
    state.release()
    // A first start that was refused leaves nothing; one that broke or was interrupted leaves its logs and what it had built.
    if (state.fresh && reason instanceof Refusal && !hands.signal.aborted) state.discard()
    throw reason
  }
}

/** A cloud without it is whole for all but `koto enter`, so what goes wrong is only written down. */
async function doorInside(cloud: StartedCloud, logs: LogFiles): Promise<DoorInside | null> {
  const prefix = await cloud.control.enterArgv()
  if (prefix.length === 0) return null
  try {
    return await openDoorInside(prefix, cloud.horizon, createExec())
  } catch (error) {
    logs.write(
      'koto',
      'WARNING',
      `koto enter will not reach the APIs: ${error instanceof Error ? error.message : String(error)}`,
    )
    return null
  }
}

/** What a person can mend becomes one sentence; what only we can stays as it is. */
function asSentence(error: unknown, dir: string): unknown {
  if (error instanceof NewerDatabase) {
    return new Refusal(`In the state folder ${dir} ${error.message}. Another --state begins anew.`)
  }
  return asDiskRefusal(asPortRefusal(error), dir)
}

/** The start's own answer; when the person gave up meanwhile and it does not come, a Refusal after a while. */
async function orLetGo<T>(starting: Promise<T>, signal: AbortSignal, aWhile: () => Promise<void>): Promise<T> {
  const given = new Refusal('Interrupted before the cloud was ready; the next koto up goes on from here.', 130)
  const gaveUp = new Promise<never>((_resolve, reject) => {
    const late = (): void => void aWhile().then(() => reject(given))
    if (signal.aborted) late()
    else signal.addEventListener('abort', late, { once: true })
  })
  try {
    return await Promise.race([starting, gaveUp])
  } catch (error) {
    throw signal.aborted ? given : error
  }
}
