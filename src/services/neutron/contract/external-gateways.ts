// Several ways out of one router. The first is the one that `external_gateway_info` speaks of.
import { later, replyOf, resource } from '#kernel/contract/resource.ts'
import { put } from '#kernel/contract/route.ts'
import { list } from '#kernel/contract/shapes.ts'
import { faults } from '#services/neutron/contract/faults.ts'
import { gatewayInfo, router } from '#services/neutron/contract/routers.ts'
import { rules } from '#services/neutron/contract/rules.ts'

const some = list(gatewayInfo, { max: 20 })
export const gatewaysToAdd = resource('router', 'routers', {
  external_gateways: later(some)
    .optional()
    .setBy(rules.addExternalGatewaysExternalGateways, rules.addExternalGatewaysExternalGateways)
    .partsBy({
      network_id: { update: rules.addExternalGatewaysExternalGatewaysNetworkId },
      enable_snat: { update: rules.addExternalGatewaysExternalGatewaysEnableSnat },
      external_fixed_ips: { update: rules.addExternalGatewaysExternalGatewaysExternalFixedIps },
    }),
})
export const gatewaysToUpdate = resource('router', 'routers', {
  external_gateways: later(some)
    .optional()
    .setBy(rules.updateExternalGatewaysExternalGateways, rules.updateExternalGatewaysExternalGateways)
    .partsBy({
      network_id: { update: rules.updateExternalGatewaysExternalGatewaysNetworkId },
      enable_snat: { update: rules.updateExternalGatewaysExternalGatewaysEnableSnat },
      external_fixed_ips: { update: rules.updateExternalGatewaysExternalGatewaysExternalFixedIps },
    }),
})
export const gatewaysToRemove = resource('router', 'routers', {
  external_gateways: later(some)
    .optional()
    .setBy(rules.removeExternalGatewaysExternalGateways, rules.removeExternalGatewaysExternalGateways),
})

const judged = 'domain' as const
const refused = [
  faults.RouterNotFound,
  faults.UnableToMatchGateways,
  faults.RouterExternalGatewayInUseByFloatingIp,
  faults.NetworkNotFound,
  faults.BadRequest,
]
export const externalGateways = {
  add: put('/v2.0/routers/{id}/add_external_gateways', {
    policy: rules.addExternalGateways,
    judged,
    body: gatewaysToAdd.updateBody,
    bodyOptional: true,
    reply: replyOf(router),
    faults: refused,
  }),
  update: put('/v2.0/routers/{id}/update_external_gateways', {
    policy: rules.updateExternalGateways,
    judged,
    body: gatewaysToUpdate.updateBody,
    bodyOptional: true,
    reply: replyOf(router),
    faults: refused,
  }),
  remove: put('/v2.0/routers/{id}/remove_external_gateways', {
    policy: rules.removeExternalGateways,
    judged,
    body: gatewaysToRemove.updateBody,
    bodyOptional: true,
    reply: replyOf(router),
    faults: [...refused, faults.UnableToRemoveGateways],
  }),
}
