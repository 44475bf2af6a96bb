// Single services, by whatever name they are asked for.
import type { Kysely } from 'kysely'

import { serviceFromRow, type Service } from '#services/nova/db/hosts.ts'
import type { NovaTables } from '#services/nova/db/tables.ts'

export const servicesDb = (q: Kysely<NovaTables>) => ({
  /** By its number or its UUID. */
  async find(key: string | number): Promise<Service | undefined> {
    const all = q.selectFrom('services').selectAll()
    const row = await (
      typeof key === 'number' ? all.where('serial', '=', key) : all.where('id', '=', key)
    ).executeTakeFirst()
    return row && serviceFromRow(row)
  },
  async at(host: string, binary: string): Promise<Service | undefined> {
    const row = await q
      .selectFrom('services')
      .selectAll()
      .where('host', '=', host)
      .where('binary', '=', binary)
      .executeTakeFirst()
    return row && serviceFromRow(row)
  },
  async remove(id: string): Promise<void> {
    await q.deleteFrom('services').where('id', '=', id).execute()
  },
})
