// Routes as data. A service's contract is tables of these; validators, types, clients, OpenAPI and the operations of each
// policy rule are derived from them.
import type { AnyFaultMaker } from '#kernel/contract/fault.ts'
import type { RoutePolicy } from '#kernel/contract/rule.ts'
import type { Shape } from '#kernel/contract/shape.ts'
import { NEWEST, versionNumber, type VersionNumber } from '#kernel/contract/version.ts'

export type Method = 'GET' | 'HEAD' | 'POST' | 'PUT' | 'PATCH' | 'DELETE'

export interface RouteOptions<B, Q, R> {
  /** Required on purpose: `'public'` must be written out. */
  readonly policy: RoutePolicy
  /**
   * `domain`: the pipeline does not ask the rule beforehand, the domain asks it of what is stored. For services whose lists leave out what
   * one may not see, and whose refusals depend on it (Neutron). Default `route`.
   */
  readonly judged?: 'route' | 'domain'
  readonly body?: Shape<B>
  readonly query?: Shape<Q>
  readonly reply?: Shape<R>
  /** Success status; by version where it changed: `{ '2.1': 200, '2.2': 201 }`. Default: GET/PUT/PATCH 200, POST 201, DELETE 204. */
  readonly status?: number | Readonly<Record<string, number>>
  readonly since?: string
  readonly until?: string
  /** `in`: the body is not JSON and reaches the handler as a stream. `out`: the handler answers with a stream. */
  readonly stream?: 'in' | 'out'
  /** Behaviour that changed without a change of shape: name → the version it appeared in. */
  readonly switches?: Readonly<Record<string, string>>
  readonly faults?: readonly AnyFaultMaker[]
  /** Accepts a request without a JSON body though `body` is given. */
  readonly bodyOptional?: boolean
  /** Media types accepted beside application/json, e.g. Glance's JSON patch. */
  readonly accepts?: readonly string[]
}

type Names<P extends string> = P extends `${string}{${infer Name}}${infer Rest}` ? Name | Names<Rest> : never
/** The path parameters of `/v2.1/servers/{id}`: `{ id: string }`. */
export type PathParams<P extends string> = { readonly [K in Names<P>]: string }

export interface Route<P extends string = string, B = unknown, Q = unknown, R = unknown> {
  readonly method: Method
  /** `/v2.1/servers/{id}`, as the service sees it: without the front door's prefix. */
  readonly path: P
  /** For body-dispatched actions: the one key of the body. */
  readonly action: string | null
  readonly policy: RoutePolicy
  readonly judged: 'route' | 'domain'
  readonly body: Shape<B> | null
  readonly query: Shape<Q> | null
  readonly reply: Shape<R> | null
  readonly statuses: readonly (readonly [from: VersionNumber, status: number])[]
  readonly since: VersionNumber
  readonly until: VersionNumber
  readonly stream: 'in' | 'out' | null
  readonly switches: Readonly<Record<string, VersionNumber>>
  readonly faults: readonly AnyFaultMaker[]
  readonly bodyOptional: boolean
  readonly accepts: readonly string[]
}
export type AnyRoute = Route<string, unknown, unknown, unknown>
export type Routes = Readonly<Record<string, AnyRoute>>

const USUAL: Readonly<Record<Method, number>> = { GET: 200, HEAD: 200, POST: 201, PUT: 200, PATCH: 200, DELETE: 204 }

function route<P extends string, B, Q, R>(
  method: Method,
  path: P,
  action: string | null,
  options: RouteOptions<B, Q, R>,
): Route<P, B, Q, R> {
  const { status } = options
  return {
    method,
    path,
    action,
    policy: options.policy,
    judged: options.judged ?? 'route',
    body: options.body ?? null,
    query: options.query ?? null,
    reply: options.reply ?? null,
    statuses:
      typeof status === 'object'
        ? Object.entries(status)
            .map(([from, code]): [number, number] => [versionNumber(from), code])
            .sort((a, b) => a[0] - b[0])
        : [[0, status ?? (action === null ? USUAL[method] : 202)]],
    since: options.since === undefined ? 0 : versionNumber(options.since),
    until: options.until === undefined ? NEWEST : versionNumber(options.until),
    stream: options.stream ?? null,
    switches: Object.fromEntries(
      Object.entries(options.switches ?? {}).map(([key, from]) => [key, versionNumber(from)]),
    ),
    faults: options.faults ?? [],
    bodyOptional: options.bodyOptional ?? false,
    accepts: options.accepts ?? [],
  }
}

type Make = <const P extends string, B = unknown, Q = unknown, R = unknown>(
  path: P,
  options: RouteOptions<B, Q, R>,
) => Route<P, B, Q, R>
const verb =
  (method: Method): Make =>
  (path, options) =>
    route(method, path, null, options)
export const get = verb('GET')
export const head = verb('HEAD')
export const post = verb('POST')
export const put = verb('PUT')
export const patch = verb('PATCH')
export const del = verb('DELETE')
/**
 * A body-dispatched action: `action('/v2.1/servers/{id}/action', 'reboot', { body: object({ type: … }) })`.
 * `body` is the shape of the value under the key; the handler sees that value. Default status 202.
 */
export const action = <const P extends string, B = unknown, Q = unknown, R = unknown>(
  path: P,
  word: string,
  options: RouteOptions<B, Q, R>,
): Route<P, B, Q, R> => route('POST', path, word, options)

/** The success status of a route at a version. */
export function statusAt(of: AnyRoute, at: VersionNumber): number {
  let status = of.statuses[0]?.[1] ?? 200
  for (const [from, code] of of.statuses) if (at >= from) status = code
  return status
}
