// Aggregates of a provider: ids of groups whose members share something.
import { get, put } from '#kernel/contract/route.ts'
import { may, must, object } from '#kernel/contract/shape.ts'
import { list, uuid } from '#kernel/contract/shapes.ts'
import { faults } from '#services/placement/contract/faults.ts'
import { rules } from '#services/placement/contract/rules.ts'
import { generation } from '#services/placement/contract/shapes.ts'

const ids = list(uuid, { unique: true })
const Aggregates = object({
  aggregates: must(list(uuid)),
  resource_provider_generation: may(generation).since('1.19'),
})

export const aggregates = {
  list: get('/resource_providers/{uuid}/aggregates', {
    policy: rules.resourceProvidersAggregatesList,
    since: '1.1',
    reply: Aggregates,
    faults: [faults.ProviderNotFound],
  }),
  /** Before 1.19 the body is the bare list, and generations are left alone. */
  setBefore: put('/resource_providers/{uuid}/aggregates', {
    policy: rules.resourceProvidersAggregatesUpdate,
    since: '1.1',
    until: '1.18',
    body: ids,
    reply: Aggregates,
    faults: [faults.ProviderNotFound],
  }),
  set: put('/resource_providers/{uuid}/aggregates', {
    policy: rules.resourceProvidersAggregatesUpdate,
    since: '1.19',
    body: object({ aggregates: must(ids), resource_provider_generation: must(generation) }),
    reply: Aggregates,
    faults: [faults.ProviderNotFound, faults.GenerationChanged, faults.ConcurrentUpdate],
  }),
}
