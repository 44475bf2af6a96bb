// Inventories on the wire.
import type { Static } from '#kernel/contract/shape.ts'
import { handlers } from '#kernel/http/handlers.ts'
import type { Clock } from '#kernel/lib/clock.ts'
import { dated, located } from '#services/placement/api/headers.ts'
import { faults } from '#services/placement/contract/faults.ts'
import { inventories, type Inventory as Shown, type NewInventories } from '#services/placement/contract/inventories.ts'
import type { InventoryFigures } from '#services/placement/db/inventories.ts'
import type {
  Inventories,
  InventoryMap,
  ProviderInventories,
  ProviderInventory,
} from '#services/placement/domain/inventories.ts'

type Written = Static<typeof NewInventories>['inventories'][string]

export const figuresOf = (of: Written): InventoryFigures => ({
  total: of.total,
  reserved: of.reserved,
  minUnit: of.min_unit,
  maxUnit: of.max_unit,
  stepSize: of.step_size,
  allocationRatio: of.allocation_ratio,
})
export const figuresByClass = (of: Readonly<Record<string, Written>>): InventoryMap =>
  new Map(Object.entries(of).map(([resourceClass, one]) => [resourceClass, figuresOf(one)]))

const present = (of: InventoryFigures): Static<typeof Shown> => ({
  total: of.total,
  reserved: of.reserved,
  min_unit: of.minUnit,
  max_unit: of.maxUnit,
  step_size: of.stepSize,
  allocation_ratio: of.allocationRatio,
})
const presentOne = ({ provider, inventory }: ProviderInventory) => ({
  ...present(inventory),
  resource_provider_generation: provider.generation,
})
const presentAll = ({ provider, inventories: all }: ProviderInventories) => ({
  resource_provider_generation: provider.generation,
  inventories: Object.fromEntries(all.map(one => [one.resourceClass, present(one)])),
})

export const inventoryHandlers = (tools: { readonly inventories: Inventories; readonly clock: Clock }) => {
  const { clock } = tools
  const domain = tools.inventories
  return handlers(inventories, {
    list: async call => {
      const found = await domain.list(call.ctx, call.params.uuid)
      if (found.inventories.length > 0)
        dated(
          call,
          clock,
          found.inventories.map(one => one.updatedAt),
        )
      return presentAll(found)
    },
    create: async call => {
      const { uuid } = call.params
      const rule = { mayBeNothing: call.has('mayBeNothing') }
      const made = await domain.create(call.ctx, uuid, call.body.resource_class, figuresOf(call.body), rule)
      located(call, `/resource_providers/${uuid}/inventories/${call.body.resource_class}`)
      dated(call, clock, [made.inventory.updatedAt])
      return presentOne(made)
    },
    replace: async call => {
      const wanted = figuresByClass(call.body.inventories)
      const { resource_provider_generation: generation } = call.body
      const rule = { mayBeNothing: call.has('mayBeNothing') }
      const now = await domain.replace(call.ctx, call.params.uuid, wanted, generation, rule)
      dated(call, clock)
      return presentAll(now)
    },
    clear: call => domain.clear(call.ctx, call.params.uuid),
    clearBefore: () => {
      throw faults.MethodNotAllowed()
    },
    show: async call => {
      const found = await domain.find(call.ctx, call.params.uuid, call.params.resource_class)
      dated(call, clock, [found.inventory.updatedAt])
      return presentOne(found)
    },
    update: async call => {
      const { uuid, resource_class: resourceClass } = call.params
      const { resource_provider_generation: generation } = call.body
      const rule = { mayBeNothing: call.has('mayBeNothing') }
      const now = await domain.update(call.ctx, uuid, resourceClass, figuresOf(call.body), generation, rule)
      dated(call, clock, [now.inventory.updatedAt])
      return presentOne(now)
    },
    delete: call => domain.remove(call.ctx, call.params.uuid, call.params.resource_class),
  })
}
