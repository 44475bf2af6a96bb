// The port from which a network's guests get their addresses: it is there exactly while a subnet of the network wants DHCP.
import type { Network } from '#services/neutron/db/networks.ts'
import { portsDb } from '#services/neutron/db/ports.ts'
import { revise, type Q } from '#services/neutron/db/standard.ts'
import { allocationsDb, subnetsDb } from '#services/neutron/db/subnets.ts'
import { networkHost } from '#services/neutron/domain/network-host.ts'
import { nextFree, reallocate } from '#services/neutron/domain/ipam.ts'
import { DHCP } from '#services/neutron/domain/owners.ts'
import { insertServicePort } from '#services/neutron/domain/port-insert.ts'
import type { DomainTools } from '#services/neutron/domain/tools.ts'

/**
 * Makes, changes or removes it. It holds no quota's place and waits for nobody: a subnet without a free address is left unserved.
 */
export async function syncDhcpPort(q: Q, tools: Pick<DomainTools, 'clock' | 'ids'>, network: Network): Promise<void> {
  const subnets = await subnetsDb.ofNetwork(q, network.id)
  const wanted = subnets.filter(subnet => subnet.enableDhcp)
  const [port] = (await portsDb.ofNetwork(q, network.id)).filter(one => one.deviceOwner === DHCP)
  if (wanted.length === 0) {
    if (port !== undefined) await portsDb.remove(q, port.id)
    return
  }
  const has = port === undefined ? [] : await allocationsDb.ofPort(q, port.id)
  if (port !== undefined && has.length === wanted.length && wanted.every(one => has.some(ip => ip.subnetId === one.id)))
    return
  const host = await networkHost(q)
  const made =
    port ??
    (
      await insertServicePort(q, tools, {
        id: tools.ids.uuid(),
        projectId: network.projectId,
        networkId: network.id,
        deviceOwner: DHCP,
        deviceId: host === null ? 'reserved_dhcp_port' : `dhcp${host.agentId}-${network.id}`,
        hostId: host?.host ?? '',
        wishes: [],
      })
    ).port
  const holder = { portId: made.id, networkId: network.id, mac: made.macAddress, deviceOwner: DHCP }
  const now = await allocationsDb.ofPort(q, made.id)
  const served: { subnetId: string }[] = []
  for (const subnet of wanted)
    if (now.some(ip => ip.subnetId === subnet.id) || (await nextFree(q, subnet)) !== null)
      served.push({ subnetId: subnet.id })
  await reallocate(q, holder, subnets, now, served)
  if (port !== undefined) await revise(q, 'ports', port.id, tools.clock.now())
}
