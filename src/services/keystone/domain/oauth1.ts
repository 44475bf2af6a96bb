// OAuth 1: from a program's wish to a token that is some of a user's roles on one project. Every request is signed with the program's
// secret, and with that of the token it is about; a signature is good once.
import type { Ctx } from '#kernel/lib/context.ts'
import { faults } from '#services/keystone/contract/faults.ts'
import { rules } from '#services/keystone/contract/rules.ts'
import { findConsumer, type Consumer } from '#services/keystone/db/consumers.ts'
import * as db from '#services/keystone/db/oauth1.ts'
import type { AccessToken } from '#services/keystone/db/oauth1.ts'
import type { Query } from '#services/keystone/db/ledger.ts'
import { findProject } from '#services/keystone/db/projects.ts'
import { findRoles, listRoles, type RoleEntity } from '#services/keystone/db/roles.ts'
import { isDelegated } from '#services/keystone/domain/delegation.ts'
import { rolesOn } from '#services/keystone/domain/effective-roles.ts'
import { oauthHeader, oauthSignature, type SignedRequest } from '#services/keystone/domain/oauth-signature.ts'
import type { Tokens } from '#services/keystone/domain/tokens.ts'
import { enforce, type DomainTools } from '#services/keystone/domain/tools.ts'

const REQUEST_MS = 28_800_000
const ACCESS_MS = 86_400_000
/** How far a signer's clock may be off. */
const SKEW_MS = 600_000
const MOST_NONCES = 50_000
const DELEGATED = 'Cannot authorize a request token with a token issued via delegation.'
const DELEGATED_MANAGE = 'Cannot manage OAuth access tokens with a token issued via delegation.'

/** What a program is told once. */
export interface Told {
  readonly id: string
  readonly secret: string
  readonly expiresAt: number
}

export const createOauth1 = (tools: DomainTools, tokens: Tokens) => {
  const { ledger, clock, ids, credentialSeal, passwords } = tools
  const seal = (text: string): string => credentialSeal.seal(new TextEncoder().encode(text), clock.now())
  const unseal = (sealed: string): string => {
    const opened = credentialSeal.open(sealed)
    if (opened === null) throw faults.Unproved({ reason: 'Invalid signature' })
    return new TextDecoder().decode(opened.payload)
  }
  /** Signatures of the last minutes: each is taken once. */
  const used = new Map<string, number>()
  const takeOnce = (consumerId: string, said: Readonly<Record<string, string>>): boolean => {
    const now = clock.now()
    for (const [key, until] of used) {
      if (until > now && used.size < MOST_NONCES) break
      used.delete(key)
    }
    const key = `${consumerId} ${said['oauth_timestamp'] ?? ''} ${said['oauth_nonce'] ?? ''}`
    if (used.has(key)) return false
    used.set(key, now + 2 * SKEW_MS)
    return true
  }
  /** Throws 401 unless the request is signed with these secrets, lately, and for the first time. */
  const demandSigned = async (request: SignedRequest, consumer: Consumer, tokenSecret: string): Promise<void> => {
    const said = oauthHeader(request.authorization)
    const at = Number(said['oauth_timestamp'] ?? 'NaN') * 1000
    const isTimely = Math.abs(clock.now() - at) <= SKEW_MS
    const isOne = (said['oauth_version'] ?? '1.0') === '1.0' && (said['oauth_nonce'] ?? '') !== ''
    const wanted = await oauthSignature(request, { consumer: unseal(consumer.secret), token: tokenSecret })
    if (wanted === null || !isTimely || !isOne || !passwords.same(said['oauth_signature'] ?? '', wanted))
      throw faults.Unproved({ reason: 'Invalid signature' })
    if (!takeOnce(consumer.id, said)) throw faults.Unproved({ reason: 'Invalid signature' })
  }
  const need = (said: Readonly<Record<string, string | undefined>>, key: string): string => {
    const value = said[key]
    if (value === undefined || value === '') throw faults.Expecting({ attribute: key, target: 'request' })
    return value
  }
  const isOver = (expiresAt: number | null): boolean => expiresAt !== null && expiresAt <= clock.now()
  /** The roles by id or name. Throws 404 for one there is none of. */
  const rolesNamed = async (
    q: Query,
    wanted: readonly { id?: string; name?: string }[],
  ): Promise<readonly string[]> => {
    const found: string[] = []
    for (const { id, name } of wanted) {
      const rows =
        id !== undefined
          ? await findRoles(q, [id])
          : await listRoles(
              q,
              { filters: [{ name: 'name', value: name ?? '', comparator: 'equals', anyCase: false }] },
              null,
            )
      const [role] = rows
      if (role === undefined) throw faults.RoleNotFound({ id: id ?? name ?? '' })
      found.push(role.id)
    }
    return [...new Set(found)]
  }
  const owned = async (q: Query, userId: string, id: string): Promise<AccessToken> => {
    const found = await db.findAccessToken(q, id)
    if (found === null || found.userId !== userId) throw faults.NotFound({ target: id })
    return found
  }
  const refuseDelegated = async (ctx: Ctx): Promise<void> => {
    if (isDelegated(await tokens.of(ctx))) throw faults.Denied({ reason: DELEGATED_MANAGE })
  }

  return {
    /** A program asks for access to a project. */
    async requestToken(ctx: Ctx, request: SignedRequest, projectId: string | undefined): Promise<Told> {
      const said = oauthHeader(request.authorization)
      const consumerId = need(said, 'oauth_consumer_key')
      const wanted = need({ 'Requested-Project-Id': projectId }, 'Requested-Project-Id')
      const consumer = await ledger.read(ctx, 'find-consumer', async q => {
        if ((await findProject(q, wanted)) === null) throw faults.ProjectNotFound({ id: wanted })
        return findConsumer(q, consumerId)
      })
      if (consumer === null) throw faults.ConsumerNotFound({ id: consumerId })
      await demandSigned(request, consumer, '')
      const told: Told = { id: ids.hex(), secret: ids.hex(), expiresAt: clock.now() + REQUEST_MS }
      await ledger.note(ctx, 'create-request-token', async q => {
        await db.purgeRequestTokens(q, clock.now())
        await db.insertRequestToken(q, {
          id: told.id,
          secret: seal(told.secret),
          consumerId,
          projectId: wanted,
          verifier: null,
          userId: null,
          roleIds: [],
          expiresAt: told.expiresAt,
        })
      })
      return told
    },

    /** The bearer lends some of his roles on that project. Answers the verifier, which he hands to the program. */
    async authorize(ctx: Ctx, id: string, roles: readonly { id?: string; name?: string }[]): Promise<string> {
      enforce(tools, ctx, rules.authorizeRequestToken, {})
      const token = await tokens.of(ctx)
      // A lent token lends nothing on.
      if (isDelegated(token)) throw faults.Denied({ reason: DELEGATED })
      const { userId } = token.payload
      const verifier = ids.hex().slice(0, 16)
      await ledger.note(ctx, 'authorize-request-token', async q => {
        const wish = await db.findRequestToken(q, id)
        if (wish === null) throw faults.NotFound({ target: id })
        if (isOver(wish.expiresAt)) throw faults.Unproved({ reason: 'Request token is expired' })
        const wanted = await rolesNamed(q, roles)
        const project = await findProject(q, wish.projectId)
        const held = project === null ? [] : await rolesOn(q, userId, { kind: 'project', project })
        if (wanted.some(role => !held.some(own => own.id === role)))
          throw faults.Unproved({ reason: 'authorizing user does not have role required' })
        await db.authorizeRequestToken(q, id, { userId, roleIds: wanted, verifier })
      })
      return verifier
    },

    /** The program changes what was authorised for an access token; once. */
    async accessToken(ctx: Ctx, request: SignedRequest): Promise<Told> {
      const said = oauthHeader(request.authorization)
      const consumerId = need(said, 'oauth_consumer_key')
      const id = need(said, 'oauth_token')
      const verifier = need(said, 'oauth_verifier')
      const { wish, consumer } = await ledger.read(ctx, 'find-request-token', async q => ({
        wish: await db.findRequestToken(q, id),
        consumer: await findConsumer(q, consumerId),
      }))
      if (wish === null) throw faults.NotFound({ target: id })
      if (isOver(wish.expiresAt)) throw faults.Unproved({ reason: 'Request token is expired' })
      if (consumer === null) throw faults.Unproved({ reason: 'Provided consumer does not exist.' })
      if (wish.consumerId !== consumerId)
        throw faults.Unproved({ reason: 'Provided consumer key does not match stored consumer key.' })
      await demandSigned(request, consumer, unseal(wish.secret))
      const { userId } = wish
      if (wish.verifier === null || userId === null)
        throw faults.Unproved({ reason: 'Request Token does not have an authorizing user id.' })
      if (!passwords.same(wish.verifier, verifier))
        throw faults.Unproved({ reason: 'Provided verifier does not match stored verifier' })
      const told: Told = { id: ids.hex(), secret: ids.hex(), expiresAt: clock.now() + ACCESS_MS }
      await ledger.write(ctx, 'create-access-token', async q => {
        if (!(await db.takeRequestToken(q, id))) throw faults.NotFound({ target: id })
        await db.insertAccessToken(q, {
          id: told.id,
          secret: seal(told.secret),
          consumerId,
          projectId: wish.projectId,
          userId,
          roleIds: wish.roleIds,
          expiresAt: told.expiresAt,
        })
      })
      return told
    },

    /** Who logs in with an access token. Throws 401. */
    async prove(ctx: Ctx, request: SignedRequest): Promise<AccessToken> {
      const said = oauthHeader(request.authorization)
      const id = need(said, 'oauth_token')
      const { access, consumer } = await ledger.read(ctx, 'find-access-token', async q => {
        const found = await db.findAccessToken(q, id)
        return { access: found, consumer: found === null ? null : await findConsumer(q, found.consumerId) }
      })
      if (access === null || consumer === null || consumer.id !== said['oauth_consumer_key'])
        throw faults.Unauthorized()
      if (isOver(access.expiresAt)) throw faults.Unproved({ reason: 'Access token is expired' })
      await demandSigned(request, consumer, unseal(access.secret))
      return access
    },

    async list(ctx: Ctx, userId: string): Promise<AccessToken[]> {
      enforce(tools, ctx, rules.listAccessTokens, {})
      await refuseDelegated(ctx)
      return ledger.read(ctx, 'list-access-tokens', q => db.listAccessTokens(q, userId))
    },
    async show(ctx: Ctx, userId: string, id: string): Promise<AccessToken> {
      enforce(tools, ctx, rules.getAccessToken, {})
      await refuseDelegated(ctx)
      return ledger.read(ctx, 'find-access-token', q => owned(q, userId, id))
    },
    async remove(ctx: Ctx, userId: string, id: string): Promise<void> {
      enforce(tools, ctx, rules.deleteAccessToken, {})
      await refuseDelegated(ctx)
      await ledger.write(ctx, 'remove-access-token', async q => {
        await owned(q, userId, id)
        await db.removeAccessToken(q, id)
      })
    },
    async roles(ctx: Ctx, userId: string, id: string, roleId: string | null): Promise<RoleEntity[]> {
      enforce(tools, ctx, roleId === null ? rules.listAccessTokenRoles : rules.getAccessTokenRole, {})
      return ledger.read(ctx, 'roles-of-access-token', async q => {
        const { roleIds } = await owned(q, userId, id)
        if (roleId !== null && !roleIds.includes(roleId)) throw faults.RoleNotFound({ id: roleId })
        return findRoles(q, roleId === null ? roleIds : [roleId])
      })
    },
  }
}
export type Oauth1 = ReturnType<typeof createOauth1>
