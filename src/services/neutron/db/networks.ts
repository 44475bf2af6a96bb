// Networks in the database.
import { fromJson, isSet } from '#kernel/db/codecs.ts'
import { inChunks } from '#kernel/db/helpers.ts'
import { listRows, oneOf, type Condition, type Listing } from '#services/neutron/db/listing.ts'
import { ownOrShared, sharedFilter } from '#services/neutron/db/sharing.ts'
import { standardOf, type Q, type Standard } from '#services/neutron/db/standard.ts'
import type { NetworkTable } from '#services/neutron/db/tables.ts'

export interface Network extends Standard {
  readonly adminStateUp: boolean
  readonly shared: boolean
  readonly external: boolean
  readonly isDefault: boolean
  /** `example.org.`, or empty. */
  readonly dnsDomain: string
  readonly mtu: number
  readonly portSecurityEnabled: boolean
  readonly networkType: string
  readonly physicalNetwork: string | null
  readonly segmentationId: number | null
  readonly availabilityZoneHints: readonly string[]
}
export const toNetwork = (row: Readonly<NetworkTable>): Network => ({
  ...standardOf(row),
  adminStateUp: isSet(row.admin_state_up),
  shared: isSet(row.shared),
  external: isSet(row.external),
  isDefault: isSet(row.is_default),
  dnsDomain: row.dns_domain,
  mtu: row.mtu,
  portSecurityEnabled: isSet(row.port_security_enabled),
  networkType: row.network_type,
  physicalNetwork: row.physical_network === '' ? null : row.physical_network,
  segmentationId: row.segmentation_id,
  availabilityZoneHints: fromJson(row.availability_zone_hints),
})

const SPEC = {
  table: 'networks' as const,
  columns: {
    tenant_id: 'project_id',
    'router:external': 'external',
    'provider:network_type': 'network_type',
    'provider:physical_network': 'physical_network',
    'provider:segmentation_id': 'segmentation_id',
  },
  constants: { status: 'ACTIVE' },
}

/** What a project sees of all networks: its own, and those shared with it, or as a way to the outside. */
export const visibleNetworks = (projectId: string): Condition => ownOrShared('network', 'networks', projectId)

export const networksDb = {
  async byId(q: Q, id: string): Promise<Network | null> {
    const row = await q.selectFrom('networks').selectAll().where('id', '=', id).executeTakeFirst()
    return row === undefined ? null : toNetwork(row)
  },
  async byIds(q: Q, ids: Iterable<string>): Promise<Map<string, Network>> {
    const rows = await inChunks(ids, some => q.selectFrom('networks').selectAll().where('id', 'in', some).execute())
    return new Map(rows.map(row => [row.id, toNetwork(row)]))
  },
  async list(
    q: Q,
    listing: Listing,
    scope: readonly Condition[],
    marker: (id: string) => Promise<Readonly<NetworkTable>>,
    /** For whom `shared` is asked. */
    projectId = '',
  ): Promise<Network[]> {
    const spec = { ...SPEC, special: { shared: sharedFilter('network', 'networks.id', projectId) } }
    return (await listRows(q, spec, listing, scope, async id => ({ ...(await marker(id)) }))).map(toNetwork)
  },
  row: (q: Q, id: string): Promise<NetworkTable | undefined> =>
    q.selectFrom('networks').selectAll().where('id', '=', id).executeTakeFirst(),
  /** Subnets' ids by network. */
  async subnetIds(q: Q, ids: readonly string[]): Promise<ReadonlyMap<string, readonly string[]>> {
    const rows = await inChunks(ids, some =>
      q
        .selectFrom('subnets')
        .select(['id', 'network_id'])
        .where(oneOf('network_id', some))
        .orderBy('created_at')
        .orderBy('id')
        .execute(),
    )
    const found = new Map<string, string[]>()
    for (const row of rows) {
      const list = found.get(row.network_id)
      if (list === undefined) found.set(row.network_id, [row.id])
      else list.push(row.id)
    }
    return found
  },
  /** The lowest number of a type that no network has, from `first` to `last`; null when all are taken. */
  async freeSegment(q: Q, type: string, physical: string, first: number, last: number): Promise<number | null> {
    const highest = await q
      .selectFrom('networks')
      .select(eb => eb.fn.max('segmentation_id').as('max'))
      .where('network_type', '=', type)
      .where('physical_network', '=', physical)
      .where('segmentation_id', '>=', first)
      .where('segmentation_id', '<=', last)
      .executeTakeFirst()
    if (highest?.max === null || highest === undefined) return first
    if (highest.max < last) return highest.max + 1
    const rows = await q
      .selectFrom('networks')
      .select('segmentation_id')
      .where('network_type', '=', type)
      .where('physical_network', '=', physical)
      .where('segmentation_id', '>=', first)
      .orderBy('segmentation_id')
      .execute()
    let wanted = first
    for (const { segmentation_id: taken } of rows) {
      if (taken !== wanted) break
      wanted += 1
    }
    return wanted <= last ? wanted : null
  },
  async flatInUse(q: Q, physical: string): Promise<boolean> {
    const row = await q
      .selectFrom('networks')
      .select('id')
      .where('network_type', '=', 'flat')
      .where('physical_network', '=', physical)
      .executeTakeFirst()
    return row !== undefined
  },
}
