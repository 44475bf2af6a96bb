// Ports of floating IPs that lead to ports inside, and helpers of routers' connection tracking.
import type { Migration } from '#kernel/db/migrations.ts'
import { makeTables, STANDARD } from '#services/neutron/db/migration-columns.ts'

export const routing: Migration = {
  id: '0012-routing',
  async up(q) {
    await makeTables(q, {
      port_forwardings: {
        columns: `${STANDARD}
          floatingip_id id !
          protocol str !
          external_port int !
          external_port_end int !
          internal_port_id id !
          internal_ip_address str !
          internal_port int !
          internal_port_end int !`,
        key: ['id'],
        indexes: [['floatingip_id', 'id'], ['internal_port_id']],
      },
      conntrack_helpers: {
        columns: `${STANDARD}
          router_id id !
          protocol str !
          port int !
          helper str !`,
        key: ['id'],
        unique: [['router_id', 'protocol', 'port', 'helper']],
      },
    })
    for (const column of ['enable_default_route_bfd', 'enable_default_route_ecmp'])
      await q.schema
        .alterTable('routers')
        .addColumn(column, 'integer', c => c.notNull().defaultTo(0))
        .execute()
  },
}
