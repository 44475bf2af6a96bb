// Namespaces of metadata definitions, what is in them, and the resource types they may be for.
import type { Migration } from '#kernel/db/migrations.ts'

/** Resource types that are there from the start, as upstream's own definitions name them. */
const SEEDED = [
  'OS::Cinder::Volume',
  'OS::Glance::Image',
  'OS::Nova::Aggregate',
  'OS::Nova::Flavor',
  'OS::Nova::Server',
  'OS::Trove::Instance',
]

export const metadefs: Migration = {
  id: '0010-metadefs',
  async up(q) {
    await q.schema
      .createTable('metadef_namespaces')
      .addColumn('id', 'varchar(36)', column => column.notNull())
      .addColumn('namespace', 'varchar(80)', column => column.notNull())
      .addColumn('display_name', 'varchar(80)')
      .addColumn('description', 'text')
      .addColumn('visibility', 'varchar(16)', column => column.notNull())
      .addColumn('is_protected', 'integer', column => column.notNull())
      .addColumn('owner', 'varchar(255)')
      .addColumn('created_at', 'varchar(24)', column => column.notNull())
      .addColumn('updated_at', 'varchar(24)', column => column.notNull())
      .addPrimaryKeyConstraint('metadef_namespaces_key', ['id'] as never)
      .execute()
    await q.schema
      .createIndex('metadef_namespaces_name')
      .unique()
      .on('metadef_namespaces')
      .columns(['namespace'])
      .execute()
    await q.schema
      .createIndex('metadef_namespaces_list')
      .on('metadef_namespaces')
      .columns(['created_at', 'id'])
      .execute()
    await q.schema
      .createTable('metadef_items')
      .addColumn('namespace_id', 'varchar(36)', column => column.notNull())
      .addColumn('kind', 'varchar(16)', column => column.notNull())
      .addColumn('name', 'varchar(80)', column => column.notNull())
      .addColumn('body', 'text', column => column.notNull())
      .addColumn('created_at', 'varchar(24)', column => column.notNull())
      .addColumn('updated_at', 'varchar(24)', column => column.notNull())
      .addPrimaryKeyConstraint('metadef_items_key', ['namespace_id', 'kind', 'name'] as never)
      .execute()
    await q.schema.createIndex('metadef_items_name').on('metadef_items').columns(['kind', 'name']).execute()
    await q.schema
      .createTable('metadef_resource_types')
      .addColumn('name', 'varchar(80)', column => column.notNull())
      .addColumn('created_at', 'varchar(24)', column => column.notNull())
      .addColumn('updated_at', 'varchar(24)', column => column.notNull())
      .addPrimaryKeyConstraint('metadef_resource_types_key', ['name'] as never)
      .execute()
    const at = '2026-01-01T00:00:00.000Z'
    await q
      .insertInto('metadef_resource_types')
      .values(SEEDED.map(name => ({ name, created_at: at, updated_at: at })))
      .execute()
  },
}
