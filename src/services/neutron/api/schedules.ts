// Which agent serves what: handlers.
import { handlers, type HandlerTable } from '#kernel/http/handlers.ts'
import type { Presenter } from '#kernel/http/presenter.ts'
import { schedules } from '#services/neutron/contract/schedules.ts'
import { presentAgent } from '#services/neutron/api/agents.ts'
import type { Network } from '#services/neutron/db/networks.ts'
import type { Router } from '#services/neutron/db/routers.ts'
import type { Schedules } from '#services/neutron/domain/schedules.ts'

export const scheduleHandlers = (
  domain: Schedules,
  present: { readonly network: Presenter<Network>; readonly router: Presenter<Router> },
): HandlerTable =>
  handlers(schedules, {
    agentsOfNetwork: async call => ({
      agents: await call.list(presentAgent, await domain.agentsOfNetwork(call.ctx, call.params.id)),
    }),
    networksOfAgent: async call => ({
      networks: await call.list(present.network, await domain.networksOfAgent(call.ctx, call.params.id)),
    }),
    addNetwork: call => domain.setNetwork(call.ctx, call.params.id, call.body.network_id, true),
    removeNetwork: call => domain.setNetwork(call.ctx, call.params.id, call.params.network, false),
    agentsOfRouter: async call => ({
      agents: await call.list(presentAgent, await domain.agentsOfRouter(call.ctx, call.params.id)),
    }),
    routersOfAgent: async call => ({
      routers: await call.list(present.router, await domain.routersOfAgent(call.ctx, call.params.id)),
    }),
    addRouter: call => domain.setRouter(call.ctx, call.params.id, call.body.router_id, true),
    removeRouter: call => domain.setRouter(call.ctx, call.params.id, call.params.router, false),
  })
