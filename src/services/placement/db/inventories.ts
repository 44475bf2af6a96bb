// Inventories: what a provider has of each resource class, and how much of it is allocated.
import type { Selectable } from 'kysely'
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

/** Those of one class, whoever has it. */
export async function inventoriesOfClass(q: Q, resourceClass: string): Promise<Inventory[]> {
  const rows = await q.selectFrom('inventories').selectAll().where('resource_class', '=', resourceClass).execute()
  return rows.map(entity)
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
