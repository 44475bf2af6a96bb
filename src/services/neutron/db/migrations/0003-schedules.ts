// What an operator took from, or gave to, the agent that serves DHCP or routers.
import type { Migration } from '#kernel/db/migrations.ts'

export const schedules: Migration = {
  id: '0003-schedules',
  async up(q) {
    await q.schema
      .createTable('schedules')
      .addColumn('resource_id', 'varchar(36)', c => c.primaryKey())
      .addColumn('hosted', 'integer', c => c.notNull())
      .execute()
  },
}
