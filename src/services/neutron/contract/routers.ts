// Routers: between a project's networks, and from them to the outside; and the addresses that lead in from there.
import { inOut, input, later, listReplyOf, once, out, replyOf, resource } from '#kernel/contract/resource.ts'
import { del, get, post, put } from '#kernel/contract/route.ts'
import { may, must, object } from '#kernel/contract/shape.ts'
import { any, dict, ip, list, nullable, raw, text, uuid } from '#kernel/contract/shapes.ts'
import { faults } from '#services/neutron/contract/faults.ts'
import { fixedIp } from '#services/neutron/contract/ports.ts'
import { qosPolicyId } from '#services/neutron/contract/qos.ts'
import { rules } from '#services/neutron/contract/rules.ts'
import { owner, identity, story, tagged } from '#services/neutron/contract/standard.ts'
import { route } from '#services/neutron/contract/subnets.ts'
import { anyQuery, bool, dnsDomain, dnsName, listOrNull } from '#services/neutron/contract/words.ts'

/** `{}` and null both mean: no gateway. */
export const gatewayInfo = object({
  network_id: may(uuid),
  enable_snat: may(bool),
  external_fixed_ips: may(list(fixedIp, { max: 20 })),
  qos_policy_id: may(nullable(uuid)),
})
const routes = listOrNull(route, { max: 1000 })

export const router = resource('router', 'routers', {
  ...identity,
  ...owner,
  admin_state_up: inOut(bool).otherwise(true).filters().sorts(),
  status: out(text()).sorts(),
  external_gateway_info: inOut(nullable(gatewayInfo))
    .otherwise(null)
    .setBy(rules.createRouterExternalGatewayInfo, rules.updateRouterExternalGatewayInfo)
    .partsBy({
      network_id: {
        create: rules.createRouterExternalGatewayInfoNetworkId,
        update: rules.updateRouterExternalGatewayInfoNetworkId,
      },
      enable_snat: {
        create: rules.createRouterExternalGatewayInfoEnableSnat,
        update: rules.updateRouterExternalGatewayInfoEnableSnat,
      },
      external_fixed_ips: {
        create: rules.createRouterExternalGatewayInfoExternalFixedIps,
        update: rules.updateRouterExternalGatewayInfoExternalFixedIps,
      },
    }),
  availability_zone_hints: once(list(text(), { unique: true }))
    .otherwise(() => [])
    .of('router_availability_zone'),
  availability_zones: out(list(text())).of('router_availability_zone'),
  routes: later(routes).optional().of('extraroute'),
  conntrack_helpers: out(list(dict(any))).of('expose-l3-conntrack-helper'),
  external_gateways: out(list(any)).of('external-gateway-multihoming'),
  enable_default_route_bfd: inOut(bool)
    .otherwise(false)
    .setBy(rules.createRouterEnableDefaultRouteBfd, rules.updateRouterEnableDefaultRouteBfd)
    .of('enable-default-route-bfd'),
  enable_default_route_ecmp: inOut(bool)
    .otherwise(false)
    .setBy(rules.createRouterEnableDefaultRouteEcmp, rules.updateRouterEnableDefaultRouteEcmp)
    .of('enable-default-route-ecmp'),
  ...story,
  ...tagged,
})

export const floatingip = resource('floatingip', 'floatingips', {
  id: out(uuid).filters().sorts(),
  ...owner,
  floating_ip_address: once(nullable(ip))
    .otherwise(null)
    .filters()
    .sorts()
    .setBy(rules.createFloatingipFloatingIpAddress),
  floating_network_id: once(uuid).filters().sorts(),
  subnet_id: input(nullable(uuid)).otherwise(null),
  router_id: out(nullable(uuid)).filters().sorts(),
  port_id: inOut(nullable(uuid)).otherwise(null).filters(),
  fixed_ip_address: inOut(nullable(ip)).otherwise(null).filters().sorts(),
  status: out(text()).filters().sorts(),
  port_details: out(nullable(dict(any))).of('fip-port-details'),
  qos_policy_id: qosPolicyId.of('qos-fip'),
  qos_network_policy_id: out(nullable(uuid)).of('qos-fip-network-policy'),
  dns_name: once(dnsName).otherwise('').filters().of('dns-integration'),
  dns_domain: once(dnsDomain).otherwise('').filters().of('dns-integration'),
  port_forwardings: out(list(dict(any))).of('expose-port-forwarding-in-fip'),
  ...story,
  ...tagged,
})

/** Where a router is joined to a network: by subnet or by a port. */
const joint = object({ subnet_id: may(raw<unknown>({})), port_id: may(raw<unknown>({})) }, { extra: true })
const routesBody = object({ router: must(object({ routes: must(routes) }, { extra: true })) }, { extra: true })

const judged = 'domain' as const
export const routers = {
  list: get('/v2.0/routers', { policy: rules.getRouter, judged, query: anyQuery, reply: listReplyOf(router) }),
  show: get('/v2.0/routers/{id}', {
    policy: rules.getRouter,
    judged,
    query: anyQuery,
    reply: replyOf(router),
    faults: [faults.RouterNotFound],
  }),
  create: post('/v2.0/routers', {
    policy: rules.createRouter,
    judged,
    body: router.createBody,
    bodyOptional: true,
    reply: replyOf(router),
    faults: [faults.OverQuota, faults.NetworkNotFound, faults.BadRequest, faults.ExternalIpAddressExhausted],
  }),
  update: put('/v2.0/routers/{id}', {
    policy: rules.updateRouter,
    judged,
    body: router.updateBody,
    bodyOptional: true,
    reply: replyOf(router),
    faults: [
      faults.RouterNotFound,
      faults.RouterExternalGatewayInUseByFloatingIp,
      faults.InvalidRoutes,
      faults.RoutesExhausted,
    ],
  }),
  remove: del('/v2.0/routers/{id}', {
    policy: rules.deleteRouter,
    judged,
    faults: [faults.RouterNotFound, faults.RouterInUse],
  }),
  addInterface: put('/v2.0/routers/{id}/add_router_interface', {
    policy: rules.addRouterInterface,
    judged,
    body: joint,
    bodyOptional: true,
    faults: [faults.RouterNotFound, faults.SubnetNotFound, faults.PortNotFound, faults.PortInUse, faults.BadRequest],
  }),
  removeInterface: put('/v2.0/routers/{id}/remove_router_interface', {
    policy: rules.removeRouterInterface,
    judged,
    body: joint,
    bodyOptional: true,
    faults: [
      faults.RouterInterfaceInUseByFloatingIP,
      faults.RouterInterfaceNotFound,
      faults.RouterInterfaceNotFoundForSubnet,
    ],
  }),
  addRoutes: put('/v2.0/routers/{id}/add_extraroutes', {
    policy: rules.addExtraroutes,
    judged,
    body: routesBody,
    reply: replyOf(router),
  }),
  removeRoutes: put('/v2.0/routers/{id}/remove_extraroutes', {
    policy: rules.removeExtraroutes,
    judged,
    body: routesBody,
    reply: replyOf(router),
  }),
}
export const floatingips = {
  list: get('/v2.0/floatingips', {
    policy: rules.getFloatingip,
    judged,
    query: anyQuery,
    reply: listReplyOf(floatingip),
  }),
  show: get('/v2.0/floatingips/{id}', {
    policy: rules.getFloatingip,
    judged,
    query: anyQuery,
    reply: replyOf(floatingip),
    faults: [faults.FloatingIPNotFound],
  }),
  create: post('/v2.0/floatingips', {
    policy: rules.createFloatingip,
    judged,
    body: floatingip.createBody,
    bodyOptional: true,
    reply: replyOf(floatingip),
    faults: [
      faults.OverQuota,
      faults.BadRequest,
      faults.ExternalGatewayForFloatingIPNotFound,
      faults.FloatingIPPortAlreadyAssociated,
      faults.IpAddressInUse,
      faults.IpAddressGenerationFailure,
    ],
  }),
  update: put('/v2.0/floatingips/{id}', {
    policy: rules.updateFloatingip,
    judged,
    body: floatingip.updateBody,
    bodyOptional: true,
    reply: replyOf(floatingip),
    faults: [
      faults.FloatingIPNotFound,
      faults.FloatingIPPortAlreadyAssociated,
      faults.ExternalGatewayForFloatingIPNotFound,
    ],
  }),
  remove: del('/v2.0/floatingips/{id}', {
    policy: rules.deleteFloatingip,
    judged,
    faults: [faults.FloatingIPNotFound],
  }),
}
