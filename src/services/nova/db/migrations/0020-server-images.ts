// What links servers to images beyond the one they were made from: whence it came, the image of a shelved one, the rescue system.
import type { Migration } from '#kernel/db/migrations.ts'

export const serverImages: Migration = {
  id: '0020-server-images',
  async up(q) {
    await q.schema
      .createTable('server_images')
      .ifNotExists()
      .addColumn('server_id', 'varchar(36)', column => column.primaryKey())
      .addColumn('origin', 'text')
      .addColumn('shelved', 'text')
      .addColumn('rescue', 'text')
      .execute()
  },
}
