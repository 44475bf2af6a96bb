// What provider summaries show, read lean: a request may show a whole cloud.
import { inChunks } from '#kernel/db/helpers.ts'
import type { Q } from '#services/placement/db/providers.ts'

/** A provider's place. */
export interface Place {
  readonly id: string
  readonly parentId: string | null
  readonly rootId: string
}
/** What a provider has of a class in all, and how much of it is allocated. */
export interface Stock {
  readonly providerId: string
  readonly resourceClass: string
  readonly capacity: number
  readonly used: number
}

/** All members of the trees with these roots. */
export async function placesInTrees(q: Q, rootIds: Iterable<string>): Promise<Place[]> {
  const rows = await inChunks(rootIds, some =>
    q
      .selectFrom('resource_providers')
      .select(['id', 'parent_id', 'root_id'])
      .where('root_id', 'in', [...some])
      .execute(),
  )
  return rows.map(row => ({ id: row.id, parentId: row.parent_id, rootId: row.root_id }))
}

export async function stockOf(q: Q, providerIds: Iterable<string>): Promise<Stock[]> {
  const rows = await inChunks(providerIds, some =>
    q
      .selectFrom('inventories')
      .select(['provider_id', 'resource_class', 'total', 'reserved', 'allocation_ratio', 'used'])
      .where('provider_id', 'in', [...some])
      .execute(),
  )
  return rows.map(row => ({
    providerId: row.provider_id,
    resourceClass: row.resource_class,
    capacity: Math.trunc((row.total - row.reserved) * row.allocation_ratio),
    used: Number(row.used),
  }))
}
