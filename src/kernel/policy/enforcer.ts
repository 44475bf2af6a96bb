// Who may do what: rules of a service, compiled; answers are verdicts with reasons.
import type { Rule, RoutePolicy, Scope } from '#kernel/contract/rule.ts'
import { no, yes, type Reason, type Verdict } from '#kernel/contract/verdict.ts'
import type { Who } from '#kernel/lib/context.ts'
import { OWN, parseCheck, type Check, type Creds, type Target, type TargetOrOwn } from '#kernel/policy/check.ts'

export interface Enforcer {
  /** May `who` do this to `target`? `OWN` asks whether he might, if everything of it were his own. */
  check(who: Who | null, rule: Rule, target: TargetOrOwn): Verdict
  /** The same as a boolean, without reasons: for presenters. */
  allows(who: Who | null, rule: Rule, target: TargetOrOwn): boolean
  /** Check string in force, and whether a policy file changed it. */
  effective(rule: Rule): { check: string; overridden: boolean }
}

/** The scope a token has; null when it is unscoped. */
export const scopeOf = (who: Who): Scope | null =>
  who.system ? 'system' : who.domainId !== null ? 'domain' : who.projectId !== null ? 'project' : null

/** The names check strings use for what a token says (oslo.context's policy values and Keystone's own). */
export function credsOf(who: Who): Creds {
  return {
    user_id: who.userId,
    project_id: who.projectId,
    tenant_id: who.projectId,
    domain_id: who.domainId,
    user_domain_id: who.userDomainId,
    project_domain_id: who.projectDomainId,
    system_scope: who.system ? 'all' : null,
    roles: who.roles,
    is_admin_project: true,
    token: {
      user: { id: who.userId, domain: { id: who.userDomainId } },
      project: { id: who.projectId, domain: { id: who.projectDomainId } },
      domain: { id: who.domainId },
    },
  }
}

/**
 * Compiles rules. `base` are named checks used by others (`admin_api`, …) and may be overridden like all others.
 * `overrides`: rule name → check string, from an operator's file. Throws SyntaxError with the rule's name on a bad check.
 */
export function createEnforcer(
  rules: readonly Rule[],
  base: Readonly<Record<string, string>>,
  overrides: Readonly<Record<string, string>> = {},
): Enforcer {
  const texts = new Map<string, string>(Object.entries(base))
  for (const rule of rules) texts.set(rule.name, rule.check)
  for (const [name, check] of Object.entries(overrides)) texts.set(name, check)
  const compiled = new Map<string, Check>()
  for (const [name, check] of texts) {
    try {
      compiled.set(name, parseCheck(check))
    } catch (error) {
      throw new SyntaxError(`policy rule ${name}: ${(error as Error).message}`, { cause: error })
    }
  }
  const credsCache = new WeakMap<Who, Creds>()
  const creds = (who: Who): Creds => {
    let found = credsCache.get(who)
    if (found === undefined) credsCache.set(who, (found = credsOf(who)))
    return found
  }
  const allows = (who: Who | null, rule: Rule, target: TargetOrOwn): boolean => {
    if (who === null) return false
    // oslo.policy counts an unscoped token as project-scoped here; its missing project fails the check itself.
    if (rule.scopes.length > 0 && !rule.scopes.includes(scopeOf(who) ?? 'project')) return false
    const check = compiled.get(rule.name)
    return check !== undefined && check(creds(who), target, compiled)
  }
  return {
    allows,
    check(who, rule, target) {
      if (allows(who, rule, target)) return yes
      if (who === null) return no({ who: 'policy', says: 'there is no token' })
      const scope = scopeOf(who)
      const because: Reason[] = []
      if (rule.scopes.length > 0 && scope !== null && !rule.scopes.includes(scope)) {
        because.push({ who: 'policy', says: 'the token has the wrong scope', has: scope, wants: rule.scopes })
      } else {
        because.push({
          who: 'policy',
          says: `the roles and ids of the token do not satisfy "${texts.get(rule.name) ?? 'a rule nobody defined'}"`,
          has: { roles: who.roles, project_id: who.projectId, scope },
          wants: texts.get(rule.name),
        })
      }
      return no({ who: 'policy', says: `rule ${rule.name} does not allow it`, because })
    },
    effective: rule => ({ check: texts.get(rule.name) ?? '!', overridden: rule.name in overrides }),
  }
}

/** True for a policy that names a rule. */
export const isRule = (policy: RoutePolicy): policy is Rule => typeof policy === 'object'
export { OWN, type Target, type TargetOrOwn }
