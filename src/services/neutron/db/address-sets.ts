// Address scopes and address groups in the database.
import { fromJson, isSet } from '#kernel/db/codecs.ts'
import { inChunks } from '#kernel/db/helpers.ts'
import { standardOf, type Q, type Standard } from '#services/neutron/db/standard.ts'
import type { AddressGroupTable, AddressScopeTable } from '#services/neutron/db/tables-more.ts'

export interface AddressScope extends Standard {
  readonly ipVersion: 4 | 6
  readonly shared: boolean
}
export const toAddressScope = (row: Readonly<AddressScopeTable>): AddressScope => ({
  ...standardOf(row),
  ipVersion: row.ip_version === 6 ? 6 : 4,
  shared: isSet(row.shared),
})
export interface AddressGroup extends Standard {
  /** Prefixes of both families. */
  readonly addresses: readonly string[]
  readonly shared: boolean
}
export const toAddressGroup = (row: Readonly<AddressGroupTable>): AddressGroup => ({
  ...standardOf(row),
  addresses: fromJson(row.addresses),
  shared: isSet(row.shared),
})
export const addressGroupsDb = {
  async byIds(q: Q, ids: Iterable<string>): Promise<Map<string, AddressGroup>> {
    const rows = await inChunks(ids, some =>
      q.selectFrom('address_groups').selectAll().where('id', 'in', some).execute(),
    )
    return new Map(rows.map(row => [row.id, toAddressGroup(row)]))
  },
  /** Security groups with rules that name an address group. */
  async namedBy(q: Q, id: string): Promise<string[]> {
    const rows = await q
      .selectFrom('security_group_rules')
      .select('security_group_id')
      .distinct()
      .where('remote_address_group_id', '=', id)
      .execute()
    return rows.map(row => row.security_group_id)
  },
}
/** Address scopes of subnet pools: pool → scope. */
export async function scopesOfPools(q: Q, poolIds: Iterable<string>): Promise<ReadonlyMap<string, string>> {
  const rows = await inChunks(poolIds, some =>
    q.selectFrom('subnetpools').select(['id', 'address_scope_id']).where('id', 'in', some).execute(),
  )
  return new Map(rows.flatMap(row => (row.address_scope_id === null ? [] : [[row.id, row.address_scope_id]])))
}
