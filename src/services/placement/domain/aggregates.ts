// Aggregates: groups of providers that share something, known only by an id.
import type { Ctx } from '#kernel/lib/context.ts'
import { faults } from '#services/placement/contract/faults.ts'
import { aggregatesOf, replaceAggregates } from '#services/placement/db/aggregates.ts'
import type { Provider } from '#services/placement/db/providers.ts'
import { bump, findProvider } from '#services/placement/domain/generations.ts'
import type { DomainTools } from '#services/placement/domain/tools.ts'

export interface ProviderAggregates {
  readonly provider: Provider
  readonly aggregates: readonly string[]
}
export type Aggregates = ReturnType<typeof createAggregates>

export const createAggregates = ({ database, clock }: Pick<DomainTools, 'database' | 'clock'>) => ({
  /** Throws ProviderNotFound (404). */
  ofProvider: (ctx: Ctx, providerId: string): Promise<ProviderAggregates> =>
    database.read(ctx, 'list aggregates of provider', async q => {
      const provider = await findProvider(q, providerId)
      return { provider, aggregates: (await aggregatesOf(q, [providerId])).get(providerId) ?? [] }
    }),
  /** `generation` null: neither looked at nor moved (before 1.19). Throws ProviderNotFound (404), GenerationChanged (409). */
  setOfProvider: (ctx: Ctx, providerId: string, aggregates: readonly string[], generation: number | null) =>
    database.tx(ctx, 'set aggregates of provider', async (q): Promise<ProviderAggregates> => {
      const provider = await findProvider(q, providerId)
      if (generation !== null && provider.generation !== generation) throw faults.GenerationChanged()
      const moved = generation === null ? provider : await bump(q, provider, clock.now())
      await replaceAggregates(q, providerId, [...new Set(aggregates)])
      return { provider: moved, aggregates }
    }),
})
