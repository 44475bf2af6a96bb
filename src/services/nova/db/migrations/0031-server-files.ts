// Files that people put into a server's config drive when they make it (until 2.56).
import type { Migration } from '#kernel/db/migrations.ts'

export const serverFiles: Migration = {
  id: '0031-server-files',
  async up(q) {
    await q.schema
      .createTable('server_files')
      .ifNotExists()
      .addColumn('server_id', 'varchar(36)', column => column.notNull())
      .addColumn('position', 'integer', column => column.notNull())
      .addColumn('path', 'text', column => column.notNull())
      .addColumn('contents', 'text', column => column.notNull())
      .addPrimaryKeyConstraint('server_files_key', ['server_id', 'position'])
      .execute()
  },
}
