// Which networks and routers an operator put on an agent or took from it. What is not here is where it is by itself.
import { flag, isSet } from '#kernel/db/codecs.ts'
import { inChunks, upsert } from '#kernel/db/helpers.ts'
import type { Q } from '#services/neutron/db/standard.ts'

export const schedulesDb = {
  /** Of many: id → said to be hosted or not. */
  async of(q: Q, ids: Iterable<string>): Promise<ReadonlyMap<string, boolean>> {
    const rows = await inChunks(ids, some =>
      q.selectFrom('schedules').selectAll().where('resource_id', 'in', some).execute(),
    )
    return new Map(rows.map(row => [row.resource_id, isSet(row.hosted)]))
  },
  set: (q: Q, id: string, hosted: boolean): Promise<void> =>
    upsert(q, 'schedules', { resource_id: id, hosted: flag(hosted) }, ['resource_id']),
  async forget(q: Q, id: string): Promise<void> {
    await q.deleteFrom('schedules').where('resource_id', '=', id).execute()
  },
}
