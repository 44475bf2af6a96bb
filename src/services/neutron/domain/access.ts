// Who may: Neutron's way of asking. What one may not see is not found; a list leaves it out; attributes have rules of their own.
import { attributeRules, type AnyResource } from '#kernel/contract/resource.ts'
import type { Rule } from '#kernel/contract/rule.ts'
import type { Ctx, Who } from '#kernel/lib/context.ts'
import { OWN, type Enforcer, type Target } from '#kernel/policy/enforcer.ts'
import { faults } from '#services/neutron/contract/faults.ts'

export interface Access {
  /** The caller. Throws for nobody. */
  who(ctx: Ctx): Who
  isAdmin(ctx: Ctx): boolean
  /** True for those who see everybody's: lists need not be narrowed for them. */
  seesAll(ctx: Ctx, show: Rule): boolean
  allows(ctx: Ctx, rule: Rule, target: Target): boolean
  /** Throws 404 when it may not be shown. */
  mustSee(ctx: Ctx, show: Rule, target: Target): void
  /** Throws 403, naming the rules that were asked. */
  mustCreate(ctx: Ctx, of: AnyResource, rule: Rule, body: Readonly<Record<string, unknown>>, target: Target): void
  /** Throws 404 when he may not even see it, else 403. `body` null: a removal, or an action. */
  mustChange(
    ctx: Ctx,
    rules: { readonly rule: Rule; readonly show: Rule },
    target: Target,
    given?: { readonly of: AnyResource; readonly body: Readonly<Record<string, unknown>> },
  ): void
  /** Whose the new thing is: the body's project, which only an administrator may choose, else the caller's. */
  projectOf(ctx: Ctx, body: { readonly project_id?: string; readonly tenant_id?: string }): string
  /** Those of a list that may be shown. */
  visible<E>(ctx: Ctx, show: Rule, entities: readonly E[], target: (entity: E) => Target): E[]
}

const CONTEXT_IS_ADMIN: Rule = {
  name: 'context_is_admin',
  check: 'role:admin',
  sentence: 'Administrate the cloud',
  scopes: ['project'],
}
const SERVICE: Rule = { name: 'service_api', check: 'role:service', sentence: 'Call as a service', scopes: ['project'] }
const SOMEBODY_ELSE = '\u0001somebody-else'
/** A thing that is in no way the caller's. */
const FOREIGN: Target = {
  project_id: SOMEBODY_ELSE,
  tenant_id: SOMEBODY_ELSE,
  'network:project_id': SOMEBODY_ELSE,
  'security_group:project_id': SOMEBODY_ELSE,
  shared: false,
  'router:external': false,
}

export function createAccess(policy: Enforcer): Access {
  const refuse = (rules: readonly Rule[], ctx: Ctx, target: Target): never => {
    const names = rules.map(rule => `rule:${rule.name}`)
    const because = rules.flatMap(rule => {
      const verdict = policy.check(ctx.who, rule, target)
      return verdict.ok ? [] : verdict.because
    })
    throw faults.PolicyNotAuthorized(
      { rules: names.length === 1 ? (names[0] ?? '') : `(${names.join(' and ')})` },
      { because },
    )
  }
  const access: Access = {
    who(ctx) {
      if (ctx.who === null) throw faults.HTTPNotFound()
      return ctx.who
    },
    isAdmin: ctx => policy.allows(ctx.who, CONTEXT_IS_ADMIN, OWN),
    seesAll: (ctx, show) => policy.allows(ctx.who, show, FOREIGN),
    allows: (ctx, rule, target) => policy.allows(ctx.who, rule, target),
    mustSee(ctx, show, target) {
      if (!policy.allows(ctx.who, show, target)) throw faults.HTTPNotFound()
    },
    mustCreate(ctx, of, rule, body, target) {
      const asked = [rule, ...attributeRules(of, body, 'create').map(one => one.rule)]
      if (asked.some(one => !policy.allows(ctx.who, one, target))) refuse(asked, ctx, target)
    },
    mustChange(ctx, { rule, show }, target, given) {
      const asked = [
        rule,
        ...(given === undefined ? [] : attributeRules(given.of, given.body, 'update').map(one => one.rule)),
      ]
      if (asked.every(one => policy.allows(ctx.who, one, target))) return
      if (!policy.allows(ctx.who, show, target)) throw faults.HTTPNotFound()
      refuse(asked, ctx, target)
    },
    projectOf(ctx, body) {
      const { project_id: project, tenant_id: tenant } = body
      if (project !== undefined && tenant !== undefined && project !== tenant)
        throw faults.HTTPBadRequest({ reason: "'project_id' and 'tenant_id' do not match" })
      const own = access.who(ctx).projectId
      const wanted = project ?? tenant
      if (wanted === undefined) {
        if (own === null)
          throw faults.HTTPBadRequest({
            reason: 'Running without keystone AuthN requires that project_id is specified',
          })
        return own
      }
      if (wanted !== own && !access.isAdmin(ctx) && !policy.allows(ctx.who, SERVICE, OWN))
        throw faults.HTTPBadRequest({
          reason:
            "Specifying 'project_id' or 'tenant_id' other than the authenticated project in request requires admin privileges",
        })
      return wanted
    },
    visible: (ctx, show, entities, target) => entities.filter(entity => policy.allows(ctx.who, show, target(entity))),
  }
  return access
}
