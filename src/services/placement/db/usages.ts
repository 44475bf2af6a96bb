// What a project or one of its users holds, summed by resource class and by type of consumer.
import type { Q } from '#services/placement/db/providers.ts'

export interface Sum {
  readonly type: string | null
  readonly resourceClass: string
  readonly used: number
}
export interface Count {
  readonly type: string | null
  readonly consumers: number
}

/** Sums of allocations of the project's consumers; `userId` null: of all its users. */
export async function usageSums(q: Q, projectId: string, userId: string | null): Promise<Sum[]> {
  let query = q
    .selectFrom('consumers')
    .innerJoin('allocations', 'allocations.consumer_id', 'consumers.id')
    .where('consumers.project_id', '=', projectId)
  if (userId !== null) query = query.where('consumers.user_id', '=', userId)
  const rows = await query
    .select(['consumers.type', 'allocations.resource_class'])
    .select(eb => eb.fn.sum<number>('allocations.used').as('used'))
    .groupBy(['consumers.type', 'allocations.resource_class'])
    .execute()
  return rows.map(row => ({ type: row.type, resourceClass: row.resource_class, used: Number(row.used) }))
}

/** How many consumers of each type there are. */
export async function consumerCounts(q: Q, projectId: string, userId: string | null): Promise<Count[]> {
  let query = q.selectFrom('consumers').where('project_id', '=', projectId)
  if (userId !== null) query = query.where('user_id', '=', userId)
  const rows = await query
    .select('type')
    .select(eb => eb.fn.countAll<number>().as('consumers'))
    .groupBy('type')
    .execute()
  return rows.map(row => ({ type: row.type, consumers: Number(row.consumers) }))
}
