// Glance's columns, and the migration that makes them.
import type { CreateTableBuilder } from 'kysely'

import type { Flag, Json, TimeText } from '#kernel/db/codecs.ts'
import type { Migration } from '#kernel/db/migrations.ts'
import type { SagaTables } from '#kernel/saga/db-log.ts'
import { cache } from '#services/glance/db/migrations/0012-cache.ts'
import { imports } from '#services/glance/db/migrations/0011-imports.ts'
import { metadefs } from '#services/glance/db/migrations/0010-metadefs.ts'

/** What an image shows of its import, as `os_glance_*`: the task while it runs, stores to come, stores that failed. */
export interface ImportState {
  readonly task?: string
  readonly importing: readonly string[]
  readonly failed: readonly string[]
}
export interface GlanceTables extends SagaTables {
  images: {
    id: string
    name: string | null
    owner: string | null
    /** `queued`, `saving`, `active`, `killed`, `deactivated`, `deleted`. */
    status: string
    visibility: string
    disk_format: string | null
    container_format: string | null
    size: number | null
    virtual_size: number | null
    min_disk: number
    min_ram: number
    is_protected: Flag
    os_hidden: Flag
    checksum: string | null
    hash_algo: string | null
    hash_value: string | null
    properties: Json<Record<string, string | null>>
    /** When the bytes began to arrive: an upload that was cut off is found by it. */
    saving_since: TimeText | null
    import_state: Json<ImportState> | null
    created_at: TimeText
    updated_at: TimeText
    deleted_at: TimeText | null
  }
  tasks: {
    id: string
    /** `import`, `api_image_import`, `location_import`. */
    type: string
    /** `pending`, `processing`, `success`, `failure`. */
    status: string
    owner: string
    input: Json<Record<string, unknown>>
    result: Json<Record<string, unknown>> | null
    message: string
    image_id: string | null
    request_id: string | null
    user_id: string | null
    expires_at: TimeText | null
    created_at: TimeText
    updated_at: TimeText
  }
  /** `state`: `queued`, `cached`. */
  cached_images: {
    image_id: string
    state: string
    size: number
    hits: number
    last_modified: TimeText
    last_accessed: TimeText
  }
  metadef_namespaces: {
    id: string
    namespace: string
    display_name: string | null
    description: string | null
    visibility: string
    is_protected: Flag
    owner: string | null
    created_at: TimeText
    updated_at: TimeText
  }
  /** `kind`: `object`, `property`, `tag`, `association`. */
  metadef_items: {
    namespace_id: string
    kind: string
    name: string
    body: Json<Record<string, unknown>>
    created_at: TimeText
    updated_at: TimeText
  }
  metadef_resource_types: { name: string; created_at: TimeText; updated_at: TimeText }
  image_tags: { image_id: string; tag: string }
  image_members: { image_id: string; member_id: string; status: string; created_at: TimeText; updated_at: TimeText }
}

const first: Migration = {
  id: '0001-first',
  async up(q) {
    const texts = ['id', 'status', 'visibility', 'created_at', 'updated_at']
    const maybe = [
      'name',
      'owner',
      'disk_format',
      'container_format',
      'checksum',
      'hash_algo',
      'hash_value',
      'saving_since',
      'deleted_at',
    ]
    const ints = ['min_disk', 'min_ram', 'is_protected', 'os_hidden']
    let images: CreateTableBuilder<string, string> = q.schema.createTable('images')
    for (const name of texts) images = images.addColumn(name, 'varchar(255)', column => column.notNull())
    for (const name of maybe) images = images.addColumn(name, 'varchar(255)')
    for (const name of ints) images = images.addColumn(name, 'integer', column => column.notNull())
    await images
      .addColumn('size', 'bigint')
      .addColumn('virtual_size', 'bigint')
      .addColumn('properties', 'text', column => column.notNull())
      .addPrimaryKeyConstraint('images_key', ['id'] as never)
      .execute()
    await q.schema.createIndex('images_list').on('images').columns(['deleted_at', 'created_at', 'id']).execute()
    await q.schema.createIndex('images_owner').on('images').columns(['owner', 'deleted_at']).execute()
    await q.schema
      .createTable('image_tags')
      .addColumn('image_id', 'varchar(255)', column => column.notNull())
      .addColumn('tag', 'varchar(255)', column => column.notNull())
      .addPrimaryKeyConstraint('image_tags_key', ['image_id', 'tag'])
      .execute()
    await q.schema
      .createTable('image_members')
      .addColumn('image_id', 'varchar(255)', column => column.notNull())
      .addColumn('member_id', 'varchar(255)', column => column.notNull())
      .addColumn('status', 'varchar(255)', column => column.notNull())
      .addColumn('created_at', 'varchar(24)', column => column.notNull())
      .addColumn('updated_at', 'varchar(24)', column => column.notNull())
      .addPrimaryKeyConstraint('image_members_key', ['image_id', 'member_id'])
      .execute()
    await q.schema.createIndex('image_members_member').on('image_members').columns(['member_id']).execute()
  },
}
export const migrations: readonly Migration[] = [first, metadefs, imports, cache]
