// Allocations: who holds how much of what, where.
import { isFault } from '#kernel/contract/fault.ts'
import type { Ctx } from '#kernel/lib/context.ts'
import { faults } from '#services/placement/contract/faults.ts'
import {
  allocationsOnProvider,
  consumersByIds,
  holdingsOf,
  type Allocation,
  type Consumer,
} from '#services/placement/db/allocations.ts'
import type { Provider, Q } from '#services/placement/db/providers.ts'
import { releaseAllocations, replaceAllocations, type Claim } from '#services/placement/domain/allocation-writer.ts'
import { findProvider } from '#services/placement/domain/generations.ts'
import type { DomainTools } from '#services/placement/domain/tools.ts'

export interface Holdings {
  /** Null when it holds nothing: such a consumer is nobody. */
  readonly consumer: Consumer | null
  readonly allocations: readonly (Allocation & { readonly providerGeneration: number })[]
}
export interface ProviderAllocations {
  readonly provider: Provider
  readonly allocations: readonly (Allocation & { readonly consumerGeneration: number })[]
}

/** Does it again, so often, while others are quicker at the same providers. Throws AllocationConflict (409) at last. */
export async function persist(tries: number, deed: () => Promise<void>): Promise<void> {
  for (let attempt = 1; attempt <= tries; attempt += 1) {
    try {
      return await deed()
    } catch (error) {
      if (!isFault(error, faults.ConcurrentUpdate)) throw error
    }
  }
  throw faults.AllocationConflict()
}

export type Allocations = ReturnType<typeof createAllocations>

export const createAllocations = ({ database, clock, settings }: DomainTools) => {
  const replace = (ctx: Ctx, claims: readonly Claim[], unknown: (resourceClass: string) => Error): Promise<void> =>
    persist(settings.allocationConflictRetryCount, () =>
      database.tx(ctx, 'replace allocations', (q: Q) => replaceAllocations(q, claims, clock.now(), unknown)),
    )
  return {
    /** Empty for a consumer nobody knows. */
    ofConsumer: (ctx: Ctx, consumerId: string): Promise<Holdings> =>
      database.read(ctx, 'list allocations of consumer', async q => {
        const allocations = await holdingsOf(q, consumerId)
        if (allocations.length === 0) return { consumer: null, allocations }
        return { consumer: (await consumersByIds(q, [consumerId])).get(consumerId) ?? null, allocations }
      }),
    /** Throws ProviderNotFound (404). */
    onProvider: (ctx: Ctx, providerId: string): Promise<ProviderAllocations> =>
      database.read(ctx, 'list allocations of provider', async q => {
        const provider = await findProvider(q, providerId)
        return { provider, allocations: await allocationsOnProvider(q, providerId) }
      }),
    /** One consumer. Throws what replaceAllocations throws, and CannotAllocateFor (400). */
    set: (ctx: Ctx, claim: Claim): Promise<void> =>
      replace(ctx, [claim], name =>
        faults.CannotAllocateFor({ id: claim.consumerId, detail: `No such resource class ${name}.` }),
      ),
    /** Several consumers, all or none. Throws what replaceAllocations throws, and CannotAllocate (400). */
    setMany: (ctx: Ctx, claims: readonly Claim[]): Promise<void> =>
      replace(ctx, claims, name => faults.CannotAllocate({ detail: `No such resource class ${name}.` })),
    /** Throws NoAllocations (404). */
    release: (ctx: Ctx, consumerId: string): Promise<void> =>
      database.tx(ctx, 'release allocations', async q => {
        if (!(await releaseAllocations(q, consumerId))) throw faults.NoAllocations({ id: consumerId })
      }),
  }
}
