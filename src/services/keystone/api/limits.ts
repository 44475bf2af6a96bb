// Registered limits and limits over HTTP.
import { handlers, type Call, type HandlerTable } from '#kernel/http/handlers.ts'
import { collection, listQuery, selfLink, type ListSettings } from '#services/keystone/api/lists.ts'
import { limits, registeredLimits } from '#services/keystone/contract/limits.ts'
import type { Limit, RegisteredLimit } from '#services/keystone/db/limits.ts'
import type { Limits, RegisteredLimits } from '#services/keystone/domain/limits.ts'

type Base = Pick<Call, 'base'>
const showRegistered = (call: Base, it: RegisteredLimit): object => ({
  id: it.id,
  service_id: it.serviceId,
  region_id: it.regionId,
  resource_name: it.resourceName,
  default_limit: it.defaultLimit,
  description: it.description,
  links: selfLink(call, 'registered_limits', it.id),
})
const showLimit = (call: Base, it: Limit): object => ({
  id: it.id,
  project_id: it.projectId,
  domain_id: it.domainId,
  service_id: it.serviceId,
  region_id: it.regionId,
  resource_name: it.resourceName,
  resource_limit: it.resourceLimit,
  description: it.description,
  links: selfLink(call, 'limits', it.id),
})

export const limitHandlers = (registered: RegisteredLimits, verbs: Limits, settings: ListSettings): HandlerTable[] => [
  handlers(registeredLimits, {
    list: async call => {
      const list = listQuery(call, ['service_id', 'region_id', 'resource_name'], settings)
      const rows = await registered.list(call.ctx, list)
      return collection(call, 'registered_limits', rows, row => showRegistered(call, row), list)
    },
    create: async call => {
      const wishes = call.body.registered_limits.map(wish => ({
        serviceId: wish.service_id,
        regionId: wish.region_id,
        resourceName: wish.resource_name,
        defaultLimit: wish.default_limit,
        description: wish.description,
      }))
      const made = await registered.create(call.ctx, wishes)
      return { registered_limits: made.map(it => showRegistered(call, it)) }
    },
    show: async call => ({
      registered_limit: showRegistered(call, await registered.find(call.ctx, call.params.registered_limit_id)),
    }),
    update: async call => {
      const wish = call.body.registered_limit
      const made = await registered.update(call.ctx, call.params.registered_limit_id, {
        serviceId: wish.service_id,
        regionId: wish.region_id,
        resourceName: wish.resource_name,
        defaultLimit: wish.default_limit,
        description: wish.description,
      })
      return { registered_limit: showRegistered(call, made) }
    },
    remove: call => registered.remove(call.ctx, call.params.registered_limit_id),
  }),
  handlers(limits, {
    model: () => ({
      model: {
        name: 'flat',
        description: 'Limit enforcement and validation does not take project hierarchy into consideration.',
      },
    }),
    list: async call => {
      const list = listQuery(call, ['service_id', 'region_id', 'resource_name', 'project_id', 'domain_id'], settings)
      return collection(call, 'limits', await verbs.list(call.ctx, list), row => showLimit(call, row), list)
    },
    create: async call => {
      const wishes = call.body.limits.map(wish => ({
        serviceId: wish.service_id,
        regionId: wish.region_id,
        resourceName: wish.resource_name,
        resourceLimit: wish.resource_limit,
        projectId: wish.project_id,
        domainId: wish.domain_id,
        description: wish.description,
      }))
      return { limits: (await verbs.create(call.ctx, wishes)).map(it => showLimit(call, it)) }
    },
    show: async call => ({ limit: showLimit(call, await verbs.find(call.ctx, call.params.limit_id)) }),
    update: async call => {
      const { resource_limit: resourceLimit, description } = call.body.limit
      return {
        limit: showLimit(call, await verbs.update(call.ctx, call.params.limit_id, { resourceLimit, description })),
      }
    },
    remove: call => verbs.remove(call.ctx, call.params.limit_id),
  }),
]
