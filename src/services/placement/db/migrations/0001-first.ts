// All tables of the first version.
import type { CreateTableBuilder } from 'kysely'
import type { Migration } from '#kernel/db/migrations.ts'

const TYPES = {
  id: 'varchar(36)',
  name: 'varchar(255)',
  int: 'bigint',
  real: 'double precision',
  time: 'varchar(24)',
} as const

/** `{ 'id!': 'id' }`: a column that is never NULL; without `!` it may be. */
function columns(
  of: CreateTableBuilder<string, string>,
  kinds: Readonly<Record<string, keyof typeof TYPES>>,
): CreateTableBuilder<string, string> {
  let made: CreateTableBuilder<string, string> = of.ifNotExists()
  for (const [column, kind] of Object.entries(kinds))
    made = made.addColumn(column.replace('!', ''), TYPES[kind], c => (column.endsWith('!') ? c.notNull() : c))
  return made
}

export const first: Migration = {
  id: '0001-first',
  async up(q) {
    const table = (
      name: string,
      kinds: Readonly<Record<string, keyof typeof TYPES>>,
      key: readonly string[],
    ): CreateTableBuilder<string, string> =>
      columns(q.schema.createTable(name) as CreateTableBuilder<string, string>, kinds).addPrimaryKeyConstraint(
        `${name}_key`,
        key as [string, ...string[]],
      )
    const index = (on: string, ...of: string[]): Promise<void> =>
      q.schema
        .createIndex(`${on}_${of.join('_')}`)
        .ifNotExists()
        .on(on)
        .columns(of)
        .execute()

    await table(
      'resource_providers',
      {
        'id!': 'id',
        'name!': 'name',
        'generation!': 'int',
        'root_id!': 'id',
        parent_id: 'id',
        'created_at!': 'time',
        'updated_at!': 'time',
      },
      ['id'],
    )
      .addUniqueConstraint('resource_providers_name', ['name'])
      .addForeignKeyConstraint('resource_providers_parent', ['parent_id'], 'resource_providers', ['id'])
      .execute()
    await index('resource_providers', 'root_id')
    await index('resource_providers', 'parent_id')
    await index('resource_providers', 'created_at', 'id')

    await table(
      'inventories',
      {
        'provider_id!': 'id',
        'resource_class!': 'name',
        'total!': 'int',
        'reserved!': 'int',
        'min_unit!': 'int',
        'max_unit!': 'int',
        'step_size!': 'int',
        'allocation_ratio!': 'real',
        'used!': 'int',
        'created_at!': 'time',
        'updated_at!': 'time',
      },
      ['provider_id', 'resource_class'],
    )
      .addForeignKeyConstraint('inventories_provider', ['provider_id'], 'resource_providers', ['id'])
      .execute()
    await index('inventories', 'resource_class', 'provider_id')

    await table(
      'consumers',
      {
        'id!': 'id',
        'project_id!': 'name',
        'user_id!': 'name',
        type: 'name',
        'generation!': 'int',
        'created_at!': 'time',
        'updated_at!': 'time',
      },
      ['id'],
    ).execute()
    await index('consumers', 'project_id', 'user_id')

    await table(
      'allocations',
      { 'consumer_id!': 'id', 'provider_id!': 'id', 'resource_class!': 'name', 'used!': 'int', 'created_at!': 'time' },
      ['consumer_id', 'provider_id', 'resource_class'],
    )
      .addForeignKeyConstraint('allocations_consumer', ['consumer_id'], 'consumers', ['id'])
      .addForeignKeyConstraint(
        'allocations_inventory',
        ['provider_id', 'resource_class'],
        'inventories',
        ['provider_id', 'resource_class'],
        // A resource class may be renamed.
        c => c.onUpdate('cascade'),
      )
      .execute()
    await index('allocations', 'provider_id', 'resource_class')

    await table('provider_traits', { 'provider_id!': 'id', 'trait!': 'name' }, ['provider_id', 'trait'])
      .addForeignKeyConstraint('provider_traits_provider', ['provider_id'], 'resource_providers', ['id'])
      .execute()
    await index('provider_traits', 'trait', 'provider_id')

    await table('provider_aggregates', { 'provider_id!': 'id', 'aggregate_id!': 'id' }, ['provider_id', 'aggregate_id'])
      .addForeignKeyConstraint('provider_aggregates_provider', ['provider_id'], 'resource_providers', ['id'])
      .execute()
    await index('provider_aggregates', 'aggregate_id', 'provider_id')

    await table('custom_traits', { 'name!': 'name', 'created_at!': 'time' }, ['name']).execute()
    await table('custom_resource_classes', { 'name!': 'name', 'created_at!': 'time', 'updated_at!': 'time' }, [
      'name',
    ]).execute()
  },
}
