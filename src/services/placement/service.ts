// The placement service: who has how much of what, and who holds it.
import type { AnyRoute, Routes } from '#kernel/contract/route.ts'
import type { Settings } from '#kernel/config/config.ts'
import type { Cross } from '#kernel/crossing/crossing.ts'
import type { Database } from '#kernel/db/database.ts'
import { DatabaseUnavailable } from '#kernel/db/errors.ts'
import type { Handle } from '#kernel/http/call.ts'
import type { HandlerTable } from '#kernel/http/handlers.ts'
import { createPipeline, type Authenticate, type PipelineTools } from '#kernel/http/pipeline.ts'
import type { ServiceDefinition } from '#kernel/http/service.ts'
import type { Clock } from '#kernel/lib/clock.ts'
import type { Ids } from '#kernel/lib/ids.ts'
import type { Log } from '#kernel/lib/log.ts'
import type { Audit } from '#kernel/lib/violation.ts'
import { createEnforcer } from '#kernel/policy/enforcer.ts'
import { aggregateHandlers } from '#services/placement/api/aggregates.ts'
import { allocationCandidateHandlers } from '#services/placement/api/allocation-candidates.ts'
import { allocationHandlers } from '#services/placement/api/allocations.ts'
import { inventoryHandlers } from '#services/placement/api/inventories.ts'
import { reshaperHandlers } from '#services/placement/api/reshaper.ts'
import { resourceClassHandlers } from '#services/placement/api/resource-classes.ts'
import { resourceProviderHandlers } from '#services/placement/api/resource-providers.ts'
import { rootHandlers } from '#services/placement/api/root.ts'
import { traitHandlers } from '#services/placement/api/traits.ts'
import { usageHandlers } from '#services/placement/api/usages.ts'
import type { placementConfig } from '#services/placement/config.ts'
import { aggregates } from '#services/placement/contract/aggregates.ts'
import { inventories } from '#services/placement/contract/inventories.ts'
import { resourceProviders } from '#services/placement/contract/resource-providers.ts'
import { baseRules, rules } from '#services/placement/contract/rules.ts'
import { surface } from '#services/placement/contract/surface.ts'
import { versions } from '#services/placement/contract/versions.ts'
import type { PlacementTables } from '#services/placement/db/tables.ts'
import { media, placementDialect } from '#services/placement/dialect.ts'
import { createAggregates } from '#services/placement/domain/aggregates.ts'
import { createAllocations } from '#services/placement/domain/allocations.ts'
import { createAllocationCandidates } from '#services/placement/domain/candidates/candidates.ts'
import { createReshaper } from '#services/placement/domain/reshaper.ts'
import { createAudit } from '#services/placement/domain/audit.ts'
import { createInventories } from '#services/placement/domain/inventories.ts'
import { createProviders } from '#services/placement/domain/providers.ts'
import { createResourceClasses } from '#services/placement/domain/resource-classes.ts'
import { createTraits } from '#services/placement/domain/traits.ts'
import { createUsages } from '#services/placement/domain/usages.ts'

export const definition: ServiceDefinition = {
  name: 'placement',
  actor: 'placement-api',
  types: ['placement'],
  prefix: '/placement',
  catalogPath: '',
  classicPort: 8778,
  versions,
  varyName: 'openstack-api-version',
  dialect: placementDialect,
  rules: Object.values(rules),
  baseRules,
  surface,
  media,
  // A reshape of many consumers is one body.
  bodyLimit: 4_194_304,
}

/** Routes that say 404 of their provider before they say 400 of the body. */
const NAMES_PROVIDER_FIRST: ReadonlySet<AnyRoute> = new Set<AnyRoute>([
  resourceProviders.update,
  inventories.create,
  inventories.replace,
  inventories.update,
  aggregates.setBefore,
  aggregates.set,
])

export interface PlacementTools {
  /** Its file, with `migrations` of db/migrations/list.ts run. */
  readonly database: Database<PlacementTables>
  readonly clock: Clock
  readonly ids: Ids
  readonly cross: Cross
  readonly log: Log
  readonly authenticate: Authenticate
  readonly settings: Settings<(typeof placementConfig)['options']>
  /** Rule name → check string, from an operator's file. */
  readonly policyOverrides?: Readonly<Record<string, string>>
  readonly pipeline?: Pick<PipelineTools, 'refused' | 'unavailable'>
}
export interface Placement {
  readonly handle: Handle
  readonly routes: readonly Routes[]
  readonly audit: Audit
}

export function createPlacement(tools: PlacementTools): Placement {
  const { database, clock, ids, cross, log, settings } = tools
  const policy = createEnforcer(definition.rules, definition.baseRules, tools.policyOverrides)
  const shared = { database, clock, ids, settings }
  const providers = createProviders(shared)
  const incomplete = {
    projectId: settings.incompleteConsumerProjectId,
    userId: settings.incompleteConsumerUserId,
  }
  const tables: readonly HandlerTable[] = [
    rootHandlers(clock),
    resourceProviderHandlers({ providers, clock }),
    inventoryHandlers({ inventories: createInventories(shared), clock }),
    ...allocationHandlers({
      allocations: createAllocations(shared),
      clock,
      incomplete,
    }),
    usageHandlers({ usages: createUsages({ ...shared, policy }), clock }),
    resourceClassHandlers({ resourceClasses: createResourceClasses(shared), clock }),
    ...traitHandlers({ traits: createTraits(shared), clock }),
    aggregateHandlers({ aggregates: createAggregates(shared), clock }),
    allocationCandidateHandlers({ allocationCandidates: createAllocationCandidates(shared), clock }),
    reshaperHandlers({ reshaper: createReshaper(shared), incomplete }),
  ]
  return {
    handle: createPipeline(definition, tables, {
      authenticate: tools.authenticate,
      policy,
      cross,
      ids,
      exists: async (ctx, route, params) => {
        if (NAMES_PROVIDER_FIRST.has(route)) await providers.find(ctx, params['uuid'] ?? '')
      },
      report: (ctx, error) => log.error(ctx, 'placement-api could not answer', error),
      unavailable: error =>
        error instanceof DatabaseUnavailable ? 'The placement database is not available just now.' : null,
      ...tools.pipeline,
    }),
    routes: tables.map(table => table.routes),
    audit: createAudit(database),
  }
}
