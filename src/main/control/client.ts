// The other end of the control socket: how a command asks the cloud that runs on a state folder.
import type { StateDir } from '#host/node/state-dir.ts'
import { http } from '#host/node/plain-http.ts'
import { Refusal } from '#kernel/config/refusal.ts'
import type * as Control from '#main/control/control.ts'
import { SOCKET } from '#main/control/server.ts'

export interface ControlClient {
  summary(): Promise<Control.UpSummary>
  status(): Promise<Control.StatusReport>
  journey(server: string, order: Control.JourneyOrder): Promise<readonly Control.JourneyRow[] | null>
  why(id: string): Promise<Control.WhyReport | null>
  audit(): Promise<readonly Control.Violation[]>
  routes(): Promise<readonly Control.RouteRow[]>
  config(): ReturnType<() => Promise<ReturnType<Control.CloudControl['config']>>>
  enterArgv(): Promise<readonly string[]>
  cleanPlan(): Promise<readonly string[]>
  down(options: Control.DownOptions): Promise<void>
}

/** Raised when nothing answers on the socket: there is no cloud, or it just died. */
export class NotRunning extends Refusal {
  constructor(dir: string) {
    super(`No cloud is running on ${dir}; koto up starts one.`, 3)
    this.name = 'NotRunning'
  }
}

/** A client for the cloud on this folder. Nothing is connected yet; each question may throw {@link NotRunning}. */
export function controlClient(state: StateDir): ControlClient {
  const ask = async <T>(method: string, path: string, body?: unknown, timeoutMs = 60_000): Promise<T | null> => {
    const { status, text } = await exchange(state, method, path, body, timeoutMs)
    if (status === 404) return null
    const value = JSON.parse(text) as T
    if (status === 200) return value
    throw new Refusal(`The cloud on ${state.path} answered: ${(value as { error?: string }).error ?? text}`)
  }
  const must = async <T>(method: string, path: string, body?: unknown, timeoutMs?: number): Promise<T> => {
    const value = await ask<T>(method, path, body, timeoutMs)
    if (value === null) throw new Refusal(`The cloud on ${state.path} is another version: it does not know ${path}.`)
    return value
  }
  const query = (values: Readonly<Record<string, string>>): string => new URLSearchParams(values).toString()
  return {
    summary: () => must('GET', '/summary'),
    status: () => must('GET', '/status'),
    journey: (server, order) => ask('GET', `/journey?${query({ server, order })}`),
    why: id => ask('GET', `/why?${query({ id })}`),
    audit: () => must('GET', '/audit', undefined, 300_000),
    routes: () => must('GET', '/routes'),
    config: () => must('GET', '/config'),
    enterArgv: () => must('GET', '/enter'),
    cleanPlan: () => must('GET', '/clean-plan'),
    down: async options => {
      await must('POST', '/down', { keep_guests: options.keepGuests, remove: options.remove === true }, 600_000)
    },
  }
}

function exchange(
  state: StateDir,
  method: string,
  path: string,
  body: unknown,
  timeoutMs: number,
): Promise<{ status: number; text: string }> {
  return new Promise((resolve, reject) => {
    const failed = (error: NodeJS.ErrnoException): void =>
      reject(
        ['ENOENT', 'ECONNREFUSED', 'ECONNRESET', 'EPIPE', 'ENOTDIR'].includes(error.code ?? '')
          ? new NotRunning(state.path)
          : error,
      )
    let socketPath: string
    try {
      socketPath = state.socket(SOCKET)
    } catch (error) {
      failed(error as NodeJS.ErrnoException)
      return
    }
    const call = http.request(
      { socketPath, method, path, timeout: timeoutMs, headers: { 'content-type': 'application/json' } },
      response => {
        const chunks: Buffer[] = []
        response.on('data', (chunk: Buffer) => chunks.push(chunk))
        response.on('error', failed)
        response.on('end', () =>
          resolve({ status: response.statusCode ?? 0, text: Buffer.concat(chunks).toString('utf8') }),
        )
      },
    )
    call.on('timeout', () =>
      call.destroy(new Refusal(`The cloud on ${state.path} did not answer within ${timeoutMs / 1000} s.`)),
    )
    call.on('error', failed)
    call.end(body === undefined ? undefined : JSON.stringify(body))
  })
}
