// Reshaper: inventories and allocations of many at one stroke, for those who move resources between providers.
import { post } from '#kernel/contract/route.ts'
import { must, object } from '#kernel/contract/shape.ts'
import { dict } from '#kernel/contract/shapes.ts'
import { AllocationsOfOne } from '#services/placement/contract/allocations.ts'
import { faults } from '#services/placement/contract/faults.ts'
import { NewInventories } from '#services/placement/contract/inventories.ts'
import { rules } from '#services/placement/contract/rules.ts'
import { ID_KEY } from '#services/placement/contract/shapes.ts'

export const reshaper = {
  reshape: post('/reshaper', {
    policy: rules.reshaperReshape,
    since: '1.30',
    body: object({
      inventories: must(dict(NewInventories, { key: ID_KEY, min: 1 })),
      allocations: must(dict(AllocationsOfOne, { key: ID_KEY })),
    }),
    status: 204,
    faults: [
      faults.ReshapeProviderNotFound,
      faults.ReshapeGenerationConflict,
      faults.CannotReshape,
      faults.InventoryInUse,
      faults.AllocationProviderNotFound,
      faults.NothingToAllocate,
      faults.CapacityExceeded,
      faults.ConstraintsViolated,
      faults.ConsumerConflict,
      faults.AllocationConflict,
    ],
  }),
}
