// Reshaping: new inventories and new allocations together, so that no moment sees resources nowhere or twice.
import type { Ctx } from '#kernel/lib/context.ts'
import { faults } from '#services/placement/contract/faults.ts'
import { inventoriesOf } from '#services/placement/db/inventories.ts'
import { providersByIds, type Provider, type Q } from '#services/placement/db/providers.ts'
import { replaceAllocations, type Claim } from '#services/placement/domain/allocation-writer.ts'
import { persist } from '#services/placement/domain/allocations.ts'
import { bump, findProvider } from '#services/placement/domain/generations.ts'
import { setInventories, type InventoryMap } from '#services/placement/domain/inventories.ts'
import type { DomainTools } from '#services/placement/domain/tools.ts'

export interface Reshape {
  readonly providerId: string
  readonly generation: number
  readonly inventories: InventoryMap
}
export type Reshaper = ReturnType<typeof createReshaper>

export const createReshaper = ({ database, clock, settings }: DomainTools) => {
  const apply = async (q: Q, shapes: readonly Reshape[], claims: readonly Claim[]): Promise<void> => {
    const now = clock.now()
    const unknown = (name: string): Error => faults.CannotReshape({ detail: `No such resource class ${name}.` })
    const words = { unknown, inUse: 'update conflict: ' }
    const providers = await named(q, shapes)
    // What is to go stays until the allocations on it are gone: inventories of both shapes in between.
    for (const shape of shapes) {
      const provider = providers.get(shape.providerId)
      if (provider === undefined || shape.inventories.size === 0) continue
      const both = new Map((await inventoriesOf(q, [provider.id])).map(one => [one.resourceClass, one]))
      await setInventories(q, provider, new Map([...both, ...shape.inventories]), now, words)
      await bump(q, provider, now)
    }
    await replaceAllocations(q, claims, now, unknown)
    for (const shape of shapes) {
      const provider = await findProvider(q, shape.providerId)
      await setInventories(q, provider, shape.inventories, now, words)
      await bump(q, provider, now)
    }
  }
  return {
    /**
     * Throws ReshapeProviderNotFound and CannotReshape (400), ReshapeGenerationConflict and InventoryInUse (409), and what
     * replaceAllocations throws.
     */
    reshape: (ctx: Ctx, shapes: readonly Reshape[], claims: readonly Claim[]): Promise<void> =>
      persist(settings.allocationConflictRetryCount, () => database.tx(ctx, 'reshape', q => apply(q, shapes, claims))),
  }
}

async function named(q: Q, shapes: readonly Reshape[]): Promise<ReadonlyMap<string, Provider>> {
  const providers = await providersByIds(
    q,
    shapes.map(shape => shape.providerId),
  )
  for (const { providerId: id, generation: given } of shapes) {
    const provider = providers.get(id)
    if (provider === undefined) throw faults.ReshapeProviderNotFound({ id })
    if (provider.generation !== given)
      throw faults.ReshapeGenerationConflict({ id, actual: provider.generation, given })
  }
  return providers
}
