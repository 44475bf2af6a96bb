// Networks: an Ethernet of one's own.
import { inOut, listReplyOf, once, out, replyOf, resource } from '#kernel/contract/resource.ts'
import { del, get, post, put } from '#kernel/contract/route.ts'
import { intLike, list, nullable, text, uuid } from '#kernel/contract/shapes.ts'
import { faults } from '#services/neutron/contract/faults.ts'
import { qosPolicyId } from '#services/neutron/contract/qos.ts'
import { rules } from '#services/neutron/contract/rules.ts'
import { identity, owner, story, tagged } from '#services/neutron/contract/standard.ts'
import { anyQuery, bool, dnsDomain } from '#services/neutron/contract/words.ts'

export const network = resource('network', 'networks', {
  ...identity,
  ...owner,
  admin_state_up: inOut(bool).otherwise(true).filters().sorts(),
  mtu: inOut(intLike({ min: 0 }))
    .otherwise(0)
    .filters()
    .sorts()
    .of('net-mtu-writable'),
  status: out(text()).filters().sorts(),
  subnets: out(list(uuid)),
  shared: inOut(bool).otherwise(false).filters().setBy(rules.createNetworkShared, rules.updateNetworkShared),
  availability_zone_hints: once(list(text(), { unique: true }))
    .otherwise(() => [])
    .sorts()
    .of('network_availability_zone'),
  availability_zones: out(list(text())).of('network_availability_zone'),
  'router:external': inOut(bool)
    .otherwise(false)
    .filters()
    .setBy(rules.createNetworkRouterExternal, rules.updateNetworkRouterExternal)
    .of('external-net'),
  is_default: inOut(bool)
    .otherwise(false)
    .filters()
    .setBy(rules.createNetworkIsDefault, rules.updateNetworkIsDefault)
    .of('auto-allocated-topology'),
  port_security_enabled: inOut(bool)
    .otherwise(true)
    .setBy(rules.createNetworkPortSecurityEnabled, rules.updateNetworkPortSecurityEnabled)
    .of('port-security'),
  'provider:network_type': inOut(text({ max: 32 }))
    .optional()
    .filters()
    .setBy(rules.createNetworkProviderNetworkType, rules.updateNetworkProviderNetworkType)
    .seenBy(rules.getNetworkProviderNetworkType)
    .of('provider'),
  'provider:physical_network': inOut(nullable(text({ max: 64 })))
    .optional()
    .filters()
    .setBy(rules.createNetworkProviderPhysicalNetwork, rules.updateNetworkProviderPhysicalNetwork)
    .seenBy(rules.getNetworkProviderPhysicalNetwork)
    .of('provider'),
  'provider:segmentation_id': inOut(nullable(intLike()))
    .optional()
    .filters()
    .setBy(rules.createNetworkProviderSegmentationId, rules.updateNetworkProviderSegmentationId)
    .seenBy(rules.getNetworkProviderSegmentationId)
    .of('provider'),
  dns_domain: inOut(dnsDomain).otherwise('').filters().of('dns-integration'),
  ipv4_address_scope: out(nullable(uuid)).of('address-scope'),
  ipv6_address_scope: out(nullable(uuid)).of('address-scope'),
  qos_policy_id: qosPolicyId.of('qos'),
  ...story,
  ...tagged,
})

const judged = 'domain' as const
export const networks = {
  list: get('/v2.0/networks', { policy: rules.getNetwork, judged, query: anyQuery, reply: listReplyOf(network) }),
  show: get('/v2.0/networks/{id}', {
    policy: rules.getNetwork,
    judged,
    query: anyQuery,
    reply: replyOf(network),
    faults: [faults.NetworkNotFound],
  }),
  create: post('/v2.0/networks', {
    policy: rules.createNetwork,
    judged,
    body: network.createBody,
    bodyOptional: true,
    reply: replyOf(network),
    faults: [faults.OverQuota, faults.PolicyNotAuthorized, faults.FlatNetworkInUse, faults.TunnelIdInUse],
  }),
  update: put('/v2.0/networks/{id}', {
    policy: rules.updateNetwork,
    judged,
    body: network.updateBody,
    bodyOptional: true,
    reply: replyOf(network),
    faults: [faults.NetworkNotFound, faults.InvalidSharedSetting, faults.ExternalNetworkInUse],
  }),
  remove: del('/v2.0/networks/{id}', {
    policy: rules.deleteNetwork,
    judged,
    faults: [faults.NetworkNotFound, faults.NetworkInUse],
  }),
}
