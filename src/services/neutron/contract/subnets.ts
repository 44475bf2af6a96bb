// Subnets: the addresses of a network, who hands them out, and what guests are told with them.
import { inOut, input, listReplyOf, once, question, replyOf, resource } from '#kernel/contract/resource.ts'
import { del, get, post, put } from '#kernel/contract/route.ts'
import { must, object } from '#kernel/contract/shape.ts'
import { intLike, ip, list, nullable, raw, text, uuid, words } from '#kernel/contract/shapes.ts'
import { faults } from '#services/neutron/contract/faults.ts'
import { rules } from '#services/neutron/contract/rules.ts'
import { useDefaultPool } from '#services/neutron/contract/subnet-pools.ts'
import { identity, owner, story, tagged } from '#services/neutron/contract/standard.ts'
import { anyQuery, bool, listOrNull } from '#services/neutron/contract/words.ts'

/** From `start` to `end`, both included. */
export const pool = object({ start: must(ip), end: must(ip) })
export const route = object({ destination: must(text({ max: 64 })), nexthop: must(ip) })
export const ipv6Modes = ['dhcpv6-stateful', 'dhcpv6-stateless', 'slaac'] as const

export const subnet = resource('subnet', 'subnets', {
  ...identity,
  ...owner,
  network_id: once(uuid).filters().sorts(),
  ip_version: once(raw<4 | 6>({ enum: [4, 6, '4', '6'] }, value => Number(value)))
    .filters()
    .sorts(),
  subnetpool_id: once(nullable(uuid)).optional().filters().sorts(),
  use_default_subnetpool: useDefaultPool,
  prefixlen: input(intLike({ min: 0 })).optional(),
  cidr: once(nullable(text({ max: 64 })))
    .optional()
    .filters()
    .sorts(),
  gateway_ip: inOut(nullable(ip)).optional().filters().sorts(),
  allocation_pools: inOut(listOrNull(pool, { max: 100 })).optional(),
  dns_nameservers: inOut(listOrNull(text({ max: 64 }))).optional(),
  host_routes: inOut(listOrNull(route)).optional(),
  enable_dhcp: inOut(bool).otherwise(true).filters().sorts(),
  ipv6_ra_mode: once(nullable(words(...ipv6Modes)))
    .optional()
    .filters()
    .sorts(),
  ipv6_address_mode: once(nullable(words(...ipv6Modes)))
    .optional()
    .filters()
    .sorts(),
  segment_id: inOut(nullable(uuid))
    .otherwise(null)
    .filters()
    .sorts()
    .setBy(rules.createSubnetSegmentId, rules.updateSubnetSegmentId)
    .seenBy(rules.getSubnetSegmentId)
    .of('segment'),
  service_types: inOut(list(text({ max: 255 }), { max: 50 }))
    .otherwise(() => [])
    .filters()
    .setBy(rules.createSubnetServiceTypes, rules.updateSubnetServiceTypes)
    .of('subnet-service-types'),
  shared: question(bool).filters(),
  ...story,
  ...tagged,
})

const judged = 'domain' as const
export const subnets = {
  list: get('/v2.0/subnets', { policy: rules.getSubnet, judged, query: anyQuery, reply: listReplyOf(subnet) }),
  show: get('/v2.0/subnets/{id}', {
    policy: rules.getSubnet,
    judged,
    query: anyQuery,
    reply: replyOf(subnet),
    faults: [faults.SubnetNotFound],
  }),
  create: post('/v2.0/subnets', {
    policy: rules.createSubnet,
    judged,
    body: subnet.createBody,
    bodyOptional: true,
    reply: replyOf(subnet),
    faults: [
      faults.NetworkNotFound,
      faults.OverQuota,
      faults.InvalidInput,
      faults.BadRequest,
      faults.OutOfBoundsAllocationPool,
      faults.OverlappingAllocationPools,
      faults.GatewayConflictWithAllocationPools,
    ],
  }),
  update: put('/v2.0/subnets/{id}', {
    policy: rules.updateSubnet,
    judged,
    body: subnet.updateBody,
    bodyOptional: true,
    reply: replyOf(subnet),
    faults: [
      faults.SubnetNotFound,
      faults.GatewayIpInUse,
      faults.InvalidInput,
      faults.GatewayConflictWithAllocationPools,
    ],
  }),
  remove: del('/v2.0/subnets/{id}', {
    policy: rules.deleteSubnet,
    judged,
    faults: [faults.SubnetNotFound, faults.SubnetInUse],
  }),
}
