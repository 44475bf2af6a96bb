// The verbs of server groups.
import type { Rule } from '#kernel/contract/rule.ts'
import type { Database } from '#kernel/db/database.ts'
import type { Clock } from '#kernel/lib/clock.ts'
import type { Ctx } from '#kernel/lib/context.ts'
import type { Ids } from '#kernel/lib/ids.ts'
import type { Enforcer } from '#kernel/policy/enforcer.ts'
import { faults } from '#services/nova/contract/faults.ts'
import { rules } from '#services/nova/contract/rules.ts'
import { quotaSetsDb } from '#services/nova/db/quota-sets.ts'
import { serverGroupsDb, type ServerGroup } from '#services/nova/db/server-groups.ts'
import type { NovaTables } from '#services/nova/db/tables.ts'
import { demand, isAdmin, ownTarget } from '#services/nova/domain/caller.ts'
import { limitsOf, limitsOfUser, usageOf, type QuotaDefaults } from '#services/nova/domain/quotas.ts'

export interface ServerGroupTools {
  readonly database: Database<NovaTables>
  readonly policy: Enforcer
  readonly clock: Clock
  readonly ids: Ids
  readonly defaults: QuotaDefaults
  readonly maxLimit: number
}

export const createServerGroups = (tools: ServerGroupTools) => {
  const { database, policy } = tools
  /** Throws 404 for one the caller may not see, 403 for one he may see but not do that to. */
  const find = async (ctx: Ctx, id: string, rule: Rule): Promise<ServerGroup> => {
    const group = await database.read(ctx, 'find-server-group', q => serverGroupsDb(q).byId(id))
    const target = { project_id: group?.projectId }
    if (group === undefined || !policy.allows(ctx.who, rules.serverGroupsShow, target))
      throw faults.ServerGroupNotFound({ id })
    demand(policy, ctx, rule, target)
    return group
  }
  return {
    find: (ctx: Ctx, id: string): Promise<ServerGroup> => find(ctx, id, rules.serverGroupsShow),
    /** `allProjects` is for administrators; others see their own all the same. */
    list(ctx: Ctx, allProjects: boolean, offset: number, limit: number | null): Promise<ServerGroup[]> {
      const wide = allProjects && isAdmin(policy, ctx.who)
      if (wide) demand(policy, ctx, rules.serverGroupsIndexAllProjects, ownTarget(ctx.who))
      const projectId = wide ? null : (ctx.who?.projectId ?? '')
      const most = Math.min(limit === null || limit === 0 ? tools.maxLimit : limit, tools.maxLimit)
      return database.read(ctx, 'list-server-groups', q => serverGroupsDb(q).list(projectId, offset, most))
    },
    members: (ctx: Ctx, ids: readonly string[]): Promise<Map<string, string[]>> =>
      database.read(ctx, 'members-of-server-groups', q => serverGroupsDb(q).members(ids)),
    /** Throws 403 over quota, 400 for rules that the policy does not know. */
    async create(
      ctx: Ctx,
      given: { readonly name: string; readonly policy: string; readonly maxPerHost: number | null; hasRules: boolean },
    ): Promise<ServerGroup> {
      const { who } = ctx
      demand(policy, ctx, rules.serverGroupsCreate, ownTarget(who))
      if (given.hasRules && given.policy !== 'anti-affinity')
        throw faults.BadRequest({ reason: 'Only anti-affinity policy supports rules.' })
      const projectId = who?.projectId ?? ''
      const group: ServerGroup = {
        id: tools.ids.uuid(),
        projectId,
        userId: who?.userId ?? '',
        name: given.name,
        policy: given.policy,
        maxPerHost: given.maxPerHost,
        createdAt: tools.clock.now(),
      }
      await database.tx(ctx, 'create-server-group', async q => {
        const limit = (await limitsOf(q, projectId, tools.defaults)).server_groups
        const own = (await limitsOfUser(q, projectId, group.userId)).server_groups ?? -1
        const full =
          (limit >= 0 && (await usageOf(q, projectId)).server_groups >= limit) ||
          (own >= 0 && ((await quotaSetsDb(q).usageOfUser(projectId, group.userId))['server_groups'] ?? 0) >= own)
        if (full) throw faults.OverQuotaSimple({ reason: 'Quota exceeded, too many server groups.' })
        await serverGroupsDb(q).add(group)
      })
      return group
    },
    async remove(ctx: Ctx, id: string): Promise<void> {
      await find(ctx, id, rules.serverGroupsDelete)
      await database.tx(ctx, 'delete-server-group', q => serverGroupsDb(q).remove(id))
    },
  }
}
export type ServerGroups = ReturnType<typeof createServerGroups>
