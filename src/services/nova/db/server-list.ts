// The list of servers: filters as SQL, one keyset page, O(page) on the indexes it needs.
import { wordTable } from '#kernel/lib/word-table.ts'
import { sql, type Kysely } from 'kysely'

import { time } from '#kernel/db/codecs.ts'
import { like } from '#kernel/db/helpers.ts'
import { page } from '#kernel/db/page.ts'
import { otherTasksOf } from '#services/nova/contract/states.ts'
import { serverFromRow, type Server } from '#services/nova/db/servers.ts'
import type { NovaTables } from '#services/nova/db/tables.ts'

/** What a list is filtered by. Several values of one filter: any of them. */
export interface ServerFilters {
  /** Null: of all projects. */
  readonly projectId: string | null
  /** `either`: the living and the deleted. */
  readonly deleted: boolean | 'either'
  /** Whether servers that wait to be reclaimed are among them; without a word: only among the deleted. */
  readonly softDeleted?: boolean
  readonly ids?: readonly string[]
  /** A linear-time pattern is applied afterwards by the domain; here only its plain text, where it is plain. */
  readonly nameLike?: string
  /** States with their tasks; null tasks: the vm_state's default status. */
  readonly states?: readonly { vmState: string; taskStates: readonly string[] | null }[]
  /** Column → values, from a table of allowed columns. */
  readonly equal: Readonly<Record<string, readonly (string | number | null)[]>>
  readonly changedSince?: number
  readonly changedBefore?: number
  readonly tagsAll?: readonly string[]
  readonly tagsAny?: readonly string[]
  readonly notTagsAll?: readonly string[]
  readonly notTagsAny?: readonly string[]
  readonly metadata?: Readonly<Record<string, string>>
  readonly locked?: boolean
}
export interface ServerPage {
  readonly sort: readonly { column: string; direction: 'asc' | 'desc' }[]
  readonly marker: string | null
  /** Rows wanted; one more is fetched to know whether there is a next page. */
  readonly limit: number
}

/** Sort keys a client may name, and their columns. */
export const SORT_COLUMNS: Readonly<Record<string, string>> = wordTable<string>({
  access_ip_v4: 'access_ip_v4',
  access_ip_v6: 'access_ip_v6',
  auto_disk_config: 'auto_disk_config',
  availability_zone: 'availability_zone',
  config_drive: 'config_drive',
  created_at: 'created_at',
  display_description: 'description',
  display_name: 'name',
  name: 'name',
  host: 'host',
  hostname: 'hostname',
  image_ref: 'image_id',
  instance_type_id: 'flavor',
  kernel_id: 'kernel_id',
  key_name: 'key_name',
  launch_index: 'launch_index',
  launched_at: 'launched_at',
  locked_by: 'locked_by',
  locked: 'locked_by',
  node: 'node',
  power_state: 'power_state',
  progress: 'progress',
  project_id: 'project_id',
  ramdisk_id: 'ramdisk_id',
  root_device_name: 'root_device_name',
  task_state: 'task_state',
  terminated_at: 'terminated_at',
  updated_at: 'updated_at',
  user_id: 'user_id',
  uuid: 'id',
  vm_state: 'vm_state',
  id: 'id',
})
/** Filters that compare a column. */
export const EQUAL_COLUMNS: Readonly<Record<string, string>> = wordTable<string>({
  host: 'host',
  hypervisor_hostname: 'node',
  node: 'node',
  user_id: 'user_id',
  image: 'image_id',
  image_ref: 'image_id',
  vm_state: 'vm_state',
  task_state: 'task_state',
  availability_zone: 'availability_zone',
  key_name: 'key_name',
  kernel_id: 'kernel_id',
  ramdisk_id: 'ramdisk_id',
  reservation_id: 'reservation_id',
  root_device_name: 'root_device_name',
  access_ip_v4: 'access_ip_v4',
  access_ip_v6: 'access_ip_v6',
  launch_index: 'launch_index',
  power_state: 'power_state',
  progress: 'progress',
  locked_by: 'locked_by',
  hostname: 'hostname',
  description: 'description',
  display_description: 'description',
  config_drive: 'config_drive',
  launched_on: 'launched_on',
})

/** One page and whether there is more: at most `limit + 1` rows. Undefined: the marker is not among them. */
export async function listServers(
  q: Kysely<NovaTables>,
  filters: ServerFilters,
  paging: ServerPage,
): Promise<Server[] | undefined> {
  let query = q.selectFrom('servers').selectAll()
  if (filters.deleted === true)
    query = query.where(({ or, eb }) =>
      or([
        eb('deleted_at', 'is not', null),
        ...(filters.softDeleted === false ? [] : [eb('vm_state', '=', 'soft-delete')]),
      ]),
    )
  if (filters.deleted === false) {
    query = query.where('deleted_at', 'is', null)
    if (filters.softDeleted !== true) query = query.where('vm_state', '!=', 'soft-delete')
  }
  if (filters.projectId !== null) query = query.where('project_id', '=', filters.projectId)
  if (filters.ids !== undefined) query = query.where('id', 'in', filters.ids.length === 0 ? [''] : [...filters.ids])
  if (filters.nameLike !== undefined) query = query.where(like('name', 'anywhere', filters.nameLike) as never)
  if (filters.states !== undefined) {
    const { states } = filters
    query = query.where(({ or, and, eb, val }) =>
      states.length === 0
        ? eb(val(1), '=', val(0))
        : or(
            states.map(({ vmState, taskStates }) => {
              if (taskStates !== null)
                return and([eb('vm_state', '=', vmState), eb('task_state', 'in', [...taskStates])])
              const others = otherTasksOf(vmState)
              return others.length === 0
                ? eb('vm_state', '=', vmState)
                : and([
                    eb('vm_state', '=', vmState),
                    or([eb('task_state', 'is', null), eb('task_state', 'not in', others)]),
                  ])
            }),
          ),
    )
  }
  for (const [column, values] of Object.entries(filters.equal)) {
    const some = values.filter(value => value !== null)
    query = query.where(({ or, eb, ref }) => {
      const col = ref(column as 'host')
      return or([
        ...(some.length > 0 ? [eb(col, 'in', some as string[])] : []),
        ...(values.includes(null) ? [eb(col, 'is', null)] : []),
      ])
    })
  }
  if (filters.changedSince !== undefined) query = query.where('updated_at', '>=', time(filters.changedSince))
  if (filters.changedBefore !== undefined) query = query.where('updated_at', '<=', time(filters.changedBefore))
  if (filters.locked !== undefined) query = query.where('locked_by', filters.locked ? 'is not' : 'is', null)
  const hasTag = (tag: string) =>
    sql<boolean>`exists (select 1 from server_tags t where t.server_id = servers.id and t.tag = ${tag})`
  for (const tag of filters.tagsAll ?? []) query = query.where(hasTag(tag))
  if (filters.tagsAny !== undefined) query = query.where(({ or }) => or((filters.tagsAny ?? []).map(hasTag)))
  if (filters.notTagsAll !== undefined)
    query = query.where(({ not, and }) => not(and((filters.notTagsAll ?? []).map(hasTag))))
  if (filters.notTagsAny !== undefined)
    query = query.where(({ not, or }) => not(or((filters.notTagsAny ?? []).map(hasTag))))
  for (const [key, value] of Object.entries(filters.metadata ?? {})) {
    query = query.where(
      sql<boolean>`exists (select 1 from server_metadata m where m.server_id = servers.id and m.key = ${key} and m.value = ${value})`,
    )
  }
  let marker
  if (paging.marker !== null) {
    // The marker may have stopped to match since the page before was read.
    let named = q.selectFrom('servers').selectAll().where('id', '=', paging.marker)
    if (filters.projectId !== null) named = named.where('project_id', '=', filters.projectId)
    marker = await named.executeTakeFirst()
    if (marker === undefined) return undefined
  }
  const rows = await page(q, query, { sort: [...paging.sort], marker, limit: paging.limit + 1 })
  return rows.map(serverFromRow)
}
