// Trusts: one user lets another act on a project, with roles he holds himself.
import type { Rule } from '#kernel/contract/rule.ts'
import type { Ctx } from '#kernel/lib/context.ts'
import { OWN } from '#kernel/policy/enforcer.ts'
import { faults } from '#services/keystone/contract/faults.ts'
import { rules } from '#services/keystone/contract/rules.ts'
import type { Moment } from '#services/keystone/db/moment.ts'
import type { Query } from '#services/keystone/db/ledger.ts'
import { findProject } from '#services/keystone/db/projects.ts'
import { findRoleByName, findRoles, type RoleEntity } from '#services/keystone/db/roles.ts'
import {
  findTrust,
  insertTrust,
  listTrusts,
  markTrustDeleted,
  redelegationsOf,
  type TrustEntity,
} from '#services/keystone/db/trusts.ts'
import { findUser } from '#services/keystone/db/users.ts'
import { momentFrom } from '#services/keystone/domain/common.ts'
import { refuseApplicationCredential } from '#services/keystone/domain/delegation.ts'
import { rolesOn } from '#services/keystone/domain/effective-roles.ts'
import type { Tokens } from '#services/keystone/domain/tokens.ts'
import { bearer, enforce, type DomainTools } from '#services/keystone/domain/tools.ts'

export interface TrustWish {
  readonly trustorId: string
  readonly trusteeId: string
  readonly impersonation: boolean
  readonly projectId?: string | null | undefined
  readonly remainingUses?: number | null | undefined
  readonly expiresAt?: string | null | undefined
  readonly allowRedelegation?: boolean | undefined
  readonly redelegationCount?: number | null | undefined
  readonly roles?: readonly { readonly id?: string; readonly name?: string }[] | undefined
}
export interface TrustWithRoles {
  readonly trust: TrustEntity
  readonly roles: readonly RoleEntity[]
}
export interface Trusts {
  list(ctx: Ctx, of: { trustorId?: string | undefined; trusteeId?: string | undefined }): Promise<TrustEntity[]>
  find(ctx: Ctx, id: string, rule?: Rule): Promise<TrustWithRoles>
  create(ctx: Ctx, wish: TrustWish): Promise<TrustWithRoles>
  remove(ctx: Ctx, id: string): Promise<void>
}

/** How often a trust may be handed on. */
const MOST_REDELEGATIONS = 3
const BY_APPLICATION_CREDENTIAL = "Using method 'application_credential' is not allowed for managing trusts."

const target = (trust: TrustEntity | null): Record<string, unknown> =>
  trust === null
    ? {}
    : { 'target.trust.trustor_user_id': trust.trustorId, 'target.trust.trustee_user_id': trust.trusteeId }

export function createTrusts(tools: DomainTools, tokens: Tokens): Trusts {
  const { ledger, ids, clock } = tools

  const alive = async (q: Query, id: string): Promise<TrustEntity | null> => {
    const trust = await findTrust(q, id)
    return trust !== null && (trust.expiresAt === null || trust.expiresAt.ms > clock.now()) ? trust : null
  }
  const loadFor = async (ctx: Ctx, q: Query, id: string, rule: Rule): Promise<TrustEntity> => {
    const mayEver = tools.policy.check(bearer(ctx), rule, OWN)
    if (!mayEver.ok) throw faults.ForbiddenAction({ action: rule.name }, { because: mayEver.because })
    const trust = await alive(q, id)
    // compat: clients take the 404 of a removed trust as proof.
    if (trust === null) throw faults.TrustNotFound({ id })
    enforce(tools, ctx, rule, target(trust))
    return trust
  }
  const withRoles = async (q: Query, trust: TrustEntity): Promise<TrustWithRoles> => ({
    trust,
    roles: await findRoles(q, trust.roleIds),
  })

  async function roleIdsFor(q: Query, wish: TrustWish): Promise<string[]> {
    const found: string[] = []
    for (const role of wish.roles ?? []) {
      const id = role.id ?? (role.name === undefined ? null : await findRoleByName(q, role.name))?.id
      if (id === undefined) throw faults.RoleNotFound({ id: role.name ?? '' })
      found.push(id)
    }
    return [...new Set(found)]
  }
  /** A trust made with a trust stays inside it, in every respect. Returns when it ends at the latest. */
  function checkInside(
    parent: TrustEntity,
    wish: TrustWish,
    roleIds: readonly string[],
    expiresAt: Moment | null,
  ): Moment | null {
    const refuse = (reason: string): never => {
      throw faults.Denied({ reason })
    }
    const depth = parent.redelegationCount ?? 0
    if (depth <= 0 || depth > MOST_REDELEGATIONS)
      refuse(`Remaining redelegation depth of ${depth} out of allowed range of [0..${MOST_REDELEGATIONS}]`)
    if (wish.remainingUses !== undefined && wish.remainingUses !== null)
      refuse('Field "remaining_uses" must not be set in order to redelegate a trust')
    if (expiresAt !== null && parent.expiresAt !== null && expiresAt.ms > parent.expiresAt.ms)
      refuse('Requested expiration time is more than redelegated trust can provide')
    if (roleIds.some(id => !parent.roleIds.includes(id))) refuse('Some of requested roles are not in redelegated trust')
    if (!parent.impersonation && wish.impersonation)
      refuse(
        `Impersonation is not allowed because redelegated trust does not specify impersonation. Redelegated trust id: ${parent.id}`,
      )
    if ((wish.projectId ?? null) !== parent.projectId) refuse('The project is not that of the redelegated trust')
    return expiresAt ?? parent.expiresAt
  }
  const original = async (q: Query, trust: TrustEntity): Promise<TrustEntity> => {
    let at = trust
    for (let steps = 0; at.redelegatedTrustId !== null && steps <= MOST_REDELEGATIONS; steps++) {
      const parent = await findTrust(q, at.redelegatedTrustId)
      if (parent === null) throw faults.TrustNotFound({ id: at.redelegatedTrustId })
      at = parent
    }
    return at
  }
  async function removeWhole(q: Query, id: string, now: number): Promise<void> {
    for (const child of await redelegationsOf(q, id)) await removeWhole(q, child.id, now)
    await markTrustDeleted(q, id, now)
    await tokens.end(q, 'trust', id)
  }

  return {
    async list(ctx, of) {
      if (of.trustorId !== undefined)
        enforce(tools, ctx, rules.listTrustsForTrustor, { 'target.trust.trustor_user_id': of.trustorId })
      else if (of.trusteeId !== undefined)
        enforce(tools, ctx, rules.listTrustsForTrustee, { 'target.trust.trustee_user_id': of.trusteeId })
      else enforce(tools, ctx, rules.listTrusts, {})
      refuseApplicationCredential(await tokens.of(ctx), BY_APPLICATION_CREDENTIAL)
      const now = clock.now()
      const all = await ledger.read(ctx, 'list-trusts', q => listTrusts(q, of))
      return all.filter(trust => trust.expiresAt === null || trust.expiresAt.ms > now)
    },
    async find(ctx, id, rule = rules.getTrust) {
      const token = await tokens.of(ctx)
      return ledger.read(ctx, 'find-trust', async q => {
        const trust = await loadFor(ctx, q, id, rule)
        refuseApplicationCredential(token, BY_APPLICATION_CREDENTIAL)
        return withRoles(q, trust)
      })
    },

    async create(ctx, wish) {
      enforce(tools, ctx, rules.createTrust, { 'target.trust.trustor_user_id': wish.trustorId })
      const token = await tokens.of(ctx)
      refuseApplicationCredential(token, BY_APPLICATION_CREDENTIAL)
      const projectId = wish.projectId ?? null
      if (projectId !== null && (wish.roles ?? []).length === 0)
        throw faults.ForbiddenAction({ action: 'At least one role should be specified' })
      if (token.who.userId !== wish.trustorId)
        throw faults.ForbiddenAction({ action: 'The authenticated user should match the trustor' })
      const wanted = wish.expiresAt === undefined || wish.expiresAt === null ? null : momentFrom(wish.expiresAt)
      if (wanted !== null && wanted.ms <= clock.now()) throw faults.ExpirationPassed()
      const mayHandOn = wish.allowRedelegation === true && wish.redelegationCount !== 0
      if (mayHandOn && wish.remainingUses !== undefined && wish.remainingUses !== null)
        throw faults.ValidationError({ detail: 'remaining_uses must not be set if redelegation is allowed' })
      if (mayHandOn && (wish.redelegationCount ?? 0) > MOST_REDELEGATIONS)
        throw faults.Denied({
          reason: `Requested redelegation depth of ${wish.redelegationCount ?? 0} is greater than allowed ${MOST_REDELEGATIONS}`,
        })

      return ledger.write(ctx, 'create-trust', async q => {
        if ((await findUser(q, wish.trusteeId)) === null) throw faults.UserNotFound({ id: wish.trusteeId })
        const roleIds = await roleIdsFor(q, wish)
        const parent = token.trust
        const expiresAt = parent === null ? wanted : checkInside(parent, wish, roleIds, wanted)
        if (projectId !== null) {
          const project = await findProject(q, projectId)
          if (project === null) throw faults.ProjectNotFound({ id: projectId })
          const trustor = parent === null ? wish.trustorId : (await original(q, parent)).trustorId
          const held = new Set((await rolesOn(q, trustor, { kind: 'project', project })).map(role => role.id))
          const missing = roleIds.find(id => !held.has(id))
          if (missing !== undefined) throw faults.RoleNotFound({ id: missing })
        } else if (roleIds[0] !== undefined) throw faults.RoleNotFound({ id: roleIds[0] })
        const left = parent === null ? MOST_REDELEGATIONS : (parent.redelegationCount ?? 0) - 1
        if (
          parent !== null &&
          mayHandOn &&
          wish.redelegationCount !== undefined &&
          wish.redelegationCount !== null &&
          wish.redelegationCount !== left
        )
          throw faults.Denied({
            reason:
              'Modifying "redelegation_count" upon redelegation is forbidden. Omitting this parameter is advised.',
          })
        const trust: TrustEntity = {
          id: ids.hex(),
          trustorId: wish.trustorId,
          trusteeId: wish.trusteeId,
          projectId,
          impersonation: wish.impersonation,
          expiresAt,
          deletedAt: null,
          remainingUses: wish.remainingUses ?? null,
          redelegatedTrustId: parent?.id ?? null,
          redelegationCount: mayHandOn ? (wish.redelegationCount ?? left) : 0,
          roleIds,
          extra: {},
        }
        await insertTrust(q, trust)
        return withRoles(q, trust)
      })
    },
    async remove(ctx, id) {
      const token = await tokens.of(ctx)
      await ledger.write(ctx, 'remove-trust', async q => {
        await loadFor(ctx, q, id, rules.deleteTrust)
        refuseApplicationCredential(token, BY_APPLICATION_CREDENTIAL)
        await removeWhole(q, id, clock.now())
      })
    },
  }
}
