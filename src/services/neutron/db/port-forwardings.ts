// What hangs on floating IPs and routers: forwardings of single ports, helpers of connection tracking.
import { inChunks } from '#kernel/db/helpers.ts'
import { standardOf, type Q, type Standard } from '#services/neutron/db/standard.ts'
import type { ConntrackHelperTable, PortForwardingTable } from '#services/neutron/db/tables-more.ts'

export interface PortForwarding extends Standard {
  readonly floatingIpId: string
  readonly protocol: string
  readonly externalPort: number
  readonly externalPortEnd: number
  readonly internalPortId: string
  readonly internalIp: string
  readonly internalPort: number
  readonly internalPortEnd: number
}
export const toPortForwarding = (row: Readonly<PortForwardingTable>): PortForwarding => ({
  ...standardOf(row),
  floatingIpId: row.floatingip_id,
  protocol: row.protocol,
  externalPort: row.external_port,
  externalPortEnd: row.external_port_end,
  internalPortId: row.internal_port_id,
  internalIp: row.internal_ip_address,
  internalPort: row.internal_port,
  internalPortEnd: row.internal_port_end,
})
export interface ConntrackHelper extends Standard {
  readonly routerId: string
  readonly protocol: string
  readonly port: number
  readonly helper: string
}
export const toConntrackHelper = (row: Readonly<ConntrackHelperTable>): ConntrackHelper => ({
  ...standardOf(row),
  routerId: row.router_id,
  protocol: row.protocol,
  port: row.port,
  helper: row.helper,
})

function byKey<E>(found: readonly E[], keyOf: (one: E) => string): ReadonlyMap<string, readonly E[]> {
  const map = new Map<string, E[]>()
  for (const one of found) map.set(keyOf(one), [...(map.get(keyOf(one)) ?? []), one])
  return map
}

export const portForwardingsDb = {
  async byId(q: Q, id: string): Promise<PortForwarding | null> {
    const row = await q.selectFrom('port_forwardings').selectAll().where('id', '=', id).executeTakeFirst()
    return row === undefined ? null : toPortForwarding(row)
  },
  async ofFloatingIps(q: Q, ids: Iterable<string>): Promise<ReadonlyMap<string, readonly PortForwarding[]>> {
    const rows = await inChunks(ids, some =>
      q.selectFrom('port_forwardings').selectAll().where('floatingip_id', 'in', some).orderBy('id').execute(),
    )
    return byKey(rows.map(toPortForwarding), one => one.floatingIpId)
  },
  async ofPort(q: Q, portId: string): Promise<PortForwarding[]> {
    const rows = await q.selectFrom('port_forwardings').selectAll().where('internal_port_id', '=', portId).execute()
    return rows.map(toPortForwarding)
  },
  async forgetFloatingIp(q: Q, id: string): Promise<void> {
    await q.deleteFrom('port_forwardings').where('floatingip_id', '=', id).execute()
  },
  async remove(q: Q, id: string): Promise<void> {
    await q.deleteFrom('port_forwardings').where('id', '=', id).execute()
  },
}
export const conntrackHelpersDb = {
  async byId(q: Q, id: string): Promise<ConntrackHelper | null> {
    const row = await q.selectFrom('conntrack_helpers').selectAll().where('id', '=', id).executeTakeFirst()
    return row === undefined ? null : toConntrackHelper(row)
  },
  async ofRouters(q: Q, ids: Iterable<string>): Promise<ReadonlyMap<string, readonly ConntrackHelper[]>> {
    const rows = await inChunks(ids, some =>
      q.selectFrom('conntrack_helpers').selectAll().where('router_id', 'in', some).orderBy('id').execute(),
    )
    return byKey(rows.map(toConntrackHelper), one => one.routerId)
  },
}
