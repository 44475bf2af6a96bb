// Cinder's own services: when each was last seen, whether it is switched off, and what its back end's pool is like.
import type { Kysely, Selectable } from 'kysely'

import { flag, fromJson, fromTime, isSet, json, time } from '#kernel/db/codecs.ts'
import { insertIfAbsent, swap } from '#kernel/db/helpers.ts'
import type { CinderTables, PoolStats, ServiceTable } from '#services/cinder/db/tables.ts'

export interface Service {
  readonly id: string
  readonly binary: string
  readonly host: string
  readonly availabilityZone: string
  readonly disabled: boolean
  readonly disabledReason: string | null
  readonly stats: PoolStats | null
  readonly createdAt: number
  readonly seenAt: number
}
const fromRow = (row: Selectable<ServiceTable>): Service => ({
  id: row.id,
  binary: row.binary,
  host: row.host,
  availabilityZone: row.availability_zone,
  disabled: isSet(row.disabled),
  disabledReason: row.disabled_reason,
  stats: row.stats === null ? null : fromJson(row.stats),
  createdAt: fromTime(row.created_at),
  seenAt: fromTime(row.seen_at),
})

export const servicesDb = (q: Kysely<CinderTables>) => ({
  async all(): Promise<Service[]> {
    return (await q.selectFrom('services').selectAll().orderBy('binary').orderBy('host').execute()).map(fromRow)
  },
  async find(binary: string, host: string): Promise<Service | undefined> {
    const row = await q
      .selectFrom('services')
      .selectAll()
      .where('binary', '=', binary)
      .where('host', '=', host)
      .executeTakeFirst()
    return row === undefined ? undefined : fromRow(row)
  },
  /** A sign of life. `id` is used when it was never seen before. */
  async seen(
    sign: { id: string; binary: string; host: string; availabilityZone: string; stats: PoolStats | null },
    now: number,
  ): Promise<void> {
    const fresh = await insertIfAbsent(
      q,
      'services',
      {
        id: sign.id,
        binary: sign.binary,
        host: sign.host,
        availability_zone: sign.availabilityZone,
        disabled: flag(false),
        disabled_reason: null,
        stats: sign.stats === null ? null : json(sign.stats),
        created_at: time(now),
        seen_at: time(now),
      },
      ['binary', 'host'],
    )
    if (fresh) return
    await swap(
      q,
      'services',
      { binary: sign.binary, host: sign.host },
      {
        availability_zone: sign.availabilityZone,
        seen_at: time(now),
        ...(sign.stats === null ? {} : { stats: json(sign.stats) }),
      },
    )
  },
  switch: (binary: string, host: string, disabled: boolean, reason: string | null): Promise<boolean> =>
    swap(q, 'services', { binary, host }, { disabled: flag(disabled), disabled_reason: reason }),
})
