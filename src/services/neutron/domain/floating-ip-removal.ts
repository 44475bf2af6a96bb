// Floating IPs that nobody uses do not keep an external network from being removed.
import { deleteTags, type Q } from '#services/neutron/db/standard.ts'
import { qosDb } from '#services/neutron/db/qos.ts'
import { portsDb } from '#services/neutron/db/ports.ts'

/** Removes those of a network that lead to no port, with the ports that held their addresses. */
export async function removeUnusedFloatingIps(q: Q, networkId: string): Promise<void> {
  const rows = await q
    .selectFrom('floatingips')
    .select(['id', 'floating_port_id'])
    .where('floating_network_id', '=', networkId)
    .where('port_id', 'is', null)
    .where('router_id', 'is', null)
    .execute()
  for (const row of rows) {
    await q.deleteFrom('floatingips').where('id', '=', row.id).execute()
    await deleteTags(q, [row.id])
    await qosDb.bind(q, 'fip', row.id, null)
    await portsDb.remove(q, row.floating_port_id)
  }
}
