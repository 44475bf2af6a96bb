// The tables of all nouns that are not servers, each given what its room needs.
import type { HandlerTable } from '#kernel/http/handlers.ts'
import { projectCheck } from '#services/nova/actors/neighbours/keystone.ts'
import { zoneHandlers } from '#services/nova/api/availability-zones.ts'
import { flavorHandlers } from '#services/nova/api/flavors.ts'
import { keyPairHandlers } from '#services/nova/api/key-pairs.ts'
import { quotaHandlers } from '#services/nova/api/quota-sets.ts'
import { versionHandlers } from '#services/nova/api/version-documents.ts'
import { createAvailabilityZones } from '#services/nova/domain/availability-zones.ts'
import { createFlavors } from '#services/nova/domain/flavors.ts'
import { createKeyPairs } from '#services/nova/domain/key-pairs.ts'
import { createQuotaSets } from '#services/nova/domain/quota-sets.ts'
import type { QuotaDefaults } from '#services/nova/domain/quotas.ts'
import type { NovaRooms } from '#services/nova/service.ts'

export function nounTables(rooms: NovaRooms, defaults: QuotaDefaults): HandlerTable[] {
  const { database, policy, clock, ids, settings } = rooms
  const { maxLimit } = settings
  const verifyProject = projectCheck(rooms.neighbours.keystone)
  const downAfterMs = settings.serviceDownTimeS * 1000
  return [
    versionHandlers(),
    flavorHandlers({ domain: createFlavors({ database, policy, clock, ids, maxLimit, verifyProject }), policy }),
    keyPairHandlers(createKeyPairs({ database, policy, clock, sshKeys: rooms.sshKeys, defaults, maxLimit })),
    ...quotaHandlers(createQuotaSets({ database, policy, defaults, verifyProject })),
    zoneHandlers(createAvailabilityZones({ database, clock, downAfterMs })),
  ]
}
