// Tokens: made, looked into, ended. What a token means is worked out from the rows of today, and kept until a row changes.
import { isoMicros, isoMicrosZ } from '#kernel/lib/clock.ts'
import type { Ctx, Who } from '#kernel/lib/context.ts'
import { faults } from '#services/keystone/contract/faults.ts'
import {
  findApplicationCredential,
  type ApplicationCredentialEntity,
} from '#services/keystone/db/application-credentials.ts'
import type { Query } from '#services/keystone/db/ledger.ts'
import { findAccessToken, type AccessToken } from '#services/keystone/db/oauth1.ts'
import { findProject, type ProjectEntity } from '#services/keystone/db/projects.ts'
import {
  addRevocation,
  isRevoked,
  lastRevocation,
  purgeRevocations,
  type RevocationKind,
} from '#services/keystone/db/revocations.ts'
import { implications, findRoles, type RoleEntity } from '#services/keystone/db/roles.ts'
import { findTrust, type TrustEntity } from '#services/keystone/db/trusts.ts'
import { findUser, type UserEntity } from '#services/keystone/db/users.ts'
import { rolesOn, withImplied, type RoleTarget } from '#services/keystone/domain/effective-roles.ts'
import {
  auditOfHex,
  packToken,
  unpackToken,
  type Scope,
  type TokenPayload,
} from '#services/keystone/domain/token-payload.ts'
import type { DomainTools } from '#services/keystone/domain/tools.ts'
import { isUserEnabled } from '#services/keystone/domain/user-state.ts'

/** A token and all it means just now. */
export interface Token {
  readonly text: string
  readonly payload: TokenPayload
  readonly who: Who
  readonly user: UserEntity
  readonly roles: readonly RoleEntity[]
  readonly applicationCredential: ApplicationCredentialEntity | null
  readonly trust: TrustEntity | null
  readonly accessToken: AccessToken | null
  /** The answer's JSON without a catalog. */
  readonly body: string
}
export interface Issue {
  readonly userId: string
  readonly methods: readonly string[]
  readonly scope: Scope
  /** Not after this; for tokens made from others. */
  readonly expiresAt?: number
  /** The first audit id of the chain this one continues. */
  readonly parentAuditId?: string
  readonly applicationCredentialId?: string
  readonly trustId?: string
  readonly accessTokenId?: string
}
export interface Tokens {
  /** Throws Unauthorized when the user has no role there, or he or the place is disabled. */
  issue(ctx: Ctx, wanted: Issue): Promise<Token>
  /** Null: not one of ours, ended, or over for longer than `graceMs`. */
  validate(ctx: Ctx, text: string, graceMs?: number): Promise<Token | null>
  /** The token behind the bearer of a request. */
  of(ctx: Ctx): Promise<Token>
  revoke(ctx: Ctx, token: Token): Promise<void>
  /** Ends tokens inside a transaction: all issued until now for that user, project or trust. */
  readonly end: (q: Query, kind: RevocationKind, id: string) => Promise<void>
  start(ctx: Ctx): Promise<void>
  /** Forgets revocations that can end nothing any more. */
  purge(ctx: Ctx): Promise<void>
}

const MOST_KEPT = 20_000

export function createTokens(tools: DomainTools): Tokens {
  const { ledger, clock, ids, settings, tokenSeal } = tools
  const known = new Map<string, { generation: number; token: Token }>()
  let lastEnd = 0

  const keep = (generation: number, token: Token): Token => {
    if (known.size >= MOST_KEPT) {
      const oldest = known.keys().next().value
      if (oldest !== undefined) known.delete(oldest)
    }
    known.set(token.text, { generation, token })
    return token
  }
  const longestLifeMs = (): number =>
    (settings.tokenExpirySeconds + settings.allowExpiredWindowSeconds) * 1000 + 86_400_000

  const end = async (q: Query, kind: RevocationKind, id: string): Promise<void> => {
    const now = clock.now()
    lastEnd = Math.max(lastEnd, now)
    await addRevocation(q, kind, id, now, now + longestLifeMs())
  }

  const self: Tokens = {
    async issue(ctx, wanted) {
      // invariant: whatever was ended until now does not end this token, even within the same millisecond.
      const issuedAt = Math.max(clock.now(), lastEnd + 1)
      const expiresAt = Math.floor((wanted.expiresAt ?? issuedAt + settings.tokenExpirySeconds * 1000) / 1000) * 1000
      const payload: TokenPayload = {
        userId: wanted.userId,
        methods: wanted.methods,
        scope: wanted.scope,
        issuedAt,
        expiresAt,
        auditIds: [auditOfHex(ids.hex()), ...(wanted.parentAuditId === undefined ? [] : [wanted.parentAuditId])],
        applicationCredentialId: wanted.applicationCredentialId ?? null,
        trustId: wanted.trustId ?? null,
        ...(wanted.accessTokenId === undefined ? {} : { accessTokenId: wanted.accessTokenId }),
      }
      const generation = ledger.generation()
      const meaning = await ledger.read(ctx, 'read-token-meaning', q => meaningOf(q, payload, clock.now()))
      if (meaning === null) throw faults.Unauthorized()
      const limit = Math.min(
        meaning.applicationCredential?.expiresAt?.ms ?? Number.POSITIVE_INFINITY,
        meaning.trust?.expiresAt?.ms ?? Number.POSITIVE_INFINITY,
        meaning.accessToken?.expiresAt ?? Number.POSITIVE_INFINITY,
      )
      const bounded = limit < expiresAt ? { ...payload, expiresAt: limit } : payload
      return keep(generation, tokenOf(tokenSeal.seal(packToken(bounded), issuedAt), bounded, meaning))
    },

    async validate(ctx, text, graceMs = 0) {
      const kept = known.get(text)
      const generation = ledger.generation()
      let token: Token | null
      if (kept !== undefined && kept.generation === generation) token = kept.token
      else {
        const opened = text.length > 1024 ? null : tokenSeal.open(text)
        const payload = opened === null ? null : unpackToken(opened.payload)
        if (payload === null || payload.expiresAt + graceMs <= clock.now()) return null
        const meaning = await ledger.read(ctx, 'read-token-meaning', async q => {
          const found = await meaningOf(q, payload, clock.now() - graceMs)
          if (found === null) return null
          const revocable = {
            auditIds: payload.auditIds,
            userId: payload.userId,
            projectId: payload.scope.kind === 'project' ? payload.scope.id : null,
            trustId: payload.trustId,
            trustorId: found.trust?.trustorId ?? null,
            issuedAt: payload.issuedAt,
          }
          return (await isRevoked(q, revocable)) ? null : found
        })
        if (meaning === null) {
          known.delete(text)
          return null
        }
        token = keep(generation, tokenOf(text, payload, meaning))
      }
      return token.payload.expiresAt + graceMs > clock.now() ? token : null
    },

    async of(ctx) {
      const token = ctx.who === null ? null : await self.validate(ctx, ctx.who.token)
      if (token === null) throw faults.Unauthorized()
      return token
    },

    async revoke(ctx, token) {
      await ledger.write(ctx, 'revoke-token', q => end(q, 'audit', token.payload.auditIds[0] ?? ''))
    },
    end,
    async purge(ctx) {
      await ledger.note(ctx, 'purge-revocations', q => purgeRevocations(q, clock.now()))
    },
    async start(ctx) {
      lastEnd = Math.max(lastEnd, await ledger.read(ctx, 'read-last-revocation', lastRevocation))
    },
  }
  return self

  interface Meaning {
    readonly user: UserEntity
    readonly userDomain: ProjectEntity
    readonly project: ProjectEntity | null
    readonly projectDomain: ProjectEntity | null
    readonly domain: ProjectEntity | null
    readonly roles: readonly RoleEntity[]
    readonly applicationCredential: ApplicationCredentialEntity | null
    readonly trust: TrustEntity | null
    readonly accessToken: AccessToken | null
    /** Shown as the bearer: the trustor, where the trust lets the trustee pass for him. */
    readonly shown: UserEntity
    readonly shownDomain: ProjectEntity
  }

  /** Null: somebody or something is gone or disabled, or no role is left. */
  async function meaningOf(q: Query, payload: TokenPayload, now: number): Promise<Meaning | null> {
    const user = await findUser(q, payload.userId)
    if (user === null || !isUserEnabled(user, settings, clock.now())) return null
    const userDomain = await findProject(q, user.domainId)
    if (userDomain === null || !userDomain.enabled) return null

    let project: ProjectEntity | null = null
    let projectDomain: ProjectEntity | null = null
    let domain: ProjectEntity | null = null
    let target: RoleTarget | null = null
    const { scope } = payload
    if (scope.kind === 'project') {
      project = await findProject(q, scope.id)
      if (project === null || !project.enabled) return null
      projectDomain = project.domainId === null ? project : await findProject(q, project.domainId)
      if (projectDomain === null || !projectDomain.enabled) return null
      target = { kind: 'project', project }
    } else if (scope.kind === 'domain') {
      domain = await findProject(q, scope.id)
      if (domain === null || !domain.isDomain || !domain.enabled) return null
      target = { kind: 'domain', domainId: domain.id }
    } else if (scope.kind === 'system') target = { kind: 'system' }

    let applicationCredential: ApplicationCredentialEntity | null = null
    if (payload.applicationCredentialId !== null) {
      applicationCredential = await findApplicationCredential(q, payload.applicationCredentialId)
      if (
        applicationCredential === null ||
        applicationCredential.userId !== user.id ||
        (applicationCredential.expiresAt !== null && applicationCredential.expiresAt.ms <= now)
      )
        return null
    }
    let trust: TrustEntity | null = null
    let shown = user
    let shownDomain = userDomain
    if (payload.trustId !== null) {
      trust = await findTrust(q, payload.trustId)
      if (trust === null || trust.trusteeId !== user.id || (trust.expiresAt !== null && trust.expiresAt.ms <= now))
        return null
      const trustor = await findUser(q, trust.trustorId)
      const trustorDomain = trustor === null ? null : await findProject(q, trustor.domainId)
      if (trustor === null || trustorDomain === null || !trustorDomain.enabled) return null
      if (!isUserEnabled(trustor, settings, clock.now())) return null
      if (trust.impersonation) [shown, shownDomain] = [trustor, trustorDomain]
    }

    let accessToken: AccessToken | null = null
    if (payload.accessTokenId !== undefined) {
      accessToken = await findAccessToken(q, payload.accessTokenId)
      const isFit =
        accessToken !== null &&
        accessToken.userId === user.id &&
        scope.kind === 'project' &&
        accessToken.projectId === scope.id &&
        (accessToken.expiresAt === null || accessToken.expiresAt > now)
      if (!isFit) return null
    }

    let roles: RoleEntity[] = []
    if (target !== null) {
      roles = await rolesOn(q, trust === null ? user.id : trust.trustorId, target)
      if (applicationCredential !== null) {
        const { roleIds } = applicationCredential
        roles = roles.filter(role => roleIds.includes(role.id))
      }
      if (accessToken !== null) {
        const { roleIds } = accessToken
        roles = roles.filter(role => roleIds.includes(role.id))
      }
      if (trust !== null) {
        const delegated = withImplied(trust.roleIds, await implications(q))
        const held = new Set(roles.map(role => role.id))
        const all = (await findRoles(q, delegated)).filter(role => role.domainId === null)
        if (all.some(role => !held.has(role.id))) return null
        roles = all
      }
      if (roles.length === 0) return null
    }
    return {
      user,
      userDomain,
      project,
      projectDomain,
      domain,
      roles,
      applicationCredential,
      trust,
      accessToken,
      shown,
      shownDomain,
    }
  }

  function tokenOf(text: string, payload: TokenPayload, m: Meaning): Token {
    const who: Who = {
      userId: m.shown.id,
      userName: m.shown.name,
      userDomainId: m.shownDomain.id,
      userDomainName: m.shownDomain.name,
      projectId: m.project?.id ?? null,
      projectName: m.project?.name ?? null,
      projectDomainId: m.projectDomain?.id ?? null,
      projectDomainName: m.projectDomain?.name ?? null,
      domainId: m.domain?.id ?? null,
      system: payload.scope.kind === 'system',
      roles: m.roles.map(role => role.name.toLowerCase()),
      token: text,
      expiresAt: payload.expiresAt,
      auditIds: payload.auditIds,
      methods: payload.methods,
      ...(payload.applicationCredentialId === null ? {} : { applicationCredentialId: payload.applicationCredentialId }),
    }
    const brief = (thing: { id: string; name: string }): { id: string; name: string } => ({
      id: thing.id,
      name: thing.name,
    })
    const view: Record<string, unknown> = {
      methods: payload.methods,
      user: {
        domain: brief(m.shownDomain),
        id: m.shown.id,
        name: m.shown.name,
        password_expires_at: m.shown.passwordExpiresAt === null ? null : isoMicros(m.shown.passwordExpiresAt),
      },
      audit_ids: payload.auditIds,
      expires_at: isoMicrosZ(payload.expiresAt),
      issued_at: isoMicrosZ(payload.issuedAt),
    }
    if (payload.scope.kind !== 'unscoped') view['roles'] = m.roles.map(brief)
    if (payload.scope.kind === 'system') view['system'] = { all: true }
    if (m.domain !== null) view['domain'] = brief(m.domain)
    if (m.project !== null && m.projectDomain !== null) {
      view['project'] = { domain: brief(m.projectDomain), ...brief(m.project) }
      if (m.trust === null) view['is_domain'] = m.project.isDomain
    }
    if (m.trust !== null)
      view['OS-TRUST:trust'] = {
        id: m.trust.id,
        trustor_user: { id: m.trust.trustorId },
        trustee_user: { id: m.trust.trusteeId },
        impersonation: m.trust.impersonation,
      }
    if (m.accessToken !== null)
      view['OS-OAUTH1'] = { access_token_id: m.accessToken.id, consumer_id: m.accessToken.consumerId }
    if (m.applicationCredential !== null)
      view['application_credential'] = {
        ...brief(m.applicationCredential),
        restricted: !m.applicationCredential.unrestricted,
        ...(m.applicationCredential.accessRules === null || m.applicationCredential.accessRules.length === 0
          ? {}
          : { access_rules: m.applicationCredential.accessRules }),
      }
    return {
      text,
      payload,
      who,
      user: m.user,
      roles: m.roles,
      applicationCredential: m.applicationCredential,
      trust: m.trust,
      accessToken: m.accessToken,
      body: JSON.stringify({ token: view }),
    }
  }
}
