// Allocations, and the consumers that hold them.
import type { Selectable } from 'kysely'
import { fromTime, time } from '#kernel/db/codecs.ts'
import { inChunks, insertAll, swap } from '#kernel/db/helpers.ts'
import type { Q } from '#services/placement/db/providers.ts'
import type { PlacementTables } from '#services/placement/db/tables.ts'

export interface Consumer {
  readonly id: string
  readonly projectId: string
  readonly userId: string
  readonly type: string | null
  readonly generation: number
}
export interface Allocation {
  readonly consumerId: string
  readonly providerId: string
  readonly resourceClass: string
  readonly used: number
  readonly createdAt: number
}

const consumerEntity = (row: Selectable<PlacementTables['consumers']>): Consumer => ({
  id: row.id,
  projectId: row.project_id,
  userId: row.user_id,
  type: row.type,
  generation: Number(row.generation),
})
const entity = (row: Selectable<PlacementTables['allocations']>): Allocation => ({
  consumerId: row.consumer_id,
  providerId: row.provider_id,
  resourceClass: row.resource_class,
  used: Number(row.used),
  createdAt: fromTime(row.created_at),
})

export async function consumersByIds(q: Q, ids: Iterable<string>): Promise<Map<string, Consumer>> {
  const rows = await inChunks(ids, some =>
    q
      .selectFrom('consumers')
      .selectAll()
      .where('id', 'in', [...some])
      .execute(),
  )
  return new Map(rows.map(row => [row.id, consumerEntity(row)]))
}

export async function allocationsOfConsumers(q: Q, consumerIds: Iterable<string>): Promise<Allocation[]> {
  const rows = await inChunks(consumerIds, some =>
    q
      .selectFrom('allocations')
      .selectAll()
      .where('consumer_id', 'in', [...some])
      .execute(),
  )
  return rows.map(entity)
}

/** What a consumer holds, with the generation of each provider it holds it on. */
export async function holdingsOf(
  q: Q,
  consumerId: string,
): Promise<readonly (Allocation & { readonly providerGeneration: number })[]> {
  const rows = await q
    .selectFrom('allocations')
    .innerJoin('resource_providers', 'resource_providers.id', 'allocations.provider_id')
    .selectAll('allocations')
    .select('resource_providers.generation as provider_generation')
    .where('consumer_id', '=', consumerId)
    .execute()
  return rows.map(row => ({ ...entity(row), providerGeneration: Number(row.provider_generation) }))
}

/** What is allocated on a provider, with the generation of each consumer. */
export async function allocationsOnProvider(
  q: Q,
  providerId: string,
): Promise<readonly (Allocation & { readonly consumerGeneration: number })[]> {
  const rows = await q
    .selectFrom('allocations')
    .innerJoin('consumers', 'consumers.id', 'allocations.consumer_id')
    .selectAll('allocations')
    .select('consumers.generation as consumer_generation')
    .where('provider_id', '=', providerId)
    .execute()
  return rows.map(row => ({ ...entity(row), consumerGeneration: Number(row.consumer_generation) }))
}

export async function insertConsumer(q: Q, consumer: Consumer, now: number): Promise<void> {
  await q
    .insertInto('consumers')
    .values({
      id: consumer.id,
      project_id: consumer.projectId,
      user_id: consumer.userId,
      type: consumer.type,
      generation: consumer.generation,
      created_at: time(now),
      updated_at: time(now),
    })
    .execute()
}

/** Writes what changed of a consumer, its generation one further; false when somebody else moved it. */
export const updateConsumer = (
  q: Q,
  before: Consumer,
  change: Pick<Consumer, 'projectId' | 'userId' | 'type'>,
  now: number,
): Promise<boolean> =>
  swap(
    q,
    'consumers',
    { id: before.id, generation: before.generation },
    {
      project_id: change.projectId,
      user_id: change.userId,
      type: change.type,
      generation: before.generation + 1,
      updated_at: time(now),
    },
  )

/** Consumers without allocations are nobody. */
export async function deleteConsumers(q: Q, ids: readonly string[]): Promise<void> {
  await q
    .deleteFrom('consumers')
    .where('id', 'in', [...ids])
    .execute()
}

export async function deleteAllocationsOf(q: Q, consumerIds: Iterable<string>): Promise<void> {
  await inChunks(consumerIds, async some => {
    await q
      .deleteFrom('allocations')
      .where('consumer_id', 'in', [...some])
      .execute()
    return []
  })
}

export async function insertAllocations(
  q: Q,
  rows: readonly Omit<Allocation, 'createdAt'>[],
  now: number,
): Promise<void> {
  await insertAll(
    q,
    'allocations',
    rows.map(row => ({
      consumer_id: row.consumerId,
      provider_id: row.providerId,
      resource_class: row.resourceClass,
      used: row.used,
      created_at: time(now),
    })),
  )
}
