// Pools that subnets may be cut from.
import type { Migration } from '#kernel/db/migrations.ts'

export const subnetPools: Migration = {
  id: '0002-subnet-pools',
  async up(q) {
    await q.schema
      .createTable('subnetpools')
      .addColumn('id', 'varchar(36)', c => c.primaryKey())
      .addColumn('project_id', 'varchar(255)', c => c.notNull())
      .addColumn('name', 'varchar(255)', c => c.notNull())
      .addColumn('description', 'varchar(255)', c => c.notNull())
      .addColumn('created_at', 'varchar(24)', c => c.notNull())
      .addColumn('updated_at', 'varchar(24)', c => c.notNull())
      .addColumn('revision_number', 'integer', c => c.notNull())
      .addColumn('ip_version', 'integer', c => c.notNull())
      .addColumn('prefixes', 'text', c => c.notNull())
      .addColumn('default_prefixlen', 'integer', c => c.notNull())
      .addColumn('min_prefixlen', 'integer', c => c.notNull())
      .addColumn('max_prefixlen', 'integer', c => c.notNull())
      .addColumn('default_quota', 'integer')
      .addColumn('is_default', 'integer', c => c.notNull())
      .addColumn('shared', 'integer', c => c.notNull())
      .execute()
    await q.schema
      .createIndex('subnetpools_index_0')
      .on('subnetpools')
      .columns(['project_id', 'id'] as never)
      .execute()
    await q.schema.alterTable('subnets').addColumn('subnetpool_id', 'varchar(36)').execute()
    await q.schema
      .createIndex('subnets_index_pool')
      .on('subnets')
      .column('subnetpool_id' as never)
      .execute()
  },
}
