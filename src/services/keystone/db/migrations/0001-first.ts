// All tables of the first version.
import type { CreateTableBuilder } from 'kysely'
import type { Migration } from '#kernel/db/migrations.ts'

const ID = 'varchar(64)'
const NAME = 'varchar(255)'

/** `id!` primary key, `x!` not null, `x` may be null. */
function table(
  of: CreateTableBuilder<string, string>,
  columns: Readonly<Record<string, 'id' | 'name' | 'text' | 'time' | 'int'>>,
): CreateTableBuilder<string, string> {
  const types = { id: ID, name: NAME, text: 'text', time: 'bigint', int: 'integer' } as const
  let made: CreateTableBuilder<string, string> = of.ifNotExists()
  for (const [column, kind] of Object.entries(columns)) {
    const name = column.replace('!', '')
    made = made.addColumn(name, types[kind], c =>
      column === 'id!' ? c.primaryKey().notNull() : column.endsWith('!') ? c.notNull() : c,
    )
  }
  return made
}

export const first: Migration = {
  id: '0001-first',
  async up(q) {
    const make = (name: string): CreateTableBuilder<string, string> =>
      q.schema.createTable(name) as CreateTableBuilder<string, string>
    await table(make('projects'), {
      'id!': 'id',
      'domain_id!': 'id',
      parent_id: 'id',
      'name!': 'name',
      'is_domain!': 'int',
      'enabled!': 'int',
      'description!': 'text',
      'options!': 'text',
      'extra!': 'text',
    })
      .addUniqueConstraint('projects_name', ['domain_id', 'name'])
      .execute()
    await table(make('project_tags'), { 'project_id!': 'id', 'name!': 'name' })
      .addPrimaryKeyConstraint('project_tags_key', ['project_id', 'name'])
      .addForeignKeyConstraint('project_tags_project', ['project_id'], 'projects', ['id'], c => c.onDelete('cascade'))
      .execute()
    await table(make('users'), {
      'id!': 'id',
      'domain_id!': 'id',
      'name!': 'name',
      'enabled!': 'int',
      default_project_id: 'id',
      password_hash: 'text',
      password_created_at: 'time',
      password_expires_at: 'time',
      'password_self_service!': 'int',
      'failed_count!': 'int',
      failed_at: 'time',
      last_active_on: 'id',
      'created_at!': 'time',
      'options!': 'text',
      'extra!': 'text',
    })
      .addUniqueConstraint('users_name', ['domain_id', 'name'])
      .execute()
    await table(make('old_passwords'), { 'user_id!': 'id', 'created_at!': 'time', 'hash!': 'text' })
      .addForeignKeyConstraint('old_passwords_user', ['user_id'], 'users', ['id'], c => c.onDelete('cascade'))
      .execute()
    await table(make('groups'), {
      'id!': 'id',
      'domain_id!': 'id',
      'name!': 'name',
      'description!': 'text',
      'extra!': 'text',
    })
      .addUniqueConstraint('groups_name', ['domain_id', 'name'])
      .execute()
    await table(make('memberships'), { 'user_id!': 'id', 'group_id!': 'id' })
      .addPrimaryKeyConstraint('memberships_key', ['user_id', 'group_id'])
      .addForeignKeyConstraint('memberships_user', ['user_id'], 'users', ['id'], c => c.onDelete('cascade'))
      .addForeignKeyConstraint('memberships_group', ['group_id'], 'groups', ['id'], c => c.onDelete('cascade'))
      .execute()
    await table(make('roles'), {
      'id!': 'id',
      'domain_id!': 'id',
      'name!': 'name',
      description: 'text',
      'options!': 'text',
      'extra!': 'text',
    })
      .addUniqueConstraint('roles_name', ['domain_id', 'name'])
      .execute()
    await table(make('implied_roles'), { 'prior_id!': 'id', 'implied_id!': 'id' })
      .addPrimaryKeyConstraint('implied_roles_key', ['prior_id', 'implied_id'])
      .addForeignKeyConstraint('implied_roles_prior', ['prior_id'], 'roles', ['id'], c => c.onDelete('cascade'))
      .addForeignKeyConstraint('implied_roles_implied', ['implied_id'], 'roles', ['id'], c => c.onDelete('cascade'))
      .execute()
    await table(make('assignments'), {
      'actor_kind!': 'id',
      'actor_id!': 'id',
      'target_kind!': 'id',
      'target_id!': 'id',
      'role_id!': 'id',
      'inherited!': 'int',
    })
      .addPrimaryKeyConstraint('assignments_key', [
        'actor_id',
        'actor_kind',
        'target_id',
        'target_kind',
        'role_id',
        'inherited',
      ])
      .addForeignKeyConstraint('assignments_role', ['role_id'], 'roles', ['id'], c => c.onDelete('cascade'))
      .execute()
    await table(make('regions'), {
      'id!': 'name',
      parent_id: 'name',
      'description!': 'text',
      'extra!': 'text',
    }).execute()
    await table(make('services'), {
      'id!': 'id',
      'type!': 'name',
      name: 'name',
      description: 'text',
      'enabled!': 'int',
      'extra!': 'text',
    }).execute()
    await table(make('endpoints'), {
      'id!': 'id',
      'service_id!': 'id',
      'interface!': 'id',
      region_id: 'name',
      'url!': 'text',
      'enabled!': 'int',
      'extra!': 'text',
    })
      .addForeignKeyConstraint('endpoints_service', ['service_id'], 'services', ['id'], c => c.onDelete('cascade'))
      .execute()
    await table(make('revocations'), {
      'subject!': 'name',
      'issued_before!': 'time',
      'purge_after!': 'time',
    })
      .addPrimaryKeyConstraint('revocations_key', ['subject'])
      .execute()
    await table(make('application_credentials'), {
      'id!': 'id',
      'user_id!': 'id',
      'project_id!': 'id',
      'name!': 'name',
      description: 'text',
      'secret_hash!': 'text',
      expires_at: 'id',
      'unrestricted!': 'int',
      'role_ids!': 'text',
      rule_ids: 'text',
    })
      .addUniqueConstraint('application_credentials_name', ['user_id', 'name'])
      .addForeignKeyConstraint('application_credentials_user', ['user_id'], 'users', ['id'], c => c.onDelete('cascade'))
      .execute()
    await table(make('access_rules'), {
      'id!': 'id',
      'user_id!': 'id',
      'service!': 'name',
      'method!': 'id',
      'path!': 'name',
    })
      .addForeignKeyConstraint('access_rules_user', ['user_id'], 'users', ['id'], c => c.onDelete('cascade'))
      .execute()
    await table(make('credentials'), {
      'id!': 'id',
      'user_id!': 'id',
      project_id: 'id',
      'type!': 'name',
      'blob!': 'text',
      'extra!': 'text',
    }).execute()
    await table(make('policies'), { 'id!': 'id', 'type!': 'name', 'blob!': 'text', 'extra!': 'text' }).execute()
    await table(make('trusts'), {
      'id!': 'id',
      'trustor_id!': 'id',
      'trustee_id!': 'id',
      project_id: 'id',
      'impersonation!': 'int',
      expires_at: 'id',
      deleted_at: 'time',
      remaining_uses: 'int',
      redelegated_trust_id: 'id',
      redelegation_count: 'int',
      'role_ids!': 'text',
      'extra!': 'text',
    }).execute()
    await table(make('registered_limits'), {
      'id!': 'id',
      'service_id!': 'id',
      'region_id!': 'name',
      'resource_name!': 'name',
      'default_limit!': 'int',
      description: 'text',
    })
      .addUniqueConstraint('registered_limits_name', ['service_id', 'region_id', 'resource_name'])
      .execute()
    await table(make('limits'), {
      'id!': 'id',
      'registered_limit_id!': 'id',
      'project_id!': 'id',
      'domain_id!': 'id',
      'resource_limit!': 'int',
      description: 'text',
    })
      .addUniqueConstraint('limits_target', ['registered_limit_id', 'project_id', 'domain_id'])
      .execute()

    await table(make('marks'), { 'name!': 'name', 'value!': 'text' })
      .addPrimaryKeyConstraint('marks_key', ['name'])
      .execute()

    const index = (name: string, on: string, columns: string[]): Promise<void> =>
      q.schema.createIndex(name).on(on).columns(columns).execute()
    await index('projects_parent', 'projects', ['parent_id'])
    await index('project_tags_name', 'project_tags', ['name'])
    await index('users_default_project', 'users', ['default_project_id'])
    await index('old_passwords_of', 'old_passwords', ['user_id', 'created_at'])
    await index('memberships_of_group', 'memberships', ['group_id'])
    await index('implied_roles_by_implied', 'implied_roles', ['implied_id'])
    await index('assignments_by_target', 'assignments', ['target_id', 'target_kind'])
    await index('assignments_by_role', 'assignments', ['role_id'])
    await index('regions_parent', 'regions', ['parent_id'])
    await index('endpoints_of_service', 'endpoints', ['service_id'])
    await index('endpoints_of_region', 'endpoints', ['region_id'])
    await index('revocations_ends', 'revocations', ['issued_before'])
    await index('revocations_purge', 'revocations', ['purge_after'])
    await index('application_credentials_project', 'application_credentials', ['project_id'])
    await index('access_rules_of', 'access_rules', ['user_id'])
    await index('credentials_of', 'credentials', ['user_id'])
    await index('credentials_project', 'credentials', ['project_id'])
    await index('trusts_of_trustor', 'trusts', ['trustor_id'])
    await index('trusts_of_trustee', 'trusts', ['trustee_id'])
    await index('limits_of_project', 'limits', ['project_id'])
    await index('limits_of_domain', 'limits', ['domain_id'])
  },
}
