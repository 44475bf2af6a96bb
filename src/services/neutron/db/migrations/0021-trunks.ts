// Trunks: ports that carry others by VLAN.
import type { Migration } from '#kernel/db/migrations.ts'

export const trunks: Migration = {
  id: '0021-trunks',
  async up(q) {
    await q.schema
      .createTable('trunks')
      .addColumn('id', 'varchar(36)', c => c.primaryKey())
      .addColumn('project_id', 'varchar(255)', c => c.notNull())
      .addColumn('name', 'varchar(255)', c => c.notNull())
      .addColumn('description', 'varchar(255)', c => c.notNull())
      .addColumn('created_at', 'varchar(24)', c => c.notNull())
      .addColumn('updated_at', 'varchar(24)', c => c.notNull())
      .addColumn('revision_number', 'integer', c => c.notNull())
      .addColumn('port_id', 'varchar(36)', c => c.notNull())
      .addColumn('admin_state_up', 'integer', c => c.notNull())
      .addColumn('status', 'varchar(16)', c => c.notNull())
      .addUniqueConstraint('trunks_unique_0', ['port_id'] as never)
      .execute()
    await q.schema
      .createIndex('trunks_index_0')
      .on('trunks')
      .columns(['project_id', 'id'] as never)
      .execute()
    await q.schema
      .createTable('subports')
      .addColumn('port_id', 'varchar(36)', c => c.primaryKey())
      .addColumn('trunk_id', 'varchar(36)', c => c.notNull())
      .addColumn('segmentation_type', 'varchar(32)', c => c.notNull())
      .addColumn('segmentation_id', 'integer', c => c.notNull())
      .addUniqueConstraint('subports_unique_0', ['trunk_id', 'segmentation_type', 'segmentation_id'] as never)
      .execute()
  },
}
