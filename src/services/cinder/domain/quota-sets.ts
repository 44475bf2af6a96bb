// Quota sets as people see and change them, and the limits of one's own project.
import type { Ctx } from '#kernel/lib/context.ts'
import { faults } from '#services/cinder/contract/faults.ts'
import { rules } from '#services/cinder/contract/rules.ts'
import { DEFAULT_CLASS, quotasDb } from '#services/cinder/db/quotas.ts'
import { demand } from '#services/cinder/domain/find.ts'
import { quotaSet, type QuotaSet } from '#services/cinder/domain/quotas.ts'
import { isAdmin, projectOf, type DomainTools } from '#services/cinder/domain/tools.ts'

const MAX = 2_147_483_647
/** Keys that may stand in a body and are no quota. */
const NO_QUOTA = ['tenant_id', 'id']

export const createQuotaSetsDomain = (tools: DomainTools) => {
  const { database, settings } = tools
  const setOf = (ctx: Ctx, projectId: string, own = true): Promise<QuotaSet> =>
    database.read(ctx, 'quota-set', q => quotaSet(q, projectId, settings.quotas, { own }))

  /** The numbers of a body. Throws 400 for keys there are none of, and for what is no limit. */
  const limitsIn = (body: Readonly<Record<string, unknown>>, known: QuotaSet, what: string): Map<string, number> => {
    const bad = Object.keys(body).filter(key => !known.has(key) && !NO_QUOTA.includes(key))
    if (bad.length > 0) throw faults.InvalidInput({ reason: `Bad key(s) in ${what}: ${bad.join(', ')}` })
    const limits = new Map<string, number>()
    for (const [key, value] of Object.entries(body)) {
      if (NO_QUOTA.includes(key)) continue
      const number = typeof value === 'string' && /^-?\d{1,12}$/.test(value) ? Number(value) : value
      if (typeof number !== 'number') throw faults.BadRequest({ reason: `${key} must be an integer.` })
      if (number < -1) throw faults.BadRequest({ reason: `${key} must be >= -1` })
      if (number > MAX) throw faults.BadRequest({ reason: `${key} must be <= ${MAX}` })
      limits.set(key, number)
    }
    return limits
  }

  return {
    async show(ctx: Ctx, projectId: string): Promise<QuotaSet> {
      demand(tools, ctx, rules.quotasShow, { project_id: projectId })
      return setOf(ctx, projectId)
    },
    async defaults(ctx: Ctx, projectId: string): Promise<QuotaSet> {
      demand(tools, ctx, rules.quotasShow, { project_id: projectId })
      return setOf(ctx, projectId, false)
    },
    async update(ctx: Ctx, projectId: string, body: Readonly<Record<string, unknown>>): Promise<QuotaSet> {
      demand(tools, ctx, rules.quotasUpdate, { project_id: projectId })
      if (projectId.length > 255) throw faults.BadRequest({ reason: 'quota_set_name has more than 255 characters.' })
      return database.tx(ctx, 'update-quota', async q => {
        const set = await quotaSet(q, projectId, settings.quotas)
        const limits = limitsIn(body, set, 'quota set')
        for (const [key, limit] of limits) {
          const used = set.get(key)?.inUse ?? 0
          if (limit !== -1 && key !== 'per_volume_gigabytes' && limit < used)
            throw faults.BadRequest({
              reason: `Quota ${key} limit must be equal or greater than existing resources. Current usage is ${used} and the requested limit is ${limit}.`,
            })
        }
        for (const [key, limit] of limits) await quotasDb(q).set(projectId, key, limit)
        return quotaSet(q, projectId, settings.quotas)
      })
    },
    async remove(ctx: Ctx, projectId: string): Promise<void> {
      demand(tools, ctx, rules.quotasDelete, { project_id: projectId })
      await database.tx(ctx, 'delete-quota', q => quotasDb(q).clear(projectId))
    },

    /** The class `default` is what projects without rows of their own have; others hold only what was written. */
    async showClass(ctx: Ctx, name: string): Promise<QuotaSet> {
      const set = await setOf(ctx, `class:${name}`, name !== 'default')
      return set
    },
    async updateClass(ctx: Ctx, name: string, body: Readonly<Record<string, unknown>>): Promise<QuotaSet> {
      return database.tx(ctx, 'update-quota-class', async q => {
        const owner = name === 'default' ? DEFAULT_CLASS : `class:${name}`
        const set = await quotaSet(q, owner, settings.quotas)
        for (const [key, limit] of limitsIn(body, set, 'quota class set')) await quotasDb(q).set(owner, key, limit)
        return quotaSet(q, owner, settings.quotas)
      })
    },

    /** Of the caller's project; administrators may name another. */
    limits: (ctx: Ctx, wanted: string | null): Promise<QuotaSet> =>
      setOf(ctx, wanted !== null && isAdmin(ctx) ? wanted : projectOf(ctx)),
  }
}
export type QuotaSetsDomain = ReturnType<typeof createQuotaSetsDomain>
