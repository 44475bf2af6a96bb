// Quotas as people see and set them. What is counted against them when a server is made stands in domain/quotas.ts.
import type { Kysely } from 'kysely'

import type { Rule } from '#kernel/contract/rule.ts'
import type { Database } from '#kernel/db/database.ts'
import type { Ctx } from '#kernel/lib/context.ts'
import type { Enforcer } from '#kernel/policy/enforcer.ts'
import { faults } from '#services/nova/contract/faults.ts'
import { NETWORK_QUOTAS } from '#services/nova/contract/quota-sets.ts'
import { rules } from '#services/nova/contract/rules.ts'
import { quotaSetsDb, type SetLimits } from '#services/nova/db/quota-sets.ts'
import type { NovaTables } from '#services/nova/db/tables.ts'
import { demand, ownTarget } from '#services/nova/domain/caller.ts'
import { usageOf, type QuotaDefaults } from '#services/nova/domain/quotas.ts'

export interface QuotaSetTools {
  readonly database: Database<NovaTables>
  readonly policy: Enforcer
  readonly defaults: QuotaDefaults
  /** Throws 400 when Keystone knows no such project. */
  readonly verifyProject: (ctx: Ctx, id: string) => Promise<void>
}
/** Limit and use of each quota. -1: no limit. */
export type Quotas = Readonly<Record<string, { readonly limit: number; readonly inUse: number }>>

const DEFAULT_CLASS = 'default'
const keyOfClass = (name: string): string => (name === DEFAULT_CLASS ? DEFAULT_CLASS : `class:${name}`)
/** Classes lie in the same table: nobody reaches them under a project's name. */
const isClass = (projectId: string): boolean => projectId === DEFAULT_CLASS || projectId.startsWith('class:')
const endless = (limit: number): number => (limit === -1 ? Number.POSITIVE_INFINITY : limit)

export const createQuotaSets = (tools: QuotaSetTools) => {
  const { database, policy } = tools
  const configured: SetLimits = {
    ...tools.defaults,
    ...Object.fromEntries(NETWORK_QUOTAS.map(name => [name, -1])),
  }
  const known = (limits: SetLimits): SetLimits =>
    Object.fromEntries(Object.entries(limits).filter(([name]) => name in configured))
  const defaultsOf = async (q: Kysely<NovaTables>): Promise<SetLimits> => ({
    ...configured,
    ...known(await quotaSetsDb(q).of(DEFAULT_CLASS, '')),
  })
  const limitsOfProject = async (q: Kysely<NovaTables>, projectId: string): Promise<SetLimits> => ({
    ...(await defaultsOf(q)),
    ...known(await quotaSetsDb(q).of(projectId, '')),
  })
  const quotasOf = async (q: Kysely<NovaTables>, projectId: string, userId: string | null): Promise<Quotas> => {
    const db = quotaSetsDb(q)
    const limits = {
      ...(await limitsOfProject(q, projectId)),
      ...(userId === null ? {} : known(await db.of(projectId, userId))),
    }
    const used: SetLimits =
      userId === null ? { ...(await usageOf(q, projectId)) } : await db.usageOfUser(projectId, userId)
    return Object.fromEntries(Object.entries(limits).map(([name, limit]) => [name, { limit, inUse: used[name] ?? 0 }]))
  }
  const allow = async (ctx: Ctx, rule: Rule, projectId: string): Promise<void> => {
    demand(policy, ctx, rule, { project_id: projectId })
    if (isClass(projectId)) throw faults.ProjectNotFound({ id: projectId })
    await tools.verifyProject(ctx, projectId)
  }

  /** Refuses (400) a limit below what is used or promised, or above what the project has left for a user. */
  const check = async (
    q: Kysely<NovaTables>,
    projectId: string,
    userId: string | null,
    wanted: SetLimits,
  ): Promise<void> => {
    const db = quotaSetsDb(q)
    const project = await limitsOfProject(q, projectId)
    const given = await db.givenToUsers(projectId)
    const mine = userId === null ? {} : await db.of(projectId, userId)
    const now = await quotasOf(q, projectId, userId)
    for (const [resource, limit] of Object.entries(wanted)) {
      const whole = project[resource] ?? -1
      const promised = given[resource] ?? 0
      const inUse = now[resource]?.inUse ?? 0
      const minimum = userId === null ? Math.max(promised, inUse) : inUse
      const maximum = userId === null || whole === -1 ? -1 : whole - promised + (mine[resource] ?? 0)
      if (endless(limit) < minimum)
        throw faults.BadRequest({
          reason: `Quota limit ${limit} for ${resource} must be greater than or equal to already used and reserved ${minimum}.`,
        })
      if (endless(limit) > endless(maximum))
        throw faults.BadRequest({
          reason: `Quota limit ${limit} for ${resource} must be less than or equal to ${maximum}.`,
        })
    }
  }

  return {
    /** Of a project, or of one user in it. Throws 403, and 400 for a project that does not exist. */
    async show(ctx: Ctx, projectId: string, userId: string | null, rule: Rule = rules.quotaSetsShow): Promise<Quotas> {
      await allow(ctx, rule, projectId)
      return database.read(ctx, 'quotas', q => quotasOf(q, projectId, userId))
    },
    async defaults(ctx: Ctx, projectId: string): Promise<SetLimits> {
      await allow(ctx, rules.quotaSetsDefaults, projectId)
      return database.read(ctx, 'default-quotas', defaultsOf)
    },
    /** `force` sets limits below what is used. */
    async update(
      ctx: Ctx,
      projectId: string,
      userId: string | null,
      wanted: SetLimits,
      force: boolean,
    ): Promise<Quotas> {
      await allow(ctx, rules.quotaSetsUpdate, projectId)
      return database.tx(ctx, 'set-quotas', async q => {
        if (!force) await check(q, projectId, userId, wanted)
        await quotaSetsDb(q).set(projectId, userId ?? '', wanted)
        return quotasOf(q, projectId, userId)
      })
    },
    async remove(ctx: Ctx, projectId: string, userId: string | null): Promise<void> {
      demand(policy, ctx, rules.quotaSetsDelete, { project_id: projectId })
      if (isClass(projectId)) return
      await database.tx(ctx, 'forget-quotas', q => quotaSetsDb(q).forget(projectId, userId))
    },

    showClass: (ctx: Ctx, name: string): Promise<SetLimits> =>
      database.read(ctx, 'quota-class', async q => ({
        ...configured,
        ...known(await quotaSetsDb(q).of(keyOfClass(name), '')),
      })),
    /** Throws 400 for a name of more than 255 characters. */
    async updateClass(ctx: Ctx, name: string, wanted: SetLimits): Promise<SetLimits> {
      if (name.length > 249) throw faults.BadRequest({ reason: 'quota_class_name has more than 249 characters.' })
      return database.tx(ctx, 'set-quota-class', async q => {
        await quotaSetsDb(q).set(keyOfClass(name), '', wanted)
        return { ...configured, ...known(await quotaSetsDb(q).of(keyOfClass(name), '')) }
      })
    },

    /** Limits and use of the caller's project, or of another for those who may. Throws 403. */
    async limits(ctx: Ctx, otherProject: string | null): Promise<Quotas> {
      if (otherProject !== null) demand(policy, ctx, rules.limitsOtherProject, ownTarget(ctx.who))
      return database.read(ctx, 'limits', q => quotasOf(q, otherProject ?? ctx.who?.projectId ?? '', null))
    },
  }
}
export type QuotaSets = ReturnType<typeof createQuotaSets>
