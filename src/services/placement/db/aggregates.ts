// Which provider is in which aggregates. An aggregate is nothing but its id.
import { inChunks } from '#kernel/db/helpers.ts'
import type { Q } from '#services/placement/db/providers.ts'

export async function aggregatesOf(q: Q, providerIds: Iterable<string>): Promise<Map<string, string[]>> {
  const rows = await inChunks(providerIds, some =>
    q
      .selectFrom('provider_aggregates')
      .selectAll()
      .where('provider_id', 'in', [...some])
      .orderBy('provider_id')
      .orderBy('aggregate_id')
      .execute(),
  )
  const aggregates = new Map<string, string[]>()
  for (const row of rows) {
    const list = aggregates.get(row.provider_id)
    if (list === undefined) aggregates.set(row.provider_id, [row.aggregate_id])
    else list.push(row.aggregate_id)
  }
  return aggregates
}

/** Who is in one of these aggregates, as pairs. */
export const membersOfAggregates = (
  q: Q,
  aggregateIds: Iterable<string>,
): Promise<{ provider_id: string; aggregate_id: string }[]> =>
  inChunks(aggregateIds, some =>
    q
      .selectFrom('provider_aggregates')
      .selectAll()
      .where('aggregate_id', 'in', [...some])
      .execute(),
  )

export async function replaceAggregates(q: Q, providerId: string, aggregateIds: readonly string[]): Promise<void> {
  await q.deleteFrom('provider_aggregates').where('provider_id', '=', providerId).execute()
  if (aggregateIds.length === 0) return
  await q
    .insertInto('provider_aggregates')
    .values(aggregateIds.map(id => ({ provider_id: providerId, aggregate_id: id })))
    .execute()
}

/** For each of these sharing providers the roots of all trees that have a member in one of its aggregates, as pairs. */
export const anchorsOf = (q: Q, sharingIds: Iterable<string>): Promise<{ provider_id: string; root_id: string }[]> =>
  inChunks(sharingIds, some =>
    q
      .selectFrom('provider_aggregates as own')
      .innerJoin('provider_aggregates as other', 'other.aggregate_id', 'own.aggregate_id')
      .innerJoin('resource_providers', 'resource_providers.id', 'other.provider_id')
      .select(['own.provider_id', 'resource_providers.root_id'])
      .distinct()
      .where('own.provider_id', 'in', [...some])
      .execute(),
  )
