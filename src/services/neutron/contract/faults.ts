// Every fault: its type on the wire, its status and its words, which clients parse.
import { faultTable } from '#kernel/contract/fault.ts'

export const faults = faultTable({
  // what the API layer itself says
  HTTPBadRequest: [400, '{reason}'],
  HTTPNotFound: [404, 'The resource could not be found.'],
  BadRequest: [400, 'Bad {resource} request: {msg}.'],
  InvalidInput: [400, 'Invalid input for operation: {error_message}.'],
  PolicyNotAuthorized: [403, '{rules} is disallowed by policy'],
  AdminRequired: [403, 'User does not have admin privileges: {reason}.'],
  RevisionNumberConstraintFailed: [412, 'Constrained to {expected}, but current revision is {current}'],
  ServiceUnavailable: [503, 'The service is unavailable.'],
  // quota
  OverQuota: [409, 'Quota exceeded for resources: {overs}.'],
  // networks
  NetworkNotFound: [404, 'Network {net_id} could not be found.'],
  NetworkInUse: [409, 'Unable to complete operation on network {net_id}. {reason}.'],
  InvalidSharedSetting: [
    409,
    'Unable to reconfigure sharing settings for network {network}. Multiple projects are using it.',
  ],
  ExternalNetworkInUse: [
    409,
    'External network {net_id} cannot be updated to be made non-external, since it has existing gateway ports.',
  ],
  FlatNetworkInUse: [409, 'Unable to create the flat network. Physical network {physical_network} is in use.'],
  VlanIdInUse: [
    409,
    'Unable to create the network. The VLAN {vlan_id} on physical network {physical_network} is in use.',
  ],
  TunnelIdInUse: [409, 'Unable to create the network. The tunnel ID {tunnel_id} is in use.'],
  NoNetworkAvailable: [503, 'Unable to create the network. No project network is available for allocation.'],
  NetworkMTUSubnetConflict: [409, 'MTU of {net_id} is not valid, subnet requires a minimum of {mtu}'],
  AvailabilityZoneNotFound: [404, 'AvailabilityZone {availability_zone} could not be found.'],
  // subnets
  SubnetNotFound: [404, 'Subnet {subnet_id} could not be found.'],
  SubnetInUse: [409, 'Unable to complete operation on subnet {subnet_id}: {reason}.'],
  InvalidAllocationPool: [400, 'The allocation pool {pool} is not valid.'],
  OutOfBoundsAllocationPool: [400, 'The allocation pool {pool} spans beyond the subnet cidr {subnet_cidr}.'],
  OverlappingAllocationPools: [409, 'Found overlapping allocation pools: {pool_1} {pool_2} for subnet {subnet_cidr}.'],
  GatewayConflictWithAllocationPools: [409, 'Gateway ip {ip_address} conflicts with allocation pool {pool}.'],
  GatewayIpInUse: [409, 'Current gateway ip {ip_address} already in use by port {port_id}. Unable to update.'],
  DNSNameServersExhausted: [
    400,
    'Unable to complete operation for {subnet_id}. The number of DNS nameservers exceeds the limit {quota}.',
  ],
  HostRoutesExhausted: [
    400,
    'Unable to complete operation for {subnet_id}. The number of host routes exceeds the limit {quota}.',
  ],
  InvalidSubnetServiceType: [
    400,
    'Invalid input for operation: Subnet service type {service_type} does not correspond to a valid device owner.',
  ],
  SubnetPoolNotFound: [404, 'Subnet pool {subnetpool_id} could not be found.'],
  SubnetPoolDeleteError: [400, 'Unable to delete subnet pool: {reason}.'],
  SubnetPoolQuotaExceeded: [409, 'Per-project subnet pool prefix quota exceeded.'],
  SubnetAllocationError: [409, 'Failed to allocate subnet: {reason}.'],
  MinPrefixSubnetAllocationError: [
    400,
    'Unable to allocate subnet with prefix length {prefixlen}, minimum allowed prefix is {min_prefixlen}.',
  ],
  MaxPrefixSubnetAllocationError: [
    400,
    'Unable to allocate subnet with prefix length {prefixlen}, maximum allowed prefix is {max_prefixlen}.',
  ],
  NetworkSubnetPoolAffinityError: [
    400,
    'Subnets hosted on the same network must be allocated from the same subnet pool.',
  ],
  EmptySubnetPoolPrefixList: [400, 'Empty subnet pool prefix list.'],
  PrefixVersionMismatch: [400, 'Cannot mix IPv4 and IPv6 prefixes in a subnet pool.'],
  IllegalSubnetPoolPrefixBounds: [
    400,
    'Illegal prefix bounds: {prefix_type}={prefixlen}, {base_prefix_type}={base_prefixlen}.',
  ],
  IllegalSubnetPoolPrefixUpdate: [400, 'Illegal update to prefixes: {msg}.'],
  // ports and addresses
  PortNotFound: [404, 'Port {port_id} could not be found.'],
  PortInUse: [
    409,
    'Unable to complete operation on port {port_id} for network {net_id}. Port already has an attached device {device_id}.',
  ],
  PortBound: [
    409,
    'Unable to complete operation on port {port_id}, port is already bound, port type: {vif_type}, old_mac {old_mac}, new_mac {new_mac}.',
  ],
  PortBindingNotFound: [404, 'Binding for port {port_id} for host {host} could not be found.'],
  PortBindingAlreadyActive: [409, 'Binding for port {port_id} on host {host} is already active.'],
  PortBindingAlreadyExists: [409, 'Binding for port {port_id} on host {host} already exists.'],
  PortBindingError: [409, 'Binding for port {port_id} on host {host} could not be created or updated.'],
  ServicePortInUse: [409, 'Port {port_id} cannot be deleted directly via the port API: {reason}.'],
  UnsupportedPortDeviceOwner: [
    409,
    'Operation {op} is not supported for device_owner {device_owner} on port {port_id}.',
  ],
  MacAddressInUse: [409, 'Unable to complete operation for network {net_id}. The mac address {mac} is in use.'],
  NetworkMacAddressGenerationFailure: [503, 'Unable to generate unique mac on network {net_id}.'],
  InvalidIpForNetwork: [
    400,
    'IP address {ip_address} is not a valid IP for any of the subnets on the specified network.',
  ],
  InvalidIpForSubnet: [400, 'IP address {ip_address} is not a valid IP for the specified subnet.'],
  IpAddressInUse: [409, 'Unable to complete operation for network {net_id}. The IP address {ip_address} is in use.'],
  IpAddressAlreadyAllocated: [409, 'IP address {ip} already allocated in subnet {subnet_id}'],
  IpAddressGenerationFailure: [409, 'No more IP addresses available on network {net_id}.'],
  ExternalIpAddressExhausted: [400, 'Unable to find any IP address on external network {net_id}.'],
  AllocationOnAutoAddressSubnet: [
    400,
    'IPv6 address {ip} cannot be directly assigned to a port on subnet {subnet_id} as the subnet is configured for automatic addresses',
  ],
  FipAssociated: [
    409,
    'Unable to complete the operation on port {port_id} because the port still has an associated floating IP.',
  ],
  DeviceIDNotOwnedByProject: [
    409,
    'The following device_id {device_id} is not owned by your project or matches another project router.',
  ],
  PortSecurityPortHasSecurityGroup: [
    409,
    'Port has security group associated. Cannot disable port security or IP address until security group is removed.',
  ],
  PortSecurityAndIPRequiredForSecurityGroups: [
    400,
    'Port security must be enabled and port must have an IP address in order to use security groups.',
  ],
  AddressPairAndPortSecurityRequired: [
    409,
    'Port Security must be enabled in order to have allowed address pairs on a port.',
  ],
  AllowedAddressPairExhausted: [400, 'The number of allowed address pair exceeds the maximum {quota}.'],
  DuplicateAddressPairInRequest: [
    400,
    'Request contains duplicate address pair: mac_address {mac_address} ip_address {ip_address}.',
  ],
  // security groups
  SecurityGroupNotFound: [404, 'Security group {id} does not exist'],
  SecurityGroupRuleNotFound: [404, 'Security group rule {id} does not exist'],
  SecurityGroupInUse: [409, 'Security Group {id} in use.'],
  SecurityGroupCannotRemoveDefault: [409, 'Insufficient rights for removing default security group.'],
  SecurityGroupCannotUpdateDefault: [409, 'Updating default security group not allowed.'],
  SecurityGroupDefaultAlreadyExists: [409, 'Default security group already exists.'],
  SecurityGroupRuleExists: [409, 'Security group rule already exists. Rule id is {rule_id}.'],
  DuplicateSecurityGroupRuleInPost: [409, 'Duplicate Security Group Rule in POST.'],
  SecurityGroupNotSingleGroupRules: [400, 'Only allowed to update rules for one security profile at a time'],
  SecurityGroupRuleInvalidProtocol: [
    400,
    'Security group rule protocol {protocol} not supported. Only protocol values {values} and integer representations [0 to 255] are supported.',
  ],
  SecurityGroupRuleInvalidEtherType: [
    400,
    "Security group rule for ethertype '{ethertype}' not supported. Allowed values are {values}.",
  ],
  SecurityGroupRuleParameterConflict: [400, 'Conflicting value ethertype {ethertype} for CIDR {cidr}'],
  SecurityGroupMultipleRemoteEntites: [
    400,
    'Only one of remote_ip_prefix or remote_group_id or remote_address_group_id may be provided.',
  ],
  SecurityGroupProtocolRequiredWithPorts: [400, 'Must also specify protocol if port range is given.'],
  SecurityGroupInvalidPortRange: [400, 'For TCP/UDP protocols, port_range_min must be <= port_range_max'],
  SecurityGroupInvalidPortValue: [400, 'Invalid value for port {port}'],
  SecurityGroupInvalidIcmpValue: [400, 'Invalid value for ICMP {field} ({attr}) {value}. It must be 0 to 255.'],
  SecurityGroupMissingIcmpType: [
    400,
    'ICMP code (port-range-max) {value} is provided but ICMP type (port-range-min) is missing.',
  ],
  SecurityGroupInvalidProtocolForPort: [
    400,
    'Ports cannot be specified for protocol {protocol}. Ports are only supported for {valid_port_protocols}.',
  ],
  SecurityGroupEthertypeConflictWithProtocol: [400, 'Invalid ethertype {ethertype} for protocol {protocol}.'],
  InvalidCIDR: [400, 'Invalid CIDR {input} given as IP prefix.'],
  SecurityGroupConflict: [409, 'Error {reason} while attempting the operation.'],
  // routers and floating IPs
  RouterNotFound: [404, 'Router {router_id} could not be found'],
  RouterInUse: [409, 'Router {router_id} {reason}'],
  RouterInterfaceNotFound: [404, 'Router {router_id} does not have an interface with id {port_id}'],
  RouterInterfaceNotFoundForSubnet: [404, 'Router {router_id} has no interface on subnet {subnet_id}'],
  RouterInterfaceInUseByFloatingIP: [
    409,
    'Router interface for subnet {subnet_id} on router {router_id} cannot be deleted, as it is required by one or more floating IPs.',
  ],
  RouterInterfaceInUseByRoute: [
    409,
    'Router interface for subnet {subnet_id} on router {router_id} cannot be deleted, as it is required by one or more routes.',
  ],
  RouterInterfaceAttachmentConflict: [409, 'Error {reason} while attempting the operation.'],
  RouterExternalGatewayInUseByFloatingIp: [
    409,
    'Gateway cannot be updated for router {router_id}, since a gateway to external network {net_id} is required by one or more floating IPs.',
  ],
  SubnetMismatchForPort: [400, 'Subnet on port {port_id} does not match the requested subnet {subnet_id}.'],
  InvalidRoutes: [400, 'Invalid format for routes: {routes}, {reason}'],
  RoutesExhausted: [
    400,
    'Unable to complete operation for {router_id}. The number of routes exceeds the maximum {quota}.',
  ],
  FloatingIPNotFound: [404, 'Floating IP {floatingip_id} could not be found'],
  ExternalGatewayForFloatingIPNotFound: [
    404,
    'External network {external_network_id} is not reachable from subnet {subnet_id}.  Therefore, cannot associate Port {port_id} with a Floating IP.',
  ],
  FloatingIPPortAlreadyAssociated: [
    409,
    'Cannot associate floating IP {floating_ip_address} ({fip_id}) with port {port_id} using fixed IP {fixed_ip}, as that fixed IP already has a floating IP on external network {net_id}.',
  ],
  // sharing, address scopes, address groups
  RbacPolicyNotFound: [404, 'RBAC policy of type {object_type} with ID {id} not found'],
  RbacPolicyInUse: [
    409,
    'RBAC policy on object {object_id} cannot be removed because other objects depend on it.\nDetails: {details}',
  ],
  RbacPolicyInitError: [400, 'Failed to create RBAC policy on object {object_id} because {reason}.'],
  DuplicateRbacPolicy: [409, 'An RBAC policy already exists with those values.'],
  InvalidActionForType: [
    400,
    "Invalid action '{action}' for object type '{object_type}'. Valid actions: {valid_actions}",
  ],
  AddressScopeNotFound: [404, 'Address scope {address_scope_id} could not be found.'],
  AddressScopeInUse: [
    409,
    'Unable to complete operation on address scope {address_scope_id}. There are one or more subnet pools in use on the address scope.',
  ],
  AddressScopeUpdateError: [400, 'Unable to update address scope {address_scope_id} : {reason}.'],
  NetworkAddressScopeAffinityError: [
    400,
    'Subnets of the same address family hosted on the same network must all participate in the same address scope.',
  ],
  AddressScopePrefixConflict: [
    409,
    'Failed to associate address scope: subnetpools within an address scope must have unique prefixes.',
  ],
  IllegalSubnetPoolAssociationToAddressScope: [
    400,
    'Illegal subnetpool association: subnetpool {subnetpool_id} cannot be associated with address scope {address_scope_id}.',
  ],
  IllegalSubnetPoolIpVersionAssociationToAddressScope: [
    400,
    'Illegal subnetpool association: subnetpool {subnetpool_id} cannot associate with address scope {address_scope_id} because subnetpool ip_version is not {ip_version}.',
  ],
  IllegalSubnetPoolUpdate: [400, 'Illegal subnetpool update : {reason}.'],
  IllegalSubnetUpdate: [400, 'Illegal update to subnet: {reason}.'],
  AddressGroupNotFound: [404, 'Address group {address_group_id} could not be found.'],
  AddressGroupInUse: [409, 'Address group {address_group_id} is in use on one or more security group rules.'],
  AddressesNotFound: [404, 'Addresses {addresses} not found in the address group {address_group_id}.'],
  AddressesAlreadyExist: [400, 'Addresses {addresses} already exist in the address group {address_group_id}.'],
  // what hangs on floating IPs and routers
  PortForwardingNotFound: [404, 'Port Forwarding {id} could not be found.'],
  PortHasPortForwarding: [
    400,
    'Cannot associate floating IP to port {port_id} because it already has a Port Forwarding binding.',
  ],
  FipInUseByPortForwarding: [409, 'Floating IP {id} in use by Port Forwarding resources.'],
  PortHasBindingFloatingIP: [
    409,
    'Cannot create port forwarding to floating IP {floating_ip_address} ({fip_id}) with port {port_id} using fixed IP {fixed_ip}, as that port already has a binding floating IP.',
  ],
  UnableToRemoveGateways: [400, 'Unable to remove extra gateways from a router {router_id}'],
  UnableToMatchGateways: [
    400,
    'Unable to match a requested gateway port to existing gateway ports for router {router_id}',
  ],
  ConntrackHelperNotFound: [404, 'Conntrack Helper {id} could not be found.'],
  ConntrackHelperNotAllowed: [400, 'Conntrack Helper {helper} is not allowed.'],
  InvalidProtocolForHelper: [
    400,
    'Conntrack Helper {helper} does not support: {protocol}. Supported protocols are: {supported_protocols}',
  ],
  // what is written down
  MeteringLabelNotFound: [404, "Metering label '{label_id}' does not exist."],
  MeteringLabelRuleNotFound: [404, "Metering label rule '{rule_id}' does not exist."],
  FlavorNotFound: [404, 'Flavor {flavor_id} could not be found.'],
  ServiceProfileNotFound: [404, 'Service Profile {sp_id} could not be found.'],
  ServiceProfileInUse: [409, 'Service Profile {sp_id} is used by some service instance.'],
  ServiceProfileEmpty: [400, 'Service Profile needs either a driver or metainfo.'],
  ServiceProfileDriverNotFound: [404, 'Service Profile driver {driver} could not be found.'],
  FlavorServiceProfileBindingExists: [409, 'Service Profile {sp_id} is already associated with flavor {fl_id}.'],
  FlavorServiceProfileBindingNotFound: [404, 'Service Profile {sp_id} is not associated with flavor {fl_id}.'],
  DefaultSecurityGroupRuleNotFound: [404, 'Default Security Group rule {id} does not exist.'],
  DefaultSecurityGroupRuleExists: [409, 'Default Security group rule already exists. Rule id is {rule_id}.'],
  SecurityGroupDefaultStatefulnessNotFound: [404, 'Security group default statefulness {id} could not be found.'],
  SecurityGroupDefaultStatefulnessAlreadyExists: [
    409,
    "A security group default statefulness setting already exists for project '{project_id}'.",
  ],
  SegmentNotFound: [404, 'Segment {segment_id} could not be found.'],
  SegmentInUse: [409, "Segment '{segment_id}' cannot be deleted: {reason}."],
  NetworkIdsDontMatch: [
    400,
    "The subnet's network id, '{subnet_network}', doesn't match the network_id of segment '{segment_id}'",
  ],
  SubnetsNotAllAssociatedWithSegments: [
    400,
    "All of the subnets on network '{network_id}' must either all be associated with segments or all not associated with any segment.",
  ],
  SubnetSegmentAssociationChangeNotAllowed: [
    400,
    'A subnet that is already associated with a segment cannot have its segment association changed.',
  ],
  NetworkSegmentRangeNotFound: [404, 'Network Segment Range {range_id} could not be found.'],
  NetworkSegmentRangeReferencedByProject: [
    409,
    'Network Segment Range {range_id} is referenced by one or more project networks.',
  ],
  NetworkSegmentRangeDefaultReadOnly: [
    400,
    'Network Segment Range {range_id} is a default segment range which could not be updated or deleted.',
  ],
  NetworkSegmentRangeOverlaps: [409, 'Network segment range overlaps with range(s) with id {range_id}'],
  AutoAllocationFailure: [409, 'Deployment error: {reason}.'],
  DefaultExternalNetworkExists: [409, 'A default external network already exists: {net_id}.'],
  // agents, tags, extensions
  InvalidDHCPAgent: [404, 'Agent {id} is not a valid DHCP Agent or has been disabled'],
  NetworkHostedByDHCPAgent: [409, 'The network {network_id} has been already hosted by the DHCP Agent {agent_id}.'],
  NetworkNotHostedByDhcpAgent: [409, 'The network {network_id} is not hosted by the DHCP agent {agent_id}.'],
  InvalidL3Agent: [404, 'Agent {id} is not a L3 Agent or has been disabled'],
  RouterHostedByL3Agent: [409, 'The router {router_id} has been already hosted by the L3 Agent {agent_id}.'],
  RouterNotHostedByL3Agent: [409, 'The router {router_id} is not hosted by L3 agent {agent_id}.'],
  AgentNotFound: [404, 'Agent {id} could not be found.'],
  TagResourceNotFound: [404, 'Resource {resource} {resource_id} could not be found.'],
  TagNotFound: [404, 'Tag {tag} could not be found.'],
})
