// What the verbs of the compute API ask of the caller beside the rules of single operations.
import type { Rule } from '#kernel/contract/rule.ts'
import type { Ctx, Who } from '#kernel/lib/context.ts'
import type { Enforcer } from '#kernel/policy/enforcer.ts'
import { Fault } from '#kernel/contract/fault.ts'
import { baseRules } from '#services/nova/contract/rules.ts'

/** Upstream's `context_is_admin`, which an operator's policy file may change like any other rule. */
const adminRule: Rule = {
  name: 'context_is_admin',
  check: baseRules['context_is_admin'] ?? '!',
  sentence: 'Whoever administers the cloud',
  scopes: [],
}
export const isAdmin = (policy: Enforcer, who: Who | null): boolean => policy.allows(who, adminRule, {})

/** The target of rules about the caller's own project: upstream's when none is named. */
export const ownTarget = (who: Who | null): Record<string, string | null> => ({
  project_id: who?.projectId ?? null,
  user_id: who?.userId ?? null,
})

/** Refuses (403) whoever the rule does not allow to do this to that. */
export function demand(policy: Enforcer, ctx: Ctx, rule: Rule, target: Readonly<Record<string, unknown>>): void {
  const verdict = policy.check(ctx.who, rule, target)
  if (verdict.ok) return
  throw new Fault('Forbidden', 403, `Policy doesn't allow ${rule.name} to be performed.`, { because: verdict.because })
}
