// Usages on the wire.
import { handlers } from '#kernel/http/handlers.ts'
import type { Clock } from '#kernel/lib/clock.ts'
import { dated } from '#services/placement/api/headers.ts'
import { usages } from '#services/placement/contract/usages.ts'
import type { Usages } from '#services/placement/domain/usages.ts'

export const usageHandlers = (tools: { readonly usages: Usages; readonly clock: Clock }) =>
  handlers(usages, {
    ofProvider: async call => {
      const { provider, used } = await tools.usages.ofProvider(call.ctx, call.params.uuid)
      dated(call, tools.clock)
      return { resource_provider_generation: provider.generation, usages: Object.fromEntries(used) }
    },
    ofProject: async call => {
      const { project_id: projectId, user_id: userId = null, consumer_type: type = null } = call.query
      dated(call, tools.clock)
      if (!call.has('byType'))
        return { usages: Object.fromEntries(await tools.usages.ofProject(call.ctx, projectId, userId)) }
      const found = await tools.usages.byType(call.ctx, projectId, userId, type)
      const shown = [...found].map(([name, of]) => [
        name,
        { consumer_count: of.consumers, ...Object.fromEntries(of.used) },
      ])
      return { usages: Object.fromEntries(shown) }
    },
  })
