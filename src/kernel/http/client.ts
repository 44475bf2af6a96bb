// The one typed client: neighbours in this process, neighbours elsewhere, the web console and tests all use it.
import { Fault } from '#kernel/contract/fault.ts'
import type { AnyRoute, PathParams, Route, Routes } from '#kernel/contract/route.ts'
import type { Handle, HttpAnswer } from '#kernel/http/call.ts'
import type { Ctx } from '#kernel/lib/context.ts'

export interface Outgoing {
  readonly method: string
  readonly path: string
  readonly query: string
  readonly headers: Readonly<Record<string, string>>
  readonly body: string | Uint8Array | AsyncIterable<Uint8Array> | null
}
/** Takes a request to a service and brings its answer; `to` names the component for the crossing. */
export interface Transport {
  readonly to: string
  send(from: string, request: Outgoing, signal?: AbortSignal): Promise<HttpAnswer>
}

/** A neighbour in this process: a function call, through the same pipeline. */
export const inProcess = (handle: Handle, to: string, base: string): Transport => ({
  to,
  send: (from, request, signal) => handle({ ...request, base, from, ...(signal === undefined ? {} : { signal }) }),
})

/** A neighbour refused: its status and its words. `code` is `RemoteFault`. */
export class RemoteFault extends Fault {
  readonly service: string
  constructor(service: string, status: number, message: string) {
    super('RemoteFault', status, message)
    this.name = 'RemoteFault'
    this.service = service
  }
}

export interface CallOptions {
  readonly query?: Readonly<Record<string, string | number | boolean | readonly string[] | undefined>>
  /** The microversion the caller is written for. */
  readonly at?: string
  /** The token to show; default: that of `ctx.who`. */
  readonly token?: string
  /** Instead of `body`, for `stream: 'in'` routes. */
  readonly stream?: AsyncIterable<Uint8Array>
  readonly headers?: Readonly<Record<string, string>>
}
type Given<P extends string, B> = CallOptions &
  (keyof PathParams<P> extends never ? { readonly params?: undefined } : { readonly params: PathParams<P> }) &
  (unknown extends B ? { readonly body?: unknown } : { readonly body?: B })
type Args<G> = Record<never, never> extends G ? [given?: G] : [given: G]
type Reply<R> = unknown extends R ? Record<string, unknown> : R
export type ClientOf<T extends Routes> = {
  readonly [K in keyof T]: T[K] extends Route<infer P, infer B, unknown, infer R>
    ? (ctx: Ctx, ...given: Args<Given<P, B>>) => Promise<Reply<R>>
    : never
} & {
  /** The raw answer: for headers and streams. Throws RemoteFault on 4xx and 5xx as the verbs do. */
  readonly raw: (
    ctx: Ctx,
    name: keyof T,
    given?: CallOptions & { params?: Readonly<Record<string, string>>; body?: unknown },
  ) => Promise<HttpAnswer>
}

/**
 * `client(volumes, transport, 'volume').create(ctx, { params: { project }, body: { … }, at: '3.70' })` → the reply's JSON.
 * Throws RemoteFault with the neighbour's status and words.
 */
export function client<T extends Routes>(routes: T, transport: Transport, versionType?: string): ClientOf<T> {
  const send = async (
    route: AnyRoute,
    ctx: Ctx,
    given: CallOptions & { params?: Readonly<Record<string, string>>; body?: unknown } = {},
  ): Promise<HttpAnswer> => {
    const path = route.path.replace(/\{(\w+)\}/g, (_whole, name: string) =>
      encodeURIComponent(given.params?.[name] ?? ''),
    )
    const pairs = Object.entries(given.query ?? {}).flatMap(([key, value]) =>
      value === undefined
        ? []
        : (Array.isArray(value) ? value : [value]).map((one): [string, string] => [key, String(one)]),
    )
    const token = given.token ?? ctx.who?.token
    const body = route.action === null ? given.body : { [route.action]: given.body ?? null }
    const headers: Record<string, string> = {
      'x-openstack-request-id': ctx.requestId,
      accept: 'application/json',
      ...given.headers,
    }
    if (token !== undefined) headers['x-auth-token'] = token
    if (given.at !== undefined && versionType !== undefined)
      headers['openstack-api-version'] = `${versionType} ${given.at}`
    if (body !== undefined) headers['content-type'] ??= 'application/json'
    const answer = await ctx.cross(
      {
        kind: 'rest',
        side: 'send',
        from: ctx.actor,
        to: transport.to,
        name: `${route.method} ${route.path}`,
        requestId: ctx.requestId,
        ...(ctx.subject === undefined ? {} : { subject: ctx.subject }),
      },
      () =>
        transport.send(
          ctx.actor,
          {
            method: route.method,
            path,
            query: new URLSearchParams(pairs).toString(),
            headers,
            body: given.stream ?? (body === undefined ? null : JSON.stringify(body)),
          },
          ctx.signal,
        ),
    )
    if (answer.status >= 400) throw new RemoteFault(transport.to, answer.status, wordsOf(answer))
    return answer
  }
  const made: Record<string, unknown> = {
    raw: (ctx: Ctx, name: string, given?: CallOptions) => send(routes[name] as AnyRoute, ctx, given),
  }
  for (const [name, route] of Object.entries(routes)) {
    made[name] = async (ctx: Ctx, given?: CallOptions) => {
      const answer = await send(route, ctx, given)
      return typeof answer.body === 'string' && answer.body !== '' ? (JSON.parse(answer.body) as unknown) : {}
    }
  }
  return made as ClientOf<T>
}

/** The sentence in an error body, whichever dialect it speaks. */
export function wordsOf(answer: HttpAnswer): string {
  if (typeof answer.body !== 'string') return `status ${answer.status}`
  try {
    const find = (value: unknown): string | null => {
      if (typeof value !== 'object' || value === null) return null
      const bag = value as Record<string, unknown>
      for (const key of ['message', 'detail', 'title'])
        if (typeof bag[key] === 'string' && bag[key] !== '') return bag[key]
      for (const inner of Object.values(bag)) {
        const says = find(inner)
        if (says !== null) return says
      }
      return null
    }
    return find(JSON.parse(answer.body)) ?? answer.body.slice(0, 500)
  } catch {
    return answer.body.slice(0, 500)
  }
}
