// Rows that belong to a thing, and must have gone with it.
import { sql } from 'kysely'
import type { Violation } from '#kernel/lib/violation.ts'
import { SHARED_TABLES } from '#services/neutron/db/sharing.ts'
import type { Q } from '#services/neutron/db/standard.ts'

interface Belonging {
  readonly ledger: string
  readonly table: string
  /** The column that names what it belongs to, and where that lies. */
  readonly column: string
  readonly owner: string
  readonly says: string
}
const BELONGINGS: readonly Belonging[] = [
  { ledger: 'I-12', table: 'port_bindings', column: 'port_id', owner: 'ports', says: 'a binding of port' },
  {
    ledger: 'I-14',
    table: 'port_forwardings',
    column: 'floatingip_id',
    owner: 'floatingips',
    says: 'a forwarding of floating IP',
  },
  {
    ledger: 'I-14',
    table: 'port_forwardings',
    column: 'internal_port_id',
    owner: 'ports',
    says: 'a forwarding to port',
  },
  { ledger: 'I-14', table: 'conntrack_helpers', column: 'router_id', owner: 'routers', says: 'a helper of router' },
  { ledger: 'I-18', table: 'segments', column: 'network_id', owner: 'networks', says: 'a segment of network' },
  {
    ledger: 'I-19',
    table: 'security_group_rules',
    column: 'remote_address_group_id',
    owner: 'address_groups',
    says: 'a rule that names address group',
  },
]

export async function belongings(q: Q): Promise<Violation[]> {
  const found: Violation[] = []
  const orphans = async (one: Belonging, where = sql`1 = 1`): Promise<void> => {
    const rows = await sql<{ id: string }>`
      select distinct ${sql.ref(`${one.table}.${one.column}`)} as id from ${sql.table(one.table)}
      where ${sql.ref(`${one.table}.${one.column}`)} is not null and ${where}
      and not exists (select 1 from ${sql.table(one.owner)} where ${sql.ref(`${one.owner}.id`)} = ${sql.ref(`${one.table}.${one.column}`)})
    `.execute(q)
    for (const row of rows.rows)
      found.push({ ledger: one.ledger, subject: row.id, says: `${one.says} ${row.id} outlived it` })
  }
  for (const one of BELONGINGS) await orphans(one)
  for (const [type, owner] of Object.entries(SHARED_TABLES))
    await orphans(
      { ledger: 'I-12', table: 'rbac_policies', column: 'object_id', owner, says: `a policy that shares ${type}` },
      sql`rbac_policies.object_type = ${type}`,
    )
  return found
}
