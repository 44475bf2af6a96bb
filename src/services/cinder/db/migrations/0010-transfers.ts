// Volumes that wait for another project to accept them.
import type { Migration } from '#kernel/db/migrations.ts'

const ID = 'varchar(36)'
const TIME = 'varchar(24)'
const NAME = 'varchar(255)'

export const transfers: Migration = {
  id: '0010-transfers',
  async up(q) {
    await q.schema
      .createTable('transfers')
      .ifNotExists()
      .addColumn('id', ID, column => column.primaryKey())
      .addColumn('volume_id', ID, column => column.notNull().references('volumes.id').onDelete('cascade'))
      .addColumn('source_project_id', NAME, column => column.notNull())
      .addColumn('name', NAME)
      .addColumn('salt', 'varchar(64)', column => column.notNull())
      .addColumn('key_hash', 'varchar(64)', column => column.notNull())
      .addColumn('no_snapshots', 'integer', column => column.notNull())
      .addColumn('created_at', TIME, column => column.notNull())
      .execute()
    await q.schema
      .createIndex('transfers_project')
      .on('transfers')
      .columns(['source_project_id', 'created_at', 'id'])
      .execute()
    await q.schema.createIndex('transfers_created').on('transfers').columns(['created_at', 'id']).execute()
    await q.schema.createIndex('transfers_volume').on('transfers').columns(['volume_id']).execute()
  },
}
