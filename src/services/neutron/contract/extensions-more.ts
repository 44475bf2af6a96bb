// Extensions of the nouns beside networks, ports and routers; see extensions.ts.
import { extensions, type Extension } from '#services/neutron/contract/extensions.ts'
import { qosExtensions } from '#services/neutron/contract/qos-extensions.ts'
import { trunkExtensions } from '#services/neutron/contract/trunk-extensions.ts'

const extension = (alias: string, name: string, description: string, updated: string): Extension => ({
  alias,
  name,
  description,
  updated,
})
/** Those of all nouns. */
export const allExtensions: readonly Extension[] = [
  ...extensions,
  ...qosExtensions,
  ...trunkExtensions,
  extension(
    'rbac-policies',
    'RBAC Policies',
    'Allows creation and modification of policies that control project access to resources.',
    '2015-06-17T12:15:12-00:00',
  ),
  extension('address-group', 'Address group', 'Support address group', '2020-07-15T10:00:00-00:00'),
  extension('address-scope', 'Address scope', 'Address scopes extension.', '2015-07-26T10:00:00-00:00'),
  extension(
    'rbac-address-group',
    'Add address_group type to RBAC',
    'Add address_group type to network RBAC',
    '2021-01-20T00:00:00-00:00',
  ),
  extension(
    'rbac-address-scope',
    'Add address_scope type to RBAC',
    'Add address_scope type to RBAC',
    '2020-02-12T00:00:00-00:00',
  ),
  extension(
    'rbac-security-groups',
    'Add security_group type to network RBAC',
    'Add security_group type to network RBAC',
    '2019-02-14T00:00:00-00:00',
  ),
  extension(
    'rbac-subnetpool',
    'Add subnetpool type to RBAC',
    'Add subnetpool type to RBAC',
    '2020-02-05T00:00:00-00:00',
  ),
  extension(
    'security-groups-remote-address-group',
    'Remote address group id field for security group rules',
    'Add new field of remote address group id in SG rules',
    '2020-08-25T10:00:00-00:00',
  ),
  extension(
    'subnet_onboard',
    'Subnet Onboard',
    'Provides support for onboarding subnets into subnet pools',
    '2018-12-18T09:00:00-00:00',
  ),
  extension(
    'floating-ip-port-forwarding',
    'Floating IP Port Forwarding',
    'Allow port forwarding from floating IP port to an internal port',
    '2018-01-19T10:00:00-00:00',
  ),
  extension(
    'floating-ip-port-forwarding-description',
    'Floating IP Port Forwarding new attribute description',
    'Add a description field to Port Forwarding rules',
    '2019-11-01T10:00:00-00:00',
  ),
  extension(
    'floating-ip-port-forwarding-port-ranges',
    'Floating IP Port Forwarding support port ranges',
    'Add support to port ranges',
    '2020-07-01T10:00:00-00:00',
  ),
  extension(
    'floating-ip-port-forwarding-detail',
    'Floating IP port forwarding detail',
    "Allow list floating ip return more port forwarding data, include'id' and 'internal_port_id'",
    '2022-05-06T10:00:00-00:00',
  ),
  extension(
    'expose-port-forwarding-in-fip',
    'Expose Floating IP port forwardings',
    'Expose port forwarding fields in floating IP response',
    '2018-06-28T16:00:00-00:00',
  ),
  extension(
    'l3-conntrack-helper',
    'L3 Conntrack helper',
    'Allow adding CT target rules for conntrack helper',
    '2019-04-04T10:00:00-00:00',
  ),
  extension(
    'expose-l3-conntrack-helper',
    'Expose CT target rules for conntrack helper',
    'Expose allow adding CT target rules for conntrack helper',
    '2019-04-04T10:00:00-00:00',
  ),
  extension(
    'external-gateway-multihoming',
    'Neutron L3 External Gateway Multihoming',
    'Allow multiple external gateway ports per router',
    '2023-01-18T00:00:00-00:00',
  ),
  extension(
    'enable-default-route-bfd',
    'Enable Default Route BFD',
    'Enables configurable BFD behavior for default routes',
    '2023-02-27T00:00:00-00:00',
  ),
  extension(
    'enable-default-route-ecmp',
    'Enable Default Route ECMP',
    'Enables configurable ECMP behavior for default routes',
    '2023-02-27T00:00:00-00:00',
  ),
  extension('metering', 'Neutron Metering', 'Neutron Metering extension.', '2013-06-12T10:00:00-00:00'),
  extension(
    'auto-allocated-topology',
    'Auto Allocated Topology Services',
    'Auto Allocated Topology Services.',
    '2016-01-01T00:00:00-00:00',
  ),
  extension('segment', 'Segment', 'Segments extension.', '2016-02-24T17:00:00-00:00'),
  extension(
    'standard-attr-segment',
    'Standard Attribute Segment Extension',
    'Add standard attributes to Segment resource',
    '2018-04-09T10:00:00-00:00',
  ),
  extension(
    'subnet-segmentid-enforce',
    'Subnet SegmentID (policy enforced)',
    'Enforce segment_id policy rule.',
    '2018-09-04T00:00:00-00:00',
  ),
  extension(
    'subnet-segmentid-writable',
    'Subnet SegmentID (writable)',
    'Provides a writable segment_id attribute for a subnet resource.',
    '2018-03-12T00:00:00-00:00',
  ),
  extension(
    'network-segment-range',
    'Neutron Network Segment Range',
    'Provides support for the network segment range management',
    '2018-11-29T00:00:00-00:00',
  ),
  extension(
    'stateful-security-group',
    'Stateful security group',
    'Indicates if the security group is stateful or not',
    '2019-11-26T09:00:00-00:00',
  ),
  extension(
    'security-groups-default-statefulness',
    'Security Groups Default Statefulness',
    "Allows configuring the default value of the 'stateful' attribute for new security groups, on a per-project or system-wide basis",
    '2026-04-13T00:00:00-00:00',
  ),
  extension(
    'flavors',
    'Neutron Service Flavors',
    'Flavor specification for Neutron advanced services.',
    '2015-09-17T10:00:00-00:00',
  ),
  extension(
    'security-groups-default-rules',
    'Default rules for security groups',
    'Configure set of security group rules used as default rules.',
    '2022-12-19T10:00:00-00:00',
  ),
  extension('dns-integration', 'DNS Integration', 'Provides integration with DNS.', '2015-08-15T18:00:00-00:00'),
]
