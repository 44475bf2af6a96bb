// Wanted states for the suites of every mechanism: a small cloud's network, and ways to change it.
import type { HostNetworkState, PortState, SecurityRuleState } from '#services/neutron/drivers/mechanism.ts'

const id = (head: string, tail: number): string => `${head}-0000-4000-8000-${tail.toString(16).padStart(12, '0')}`

export const PRIVATE = id('aaaa0001', 1)
export const PRIVATE_SUBNET = id('aaaa0002', 1)
export const PUBLIC = id('bbbb0001', 1)
export const ROUTER = id('cccc0001', 1)
export const DEFAULT_GROUP = id('dddd0001', 1)

let ruleCount = 0
/** A rule with everything open but what is named. */
export function ruleOf(change: Partial<SecurityRuleState>): SecurityRuleState {
  ruleCount += 1
  return {
    id: id('eeee0001', ruleCount),
    direction: 'ingress',
    ethertype: 'IPv4',
    protocol: null,
    portMin: null,
    portMax: null,
    remote: null,
    ...change,
  }
}

/** The n-th guest's port on the private network: 10.1.0.50, .51, … */
export function portOf(index: number, change: Partial<PortState> = {}): PortState {
  return {
    id: id(`${(0xf0000001 + index).toString(16)}`, index),
    networkId: PRIVATE,
    mac: `fa:16:3e:00:00:${(0x50 + index).toString(16)}`,
    fixedIps: [{ subnetId: PRIVATE_SUBNET, ip: `10.1.0.${50 + index}` }],
    adminUp: true,
    portSecurity: true,
    allowedAddressPairs: [],
    securityGroupIds: [DEFAULT_GROUP],
    deviceOwner: 'compute:nova',
    deviceId: id('99990001', index),
    hostname: `vm${index}`,
    ...change,
  }
}

/** Neutron's default group: everything out, in only from members. */
export const defaultRules = (): SecurityRuleState[] => [
  ruleOf({ direction: 'egress' }),
  ruleOf({ direction: 'egress', ethertype: 'IPv6' }),
  ruleOf({ remote: { addressSet: DEFAULT_GROUP } }),
  ruleOf({ ethertype: 'IPv6', remote: { addressSet: DEFAULT_GROUP } }),
]

/** Public and private networks, a router between, two guests in the default group (which also lets ping in), one floating IP. */
export function sampleState(change: Partial<HostNetworkState> = {}): HostNetworkState {
  const ports = change.ports ?? [portOf(0), portOf(1)]
  return {
    host: 'node-1',
    networks: [
      {
        id: PUBLIC,
        kind: 'flat',
        mtu: 1500,
        adminUp: true,
        external: true,
        subnets: [
          {
            id: id('bbbb0002', 1),
            cidr: '172.24.4.0/24',
            ipVersion: 4,
            gatewayIp: '172.24.4.1',
            dhcp: false,
            pools: [{ start: '172.24.4.2', end: '172.24.4.254' }],
            dnsServers: [],
            hostRoutes: [],
          },
        ],
      },
      {
        id: PRIVATE,
        kind: 'local',
        mtu: 1450,
        adminUp: true,
        external: false,
        subnets: [
          {
            id: PRIVATE_SUBNET,
            cidr: '10.1.0.0/24',
            ipVersion: 4,
            gatewayIp: '10.1.0.1',
            dhcp: true,
            pools: [{ start: '10.1.0.2', end: '10.1.0.254' }],
            dnsServers: ['9.9.9.9'],
            hostRoutes: [{ destination: '10.77.0.0/16', nexthop: '10.1.0.9' }],
          },
        ],
        dhcpPort: {
          id: id('abab0001', 1),
          mac: 'fa:16:3e:00:00:02',
          ips: [{ subnetId: PRIVATE_SUBNET, ip: '10.1.0.2' }],
        },
      },
    ],
    ports,
    securityGroups: [
      {
        id: DEFAULT_GROUP,
        stateful: true,
        rules: [...defaultRules(), ruleOf({ protocol: 'icmp', remote: { cidr: '0.0.0.0/0' } })],
      },
    ],
    addressSets: { [DEFAULT_GROUP]: ports.flatMap(port => port.fixedIps.map(fixed => fixed.ip)) },
    routers: [
      {
        id: ROUTER,
        adminUp: true,
        gateway: {
          portId: id('acac0001', 1),
          mac: 'fa:16:3e:00:00:03',
          networkId: PUBLIC,
          ips: [{ ip: '172.24.4.10', prefix: 24 }],
          nexthops: ['172.24.4.1'],
          snat: true,
        },
        interfaces: [
          {
            portId: id('adad0001', 1),
            mac: 'fa:16:3e:00:00:01',
            networkId: PRIVATE,
            ips: [{ ip: '10.1.0.1', prefix: 24 }],
          },
        ],
        routes: [],
        floatingIps: [{ id: id('fafa0001', 1), floating: '172.24.4.55', fixed: '10.1.0.50' }],
      },
    ],
    ...change,
  }
}
