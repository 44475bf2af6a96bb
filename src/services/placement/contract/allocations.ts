// Allocations: what consumers hold of the inventories of providers.
import { del, get, post, put } from '#kernel/contract/route.ts'
import { may, must, object, type Shape } from '#kernel/contract/shape.ts'
import { any, dict, int, list, nullable, raw, text, uuid } from '#kernel/contract/shapes.ts'
import { faults } from '#services/placement/contract/faults.ts'
import { rules } from '#services/placement/contract/rules.ts'
import { generation, GROUP_SUFFIX, ID_KEY, NAME_KEY, outsideId } from '#services/placement/contract/shapes.ts'

const resources = dict(int({ min: 1 }), { key: NAME_KEY, min: 1 })
/** Before 1.12: a list of providers. */
const asList = list(object({ resource_provider: must(object({ uuid: must(uuid) })), resources: must(resources) }), {
  min: 1,
})
const onProvider = object({ resources: must(resources), generation: may(int()) })
/** From 1.12: keyed by provider. From 1.28, and wherever several consumers are written, it may be empty: let go of all. */
const byProvider = dict(onProvider, { key: ID_KEY, min: 1 })
const byProviderOrNone = dict(onProvider, { key: ID_KEY })

type ByProvider = Record<string, { resources: Record<string, number> }>
const keyed = (older: { resource_provider: { uuid: string }; resources: Record<string, number> }[]): ByProvider =>
  Object.fromEntries(older.map(one => [one.resource_provider.uuid, { resources: one.resources }]))

/** Which provider served which request group: checked, and not kept. */
const mappings: Shape<Record<string, string[]>> = raw({
  type: 'object',
  minProperties: 1,
  patternProperties: {
    [`^${GROUP_SUFFIX}$`]: { type: 'array', minItems: 1, items: { type: 'string', format: 'uuid' } },
  },
})
export const consumerType = text({ min: 1, max: 255, pattern: NAME_KEY })

const consumer = {
  consumer_generation: must(nullable(int())).since('1.28'),
  mappings: may(mappings).since('1.34'),
  consumer_type: must(consumerType).since('1.38'),
}
/** One of several consumers in a request (1.13). */
export const AllocationsOfOne = object({
  allocations: must(byProviderOrNone),
  project_id: must(outsideId),
  user_id: must(outsideId),
  ...consumer,
})

export const ConsumerAllocations = object({
  allocations: must(dict(object({ resources: must(resources), generation: must(generation) }))),
  project_id: may(outsideId).since('1.12'),
  user_id: may(outsideId).since('1.12'),
  consumer_generation: may(int()).since('1.28'),
  consumer_type: may(text()).since('1.38'),
})

const writing = [
  faults.AllocationProviderNotFound,
  faults.NothingToAllocate,
  faults.CapacityExceeded,
  faults.ConstraintsViolated,
  faults.ConsumerConflict,
  faults.AllocationConflict,
]

export const allocations = {
  list: get('/allocations/{consumer_uuid}', { policy: rules.allocationsList, reply: ConsumerAllocations }),
  set: put('/allocations/{consumer_uuid}', {
    policy: rules.allocationsUpdate,
    body: object({
      allocations: must(asList).becomes('1.12', byProvider, keyed).becomes('1.28', byProviderOrNone),
      project_id: must(outsideId).since('1.8'),
      user_id: must(outsideId).since('1.8'),
      ...consumer,
    }),
    status: 204,
    switches: { hasGenerations: '1.28' },
    faults: [...writing, faults.MalformedConsumer, faults.CannotAllocateFor],
  }),
  delete: del('/allocations/{consumer_uuid}', { policy: rules.allocationsDelete, faults: [faults.NoAllocations] }),
  setMany: post('/allocations', {
    policy: rules.allocationsManage,
    since: '1.13',
    body: dict(AllocationsOfOne, { key: ID_KEY, min: 1 }),
    status: 204,
    switches: { hasGenerations: '1.28' },
    faults: [...writing, faults.CannotAllocate],
  }),
}

export const providerAllocations = {
  list: get('/resource_providers/{uuid}/allocations', {
    policy: rules.resourceProvidersAllocationsList,
    reply: object({ allocations: must(dict(any)), resource_provider_generation: must(generation) }),
    faults: [faults.ProviderNotFound],
  }),
}
