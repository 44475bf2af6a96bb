// Cinder's services, the zones they stand in, and the pools behind them.
import type { Ctx } from '#kernel/lib/context.ts'
import { faults } from '#services/cinder/contract/faults.ts'
import { servicesDb, type Service } from '#services/cinder/db/services.ts'
import { volumesDb } from '#services/cinder/db/volumes.ts'
import { isUp, poolHost } from '#services/cinder/domain/scheduling/pools.ts'
import type { DomainTools } from '#services/cinder/domain/tools.ts'

export interface ServiceView extends Service {
  readonly up: boolean
}
/** A pool as administrators see it. */
export interface PoolView {
  readonly name: string
  readonly service: Service
  readonly claimedGb: number
  readonly snapshotGb: number
  readonly volumes: number
}

export const createServicesDomain = (tools: DomainTools) => {
  const { database, clock, settings } = tools
  const all = async (ctx: Ctx): Promise<ServiceView[]> => {
    const now = clock.now()
    const services = await database.read(ctx, 'list-services', q => servicesDb(q).all())
    return services.map(service => ({ ...service, up: isUp(service, now, settings.downAfterMs) }))
  }
  return {
    async list(ctx: Ctx, filters: { host: string | null; binary: string | null }): Promise<ServiceView[]> {
      const fits = (service: Service): boolean =>
        (filters.binary === null || service.binary === filters.binary) &&
        (filters.host === null || service.host === filters.host || service.host.startsWith(`${filters.host}@`))
      return (await all(ctx)).filter(fits)
    },
    async switch(
      ctx: Ctx,
      wish: { binary: string | null; host: string | null; disabled: boolean; reason: string | null },
    ): Promise<Service> {
      const { binary, host } = wish
      if (host === null) throw faults.InvalidInput({ reason: 'Host field is missing.' })
      if (binary === null) throw faults.BadRequest({ reason: 'Missing required element binary in request body.' })
      const found = await database.tx(ctx, 'switch-service', async q =>
        (await servicesDb(q).switch(binary, host, wish.disabled, wish.reason))
          ? servicesDb(q).find(binary, host)
          : undefined,
      )
      if (found === undefined) throw faults.ServiceNotFound({ binary, host })
      return found
    },
    /** Name → whether one of its services is switched on. */
    async zones(ctx: Ctx): Promise<ReadonlyMap<string, boolean>> {
      const zones = new Map<string, boolean>()
      for (const service of await all(ctx)) {
        if (service.binary !== 'cinder-volume') continue
        zones.set(service.availabilityZone, (zones.get(service.availabilityZone) ?? false) || !service.disabled)
      }
      if (zones.size === 0) zones.set(settings.availabilityZone, true)
      return zones
    },
    async pools(ctx: Ctx): Promise<PoolView[]> {
      return database.read(ctx, 'list-pools', async q => {
        const pools: PoolView[] = []
        for (const service of await servicesDb(q).all()) {
          if (service.binary !== 'cinder-volume' || service.stats === null) continue
          const name = poolHost(service)
          const claimed = await volumesDb(q).claimedOf(name)
          pools.push({
            name,
            service,
            claimedGb: claimed.gigabytes,
            snapshotGb: claimed.snapshotGigabytes,
            volumes: claimed.volumes,
          })
        }
        return pools
      })
    },
    /** The uuid of the service that has a pool: shown with volumes from 3.48 on. */
    async idsByHost(ctx: Ctx): Promise<ReadonlyMap<string, string>> {
      const services = await database.read(ctx, 'service-ids', q => servicesDb(q).all())
      return new Map(services.filter(one => one.binary === 'cinder-volume').map(one => [one.host, one.id]))
    },
  }
}
export type ServicesDomain = ReturnType<typeof createServicesDomain>
