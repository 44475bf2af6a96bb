// A router's advertisements on IPv6 subnets that ask for them: dnsmasq in the router's namespace, which advertises and nothing else.
import type { NetworkState, RouterState, SubnetState } from '#services/neutron/drivers/mechanism.ts'
import { contains, prefixOf } from '#services/neutron/drivers/addresses.ts'
import { cidr, family, id, ip, whole } from '#services/neutron/drivers/checked.ts'
import { serverFolder, type DnsmasqPlan } from '#services/neutron/drivers/dnsmasq-plan.ts'
import { routerNamespace, routerPair } from '#services/neutron/drivers/names.ts'

const RA_SECONDS = 30

/**
 * Null when no subnet of the router's interfaces has a RA mode. The modes follow Neutron's radvd settings: `slaac` lets guests make
 * their own address; `dhcpv6-stateless` also sends them to DHCP for the rest; `dhcpv6-stateful` sends them there for everything.
 * DHCP itself is the network's own server's: the router's namespace drops requests for it (see router-plan.ts).
 */
export function raPlan(router: RouterState, networks: readonly NetworkState[], asUser: string): DnsmasqPlan | null {
  const lines: string[] = []
  for (const part of router.interfaces) {
    const network = networks.find(one => one.id === part.networkId)
    const [device] = routerPair(part.portId)
    const subnets = (network?.subnets ?? []).filter(
      subnet =>
        subnet.ipVersion === 6 &&
        (subnet.ipv6RaMode ?? null) !== null &&
        part.ips.some(address => contains(subnet.cidr, ip(address.ip))),
    )
    if (network === undefined || subnets.length === 0) continue
    lines.push(
      `--interface=${device}`,
      `--ra-param=${device},mtu:${whole(network.mtu, 68, 65_535, 'an MTU')},${RA_SECONDS},${RA_SECONDS * 10}`,
    )
    for (const subnet of subnets) lines.push(...subnetLines(subnet))
  }
  if (lines.length === 0) return null
  const key = `ra/${id(router.id)}`
  const argv = [
    'dnsmasq',
    '--keep-in-foreground',
    '--log-facility=-',
    '--conf-file=/dev/null',
    '--pid-file=',
    '--port=0',
    '--no-hosts',
    '--no-resolv',
    '--quiet-ra',
    '--quiet-dhcp6',
    '--enable-ra',
    '--bind-interfaces',
    '--except-interface=lo',
    `--user=${asUser}`,
    `--group=${asUser === 'root' ? '' : 'nogroup'}`,
    `--dhcp-leasefile=${serverFolder(key)}/leases`,
    ...lines,
  ]
  return { key, namespace: routerNamespace(router.id), argv, hosts: '', options: '', leasable: new Set() }
}

function subnetLines(subnet: SubnetState): string[] {
  const range = cidr(subnet.cidr)
  const tag = `ra-${id(subnet.id)}`
  const mode = { slaac: 'ra-only', 'dhcpv6-stateless': 'ra-stateless', 'dhcpv6-stateful': 'static' }[
    subnet.ipv6RaMode ?? 'slaac'
  ]
  const servers = subnet.dnsServers.map(ip).filter(server => family(server) === 6)
  return [
    `--dhcp-range=set:${tag},${range.split('/')[0] ?? ''},${mode},${Math.max(64, prefixOf(range))}`,
    ...(servers.length === 0
      ? []
      : [`--dhcp-option=tag:${tag},option6:dns-server,${servers.map(server => `[${server}]`).join(',')}`]),
  ]
}
