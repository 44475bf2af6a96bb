// Aggregates of providers on the wire.
import { versionNumber, type VersionNumber } from '#kernel/contract/version.ts'
import { handlers } from '#kernel/http/handlers.ts'
import type { Clock } from '#kernel/lib/clock.ts'
import { dated } from '#services/placement/api/headers.ts'
import { aggregates } from '#services/placement/contract/aggregates.ts'
import type { Aggregates, ProviderAggregates } from '#services/placement/domain/aggregates.ts'

const WITH_GENERATION = versionNumber('1.19')
const present = (of: ProviderAggregates, at: VersionNumber): object => ({
  aggregates: of.aggregates,
  ...(at < WITH_GENERATION ? {} : { resource_provider_generation: of.provider.generation }),
})

export const aggregateHandlers = (tools: { readonly aggregates: Aggregates; readonly clock: Clock }) =>
  handlers(aggregates, {
    list: async call => {
      const found = await tools.aggregates.ofProvider(call.ctx, call.params.uuid)
      dated(call, tools.clock)
      return present(found, call.at)
    },
    setBefore: async call => {
      const now = await tools.aggregates.setOfProvider(call.ctx, call.params.uuid, call.body, null)
      dated(call, tools.clock)
      return present(now, call.at)
    },
    set: async call => {
      const { aggregates: ids, resource_provider_generation: generation } = call.body
      const now = await tools.aggregates.setOfProvider(call.ctx, call.params.uuid, ids, generation)
      dated(call, tools.clock)
      return present(now, call.at)
    },
  })
