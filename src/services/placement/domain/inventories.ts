// Inventories: what providers have. Every change moves the provider's generation, before anything else: that is the lock.
import { isDuplicate } from '#kernel/db/errors.ts'
import type { Ctx } from '#kernel/lib/context.ts'
import { faults } from '#services/placement/contract/faults.ts'
import { standardResourceClasses } from '#services/placement/contract/standard-resource-classes.ts'
import {
  capacityOf,
  deleteInventories,
  insertInventory,
  inventoriesOf,
  inventoryOf,
  updateInventory,
  type Inventory,
  type InventoryFigures,
} from '#services/placement/db/inventories.ts'
import type { Provider, Q } from '#services/placement/db/providers.ts'
import { bump, findProvider } from '#services/placement/domain/generations.ts'
import { unknownClass } from '#services/placement/domain/resource-classes.ts'
import type { DomainTools } from '#services/placement/domain/tools.ts'

export type InventoryMap = ReadonlyMap<string, InventoryFigures>

export interface ProviderInventories {
  readonly provider: Provider
  readonly inventories: readonly Inventory[]
}
export interface ProviderInventory {
  readonly provider: Provider
  readonly inventory: InventoryFigures & Pick<Inventory, 'updatedAt'>
}
/** Whether nothing may be left to allocate: `reserved` as much as `total` (1.26). */
export interface CapacityRule {
  readonly mayBeNothing: boolean
}

/** Why these figures are none, or null. */
function wrongFigures(
  providerId: string,
  resourceClass: string,
  of: InventoryFigures,
  rule: CapacityRule,
): string | null {
  const capacity = capacityOf(of)
  if (capacity > 0 || (capacity === 0 && rule.mayBeNothing)) return null
  const than = rule.mayBeNothing ? 'greater than total' : 'greater than or equal to total'
  return `Invalid inventory for '${resourceClass}' on resource provider '${providerId}'. The reserved value is ${than}.`
}

const rank = (resourceClass: string): number => {
  const index = standardResourceClasses.indexOf(resourceClass)
  return index < 0 ? standardResourceClasses.length : index
}
const inOrder = (classes: readonly string[]): string[] => [...classes].sort((a, b) => rank(a) - rank(b))

/**
 * Gives the provider these inventories and no others; allocations keep what they hold, even when that is more than there is now.
 * `unknown` words a resource class that does not exist. Throws that, and InventoryInUse (409). Moves no generation.
 */
export async function setInventories(
  q: Q,
  provider: Provider,
  wanted: InventoryMap,
  now: number,
  words: { readonly unknown: (resourceClass: string) => Error; readonly inUse: string },
): Promise<void> {
  const wrong = await unknownClass(q, wanted.keys())
  if (wrong !== null) throw words.unknown(wrong)
  const has = new Map((await inventoriesOf(q, [provider.id])).map(one => [one.resourceClass, one]))
  const gone = [...has.values()].filter(one => !wanted.has(one.resourceClass))
  const inUse = gone.filter(one => one.used > 0).map(one => one.resourceClass)
  if (inUse.length > 0)
    throw faults.InventoryInUse({ prefix: words.inUse, classes: inOrder(inUse).join(', '), id: provider.id })
  if (gone.length > 0)
    await deleteInventories(
      q,
      provider.id,
      gone.map(one => one.resourceClass),
    )
  for (const [resourceClass, figures] of wanted) {
    const key = { providerId: provider.id, resourceClass }
    if (has.has(resourceClass)) await updateInventory(q, key, figures, now)
    else await insertInventory(q, key, figures, now)
  }
}

export type Inventories = ReturnType<typeof createInventories>

export const createInventories = ({ database, clock }: Pick<DomainTools, 'database' | 'clock'>) => ({
  /** Throws ProviderNotFound (404). */
  list: (ctx: Ctx, providerId: string): Promise<ProviderInventories> =>
    database.read(ctx, 'list inventories', async q => {
      const provider = await findProvider(q, providerId)
      return { provider, inventories: await inventoriesOf(q, [providerId]) }
    }),
  /** Throws ProviderNotFound and InventoryNotFound (404). */
  find: (ctx: Ctx, providerId: string, resourceClass: string): Promise<ProviderInventory> =>
    database.read(ctx, 'find inventory', async q => {
      const provider = await findProvider(q, providerId)
      const inventory = await inventoryOf(q, providerId, resourceClass)
      if (inventory === null) throw faults.InventoryNotFound({ resourceClass, id: providerId })
      return { provider, inventory }
    }),

  /** Throws ProviderNotFound (404), CannotCreateInventory (400), InventoryExists (409). */
  create: (ctx: Ctx, providerId: string, resourceClass: string, figures: InventoryFigures, rule: CapacityRule) =>
    database.tx(ctx, 'create inventory', async (q): Promise<ProviderInventory> => {
      const provider = await findProvider(q, providerId)
      const wrong = wrongFigures(providerId, resourceClass, figures, rule)
      if (wrong !== null) throw faults.CannotCreateInventory({ id: providerId, reason: wrong })
      if ((await unknownClass(q, [resourceClass])) !== null)
        throw faults.CannotCreateInventory({ id: providerId, reason: `No such resource class ${resourceClass}.` })
      const now = clock.now()
      try {
        await insertInventory(q, { providerId, resourceClass }, figures, now)
      } catch (error) {
        if (isDuplicate(error)) throw faults.InventoryExists({ resourceClass })
        throw error
      }
      return {
        provider: await bump(q, provider, now),
        inventory: { ...figures, updatedAt: now },
      }
    }),

  /** Throws ProviderNotFound and ResourceClassNotFound (404), GenerationConflict (409), CannotUpdateInventory and NoInventoryRecord (400). */
  update: (
    ctx: Ctx,
    providerId: string,
    resourceClass: string,
    figures: InventoryFigures,
    generation: number,
    rule: CapacityRule,
  ) =>
    database.tx(ctx, 'update inventory', async (q): Promise<ProviderInventory> => {
      const provider = await findProvider(q, providerId)
      if (provider.generation !== generation) throw faults.GenerationConflict()
      const wrong = wrongFigures(providerId, resourceClass, figures, rule)
      if (wrong !== null) throw faults.CannotUpdateInventory({ id: providerId, reason: wrong })
      if ((await unknownClass(q, [resourceClass])) !== null) throw faults.ResourceClassNotFound({ name: resourceClass })
      const now = clock.now()
      if (!(await updateInventory(q, { providerId, resourceClass }, figures, now)))
        throw faults.NoInventoryRecord({ id: providerId, resourceClass })
      return {
        provider: await bump(q, provider, now),
        inventory: { ...figures, updatedAt: now },
      }
    }),

  /** Throws ProviderNotFound (404), GenerationConflict and InventoryInUse (409), UnknownClassInInventory and CannotUpdateInventory (400). */
  replace: (ctx: Ctx, providerId: string, wanted: InventoryMap, generation: number, rule: CapacityRule) =>
    database.tx(ctx, 'replace inventories', async (q): Promise<ProviderInventories> => {
      const provider = await findProvider(q, providerId)
      if (provider.generation !== generation) throw faults.GenerationConflict()
      for (const [resourceClass, figures] of wanted) {
        const wrong = wrongFigures(providerId, resourceClass, figures, rule)
        if (wrong !== null) throw faults.CannotUpdateInventory({ id: providerId, reason: wrong })
      }
      const moved = await bump(q, provider, clock.now())
      await setInventories(q, provider, wanted, clock.now(), {
        unknown: resourceClass => faults.UnknownClassInInventory({ id: providerId, resourceClass }),
        inUse: 'update conflict: ',
      })
      return { provider: moved, inventories: await inventoriesOf(q, [providerId]) }
    }),

  /** Throws ProviderNotFound (404), InventoryInUse (409). */
  clear: (ctx: Ctx, providerId: string): Promise<void> =>
    database.tx(ctx, 'delete inventories', async q => {
      const provider = await bump(q, await findProvider(q, providerId), clock.now())
      await setInventories(q, provider, new Map(), clock.now(), {
        unknown: name => faults.ResourceClassNotFound({ name }),
        inUse: '',
      })
    }),

  /** Throws ProviderNotFound and InventoryNotFoundForDelete (404), InventoryItselfInUse (409). */
  remove: (ctx: Ctx, providerId: string, resourceClass: string): Promise<void> =>
    database.tx(ctx, 'delete inventory', async q => {
      await bump(q, await findProvider(q, providerId), clock.now())
      const inventory = await inventoryOf(q, providerId, resourceClass)
      if (inventory === null) throw faults.InventoryNotFoundForDelete({ resourceClass })
      if (inventory.used > 0) throw faults.InventoryItselfInUse({ classes: resourceClass, id: providerId })
      await deleteInventories(q, providerId, [resourceClass])
    }),
})
