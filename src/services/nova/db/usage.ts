// Servers that were there at some time within a period, deleted ones too.
import type { Kysely } from 'kysely'

import { time } from '#kernel/db/codecs.ts'
import { page } from '#kernel/db/page.ts'
import { serverFromRow, type Server } from '#services/nova/db/servers.ts'
import type { NovaTables } from '#services/nova/db/tables.ts'

/** One page by project and id. `projectId` null: of all. Undefined: there is no server with the marker's id. */
export async function serversWithin(
  q: Kysely<NovaTables>,
  period: { readonly start: number; readonly stop: number },
  projectId: string | null,
  paging: { marker: string | null; limit: number },
): Promise<Server[] | undefined> {
  const marker =
    paging.marker === null
      ? undefined
      : await q.selectFrom('servers').selectAll().where('id', '=', paging.marker).executeTakeFirst()
  if (paging.marker !== null && marker === undefined) return undefined
  let query = q
    .selectFrom('servers')
    .selectAll()
    .where(({ or, eb }) => or([eb('terminated_at', 'is', null), eb('terminated_at', '>', time(period.start))]))
    .where('launched_at', '<', time(period.stop))
  if (projectId !== null) query = query.where('project_id', '=', projectId)
  const sort = projectId === null ? [{ column: 'project_id', direction: 'asc' as const }] : []
  return (await page(q, query, { sort, marker, limit: paging.limit })).map(serverFromRow)
}
