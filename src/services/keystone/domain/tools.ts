// What the verbs of this service work with.
import type { Settings } from '#kernel/config/config.ts'
import type { Clock } from '#kernel/lib/clock.ts'
import type { Ctx, Who } from '#kernel/lib/context.ts'
import type { Ids } from '#kernel/lib/ids.ts'
import type { Log } from '#kernel/lib/log.ts'
import type { Passwords, Seal } from '#kernel/lib/secrets.ts'
import type { Rule } from '#kernel/contract/rule.ts'
import type { Enforcer } from '#kernel/policy/enforcer.ts'
import type { Target } from '#kernel/policy/check.ts'
import type { keystoneConfig } from '#services/keystone/config.ts'
import { faults } from '#services/keystone/contract/faults.ts'
import type { Ledger } from '#services/keystone/db/ledger.ts'

export type KeystoneSettings = Settings<(typeof keystoneConfig)['options']>

export interface DomainTools {
  readonly ledger: Ledger
  readonly clock: Clock
  readonly ids: Ids
  readonly log: Log
  readonly settings: KeystoneSettings
  readonly policy: Enforcer
  readonly passwords: Passwords
  readonly tokenSeal: Seal
  readonly credentialSeal: Seal
}

/** The bearer of the token. Throws Unauthorized where there is none. */
export function bearer(ctx: Ctx): Who {
  if (ctx.who === null) throw faults.Unauthorized()
  return ctx.who
}

/**
 * Throws ForbiddenAction, as upstream the same for what is not there and for what is another's: `target` is built of what
 * was found. Verbs look whether it exists only afterwards.
 */
export function enforce(tools: Pick<DomainTools, 'policy'>, ctx: Ctx, rule: Rule, target: Target): void {
  const verdict = tools.policy.check(bearer(ctx), rule, target)
  if (!verdict.ok) throw faults.ForbiddenAction({ action: rule.name }, { because: verdict.because })
}
