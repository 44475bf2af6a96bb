// Ports: where a guest, a router or a DHCP server meets a network. The exemplary noun: its rows name everything a row can.
import { inOut, listReplyOf, once, out, replyOf, resource } from '#kernel/contract/resource.ts'
import { del, get, post, put } from '#kernel/contract/route.ts'
import { may, must, object } from '#kernel/contract/shape.ts'
import { any, dict, ip, list, nullable, raw, text, uuid, words } from '#kernel/contract/shapes.ts'
import { faults } from '#services/neutron/contract/faults.ts'
import { qosPolicyId } from '#services/neutron/contract/qos.ts'
import { rules } from '#services/neutron/contract/rules.ts'
import { identity, owner, story, tagged } from '#services/neutron/contract/standard.ts'
import { anyQuery, bool, dnsName, listOrNull } from '#services/neutron/contract/words.ts'

/** An address asked for: of a subnet, a certain one, or both. */
export const fixedIp = object({ subnet_id: may(uuid), ip_address: may(ip) })
/** What else may come from this port: an address or a CIDR, with the port's own or another hardware address. */
export const addressPair = object({
  ip_address: must(text({ max: 64 })),
  mac_address: may(text({ max: 32, format: 'mac-address' })),
})
export const dhcpOption = object({
  opt_name: must(text({ min: 1, max: 64 })),
  opt_value: must(nullable(text({ max: 255 }))),
  ip_version: may(raw<4 | 6>({ enum: [4, 6, '4', '6'] }, value => Number(value))),
})
export const vnicTypes = [
  'normal',
  'direct',
  'macvtap',
  'baremetal',
  'direct-physical',
  'virtio-forwarder',
  'smart-nic',
  'vdpa',
  'accelerator-direct',
  'accelerator-direct-physical',
  'remote-managed',
] as const

export const port = resource('port', 'ports', {
  ...identity,
  ...owner,
  network_id: once(uuid).filters().sorts(),
  admin_state_up: inOut(bool).otherwise(true).filters().sorts(),
  mac_address: inOut(nullable(text({ max: 32, format: 'mac-address' })))
    .optional()
    .filters()
    .sorts()
    .setBy(rules.createPortMacAddress, rules.updatePortMacAddress),
  fixed_ips: inOut(list(fixedIp, { max: 100 }))
    .optional()
    .filters()
    .setBy(rules.createPortFixedIps, rules.updatePortFixedIps)
    .partsBy({
      ip_address: { create: rules.createPortFixedIpsIpAddress, update: rules.updatePortFixedIpsIpAddress },
      subnet_id: { create: rules.createPortFixedIpsSubnetId, update: rules.updatePortFixedIpsSubnetId },
    }),
  device_id: inOut(text({ max: 255 }))
    .otherwise('')
    .filters()
    .sorts()
    .setBy(rules.createPortDeviceId, rules.updatePortDeviceId),
  device_owner: inOut(text({ max: 255 }))
    .otherwise('')
    .filters()
    .sorts()
    .setBy(rules.createPortDeviceOwner, rules.updatePortDeviceOwner),
  status: out(text()).filters().sorts(),
  security_groups: inOut(listOrNull(uuid, { unique: true, max: 100 }))
    .optional()
    .filters()
    .of('port-security-groups-filtering'),
  port_security_enabled: inOut(bool)
    .optional()
    .setBy(rules.createPortPortSecurityEnabled, rules.updatePortPortSecurityEnabled)
    .of('port-security'),
  allowed_address_pairs: inOut(listOrNull(addressPair, { max: 1000 }))
    .optional()
    .setBy(rules.createPortAllowedAddressPairs, rules.updatePortAllowedAddressPairs)
    .partsBy({
      mac_address: {
        create: rules.createPortAllowedAddressPairsMacAddress,
        update: rules.updatePortAllowedAddressPairsMacAddress,
      },
      ip_address: {
        create: rules.createPortAllowedAddressPairsIpAddress,
        update: rules.updatePortAllowedAddressPairsIpAddress,
      },
    })
    .of('allowed-address-pairs'),
  extra_dhcp_opts: inOut(listOrNull(dhcpOption, { max: 50 }))
    .otherwise(() => [])
    .of('extra_dhcp_opt'),
  dns_name: inOut(dnsName).otherwise('').filters().of('dns-integration'),
  dns_assignment: out(list(dict(any))).of('dns-integration'),
  'binding:host_id': inOut(nullable(text({ max: 255 })))
    .optional()
    .filters()
    .setBy(rules.createPortBindingHostId, rules.updatePortBindingHostId)
    .seenBy(rules.getPortBindingHostId)
    .of('binding'),
  'binding:vif_type': out(text()).seenBy(rules.getPortBindingVifType).of('binding'),
  'binding:vif_details': out(dict(any)).seenBy(rules.getPortBindingVifDetails).of('binding'),
  'binding:vnic_type': inOut(words(...vnicTypes))
    .otherwise('normal')
    .setBy(rules.createPortBindingVnicType, rules.updatePortBindingVnicType)
    .of('binding'),
  'binding:profile': inOut(nullable(dict(any)))
    .optional()
    .setBy(rules.createPortBindingProfile, rules.updatePortBindingProfile)
    .seenBy(rules.getPortBindingProfile)
    .of('binding'),
  trunk_details: out(dict(any)).of('trunk-details'),
  qos_policy_id: qosPolicyId.of('qos'),
  qos_network_policy_id: out(nullable(uuid)).of('qos-port-network-policy'),
  ...story,
  ...tagged,
  tags: once(list(text({ max: 255 }), { unique: true }))
    .otherwise(() => [])
    .filters()
    .setBy(rules.createPortTags)
    .of('tag-ports-during-bulk-creation'),
})

const judged = 'domain' as const
export const ports = {
  list: get('/v2.0/ports', { policy: rules.getPort, judged, query: anyQuery, reply: listReplyOf(port) }),
  show: get('/v2.0/ports/{id}', {
    policy: rules.getPort,
    judged,
    query: anyQuery,
    reply: replyOf(port),
    faults: [faults.PortNotFound],
  }),
  create: post('/v2.0/ports', {
    policy: rules.createPort,
    judged,
    body: port.createBody,
    bodyOptional: true,
    reply: replyOf(port),
    faults: [
      faults.NetworkNotFound,
      faults.OverQuota,
      faults.IpAddressInUse,
      faults.MacAddressInUse,
      faults.InvalidIpForNetwork,
      faults.InvalidIpForSubnet,
      faults.IpAddressGenerationFailure,
      faults.SecurityGroupNotFound,
    ],
  }),
  update: put('/v2.0/ports/{id}', {
    policy: rules.updatePort,
    judged,
    body: port.updateBody,
    bodyOptional: true,
    reply: replyOf(port),
    faults: [faults.PortNotFound, faults.IpAddressInUse, faults.MacAddressInUse, faults.PortBound],
  }),
  remove: del('/v2.0/ports/{id}', {
    policy: rules.deletePort,
    judged,
    faults: [faults.PortNotFound, faults.ServicePortInUse],
  }),
}
