// The first tables. Indexes follow the lists: filter columns, then sort columns, then the id.
import type { Kysely } from 'kysely'
import type { AnyTables, Migration } from '#kernel/db/migrations.ts'

const ID = 'varchar(36)'
const TIME = 'varchar(24)'
const NAME = 'varchar(255)'

export const first: Migration = {
  id: '0001-first',
  async up(q) {
    await volumes(q)
    await snapshots(q)
    await attachments(q)
    await types(q)
    await rest(q)
  },
}

async function volumes(q: Kysely<AnyTables>): Promise<void> {
  await q.schema
    .createTable('volumes')
    .ifNotExists()
    .addColumn('id', ID, column => column.primaryKey())
    .addColumn('project_id', NAME, column => column.notNull())
    .addColumn('user_id', NAME, column => column.notNull())
    .addColumn('name', NAME)
    .addColumn('description', NAME)
    .addColumn('status', 'varchar(32)', column => column.notNull())
    .addColumn('attach_status', 'varchar(32)', column => column.notNull())
    .addColumn('size_gb', 'integer', column => column.notNull())
    .addColumn('claimed_gb', 'integer', column => column.notNull())
    .addColumn('availability_zone', NAME)
    .addColumn('host', NAME)
    .addColumn('type_id', ID, column => column.notNull())
    .addColumn('snapshot_id', ID)
    .addColumn('source_volume_id', ID)
    .addColumn('bootable', 'integer', column => column.notNull())
    .addColumn('multiattach', 'integer', column => column.notNull())
    .addColumn('readonly', 'varchar(8)')
    .addColumn('attached_mode', 'varchar(8)')
    .addColumn('migration_status', 'varchar(64)')
    .addColumn('image_metadata', 'text')
    .addColumn('created_at', TIME, column => column.notNull())
    .addColumn('updated_at', TIME)
    .addColumn('status_at', TIME, column => column.notNull())
    .addColumn('launched_at', TIME)
    .execute()
  await q.schema.createIndex('volumes_project').on('volumes').columns(['project_id', 'created_at', 'id']).execute()
  await q.schema.createIndex('volumes_created').on('volumes').columns(['created_at', 'id']).execute()
  await q.schema.createIndex('volumes_host').on('volumes').columns(['host', 'id']).execute()
  await q.schema.createIndex('volumes_type').on('volumes').columns(['type_id', 'id']).execute()
  await q.schema.createIndex('volumes_status').on('volumes').columns(['status', 'status_at']).execute()
  await q.schema
    .createTable('volume_metadata')
    .ifNotExists()
    .addColumn('volume_id', ID, column => column.notNull().references('volumes.id').onDelete('cascade'))
    .addColumn('key', NAME, column => column.notNull())
    .addColumn('value', NAME, column => column.notNull())
    .addPrimaryKeyConstraint('volume_metadata_key', ['volume_id', 'key'])
    .execute()
  await q.schema
    .createIndex('volume_metadata_value')
    .on('volume_metadata')
    .columns(['key', 'value', 'volume_id'])
    .execute()
}

async function snapshots(q: Kysely<AnyTables>): Promise<void> {
  await q.schema
    .createTable('snapshots')
    .ifNotExists()
    .addColumn('id', ID, column => column.primaryKey())
    .addColumn('volume_id', ID, column => column.notNull().references('volumes.id'))
    .addColumn('project_id', NAME, column => column.notNull())
    .addColumn('user_id', NAME, column => column.notNull())
    .addColumn('name', NAME)
    .addColumn('description', NAME)
    .addColumn('status', 'varchar(32)', column => column.notNull())
    .addColumn('progress', 'varchar(8)', column => column.notNull())
    .addColumn('size_gb', 'integer', column => column.notNull())
    .addColumn('type_id', ID, column => column.notNull())
    .addColumn('image_metadata', 'text')
    .addColumn('created_at', TIME, column => column.notNull())
    .addColumn('updated_at', TIME)
    .addColumn('status_at', TIME, column => column.notNull())
    .execute()
  await q.schema.createIndex('snapshots_project').on('snapshots').columns(['project_id', 'created_at', 'id']).execute()
  await q.schema.createIndex('snapshots_created').on('snapshots').columns(['created_at', 'id']).execute()
  await q.schema.createIndex('snapshots_volume').on('snapshots').columns(['volume_id', 'created_at', 'id']).execute()
  await q.schema
    .createTable('snapshot_metadata')
    .ifNotExists()
    .addColumn('snapshot_id', ID, column => column.notNull().references('snapshots.id').onDelete('cascade'))
    .addColumn('key', NAME, column => column.notNull())
    .addColumn('value', NAME, column => column.notNull())
    .addPrimaryKeyConstraint('snapshot_metadata_key', ['snapshot_id', 'key'])
    .execute()
}

async function attachments(q: Kysely<AnyTables>): Promise<void> {
  await q.schema
    .createTable('attachments')
    .ifNotExists()
    .addColumn('id', ID, column => column.primaryKey())
    .addColumn('volume_id', ID, column => column.notNull().references('volumes.id'))
    .addColumn('project_id', NAME, column => column.notNull())
    .addColumn('instance_id', ID)
    .addColumn('attached_host', NAME)
    .addColumn('mountpoint', NAME)
    .addColumn('mode', 'varchar(8)', column => column.notNull())
    .addColumn('status', 'varchar(32)', column => column.notNull())
    .addColumn('connector', 'text')
    .addColumn('connection_info', 'text')
    .addColumn('created_at', TIME, column => column.notNull())
    .addColumn('updated_at', TIME)
    .addColumn('attached_at', TIME)
    .execute()
  await q.schema.createIndex('attachments_volume').on('attachments').columns(['volume_id', 'created_at']).execute()
  await q.schema.createIndex('attachments_instance').on('attachments').columns(['instance_id', 'volume_id']).execute()
  await q.schema
    .createIndex('attachments_project')
    .on('attachments')
    .columns(['project_id', 'created_at', 'id'])
    .execute()
}

async function types(q: Kysely<AnyTables>): Promise<void> {
  await q.schema
    .createTable('volume_types')
    .ifNotExists()
    .addColumn('id', ID, column => column.primaryKey())
    .addColumn('name', NAME, column => column.notNull().unique())
    .addColumn('description', NAME)
    .addColumn('is_public', 'integer', column => column.notNull())
    .addColumn('created_at', TIME, column => column.notNull())
    .addColumn('updated_at', TIME)
    .execute()
  await q.schema
    .createTable('type_extra_specs')
    .ifNotExists()
    .addColumn('type_id', ID, column => column.notNull().references('volume_types.id').onDelete('cascade'))
    .addColumn('key', NAME, column => column.notNull())
    .addColumn('value', NAME, column => column.notNull())
    .addPrimaryKeyConstraint('type_extra_specs_key', ['type_id', 'key'])
    .execute()
  await q.schema
    .createTable('type_access')
    .ifNotExists()
    .addColumn('type_id', ID, column => column.notNull().references('volume_types.id').onDelete('cascade'))
    .addColumn('project_id', NAME, column => column.notNull())
    .addPrimaryKeyConstraint('type_access_key', ['type_id', 'project_id'])
    .execute()
}

async function rest(q: Kysely<AnyTables>): Promise<void> {
  await q.schema
    .createTable('services')
    .ifNotExists()
    .addColumn('id', ID, column => column.primaryKey())
    .addColumn('binary', 'varchar(64)', column => column.notNull())
    .addColumn('host', NAME, column => column.notNull())
    .addColumn('availability_zone', NAME, column => column.notNull())
    .addColumn('disabled', 'integer', column => column.notNull())
    .addColumn('disabled_reason', NAME)
    .addColumn('stats', 'text')
    .addColumn('created_at', TIME, column => column.notNull())
    .addColumn('seen_at', TIME, column => column.notNull())
    .addUniqueConstraint('services_key', ['binary', 'host'])
    .execute()
  await q.schema
    .createTable('quotas')
    .ifNotExists()
    .addColumn('owner', NAME, column => column.notNull())
    .addColumn('resource', NAME, column => column.notNull())
    .addColumn('quota', 'integer', column => column.notNull())
    .addPrimaryKeyConstraint('quotas_key', ['owner', 'resource'])
    .execute()
  await q.schema
    .createTable('messages')
    .ifNotExists()
    .addColumn('id', ID, column => column.primaryKey())
    .addColumn('project_id', NAME, column => column.notNull())
    .addColumn('request_id', 'varchar(64)', column => column.notNull())
    .addColumn('resource_type', 'varchar(40)', column => column.notNull())
    .addColumn('resource_id', ID, column => column.notNull())
    .addColumn('action_id', 'varchar(8)', column => column.notNull())
    .addColumn('detail_id', 'varchar(8)', column => column.notNull())
    .addColumn('detail', 'text', column => column.notNull())
    .addColumn('created_at', TIME, column => column.notNull())
    .addColumn('expires_at', TIME, column => column.notNull())
    .execute()
  await q.schema.createIndex('messages_project').on('messages').columns(['project_id', 'created_at', 'id']).execute()
  await q.schema.createIndex('messages_resource').on('messages').columns(['resource_id', 'created_at']).execute()
}
