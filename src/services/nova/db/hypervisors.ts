// Compute nodes as lists of hypervisors want them.
import type { Kysely } from 'kysely'

import { inChunks, like } from '#kernel/db/helpers.ts'
import { page } from '#kernel/db/page.ts'
import { nodeFromRow, type ComputeNode } from '#services/nova/db/hosts.ts'
import type { NovaTables } from '#services/nova/db/tables.ts'

export const hypervisorsDb = (q: Kysely<NovaTables>) => {
  const by = (key: string | number) =>
    typeof key === 'number'
      ? q.selectFrom('compute_nodes').selectAll().where('serial', '=', key)
      : q.selectFrom('compute_nodes').selectAll().where('id', '=', key)
  return {
    /** By its number or its UUID. */
    async find(key: string | number): Promise<ComputeNode | undefined> {
      const row = await by(key).executeTakeFirst()
      return row && nodeFromRow(row)
    },
    /** In the order they came. Undefined: there is no node with the marker's id. */
    async list(marker: string | number | null, limit: number | undefined): Promise<ComputeNode[] | undefined> {
      const start = marker === null ? undefined : await by(marker).executeTakeFirst()
      if (marker !== null && start === undefined) return undefined
      const query = q.selectFrom('compute_nodes').selectAll()
      return (await page(q, query, { sort: [], tie: 'serial', marker: start, limit })).map(nodeFromRow)
    },
    async named(part: string): Promise<ComputeNode[]> {
      const rows = await q
        .selectFrom('compute_nodes')
        .selectAll()
        .where(like('hypervisor_hostname', 'anywhere', part, true))
        .orderBy('serial')
        .execute()
      return rows.map(nodeFromRow)
    },
    /** Names of the living servers on these hosts. */
    async serversOn(hosts: readonly string[]): Promise<Map<string, { id: string; name: string }[]>> {
      const rows = await inChunks(hosts, some =>
        q
          .selectFrom('servers')
          .select(['id', 'name', 'host'])
          .where('deleted_at', 'is', null)
          .where('host', 'in', [...some])
          .orderBy('id')
          .execute(),
      )
      const found = new Map<string, { id: string; name: string }[]>()
      for (const { id, name, host } of rows) {
        if (host === null) continue
        const inside = found.get(host)
        if (inside === undefined) found.set(host, [{ id, name }])
        else inside.push({ id, name })
      }
      return found
    },
    async remove(host: string): Promise<void> {
      await q.deleteFrom('compute_nodes').where('host', '=', host).execute()
    },
  }
}
