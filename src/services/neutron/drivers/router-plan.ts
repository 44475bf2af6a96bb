// A router as the contents of its namespace: addresses, routes, NAT for the way out and for floating IPs, the metadata door.
import type { PortForwardingState, RouterGatewayState, RouterState } from '#services/neutron/drivers/mechanism.ts'
import { cidr, family, ip, mac, whole } from '#services/neutron/drivers/checked.ts'
import { gatewayPair, routerPair } from '#services/neutron/drivers/names.ts'
import type { NamespacePlan, RoutePlan } from '#services/neutron/drivers/namespace-plan.ts'
import type { Ruleset } from '#services/neutron/drivers/ruleset.ts'

/** Where the metadata proxy listens in a router's namespace; guests' port 80 is redirected there. */
export const METADATA_PORT = 9697
export const METADATA_IP = '169.254.169.254'
const FROM_OUTSIDE = '0x2'

/** Throws {@link Unfit} when a value cannot be used; the router is then left as it was. */
export function routerPlan(router: RouterState): NamespacePlan {
  const devices = new Map<string, string[]>()
  const announce = new Map<string, string>()
  const routes: RoutePlan[] = []
  for (const part of router.interfaces) {
    const [device] = routerPair(part.portId)
    devices.set(device, part.ips.map(withPrefix))
    announce.set(device, mac(part.mac))
  }
  const { gateway } = router
  if (gateway !== null) {
    const [device] = gatewayPair(gateway.portId)
    const floating = new Set([...router.floatingIps, ...(router.portForwardings ?? [])].map(item => ip(item.floating)))
    devices.set(device, [...gateway.ips.map(withPrefix), ...[...floating].map(address => `${address}/32`)])
    announce.set(device, mac(gateway.mac))
    for (const nexthop of gateway.nexthops) {
      routes.push({ destination: 'default', via: ip(nexthop), device })
    }
  }
  for (const route of router.routes)
    routes.push({ destination: destinationOf(route.destination), via: ip(route.nexthop), device: null })
  return {
    devices,
    announce,
    routes,
    switches: [
      'net/ipv4/ip_forward',
      'net/ipv6/conf/all/forwarding',
      'net/ipv4/conf/all/arp_notify',
      'net/ipv6/conf/all/ndisc_notify',
    ],
    tables: [natTable(router), ADVERTISE_ONLY],
  }
}

/** The server that advertises the router would also answer DHCPv6; that is the network's own server's to do. */
const ADVERTISE_ONLY: Ruleset = {
  family: 'ip6',
  table: 'koto',
  sets: new Map(),
  maps: new Map(),
  chains: new Map([
    ['local', { hook: 'type filter hook input priority 0; policy accept;', rules: ['udp dport 547 drop'] }],
  ]),
}

const withPrefix = (address: { readonly ip: string; readonly prefix: number }): string =>
  `${ip(address.ip)}/${whole(address.prefix, 0, family(address.ip) === 4 ? 32 : 128, 'a prefix length')}`

const destinationOf = (text: string): string => (/^(0\.0\.0\.0|::)\/0$/.test(text) ? 'default' : cidr(text))

/**
 * The order of translation follows Neutron's l3 agent: a floating IP's own pair first, then the router's address for the rest; a guest
 * that calls a floating IP of its own router gets its source changed too, or the answer would go past the router.
 */
function natTable(router: RouterState): Ruleset {
  const { gateway } = router
  const chain = (rules: readonly string[], hook: string) => ({ hook: `type ${hook}; policy accept;`, rules })
  const into = new Map<string, string>()
  const outOf = new Map<string, string>()
  for (const item of router.floatingIps) {
    into.set(ip(item.floating), ip(item.fixed))
    if (!outOf.has(item.fixed)) outOf.set(ip(item.fixed), ip(item.floating))
  }
  const map = (elements: ReadonlyMap<string, string>) => ({ body: 'type ipv4_addr : ipv4_addr;', elements })
  const metadata = `iifname "qr-*" ip daddr ${METADATA_IP} tcp dport 80 redirect to :${METADATA_PORT}`
  return {
    family: 'ip',
    table: 'koto',
    sets: new Map(),
    maps: new Map([
      ['floating', map(into)],
      ['fixed', map(outOf)],
    ]),
    chains: new Map([
      [
        'marking',
        chain(
          gateway === null ? [] : [`iifname "${gatewayPair(gateway.portId)[0]}" meta mark set ${FROM_OUTSIDE}`],
          'filter hook prerouting priority -150',
        ),
      ],
      [
        'inward',
        chain(
          [metadata, ...(router.portForwardings ?? []).map(forwarding), 'dnat to ip daddr map @floating'],
          'nat hook prerouting priority -100',
        ),
      ],
      ['outward', chain(gateway === null ? [] : sourceRules(gateway), 'nat hook postrouting priority 100')],
      // The proxy's port is reached through the redirection only.
      [
        'local',
        chain(
          [`tcp dport ${METADATA_PORT} ct status dnat accept`, `tcp dport ${METADATA_PORT} drop`],
          'filter hook input priority 0',
        ),
      ],
    ]),
  }
}

function sourceRules(gateway: RouterGatewayState): string[] {
  const device = `"${gatewayPair(gateway.portId)[0]}"`
  const own = gateway.ips.map(address => address.ip).find(address => family(address) === 4)
  const inside = `oifname != ${device} ct status dnat meta mark != ${FROM_OUTSIDE}`
  return [
    `oifname ${device} snat to ip saddr map @fixed`,
    `${inside} snat to ip saddr map @fixed`,
    ...(own === undefined ? [] : [`${inside} snat to ${ip(own)}`]),
    ...(own === undefined || !gateway.snat ? [] : [`oifname ${device} snat to ${ip(own)}`]),
  ]
}

function forwarding(item: PortForwardingState): string {
  const port = (value: number): number => whole(value, 1, 65_535, 'a port')
  const range = (low: number, high: number | undefined): string =>
    high === undefined || high === low ? `${port(low)}` : `${port(low)}-${port(high)}`
  const protocol = item.protocol === 'udp' ? 'udp' : 'tcp'
  const outside = `ip daddr ${ip(item.floating)} ${protocol} dport ${range(item.externalPort, item.externalPortEnd)}`
  return `${outside} dnat to ${ip(item.fixed)}:${range(item.internalPort, item.internalPortEnd)}`
}
