// Host aggregates.
import type { Kysely, Selectable } from 'kysely'

import { fromJson, fromTime, json, orNull, time } from '#kernel/db/codecs.ts'
import { insertIfAbsent, swap } from '#kernel/db/helpers.ts'
import type { NovaTables } from '#services/nova/db/tables.ts'

export interface Aggregate {
  readonly id: number
  readonly uuid: string
  readonly name: string
  readonly hosts: readonly string[]
  readonly metadata: Readonly<Record<string, string>>
  readonly createdAt: number
  readonly updatedAt: number | null
}

const aggregateFromRow = (row: Selectable<NovaTables['aggregates']>, hosts: readonly string[]): Aggregate => ({
  id: row.id,
  uuid: row.uuid,
  name: row.name,
  hosts,
  metadata: fromJson(row.metadata),
  createdAt: fromTime(row.created_at),
  updatedAt: orNull(fromTime)(row.updated_at),
})

export const aggregatesDb = (q: Kysely<NovaTables>) => ({
  async all(): Promise<Aggregate[]> {
    const rows = await q.selectFrom('aggregates').selectAll().orderBy('id').execute()
    const members = await q.selectFrom('aggregate_hosts').selectAll().orderBy('host').execute()
    const hosts = new Map<number, string[]>()
    for (const { aggregate_id: id, host } of members) hosts.set(id, [...(hosts.get(id) ?? []), host])
    return rows.map(row => aggregateFromRow(row, hosts.get(row.id) ?? []))
  },
  async byId(id: number): Promise<Aggregate | undefined> {
    const row = await q.selectFrom('aggregates').selectAll().where('id', '=', id).executeTakeFirst()
    if (row === undefined) return undefined
    const members = await q
      .selectFrom('aggregate_hosts')
      .select('host')
      .where('aggregate_id', '=', id)
      .orderBy('host')
      .execute()
    return aggregateFromRow(
      row,
      members.map(member => member.host),
    )
  },
  async nameTaken(name: string, exceptId: number | null): Promise<boolean> {
    const row = await q.selectFrom('aggregates').select('id').where('name', '=', name).executeTakeFirst()
    return row !== undefined && row.id !== exceptId
  },
  async add(aggregate: Aggregate): Promise<void> {
    await q
      .insertInto('aggregates')
      .values({
        id: aggregate.id,
        uuid: aggregate.uuid,
        name: aggregate.name,
        metadata: json({ ...aggregate.metadata }),
        created_at: time(aggregate.createdAt),
        updated_at: null,
      })
      .execute()
  },
  change: (
    id: number,
    change: { name?: string; metadata?: Readonly<Record<string, string>> },
    now: number,
  ): Promise<boolean> =>
    swap(
      q,
      'aggregates',
      { id },
      {
        updated_at: time(now),
        ...(change.name === undefined ? {} : { name: change.name }),
        ...(change.metadata === undefined ? {} : { metadata: json({ ...change.metadata }) }),
      },
    ),
  async remove(id: number): Promise<void> {
    await q.deleteFrom('aggregates').where('id', '=', id).execute()
  },
  /** False: it was a member already. */
  addHost: (id: number, host: string): Promise<boolean> =>
    insertIfAbsent(q, 'aggregate_hosts', { aggregate_id: id, host }, ['aggregate_id', 'host']),
  async removeHost(id: number, host: string): Promise<boolean> {
    const gone = await q
      .deleteFrom('aggregate_hosts')
      .where('aggregate_id', '=', id)
      .where('host', '=', host)
      .executeTakeFirst()
    return gone.numDeletedRows > 0n
  },
  /** Out of all aggregates: for a host that is taken away. */
  async forgetHost(host: string): Promise<void> {
    await q.deleteFrom('aggregate_hosts').where('host', '=', host).execute()
  },
  /** Living servers on these hosts. */
  async serversOn(hosts: readonly string[]): Promise<number> {
    if (hosts.length === 0) return 0
    const row = await q
      .selectFrom('servers')
      .select(({ fn }) => fn.countAll<number>().as('many'))
      .where('deleted_at', 'is', null)
      .where('host', 'in', [...hosts])
      .executeTakeFirst()
    return Number(row?.many ?? 0)
  },
})
