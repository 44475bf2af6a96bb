// What the service remembers about itself, by name.
import { upsert } from '#kernel/db/helpers.ts'
import type { Query } from '#services/keystone/db/ledger.ts'

export async function findMark(q: Query, name: string): Promise<string | null> {
  const row = await q.selectFrom('marks').select('value').where('name', '=', name).executeTakeFirst()
  return row?.value ?? null
}
export const setMark = (q: Query, name: string, value: string): Promise<void> =>
  upsert(q, 'marks', { name, value }, ['name'])
