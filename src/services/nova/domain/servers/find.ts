// Nobody holds a server without having said what for.
import type { Database } from '#kernel/db/database.ts'
import type { Rule } from '#kernel/contract/rule.ts'
import { Fault } from '#kernel/contract/fault.ts'
import type { Ctx } from '#kernel/lib/context.ts'
import type { Enforcer } from '#kernel/policy/enforcer.ts'
import { faults } from '#services/nova/contract/faults.ts'
import { rules } from '#services/nova/contract/rules.ts'
import { serverCan, type ServerVerb } from '#services/nova/contract/states.ts'
import { serversDb, type Server } from '#services/nova/db/servers.ts'
import type { NovaTables } from '#services/nova/db/tables.ts'

export interface FindTools {
  readonly database: Database<NovaTables>
  readonly policy: Enforcer
}
const UUID = /^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/i

/** The policy target of a server. */
export const targetOf = (server: Pick<Server, 'projectId' | 'userId'>): Record<string, string> => ({
  project_id: server.projectId,
  user_id: server.userId,
})

/**
 * A living server for what `rule` is about. Throws 404 when it does not exist or the caller may not even see it, 403 when
 * he may see it but not do that.
 */
export async function findServer(tools: FindTools, ctx: Ctx, id: string, rule: Rule): Promise<Server> {
  const server = UUID.test(id)
    ? await tools.database.read(ctx, 'find-server', q => serversDb(q).byId(id.toLowerCase()))
    : undefined
  if (server === undefined) throw faults.InstanceNotFound({ id })
  const target = targetOf(server)
  if (tools.policy.allows(ctx.who, rule, target)) return server
  if (!tools.policy.allows(ctx.who, rules.serversShow, target)) throw faults.InstanceNotFound({ id })
  const verdict = tools.policy.check(ctx.who, rule, target)
  throw new Fault('Forbidden', 403, `Policy doesn't allow ${rule.name} to be performed.`, {
    because: verdict.ok ? [] : verdict.because,
  })
}

/** Refuses (409) when the server is locked for the caller, or its state does not allow the verb. `word` as the client wrote it. */
export function demandState(tools: FindTools, ctx: Ctx, server: Server, verb: ServerVerb, word: string): void {
  demandUnlocked(tools, ctx, server)
  demandVerb(server, verb, word)
}
/** The same without a look at the lock: for what changes nothing of the server. */
export function demandVerb(server: Server, verb: ServerVerb, word: string): void {
  const verdict = serverCan(verb, server)
  if (verdict.ok) return
  const reason = verdict.because[0]
  throw faults.InstanceInvalidState(
    { action: word, id: server.id, attr: reason?.who ?? 'vm_state', state: String(reason?.has ?? server.vmState) },
    { because: verdict.because },
  )
}
/** Whoever may override locks is not stopped by them. */
export function demandUnlocked(tools: FindTools, ctx: Ctx, server: Server): void {
  if (server.lockedBy === null || tools.policy.allows(ctx.who, rules.lockServerUnlockUnlockOverride, targetOf(server)))
    return
  throw faults.InstanceIsLocked({ id: server.id })
}
