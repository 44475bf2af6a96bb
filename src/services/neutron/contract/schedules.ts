// Which agent serves a network's DHCP or a router.
import { del, get, post } from '#kernel/contract/route.ts'
import { must, object } from '#kernel/contract/shape.ts'
import { raw, text } from '#kernel/contract/shapes.ts'
import { faults } from '#services/neutron/contract/faults.ts'
import { rules } from '#services/neutron/contract/rules.ts'

const judged = 'domain' as const
const anything = raw<Record<string, unknown>>({ type: 'object' })
const id = text({ max: 36 })

export const schedules = {
  agentsOfNetwork: get('/v2.0/networks/{id}/dhcp-agents', { policy: rules.getDhcpAgents, judged, reply: anything }),
  networksOfAgent: get('/v2.0/agents/{id}/dhcp-networks', { policy: rules.getDhcpNetworks, judged, reply: anything }),
  addNetwork: post('/v2.0/agents/{id}/dhcp-networks', {
    policy: rules.createDhcpNetwork,
    judged,
    body: object({ network_id: must(id) }, { extra: true }),
    faults: [faults.InvalidDHCPAgent, faults.NetworkHostedByDHCPAgent],
  }),
  removeNetwork: del('/v2.0/agents/{id}/dhcp-networks/{network}', {
    policy: rules.deleteDhcpNetwork,
    judged,
    faults: [faults.NetworkNotHostedByDhcpAgent],
  }),
  agentsOfRouter: get('/v2.0/routers/{id}/l3-agents', { policy: rules.getL3Agents, judged, reply: anything }),
  routersOfAgent: get('/v2.0/agents/{id}/l3-routers', { policy: rules.getL3Routers, judged, reply: anything }),
  addRouter: post('/v2.0/agents/{id}/l3-routers', {
    policy: rules.createL3Router,
    judged,
    body: object({ router_id: must(id) }, { extra: true }),
    faults: [faults.InvalidL3Agent, faults.RouterHostedByL3Agent],
  }),
  removeRouter: del('/v2.0/agents/{id}/l3-routers/{router}', {
    policy: rules.deleteL3Router,
    judged,
    faults: [faults.RouterNotHostedByL3Agent],
  }),
}
