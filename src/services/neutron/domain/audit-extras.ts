// What policies and trunks must not leave behind: bindings of what is gone, places of ports that are gone. Reads only.
import type { Violation } from '#kernel/lib/violation.ts'
import { sql } from 'kysely'
import type { Q } from '#services/neutron/db/standard.ts'

/** I-12: nothing outlives what it belongs to. */
export async function extras(q: Q): Promise<Violation[]> {
  const bindings = await sql<{ object_id: string; kind: string }>`select object_id, kind from qos_bindings
    where object_id not in (select id from networks union select id from ports union select id from floatingips union select id from routers)
    or policy_id not in (select id from qos_policies)`.execute(q)
  const places = await sql<{ port_id: string; trunk_id: string }>`select port_id, trunk_id from subports
    where port_id not in (select id from ports) or trunk_id not in (select id from trunks)`.execute(q)
  const trunks = await sql<{ id: string }>`select id from trunks where port_id not in (select id from ports)`.execute(q)
  const says = (subject: string, text: string): Violation => ({ ledger: 'I-12', subject, says: text })
  return [
    ...bindings.rows.map(row =>
      says(row.object_id, `a QoS policy is on ${row.kind} ${row.object_id}, and one of them is gone`),
    ),
    ...places.rows.map(row =>
      says(row.port_id, `port ${row.port_id} is in trunk ${row.trunk_id}, and one of them is gone`),
    ),
    ...trunks.rows.map(row => says(row.id, `trunk ${row.id} has no parent`)),
  ]
}
