// Volume types with their extra specs, and which projects may use the private ones.
import type { Kysely, Selectable } from 'kysely'

import { flag, fromTime, isSet, orNull, time } from '#kernel/db/codecs.ts'
import { insertAll, insertIfAbsent, swap, upsert } from '#kernel/db/helpers.ts'
import { qosDb } from '#services/cinder/db/qos.ts'
import type { CinderTables, VolumeTypeTable } from '#services/cinder/db/tables.ts'

export interface VolumeType {
  readonly id: string
  readonly name: string
  readonly description: string | null
  readonly isPublic: boolean
  readonly extraSpecs: Readonly<Record<string, string>>
  readonly createdAt: number
  readonly updatedAt: number | null
  readonly qosSpecsId?: string | null
}
const fromRow = (
  row: Selectable<VolumeTypeTable>,
  extraSpecs: Readonly<Record<string, string>>,
  qosSpecsId: string | null,
): VolumeType => ({
  qosSpecsId,
  id: row.id,
  name: row.name,
  description: row.description,
  isPublic: isSet(row.is_public),
  extraSpecs,
  createdAt: fromTime(row.created_at),
  updatedAt: orNull(fromTime)(row.updated_at),
})

export const typesDb = (q: Kysely<CinderTables>) => {
  const specsOf = async (id: string): Promise<Record<string, string>> => {
    const rows = await q.selectFrom('type_extra_specs').selectAll().where('type_id', '=', id).orderBy('key').execute()
    return Object.fromEntries(rows.map(row => [row.key, row.value]))
  }
  return {
    async byId(id: string): Promise<VolumeType | undefined> {
      const row = await q.selectFrom('volume_types').selectAll().where('id', '=', id).executeTakeFirst()
      return row === undefined ? undefined : fromRow(row, await specsOf(row.id), await qosDb(q).ofType(row.id))
    },
    async byName(name: string): Promise<VolumeType | undefined> {
      const row = await q.selectFrom('volume_types').selectAll().where('name', '=', name).executeTakeFirst()
      return row === undefined ? undefined : fromRow(row, await specsOf(row.id), await qosDb(q).ofType(row.id))
    },
    /** All of them: there are never many. */
    async all(): Promise<VolumeType[]> {
      const rows = await q.selectFrom('volume_types').selectAll().execute()
      const specs = new Map<string, Record<string, string>>()
      for (const row of await q.selectFrom('type_extra_specs').selectAll().orderBy('key').execute()) {
        let bag = specs.get(row.type_id)
        if (bag === undefined) specs.set(row.type_id, (bag = {}))
        bag[row.key] = row.value
      }
      const qos = await qosDb(q).byType()
      return rows.map(row => fromRow(row, specs.get(row.id) ?? {}, qos.get(row.id) ?? null))
    },
    /** Id → name: for lists of volumes. */
    async names(): Promise<Map<string, string>> {
      const rows = await q.selectFrom('volume_types').select(['id', 'name']).execute()
      return new Map(rows.map(row => [row.id, row.name]))
    },
    async projectsOf(id: string): Promise<string[]> {
      const rows = await q.selectFrom('type_access').select('project_id').where('type_id', '=', id).execute()
      return rows.map(row => row.project_id)
    },
    /** The private types that the project may use. */
    async privateFor(projectId: string): Promise<Set<string>> {
      const rows = await q.selectFrom('type_access').select('type_id').where('project_id', '=', projectId).execute()
      return new Set(rows.map(row => row.type_id))
    },
    async insert(type: VolumeType): Promise<void> {
      await q
        .insertInto('volume_types')
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
        'type_extra_specs',
        Object.entries(type.extraSpecs).map(([key, value]) => ({ type_id: type.id, key, value })),
      )
    },
    change: (
      id: string,
      change: { name?: string; description?: string | null; isPublic?: boolean },
      now: number,
    ): Promise<boolean> =>
      swap(
        q,
        'volume_types',
        { id },
        {
          ...(change.name === undefined ? {} : { name: change.name }),
          ...(change.description === undefined ? {} : { description: change.description }),
          ...(change.isPublic === undefined ? {} : { is_public: flag(change.isPublic) }),
          updated_at: time(now),
        },
      ),
    async remove(id: string): Promise<void> {
      await q.deleteFrom('volume_types').where('id', '=', id).execute()
    },
    async setSpecs(id: string, specs: Readonly<Record<string, string>>): Promise<void> {
      for (const [key, value] of Object.entries(specs))
        await upsert(q, 'type_extra_specs', { type_id: id, key, value }, ['type_id', 'key'])
    },
    async dropSpec(id: string, key: string): Promise<boolean> {
      const gone = await q
        .deleteFrom('type_extra_specs')
        .where('type_id', '=', id)
        .where('key', '=', key)
        .executeTakeFirst()
      return gone.numDeletedRows > 0n
    },
    /** False when the project has it already. */
    grant: (id: string, projectId: string): Promise<boolean> =>
      insertIfAbsent(q, 'type_access', { type_id: id, project_id: projectId }, ['type_id', 'project_id']),
    async revoke(id: string, projectId: string): Promise<boolean> {
      const gone = await q
        .deleteFrom('type_access')
        .where('type_id', '=', id)
        .where('project_id', '=', projectId)
        .executeTakeFirst()
      return gone.numDeletedRows > 0n
    },
  }
}
