// A host's network in memory: the same checks, filters and tables as the linux driver, and not one packet. For demonstrations, tests
// and hundreds of hosts.
import type { HostNetworkState, Mechanism, MechanismInventory } from '#services/neutron/drivers/mechanism.ts'
import { dhcpPlan } from '#services/neutron/drivers/dhcp-plan.ts'
import { firewallOf, type Firewall } from '#services/neutron/drivers/firewall.ts'
import { bridgeName, dhcpNamespace, routerNamespace, tapName } from '#services/neutron/drivers/names.ts'
import { createCheck } from '#services/neutron/drivers/mechanism-simulated/check.ts'
import { sift } from '#services/neutron/drivers/sift.ts'
import { bridgePorts } from '#services/neutron/drivers/wiring.ts'

const NOTHING: HostNetworkState = {
  host: '',
  networks: [],
  ports: [],
  securityGroups: [],
  addressSets: {},
  routers: [],
}

/** Every port that may be up is up at once. The inventory is worked out when asked for, so an idle host costs a reference. */
export function createSimulatedMechanism(options: { readonly tunnelIp?: string } = {}): Mechanism {
  let current: HostNetworkState = NOTHING
  const check = createCheck()
  return {
    capabilities: {
      driver: 'simulated',
      real: false,
      firewall: 'none',
      ipv6: true,
      overlay: true,
      vlan: true,
      ...(options.tunnelIp === undefined ? {} : { tunnelIp: options.tunnelIp }),
      egress: false,
      says: ['The network is simulated: ports come up, but no packet moves.'],
    },
    apply(desired) {
      current = desired
      return Promise.resolve(check(desired))
    },
    watch: () => () => undefined,
    settled: () => Promise.resolve(),
    inventory: () => Promise.resolve(inventoryOf(current)),
    expectedFilters: desired => wallOf(sift(desired).usable).digests,
    remove() {
      current = NOTHING
      return Promise.resolve()
    },
    close: () => Promise.resolve(),
  }
}

const wallOf = (usable: HostNetworkState): Firewall => firewallOf(usable, 'netfilter', new Map())

const plansOf = (usable: HostNetworkState, bad: (portId: string, why: unknown) => void) =>
  usable.networks.flatMap(network => {
    const plan = dhcpPlan(
      network,
      usable.ports.filter(port => port.networkId === network.id),
      'nobody',
      bad,
    )
    return plan === null ? [] : [plan]
  })

function inventoryOf(state: HostNetworkState): MechanismInventory {
  const { usable } = sift(state)
  const wall = wallOf(usable)
  const chains = wall.tables[0]?.chains
  const rulesOf = (portId: string): number => {
    const own = [...(chains ?? [])].filter(([, chain]) => chain.rules[0]?.includes(portId) === true)
    return own.reduce((sum, [, chain]) => sum + chain.rules.length, 0)
  }
  const mtus = new Map(usable.networks.map(network => [network.id, network.mtu]))
  const up = new Map(usable.networks.map(network => [network.id, network.adminUp]))
  const portUp = new Map(usable.ports.map(port => [tapName(port.id), port.adminUp]))
  const served = usable.networks.filter(network => network.dhcpPort !== undefined)
  return {
    namespaces: [
      ...(usable.networks.some(network => network.external) ? ['external'] : []),
      ...served.map(network => dhcpNamespace(network.id)),
      ...usable.routers.map(router => routerNamespace(router.id)),
    ].sort(),
    links: [
      ...usable.networks.map(network => ({
        name: bridgeName(network.id),
        master: null,
        up: network.adminUp,
        mtu: network.mtu,
      })),
      ...bridgePorts(usable).map(([name, networkId]) => {
        const on = up.get(networkId) === true && portUp.get(name) !== false
        return { name, master: on ? bridgeName(networkId) : null, up: on, mtu: mtus.get(networkId) ?? 1500 }
      }),
    ],
    dhcpServers: plansOf(usable, () => undefined).map((plan, index) => ({
      networkId: plan.key.slice('dhcp/'.length),
      pid: index + 1,
      hosts: plan.hosts
        .split('\n')
        .filter(row => row !== '')
        .map(row => ({ mac: row.split(',')[0] ?? '', ips: [(row.split(',').at(-1) ?? '').replace(/^\[|\]$/g, '')] })),
      leases: [],
    })),
    filters: Object.fromEntries(
      Object.entries(wall.digests).map(([portId, digest]) => [
        portId,
        { rules: rulesOf(portId), defaultDeny: true, digest },
      ]),
    ),
    routers: usable.routers.map(router => ({
      routerId: router.id,
      floatingIps: Object.fromEntries(router.floatingIps.map(item => [item.floating, item.fixed])),
    })),
    metadata: [
      ...served.map(network => network.id),
      ...usable.routers.filter(router => router.interfaces.length > 0).map(router => router.id),
    ].sort(),
  }
}
