// Backups and their metadata. A backup outlives its volume: nothing refers to it by a key.
import type { Migration } from '#kernel/db/migrations.ts'

const ID = 'varchar(36)'
const TIME = 'varchar(24)'
const NAME = 'varchar(255)'

export const backups: Migration = {
  id: '0011-backups',
  async up(q) {
    await q.schema
      .createTable('backups')
      .ifNotExists()
      .addColumn('id', ID, column => column.primaryKey())
      .addColumn('project_id', NAME, column => column.notNull())
      .addColumn('user_id', NAME, column => column.notNull())
      .addColumn('volume_id', ID, column => column.notNull())
      .addColumn('snapshot_id', ID)
      .addColumn('parent_id', ID)
      .addColumn('restore_volume_id', ID)
      .addColumn('name', NAME)
      .addColumn('description', NAME)
      .addColumn('status', 'varchar(32)', column => column.notNull())
      .addColumn('fail_reason', NAME)
      .addColumn('size_gb', 'integer', column => column.notNull())
      .addColumn('object_count', 'integer', column => column.notNull())
      .addColumn('container', NAME)
      .addColumn('availability_zone', NAME)
      .addColumn('host', NAME)
      .addColumn('service', NAME)
      .addColumn('volume_facts', 'text')
      .addColumn('data_at', TIME, column => column.notNull())
      .addColumn('created_at', TIME, column => column.notNull())
      .addColumn('updated_at', TIME)
      .addColumn('status_at', TIME, column => column.notNull())
      .execute()
    await q.schema.createIndex('backups_project').on('backups').columns(['project_id', 'created_at', 'id']).execute()
    await q.schema.createIndex('backups_created').on('backups').columns(['created_at', 'id']).execute()
    await q.schema.createIndex('backups_volume').on('backups').columns(['volume_id', 'created_at', 'id']).execute()
    await q.schema.createIndex('backups_parent').on('backups').columns(['parent_id']).execute()
    await q.schema.createIndex('backups_restoring').on('backups').columns(['restore_volume_id']).execute()
    await q.schema
      .createTable('backup_metadata')
      .ifNotExists()
      .addColumn('backup_id', ID, column => column.notNull().references('backups.id').onDelete('cascade'))
      .addColumn('key', NAME, column => column.notNull())
      .addColumn('value', NAME, column => column.notNull())
      .addPrimaryKeyConstraint('backup_metadata_key', ['backup_id', 'key'])
      .execute()
  },
}
