// Tokens over HTTP: issue, look into, end; and what the bearer may reach.
import { answer, handlers, type Call, type HandlerTable, type RawAnswer } from '#kernel/http/handlers.ts'
import type { Ctx } from '#kernel/lib/context.ts'
import type { Target } from '#kernel/policy/check.ts'
import { collection, queryFlag, selfLink } from '#services/keystone/api/lists.ts'
import { showDomain, showProject } from '#services/keystone/api/show.ts'
import { auth } from '#services/keystone/contract/auth.ts'
import { faults } from '#services/keystone/contract/faults.ts'
import { rules } from '#services/keystone/contract/rules.ts'
import type { AuthRequest, Authentication } from '#services/keystone/domain/authentication.ts'
import type { Catalog, CatalogPlace } from '#services/keystone/domain/catalog-text.ts'
import type { Reach } from '#services/keystone/domain/reach.ts'
import type { Token, Tokens } from '#services/keystone/domain/tokens.ts'
import { enforce, type DomainTools } from '#services/keystone/domain/tools.ts'

export interface AuthHandlerTools extends DomainTools {
  readonly authentication: Authentication
  readonly tokens: Tokens
  readonly catalog: Catalog
  readonly reach: Reach
  /** The front door as this request's client wrote it. */
  readonly frontDoor: (base: string) => string
}

const JSON_TYPE = { 'content-type': 'application/json' }

/** How a token is shown: with the catalog of its place, unless the client does without. */
export function tokenBody(
  tools: Pick<AuthHandlerTools, 'catalog' | 'frontDoor'>,
): (call: Call, token: Token) => Promise<string> {
  const placeOf = placeFor(tools)
  return async (call, token) => {
    const isBare = call.rawQuery !== '' && /(^|&)nocatalog(=|&|$)/.test(call.rawQuery)
    if (isBare || token.payload.scope.kind === 'unscoped') return token.body
    return `${token.body.slice(0, -2)},"catalog":${await tools.catalog.json(call.ctx, placeOf(call, token))}}}`
  }
}
const placeFor =
  (tools: Pick<AuthHandlerTools, 'frontDoor'>) =>
  (call: Pick<Call, 'base'>, token: Token): CatalogPlace => ({
    frontDoor: tools.frontDoor(call.base),
    userId: token.who.userId,
    projectId: token.who.projectId,
  })

export function authHandlers(tools: AuthHandlerTools): HandlerTable {
  const { tokens, catalog, authentication, reach, settings } = tools
  const placeOf = placeFor(tools)
  const bodyOf = tokenBody(tools)
  const tokenAnswer = async (call: Call, token: Token, status: number): Promise<RawAnswer> =>
    answer(status, { ...JSON_TYPE, 'x-subject-token': token.text, vary: 'X-Auth-Token' }, await bodyOf(call, token))

  /** The token of X-Subject-Token, when the bearer may know of it. */
  const subject = async (call: Call, rule: (typeof rules)[keyof typeof rules]): Promise<Token> => {
    const text = call.headers['x-subject-token']
    const graceMs = queryFlag(call.query, 'allow_expired') ? settings.allowExpiredWindowSeconds * 1000 : 0
    const token = text === undefined || text === '' ? null : await tokens.validate(call.ctx, text, graceMs)
    // A token's text is a secret: who shows one that is none learns nothing by being told.
    if (token === null && text !== undefined && text !== '') throw faults.TokenNotFound()
    const target: Target =
      token === null
        ? {}
        : { 'target.token.user_id': token.who.userId, 'target.token.user.domain.id': token.who.userDomainId }
    enforce(tools, call.ctx, rule, target)
    if (token === null) throw faults.NoToken()
    return token
  }
  /** Rules of access are enforced by the service asked; one that does not know them must not take the token. */
  const knowsAccessRules = (call: Call): boolean => Number(call.headers['openstack-identity-access-rules'] ?? '0') >= 1

  return handlers(auth, {
    issue: async call => {
      const token = await authentication.authenticate(call.ctx, call.body.auth as AuthRequest, {
        method: call.method,
        url: `${call.base}${call.path}`,
        query: call.rawQuery,
        authorization: call.headers['authorization'] ?? '',
      })
      call.note({ audit: token.payload.auditIds[0], client: call.headers['user-agent'] ?? '' })
      return tokenAnswer(call, token, 201)
    },
    validate: async call => {
      const token = await subject(call, call.method === 'HEAD' ? rules.checkToken : rules.validateToken)
      const { applicationCredential } = token
      if (applicationCredential !== null && applicationCredential.accessRules !== null && !knowsAccessRules(call))
        throw faults.TokenNotFound()
      return tokenAnswer(call, token, 200)
    },
    revoke: async call => {
      await tokens.revoke(call.ctx, await subject(call, rules.revokeToken))
    },
    catalog: async call => {
      const token = await tokens.of(call.ctx)
      if (token.who.projectId === null) throw faults.Forbidden()
      const json = await catalog.json(call.ctx, placeOf(call, token))
      const links = JSON.stringify({ self: `${call.base}/v3/auth/catalog` })
      return answer(200, JSON_TYPE, `{"catalog":${json},"links":${links}}`)
    },
    projects: call => projects(call),
    domains: call => domains(call),
    federatedProjects: call => projects(call),
    federatedDomains: call => domains(call),
    system: async call => ({
      system: (await reach.system(call.ctx, userOf(call.ctx))) ? [{ all: true }] : [],
      links: { self: `${call.base}/v3/auth/system` },
    }),
    revokedList: () => {
      throw faults.Gone()
    },
  })

  async function projects(call: Call): Promise<object> {
    const rows = await reach.projects(call.ctx, userOf(call.ctx))
    return collection(call, 'projects', rows, row => showProject(row, selfLink(call, 'projects', row.id)))
  }
  async function domains(call: Call): Promise<object> {
    const rows = await reach.domains(call.ctx, userOf(call.ctx))
    return collection(call, 'domains', rows, row => showDomain(row, selfLink(call, 'domains', row.id)))
  }
}

const userOf = (ctx: Ctx): string => {
  if (ctx.who === null) throw faults.Unauthorized()
  return ctx.who.userId
}
