// Imports: what an image shows of one, and the tasks that tell how it went.
import type { Migration } from '#kernel/db/migrations.ts'
import { createSagaTables } from '#kernel/saga/db-log.ts'

export const imports: Migration = {
  id: '0011-imports',
  async up(q) {
    await createSagaTables(q)
    await q.schema.alterTable('images').addColumn('import_state', 'text').execute()
    await q.schema
      .createTable('tasks')
      .addColumn('id', 'varchar(36)', column => column.notNull())
      .addColumn('type', 'varchar(30)', column => column.notNull())
      .addColumn('status', 'varchar(30)', column => column.notNull())
      .addColumn('owner', 'varchar(255)', column => column.notNull())
      .addColumn('input', 'text', column => column.notNull())
      .addColumn('result', 'text')
      .addColumn('message', 'text', column => column.notNull())
      .addColumn('image_id', 'varchar(36)')
      .addColumn('request_id', 'varchar(64)')
      .addColumn('user_id', 'varchar(64)')
      .addColumn('expires_at', 'varchar(24)')
      .addColumn('created_at', 'varchar(24)', column => column.notNull())
      .addColumn('updated_at', 'varchar(24)', column => column.notNull())
      .addPrimaryKeyConstraint('tasks_key', ['id'] as never)
      .execute()
    await q.schema.createIndex('tasks_list').on('tasks').columns(['created_at', 'id']).execute()
    await q.schema.createIndex('tasks_image').on('tasks').columns(['image_id']).execute()
    await q.schema.createIndex('tasks_expiry').on('tasks').columns(['expires_at']).execute()
  },
}
