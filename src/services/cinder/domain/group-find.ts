// Nobody holds a group or its snapshot without having said what for; and what both have in common.
import type { Kysely } from 'kysely'

import type { Rule } from '#kernel/contract/rule.ts'
import type { Ctx } from '#kernel/lib/context.ts'
import { faults } from '#services/cinder/contract/faults.ts'
import { groupFaults } from '#services/cinder/contract/group-faults.ts'
import { rules } from '#services/cinder/contract/rules.ts'
import { groupSnapshotsDb, type GroupSnapshot } from '#services/cinder/db/group-snapshots.ts'
import { groupsDb, type Group } from '#services/cinder/db/groups.ts'
import type { RowFilters, RowPage } from '#services/cinder/db/page-of-rows.ts'
import type { CinderTables } from '#services/cinder/db/tables.ts'
import { frozenDb } from '#services/cinder/db/type-extras.ts'
import { demand, isUuid, targetOf } from '#services/cinder/domain/find.ts'
import { usableFilters, type ListRequest } from '#services/cinder/domain/listing.ts'
import { isAdmin, projectOf, type FindTools } from '#services/cinder/domain/tools.ts'
import { actorHost } from '#services/cinder/rpc.ts'

/** 404 when the caller may not even see it, 403 when he may see it but not do that. */
export async function findGroup(tools: FindTools, ctx: Ctx, id: string, rule: Rule): Promise<Group> {
  const group = isUuid(id)
    ? await tools.database.read(ctx, 'find-group', q => groupsDb(q).byId(id.toLowerCase()))
    : undefined
  if (group === undefined || !tools.policy.allows(ctx.who, rules.groupGet, targetOf(group)))
    throw faults.GroupNotFound({ id })
  demand(tools, ctx, rule, targetOf(group))
  return group
}
export async function findGroupSnapshot(tools: FindTools, ctx: Ctx, id: string, rule: Rule): Promise<GroupSnapshot> {
  const one = isUuid(id)
    ? await tools.database.read(ctx, 'find-group-snapshot', q => groupSnapshotsDb(q).byId(id.toLowerCase()))
    : undefined
  if (one === undefined || !tools.policy.allows(ctx.who, rules.groupGetGroupSnapshot, targetOf(one)))
    throw groupFaults.GroupSnapshotNotFound({ id })
  demand(tools, ctx, rule, targetOf(one))
  return one
}

/** Throws 400 while the back end is frozen. */
export async function demandThawed(q: Kysely<CinderTables>, host: string): Promise<void> {
  if ((await frozenDb(q).all()).has(actorHost(host)))
    throw faults.InvalidInput({ reason: 'Modification operations are not allowed on frozen storage backends.' })
}

/** A list's query as filters on columns. Null: nothing can fit. */
export function rowQuery(
  ctx: Ctx,
  resource: string,
  request: ListRequest,
  columns: Readonly<Record<string, string>>,
): { filters: RowFilters; paging: RowPage } | null {
  const equal: Record<string, string> = {}
  const like: Record<string, string> = {}
  const { list_volume: _shown, ...given } = request.filters
  for (const [key, value] of Object.entries(usableFilters(ctx, resource, { ...request, filters: given }))) {
    const column = columns[key]
    const bare = key.endsWith('~') ? columns[key.slice(0, -1)] : undefined
    if (column !== undefined) equal[column] = value
    else if (bare !== undefined) like[bare] = value
    else return null // upstream's: a filter that no column has matches nothing
  }
  return {
    filters: { projectId: request.allProjects && isAdmin(ctx) ? null : projectOf(ctx), equal, like },
    paging: {
      sort: request.sort.map(({ key, direction }) => {
        const column = columns[key]
        if (column === undefined) throw faults.InvalidInput({ reason: 'Invalid sort key' })
        return { column, direction }
      }),
      marker: request.marker,
      limit: request.limit,
      offset: request.offset,
    },
  }
}
