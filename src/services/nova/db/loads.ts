// What lists show beside the servers themselves, one query each for a whole page.
import type { Kysely } from 'kysely'

import { inChunks } from '#kernel/db/helpers.ts'
import type { NovaTables } from '#services/nova/db/tables.ts'

export const loadsDb = (q: Kysely<NovaTables>) => ({
  async metadata(ids: readonly string[]): Promise<Map<string, Record<string, string>>> {
    const rows = await inChunks(ids, some =>
      q
        .selectFrom('server_metadata')
        .selectAll()
        .where('server_id', 'in', [...some])
        .orderBy('key')
        .execute(),
    )
    const found = new Map<string, Record<string, string>>()
    for (const row of rows) {
      const bag = found.get(row.server_id)
      if (bag === undefined) found.set(row.server_id, { [row.key]: row.value })
      else bag[row.key] = row.value
    }
    return found
  },
  async tags(ids: readonly string[]): Promise<Map<string, string[]>> {
    const rows = await inChunks(ids, some =>
      q
        .selectFrom('server_tags')
        .selectAll()
        .where('server_id', 'in', [...some])
        .orderBy('tag')
        .execute(),
    )
    const found = new Map<string, string[]>()
    for (const row of rows) found.set(row.server_id, [...(found.get(row.server_id) ?? []), row.tag])
    return found
  },
  async groups(ids: readonly string[]): Promise<Map<string, string[]>> {
    const rows = await inChunks(ids, some =>
      q
        .selectFrom('server_group_members')
        .selectAll()
        .where('server_id', 'in', [...some])
        .execute(),
    )
    const found = new Map<string, string[]>()
    for (const row of rows) found.set(row.server_id, [...(found.get(row.server_id) ?? []), row.group_id])
    return found
  },
})
