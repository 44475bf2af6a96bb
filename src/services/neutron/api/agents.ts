// Agents: handlers and presenter.
import { handlers, type HandlerTable } from '#kernel/http/handlers.ts'
import { presenter } from '#kernel/http/presenter.ts'
import { agent, agents } from '#services/neutron/contract/agents.ts'
import { noun } from '#services/neutron/api/noun.ts'
import type { Agent, Agents } from '#services/neutron/domain/agents.ts'

/** compat: agents' times are the only ones without a T and a zone. */
const spaced = (time: string): string => time.slice(0, 19).replace('T', ' ')

export const presentAgent = presenter<Agent>()(agent.view, {
  id: a => a.id,
  agent_type: a => a.agentType,
  binary: a => a.binary,
  topic: a => a.topic,
  host: a => a.host,
  availability_zone: a => a.availabilityZone,
  admin_state_up: a => a.adminStateUp,
  created_at: a => spaced(a.createdAt),
  started_at: a => spaced(a.startedAt),
  heartbeat_timestamp: a => spaced(a.heartbeatAt),
  alive: a => a.alive,
  configurations: a => ({ ...a.configurations }),
  description: a => a.description,
})

export const agentHandlers = (domain: Agents): HandlerTable => {
  const it = noun<Agent>({ of: agent, present: presentAgent })
  return handlers(agents, {
    list: call => it.list(call, domain.list),
    show: call => it.show(call, domain.show),
    update: call => it.update(call, domain.update),
    remove: call => it.remove(call, domain.remove),
  })
}
