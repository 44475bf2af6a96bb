// Server groups over HTTP.
import { handlers, type HandlerTable } from '#kernel/http/handlers.ts'
import { needs, presenter } from '#kernel/http/presenter.ts'
import { serverGroups, ServerGroupView } from '#services/nova/contract/server-groups.ts'
import type { ServerGroup } from '#services/nova/db/server-groups.ts'
import type { ServerGroups } from '#services/nova/domain/server-groups.ts'

export function serverGroupHandlers(domain: ServerGroups): HandlerTable {
  const whole = presenter<ServerGroup, { members: Map<string, string[]> }>()(
    ServerGroupView,
    {
      id: g => g.id,
      name: g => g.name,
      policies: g => [g.policy],
      metadata: () => ({}),
      policy: g => g.policy,
      rules: g => (g.maxPerHost === null ? {} : { max_server_per_host: g.maxPerHost }),
      members: needs(['members'], (g, { members }) => members.get(g.id) ?? []),
      project_id: g => g.projectId,
      user_id: g => g.userId,
    },
    {
      loaders: {
        members: (ctx, groups) =>
          domain.members(
            ctx,
            groups.map(group => group.id),
          ),
      },
    },
  )
  return handlers(serverGroups, {
    list: async call => {
      const { all_projects: allProjects, offset, limit } = call.query
      const found = await domain.list(call.ctx, allProjects !== undefined, offset?.at(-1) ?? 0, limit?.at(-1) ?? null)
      return { server_groups: await call.list(whole, found) }
    },
    show: async call => ({ server_group: await call.show(whole, await domain.find(call.ctx, call.params.id)) }),
    create: async call => {
      const given = call.body.server_group
      const group = await domain.create(call.ctx, {
        name: given.name,
        policy: call.at >= 2064 ? given.policy : (given.policies[0] ?? ''),
        maxPerHost: given.rules?.max_server_per_host ?? null,
        hasRules: given.rules !== undefined && Object.keys(given.rules).length > 0,
      })
      return { server_group: await call.show(whole, group) }
    },
    remove: call => domain.remove(call.ctx, call.params.id),
  })
}
