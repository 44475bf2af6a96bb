// Renaming a resource class, and whether anybody has it.
import { time } from '#kernel/db/codecs.ts'
import type { Q } from '#services/placement/db/providers.ts'

/** Inventories follow, and allocations follow those. Throws DuplicateKey when the new name is taken. */
export async function renameResourceClass(q: Q, from: string, to: string, now: number): Promise<void> {
  await q
    .updateTable('custom_resource_classes')
    .set({ name: to, updated_at: time(now) })
    .where('name', '=', from)
    .execute()
  await q.updateTable('inventories').set({ resource_class: to }).where('resource_class', '=', from).execute()
}

export async function isClassInUse(q: Q, name: string): Promise<boolean> {
  const row = await q
    .selectFrom('inventories')
    .select('provider_id')
    .where('resource_class', '=', name)
    .limit(1)
    .executeTakeFirst()
  return row !== undefined
}
