// A port as Neutron itself makes one: for routers, DHCP and floating IPs. Runs inside the caller's transaction; asks no policy.
import { flag, json } from '#kernel/db/codecs.ts'
import { toPort, type Port } from '#services/neutron/db/ports.ts'
import { newStandard, type Q } from '#services/neutron/db/standard.ts'
import { subnetsDb, type Allocation } from '#services/neutron/db/subnets.ts'
import type { PortTable } from '#services/neutron/db/tables.ts'
import { allocate, type Wish } from '#services/neutron/domain/ipam.ts'
import { freeMac } from '#services/neutron/domain/mac.ts'
import type { DomainTools } from '#services/neutron/domain/tools.ts'

export interface ServicePort {
  readonly id: string
  readonly projectId: string
  readonly networkId: string
  readonly deviceOwner: string
  readonly deviceId: string
  readonly status?: string
  readonly hostId?: string
  /** Null: one address of each family. */
  readonly wishes: readonly Wish[] | null
}
export interface PortWithIps {
  readonly port: Port
  readonly fixedIps: readonly Allocation[]
}

/** The columns of a port that nothing was said about. */
export const plainPort: Pick<
  PortTable,
  | 'admin_state_up'
  | 'port_security_enabled'
  | 'allowed_address_pairs'
  | 'extra_dhcp_opts'
  | 'host_id'
  | 'vif_type'
  | 'vif_details'
  | 'vnic_type'
  | 'profile'
  | 'dns_name'
> = {
  dns_name: '',
  admin_state_up: flag(true),
  port_security_enabled: flag(false),
  allowed_address_pairs: json([]),
  extra_dhcp_opts: json([]),
  host_id: '',
  vif_type: 'unbound',
  vif_details: json({}),
  vnic_type: 'normal',
  profile: json({}),
}

export async function insertServicePort(
  q: Q,
  tools: Pick<DomainTools, 'clock' | 'ids'>,
  given: ServicePort,
): Promise<PortWithIps> {
  const row: PortTable = {
    ...newStandard(given.id, given.projectId, {}, tools.clock.now()),
    ...plainPort,
    network_id: given.networkId,
    status: given.status ?? 'DOWN',
    mac_address: await freeMac(q, tools.ids, given.networkId),
    device_id: given.deviceId,
    device_owner: given.deviceOwner,
    host_id: given.hostId ?? '',
  }
  await q.insertInto('ports').values(row).execute()
  const holder = { portId: row.id, networkId: row.network_id, mac: row.mac_address, deviceOwner: row.device_owner }
  const fixedIps = await allocate(q, holder, await subnetsDb.ofNetwork(q, given.networkId), given.wishes)
  return { port: toPort(row), fixedIps }
}
