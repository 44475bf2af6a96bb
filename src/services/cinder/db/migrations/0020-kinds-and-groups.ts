// QoS specs, encryption of types, default types of projects, frozen hosts; group types, groups and group snapshots.
import type { Kysely } from 'kysely'
import type { AnyTables, Migration } from '#kernel/db/migrations.ts'

const ID = 'varchar(36)'
const TIME = 'varchar(24)'
const NAME = 'varchar(255)'

export const kindsAndGroups: Migration = {
  id: '0020-kinds-and-groups',
  async up(q) {
    await kinds(q)
    await groupTypes(q)
    await groups(q)
  },
}

async function kinds(q: Kysely<AnyTables>): Promise<void> {
  await q.schema
    .createTable('qos_specs')
    .ifNotExists()
    .addColumn('id', ID, column => column.primaryKey())
    .addColumn('name', NAME, column => column.notNull().unique())
    .addColumn('consumer', 'varchar(16)', column => column.notNull())
    .addColumn('created_at', TIME, column => column.notNull())
    .addColumn('updated_at', TIME)
    .execute()
  await q.schema
    .createTable('qos_spec_keys')
    .ifNotExists()
    .addColumn('qos_id', ID, column => column.notNull().references('qos_specs.id').onDelete('cascade'))
    .addColumn('key', NAME, column => column.notNull())
    .addColumn('value', NAME)
    .addPrimaryKeyConstraint('qos_spec_keys_key', ['qos_id', 'key'])
    .execute()
  await q.schema
    .createTable('type_qos')
    .ifNotExists()
    .addColumn('type_id', ID, column => column.primaryKey().references('volume_types.id').onDelete('cascade'))
    .addColumn('qos_id', ID, column => column.notNull().references('qos_specs.id'))
    .execute()
  await q.schema.createIndex('type_qos_of').on('type_qos').columns(['qos_id']).execute()
  await q.schema
    .createTable('type_encryption')
    .ifNotExists()
    .addColumn('type_id', ID, column => column.primaryKey().references('volume_types.id').onDelete('cascade'))
    .addColumn('id', ID, column => column.notNull())
    .addColumn('provider', NAME, column => column.notNull())
    .addColumn('control_location', 'varchar(16)', column => column.notNull())
    .addColumn('cipher', NAME)
    .addColumn('key_size', 'integer')
    .addColumn('created_at', TIME, column => column.notNull())
    .addColumn('updated_at', TIME)
    .execute()
  await q.schema
    .createTable('default_types')
    .ifNotExists()
    .addColumn('project_id', NAME, column => column.primaryKey())
    .addColumn('type_id', ID, column => column.notNull().references('volume_types.id'))
    .execute()
  await q.schema
    .createTable('frozen_hosts')
    .ifNotExists()
    .addColumn('host', NAME, column => column.primaryKey())
    .execute()
}

async function groupTypes(q: Kysely<AnyTables>): Promise<void> {
  await q.schema
    .createTable('group_types')
    .ifNotExists()
    .addColumn('id', ID, column => column.primaryKey())
    .addColumn('name', NAME, column => column.notNull().unique())
    .addColumn('description', NAME)
    .addColumn('is_public', 'integer', column => column.notNull())
    .addColumn('created_at', TIME, column => column.notNull())
    .addColumn('updated_at', TIME)
    .execute()
  await q.schema
    .createTable('group_specs')
    .ifNotExists()
    .addColumn('group_type_id', ID, column => column.notNull().references('group_types.id').onDelete('cascade'))
    .addColumn('key', NAME, column => column.notNull())
    .addColumn('value', NAME)
    .addPrimaryKeyConstraint('group_specs_key', ['group_type_id', 'key'])
    .execute()
}

async function groups(q: Kysely<AnyTables>): Promise<void> {
  await q.schema
    .createTable('groups')
    .ifNotExists()
    .addColumn('id', ID, column => column.primaryKey())
    .addColumn('project_id', NAME, column => column.notNull())
    .addColumn('user_id', NAME, column => column.notNull())
    .addColumn('name', NAME)
    .addColumn('description', NAME)
    .addColumn('status', 'varchar(32)', column => column.notNull())
    .addColumn('host', NAME)
    .addColumn('availability_zone', NAME)
    .addColumn('group_type_id', ID, column => column.notNull().references('group_types.id'))
    .addColumn('group_snapshot_id', ID)
    .addColumn('source_group_id', ID)
    .addColumn('created_at', TIME, column => column.notNull())
    .addColumn('updated_at', TIME)
    .addColumn('status_at', TIME, column => column.notNull())
    .execute()
  await q.schema.createIndex('groups_project').on('groups').columns(['project_id', 'created_at', 'id']).execute()
  await q.schema
    .createTable('group_volume_types')
    .ifNotExists()
    .addColumn('group_id', ID, column => column.notNull().references('groups.id').onDelete('cascade'))
    .addColumn('type_id', ID, column => column.notNull())
    .addPrimaryKeyConstraint('group_volume_types_key', ['group_id', 'type_id'])
    .execute()
  await q.schema
    .createTable('group_volumes')
    .ifNotExists()
    .addColumn('volume_id', ID, column => column.primaryKey().references('volumes.id').onDelete('cascade'))
    .addColumn('group_id', ID, column => column.notNull().references('groups.id').onDelete('cascade'))
    .execute()
  await q.schema.createIndex('group_volumes_of').on('group_volumes').columns(['group_id']).execute()
  await q.schema
    .createTable('group_snapshots')
    .ifNotExists()
    .addColumn('id', ID, column => column.primaryKey())
    .addColumn('group_id', ID, column => column.notNull())
    .addColumn('project_id', NAME, column => column.notNull())
    .addColumn('user_id', NAME, column => column.notNull())
    .addColumn('name', NAME)
    .addColumn('description', NAME)
    .addColumn('status', 'varchar(32)', column => column.notNull())
    .addColumn('group_type_id', ID, column => column.notNull())
    .addColumn('created_at', TIME, column => column.notNull())
    .addColumn('updated_at', TIME)
    .addColumn('status_at', TIME, column => column.notNull())
    .execute()
  await q.schema
    .createIndex('group_snapshots_project')
    .on('group_snapshots')
    .columns(['project_id', 'created_at', 'id'])
    .execute()
  await q.schema.createIndex('group_snapshots_group').on('group_snapshots').columns(['group_id']).execute()
  await q.schema
    .createTable('group_snapshot_members')
    .ifNotExists()
    .addColumn('snapshot_id', ID, column => column.primaryKey().references('snapshots.id').onDelete('cascade'))
    .addColumn('group_snapshot_id', ID, column => column.notNull().references('group_snapshots.id').onDelete('cascade'))
    .execute()
  await q.schema
    .createIndex('group_snapshot_members_of')
    .on('group_snapshot_members')
    .columns(['group_snapshot_id'])
    .execute()
}
