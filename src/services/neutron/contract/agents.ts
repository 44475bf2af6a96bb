// Agents, and the small read-only nouns: availability zones, service providers, pools of floating IPs, how full networks are.
import { later, listReplyOf, out, question, replyOf, resource } from '#kernel/contract/resource.ts'
import { del, get, put } from '#kernel/contract/route.ts'
import { any, dict, int, intLike, list, nullable, text, uuid } from '#kernel/contract/shapes.ts'
import { faults } from '#services/neutron/contract/faults.ts'
import { rules } from '#services/neutron/contract/rules.ts'
import { anyQuery, bool, description } from '#services/neutron/contract/words.ts'

export const agent = resource('agent', 'agents', {
  id: out(uuid).filters().sorts(),
  agent_type: out(text()).filters().sorts(),
  binary: out(text()).filters().sorts(),
  topic: out(text()).filters().sorts(),
  host: out(text()).filters().sorts(),
  availability_zone: out(nullable(text())).filters().of('availability_zone'),
  admin_state_up: later(bool).optional().filters().sorts(),
  created_at: out(text()).sorts(),
  started_at: out(text()).sorts(),
  heartbeat_timestamp: out(text()).sorts(),
  alive: out(bool).filters(),
  configurations: out(dict(any)),
  description: later(description).optional().filters().sorts(),
})
export const availabilityZone = resource('availability_zone', 'availability_zones', {
  name: out(text()).filters().of('availability_zone_filter'),
  resource: out(text()).filters().of('availability_zone_filter'),
  state: out(text()).filters().of('availability_zone_filter'),
})
export const serviceProvider = resource('service_provider', 'service_providers', {
  service_type: out(text()).filters(),
  name: out(text()).filters(),
  default: out(bool).filters(),
})
export const floatingIpPool = resource('floatingip_pool', 'floatingip_pools', {
  subnet_id: out(uuid).filters(),
  subnet_name: out(text()).filters(),
  tenant_id: out(text()).filters(),
  project_id: out(text()).filters(),
  network_id: out(uuid).filters(),
  cidr: out(text()).filters(),
})
export const networkIpAvailability = resource('network_ip_availability', 'network_ip_availabilities', {
  network_id: out(uuid).filters().sorts(),
  network_name: out(text()).filters(),
  tenant_id: out(text()).filters(),
  project_id: out(text()).filters(),
  subnet_ip_availability: out(list(dict(any))),
  used_ips: out(int()),
  total_ips: out(int()),
  /** Networks with subnets of this family, and only those subnets of them. */
  ip_version: question(intLike()).filters(),
})

const judged = 'domain' as const
export const agents = {
  list: get('/v2.0/agents', { policy: rules.getAgent, judged, query: anyQuery, reply: listReplyOf(agent) }),
  show: get('/v2.0/agents/{id}', {
    policy: rules.getAgent,
    judged,
    query: anyQuery,
    reply: replyOf(agent),
    faults: [faults.AgentNotFound],
  }),
  update: put('/v2.0/agents/{id}', {
    policy: rules.updateAgent,
    judged,
    body: agent.updateBody,
    bodyOptional: true,
    reply: replyOf(agent),
  }),
  remove: del('/v2.0/agents/{id}', { policy: rules.deleteAgent, judged, faults: [faults.AgentNotFound] }),
}
export const looks = {
  zones: get('/v2.0/availability_zones', {
    policy: rules.getAvailabilityZone,
    judged,
    query: anyQuery,
    reply: listReplyOf(availabilityZone),
  }),
  providers: get('/v2.0/service-providers', {
    policy: rules.getServiceProvider,
    judged,
    query: anyQuery,
    reply: listReplyOf(serviceProvider),
  }),
  pools: get('/v2.0/floatingip_pools', {
    policy: rules.getFloatingipPool,
    judged,
    query: anyQuery,
    reply: listReplyOf(floatingIpPool),
  }),
  availabilities: get('/v2.0/network-ip-availabilities', {
    policy: rules.getNetworkIpAvailability,
    judged,
    query: anyQuery,
    reply: listReplyOf(networkIpAvailability),
  }),
  availability: get('/v2.0/network-ip-availabilities/{id}', {
    policy: rules.getNetworkIpAvailability,
    judged,
    query: anyQuery,
    reply: replyOf(networkIpAvailability),
    faults: [faults.NetworkNotFound],
  }),
}
