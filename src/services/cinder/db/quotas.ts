// Limits of projects as rows, and what is in use, counted from the living rows.
import type { Kysely } from 'kysely'

import { upsert } from '#kernel/db/helpers.ts'
import type { CinderTables } from '#services/cinder/db/tables.ts'

/** The owner under which the default class's limits stand. */
export const DEFAULT_CLASS = 'class:default'

/** What one type, or all, use. */
export interface Usage {
  readonly volumes: number
  readonly gigabytes: number
  readonly snapshots: number
  readonly snapshotGigabytes: number
}

export const quotasDb = (q: Kysely<CinderTables>) => ({
  /** Resource → limit, by owner. */
  async limits(owners: readonly string[]): Promise<Map<string, Map<string, number>>> {
    const rows = await q.selectFrom('quotas').selectAll().where('owner', 'in', owners).execute()
    const all = new Map<string, Map<string, number>>()
    for (const row of rows) {
      let bag = all.get(row.owner)
      if (bag === undefined) all.set(row.owner, (bag = new Map()))
      bag.set(row.resource, row.quota)
    }
    return all
  },
  set: (owner: string, resource: string, quota: number): Promise<void> =>
    upsert(q, 'quotas', { owner, resource, quota }, ['owner', 'resource']),
  async clear(owner: string): Promise<void> {
    await q.deleteFrom('quotas').where('owner', '=', owner).execute()
  },
  /** By type id. */
  async usage(projectId: string): Promise<Map<string, Usage>> {
    const volumes = await q
      .selectFrom('volumes')
      .select(({ fn }) => ['type_id', fn.countAll<number>().as('many'), fn.sum<number | null>('claimed_gb').as('gb')])
      .where('project_id', '=', projectId)
      .groupBy('type_id')
      .execute()
    const snapshots = await q
      .selectFrom('snapshots')
      .select(({ fn }) => ['type_id', fn.countAll<number>().as('many'), fn.sum<number | null>('size_gb').as('gb')])
      .where('project_id', '=', projectId)
      .groupBy('type_id')
      .execute()
    const all = new Map<string, Usage>()
    const none: Usage = { volumes: 0, gigabytes: 0, snapshots: 0, snapshotGigabytes: 0 }
    for (const row of volumes)
      all.set(row.type_id, { ...none, volumes: Number(row.many), gigabytes: Number(row.gb ?? 0) })
    for (const row of snapshots)
      all.set(row.type_id, {
        ...(all.get(row.type_id) ?? none),
        snapshots: Number(row.many),
        snapshotGigabytes: Number(row.gb ?? 0),
      })
    return all
  },
})
