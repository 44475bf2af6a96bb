// Who may read what of a server's actions.
import type { Rule } from '#kernel/contract/rule.ts'
import type { Database } from '#kernel/db/database.ts'
import type { Ctx } from '#kernel/lib/context.ts'
import type { Enforcer } from '#kernel/policy/enforcer.ts'
import { faults } from '#services/nova/contract/faults.ts'
import { rules } from '#services/nova/contract/rules.ts'
import { actionsDb, type ActionEvent, type ServerAction } from '#services/nova/db/actions.ts'
import { instanceActionsDb } from '#services/nova/db/instance-actions.ts'
import { serversDb, type Server } from '#services/nova/db/servers.ts'
import type { NovaTables } from '#services/nova/db/tables.ts'
import { demand } from '#services/nova/domain/caller.ts'
import { targetOf } from '#services/nova/domain/servers/find.ts'

export interface InstanceActionTools {
  readonly database: Database<NovaTables>
  readonly policy: Enforcer
  readonly maxLimit: number
}
export interface ActionQuery {
  readonly limit: number | null
  readonly marker: string | null
  /** Milliseconds since 1970. */
  readonly changedSince: number | null
  readonly changedBefore: number | null
}
/** One action with its events, and how much of them the caller may see. */
export interface ActionStory {
  readonly action: ServerAction
  readonly projectId: string
  readonly events: readonly ActionEvent[]
  /** Tracebacks and hosts: for administrators. */
  readonly seesAll: boolean
  readonly seesDetails: boolean
}
const UUID = /^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/i

export const createInstanceActions = (tools: InstanceActionTools) => {
  const { database, policy } = tools
  /** Throws 404 also for a server of others; a deleted one is found when `ofDeleted`. */
  const findServer = async (ctx: Ctx, id: string, rule: Rule, ofDeleted: boolean): Promise<Server> => {
    const server = UUID.test(id)
      ? await database.read(ctx, 'find-server', q =>
          ofDeleted ? serversDb(q).everById(id.toLowerCase()) : serversDb(q).byId(id.toLowerCase()),
        )
      : undefined
    if (server === undefined || !policy.allows(ctx.who, rules.serversShow, targetOf(server)))
      throw faults.InstanceNotFound({ id })
    demand(policy, ctx, rule, { project_id: server.projectId })
    return server
  }
  return {
    /** `query` null: all of them. Throws 400 for an unknown marker and times in the wrong order. */
    async list(
      ctx: Ctx,
      serverId: string,
      query: ActionQuery | null,
      ofDeleted: boolean,
    ): Promise<{ actions: ServerAction[]; isFull: boolean }> {
      const server = await findServer(ctx, serverId, rules.instanceActionsList, ofDeleted)
      const { changedSince = null, changedBefore = null, marker = null } = query ?? {}
      if (changedSince !== null && changedBefore !== null && changedBefore < changedSince)
        throw faults.BadRequest({
          reason: 'The value of changes-since must be less than or equal to changes-before.',
        })
      const limit = query === null ? undefined : Math.min(query.limit ?? tools.maxLimit, tools.maxLimit)
      const actions = await database.read(ctx, 'list-actions', q =>
        instanceActionsDb(q).list(
          server.id,
          {
            ...(changedSince === null ? {} : { changedSince }),
            ...(changedBefore === null ? {} : { changedBefore }),
          },
          { marker, limit },
        ),
      )
      if (actions === undefined) throw faults.BadRequest({ reason: `Marker ${marker ?? ''} could not be found.` })
      return { actions, isFull: limit !== undefined && limit > 0 && actions.length === limit }
    },
    async show(ctx: Ctx, serverId: string, requestId: string, ofDeleted: boolean): Promise<ActionStory> {
      const server = await findServer(ctx, serverId, rules.instanceActionsShow, ofDeleted)
      const target = { project_id: server.projectId }
      return database.read(ctx, 'find-action', async q => {
        const action = await actionsDb(q).byRequest(server.id, requestId)
        if (action === undefined) throw faults.NotFound({ reason: `Action ${requestId} not found` })
        return {
          action,
          projectId: action.projectId ?? server.projectId,
          events: await actionsDb(q).events(action.id),
          seesAll: policy.allows(ctx.who, rules.instanceActionsEvents, target),
          seesDetails: policy.allows(ctx.who, rules.instanceActionsEventsDetails, target),
        }
      })
    },
  }
}
export type InstanceActions = ReturnType<typeof createInstanceActions>
