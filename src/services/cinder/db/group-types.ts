// Group types with their specs.
import type { Kysely, Selectable } from 'kysely'

import { flag, fromTime, isSet, orNull, time } from '#kernel/db/codecs.ts'
import { insertAll, swap, upsert } from '#kernel/db/helpers.ts'
import type { GroupTypeTable } from '#services/cinder/db/group-tables.ts'
import type { CinderTables } from '#services/cinder/db/tables.ts'

type Specs = Readonly<Record<string, string | null>>
export interface GroupType {
  readonly id: string
  readonly name: string
  readonly description: string | null
  readonly isPublic: boolean
  readonly specs: Specs
  readonly createdAt: number
  readonly updatedAt: number | null
}
const fromRow = (row: Selectable<GroupTypeTable>, specs: Specs): GroupType => ({
  id: row.id,
  name: row.name,
  description: row.description,
  isPublic: isSet(row.is_public),
  specs,
  createdAt: fromTime(row.created_at),
  updatedAt: orNull(fromTime)(row.updated_at),
})

export const groupTypesDb = (q: Kysely<CinderTables>) => {
  const specsOf = async (id: string): Promise<Specs> => {
    const rows = await q.selectFrom('group_specs').selectAll().where('group_type_id', '=', id).orderBy('key').execute()
    return Object.fromEntries(rows.map(row => [row.key, row.value]))
  }
  const one = async (column: 'id' | 'name', value: string): Promise<GroupType | undefined> => {
    const row = await q.selectFrom('group_types').selectAll().where(column, '=', value).executeTakeFirst()
    return row === undefined ? undefined : fromRow(row, await specsOf(row.id))
  }
  return {
    byId: (id: string) => one('id', id),
    byName: (name: string) => one('name', name),
    /** All of them: there are never many. */
    async all(): Promise<GroupType[]> {
      const specs = new Map<string, Record<string, string | null>>()
      for (const row of await q.selectFrom('group_specs').selectAll().orderBy('key').execute()) {
        let bag = specs.get(row.group_type_id)
        if (bag === undefined) specs.set(row.group_type_id, (bag = {}))
        bag[row.key] = row.value
      }
      return (await q.selectFrom('group_types').selectAll().execute()).map(row => fromRow(row, specs.get(row.id) ?? {}))
    },
    async insert(type: GroupType): Promise<void> {
      await q
        .insertInto('group_types')
        .values({
          id: type.id,
          name: type.name,
          description: type.description,
          is_public: flag(type.isPublic),
          created_at: time(type.createdAt),
          updated_at: orNull(time)(type.updatedAt),
        })
        .execute()
      await insertAll(
        q,
        'group_specs',
        Object.entries(type.specs).map(([key, value]) => ({ group_type_id: type.id, key, value })),
      )
    },
    change: (
      id: string,
      change: { name?: string; description?: string; isPublic?: boolean },
      now: number,
    ): Promise<boolean> =>
      swap(
        q,
        'group_types',
        { id },
        {
          updated_at: time(now),
          ...(change.name === undefined ? {} : { name: change.name }),
          ...(change.description === undefined ? {} : { description: change.description }),
          ...(change.isPublic === undefined ? {} : { is_public: flag(change.isPublic) }),
        },
      ),
    async isUsed(id: string): Promise<boolean> {
      const group = await q
        .selectFrom('groups')
        .select('id')
        .where('group_type_id', '=', id)
        .limit(1)
        .executeTakeFirst()
      const kept = await q
        .selectFrom('group_snapshots')
        .select('id')
        .where('group_type_id', '=', id)
        .limit(1)
        .executeTakeFirst()
      return group !== undefined || kept !== undefined
    },
    async remove(id: string): Promise<void> {
      await q.deleteFrom('group_types').where('id', '=', id).execute()
    },
    async setSpecs(id: string, specs: Specs): Promise<void> {
      for (const [key, value] of Object.entries(specs))
        await upsert(q, 'group_specs', { group_type_id: id, key, value }, ['group_type_id', 'key'])
    },
    async dropSpec(id: string, key: string): Promise<boolean> {
      const gone = await q
        .deleteFrom('group_specs')
        .where('group_type_id', '=', id)
        .where('key', '=', key)
        .executeTakeFirst()
      return gone.numDeletedRows > 0n
    },
  }
}
