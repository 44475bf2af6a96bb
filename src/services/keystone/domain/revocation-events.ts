// What was ended lately, for services that look tokens up by themselves.
import type { Ctx } from '#kernel/lib/context.ts'
import { rules } from '#services/keystone/contract/rules.ts'
import { listRevocations } from '#services/keystone/db/revocations.ts'
import { enforce, type DomainTools } from '#services/keystone/domain/tools.ts'

export interface RevocationEvent {
  /** `audit`, `chain`, `user`, `project`, `trust`. */
  readonly kind: string
  readonly id: string
  /** Tokens issued until then are over. */
  readonly until: number
}
export interface RevocationEvents {
  /** Newest first; `after` in milliseconds since 1970. */
  list(ctx: Ctx, after: number | null): Promise<RevocationEvent[]>
}
export const createRevocationEvents = (tools: DomainTools): RevocationEvents => ({
  async list(ctx, after) {
    enforce(tools, ctx, rules.listRevokeEvents, {})
    return tools.ledger.read(ctx, 'list-revocations', q => listRevocations(q, after))
  },
})
