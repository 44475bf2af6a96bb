// Application credentials and access rules: a program acts for a user, with some of his roles on one project.
import type { Ctx } from '#kernel/lib/context.ts'
import { faults } from '#services/keystone/contract/faults.ts'
import { rules } from '#services/keystone/contract/rules.ts'
import {
  accessRuleInUse,
  countApplicationCredentials,
  findApplicationCredential,
  insertAccessRule,
  insertApplicationCredential,
  listAccessRules,
  listApplicationCredentials,
  removeAccessRule,
  removeApplicationCredential,
  type AccessRule,
  type ApplicationCredentialEntity,
} from '#services/keystone/db/application-credentials.ts'
import type { ListQuery } from '#services/keystone/db/filters.ts'
import type { Query } from '#services/keystone/db/ledger.ts'
import { findRoleByName, findRoles, implications, type RoleEntity } from '#services/keystone/db/roles.ts'
import { findUser } from '#services/keystone/db/users.ts'
import { momentFrom, unique } from '#services/keystone/domain/common.ts'
import { refuseRestricted, refuseTrust } from '#services/keystone/domain/delegation.ts'
import { withImplied } from '#services/keystone/domain/effective-roles.ts'
import type { Token, Tokens } from '#services/keystone/domain/tokens.ts'
import { enforce, type DomainTools } from '#services/keystone/domain/tools.ts'
import { userTarget } from '#services/keystone/domain/users.ts'

export interface ApplicationCredentialWish {
  readonly name: string
  readonly description?: string | null | undefined
  readonly secret?: string | null | undefined
  readonly expiresAt?: string | null | undefined
  readonly roles?: readonly { readonly id?: string; readonly name?: string }[] | undefined
  readonly unrestricted?: boolean | null | undefined
  readonly accessRules?: readonly Partial<AccessRule>[] | undefined
}
export interface WithRoles {
  readonly credential: ApplicationCredentialEntity
  readonly roles: readonly RoleEntity[]
}
export interface ApplicationCredentials {
  list(ctx: Ctx, userId: string, list: ListQuery): Promise<WithRoles[]>
  find(ctx: Ctx, userId: string, id: string): Promise<WithRoles>
  /** The secret is told here and never again. */
  create(ctx: Ctx, userId: string, wish: ApplicationCredentialWish): Promise<WithRoles & { readonly secret: string }>
  remove(ctx: Ctx, userId: string, id: string): Promise<void>
  listRules(ctx: Ctx, userId: string, list: ListQuery): Promise<AccessRule[]>
  findRule(ctx: Ctx, userId: string, id: string): Promise<AccessRule>
  removeRule(ctx: Ctx, userId: string, id: string): Promise<void>
}

const ALL: ListQuery = { filters: [] }
const MANAGE = "Using method 'application_credential' is not allowed for managing additional application credentials."

export function createApplicationCredentials(tools: DomainTools, tokens: Tokens): ApplicationCredentials {
  const { ledger, ids, clock, passwords, settings } = tools

  const withRoles = async (q: Query, all: readonly ApplicationCredentialEntity[]): Promise<WithRoles[]> => {
    const roles = new Map((await findRoles(q, new Set(all.flatMap(one => one.roleIds)))).map(role => [role.id, role]))
    return all.map(credential => ({ credential, roles: credential.roleIds.flatMap(id => roles.get(id) ?? []) }))
  }
  /** Judged by whose it really is, never by the user in the path. */
  const loadFor = async (
    ctx: Ctx,
    q: Query,
    userId: string,
    id: string,
    rule: (typeof rules)[keyof typeof rules],
  ): Promise<ApplicationCredentialEntity> => {
    const found = await findApplicationCredential(q, id)
    enforce(tools, ctx, rule, { user_id: found?.userId ?? userId })
    if (found === null || found.userId !== userId) throw faults.ApplicationCredentialNotFound({ id })
    return found
  }

  /** Those asked for with all they imply, all of them in the token; without any, all of the token's. */
  async function rolesFor(q: Query, token: Token, wish: ApplicationCredentialWish): Promise<readonly string[]> {
    const held = token.roles.map(role => role.id)
    if (wish.roles === undefined || wish.roles.length === 0) return held
    const asked: string[] = []
    for (const role of wish.roles) {
      const id = role.id ?? (role.name === undefined ? null : await findRoleByName(q, role.name))?.id
      if (id === undefined) throw faults.RoleNotFound({ id: role.name ?? '' })
      asked.push(id)
    }
    const all = withImplied(asked, await implications(q))
    const known = await findRoles(q, all)
    const missing = asked.find(id => !known.some(role => role.id === id))
    if (missing !== undefined || known.some(role => role.domainId === null && !held.includes(role.id)))
      throw faults.ApplicationCredentialInvalid({
        detail: 'Cannot create an application credential with unassigned role',
      })
    return known.filter(role => role.domainId === null).map(role => role.id)
  }

  /** Rules are shared: one that says the same is used again. */
  async function rulesFor(q: Query, userId: string, wish: ApplicationCredentialWish): Promise<AccessRule[] | null> {
    if (wish.accessRules === undefined) return null
    const own = await listAccessRules(q, userId, ALL)
    const found: AccessRule[] = []
    for (const asked of wish.accessRules) {
      const { service, method, path } = asked
      const same = own.find(
        rule => rule.id === asked.id || (rule.service === service && rule.method === method && rule.path === path),
      )
      if (same !== undefined) found.push(same)
      else if (service === undefined || method === undefined || path === undefined) {
        if (asked.id !== undefined) throw faults.AccessRuleNotFound({ id: asked.id })
        throw faults.ApplicationCredentialInvalid({ detail: 'An access rule needs a service, a method and a path.' })
      } else {
        const rule: AccessRule = { id: ids.hex(), service, method, path }
        await insertAccessRule(q, userId, rule)
        own.push(rule)
        found.push(rule)
      }
    }
    return found.filter((rule, at) => found.findIndex(other => other.id === rule.id) === at)
  }

  return {
    async list(ctx, userId, list) {
      enforce(tools, ctx, rules.listApplicationCredentials, { user_id: userId })
      refuseTrust(await tokens.of(ctx))
      return ledger.read(ctx, 'list-application-credentials', async q =>
        withRoles(q, await listApplicationCredentials(q, userId, list)),
      )
    },
    async find(ctx, userId, id) {
      const token = await tokens.of(ctx)
      return ledger.read(ctx, 'find-application-credential', async q => {
        const found = await loadFor(ctx, q, userId, id, rules.getApplicationCredential)
        refuseTrust(token)
        return (await withRoles(q, [found]))[0] as WithRoles
      })
    },

    async create(ctx, userId, wish) {
      enforce(tools, ctx, rules.createApplicationCredential, { user_id: userId })
      const token = await tokens.of(ctx)
      refuseTrust(token)
      refuseRestricted(token, MANAGE)
      const { projectId } = token.who
      if (token.who.userId !== userId || projectId === null)
        throw faults.ForbiddenAction({ action: 'Cannot create an application credential for another user.' })
      const expiresAt = wish.expiresAt === undefined || wish.expiresAt === null ? null : momentFrom(wish.expiresAt)
      if (expiresAt !== null && expiresAt.ms <= clock.now()) throw faults.ExpirationPassed()
      // One made with another may not outlive it.
      const bound = token.applicationCredential?.expiresAt ?? null
      const secret =
        wish.secret === undefined || wish.secret === null || wish.secret === '' ? newSecret(ids.bytes(64)) : wish.secret
      const secretHash = await passwords.hash(secret)
      const made = await ledger.write(ctx, 'create-application-credential', async q => {
        const limit = settings.applicationCredentialLimit
        if (limit >= 0 && (await countApplicationCredentials(q, userId)) >= limit)
          throw faults.ApplicationCredentialLimit({ limit })
        const credential: ApplicationCredentialEntity = {
          id: ids.hex(),
          userId,
          projectId,
          name: wish.name,
          description: wish.description ?? null,
          secretHash,
          expiresAt: bound !== null && (expiresAt === null || expiresAt.ms > bound.ms) ? bound : expiresAt,
          unrestricted: wish.unrestricted ?? false,
          roleIds: await rolesFor(q, token, wish),
          accessRules: await rulesFor(q, userId, wish),
        }
        await unique('application_credential', { name: credential.name }, () =>
          insertApplicationCredential(q, credential),
        )
        return (await withRoles(q, [credential]))[0] as WithRoles
      })
      return { ...made, secret }
    },

    async remove(ctx, userId, id) {
      const token = await tokens.of(ctx)
      await ledger.write(ctx, 'remove-application-credential', async q => {
        await loadFor(ctx, q, userId, id, rules.deleteApplicationCredential)
        refuseTrust(token)
        refuseRestricted(token, MANAGE)
        await removeApplicationCredential(q, id)
      })
    },

    async listRules(ctx, userId, list) {
      const token = await tokens.of(ctx)
      return ledger.read(ctx, 'list-access-rules', async q => {
        enforce(tools, ctx, rules.listAccessRules, userTarget(await findUser(q, userId)))
        refuseTrust(token)
        return listAccessRules(q, userId, list)
      })
    },
    async findRule(ctx, userId, id) {
      const token = await tokens.of(ctx)
      return ledger.read(ctx, 'find-access-rule', async q => {
        enforce(tools, ctx, rules.getAccessRule, userTarget(await findUser(q, userId)))
        refuseTrust(token)
        const rule = (await listAccessRules(q, userId, ALL)).find(one => one.id === id)
        if (rule === undefined) throw faults.AccessRuleNotFound({ id })
        return rule
      })
    },
    async removeRule(ctx, userId, id) {
      const token = await tokens.of(ctx)
      await ledger.write(ctx, 'remove-access-rule', async q => {
        enforce(tools, ctx, rules.deleteAccessRule, userTarget(await findUser(q, userId)))
        refuseTrust(token)
        refuseRestricted(token, MANAGE)
        if (!(await listAccessRules(q, userId, ALL)).some(one => one.id === id)) throw faults.AccessRuleNotFound({ id })
        if (await accessRuleInUse(q, userId, id))
          throw faults.ForbiddenAction({ action: 'May not delete access rule in use' })
        await removeAccessRule(q, id)
      })
    },
  }
}

/** 64 random bytes as text for a header. */
const newSecret = (bytes: Uint8Array): string =>
  btoa(String.fromCharCode(...bytes))
    .replaceAll('+', '-')
    .replaceAll('/', '_')
    .replaceAll('=', '')
