// What all nouns share in the database: reading standard columns, and raising the revision with every change.
import { sql, type Kysely } from 'kysely'
import { time, type TimeText } from '#kernel/db/codecs.ts'
import { inChunks } from '#kernel/db/helpers.ts'
import type { NeutronTables, StandardColumns } from '#services/neutron/db/tables.ts'

export type Q = Kysely<NeutronTables>

/** What every entity has. */
export interface Standard {
  readonly id: string
  readonly projectId: string
  readonly name: string
  readonly description: string
  readonly createdAt: TimeText
  readonly updatedAt: TimeText
  readonly revision: number
}
export const standardOf = (row: Readonly<StandardColumns>): Standard => ({
  id: row.id,
  projectId: row.project_id,
  name: row.name,
  description: row.description,
  createdAt: row.created_at,
  updatedAt: row.updated_at,
  revision: row.revision_number,
})
/** The same columns of a new row. */
export const newStandard = (
  id: string,
  projectId: string,
  given: { readonly name?: string; readonly description?: string },
  now: number,
): StandardColumns => ({
  id,
  project_id: projectId,
  name: given.name ?? '',
  description: given.description ?? '',
  created_at: time(now),
  updated_at: time(now),
  revision_number: 1,
})

export type Revised =
  | 'address_groups'
  | 'address_scopes'
  | 'conntrack_helpers'
  | 'default_security_group_rules'
  | 'default_statefulness'
  | 'metering_label_rules'
  | 'metering_labels'
  | 'segment_ranges'
  | 'segments'
  | 'service_flavors'
  | 'service_profiles'
  | 'port_forwardings'
  | 'networks'
  | 'subnets'
  | 'subnetpools'
  | 'ports'
  | 'security_groups'
  | 'security_group_rules'
  | 'routers'
  | 'floatingips'
  | 'qos_policies'
  | 'trunks'

/** Changes a row and raises its revision: also without columns of its own, when something that belongs to it changed. */
export async function revise<N extends Revised>(
  q: Q,
  table: N,
  id: string,
  now: number,
  set: Partial<NeutronTables[N]> = {},
): Promise<void> {
  await q
    .updateTable(table as 'networks')
    .set({
      ...(set as Partial<NeutronTables['networks']>),
      updated_at: time(now),
      revision_number: sql`revision_number + 1` as never,
    })
    .where('id', '=', id)
    .execute()
}

/** How many rows of a project there are: for quotas. */
export async function countOf(q: Q, table: Revised | 'rbac_policies', projectId: string): Promise<number> {
  const row = await q
    .selectFrom(table as 'networks')
    .select(eb => eb.fn.countAll<number>().as('count'))
    .where('project_id', '=', projectId)
    .executeTakeFirstOrThrow()
  return Number(row.count)
}

/** Tags of many things: id → tags, sorted. */
export async function tagsOf(q: Q, ids: readonly string[]): Promise<ReadonlyMap<string, readonly string[]>> {
  const rows = await inChunks(ids, some =>
    q.selectFrom('tags').selectAll().where('resource_id', 'in', some).orderBy('resource_id').orderBy('tag').execute(),
  )
  const found = new Map<string, string[]>()
  for (const row of rows) {
    const tags = found.get(row.resource_id)
    if (tags === undefined) found.set(row.resource_id, [row.tag])
    else tags.push(row.tag)
  }
  return found
}
export async function deleteTags(q: Q, ids: readonly string[]): Promise<void> {
  if (ids.length > 0) await q.deleteFrom('tags').where('resource_id', 'in', ids).execute()
}
