// Servers that move from host to host or change their size: one row per move, kept after its end.
import type { Migration } from '#kernel/db/migrations.ts'

const COLUMNS = {
  text: [
    'server_id!',
    'user_id',
    'project_id',
    'kind!',
    'status!',
    'source_host',
    'source_node',
    'dest_host',
    'dest_node',
    'dest_ip',
    'old_flavor',
    'new_flavor',
    'old_vm_state',
    'held_host',
    'held_claim',
    'created_at!',
    'updated_at',
  ],
  int: [
    'old_flavor_number',
    'new_flavor_number',
    'charged_cores!',
    'charged_ram_mb!',
    'memory_total',
    'memory_processed',
    'memory_remaining',
    'disk_total',
    'disk_processed',
    'disk_remaining',
  ],
} as const
const LONG: ReadonlySet<string> = new Set(['old_flavor', 'new_flavor', 'held_claim'])

export const moves: Migration = {
  id: '0010-moves',
  async up(q) {
    let create = q.schema
      .createTable('server_moves')
      .addColumn('id', 'varchar(255)', column => column.primaryKey())
      .addColumn('number', 'integer', column => column.notNull().unique())
    for (const column of COLUMNS.text) {
      const name = column.replace('!', '')
      create = create.addColumn(name, LONG.has(name) ? 'text' : 'varchar(255)', one =>
        column.endsWith('!') ? one.notNull() : one,
      )
    }
    for (const column of COLUMNS.int)
      create = create.addColumn(column.replace('!', ''), 'integer', one => (column.endsWith('!') ? one.notNull() : one))
    await create.execute()
    const indexes = [
      ['server_id', 'number'],
      ['created_at', 'number'],
      ['status', 'updated_at'],
      ['source_host', 'kind', 'status'],
      ['dest_host', 'created_at'],
      ['project_id', 'created_at'],
    ] as const
    for (const [index, columns] of indexes.entries())
      await q.schema
        .createIndex(`server_moves_index_${index}`)
        .on('server_moves')
        .columns([...columns])
        .execute()
  },
}
