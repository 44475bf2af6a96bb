// Names of ports, networks and floating IPs.
import type { Migration } from '#kernel/db/migrations.ts'

export const dns: Migration = {
  id: '0014-dns',
  async up(q) {
    for (const [table, column] of [
      ['networks', 'dns_domain'],
      ['ports', 'dns_name'],
      ['floatingips', 'dns_name'],
      ['floatingips', 'dns_domain'],
    ] as const)
      await q.schema
        .alterTable(table)
        .addColumn(column, 'varchar(255)', c => c.notNull().defaultTo(''))
        .execute()
  },
}
