// Who shares what with whom; address scopes and address groups.
import type { Migration } from '#kernel/db/migrations.ts'
import { makeTables, STANDARD } from '#services/neutron/db/migration-columns.ts'

export const sharing: Migration = {
  id: '0011-sharing',
  async up(q) {
    await makeTables(q, {
      rbac_policies: {
        columns: `
          id id !
          project_id str !
          object_type str !
          object_id id !
          target_project str !
          action str !`,
        key: ['id'],
        unique: [['object_id', 'target_project', 'action']],
        indexes: [
          ['object_type', 'target_project', 'object_id'],
          ['project_id', 'id'],
        ],
      },
      address_scopes: {
        columns: `${STANDARD}
          ip_version int !
          shared int !`,
        key: ['id'],
        indexes: [['project_id', 'id']],
      },
      address_groups: {
        columns: `${STANDARD}
          addresses text !
          shared int !`,
        key: ['id'],
        indexes: [['project_id', 'id']],
      },
    })
    await q.schema.alterTable('subnetpools').addColumn('address_scope_id', 'varchar(36)').execute()
    await q.schema
      .createIndex('subnetpools_index_scope')
      .on('subnetpools')
      .column('address_scope_id' as never)
      .execute()
    await q.schema
      .alterTable('security_groups')
      .addColumn('shared', 'integer', c => c.notNull().defaultTo(0))
      .execute()
    await q.schema.alterTable('security_group_rules').addColumn('remote_address_group_id', 'varchar(36)').execute()
    await q.schema
      .createIndex('security_group_rules_index_address_group')
      .on('security_group_rules')
      .column('remote_address_group_id' as never)
      .execute()
    // What was shared with everybody before there were policies has one now, with an id made of its own.
    const all = [
      { table: 'networks', column: 'shared', type: 'network', action: 'access_as_shared', digit: 'a' },
      { table: 'networks', column: 'external', type: 'network', action: 'access_as_external', digit: 'b' },
      { table: 'subnetpools', column: 'shared', type: 'subnetpool', action: 'access_as_shared', digit: 'c' },
    ]
    for (const { table, column, type, action, digit } of all) {
      const rows = await q
        .selectFrom(table)
        .select(['id', 'project_id'])
        .where(column as never, '=', 1 as never)
        .execute()
      for (const row of rows as { id: string; project_id: string }[])
        await q
          .insertInto('rbac_policies')
          .values({
            id: `${digit}${row.id.slice(1)}`,
            project_id: row.project_id,
            object_type: type,
            object_id: row.id,
            target_project: '*',
            action,
          })
          .execute()
    }
  },
}
