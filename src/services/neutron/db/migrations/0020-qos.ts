// QoS policies, their rules, and what they are put on.
import type { Migration } from '#kernel/db/migrations.ts'

export const qos: Migration = {
  id: '0020-qos',
  async up(q) {
    await q.schema
      .createTable('qos_policies')
      .addColumn('id', 'varchar(36)', c => c.primaryKey())
      .addColumn('project_id', 'varchar(255)', c => c.notNull())
      .addColumn('name', 'varchar(255)', c => c.notNull())
      .addColumn('description', 'varchar(255)', c => c.notNull())
      .addColumn('created_at', 'varchar(24)', c => c.notNull())
      .addColumn('updated_at', 'varchar(24)', c => c.notNull())
      .addColumn('revision_number', 'integer', c => c.notNull())
      .addColumn('shared', 'integer', c => c.notNull())
      .addColumn('is_default', 'integer', c => c.notNull())
      .execute()
    await q.schema
      .createIndex('qos_policies_index_0')
      .on('qos_policies')
      .columns(['project_id', 'id'] as never)
      .execute()
    await q.schema
      .createTable('qos_rules')
      .addColumn('id', 'varchar(36)', c => c.primaryKey())
      .addColumn('policy_id', 'varchar(36)', c => c.notNull())
      .addColumn('type', 'varchar(32)', c => c.notNull())
      // Empty where a kind of rule has none.
      .addColumn('direction', 'varchar(16)', c => c.notNull())
      .addColumn('max_kbps', 'integer')
      .addColumn('max_burst_kbps', 'integer')
      .addColumn('min_kbps', 'integer')
      .addColumn('max_kpps', 'integer')
      .addColumn('max_burst_kpps', 'integer')
      .addColumn('min_kpps', 'integer')
      .addColumn('dscp_mark', 'integer')
      .addUniqueConstraint('qos_rules_unique_0', ['policy_id', 'type', 'direction'] as never)
      .execute()
    await q.schema
      .createTable('qos_bindings')
      .addColumn('object_id', 'varchar(36)', c => c.primaryKey())
      .addColumn('kind', 'varchar(16)', c => c.notNull())
      .addColumn('policy_id', 'varchar(36)', c => c.notNull())
      .execute()
    await q.schema
      .createIndex('qos_bindings_index_0')
      .on('qos_bindings')
      .columns(['policy_id', 'kind'] as never)
      .execute()
  },
}
