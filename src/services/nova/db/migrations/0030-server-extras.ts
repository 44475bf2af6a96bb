// What a server keeps beside its first form: the wish for its disk's layout, the password its guest told, and since when it
// waits to be deleted for good.
import type { Migration } from '#kernel/db/migrations.ts'

export const serverExtras: Migration = {
  id: '0030-server-extras',
  async up(q) {
    await q.schema
      .alterTable('servers')
      .addColumn('auto_disk_config', 'integer', column => column.notNull().defaultTo(0))
      .execute()
    await q.schema.alterTable('servers').addColumn('password', 'text').execute()
    await q.schema.alterTable('servers').addColumn('soft_deleted_at', 'varchar(255)').execute()
    await q.schema
      .createIndex('servers_index_soft_deleted')
      .ifNotExists()
      .on('servers')
      .columns(['soft_deleted_at'])
      .execute()
  },
}
