// The control socket: what a running cloud answers to `koto` in another shell. HTTP and JSON on a unix socket that only its owner opens.
import { chmodSync, rmSync } from 'node:fs'
import type { IncomingMessage } from 'node:http'
import type { StateDir } from '#host/node/state-dir.ts'
import { http } from '#host/node/plain-http.ts'
import type { CloudControl, DownOptions, JourneyOrder, UpSummary } from '#main/control/control.ts'

export const SOCKET = 'control.sock'
const LARGEST_BODY = 65_536

export interface ControlServer {
  close(): Promise<void>
}

export interface ControlServerOptions {
  readonly state: StateDir
  readonly control: CloudControl
  readonly summary: UpSummary
  /** Stops the cloud; resolves when all is closed. The process ends after the answer was sent. */
  readonly stop: (options: DownOptions) => Promise<void>
}

interface Ask {
  readonly query: URLSearchParams
  readonly body: Readonly<Record<string, unknown>>
}
type Answer = (ask: Ask) => Promise<unknown> | unknown

/** The whole interface: method and path → answer. `undefined` is answered 404. */
function answers({ control, summary, stop }: ControlServerOptions): Readonly<Record<string, Answer>> {
  const orNothing = <T>(value: T | null): T | undefined => value ?? undefined
  return {
    'GET /summary': () => summary,
    'GET /status': () => control.status(),
    'GET /journey': async ({ query }) =>
      orNothing(await control.journey(query.get('server') ?? '', (query.get('order') ?? 'book') as JourneyOrder)),
    'GET /why': async ({ query }) => orNothing(await control.why(query.get('id') ?? '')),
    'GET /audit': () => control.audit(),
    'GET /routes': () => control.routes(),
    'GET /config': () => control.config(),
    'GET /enter': () => control.enterArgv(),
    'GET /clean-plan': () => control.cleanPlan(),
    'POST /down': async ({ body }) => {
      await stop({ keepGuests: body['keep_guests'] === true, remove: body['remove'] === true })
      return { stopped: true }
    },
  }
}

/** Listens on `<state>/control.sock`, 0600. A leftover of a dead cloud is replaced: the state's lock says there is no other. */
export async function serveControl(options: ControlServerOptions): Promise<ControlServer> {
  const table = answers(options)
  const server = http.createServer((request, response) => {
    const send = (status: number, value: unknown): void => {
      const text = JSON.stringify(value)
      response.writeHead(status, { 'content-type': 'application/json', connection: 'close' })
      response.end(text)
    }
    void (async () => {
      const url = new URL(request.url ?? '/', 'http://koto')
      const answer = table[`${request.method} ${url.pathname}`]
      if (answer === undefined) return send(404, { error: `there is no ${request.method} ${url.pathname}` })
      const value = await answer({ query: url.searchParams, body: await bodyOf(request) })
      if (value === undefined) send(404, { error: 'not found' })
      else send(200, value)
    })().catch((error: unknown) => send(500, { error: error instanceof Error ? error.message : String(error) }))
  })
  const socket = options.state.socket(SOCKET)
  rmSync(options.state.file(SOCKET), { force: true })
  const umask = process.umask(0o077) // so that there is no moment at which others could connect
  try {
    await new Promise<void>((resolve, reject) => {
      server.once('error', reject)
      server.listen(socket, resolve)
    })
  } finally {
    process.umask(umask)
  }
  chmodSync(options.state.file(SOCKET), 0o600)
  return {
    close: () =>
      new Promise(resolve => {
        rmSync(options.state.file(SOCKET), { force: true })
        server.close(() => resolve())
        server.closeIdleConnections()
      }),
  }
}

async function bodyOf(request: IncomingMessage): Promise<Record<string, unknown>> {
  const chunks: Buffer[] = []
  let length = 0
  for await (const chunk of request as AsyncIterable<Buffer>) {
    length += chunk.length
    if (length > LARGEST_BODY) throw new Error('the body is too large')
    chunks.push(chunk)
  }
  const text = Buffer.concat(chunks).toString('utf8')
  const value: unknown = text === '' ? {} : JSON.parse(text)
  return typeof value === 'object' && value !== null ? (value as Record<string, unknown>) : {}
}
