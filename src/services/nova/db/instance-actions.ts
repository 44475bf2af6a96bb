// Pages of a server's actions.
import type { Kysely } from 'kysely'

import { time } from '#kernel/db/codecs.ts'
import { page } from '#kernel/db/page.ts'
import { actionFromRow, type ServerAction } from '#services/nova/db/actions.ts'
import type { NovaTables } from '#services/nova/db/tables.ts'

export interface ActionFilters {
  readonly changedSince?: number
  readonly changedBefore?: number
}

export const instanceActionsDb = (q: Kysely<NovaTables>) => ({
  /** Newest first; `marker` is a request id. Undefined: the server has no such action. */
  async list(
    serverId: string,
    filters: ActionFilters,
    paging: { marker: string | null; limit: number | undefined },
  ): Promise<ServerAction[] | undefined> {
    const of = q.selectFrom('server_actions').selectAll().where('server_id', '=', serverId)
    const marker =
      paging.marker === null ? undefined : await of.where('request_id', '=', paging.marker).executeTakeFirst()
    if (paging.marker !== null && marker === undefined) return undefined
    let query = of
    if (filters.changedSince !== undefined) query = query.where('updated_at', '>=', time(filters.changedSince))
    if (filters.changedBefore !== undefined) query = query.where('updated_at', '<=', time(filters.changedBefore))
    const sort = [{ column: 'started_at', direction: 'desc' as const }]
    return (await page(q, query, { sort, marker, limit: paging.limit })).map(actionFromRow)
  },
})
