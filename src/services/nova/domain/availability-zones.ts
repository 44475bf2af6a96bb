// Which zones there are, and which services stand in them. A zone is available while one of its services is enabled.
import type { Database } from '#kernel/db/database.ts'
import type { Clock } from '#kernel/lib/clock.ts'
import type { Ctx } from '#kernel/lib/context.ts'
import { hostsDb, type Service } from '#services/nova/db/hosts.ts'
import type { NovaTables } from '#services/nova/db/tables.ts'
import { DEFAULT_ZONE, isUp } from '#services/nova/domain/conductor/host-states.ts'

export interface ZoneTools {
  readonly database: Database<NovaTables>
  readonly clock: Clock
  /** Age of a report after which a service counts as down. */
  readonly downAfterMs: number
}
export interface Zone {
  readonly name: string
  readonly available: boolean
  /** Its enabled services. */
  readonly services: readonly (Service & { readonly up: boolean })[]
}
/** Where services that run no guests stand. */
export const INTERNAL_ZONE = 'internal'

type Aggregates = readonly { readonly metadata: Readonly<Record<string, string>>; readonly hosts: readonly string[] }[]

/** The zone of a service: of a compute host, what one of its aggregates says. */
export const zoneOfService = (service: Pick<Service, 'binary' | 'host'>, aggregates: Aggregates): string =>
  service.binary !== 'nova-compute'
    ? INTERNAL_ZONE
    : (aggregates
        .filter(aggregate => aggregate.hosts.includes(service.host))
        .map(aggregate => aggregate.metadata['availability_zone'])
        .find(zone => zone !== undefined) ?? DEFAULT_ZONE)

export const createAvailabilityZones = ({ database, clock, downAfterMs }: ZoneTools) => ({
  /** Available ones first. */
  list: (ctx: Ctx): Promise<Zone[]> =>
    database.read(ctx, 'availability-zones', async q => {
      const db = hostsDb(q)
      const services = await db.services()
      const aggregates = await db.aggregates()
      const zones = new Map<string, (Service & { up: boolean })[]>()
      for (const service of services) {
        const zone = zoneOfService(service, aggregates)
        const inside = zones.get(zone) ?? []
        zones.set(zone, inside)
        if (!service.disabled) inside.push({ ...service, up: isUp(service, clock.now(), downAfterMs) })
      }
      const all = [...zones].map(([name, inside]) => ({ name, available: inside.length > 0, services: inside }))
      return [...all.filter(zone => zone.available), ...all.filter(zone => !zone.available)]
    }),
})
export type AvailabilityZones = ReturnType<typeof createAvailabilityZones>
