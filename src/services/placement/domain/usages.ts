// Usages: sums of what is allocated, on a provider or to a project.
import type { Ctx } from '#kernel/lib/context.ts'
import type { Enforcer } from '#kernel/policy/enforcer.ts'
import { faults } from '#services/placement/contract/faults.ts'
import { rules } from '#services/placement/contract/rules.ts'
import { inventoriesOf } from '#services/placement/db/inventories.ts'
import type { Provider } from '#services/placement/db/providers.ts'
import { consumerCounts, usageSums } from '#services/placement/db/usages.ts'
import { findProvider } from '#services/placement/domain/generations.ts'
import type { DomainTools } from '#services/placement/domain/tools.ts'

export type UsageByClass = ReadonlyMap<string, number>
export interface TypeUsage {
  readonly consumers: number
  readonly used: UsageByClass
}
/** Consumers written before 1.38 have no type. */
export const UNKNOWN_TYPE = 'unknown'
export const ALL_TYPES = 'all'

export type Usages = ReturnType<typeof createUsages>

export const createUsages = ({ database, policy }: Pick<DomainTools, 'database'> & { readonly policy: Enforcer }) => {
  /** The project is the one asked about: who may not see it, is refused. */
  const mayAsk = (ctx: Ctx, projectId: string): void => {
    if (!policy.check(ctx.who, rules.usages, { project_id: projectId }).ok)
      throw faults.Forbidden({ rule: rules.usages.name })
  }
  return {
    /** Every class the provider has, used or not. Throws ProviderNotFound (404). */
    ofProvider: (ctx: Ctx, providerId: string): Promise<{ provider: Provider; used: UsageByClass }> =>
      database.read(ctx, 'usages of provider', async q => {
        const provider = await findProvider(q, providerId)
        const inventories = await inventoriesOf(q, [providerId])
        return { provider, used: new Map(inventories.map(one => [one.resourceClass, one.used])) }
      }),
    /** Throws Forbidden (403). */
    ofProject: (ctx: Ctx, projectId: string, userId: string | null): Promise<UsageByClass> => {
      mayAsk(ctx, projectId)
      return database.read(ctx, 'usages of project', async q => {
        const used = new Map<string, number>()
        for (const sum of await usageSums(q, projectId, userId))
          used.set(sum.resourceClass, (used.get(sum.resourceClass) ?? 0) + sum.used)
        return used
      })
    },
    /** By type of consumer; `only` one type, `all` for one sum of everything. Throws Forbidden (403). */
    byType: (
      ctx: Ctx,
      projectId: string,
      userId: string | null,
      only: string | null,
    ): Promise<ReadonlyMap<string, TypeUsage>> => {
      mayAsk(ctx, projectId)
      const shownAs = (type: string | null): string => (only === ALL_TYPES ? ALL_TYPES : (type ?? UNKNOWN_TYPE))
      return database.read(ctx, 'usages of project by type', async q => {
        const types = new Map<string, { consumers: number; used: Map<string, number> }>()
        const of = (type: string | null): { consumers: number; used: Map<string, number> } | null => {
          const name = shownAs(type)
          if (only !== null && name !== only) return null
          let entry = types.get(name)
          if (entry === undefined) types.set(name, (entry = { consumers: 0, used: new Map() }))
          return entry
        }
        for (const sum of await usageSums(q, projectId, userId)) {
          const entry = of(sum.type)
          entry?.used.set(sum.resourceClass, (entry.used.get(sum.resourceClass) ?? 0) + sum.used)
        }
        for (const count of await consumerCounts(q, projectId, userId)) {
          const entry = of(count.type)
          if (entry !== null) entry.consumers += count.consumers
        }
        return types
      })
    },
  }
}
