// A new subnet whose guests give themselves addresses: the ports that are there already have one at once.
import { isDuplicate } from '#kernel/db/errors.ts'
import { portsDb } from '#services/neutron/db/ports.ts'
import { revise, type Q } from '#services/neutron/db/standard.ts'
import { allocationsDb, type Subnet } from '#services/neutron/db/subnets.ts'
import { eui64, formatIp, keyOf } from '#services/neutron/domain/addresses.ts'
import { cidrOf } from '#services/neutron/domain/ipam.ts'
import { isRouterPort } from '#services/neutron/domain/owners.ts'
import type { DomainTools } from '#services/neutron/domain/tools.ts'

export async function addAutoAddresses(q: Q, tools: Pick<DomainTools, 'clock'>, subnet: Subnet): Promise<void> {
  const cidr = cidrOf(subnet)
  for (const port of await portsDb.ofNetwork(q, subnet.networkId)) {
    if (isRouterPort(port.deviceOwner)) continue
    const value = eui64(cidr, port.macAddress)
    try {
      await allocationsDb.insert(q, {
        subnet_id: subnet.id,
        ip_key: keyOf(6, value),
        ip_address: formatIp(6, value),
        port_id: port.id,
        network_id: subnet.networkId,
        position: await allocationsDb.nextPosition(q, port.id),
      })
    } catch (error) {
      // Somebody was given that very address by hand: then this port goes without.
      if (!isDuplicate(error)) throw error
    }
    await revise(q, 'ports', port.id, tools.clock.now())
  }
}
