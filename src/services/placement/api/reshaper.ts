// The reshaper on the wire.
import { handlers } from '#kernel/http/handlers.ts'
import { claimOf, type Incomplete } from '#services/placement/api/allocations.ts'
import { figuresByClass } from '#services/placement/api/inventories.ts'
import { reshaper } from '#services/placement/contract/reshaper.ts'
import type { Reshaper } from '#services/placement/domain/reshaper.ts'

export const reshaperHandlers = (tools: { readonly reshaper: Reshaper; readonly incomplete: Incomplete }) =>
  handlers(reshaper, {
    reshape: async call => {
      const shapes = Object.entries(call.body.inventories).map(([providerId, of]) => ({
        providerId,
        generation: of.resource_provider_generation,
        inventories: figuresByClass(of.inventories),
      }))
      const claims = Object.entries(call.body.allocations).map(([id, body]) =>
        claimOf(id, body, true, tools.incomplete),
      )
      await tools.reshaper.reshape(call.ctx, shapes, claims)
    },
  })
