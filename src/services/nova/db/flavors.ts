// Flavors and who may use the private ones.
import { wordTable } from '#kernel/lib/word-table.ts'
import type { Kysely, Selectable } from 'kysely'

import { flag, fromJson, fromTime, isSet, json, orNull, time } from '#kernel/db/codecs.ts'
import { insertIfAbsent, swap } from '#kernel/db/helpers.ts'
import { page, type Direction } from '#kernel/db/page.ts'
import type { NovaTables } from '#services/nova/db/tables.ts'

/** A flavor. Times are milliseconds since 1970. */
export interface Flavor {
  readonly id: string
  readonly name: string
  readonly vcpus: number
  readonly ramMb: number
  readonly diskGb: number
  readonly ephemeralGb: number
  readonly swapMb: number
  readonly rxtxFactor: number
  readonly isPublic: boolean
  readonly disabled: boolean
  readonly description: string | null
  readonly extraSpecs: Readonly<Record<string, string>>
  readonly createdAt: number
  readonly updatedAt: number | null
}
export interface FlavorFilters {
  /** Null: public and private ones. True also shows the private ones of `projectId`. */
  readonly isPublic: boolean | null
  readonly projectId: string | null
  readonly disabled?: boolean
  readonly minRamMb?: number
  readonly minDiskGb?: number
}

/** Sort keys a client may name, and their columns; those without one of their own sort by id alone. */
const SORT_COLUMNS: Readonly<Record<string, string>> = wordTable<string>({
  created_at: 'created_at',
  description: 'description',
  disabled: 'disabled',
  ephemeral_gb: 'ephemeral_gb',
  flavorid: 'id',
  id: 'created_at',
  is_public: 'is_public',
  memory_mb: 'ram_mb',
  name: 'name',
  root_gb: 'disk_gb',
  rxtx_factor: 'rxtx_factor',
  swap: 'swap_mb',
  updated_at: 'updated_at',
  vcpu_weight: 'id',
  vcpus: 'vcpus',
})

const flavorFromRow = (row: Selectable<NovaTables['flavors']>): Flavor => ({
  id: row.id,
  name: row.name,
  vcpus: row.vcpus,
  ramMb: row.ram_mb,
  diskGb: row.disk_gb,
  ephemeralGb: row.ephemeral_gb,
  swapMb: row.swap_mb,
  rxtxFactor: row.rxtx_factor,
  isPublic: isSet(row.is_public),
  disabled: isSet(row.disabled),
  description: row.description,
  extraSpecs: fromJson(row.extra_specs),
  createdAt: fromTime(row.created_at),
  updatedAt: orNull(fromTime)(row.updated_at),
})

export const flavorsDb = (q: Kysely<NovaTables>) => ({
  async byId(id: string): Promise<Flavor | undefined> {
    const row = await q.selectFrom('flavors').selectAll().where('id', '=', id).executeTakeFirst()
    return row && flavorFromRow(row)
  },
  async nameTaken(name: string): Promise<boolean> {
    return (await q.selectFrom('flavors').select('id').where('name', '=', name).executeTakeFirst()) !== undefined
  },
  /** One page. Undefined: there is no flavor with the marker's id. */
  async list(
    filters: FlavorFilters,
    paging: { sortKey: string; direction: Direction; marker: string | null; limit: number },
  ): Promise<Flavor[] | undefined> {
    let query = q.selectFrom('flavors').selectAll()
    if (filters.isPublic !== null) {
      const { isPublic, projectId } = filters
      query = query.where(({ or, eb, exists, selectFrom }) =>
        or([
          eb('is_public', '=', flag(isPublic)),
          ...(isPublic && projectId !== null
            ? [
                exists(
                  selectFrom('flavor_access as a')
                    .select('a.flavor_id')
                    .whereRef('a.flavor_id', '=', 'flavors.id')
                    .where('a.project_id', '=', projectId),
                ),
              ]
            : []),
        ]),
      )
    }
    if (filters.disabled !== undefined) query = query.where('disabled', '=', flag(filters.disabled))
    if (filters.minRamMb !== undefined) query = query.where('ram_mb', '>=', filters.minRamMb)
    if (filters.minDiskGb !== undefined) query = query.where('disk_gb', '>=', filters.minDiskGb)
    let marker
    if (paging.marker !== null) {
      marker = await q.selectFrom('flavors').selectAll().where('id', '=', paging.marker).executeTakeFirst()
      if (marker === undefined) return undefined
    }
    const sort = [{ column: SORT_COLUMNS[paging.sortKey] ?? 'id', direction: paging.direction }]
    const rows = await page(q, query, { sort, marker, limit: paging.limit })
    return rows.map(flavorFromRow)
  },
  async add(flavor: Flavor): Promise<void> {
    await q
      .insertInto('flavors')
      .values({
        id: flavor.id,
        name: flavor.name,
        vcpus: flavor.vcpus,
        ram_mb: flavor.ramMb,
        disk_gb: flavor.diskGb,
        ephemeral_gb: flavor.ephemeralGb,
        swap_mb: flavor.swapMb,
        rxtx_factor: flavor.rxtxFactor,
        is_public: flag(flavor.isPublic),
        disabled: flag(flavor.disabled),
        description: flavor.description,
        extra_specs: json({ ...flavor.extraSpecs }),
        created_at: time(flavor.createdAt),
        updated_at: orNull(time)(flavor.updatedAt),
      })
      .execute()
  },
  change: (
    id: string,
    change: { description?: string | null; extraSpecs?: Readonly<Record<string, string>> },
    now: number,
  ): Promise<boolean> =>
    swap(
      q,
      'flavors',
      { id },
      {
        updated_at: time(now),
        ...(change.description === undefined ? {} : { description: change.description }),
        ...(change.extraSpecs === undefined ? {} : { extra_specs: json({ ...change.extraSpecs }) }),
      },
    ),
  /** With everybody's access to it. Servers keep their copies. */
  async remove(id: string): Promise<boolean> {
    await q.deleteFrom('flavor_access').where('flavor_id', '=', id).execute()
    const gone = await q.deleteFrom('flavors').where('id', '=', id).executeTakeFirst()
    return gone.numDeletedRows > 0n
  },
  async projectsOf(id: string): Promise<string[]> {
    const rows = await q
      .selectFrom('flavor_access')
      .select('project_id')
      .where('flavor_id', '=', id)
      .orderBy('project_id')
      .execute()
    return rows.map(row => row.project_id)
  },
  async isOpenTo(id: string, projectId: string): Promise<boolean> {
    const row = await q
      .selectFrom('flavor_access')
      .select('flavor_id')
      .where('flavor_id', '=', id)
      .where('project_id', '=', projectId)
      .executeTakeFirst()
    return row !== undefined
  },
  /** False: it was open to that project already. */
  openTo: (id: string, projectId: string): Promise<boolean> =>
    insertIfAbsent(q, 'flavor_access', { flavor_id: id, project_id: projectId }, ['flavor_id', 'project_id']),
  async closeTo(id: string, projectId: string): Promise<boolean> {
    const gone = await q
      .deleteFrom('flavor_access')
      .where('flavor_id', '=', id)
      .where('project_id', '=', projectId)
      .executeTakeFirst()
    return gone.numDeletedRows > 0n
  },
})
