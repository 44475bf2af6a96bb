// The ledgers against each other: what inventories say is used, what allocations hold, what there is.
import type { Database } from '#kernel/db/database.ts'
import type { Audit, Violation } from '#kernel/lib/violation.ts'
import type { PlacementTables } from '#services/placement/db/tables.ts'

const LEDGER = 'I-07'

/** I-07: used = sum of allocations ≤ capacity; no allocation without inventory or consumer, no consumer without allocation. */
export const createAudit =
  (database: Database<PlacementTables>): Audit =>
  async () => {
    const q = database.kysely
    const found: Violation[] = []
    const say = (subject: string, says: string): void => void found.push({ ledger: LEDGER, subject, says })

    const sums = await q
      .selectFrom('allocations')
      .select(['provider_id', 'resource_class'])
      .select(eb => eb.fn.sum<number>('used').as('used'))
      .groupBy(['provider_id', 'resource_class'])
      .execute()
    const held = new Map(sums.map(row => [`${row.provider_id} ${row.resource_class}`, Number(row.used)]))
    for (const row of await q.selectFrom('inventories').selectAll().execute()) {
      const key = `${row.provider_id} ${row.resource_class}`
      const sum = held.get(key) ?? 0
      held.delete(key)
      const capacity = (row.total - row.reserved) * row.allocation_ratio
      if (row.used !== sum)
        say(row.provider_id, `${row.resource_class}: the inventory says ${row.used} used, its allocations hold ${sum}`)
      if (sum > capacity)
        say(row.provider_id, `${row.resource_class}: ${sum} are allocated, and there is room for ${capacity}`)
    }
    for (const [key, sum] of held) {
      const [provider = '', resourceClass = ''] = key.split(' ')
      say(provider, `${resourceClass}: ${sum} are allocated, and the provider has no such inventory`)
    }
    const idle = await q
      .selectFrom('consumers')
      .leftJoin('allocations', 'allocations.consumer_id', 'consumers.id')
      .select('consumers.id')
      .where('allocations.consumer_id', 'is', null)
      .execute()
    for (const { id } of idle) say(id, 'the consumer holds nothing')
    const nobodies = await q
      .selectFrom('allocations')
      .leftJoin('consumers', 'consumers.id', 'allocations.consumer_id')
      .select('allocations.consumer_id')
      .distinct()
      .where('consumers.id', 'is', null)
      .execute()
    for (const { consumer_id: id } of nobodies) say(id, 'it holds allocations, and is no consumer')
    const astray = await q
      .selectFrom('resource_providers as child')
      .innerJoin('resource_providers as parent', 'parent.id', 'child.parent_id')
      .select('child.id')
      .whereRef('child.root_id', '!=', 'parent.root_id')
      .execute()
    for (const { id } of astray) say(id, 'the provider and its parent name different roots')
    return found
  }
