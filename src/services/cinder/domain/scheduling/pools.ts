// The pools there are: what the back ends report, with what we have promised of each.
import type { Kysely } from 'kysely'

import { servicesDb, type Service } from '#services/cinder/db/services.ts'
import type { CinderTables } from '#services/cinder/db/tables.ts'
import { volumesDb } from '#services/cinder/db/volumes.ts'
import type { PoolState } from '#services/cinder/domain/scheduling/decide.ts'

export interface PoolSettings {
  readonly maxOverSubscriptionRatio: number
  readonly downAfterMs: number
}

/** `node-1@file` with pool `pool` → `node-1@file#pool`. */
export const poolHost = (service: Service): string => `${service.host}#${service.stats?.pool ?? 'pool'}`
export const isUp = (service: Service, now: number, downAfterMs: number): boolean =>
  Math.abs(now - service.seenAt) <= downAfterMs

/** One state per back end that has ever reported. */
export async function poolStates(q: Kysely<CinderTables>, settings: PoolSettings, now: number): Promise<PoolState[]> {
  const pools: PoolState[] = []
  for (const service of await servicesDb(q).all()) {
    if (service.binary !== 'cinder-volume' || service.stats === null) continue
    const host = poolHost(service)
    const claimed = await volumesDb(q).claimedOf(host)
    pools.push({
      host,
      availabilityZone: service.availabilityZone,
      up: isUp(service, now, settings.downAfterMs),
      disabled: service.disabled,
      stats: service.stats,
      claimedGb: claimed.gigabytes + claimed.snapshotGigabytes,
      ratio: settings.maxOverSubscriptionRatio,
    })
  }
  return pools
}
