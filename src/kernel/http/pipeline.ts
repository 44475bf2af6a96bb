// The journey of a request, in fixed order: crossing → route → token → version → body → policy → handler → reply.
// One pure function, `handle(call)`; sockets and in-process neighbours bring calls to it.
import { Fault } from '#kernel/contract/fault.ts'
import { statusAt, type AnyRoute } from '#kernel/contract/route.ts'
import type { Rule } from '#kernel/contract/rule.ts'
import { versionText, type VersionNumber } from '#kernel/contract/version.ts'
import type { Cross } from '#kernel/crossing/crossing.ts'
import { bodyText, type Handle, type HttpAnswer, type HttpCall } from '#kernel/http/call.ts'
import { RawAnswer, type AnyHandler, type Call, type HandlerTable } from '#kernel/http/handlers.ts'
import type { Presenter } from '#kernel/http/presenter.ts'
import { parseQuery, singleWhereSingle } from '#kernel/http/query.ts'
import { createRouter, type Bound, type Found } from '#kernel/http/router.ts'
import type { ServiceDefinition } from '#kernel/http/service.ts'
import { createValidator, unfit, unfitNumber } from '#kernel/http/validation.ts'
import { negotiate, versionHeaders } from '#kernel/http/version-header.ts'
import { surfaceMatcher } from '#kernel/http/surface.ts'
import type { Ctx, Who } from '#kernel/lib/context.ts'
import type { Ids } from '#kernel/lib/ids.ts'
import type { Target } from '#kernel/policy/check.ts'
import { isRule, OWN, type Enforcer } from '#kernel/policy/enforcer.ts'

/** Who is behind this token? Null: nobody. Throws a Fault (503) when it cannot be asked. */
export type Authenticate = (ctx: Ctx, token: string) => Promise<Who | null>

export interface PipelineTools {
  readonly authenticate: Authenticate
  readonly policy: Enforcer
  readonly cross: Cross
  readonly ids: Ids
  /** Throws when what the path names is not there: for services that answer 404 before they look at the body. */
  readonly exists?: (ctx: Ctx, route: AnyRoute, params: Readonly<Record<string, string>>) => Promise<void>
  /** Told of every failed request that was not the client's fault, with the cause chain. */
  readonly report: (ctx: Ctx, error: unknown) => void
  /** Told of refusals with reasons, for `koto why`. */
  readonly refused?: (ctx: Ctx, fault: Fault) => void
  /** Recognises errors that mean "not just now" (database busy, disk full): their sentence, else null. */
  readonly unavailable?: (error: unknown) => string | null
}

const BODY_LIMIT = 114_688
/** A slash at the end of more than a version's document. */
const DEEP_WITH_SLASH = /^\/[^/]+\/.+\/$/
/** What a header cannot hold: names of things in a Location may be in any script. */
const UNPRINTABLE = /[^\t\x20-\x7e]/
const UNPRINTABLES = /[^\t\x20-\x7e]+/g
const REQUEST_ID = /^req-[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/
const JSON_TYPE = /^application\/(.+\+)?json\s*(;|$)/i

/** Makes a service's API. Throws when a route lacks a handler or two routes claim one place. */
export function createPipeline(
  service: ServiceDefinition,
  tables: readonly HandlerTable[],
  tools: PipelineTools,
): Handle {
  const bounds = tables.flatMap(table =>
    Object.entries(table.routes).map(([name, route]): Bound<AnyHandler> => {
      const handler = table.handlers[name]
      if (handler === undefined) throw new Error(`${service.name}: route ${name} has no handler`)
      return { name, route, handler }
    }),
  )
  const router = createRouter(bounds)
  const upstreamHas = surfaceMatcher(service.surface)
  const validator = createValidator()
  const { dialect } = service

  const find = (method: string, path: string): Found<AnyHandler> | null =>
    router.find(method, path) ?? (method === 'HEAD' && service.headFromGet === true ? router.find('GET', path) : null)

  const isNowhere = (path: string): boolean =>
    path.includes('\0') || path.includes('%00') || (service.strictSlashes === true && DEEP_WITH_SLASH.test(path))

  async function serve(
    call: HttpCall,
    path: string,
    view: MutableView,
    found: Found<AnyHandler> | null,
  ): Promise<HttpAnswer> {
    const open = found?.any.some(bound => bound.route.policy === 'public') === true
    const token = call.headers['x-auth-token']
    let ctx = view.ctx
    if (!open || (token !== undefined && token !== '')) {
      const who = token === undefined || token === '' ? null : await tools.authenticate(ctx, token)
      if (who === null && !open) throw dialect.unauthorized()
      view.ctx = ctx = { ...ctx, who }
    }
    view.at = negotiate(service, call.headers)
    if (found === null) throw isNowhere(path) ? dialect.notFound() : missing(call.method, path)
    service.admit?.(call, ctx)

    let bound = found.plain(view.at)
    let body: unknown
    if (found.actions !== null && bound === null) {
      const parsed = await json(call)
      const keys = typeof parsed === 'object' && parsed !== null && !Array.isArray(parsed) ? Object.keys(parsed) : []
      const name = keys[0]
      if (name === undefined || keys.length > 1) throw dialect.malformed('expected one action in the body')
      bound = found.actions.get(name, view.at)
      if (bound === null) {
        if (found.any.some(other => other.route.action === name)) throw dialect.notFound() // at another version
        if (upstreamHas(call.method, path, name)) throw dialect.notBuilt(call.method, `${path} ${name}`)
        throw dialect.noSuchAction(name)
      }
      body = (parsed as Record<string, unknown>)[name]
    }
    if (bound === null) throw dialect.notFound() // at another version
    const { route } = bound
    service.media?.(call, route)
    if (isRule(route.policy) && route.judged === 'route') {
      const verdict = tools.policy.check(ctx.who, route.policy, OWN)
      if (!verdict.ok) throw because(dialect.forbidden(route.policy), verdict.because)
    }
    await tools.exists?.(ctx, route, decode(found.params))
    if (
      route.action === null &&
      route.stream !== 'in' &&
      (route.body !== null || call.method === 'POST' || call.method === 'PUT' || call.method === 'PATCH')
    ) {
      body = route.body === null ? undefined : await json(call, route)
    }
    if (route.body !== null && !(route.bodyOptional && body === undefined)) {
      const problem = validator.problem(route.body, body, view.at)
      if (problem !== null) throw dialect.invalidBody(problem)
      const says = unfitNumber(body)
      if (says !== null) throw dialect.malformed(says)
      if (route.body.raise !== undefined) body = route.body.raise(body, view.at)
    }
    let query: unknown = {}
    if (route.query !== null) {
      const given = singleWhereSingle(route.query, parseQuery(call.query))
      const says = unfit(given)
      if (says !== null) throw dialect.malformed(says)
      const problem = validator.problem(route.query, given, view.at)
      if (problem !== null) throw dialect.invalidQuery(problem)
      query = route.query.raise === undefined ? given : route.query.raise(given, view.at)
    }
    return await answerOf(call, path, view, bound, decode(found.params), query, body)
  }

  async function answerOf(
    call: HttpCall,
    path: string,
    view: MutableView,
    bound: Bound<AnyHandler>,
    params: Readonly<Record<string, string>>,
    query: unknown,
    body: unknown,
  ): Promise<HttpAnswer> {
    const { route, handler } = bound
    const { ctx, at } = view
    const headers: Record<string, string> = {}
    let status = statusAt(route, at)
    const allows = (rule: Rule, target: Target): boolean => tools.policy.allows(ctx.who, rule, target)
    const base = call.base
    const given: Call = {
      ctx,
      at,
      base,
      params,
      query,
      body,
      path,
      method: call.method,
      rawQuery: call.query,
      headers: call.headers,
      get who() {
        if (ctx.who === null) throw dialect.unauthorized()
        return ctx.who
      },
      get stream() {
        return streamOf(call.body)
      },
      has: name => at >= (route.switches[name] ?? Number.POSITIVE_INFINITY),
      header: (name, value) => void (headers[name.toLowerCase()] = value),
      status: code => void (status = code),
      note: facts => void Object.assign(view.payload, facts),
      allows,
      show: async <E>(presenter: Presenter<E>, entity: E) =>
        (await presenter.present([entity], { ctx, at, base }, allows))[0] ?? {},
      list: <E>(presenter: Presenter<E>, entities: readonly E[]) =>
        presenter.present(entities, { ctx, at, base }, allows),
    }
    const reply = await handler(given)
    if (reply instanceof RawAnswer) return { ...reply.answer, headers: { ...headers, ...reply.answer.headers } }
    if (reply === undefined || reply === null) return { status, headers, body: null }
    if (typeof reply === 'string') return { status, headers, body: reply }
    if (status === 204) return { status, headers, body: null }
    return { status, headers: { 'content-type': 'application/json', ...headers }, body: JSON.stringify(reply) }
  }

  function missing(method: string, path: string): Fault {
    const allowed = router.methods(path)
    if (upstreamHas(method, path, null)) return dialect.notBuilt(method, path)
    return allowed.length > 0 && !allowed.includes(method)
      ? dialect.methodNotAllowed(method, allowed)
      : dialect.notFound()
  }

  /** The body as JSON. Undefined when there is none. */
  async function json(call: HttpCall, route?: AnyRoute): Promise<unknown> {
    const type = call.headers['content-type']
    let text: string | null
    try {
      text = await bodyText(call.body, service.bodyLimit ?? BODY_LIMIT)
    } catch (error) {
      if (error instanceof TypeError) throw dialect.malformed('the body is not UTF-8')
      throw error
    }
    if (text === null) throw dialect.tooLarge(service.bodyLimit ?? BODY_LIMIT)
    if (text === '') {
      if (route?.bodyOptional === true) return undefined
      throw dialect.malformed('the body is empty')
    }
    if (type !== undefined && !JSON_TYPE.test(type) && route?.accepts.some(kind => type.startsWith(kind)) !== true) {
      throw dialect.wrongMediaType(type)
    }
    let value: unknown
    try {
      value = JSON.parse(text)
    } catch (error) {
      throw dialect.malformed(`the body is not JSON (${(error as Error).message})`)
    }
    const says = unfit(value)
    if (says !== null) throw dialect.malformed(says)
    return value
  }

  function decode(params: Readonly<Record<string, string>>): Readonly<Record<string, string>> {
    for (const value of Object.values(params)) if (unfit(value) !== null) throw dialect.notFound()
    return params
  }

  return async call => {
    const own = `req-${tools.ids.uuid()}`
    const global = call.headers['x-openstack-request-id']
    const requestId = global !== undefined && REQUEST_ID.test(global) ? global : own
    const path = service.normalizePath?.(call.path) ?? call.path
    const ctx: Ctx = {
      requestId,
      who: null,
      actor: service.actor,
      cross: tools.cross,
      ...(call.signal === undefined ? {} : { signal: call.signal }),
    }
    const payload: Record<string, unknown> = {}
    const view: MutableView = { ctx, at: 0, payload }
    const found = isNowhere(path) ? null : find(call.method, path)
    const template = found?.any[0]?.route.path ?? path
    const answered = await tools.cross(
      {
        kind: 'rest',
        side: 'take',
        from: call.from,
        to: service.actor,
        name: `${call.method} ${template}`,
        requestId,
        payload,
      },
      async () => {
        let result: HttpAnswer
        try {
          result = await serve(call, path, view, found)
        } catch (error) {
          result = failed(error, call, view, path)
        }
        payload['status'] = result.status
        if (view.ctx.who !== null) payload['user'] = view.ctx.who.userName
        return result
      },
    )
    const headers: Record<string, string> = { ...answered.headers, 'x-openstack-request-id': own }
    for (const name of service.requestIdHeaders ?? []) headers[name] = own
    if (view.at > 0) Object.assign(headers, versionHeaders(service, view.at))
    for (const [name, value] of Object.entries(headers))
      if (UNPRINTABLE.test(value)) headers[name] = value.replace(UNPRINTABLES, written => encodeURIComponent(written))
    return { status: answered.status, headers, body: call.method === 'HEAD' ? null : answered.body }
  }

  function failed(error: unknown, call: HttpCall, view: MutableView, path: string): HttpAnswer {
    const says = error instanceof Fault ? null : (tools.unavailable?.(error) ?? null)
    const fault =
      error instanceof Fault ? error : says !== null ? dialect.unavailable(says) : dialect.internal(view.ctx.requestId)
    if (fault.status >= 500 && fault.status !== 501) tools.report(view.ctx, error)
    if (fault.because.length > 0) tools.refused?.(view.ctx, fault)
    const headers: Record<string, string> = { 'content-type': 'application/json', ...fault.headers }
    if (fault.status === 401) headers['www-authenticate'] ??= `Keystone uri="${identityOf(call.base)}"`
    const body = dialect.envelope(fault, {
      requestId: view.ctx.requestId,
      at: view.at,
      method: call.method,
      path,
      headers: call.headers,
    })
    if (typeof body === 'string') headers['content-type'] = 'text/html; charset=UTF-8'
    return { status: fault.status, headers, body: typeof body === 'string' ? body : JSON.stringify(body) }
  }
}

interface MutableView {
  ctx: Ctx
  at: VersionNumber
  /** Facts of this request's crossing. */
  readonly payload: Record<string, unknown>
}

/** The same front door's identity, for the challenge of a 401. */
const identityOf = (base: string): string => base.replace(/^(https?:\/\/[^/]+).*$/, '$1/identity')

const because = (fault: Fault, reasons: Fault['because']): Fault =>
  new Fault(fault.code, fault.status, fault.message, { because: reasons, extra: fault.extra, headers: fault.headers })

async function* streamOf(body: HttpCall['body']): AsyncIterable<Uint8Array> {
  if (body === null) return
  if (typeof body === 'string') yield new TextEncoder().encode(body)
  else if (body instanceof Uint8Array) yield body
  else yield* body
}

/** The version of a request as text, for messages: 2.37, or empty for services without microversions. */
export const versionWord = (at: VersionNumber): string => (at === 0 ? '' : versionText(at))
