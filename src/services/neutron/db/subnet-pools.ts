// Subnet pools in the database.
import { fromJson, isSet } from '#kernel/db/codecs.ts'
import { listRows, type Condition, type Listing } from '#services/neutron/db/listing.ts'
import { ownOrShared, sharedFilter } from '#services/neutron/db/sharing.ts'
import { standardOf, type Q, type Standard } from '#services/neutron/db/standard.ts'
import type { SubnetPoolTable } from '#services/neutron/db/tables.ts'

export interface SubnetPool extends Standard {
  readonly ipVersion: 4 | 6
  readonly prefixes: readonly string[]
  readonly defaultPrefixlen: number
  readonly minPrefixlen: number
  readonly maxPrefixlen: number
  readonly defaultQuota: number | null
  readonly isDefault: boolean
  readonly shared: boolean
  readonly addressScopeId: string | null
}
export const toSubnetPool = (row: Readonly<SubnetPoolTable>): SubnetPool => ({
  ...standardOf(row),
  ipVersion: row.ip_version === 6 ? 6 : 4,
  prefixes: fromJson(row.prefixes),
  defaultPrefixlen: row.default_prefixlen,
  minPrefixlen: row.min_prefixlen,
  maxPrefixlen: row.max_prefixlen,
  defaultQuota: row.default_quota,
  isDefault: isSet(row.is_default),
  shared: isSet(row.shared),
  addressScopeId: row.address_scope_id,
})

const SPEC = { table: 'subnetpools' as const, columns: { tenant_id: 'project_id' } }
export const visiblePools = (projectId: string): Condition => ownOrShared('subnetpool', 'subnetpools', projectId)

export const subnetPoolsDb = {
  async byId(q: Q, id: string): Promise<SubnetPool | null> {
    const row = await q.selectFrom('subnetpools').selectAll().where('id', '=', id).executeTakeFirst()
    return row === undefined ? null : toSubnetPool(row)
  },
  row: (q: Q, id: string): Promise<SubnetPoolTable | undefined> =>
    q.selectFrom('subnetpools').selectAll().where('id', '=', id).executeTakeFirst(),
  async list(
    q: Q,
    listing: Listing,
    scope: readonly Condition[],
    marker: (id: string) => Promise<Readonly<SubnetPoolTable>>,
    /** For whom `shared` is asked. */
    projectId = '',
  ): Promise<SubnetPool[]> {
    const special = { shared: sharedFilter('subnetpool', 'subnetpools.id', projectId) }
    return (await listRows(q, { ...SPEC, special }, listing, scope, async id => ({ ...(await marker(id)) }))).map(
      toSubnetPool,
    )
  },
  /** The one that is used where none is named. */
  async defaultOf(q: Q, version: number): Promise<SubnetPool | null> {
    const row = await q
      .selectFrom('subnetpools')
      .selectAll()
      .where('is_default', '=', 1)
      .where('ip_version', '=', version)
      .executeTakeFirst()
    return row === undefined ? null : toSubnetPool(row)
  },
  /** What was cut from a pool: CIDRs, and whose. */
  allocations: (q: Q, id: string): Promise<{ cidr: string; project_id: string }[]> =>
    q.selectFrom('subnets').select(['cidr', 'project_id']).where('subnetpool_id', '=', id).execute(),
}
