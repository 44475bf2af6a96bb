// Subnets in the database, and the addresses that ports have of them.
import { sql, type SqlBool } from 'kysely'
import { fromJson, isSet } from '#kernel/db/codecs.ts'
import { inChunks, like } from '#kernel/db/helpers.ts'
import { listRows, type Condition, type FilterValue, type Listing } from '#services/neutron/db/listing.ts'
import { AS_SHARED, sharedFilter, sharedRows } from '#services/neutron/db/sharing.ts'
import { standardOf, type Q, type Standard } from '#services/neutron/db/standard.ts'
import type { AllocationTable, Range, Route, SubnetTable } from '#services/neutron/db/tables.ts'

export interface Subnet extends Standard {
  readonly networkId: string
  readonly ipVersion: 4 | 6
  readonly cidr: string
  readonly gatewayIp: string | null
  readonly enableDhcp: boolean
  readonly ipv6RaMode: string | null
  readonly ipv6AddressMode: string | null
  readonly allocationPools: readonly Range[]
  readonly dnsNameservers: readonly string[]
  readonly hostRoutes: readonly Route[]
  readonly serviceTypes: readonly string[]
  readonly subnetPoolId: string | null
  readonly segmentId: string | null
}
export const toSubnet = (row: Readonly<SubnetTable>): Subnet => ({
  ...standardOf(row),
  networkId: row.network_id,
  ipVersion: row.ip_version === 6 ? 6 : 4,
  cidr: row.cidr,
  gatewayIp: row.gateway_ip,
  enableDhcp: isSet(row.enable_dhcp),
  ipv6RaMode: row.ipv6_ra_mode,
  ipv6AddressMode: row.ipv6_address_mode,
  allocationPools: fromJson(row.allocation_pools),
  dnsNameservers: fromJson(row.dns_nameservers),
  hostRoutes: fromJson(row.host_routes),
  serviceTypes: fromJson(row.service_types),
  subnetPoolId: row.subnetpool_id,
  segmentId: row.segment_id,
})
/** Guests give themselves their addresses; Neutron knows them beforehand. */
export const isAutoAddressed = (subnet: Pick<Subnet, 'ipv6AddressMode'>): boolean =>
  subnet.ipv6AddressMode === 'slaac' || subnet.ipv6AddressMode === 'dhcpv6-stateless'

const SPEC = {
  table: 'subnets' as const,
  columns: { tenant_id: 'project_id' },
  special: {
    // One text of JSON: the name stands in it in quotes.
    service_types: (values: readonly FilterValue[]) =>
      sql<SqlBool>`(${sql.join(
        values.map(value => sql<SqlBool>`${like('subnets.service_types', 'anywhere', JSON.stringify(String(value)))}`),
        sql` or `,
      )})`,
  },
}

/** A project sees its own subnets and those of networks that are its own or shared. Those outside are the provider's business. */
export const visibleSubnets = (projectId: string): Condition =>
  sql<SqlBool>`(subnets.project_id = ${projectId} or subnets.network_id in (select id from networks where project_id = ${projectId}) or ${sharedRows('network', 'subnets.network_id', projectId, AS_SHARED)})`

export const subnetsDb = {
  async byId(q: Q, id: string): Promise<Subnet | null> {
    const row = await q.selectFrom('subnets').selectAll().where('id', '=', id).executeTakeFirst()
    return row === undefined ? null : toSubnet(row)
  },
  async byIds(q: Q, ids: Iterable<string>): Promise<Map<string, Subnet>> {
    const rows = await inChunks(ids, some => q.selectFrom('subnets').selectAll().where('id', 'in', some).execute())
    return new Map(rows.map(row => [row.id, toSubnet(row)]))
  },
  row: (q: Q, id: string): Promise<SubnetTable | undefined> =>
    q.selectFrom('subnets').selectAll().where('id', '=', id).executeTakeFirst(),
  async ofNetwork(q: Q, networkId: string): Promise<Subnet[]> {
    const rows = await q
      .selectFrom('subnets')
      .selectAll()
      .where('network_id', '=', networkId)
      .orderBy('created_at')
      .orderBy('id')
      .execute()
    return rows.map(toSubnet)
  },
  async ofNetworks(q: Q, networkIds: Iterable<string>): Promise<Subnet[]> {
    const rows = await inChunks(networkIds, some =>
      q.selectFrom('subnets').selectAll().where('network_id', 'in', some).orderBy('created_at').orderBy('id').execute(),
    )
    return rows.map(toSubnet)
  },
  async list(
    q: Q,
    listing: Listing,
    scope: readonly Condition[],
    marker: (id: string) => Promise<Readonly<SubnetTable>>,
    /** For whom `shared` is asked. */
    projectId = '',
  ): Promise<Subnet[]> {
    const special = { ...SPEC.special, shared: sharedFilter('network', 'subnets.network_id', projectId) }
    return (await listRows(q, { ...SPEC, special }, listing, scope, async id => ({ ...(await marker(id)) }))).map(
      toSubnet,
    )
  },
}

export interface Allocation {
  readonly subnetId: string
  readonly ip: string
}
export const allocationsDb = {
  /** By port, in the port's order. */
  async ofPorts(q: Q, ids: readonly string[]): Promise<ReadonlyMap<string, readonly Allocation[]>> {
    const rows = await inChunks(ids, some =>
      q
        .selectFrom('allocations')
        .select(['port_id', 'subnet_id', 'ip_address'])
        .where('port_id', 'in', some)
        .orderBy('port_id')
        .orderBy('position')
        .execute(),
    )
    const found = new Map<string, Allocation[]>()
    for (const row of rows) {
      const one = { subnetId: row.subnet_id, ip: row.ip_address }
      const list = found.get(row.port_id)
      if (list === undefined) found.set(row.port_id, [one])
      else list.push(one)
    }
    return found
  },
  async ofPort(q: Q, id: string): Promise<readonly Allocation[]> {
    return (await this.ofPorts(q, [id])).get(id) ?? []
  },
  /** The place behind the last of a port's addresses. */
  async nextPosition(q: Q, portId: string): Promise<number> {
    const row = await q
      .selectFrom('allocations')
      .select(eb => eb.fn.max('position').as('last'))
      .where('port_id', '=', portId)
      .executeTakeFirst()
    return (row?.last ?? -1) + 1
  },
  insert: (q: Q, row: AllocationTable): Promise<unknown> => q.insertInto('allocations').values(row).execute(),
  async remove(q: Q, subnetId: string, key: string): Promise<void> {
    await q.deleteFrom('allocations').where('subnet_id', '=', subnetId).where('ip_key', '=', key).execute()
  },
  async holder(q: Q, subnetId: string, key: string): Promise<string | null> {
    const row = await q
      .selectFrom('allocations')
      .select('port_id')
      .where('subnet_id', '=', subnetId)
      .where('ip_key', '=', key)
      .executeTakeFirst()
    return row?.port_id ?? null
  },
  /** The highest key taken between two, or null. */
  async highest(q: Q, subnetId: string, from: string, to: string): Promise<string | null> {
    const row = await q
      .selectFrom('allocations')
      .select('ip_key')
      .where('subnet_id', '=', subnetId)
      .where('ip_key', '>=', from)
      .where('ip_key', '<=', to)
      .orderBy('ip_key', 'desc')
      .limit(1)
      .executeTakeFirst()
    return row?.ip_key ?? null
  },
  /** The next keys taken from one on. */
  async next(q: Q, subnetId: string, from: string, to: string, limit: number): Promise<string[]> {
    const rows = await q
      .selectFrom('allocations')
      .select('ip_key')
      .where('subnet_id', '=', subnetId)
      .where('ip_key', '>=', from)
      .where('ip_key', '<=', to)
      .orderBy('ip_key')
      .limit(limit)
      .execute()
    return rows.map(row => row.ip_key)
  },
  /** Owners of the ports that have an address of a subnet: port, its owner, the address. */
  ofSubnet: (
    q: Q,
    subnetId: string,
  ): Promise<{ port_id: string; device_owner: string; ip_address: string; ip_key: string }[]> =>
    q
      .selectFrom('allocations')
      .innerJoin('ports', 'ports.id', 'allocations.port_id')
      .select(['allocations.port_id', 'ports.device_owner', 'allocations.ip_address', 'allocations.ip_key'])
      .where('allocations.subnet_id', '=', subnetId)
      .execute(),
}
