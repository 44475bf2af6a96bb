// Settings of domains, filters of the catalog, OAuth consumers.
import type { Migration } from '#kernel/db/migrations.ts'

const ID = 'varchar(64)'

export const extensions: Migration = {
  id: '0002-extensions',
  async up(q) {
    await q.schema
      .createTable('domain_options')
      .ifNotExists()
      .addColumn('domain_id', ID, c => c.notNull())
      .addColumn('group_name', ID, c => c.notNull())
      .addColumn('option_name', ID, c => c.notNull())
      .addColumn('sensitive', 'integer', c => c.notNull())
      .addColumn('value', 'text', c => c.notNull())
      .addPrimaryKeyConstraint('domain_options_key', ['domain_id', 'group_name', 'option_name'])
      .addForeignKeyConstraint('domain_options_domain', ['domain_id'], 'projects', ['id'], c => c.onDelete('cascade'))
      .execute()
    await q.schema
      .createTable('endpoint_groups')
      .ifNotExists()
      .addColumn('id', ID, c => c.primaryKey().notNull())
      .addColumn('name', 'varchar(255)', c => c.notNull())
      .addColumn('description', 'text')
      .addColumn('filters', 'text', c => c.notNull())
      .execute()
    await q.schema
      .createTable('endpoint_filters')
      .ifNotExists()
      .addColumn('project_id', ID, c => c.notNull())
      .addColumn('endpoint_id', ID, c => c.notNull())
      .addPrimaryKeyConstraint('endpoint_filters_key', ['project_id', 'endpoint_id'])
      .addForeignKeyConstraint('endpoint_filters_project', ['project_id'], 'projects', ['id'], c =>
        c.onDelete('cascade'),
      )
      .addForeignKeyConstraint('endpoint_filters_endpoint', ['endpoint_id'], 'endpoints', ['id'], c =>
        c.onDelete('cascade'),
      )
      .execute()
    await q.schema
      .createTable('endpoint_group_filters')
      .ifNotExists()
      .addColumn('project_id', ID, c => c.notNull())
      .addColumn('endpoint_group_id', ID, c => c.notNull())
      .addPrimaryKeyConstraint('endpoint_group_filters_key', ['project_id', 'endpoint_group_id'])
      .addForeignKeyConstraint('endpoint_group_filters_project', ['project_id'], 'projects', ['id'], c =>
        c.onDelete('cascade'),
      )
      .addForeignKeyConstraint('endpoint_group_filters_group', ['endpoint_group_id'], 'endpoint_groups', ['id'], c =>
        c.onDelete('cascade'),
      )
      .execute()
    await q.schema
      .createTable('consumers')
      .ifNotExists()
      .addColumn('id', ID, c => c.primaryKey().notNull())
      .addColumn('description', 'text')
      .addColumn('secret', 'text', c => c.notNull())
      .addColumn('extra', 'text', c => c.notNull())
      .execute()
    await q.schema.createIndex('endpoint_filters_of_endpoint').on('endpoint_filters').columns(['endpoint_id']).execute()
    await q.schema
      .createIndex('endpoint_group_filters_of_group')
      .on('endpoint_group_filters')
      .columns(['endpoint_group_id'])
      .execute()
  },
}
