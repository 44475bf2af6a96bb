// Bindings of ports to further hosts, beside the one that is in force.
import type { Migration } from '#kernel/db/migrations.ts'

export const portBindings: Migration = {
  id: '0010-port-bindings',
  async up(q) {
    await q.schema
      .createTable('port_bindings')
      .addColumn('port_id', 'varchar(36)', c => c.notNull())
      .addColumn('host', 'varchar(255)', c => c.notNull())
      .addColumn('vif_type', 'varchar(255)', c => c.notNull())
      .addColumn('vif_details', 'text', c => c.notNull())
      .addColumn('vnic_type', 'varchar(255)', c => c.notNull())
      .addColumn('profile', 'text', c => c.notNull())
      .addPrimaryKeyConstraint('port_bindings_key', ['port_id', 'host'] as never)
      .execute()
  },
}
