// Numbers that only grow, one per name. Inside a transaction only.
import type { Kysely } from 'kysely'

import type { NovaTables } from '#services/nova/db/tables.ts'

/** 1, 2, 3 …: a number that was never given out under this name. */
export async function nextNumber(q: Kysely<NovaTables>, name: string): Promise<number> {
  const row = await q.selectFrom('counters').select('value').where('name', '=', name).executeTakeFirst()
  const value = (row?.value ?? 0) + 1
  if (row === undefined) await q.insertInto('counters').values({ name, value }).execute()
  else await q.updateTable('counters').set({ value }).where('name', '=', name).execute()
  return value
}
