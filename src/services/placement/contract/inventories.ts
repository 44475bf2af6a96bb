// Inventories: how much of a resource class a provider has, and in which portions.
import { del, get, post, put } from '#kernel/contract/route.ts'
import { may, must, object } from '#kernel/contract/shape.ts'
import { dict, int, num, text } from '#kernel/contract/shapes.ts'
import { faults } from '#services/placement/contract/faults.ts'
import { rules } from '#services/placement/contract/rules.ts'
import { generation, MAX_INT, MAX_RATIO, NAME_KEY } from '#services/placement/contract/shapes.ts'

const amount = int({ min: 1, max: MAX_INT })

/** What a client says of one inventory. */
const figures = {
  total: must(amount),
  reserved: may(int({ min: 0, max: MAX_INT })).otherwise(0),
  min_unit: may(amount).otherwise(1),
  max_unit: may(amount).otherwise(MAX_INT),
  step_size: may(amount).otherwise(1),
  allocation_ratio: may(num({ max: MAX_RATIO })).otherwise(1),
}

const shown = {
  total: must(amount),
  reserved: must(int()),
  min_unit: must(amount),
  max_unit: must(amount),
  step_size: must(amount),
  allocation_ratio: must(num()),
}
export const Inventory = object(shown)
export const OneInventory = object({ ...shown, resource_provider_generation: must(generation) })
export const InventoryList = object({
  resource_provider_generation: must(generation),
  inventories: must(dict(Inventory)),
})

/** The inventories of a provider as they shall be. */
export const NewInventories = object({
  resource_provider_generation: must(generation),
  // compat: a generation inside each is let through, as upstream does.
  inventories: must(dict(object({ resource_provider_generation: may(generation), ...figures }), { key: NAME_KEY })),
})

const switches = { mayBeNothing: '1.26' }

export const inventories = {
  list: get('/resource_providers/{uuid}/inventories', {
    policy: rules.resourceProvidersInventoriesList,
    reply: InventoryList,
    faults: [faults.ProviderNotFound],
  }),
  create: post('/resource_providers/{uuid}/inventories', {
    policy: rules.resourceProvidersInventoriesCreate,
    body: object({
      resource_class: must(text({ pattern: NAME_KEY })),
      resource_provider_generation: may(generation),
      ...figures,
    }),
    reply: OneInventory,
    switches,
    faults: [faults.ProviderNotFound, faults.CannotCreateInventory, faults.InventoryExists, faults.ConcurrentUpdate],
  }),
  replace: put('/resource_providers/{uuid}/inventories', {
    policy: rules.resourceProvidersInventoriesUpdate,
    body: NewInventories,
    reply: InventoryList,
    switches,
    faults: [
      faults.ProviderNotFound,
      faults.GenerationConflict,
      faults.CannotUpdateInventory,
      faults.UnknownClassInInventory,
      faults.InventoryInUse,
      faults.ConcurrentUpdate,
    ],
  }),
  clear: del('/resource_providers/{uuid}/inventories', {
    policy: rules.resourceProvidersInventoriesDelete,
    since: '1.5',
    faults: [faults.ProviderNotFound, faults.InventoryInUse, faults.ConcurrentUpdate],
  }),
  /** compat: what came later elsewhere is 404; this is 405. */
  clearBefore: del('/resource_providers/{uuid}/inventories', {
    policy: 'authenticated',
    until: '1.4',
    faults: [faults.MethodNotAllowed],
  }),
  show: get('/resource_providers/{uuid}/inventories/{resource_class}', {
    policy: rules.resourceProvidersInventoriesShow,
    reply: OneInventory,
    faults: [faults.ProviderNotFound, faults.InventoryNotFound],
  }),
  update: put('/resource_providers/{uuid}/inventories/{resource_class}', {
    policy: rules.resourceProvidersInventoriesUpdate,
    body: object({ resource_provider_generation: must(generation), ...figures }),
    reply: OneInventory,
    switches,
    faults: [
      faults.ProviderNotFound,
      faults.GenerationConflict,
      faults.CannotUpdateInventory,
      faults.NoInventoryRecord,
      faults.ResourceClassNotFound,
      faults.ConcurrentUpdate,
    ],
  }),
  delete: del('/resource_providers/{uuid}/inventories/{resource_class}', {
    policy: rules.resourceProvidersInventoriesDelete,
    faults: [
      faults.ProviderNotFound,
      faults.InventoryNotFoundForDelete,
      faults.InventoryItselfInUse,
      faults.ConcurrentUpdate,
    ],
  }),
}
