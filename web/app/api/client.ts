// The one door to the cloud: every call of the console passes here, gets its token and microversion, and is remembered so
// that the page can show the same call as a command.
import { ApiError, messageOf } from '#app/api/api-error.ts'
import type { SessionStore } from '#app/api/session.ts'

export type Service = 'identity' | 'compute' | 'image' | 'network' | 'volume' | 'koto'

/** Where each API stands on the page's own origin. */
export const PREFIX: Readonly<Record<Service, string>> = {
  identity: '/identity/v3',
  compute: '/compute/v2.1',
  image: '/image/v2',
  network: '/networking/v2.0',
  volume: '/volume/v3',
  koto: '/koto/v1',
}

/** The microversions the console speaks: the lowest that hold every field it shows. */
export const MICROVERSION: Partial<Record<Service, string>> = { compute: 'compute 2.47', volume: 'volume 3.42' }

export interface Call {
  readonly service: Service
  readonly method: 'GET' | 'POST' | 'PUT' | 'DELETE'
  /** Below the service's prefix, already encoded, e.g. `/servers/detail`. */
  readonly path: string
  readonly query?: Readonly<Record<string, string>>
  readonly body?: unknown
  /** Bytes instead of JSON; they are not remembered. */
  readonly bytes?: Blob
  /** Another token than the session's; null for none. */
  readonly token?: string | null
  /** For `X-Subject-Token`. */
  readonly subjectToken?: string
  readonly signal?: AbortSignal
}

export interface Answer<T> {
  readonly body: T
  readonly headers: Headers
  readonly status: number
}

/** One call as remembered: what was asked, what came. `status` 0: no answer. */
export interface Sent {
  readonly id: number
  readonly call: Call
  readonly at: number
  readonly ms: number
  readonly status: number
  readonly requestId: string | null
}

export interface Client {
  /** Sends and reads JSON. Throws ApiError for any status of 400 and above, and when no answer comes. */
  send<T>(call: Call): Promise<Answer<T>>
  /** Opens a lasting answer, e.g. server-sent events. Throws as `send`. */
  open(call: Call): Promise<ReadableStream<Uint8Array>>
  /** The latest calls, newest first. A new array on each change. */
  readonly history: () => readonly Sent[]
  readonly subscribe: (listener: () => void) => () => void
}

export interface ClientParts {
  readonly session: SessionStore
  readonly fetch: (url: string, init: RequestInit) => Promise<Response>
  readonly now: () => number
  /** How many calls are remembered. */
  readonly remember?: number
}

/** Makes the client. A 401 to a call made with the session's token signs the session out. */
export function createClient({ session, fetch, now, remember = 60 }: ClientParts): Client {
  const listeners = new Set<() => void>()
  let history: readonly Sent[] = []
  let count = 0

  const note = (call: Call, at: number, status: number, requestId: string | null): void => {
    count += 1
    history = [{ id: count, call: withoutSecrets(call), at, ms: now() - at, status, requestId }, ...history].slice(
      0,
      remember,
    )
    for (const listener of listeners) listener()
  }

  const ask = async (call: Call, accept: string): Promise<Response> => {
    const at = now()
    const used = call.token === undefined ? (session.read()?.token ?? null) : call.token
    let response: Response
    try {
      response = await fetch(urlOf(call), {
        method: call.method,
        headers: headersOf(call, used, accept),
        cache: 'no-store',
        credentials: 'omit',
        redirect: 'error',
        ...(call.bytes !== undefined
          ? { body: call.bytes }
          : call.body === undefined
            ? {}
            : { body: JSON.stringify(call.body) }),
        ...(call.signal === undefined ? {} : { signal: call.signal }),
      })
    } catch (cause) {
      if (call.signal?.aborted === true) throw cause
      note(call, at, 0, null)
      throw new ApiError(0, cause instanceof Error ? cause.message : String(cause), null)
    }
    const requestId = response.headers.get('x-openstack-request-id')
    note(call, at, response.status, requestId)
    if (response.status < 400) return response
    const message = messageOf(await readBody(response)) ?? response.statusText
    // A slow answer to an older token must not end a session begun since.
    if (response.status === 401 && call.token === undefined && session.read()?.token === used) session.write(null)
    throw new ApiError(response.status, message, requestId)
  }

  return {
    async send<T>(call: Call) {
      const response = await ask(call, 'application/json')
      return { body: (await readBody(response)) as T, headers: response.headers, status: response.status }
    },
    async open(call) {
      const response = await ask(call, 'text/event-stream')
      if (response.body === null) throw new ApiError(response.status, 'The answer has no body.', null)
      return response.body
    },
    history: () => history,
    subscribe(listener) {
      listeners.add(listener)
      return () => listeners.delete(listener)
    },
  }
}

/** The path and query of a call on this origin. */
export function urlOf(call: Call): string {
  const query = new URLSearchParams(call.query).toString()
  return PREFIX[call.service] + call.path + (query === '' ? '' : `?${query}`)
}

function headersOf(call: Call, token: string | null, accept: string): Record<string, string> {
  const version = MICROVERSION[call.service]
  return {
    Accept: accept,
    ...(call.bytes !== undefined
      ? { 'Content-Type': 'application/octet-stream' }
      : call.body === undefined
        ? {}
        : { 'Content-Type': 'application/json' }),
    ...(token === null ? {} : { 'X-Auth-Token': token }),
    ...(call.subjectToken === undefined ? {} : { 'X-Subject-Token': call.subjectToken }),
    ...(version === undefined ? {} : { 'OpenStack-API-Version': version }),
  }
}

/** What may be remembered of a call: that there was a password or a token, not which; and no bytes. */
function withoutSecrets({ signal: _signal, bytes: _bytes, ...call }: Call): Call {
  return {
    ...call,
    ...(typeof call.token === 'string' ? { token: '' } : {}),
    ...(call.subjectToken === undefined ? {} : { subjectToken: '' }),
    ...(call.service === 'identity' && call.body !== undefined ? { body: blank(call.body) } : {}),
  }
}

function blank(body: unknown): unknown {
  const copy = (value: unknown, key: string): unknown => {
    if (key === 'password' && typeof value === 'string') return ''
    if (typeof value !== 'object' || value === null) return value
    if (Array.isArray(value)) return value.map(item => copy(item, ''))
    if (key === 'token') return { id: '' }
    return Object.fromEntries(Object.entries(value).map(([name, inner]) => [name, copy(inner, name)]))
  }
  return copy(body, '')
}

async function readBody(response: Response): Promise<unknown> {
  const text = await response.text()
  if (text === '') return null
  if (!(response.headers.get('content-type') ?? '').includes('json')) return text
  try {
    return JSON.parse(text)
  } catch {
    return text
  }
}
