// Which images the cache holds or shall hold.
import type { Migration } from '#kernel/db/migrations.ts'

export const cache: Migration = {
  id: '0012-cache',
  async up(q) {
    await q.schema
      .createTable('cached_images')
      .addColumn('image_id', 'varchar(36)', column => column.notNull())
      .addColumn('state', 'varchar(16)', column => column.notNull())
      .addColumn('size', 'bigint', column => column.notNull())
      .addColumn('hits', 'integer', column => column.notNull())
      .addColumn('last_modified', 'varchar(24)', column => column.notNull())
      .addColumn('last_accessed', 'varchar(24)', column => column.notNull())
      .addPrimaryKeyConstraint('cached_images_key', ['image_id'] as never)
      .execute()
    await q.schema.createIndex('cached_images_age').on('cached_images').columns(['last_accessed', 'image_id']).execute()
  },
}
