// Inventories: what a provider has of each resource class, and how much of it is allocated.
import { sql, type Selectable, type SqlBool } from 'kysely'
import { fromTime, time } from '#kernel/db/codecs.ts'
import { inChunks } from '#kernel/db/helpers.ts'
import type { Q } from '#services/placement/db/providers.ts'
import type { PlacementTables } from '#services/placement/db/tables.ts'

/** What people say of an inventory. */
export interface InventoryFigures {
  readonly total: number
  readonly reserved: number
  readonly minUnit: number
  readonly maxUnit: number
  readonly stepSize: number
  readonly allocationRatio: number
}
export interface Inventory extends InventoryFigures {
  readonly providerId: string
  readonly resourceClass: string
  /** The sum of its allocations. */
  readonly used: number
  readonly updatedAt: number
}

const entity = (row: Selectable<PlacementTables['inventories']>): Inventory => ({
  providerId: row.provider_id,
  resourceClass: row.resource_class,
  total: Number(row.total),
  reserved: Number(row.reserved),
  minUnit: Number(row.min_unit),
  maxUnit: Number(row.max_unit),
  stepSize: Number(row.step_size),
  allocationRatio: row.allocation_ratio,
  used: Number(row.used),
  updatedAt: fromTime(row.updated_at),
})
const figures = (of: InventoryFigures) => ({
  total: of.total,
  reserved: of.reserved,
  min_unit: of.minUnit,
  max_unit: of.maxUnit,
  step_size: of.stepSize,
  allocation_ratio: of.allocationRatio,
})

/** What there is to give, used or not: what is not reserved, times the ratio, whole units only. */
export const capacityOf = (of: InventoryFigures): number => Math.trunc((of.total - of.reserved) * of.allocationRatio)

export async function inventoriesOf(q: Q, providerIds: Iterable<string>): Promise<Inventory[]> {
  const rows = await inChunks(providerIds, some =>
    q
      .selectFrom('inventories')
      .selectAll()
      .where('provider_id', 'in', [...some])
      .execute(),
  )
  return rows.map(entity)
}

export async function inventoryOf(q: Q, providerId: string, resourceClass: string): Promise<Inventory | null> {
  const row = await q
    .selectFrom('inventories')
    .selectAll()
    .where('provider_id', '=', providerId)
    .where('resource_class', '=', resourceClass)
    .executeTakeFirst()
  return row === undefined ? null : entity(row)
}

/** A provider that can give so much of a class at once. */
export interface Roomy {
  readonly providerId: string
  readonly rootId: string
  /** What is left, before this request, and the most that one allocation may take. */
  readonly left: number
  readonly maxUnit: number
}

/** Who can give `amount` of a class at once; `rootId`: only in that tree. In the order of ids. */
export async function roomyProviders(
  q: Q,
  resourceClass: string,
  amount: number,
  rootId: string | null,
): Promise<Roomy[]> {
  let query = q
    .selectFrom('inventories')
    .innerJoin('resource_providers', 'resource_providers.id', 'inventories.provider_id')
    .where('inventories.resource_class', '=', resourceClass)
    .where(sql<SqlBool>`used + ${amount} <= (total - reserved) * allocation_ratio`)
    .where('min_unit', '<=', amount)
    .where('max_unit', '>=', amount)
    .where(sql<SqlBool>`${amount} % step_size = 0`)
  if (rootId !== null) query = query.where('resource_providers.root_id', '=', rootId)
  const rows = await query
    .select(['provider_id', 'root_id', 'total', 'reserved', 'allocation_ratio', 'used', 'max_unit'])
    .orderBy('inventories.provider_id')
    .execute()
  return rows.map(row => ({
    providerId: row.provider_id,
    rootId: row.root_id,
    left: Math.trunc((row.total - row.reserved) * row.allocation_ratio) - row.used,
    maxUnit: Number(row.max_unit),
  }))
}

/** Throws DuplicateKey when the provider has that class already. */
export async function insertInventory(
  q: Q,
  key: { providerId: string; resourceClass: string },
  of: InventoryFigures,
  now: number,
): Promise<void> {
  await q
    .insertInto('inventories')
    .values({
      provider_id: key.providerId,
      resource_class: key.resourceClass,
      ...figures(of),
      used: 0,
      created_at: time(now),
      updated_at: time(now),
    })
    .execute()
}

/** False when there is no such inventory. */
export async function updateInventory(
  q: Q,
  key: { providerId: string; resourceClass: string },
  of: InventoryFigures,
  now: number,
): Promise<boolean> {
  const result = await q
    .updateTable('inventories')
    .set({ ...figures(of), updated_at: time(now) })
    .where('provider_id', '=', key.providerId)
    .where('resource_class', '=', key.resourceClass)
    .executeTakeFirstOrThrow()
  return result.numUpdatedRows > 0n
}

/** Throws BrokenReference while there are allocations. */
export async function deleteInventories(q: Q, providerId: string, classes: readonly string[]): Promise<void> {
  await q
    .deleteFrom('inventories')
    .where('provider_id', '=', providerId)
    .where('resource_class', 'in', [...classes])
    .execute()
}

/** Moves what is used of an inventory by so much, up or down. */
export async function moveUsed(q: Q, providerId: string, resourceClass: string, by: number): Promise<void> {
  await q
    .updateTable('inventories')
    .set(eb => ({ used: eb('used', '+', by) }))
    .where('provider_id', '=', providerId)
    .where('resource_class', '=', resourceClass)
    .execute()
}
