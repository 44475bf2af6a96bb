// Quotas of projects, of users inside projects, and the classes their defaults come from.
import { del, get, put } from '#kernel/contract/route.ts'
import { may, must, object, type AnyField } from '#kernel/contract/shape.ts'
import { boolLike, int, intLike, repeated, text } from '#kernel/contract/shapes.ts'
import { faults } from '#services/nova/contract/faults.ts'
import { rules } from '#services/nova/contract/rules.ts'

/** Counted by the network service since long; kept as rows for clients of the oldest versions. */
export const NETWORK_QUOTAS = ['fixed_ips', 'floating_ips', 'security_groups', 'security_group_rules'] as const
const FILE_QUOTAS = ['injected_files', 'injected_file_content_bytes', 'injected_file_path_bytes'] as const
const GROUP_QUOTAS = ['server_groups', 'server_group_members'] as const
const OTHERS = ['instances', 'cores', 'ram', 'metadata_items', 'key_pairs'] as const

/** Rows for each quota; the version from which the network's are gone differs between sets (2.36) and classes (2.50). */
const rows = <F extends AnyField>(row: () => F, lastOfNetworks: string): Record<string, F> => {
  const until = (field: F, version: string): F => field.until(version) as F
  return {
    ...Object.fromEntries([...OTHERS, ...GROUP_QUOTAS].map(key => [key, row()])),
    ...Object.fromEntries(NETWORK_QUOTAS.map(key => [key, until(row(), lastOfNetworks)])),
    ...Object.fromEntries(FILE_QUOTAS.map(key => [key, until(row(), '2.56')])),
  }
}
const limit = () => may(intLike({ min: -1, max: 0x7fffffff }))

/** Quotas as numbers. */
export const QuotaSetView = object({ ...rows(() => may(int()), '2.35'), id: may(text()) })
export const QuotaDetailView = object({
  ...rows(() => may(object({ limit: must(int()), in_use: must(int()), reserved: must(int()) })), '2.35'),
  id: may(text()),
})
/** Classes do not show server groups before 2.50. */
const classRows = rows(() => may(int()), '2.49')
export const QuotaClassView = object({
  ...classRows,
  ...Object.fromEntries(GROUP_QUOTAS.map(key => [key, may(int()).since('2.50')])),
  id: may(text()),
})

const userQuery = object({ user_id: may(repeated(text())) }, { extra: { refusedFrom: '2.75' } })
const at = '/v2.1/os-quota-sets/{project}'
const unknown = [faults.ProjectNotFound]

export const quotaSets = {
  show: get(at, { policy: rules.quotaSetsShow, query: userQuery, faults: unknown }),
  detail: get('/v2.1/os-quota-sets/{project}/detail', {
    policy: rules.quotaSetsDetail,
    query: userQuery,
    faults: unknown,
  }),
  defaults: get('/v2.1/os-quota-sets/{project}/defaults', { policy: rules.quotaSetsDefaults, faults: unknown }),
  update: put(at, {
    policy: rules.quotaSetsUpdate,
    query: userQuery,
    body: object({ quota_set: must(object({ ...rows(limit, '2.35'), force: may(boolLike) })) }),
    faults: [...unknown, faults.BadRequest],
  }),
  remove: del(at, { policy: rules.quotaSetsDelete, query: userQuery, status: 202 }),

  showClass: get('/v2.1/os-quota-class-sets/{name}', { policy: rules.quotaClassSetsShow }),
  updateClass: put('/v2.1/os-quota-class-sets/{name}', {
    policy: rules.quotaClassSetsUpdate,
    body: object({ quota_class_set: must(object(rows(limit, '2.49'))) }),
    faults: [faults.BadRequest],
  }),
}
