// Roles and what they imply.
import type { Rule } from '#kernel/contract/rule.ts'
import type { Ctx } from '#kernel/lib/context.ts'
import { fromJson } from '#kernel/db/codecs.ts'
import { faults } from '#services/keystone/contract/faults.ts'
import { rules } from '#services/keystone/contract/rules.ts'
import { removeApplicationCredential } from '#services/keystone/db/application-credentials.ts'
import type { ListQuery } from '#services/keystone/db/filters.ts'
import type { Query } from '#services/keystone/db/ledger.ts'
import { findProject } from '#services/keystone/db/projects.ts'
import {
  addImplication,
  findRole,
  findRoles,
  hasImplication,
  implications,
  insertRole,
  listRoles,
  removeImplication,
  removeRole,
  updateRole,
  type RoleEntity,
} from '#services/keystone/db/roles.ts'
import { checkMutable, mergeExtras, mergeOptions, unique } from '#services/keystone/domain/common.ts'
import { enforce, type DomainTools } from '#services/keystone/domain/tools.ts'

export interface RoleWish {
  readonly name?: string | undefined
  readonly description?: string | null | undefined
  readonly domainId?: string | null | undefined
  readonly options?: { readonly immutable?: boolean | null } | undefined
  readonly extra: Readonly<Record<string, unknown>>
}
export interface Inference {
  readonly prior: RoleEntity
  readonly implied: readonly RoleEntity[]
}
export interface Roles {
  /** `domainId` null: the roles of all domains. */
  list(ctx: Ctx, list: ListQuery, domainId: string | null): Promise<RoleEntity[]>
  find(ctx: Ctx, id: string): Promise<RoleEntity>
  create(ctx: Ctx, wish: RoleWish & { readonly name: string }): Promise<RoleEntity>
  update(ctx: Ctx, id: string, wish: RoleWish): Promise<RoleEntity>
  remove(ctx: Ctx, id: string): Promise<void>
  implied(ctx: Ctx, priorId: string): Promise<Inference>
  /** Asks the rule given (seeing and checking have rules of their own). Throws 404 when it does not imply it. */
  findImplied(ctx: Ctx, priorId: string, impliedId: string, rule: Rule): Promise<Inference>
  imply(ctx: Ctx, priorId: string, impliedId: string): Promise<Inference>
  implyNot(ctx: Ctx, priorId: string, impliedId: string): Promise<void>
  inferences(ctx: Ctx): Promise<Inference[]>
}

/** Never handed on by another role: who has it was given it. */
const NEVER_IMPLIED = 'admin'

export const roleTarget = (role: RoleEntity | null): Record<string, unknown> =>
  role === null
    ? {}
    : { 'target.role.id': role.id, 'target.role.name': role.name, 'target.role.domain_id': role.domainId }

export function createRoles(tools: DomainTools): Roles {
  const { ledger, ids } = tools

  /** A role of one domain has a rule of its own; one that is not there is judged as a role of all. */
  const loadFor = async (ctx: Ctx, q: Query, id: string, rule: Rule, ofDomain: Rule): Promise<RoleEntity> => {
    const role = await findRole(q, id)
    enforce(tools, ctx, role !== null && role.domainId !== null ? ofDomain : rule, roleTarget(role))
    if (role === null) throw faults.RoleNotFound({ id })
    return role
  }
  const loadPair = async (q: Query, priorId: string, impliedId: string): Promise<[RoleEntity, RoleEntity]> => {
    const prior = await findRole(q, priorId)
    if (prior === null) throw faults.RoleNotFound({ id: priorId })
    const implied = await findRole(q, impliedId)
    if (implied === null) throw faults.RoleNotFound({ id: impliedId })
    return [prior, implied]
  }

  return {
    list: (ctx, list, domainId) => {
      enforce(tools, ctx, domainId === null ? rules.listRoles : rules.listDomainRoles, {})
      return ledger.read(ctx, 'list-roles', q => listRoles(q, list, domainId))
    },
    find: (ctx, id) => ledger.read(ctx, 'find-role', q => loadFor(ctx, q, id, rules.getRole, rules.getDomainRole)),

    create: (ctx, wish) =>
      ledger.write(ctx, 'create-role', async q => {
        const domainId = wish.domainId ?? null
        enforce(tools, ctx, domainId === null ? rules.createRole : rules.createDomainRole, {
          'target.role.name': wish.name,
          'target.role.domain_id': domainId,
        })
        if (domainId !== null && (await findProject(q, domainId))?.isDomain !== true)
          throw faults.DomainNotFound({ id: domainId })
        const role: RoleEntity = {
          id: ids.hex(),
          name: wish.name,
          domainId,
          description: wish.description ?? null,
          options: mergeOptions({}, wish.options),
          extra: mergeExtras({}, wish.extra),
        }
        await unique('role', role, () => insertRole(q, role))
        return role
      }),

    update: (ctx, id, wish) =>
      ledger.write(ctx, 'update-role', async q => {
        const old = await loadFor(ctx, q, id, rules.updateRole, rules.updateDomainRole)
        const { extra, ...rest } = wish
        const said = Object.fromEntries(
          Object.entries({ ...rest, ...extra }).filter(([, value]) => value !== undefined),
        )
        checkMutable('role', id, old.options, said)
        if (wish.domainId !== undefined && wish.domainId !== old.domainId)
          throw faults.ValidationError({ detail: 'Cannot change Domain ID' })
        const role: RoleEntity = {
          ...old,
          name: wish.name ?? old.name,
          description: wish.description === undefined ? old.description : wish.description,
          options: mergeOptions(old.options, wish.options),
          extra: mergeExtras(old.extra, wish.extra),
        }
        await unique('role', role, () => updateRole(q, role))
        return role
      }),

    async remove(ctx, id) {
      await ledger.write(ctx, 'remove-role', async q => {
        const role = await loadFor(ctx, q, id, rules.deleteRole, rules.deleteDomainRole)
        if (role.options['immutable'] === true) throw faults.ImmutableDelete({ type: 'role', id })
        // What was lent with the role goes with it.
        const lent = await q.selectFrom('application_credentials').select(['id', 'role_ids']).execute()
        for (const row of lent) if (fromJson(row.role_ids).includes(id)) await removeApplicationCredential(q, row.id)
        await removeRole(q, id)
      })
    },

    implied: (ctx, priorId) =>
      ledger.read(ctx, 'list-implied-roles', async q => {
        enforce(tools, ctx, rules.listImpliedRoles, {})
        const prior = await findRole(q, priorId)
        if (prior === null) throw faults.RoleNotFound({ id: priorId })
        return { prior, implied: await findRoles(q, (await implications(q)).get(priorId) ?? []) }
      }),
    findImplied: (ctx, priorId, impliedId, rule) =>
      ledger.read(ctx, 'find-implied-role', async q => {
        enforce(tools, ctx, rule, {})
        const [prior, implied] = await loadPair(q, priorId, impliedId)
        if (!(await hasImplication(q, priorId, impliedId))) throw faults.ImpliedRoleNotFound({ priorId, impliedId })
        return { prior, implied: [implied] }
      }),
    imply: (ctx, priorId, impliedId) =>
      ledger.write(ctx, 'imply-role', async q => {
        enforce(tools, ctx, rules.createImpliedRole, {})
        const [prior, implied] = await loadPair(q, priorId, impliedId)
        if (implied.name === NEVER_IMPLIED || (prior.domainId === null && implied.domainId !== null))
          throw faults.InvalidImpliedRole({ id: impliedId })
        await addImplication(q, priorId, impliedId)
        return { prior, implied: [implied] }
      }),
    async implyNot(ctx, priorId, impliedId) {
      await ledger.write(ctx, 'imply-role-no-more', async q => {
        enforce(tools, ctx, rules.deleteImpliedRole, {})
        await loadPair(q, priorId, impliedId)
        if (!(await hasImplication(q, priorId, impliedId))) throw faults.ImpliedRoleNotFound({ priorId, impliedId })
        await removeImplication(q, priorId, impliedId)
      })
    },
    inferences: ctx =>
      ledger.read(ctx, 'list-inferences', async q => {
        enforce(tools, ctx, rules.listRoleInferenceRules, {})
        const all = await implications(q)
        const byId = new Map(
          (await findRoles(q, new Set([...all].flatMap(([prior, implied]) => [prior, ...implied])))).map(role => [
            role.id,
            role,
          ]),
        )
        return [...all].flatMap(([priorId, impliedIds]) => {
          const prior = byId.get(priorId)
          return prior === undefined ? [] : [{ prior, implied: impliedIds.flatMap(id => byId.get(id) ?? []) }]
        })
      }),
  }
}
