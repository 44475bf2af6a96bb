// Associations of policies with endpoints, what federation knows, and OAuth tokens.
import type { Migration } from '#kernel/db/migrations.ts'

const ID = 'varchar(64)'

export const federationAndOauth: Migration = {
  id: '0020-federation-and-oauth',
  async up(q) {
    await q.schema
      .createTable('policy_associations')
      .ifNotExists()
      .addColumn('target', 'varchar(400)', c => c.primaryKey().notNull())
      .addColumn('policy_id', ID, c => c.notNull())
      .addColumn('endpoint_id', ID)
      .addColumn('service_id', ID)
      .addColumn('region_id', 'varchar(255)')
      .addForeignKeyConstraint('policy_associations_policy', ['policy_id'], 'policies', ['id'], c =>
        c.onDelete('cascade'),
      )
      .addForeignKeyConstraint('policy_associations_endpoint', ['endpoint_id'], 'endpoints', ['id'], c =>
        c.onDelete('cascade'),
      )
      .addForeignKeyConstraint('policy_associations_service', ['service_id'], 'services', ['id'], c =>
        c.onDelete('cascade'),
      )
      .execute()
    await q.schema.createIndex('policy_associations_of').on('policy_associations').columns(['policy_id']).execute()
    await q.schema
      .createTable('identity_providers')
      .ifNotExists()
      .addColumn('id', ID, c => c.primaryKey().notNull())
      .addColumn('domain_id', ID, c => c.notNull())
      .addColumn('enabled', 'integer', c => c.notNull())
      .addColumn('description', 'text')
      .addColumn('authorization_ttl', 'integer')
      .execute()
    await q.schema
      .createTable('idp_remote_ids')
      .ifNotExists()
      .addColumn('remote_id', ID, c => c.primaryKey().notNull())
      .addColumn('idp_id', ID, c => c.notNull())
      .addForeignKeyConstraint('idp_remote_ids_idp', ['idp_id'], 'identity_providers', ['id'], c =>
        c.onDelete('cascade'),
      )
      .execute()
    await q.schema
      .createTable('mappings')
      .ifNotExists()
      .addColumn('id', ID, c => c.primaryKey().notNull())
      .addColumn('rules', 'text', c => c.notNull())
      .addColumn('schema_version', 'varchar(5)', c => c.notNull())
      .execute()
    await q.schema
      .createTable('federation_protocols')
      .ifNotExists()
      .addColumn('idp_id', ID, c => c.notNull())
      .addColumn('id', ID, c => c.notNull())
      .addColumn('mapping_id', ID, c => c.notNull())
      .addColumn('remote_id_attribute', ID)
      .addPrimaryKeyConstraint('federation_protocols_key', ['idp_id', 'id'])
      .addForeignKeyConstraint('federation_protocols_idp', ['idp_id'], 'identity_providers', ['id'], c =>
        c.onDelete('cascade'),
      )
      .execute()
    await q.schema
      .createTable('service_providers')
      .ifNotExists()
      .addColumn('id', ID, c => c.primaryKey().notNull())
      .addColumn('enabled', 'integer', c => c.notNull())
      .addColumn('description', 'text')
      .addColumn('auth_url', 'varchar(256)', c => c.notNull())
      .addColumn('sp_url', 'varchar(256)', c => c.notNull())
      .addColumn('relay_state_prefix', 'varchar(256)', c => c.notNull())
      .execute()
    await q.schema
      .createTable('request_tokens')
      .ifNotExists()
      .addColumn('id', ID, c => c.primaryKey().notNull())
      .addColumn('secret', 'text', c => c.notNull())
      .addColumn('consumer_id', ID, c => c.notNull())
      .addColumn('project_id', ID, c => c.notNull())
      .addColumn('verifier', ID)
      .addColumn('user_id', ID)
      .addColumn('role_ids', 'text')
      .addColumn('expires_at', 'bigint')
      .addForeignKeyConstraint('request_tokens_consumer', ['consumer_id'], 'consumers', ['id'], c =>
        c.onDelete('cascade'),
      )
      .execute()
    await q.schema
      .createTable('access_tokens')
      .ifNotExists()
      .addColumn('id', ID, c => c.primaryKey().notNull())
      .addColumn('secret', 'text', c => c.notNull())
      .addColumn('consumer_id', ID, c => c.notNull())
      .addColumn('project_id', ID, c => c.notNull())
      .addColumn('user_id', ID, c => c.notNull())
      .addColumn('role_ids', 'text', c => c.notNull())
      .addColumn('expires_at', 'bigint')
      .addForeignKeyConstraint('access_tokens_consumer', ['consumer_id'], 'consumers', ['id'], c =>
        c.onDelete('cascade'),
      )
      .addForeignKeyConstraint('access_tokens_user', ['user_id'], 'users', ['id'], c => c.onDelete('cascade'))
      .execute()
    await q.schema.createIndex('access_tokens_user_key').on('access_tokens').columns(['user_id', 'id']).execute()
  },
}
