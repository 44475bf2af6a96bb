// Trunks and their subports in the database.
import { sql, type SqlBool } from 'kysely'
import { isSet } from '#kernel/db/codecs.ts'
import { inChunks } from '#kernel/db/helpers.ts'
import { listRows, type Condition, type Listing } from '#services/neutron/db/listing.ts'
import { standardOf, type Q, type Standard } from '#services/neutron/db/standard.ts'
import type { SubportTable, TrunkTable } from '#services/neutron/db/tables.ts'

export interface Subport {
  readonly portId: string
  readonly trunkId: string
  readonly segmentationType: string
  readonly segmentationId: number
}
export interface Trunk extends Standard {
  readonly portId: string
  readonly adminStateUp: boolean
  readonly status: string
}
export const toTrunk = (row: Readonly<TrunkTable>): Trunk => ({
  ...standardOf(row),
  portId: row.port_id,
  adminStateUp: isSet(row.admin_state_up),
  status: row.status,
})
const toSubport = (row: Readonly<SubportTable>): Subport => ({
  portId: row.port_id,
  trunkId: row.trunk_id,
  segmentationType: row.segmentation_type,
  segmentationId: row.segmentation_id,
})

const SPEC = { table: 'trunks' as const, columns: { tenant_id: 'project_id' } }
export const ownTrunks = (projectId: string): Condition => sql<SqlBool>`trunks.project_id = ${projectId}`

export const trunksDb = {
  async byId(q: Q, id: string): Promise<Trunk | null> {
    const row = await q.selectFrom('trunks').selectAll().where('id', '=', id).executeTakeFirst()
    return row === undefined ? null : toTrunk(row)
  },
  row: (q: Q, id: string): Promise<TrunkTable | undefined> =>
    q.selectFrom('trunks').selectAll().where('id', '=', id).executeTakeFirst(),
  async list(
    q: Q,
    listing: Listing,
    scope: readonly Condition[],
    marker: (id: string) => Promise<Readonly<TrunkTable>>,
  ): Promise<Trunk[]> {
    return (await listRows(q, SPEC, listing, scope, async id => ({ ...(await marker(id)) }))).map(toTrunk)
  },
  /** Trunks whose parents these ports are. */
  async ofParents(q: Q, portIds: Iterable<string>): Promise<Trunk[]> {
    const rows = await inChunks(portIds, some =>
      q.selectFrom('trunks').selectAll().where('port_id', 'in', some).execute(),
    )
    return rows.map(toTrunk)
  },
  async byIds(q: Q, ids: Iterable<string>): Promise<Trunk[]> {
    return (await inChunks(ids, some => q.selectFrom('trunks').selectAll().where('id', 'in', some).execute())).map(
      toTrunk,
    )
  },
  async subports(q: Q, trunkIds: Iterable<string>): Promise<Subport[]> {
    const rows = await inChunks(trunkIds, some =>
      q
        .selectFrom('subports')
        .selectAll()
        .where('trunk_id', 'in', some)
        .orderBy('trunk_id')
        .orderBy('segmentation_id')
        .execute(),
    )
    return rows.map(toSubport)
  },
  /** The places in trunks that these ports have. */
  async places(q: Q, portIds: Iterable<string>): Promise<Map<string, Subport>> {
    const rows = await inChunks(portIds, some =>
      q.selectFrom('subports').selectAll().where('port_id', 'in', some).execute(),
    )
    return new Map(rows.map(row => [row.port_id, toSubport(row)]))
  },
}
