// Bindings of ports to hosts: the one in force lies with its port, the others in a table of their own.
import { fromJson } from '#kernel/db/codecs.ts'
import type { Port } from '#services/neutron/db/ports.ts'
import type { Q } from '#services/neutron/db/standard.ts'
import type { PortBindingTable } from '#services/neutron/db/tables-more.ts'

export interface PortBinding {
  /** Its host: one port has one binding to a host. */
  readonly id: string
  readonly host: string
  readonly vifType: string
  readonly vifDetails: Readonly<Record<string, unknown>>
  readonly vnicType: string
  readonly profile: Readonly<Record<string, unknown>>
  readonly status: 'ACTIVE' | 'INACTIVE'
}
const toBinding = (row: Readonly<PortBindingTable>): PortBinding => ({
  id: row.host,
  host: row.host,
  vifType: row.vif_type,
  vifDetails: fromJson(row.vif_details),
  vnicType: row.vnic_type,
  profile: fromJson(row.profile),
  status: 'INACTIVE',
})
export const activeBinding = (port: Port): PortBinding => ({
  id: port.hostId,
  host: port.hostId,
  vifType: port.vifType,
  vifDetails: port.vifDetails,
  vnicType: port.vnicType,
  profile: port.profile,
  status: 'ACTIVE',
})

export const portBindingsDb = {
  /** The one in force, then the others by host. */
  async ofPort(q: Q, port: Port): Promise<PortBinding[]> {
    const rows = await q
      .selectFrom('port_bindings')
      .selectAll()
      .where('port_id', '=', port.id)
      .orderBy('host')
      .execute()
    return [activeBinding(port), ...rows.map(toBinding)]
  },
  async put(q: Q, row: PortBindingTable): Promise<void> {
    await portBindingsDb.remove(q, row.port_id, row.host)
    await q.insertInto('port_bindings').values(row).execute()
  },
  async remove(q: Q, portId: string, host: string): Promise<void> {
    await q.deleteFrom('port_bindings').where('port_id', '=', portId).where('host', '=', host).execute()
  },
}
