// The tables of all nouns that are not servers, each given what its room needs.
import type { HandlerTable } from '#kernel/http/handlers.ts'
import { projectCheck } from '#services/nova/actors/neighbours/keystone.ts'
import { providerMirror } from '#services/nova/actors/neighbours/placement-providers.ts'
import { aggregateImageHandlers } from '#services/nova/api/aggregate-images.ts'
import { imageWarming } from '#services/nova/domain/image-warming.ts'
import { aggregateHandlers } from '#services/nova/api/aggregates.ts'
import { auditLogHandlers } from '#services/nova/api/audit-log.ts'
import { zoneHandlers } from '#services/nova/api/availability-zones.ts'
import { extensionHandlers } from '#services/nova/api/extensions.ts'
import { goneHandlers } from '#services/nova/api/gone.ts'
import { flavorHandlers } from '#services/nova/api/flavors.ts'
import { hypervisorHandlers } from '#services/nova/api/hypervisors.ts'
import { instanceActionHandlers } from '#services/nova/api/instance-actions.ts'
import { keyPairHandlers } from '#services/nova/api/key-pairs.ts'
import { osHostHandlers } from '#services/nova/api/os-hosts.ts'
import { quotaHandlers } from '#services/nova/api/quota-sets.ts'
import { serverGroupHandlers } from '#services/nova/api/server-groups.ts'
import { serviceHandlers } from '#services/nova/api/services.ts'
import { usageHandlers } from '#services/nova/api/usage.ts'
import { versionHandlers } from '#services/nova/api/version-documents.ts'
import { createAggregates } from '#services/nova/domain/aggregates.ts'
import { createAuditLog } from '#services/nova/domain/audit-log.ts'
import { createAvailabilityZones } from '#services/nova/domain/availability-zones.ts'
import { createFlavors } from '#services/nova/domain/flavors.ts'
import { createHypervisors } from '#services/nova/domain/hypervisors.ts'
import { createInstanceActions } from '#services/nova/domain/instance-actions.ts'
import { createKeyPairs } from '#services/nova/domain/key-pairs.ts'
import { createOsHosts } from '#services/nova/domain/os-hosts.ts'
import { createQuotaSets } from '#services/nova/domain/quota-sets.ts'
import type { QuotaDefaults } from '#services/nova/domain/quotas.ts'
import { createServerGroups } from '#services/nova/domain/server-groups.ts'
import { createServices } from '#services/nova/domain/services.ts'
import { createUsage } from '#services/nova/domain/usage.ts'
import type { NovaRooms } from '#services/nova/service.ts'

export function nounTables(rooms: NovaRooms, defaults: QuotaDefaults): HandlerTable[] {
  const { database, policy, clock, ids, settings } = rooms
  const { maxLimit } = settings
  const verifyProject = projectCheck(rooms.neighbours.keystone)
  const downAfterMs = settings.serviceDownTimeS * 1000
  const mirror = providerMirror(
    rooms.neighbours.placement,
    ctx => rooms.identity.ctx(ctx.actor, ctx),
    (ctx, says) => rooms.log.warn(ctx, says),
  )
  const hostId = (projectId: string, host: string | null): string =>
    host === null ? '' : rooms.sha224(projectId + host)
  const aggregates = createAggregates({ database, clock, ids, mirror })
  return [
    versionHandlers(),
    ...goneHandlers(),
    extensionHandlers(),
    flavorHandlers({ domain: createFlavors({ database, policy, clock, ids, maxLimit, verifyProject }), policy }),
    keyPairHandlers(createKeyPairs({ database, policy, clock, sshKeys: rooms.sshKeys, defaults, maxLimit })),
    ...quotaHandlers(createQuotaSets({ database, policy, defaults, verifyProject })),
    serverGroupHandlers(createServerGroups({ database, policy, clock, ids, defaults, maxLimit })),
    aggregateHandlers(aggregates),
    aggregateImageHandlers(
      aggregates,
      imageWarming({
        ...{ database, clock, downAfterMs, bus: rooms.bus },
        warn: (ctx, says) => rooms.log.warn(ctx, says),
      }),
    ),
    hypervisorHandlers(createHypervisors({ database, bus: rooms.bus, clock, downAfterMs, maxLimit })),
    serviceHandlers(createServices({ database, clock, downAfterMs, mirror })),
    instanceActionHandlers(createInstanceActions({ database, policy, maxLimit }), hostId),
    usageHandlers(createUsage({ database, policy, clock, maxLimit })),
    osHostHandlers(createOsHosts({ database, clock })),
    auditLogHandlers(createAuditLog({ database, clock })),
    zoneHandlers(createAvailabilityZones({ database, clock, downAfterMs })),
  ]
}
