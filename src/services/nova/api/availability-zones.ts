// Availability zones over HTTP.
import { handlers, type HandlerTable } from '#kernel/http/handlers.ts'
import { isoMicros } from '#kernel/lib/clock.ts'
import { availabilityZones } from '#services/nova/contract/availability-zones.ts'
import { INTERNAL_ZONE, type AvailabilityZones, type Zone } from '#services/nova/domain/availability-zones.ts'

const hostsOf = (zone: Zone): Record<string, Record<string, object>> => {
  const hosts: Record<string, Record<string, object>> = {}
  for (const service of zone.services) {
    const inside = (hosts[service.host] ??= {})
    inside[service.binary] = {
      available: service.up,
      active: !service.disabled,
      updated_at: service.lastSeenAt === null ? null : isoMicros(service.lastSeenAt),
    }
  }
  return hosts
}

export const zoneHandlers = (domain: AvailabilityZones): HandlerTable =>
  handlers(availabilityZones, {
    list: async call => ({
      availabilityZoneInfo: (await domain.list(call.ctx))
        .filter(zone => zone.name !== INTERNAL_ZONE)
        .map(zone => ({ zoneName: zone.name, zoneState: { available: zone.available }, hosts: null })),
    }),
    detail: async call => ({
      availabilityZoneInfo: (await domain.list(call.ctx)).map(zone => ({
        zoneName: zone.name,
        zoneState: { available: zone.available },
        hosts: zone.available ? hostsOf(zone) : null,
      })),
    }),
  })
