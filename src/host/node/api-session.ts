// A person's session with the cloud's public APIs, as any client has it: a token, the catalog, plain JSON over kept-alive sockets.
import type { Agent, IncomingHttpHeaders } from 'node:http'
import { http } from '#host/node/plain-http.ts'

export interface ApiLogin {
  /** `http://127.0.0.1:8080/identity/v3` */
  readonly authUrl: string
  readonly user: string
  readonly password: string
  /** Null: system scope. */
  readonly project: string | null
  readonly region: string
}

export interface Reply {
  readonly status: number
  readonly headers: IncomingHttpHeaders
  readonly bytes: number
  readonly text: string
  /** The body as JSON, or null where it is none. */
  json<T>(): T
}

export interface CallOptions {
  readonly headers?: Readonly<Record<string, string>>
  /** Statuses that are not an error; default 200, 201, 202, 204. */
  readonly accept?: readonly number[]
}

export type ServiceType = 'identity' | 'image' | 'compute' | 'network' | 'volumev3' | 'placement'

export interface ApiSession {
  readonly token: string
  readonly projectId: string
  /** The public endpoint of a service, with its version, no slash at the end. */
  url(type: ServiceType): string
  /** One request with the session's token. `path` begins with a slash. Throws {@link ApiError} for a status not accepted. */
  call(method: string, type: ServiceType, path: string, body?: unknown, options?: CallOptions): Promise<Reply>
  /** The same, returning the reply's JSON. */
  get<T>(type: ServiceType, path: string): Promise<T>
  close(): void
}

/** An answer that was not hoped for; `message` holds the service's own words. */
export class ApiError extends Error {
  readonly status: number
  constructor(method: string, url: string, status: number, text: string) {
    super(`${method} ${url} answered ${status}: ${faultText(text)}`)
    this.name = 'ApiError'
    this.status = status
  }
}

/** The words inside whichever envelope the service used. */
export function faultText(text: string): string {
  try {
    const outer = JSON.parse(text) as Record<string, unknown>
    const inner = Object.values(outer)[0]
    const found = Array.isArray(inner) ? (inner[0] as Record<string, unknown>) : (inner as Record<string, unknown>)
    const words = found['message'] ?? found['detail'] ?? found['title']
    return typeof words === 'string' ? words : text.slice(0, 300)
  } catch {
    return text.slice(0, 300)
  }
}

const TIMEOUT_MS = 120_000

/** One exchange. A kept-alive socket that the server had just closed is no error: it is asked once more. */
export async function exchange(
  agent: Agent,
  method: string,
  url: string,
  headers: Readonly<Record<string, string>>,
  body?: unknown,
): Promise<Reply> {
  try {
    return await once(agent, method, url, headers, body)
  } catch (error) {
    const { reused, code } = error as { reused?: boolean; code?: string }
    if (reused === true && (code === 'ECONNRESET' || code === 'EPIPE')) return once(agent, method, url, headers, body)
    throw error
  }
}

function once(
  agent: Agent,
  method: string,
  url: string,
  headers: Readonly<Record<string, string>>,
  body: unknown,
): Promise<Reply> {
  const data = body === undefined ? null : Buffer.isBuffer(body) ? body : Buffer.from(JSON.stringify(body))
  const type = Buffer.isBuffer(body) ? 'application/octet-stream' : 'application/json'
  return new Promise((resolve, reject) => {
    const call = http.request(
      url,
      {
        method,
        agent,
        headers: {
          accept: 'application/json',
          ...(data === null ? {} : { 'content-type': type, 'content-length': data.length }),
          ...headers,
        },
      },
      response => {
        const chunks: Buffer[] = []
        response.on('data', (chunk: Buffer) => chunks.push(chunk))
        response.on('error', reject)
        response.on('end', () => {
          const raw = Buffer.concat(chunks)
          let text: string | null = null
          const read = (): string => (text ??= raw.toString('utf8'))
          resolve({
            status: response.statusCode ?? 0,
            headers: response.headers,
            bytes: raw.length,
            get text() {
              return read()
            },
            json: <T>() => (raw.length === 0 ? null : JSON.parse(read())) as T,
          })
        })
      },
    )
    call.setTimeout(TIMEOUT_MS, () =>
      call.destroy(new Error(`${method} ${url} was not answered within ${TIMEOUT_MS / 1000} s`)),
    )
    call.on('error', error => reject(Object.assign(error, { reused: call.reusedSocket })))
    if (data !== null) call.write(data)
    call.end()
  })
}

/** The body of a password login. */
export const loginBody = (login: ApiLogin): unknown => ({
  auth: {
    identity: {
      methods: ['password'],
      password: { user: { name: login.user, domain: { name: 'Default' }, password: login.password } },
    },
    scope:
      login.project === null
        ? { system: { all: true } }
        : { project: { name: login.project, domain: { name: 'Default' } } },
  },
})

interface TokenBody {
  readonly token: {
    readonly project?: { readonly id: string }
    readonly catalog: readonly {
      readonly type: string
      readonly endpoints: readonly { readonly interface: string; readonly region_id: string; readonly url: string }[]
    }[]
  }
}

/** Logs in. @throws ApiError when refused, the socket's error when nobody answers. */
export async function apiSession(login: ApiLogin): Promise<ApiSession> {
  const agent = new http.Agent({ keepAlive: true, maxSockets: 64 })
  const at = `${login.authUrl}/auth/tokens`
  const reply = await exchange(agent, 'POST', at, {}, loginBody(login))
  if (reply.status !== 201) throw new ApiError('POST', at, reply.status, reply.text)
  const { token } = reply.json<TokenBody>()
  const secret = String(reply.headers['x-subject-token'] ?? '')
  const urls = new Map<string, string>()
  for (const service of token.catalog) {
    const found = service.endpoints.find(e => e.interface === 'public' && e.region_id === login.region)
    if (found !== undefined) urls.set(service.type, found.url.replace(/\/+$/, ''))
  }
  const ending: Partial<Record<ServiceType, string>> = { network: '/v2.0', image: '/v2', identity: '/v3' }
  const url = (type: ServiceType): string => {
    const base = urls.get(type) ?? (type === 'volumev3' ? urls.get('block-storage') : undefined)
    if (base === undefined) throw new Error(`the catalog has no service of type ${type}`)
    const end = ending[type] ?? ''
    return base.endsWith(end) ? base : base + end
  }
  const call: ApiSession['call'] = async (method, type, path, body, options = {}) => {
    const whole = url(type) + path
    const answer = await exchange(agent, method, whole, { 'x-auth-token': secret, ...options.headers }, body)
    if (!(options.accept ?? [200, 201, 202, 204]).includes(answer.status)) {
      throw new ApiError(method, whole, answer.status, answer.text)
    }
    return answer
  }
  return {
    token: secret,
    projectId: token.project?.id ?? '',
    url,
    call,
    get: async <T>(type: ServiceType, path: string) => (await call('GET', type, path)).json<T>(),
    close: () => agent.destroy(),
  }
}
