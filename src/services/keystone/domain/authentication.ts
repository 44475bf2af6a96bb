// From proof to token: who is it, by which methods, and for which scope. Everything that can fail for a reason a stranger
// must not learn fails with the same 401, after the same work.
import type { Ctx } from '#kernel/lib/context.ts'
import { faults } from '#services/keystone/contract/faults.ts'
import {
  findApplicationCredential,
  listApplicationCredentials,
  type ApplicationCredentialEntity,
} from '#services/keystone/db/application-credentials.ts'
import type { Query } from '#services/keystone/db/ledger.ts'
import type { AccessToken } from '#services/keystone/db/oauth1.ts'
import { findProject, findProjectByName, type ProjectEntity } from '#services/keystone/db/projects.ts'
import { findTrust, takeUse, type TrustEntity } from '#services/keystone/db/trusts.ts'
import {
  clearFailures,
  countFailure,
  findUser,
  findUserByName,
  markActive,
  type UserEntity,
} from '#services/keystone/db/users.ts'
import type { SignedRequest } from '#services/keystone/domain/oauth-signature.ts'
import type { Oauth1 } from '#services/keystone/domain/oauth1.ts'
import type { PasswordCheck } from '#services/keystone/domain/passwords.ts'
import { METHODS, type Scope } from '#services/keystone/domain/token-payload.ts'
import type { Token, Tokens } from '#services/keystone/domain/tokens.ts'
import type { DomainTools } from '#services/keystone/domain/tools.ts'
import { isLocked, isPasswordExpired, isUserEnabled } from '#services/keystone/domain/user-state.ts'

/** A thing by its id, or by its name inside a domain. */
export interface NamedIn {
  readonly id?: string
  readonly name?: string
  readonly domain?: { readonly id?: string; readonly name?: string }
}
export interface AuthRequest {
  readonly identity: {
    readonly methods: readonly string[]
    readonly password?: { readonly user?: NamedIn & { readonly password?: string } }
    readonly token?: { readonly id?: string }
    readonly application_credential?: {
      readonly id?: string
      readonly name?: string
      readonly secret?: string
      readonly user?: NamedIn
    }
  }
  readonly scope?:
    | string
    | {
        readonly project?: NamedIn
        readonly domain?: { readonly id?: string; readonly name?: string }
        readonly system?: { readonly all?: boolean }
        readonly unscoped?: unknown
        readonly 'OS-TRUST:trust'?: { readonly id?: string }
      }
}
export interface Authentication {
  /** Throws 400 for what is malformed, 401 for what is wrong, 403 where a delegated token would grow. */
  authenticate(ctx: Ctx, auth: AuthRequest, signed?: SignedRequest): Promise<Token>
  /** Checks a password for its change: 401 unless it is the user's own of now. Returns the user. */
  checkPassword(ctx: Ctx, userId: string, password: string): Promise<UserEntity>
}

const SUPPORTED: readonly string[] = ['password', 'token', 'application_credential', 'oauth1']

/** What a method found out. */
interface Proof {
  readonly userId: string
  readonly methods: readonly string[]
  readonly expiresAt?: number
  readonly parentAuditId?: string
  readonly applicationCredential?: ApplicationCredentialEntity
  readonly accessToken?: AccessToken
}

export function createAuthentication(
  tools: DomainTools,
  tokens: Tokens,
  check: PasswordCheck,
  oauth: Pick<Oauth1, 'prove'>,
): Authentication {
  const { ledger, clock, settings } = tools

  /** Null: no such user, or his domain is none or disabled. */
  async function lookUpUser(q: Query, user: NamedIn): Promise<UserEntity | null> {
    if (user.name !== undefined) {
      if (user.domain === undefined) throw faults.Expecting({ attribute: 'domain', target: 'user' })
      const domain = await lookUpDomain(q, user.domain)
      return domain === null ? null : findUserByName(q, user.name, domain.id)
    }
    const found = await findUser(q, user.id ?? '')
    const domain = found === null ? null : await findProject(q, found.domainId)
    return domain?.enabled === true ? found : null
  }
  async function lookUpDomain(q: Query, domain: { id?: string; name?: string }): Promise<ProjectEntity | null> {
    const found =
      domain.name === undefined ? await findProject(q, domain.id ?? '') : await findProjectByName(q, domain.name, null)
    return found !== null && found.isDomain && found.enabled ? found : null
  }
  async function lookUpProject(q: Query, project: NamedIn): Promise<ProjectEntity | null> {
    let found: ProjectEntity | null
    if (project.name !== undefined) {
      if (project.domain === undefined) throw faults.Expecting({ attribute: 'domain', target: 'project' })
      const domain = await lookUpDomain(q, project.domain)
      found = domain === null ? null : await findProjectByName(q, project.name, domain.id)
    } else found = await findProject(q, project.id ?? '')
    if (found === null || !found.enabled) return null
    const domain = found.domainId === null ? found : await findProject(q, found.domainId)
    return domain?.enabled === true ? found : null
  }

  /** The log-in itself: hash first, so that every failure costs the same. */
  async function provePassword(ctx: Ctx, user: UserEntity | null, password: string): Promise<UserEntity> {
    if (password.length > settings.maxPasswordLength) throw faults.PasswordTooLong({ size: settings.maxPasswordLength })
    const isRight = await check.verify(password, user?.passwordHash ?? null)
    if (user === null) throw faults.Unauthorized()
    const now = clock.now()
    if (isLocked(user, settings, now)) throw faults.Unauthorized()
    if (!isRight) {
      if (settings.lockoutFailureAttempts > 0)
        await ledger.note(ctx, 'count-failed-log-in', async q => {
          const isOver = user.failedCount >= settings.lockoutFailureAttempts
          if (isOver) await clearFailures(q, user.id) // the lock had run out
          await countFailure(q, user.id, now)
        })
      throw faults.Unauthorized()
    }
    if (!isUserEnabled(user, settings, now)) throw faults.Unauthorized()
    return user
  }
  async function afterLogIn(ctx: Ctx, user: UserEntity): Promise<void> {
    const today = new Date(clock.now()).toISOString().slice(0, 10)
    const isNews = settings.disableUserAfterInactiveDays > 0 && user.lastActiveOn !== today
    if (user.failedCount === 0 && !isNews) return
    await ledger.note(ctx, 'record-log-in', async q => {
      if (user.failedCount > 0) await clearFailures(q, user.id)
      if (isNews) await markActive(q, user.id, today)
    })
  }

  async function byPassword(ctx: Ctx, auth: AuthRequest): Promise<Proof> {
    const user = auth.identity.password?.user
    if (user === undefined) throw faults.Expecting({ attribute: 'user', target: 'password' })
    const found = await ledger.read(ctx, 'find-user', q => lookUpUser(q, user))
    const proved = await provePassword(ctx, found, user.password ?? '')
    if (isPasswordExpired(proved, clock.now())) throw faults.PasswordExpired({ id: proved.id })
    await afterLogIn(ctx, proved)
    return { userId: proved.id, methods: ['password'] }
  }

  async function byApplicationCredential(ctx: Ctx, auth: AuthRequest): Promise<Proof> {
    const given = auth.identity.application_credential ?? {}
    if (given.id === undefined && given.name === undefined)
      throw faults.Expecting({ attribute: 'name or ID', target: 'application credential' })
    const { id, name, user } = given
    if (id === undefined && user === undefined)
      throw faults.Expecting({ attribute: 'user', target: 'application credential' })
    const found = await ledger.read(ctx, 'find-application-credential', async q => {
      if (id !== undefined) return findApplicationCredential(q, id)
      const owner = await lookUpUser(q, user ?? {})
      if (owner === null) return null
      const list = await listApplicationCredentials(q, owner.id, {
        filters: [{ name: 'name', comparator: 'equals', anyCase: false, value: name ?? '' }],
      })
      return list[0] ?? null
    })
    const isRight = await check.verify(given.secret ?? '', found?.secretHash ?? null)
    if (found === null && id !== undefined) throw faults.ApplicationCredentialNotFound({ id })
    if (found === null || !isRight) throw faults.Unauthorized()
    if (found.expiresAt !== null && found.expiresAt.ms <= clock.now()) throw faults.Unauthorized()
    return { userId: found.userId, methods: ['application_credential'], applicationCredential: found }
  }

  async function byToken(ctx: Ctx, auth: AuthRequest): Promise<Proof> {
    const id = auth.identity.token?.id
    if (id === undefined) throw faults.Expecting({ attribute: 'id', target: 'token' })
    const token = await tokens.validate(ctx, id)
    if (token === null) throw faults.TokenNotFound()
    const { payload } = token
    const scope = typeof auth.scope === 'object' ? auth.scope : {}
    const refuse = (action: string): never => {
      throw faults.ForbiddenAction({ action })
    }
    if (token.trust !== null)
      refuse('Using trust-scoped token to create another token. Create a new trust-scoped token instead')
    if (token.accessToken !== null)
      refuse('Using OAuth-scoped token to create another token. Create a new OAuth-scoped token instead')
    if (payload.scope.kind === 'system' && (scope.project !== undefined || scope.domain !== undefined))
      refuse('Using a system-scoped token to create a project-scoped or domain-scoped token is not allowed.')
    if (token.applicationCredential !== null && auth.scope !== undefined)
      refuse('Using an application credential token to create a scoped token is not allowed.')
    if (!settings.allowRescopeScopedToken && payload.scope.kind !== 'unscoped') refuse('rescope a scoped token')
    const parentAuditId = payload.auditIds.at(-1)
    return {
      userId: payload.userId,
      methods: ['token', ...payload.methods],
      expiresAt: payload.expiresAt,
      ...(parentAuditId === undefined ? {} : { parentAuditId }),
      ...(token.applicationCredential === null ? {} : { applicationCredential: token.applicationCredential }),
    }
  }

  interface Place {
    readonly scope: Scope
    readonly trust: TrustEntity | null
  }
  /** Looks the wished scope up. Throws Unauthorized when there is no such place. */
  async function placeOf(q: Query, auth: AuthRequest, proof: Proof): Promise<Place> {
    const unscoped: Place = { scope: { kind: 'unscoped' }, trust: null }
    if (proof.applicationCredential !== undefined)
      return { scope: { kind: 'project', id: proof.applicationCredential.projectId }, trust: null }
    if (proof.accessToken !== undefined)
      return { scope: { kind: 'project', id: proof.accessToken.projectId }, trust: null }
    const { scope } = auth
    if (scope === undefined) return { scope: await defaultScope(q, proof.userId), trust: null }
    if (typeof scope === 'string' || scope.unscoped !== undefined) return unscoped
    if (scope.system !== undefined) return { scope: { kind: 'system' }, trust: null }
    if (scope.project !== undefined) {
      const project = await lookUpProject(q, scope.project)
      if (project === null) throw faults.Unauthorized()
      return { scope: { kind: 'project', id: project.id }, trust: null }
    }
    if (scope.domain !== undefined) {
      const domain = await lookUpDomain(q, scope.domain)
      if (domain === null) throw faults.Unauthorized()
      return { scope: { kind: 'domain', id: domain.id }, trust: null }
    }
    const id = scope['OS-TRUST:trust']?.id
    if (id === undefined) throw faults.Expecting({ attribute: 'trust_id', target: 'trust' })
    const trust = await findTrust(q, id)
    if (trust === null || (trust.expiresAt !== null && trust.expiresAt.ms <= clock.now())) throw faults.Unauthorized()
    if (trust.trusteeId !== proof.userId) throw faults.Forbidden()
    return { scope: trust.projectId === null ? unscoped.scope : { kind: 'project', id: trust.projectId }, trust }
  }
  /** His default project, when he could have a token for it. */
  async function defaultScope(q: Query, userId: string): Promise<Scope> {
    const user = await findUser(q, userId)
    if (user === null || user.defaultProjectId === null) return { kind: 'unscoped' }
    const project = await lookUpProject(q, { id: user.defaultProjectId })
    return project === null ? { kind: 'unscoped' } : { kind: 'project', id: project.id }
  }

  return {
    async authenticate(ctx, auth, signed) {
      const asked = [...new Set(auth.identity.methods)]
      for (const method of asked)
        if (auth.identity[method as 'password'] === undefined)
          throw faults.Expecting({ attribute: method, target: 'identity' })
      if (asked.length === 0 || asked.some(method => !SUPPORTED.includes(method)))
        throw faults.UnsupportedMethod({ extra: { identity: { methods: SUPPORTED } } })
      checkScopeForm(auth)
      if (asked.includes('application_credential') && auth.scope !== undefined)
        throw faults.ApplicationCredentialScope()

      const proofs: Proof[] = []
      for (const method of asked) {
        if (method === 'password') proofs.push(await byPassword(ctx, auth))
        else if (method === 'token') proofs.push(await byToken(ctx, auth))
        else if (method === 'oauth1') {
          if (signed === undefined) throw faults.Unauthorized()
          const accessToken = await oauth.prove(ctx, signed)
          proofs.push({ userId: accessToken.userId, methods: ['oauth1'], accessToken })
        } else proofs.push(await byApplicationCredential(ctx, auth))
      }
      const proof = Object.assign({}, ...proofs) as Proof
      if (proofs.some(one => one.userId !== proof.userId)) throw faults.Unauthorized()
      const proven = new Set(proofs.flatMap(one => one.methods))
      const methods = METHODS.filter(method => proven.has(method))
      const place = await ledger.read(ctx, 'find-scope', async q => {
        const user = await findUser(q, proof.userId)
        if (user === null || !satisfiesRules(user, proven)) throw faults.Unauthorized()
        return placeOf(q, auth, proof)
      })
      const issue = (scope: Scope): Promise<Token> =>
        tokens.issue(ctx, {
          userId: proof.userId,
          methods,
          scope,
          ...(proof.expiresAt === undefined ? {} : { expiresAt: proof.expiresAt }),
          ...(proof.parentAuditId === undefined ? {} : { parentAuditId: proof.parentAuditId }),
          ...(proof.applicationCredential === undefined
            ? {}
            : { applicationCredentialId: proof.applicationCredential.id }),
          ...(place.trust === null ? {} : { trustId: place.trust.id }),
          ...(proof.accessToken === undefined ? {} : { accessTokenId: proof.accessToken.id }),
        })
      const { trust } = place
      if (trust !== null && trust.remainingUses !== null) {
        const isTaken = await ledger.write(ctx, 'use-trust', q => takeUse(q, trust.id))
        if (!isTaken) throw faults.TrustUsedUp({ id: trust.id })
      }
      try {
        return await issue(place.scope)
      } catch (error) {
        // A default project is only a wish: without a role there the token is unscoped.
        const isWish =
          auth.scope === undefined && proof.applicationCredential === undefined && proof.accessToken === undefined
        if (!isWish || place.scope.kind === 'unscoped' || (error as { status?: number }).status !== 401) throw error
        return issue({ kind: 'unscoped' })
      }
    },

    async checkPassword(ctx, userId, password) {
      const user = await ledger.read(ctx, 'find-user', q => lookUpUser(q, { id: userId }))
      return provePassword(ctx, user, password)
    },
  }
}

/** A user may be bound to sets of methods; one set must be covered. Methods we do not have are left out of the sets. */
function satisfiesRules(user: UserEntity, proven: ReadonlySet<string>): boolean {
  const rules = user.options['multi_factor_auth_rules']
  if (!Array.isArray(rules) || user.options['multi_factor_auth_enabled'] === false) return true
  const sets = rules
    .map(rule => (Array.isArray(rule) ? rule.filter(method => SUPPORTED.includes(String(method))) : []))
    .filter(set => set.length > 0)
  return sets.length === 0 || sets.some(set => set.every(method => proven.has(String(method))))
}

function checkScopeForm(auth: AuthRequest): void {
  const { scope } = auth
  const kinds = ['project', 'domain', 'unscoped', 'system', 'OS-TRUST:trust'] as const
  const isFit =
    scope === undefined ||
    (typeof scope === 'string' ? scope === 'unscoped' : kinds.filter(kind => Object.hasOwn(scope, kind)).length === 1)
  if (!isFit)
    throw faults.Expecting({ attribute: 'system, project, domain, OS-TRUST:trust or unscoped', target: 'scope' })
  const named = (thing: NamedIn | undefined, field: string): void => {
    if (thing !== undefined && thing.id === undefined && thing.name === undefined)
      throw faults.ValidationError({ detail: `Invalid input for field ${field}: id or name must be present.` })
  }
  const user = auth.identity.password?.user
  named(user, 'identity/password/user')
  named(user?.domain, 'identity/password/user/domain')
  if (typeof scope === 'object') {
    named(scope.project, 'scope/project')
    named(scope.project?.domain, 'scope/project/domain')
    named(scope.domain, 'scope/domain')
  }
}
