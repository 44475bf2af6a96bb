// Single ports of a floating IP that lead to ports inside; and helpers of a router's connection tracking.
import { inOut, listReplyOf, once, out, replyOf, resource } from '#kernel/contract/resource.ts'
import { del, get, post, put } from '#kernel/contract/route.ts'
import { intLike, ip, nullable, text, uuid, words } from '#kernel/contract/shapes.ts'
import { faults } from '#services/neutron/contract/faults.ts'
import { moreRules as rules } from '#services/neutron/contract/rules-more.ts'
import { anyQuery, description, projectId } from '#services/neutron/contract/words.ts'

const number = intLike({ min: 1, max: 65_535 })
/** `80:85`; one number stands for itself. */
const range = text({ max: 11, pattern: '^[0-9]{1,5}(:[0-9]{1,5})?$' })

export const portForwarding = resource('port_forwarding', 'port_forwardings', {
  id: out(uuid).filters().sorts(),
  project_id: once(projectId).optional(),
  external_port: inOut(nullable(number)).optional().filters().sorts(),
  external_port_range: inOut(range).optional().filters().of('floating-ip-port-forwarding-port-ranges'),
  internal_port: inOut(nullable(number)).optional(),
  internal_port_range: inOut(range).optional().of('floating-ip-port-forwarding-port-ranges'),
  internal_ip_address: inOut(ip).optional(),
  protocol: inOut(words('tcp', 'udp')).filters().sorts(),
  internal_port_id: inOut(uuid).filters().sorts(),
  description: inOut(description).otherwise('').filters().of('floating-ip-port-forwarding-description'),
})
export const conntrackHelper = resource('conntrack_helper', 'conntrack_helpers', {
  id: out(uuid).filters().sorts(),
  project_id: once(projectId).optional(),
  protocol: inOut(words('tcp', 'udp', 'dccp', 'icmp', 'ipv6-icmp', 'sctp'))
    .filters()
    .sorts(),
  port: inOut(number).filters().sorts(),
  helper: inOut(text({ max: 64 }))
    .filters()
    .sorts(),
})

const judged = 'domain' as const
const lost = [faults.FloatingIPNotFound, faults.PortForwardingNotFound]
export const portForwardings = {
  list: get('/v2.0/floatingips/{id}/port_forwardings', {
    policy: rules.getFloatingipPortForwarding,
    judged,
    query: anyQuery,
    reply: listReplyOf(portForwarding),
    faults: [faults.FloatingIPNotFound],
  }),
  show: get('/v2.0/floatingips/{id}/port_forwardings/{forwarding}', {
    policy: rules.getFloatingipPortForwarding,
    judged,
    query: anyQuery,
    reply: replyOf(portForwarding),
    faults: lost,
  }),
  create: post('/v2.0/floatingips/{id}/port_forwardings', {
    policy: rules.createFloatingipPortForwarding,
    judged,
    body: portForwarding.createBody,
    bodyOptional: true,
    reply: replyOf(portForwarding),
    faults: [
      faults.FloatingIPNotFound,
      faults.PortNotFound,
      faults.BadRequest,
      faults.PortHasBindingFloatingIP,
      faults.FloatingIPPortAlreadyAssociated,
    ],
  }),
  update: put('/v2.0/floatingips/{id}/port_forwardings/{forwarding}', {
    policy: rules.updateFloatingipPortForwarding,
    judged,
    body: portForwarding.updateBody,
    bodyOptional: true,
    reply: replyOf(portForwarding),
    faults: [...lost, faults.BadRequest, faults.PortHasBindingFloatingIP],
  }),
  remove: del('/v2.0/floatingips/{id}/port_forwardings/{forwarding}', {
    policy: rules.deleteFloatingipPortForwarding,
    judged,
    faults: lost,
  }),
}
const gone = [faults.RouterNotFound, faults.ConntrackHelperNotFound]
const refused = [faults.BadRequest, faults.ConntrackHelperNotAllowed, faults.InvalidProtocolForHelper]
export const conntrackHelpers = {
  list: get('/v2.0/routers/{id}/conntrack_helpers', {
    policy: rules.getRouterConntrackHelper,
    judged,
    query: anyQuery,
    reply: listReplyOf(conntrackHelper),
    faults: [faults.RouterNotFound],
  }),
  show: get('/v2.0/routers/{id}/conntrack_helpers/{helper}', {
    policy: rules.getRouterConntrackHelper,
    judged,
    query: anyQuery,
    reply: replyOf(conntrackHelper),
    faults: gone,
  }),
  create: post('/v2.0/routers/{id}/conntrack_helpers', {
    policy: rules.createRouterConntrackHelper,
    judged,
    body: conntrackHelper.createBody,
    bodyOptional: true,
    reply: replyOf(conntrackHelper),
    faults: [faults.RouterNotFound, ...refused],
  }),
  update: put('/v2.0/routers/{id}/conntrack_helpers/{helper}', {
    policy: rules.updateRouterConntrackHelper,
    judged,
    body: conntrackHelper.updateBody,
    bodyOptional: true,
    reply: replyOf(conntrackHelper),
    faults: [...gone, ...refused],
  }),
  remove: del('/v2.0/routers/{id}/conntrack_helpers/{helper}', {
    policy: rules.deleteRouterConntrackHelper,
    judged,
    faults: gone,
  }),
}
