// Allocations on the wire.
import type { Static } from '#kernel/contract/shape.ts'
import { versionNumber } from '#kernel/contract/version.ts'
import { handlers, type HandlerTable } from '#kernel/http/handlers.ts'
import type { Clock } from '#kernel/lib/clock.ts'
import { dated } from '#services/placement/api/headers.ts'
import { allocations, providerAllocations, type AllocationsOfOne } from '#services/placement/contract/allocations.ts'
import { faults } from '#services/placement/contract/faults.ts'
import type { Allocations, Holdings } from '#services/placement/domain/allocations.ts'
import type { Claim } from '#services/placement/domain/allocation-writer.ts'
import { canonicalId } from '#services/placement/domain/providers.ts'
import { UNKNOWN_TYPE } from '#services/placement/domain/usages.ts'

const OWNED = versionNumber('1.12')
const GENERATIONS = versionNumber('1.28')
const TYPES = versionNumber('1.38')
const UUID = /^[0-9a-f]{8}-?[0-9a-f]{4}-?[0-9a-f]{4}-?[0-9a-f]{4}-?[0-9a-f]{12}$/i

/** What stands in the body of a version that does not know it yet is undefined, whatever the newest type says. */
type Written = Partial<Static<typeof AllocationsOfOne>> & Pick<Static<typeof AllocationsOfOne>, 'allocations'>

export interface Incomplete {
  readonly projectId: string
  readonly userId: string
}

export const claimOf = (consumerId: string, body: Written, hasGenerations: boolean, incomplete: Incomplete): Claim => ({
  consumerId,
  projectId: body.project_id ?? incomplete.projectId,
  userId: body.user_id ?? incomplete.userId,
  type: body.consumer_type,
  generation: hasGenerations ? body.consumer_generation : undefined,
  resources: new Map(
    Object.entries(body.allocations).map(([provider, { resources }]) => [provider, new Map(Object.entries(resources))]),
  ),
})

function presentHoldings({ consumer, allocations: held }: Holdings, at: number): object {
  const byProvider: Record<string, { resources: Record<string, number>; generation: number }> = {}
  for (const one of held) {
    const entry = (byProvider[one.providerId] ??= { resources: {}, generation: one.providerGeneration })
    entry.resources[one.resourceClass] = one.used
  }
  if (consumer === null || at < OWNED) return { allocations: byProvider }
  return {
    allocations: byProvider,
    project_id: consumer.projectId,
    user_id: consumer.userId,
    ...(at < GENERATIONS ? {} : { consumer_generation: consumer.generation }),
    ...(at < TYPES ? {} : { consumer_type: consumer.type ?? UNKNOWN_TYPE }),
  }
}

export const allocationHandlers = (tools: {
  readonly allocations: Allocations
  readonly clock: Clock
  /** Who owns consumers whose request named nobody (before 1.8). */
  readonly incomplete: Incomplete
}): readonly HandlerTable[] => {
  const { clock, incomplete } = tools
  const domain = tools.allocations
  return [
    handlers(allocations, {
      list: async call => {
        const found = await domain.ofConsumer(call.ctx, call.params.consumer_uuid)
        dated(
          call,
          clock,
          found.allocations.map(one => one.createdAt),
        )
        return presentHoldings(found, call.at)
      },
      set: async call => {
        const { consumer_uuid: id } = call.params
        if (!UUID.test(id)) throw faults.MalformedConsumer({ id })
        await domain.set(call.ctx, claimOf(canonicalId(id), call.body, call.has('hasGenerations'), incomplete))
      },
      delete: call => domain.release(call.ctx, call.params.consumer_uuid),
      setMany: async call => {
        const claims = Object.entries(call.body).map(([id, body]) =>
          claimOf(id, body, call.has('hasGenerations'), incomplete),
        )
        await domain.setMany(call.ctx, claims)
      },
    }),
    handlers(providerAllocations, {
      list: async call => {
        const { provider, allocations: all } = await domain.onProvider(call.ctx, call.params.uuid)
        const byConsumer: Record<string, { resources: Record<string, number>; consumer_generation?: number }> = {}
        for (const one of all) {
          const entry = (byConsumer[one.consumerId] ??= { resources: {} })
          entry.resources[one.resourceClass] = one.used
          if (call.at >= GENERATIONS) entry.consumer_generation = one.consumerGeneration
        }
        dated(
          call,
          clock,
          all.map(one => one.createdAt),
        )
        return { allocations: byConsumer, resource_provider_generation: provider.generation }
      },
    }),
  ]
}
