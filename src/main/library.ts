// Koto as a library: `await using cloud = await createCloud({ ephemeral: true, hypervisor: 'simulated' })`. Several clouds live in one
// process; nothing is shared between them, and ports are free ones.
import { doorFetch } from '#host/node/door-fetch.ts'
import { openLogs } from '#host/node/log-file.ts'
import { prepareState } from '#host/node/state-dir.ts'
import { writeClouds } from '#host/node/state-dir-clouds.ts'
import { demoKey } from '#host/node/state-dir-key.ts'
import { randomIds } from '#kernel/lib/ids.ts'
import { systemClock } from '#kernel/lib/clock.ts'
import type { Hook } from '#kernel/crossing/crossing.ts'
import { startCloud } from '#main/main.ts'
import { keepPasswords, readSettings } from '#main/cli/settings.ts'
import { kotoConfig } from '#main/options.ts'
import { logIn, type Person } from '#main/person.ts'
import type { CloudControl } from '#main/control/control.ts'

export interface CloudWish {
  /** State in memory and a temporary folder that is gone at the end. Default true without a `state`. */
  readonly ephemeral?: boolean
  /** Everything Koto keeps; continues what is there. */
  readonly state?: string
  readonly hypervisor?: 'auto' | 'qemu' | 'simulated'
  readonly network?: 'auto' | 'linux' | 'simulated'
  /** Simulated compute hosts beside the first. */
  readonly hosts?: number
  /** Default: a free one. */
  readonly port?: number
  /** `service.option` → value, as `--set` takes them. */
  readonly set?: Readonly<Record<string, string>>
  readonly progress?: (says: string) => void
  /** Watch, delay, pause or break what crosses between components: see `kernel/crossing`. */
  readonly hooks?: readonly Hook[]
}

export interface CloudHandle extends AsyncDisposable {
  readonly authUrl: string
  /** `http://127.0.0.1:41234`. */
  readonly door: string
  readonly state: string
  readonly password: string
  readonly control: CloudControl
  /** `path` on the front door. */
  readonly fetch: (path: string, init?: RequestInit) => Promise<Response>
  /** `demo`, `admin`, `demo_reader`, `alt_demo`, each in his own project. */
  as(user: string): Promise<Person>
  stop(options?: { keepGuests?: boolean }): Promise<void>
}

/** Starts a cloud in this process and resolves when it is ready. Throws a Refusal with one sentence for what a person can mend. */
export async function createCloud(wish: CloudWish = {}): Promise<CloudHandle> {
  const ephemeral = wish.ephemeral ?? wish.state === undefined
  const state = prepareState({ ephemeral, ...(wish.state === undefined ? {} : { dir: wish.state }) })
  const clock = systemClock()
  const logs = openLogs(state.folder('log'), clock.now)
  try {
    const flags: [string, string][] = [
      ['koto.port', String(wish.port ?? 0)],
      ...(wish.hypervisor === undefined ? [] : [['koto.hypervisor', wish.hypervisor] as [string, string]]),
      ...(wish.network === undefined ? [] : [['koto.network', wish.network] as [string, string]]),
      ...(wish.hosts === undefined ? [] : [['koto.hosts', String(wish.hosts)] as [string, string]]),
      ...Object.entries(wish.set ?? {}),
    ]
    const settings = readSettings(state, { localrc: undefined, flags, cwd: state.path, env: {} })
    const passwords = keepPasswords(state, settings.passwords, randomIds())
    const cloud = await startCloud({
      state,
      config: settings.config,
      passwords,
      demoKey: demoKey(state),
      logs,
      disabled: settings.disabled,
      signal: new AbortController().signal,
      progress: wish.progress ?? (() => undefined),
      hooks: wish.hooks ?? [],
    })
    writeClouds(state, {
      authUrl: cloud.authUrl,
      region: settings.config.of(kotoConfig).region,
      password: passwords.admin,
    })
    const door = cloud.horizon.replace(/\/$/, '')
    let stopping: Promise<void> | undefined
    const stop = (options: { keepGuests?: boolean } = {}): Promise<void> =>
      (stopping ??= cloud.control.down({ keepGuests: options.keepGuests === true, remove: ephemeral }).finally(() => {
        logs.close()
        state.release()
      }))
    return {
      authUrl: cloud.authUrl,
      door,
      state: state.path,
      password: passwords.admin,
      control: cloud.control,
      stop,
      as: user => logIn(door, user, passwords.admin),
      fetch: (path, init) => doorFetch(door + path, init),
      [Symbol.asyncDispose]: () => stop(),
    }
  } catch (error) {
    logs.close()
    state.release()
    throw error
  }
}
