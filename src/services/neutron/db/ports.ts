// Ports in the database, with their addresses and security groups.
import { sql, type SqlBool } from 'kysely'
import { fromJson, isSet } from '#kernel/db/codecs.ts'
import { inChunks, like } from '#kernel/db/helpers.ts'
import { listRows, type Condition, type FilterValue, type Listing } from '#services/neutron/db/listing.ts'
import { standardOf, type Q, type Standard } from '#services/neutron/db/standard.ts'
import type { AddressPair, DhcpOption, PortTable } from '#services/neutron/db/tables.ts'

export type PortStatus = 'ACTIVE' | 'DOWN' | 'BUILD' | 'ERROR' | 'N/A'
export interface Port extends Standard {
  readonly networkId: string
  readonly adminStateUp: boolean
  readonly status: string
  readonly macAddress: string
  readonly deviceId: string
  readonly deviceOwner: string
  readonly portSecurityEnabled: boolean
  readonly allowedAddressPairs: readonly AddressPair[]
  readonly extraDhcpOpts: readonly DhcpOption[]
  /** Empty while it is bound nowhere. */
  readonly hostId: string
  readonly vifType: string
  readonly vifDetails: Readonly<Record<string, unknown>>
  readonly vnicType: string
  readonly dnsName: string
  readonly profile: Readonly<Record<string, unknown>>
}
export const toPort = (row: Readonly<PortTable>): Port => ({
  ...standardOf(row),
  networkId: row.network_id,
  adminStateUp: isSet(row.admin_state_up),
  status: row.status,
  macAddress: row.mac_address,
  deviceId: row.device_id,
  deviceOwner: row.device_owner,
  portSecurityEnabled: isSet(row.port_security_enabled),
  allowedAddressPairs: row.allowed_address_pairs === '[]' ? [] : fromJson(row.allowed_address_pairs),
  extraDhcpOpts: row.extra_dhcp_opts === '[]' ? [] : fromJson(row.extra_dhcp_opts),
  hostId: row.host_id,
  vifType: row.vif_type,
  vifDetails: row.vif_details === '{}' ? {} : fromJson(row.vif_details),
  vnicType: row.vnic_type,
  dnsName: row.dns_name,
  profile: row.profile === '{}' ? {} : fromJson(row.profile),
})

/** `fixed_ips=subnet_id=…`, `ip_address=…`, `ip_address_substr=…`: of each kind one must fit, and on one address of the port. */
function fixedIpsCondition(values: readonly FilterValue[]): Condition | null {
  const wanted = new Map<string, string[]>()
  for (const value of values) {
    const text = String(value)
    const equal = text.indexOf('=')
    const key = text.slice(0, equal).trim()
    wanted.set(key, [...(wanted.get(key) ?? []), text.slice(equal + 1).trim()])
  }
  const parts: Condition[] = []
  for (const [key, some] of wanted) {
    if (key === 'subnet_id') parts.push(sql<SqlBool>`a.subnet_id in (${sql.join(some)})`)
    else if (key === 'ip_address') parts.push(sql<SqlBool>`a.ip_address in (${sql.join(some)})`)
    else if (key === 'ip_address_substr')
      parts.push(
        sql<SqlBool>`(${sql.join(
          some.map(one => like('a.ip_address', 'anywhere', one)),
          sql` or `,
        )})`,
      )
  }
  if (parts.length === 0) return null
  return sql<SqlBool>`ports.id in (select a.port_id from allocations as a where ${sql.join(parts, sql` and `)})`
}
const SPEC = {
  table: 'ports' as const,
  columns: { tenant_id: 'project_id', 'binding:host_id': 'host_id' },
  special: {
    fixed_ips: fixedIpsCondition,
    security_groups: (values: readonly FilterValue[]) =>
      sql<SqlBool>`ports.id in (select port_id from port_security_groups where security_group_id in (${sql.join(values)}))`,
  },
}

/** A project sees its own ports, and all on networks of its own. */
export const visiblePorts = (projectId: string): Condition =>
  sql<SqlBool>`(ports.project_id = ${projectId} or ports.network_id in (select id from networks where project_id = ${projectId}))`

export const portsDb = {
  async byId(q: Q, id: string): Promise<Port | null> {
    const row = await q.selectFrom('ports').selectAll().where('id', '=', id).executeTakeFirst()
    return row === undefined ? null : toPort(row)
  },
  async byIds(q: Q, ids: Iterable<string>): Promise<Map<string, Port>> {
    const rows = await inChunks(ids, some => q.selectFrom('ports').selectAll().where('id', 'in', some).execute())
    return new Map(rows.map(row => [row.id, toPort(row)]))
  },
  row: (q: Q, id: string): Promise<PortTable | undefined> =>
    q.selectFrom('ports').selectAll().where('id', '=', id).executeTakeFirst(),
  async ofNetwork(q: Q, networkId: string): Promise<Port[]> {
    return (await q.selectFrom('ports').selectAll().where('network_id', '=', networkId).orderBy('id').execute()).map(
      toPort,
    )
  },
  async ofDevice(q: Q, deviceId: string): Promise<Port[]> {
    return (await q.selectFrom('ports').selectAll().where('device_id', '=', deviceId).orderBy('id').execute()).map(
      toPort,
    )
  },
  async ofDevices(q: Q, deviceIds: Iterable<string>): Promise<Port[]> {
    const rows = await inChunks(deviceIds, some =>
      q.selectFrom('ports').selectAll().where('device_id', 'in', some).orderBy('id').execute(),
    )
    return rows.map(toPort)
  },
  async byMac(q: Q, networkId: string, mac: string): Promise<string | null> {
    const row = await q
      .selectFrom('ports')
      .select('id')
      .where('network_id', '=', networkId)
      .where('mac_address', '=', mac)
      .executeTakeFirst()
    return row?.id ?? null
  },
  async list(
    q: Q,
    listing: Listing,
    scope: readonly Condition[],
    marker: (id: string) => Promise<Readonly<PortTable>>,
  ): Promise<Port[]> {
    return (await listRows(q, SPEC, listing, scope, async id => ({ ...(await marker(id)) }))).map(toPort)
  },
  /** Removes the port with all that is its own. */
  async remove(q: Q, id: string): Promise<void> {
    await q.deleteFrom('allocations').where('port_id', '=', id).execute()
    await q.deleteFrom('port_security_groups').where('port_id', '=', id).execute()
    await q.deleteFrom('port_bindings').where('port_id', '=', id).execute()
    await q.deleteFrom('tags').where('resource_id', '=', id).execute()
    await q.deleteFrom('qos_bindings').where('object_id', '=', id).execute()
    await q.deleteFrom('ports').where('id', '=', id).execute()
  },
  /** Security groups by port. */
  async groupsOf(q: Q, ids: readonly string[]): Promise<ReadonlyMap<string, readonly string[]>> {
    const rows = await inChunks(ids, some =>
      q
        .selectFrom('port_security_groups')
        .selectAll()
        .where('port_id', 'in', some)
        .orderBy('port_id')
        .orderBy('security_group_id')
        .execute(),
    )
    const found = new Map<string, string[]>()
    for (const row of rows) {
      const list = found.get(row.port_id)
      if (list === undefined) found.set(row.port_id, [row.security_group_id])
      else list.push(row.security_group_id)
    }
    return found
  },
  async setGroups(q: Q, id: string, groups: readonly string[]): Promise<void> {
    await q.deleteFrom('port_security_groups').where('port_id', '=', id).execute()
    if (groups.length > 0)
      await q
        .insertInto('port_security_groups')
        .values(groups.map(group => ({ port_id: id, security_group_id: group })))
        .execute()
  },
}
