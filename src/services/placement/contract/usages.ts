// Usages: sums of allocations.
import { get } from '#kernel/contract/route.ts'
import { may, must, object } from '#kernel/contract/shape.ts'
import { any, dict, int, text } from '#kernel/contract/shapes.ts'
import { faults } from '#services/placement/contract/faults.ts'
import { rules } from '#services/placement/contract/rules.ts'
import { generation, outsideId } from '#services/placement/contract/shapes.ts'

export const usages = {
  ofProvider: get('/resource_providers/{uuid}/usages', {
    policy: rules.resourceProvidersUsages,
    reply: object({ resource_provider_generation: must(generation), usages: must(dict(int())) }),
    faults: [faults.ProviderNotFound],
  }),
  ofProject: get('/usages', {
    policy: rules.usages,
    since: '1.9',
    query: object({
      project_id: must(outsideId),
      user_id: may(outsideId),
      consumer_type: may(text({ min: 1, max: 255, pattern: '^[A-Z0-9_]+$|^all|^unknown$' })).since('1.38'),
    }),
    reply: object({ usages: must(dict(any)) }),
    switches: { byType: '1.38' },
    faults: [faults.Forbidden],
  }),
}
