// Who shares what with whom, in the database. A noun that can be shared has a column `shared` that says whether it is with everybody;
// everything else stands in the policies.
import { sql, type SqlBool } from 'kysely'
import { inChunks } from '#kernel/db/helpers.ts'
import { listRows, type Condition, type FilterValue, type Listing } from '#services/neutron/db/listing.ts'
import type { Q } from '#services/neutron/db/standard.ts'
import type { RbacPolicyTable } from '#services/neutron/db/tables-more.ts'

/** Type of object → its table. */
export const SHARED_TABLES = {
  network: 'networks',
  security_group: 'security_groups',
  subnetpool: 'subnetpools',
  address_scope: 'address_scopes',
  address_group: 'address_groups',
  qos_policy: 'qos_policies',
} as const
export type SharedType = keyof typeof SHARED_TABLES
export const AS_SHARED = 'access_as_shared'
export const AS_EXTERNAL = 'access_as_external'
export const EVERYBODY = '*'

export interface RbacPolicy {
  readonly id: string
  readonly projectId: string
  readonly objectType: string
  readonly objectId: string
  readonly targetProject: string
  readonly action: string
}
const toPolicy = (row: Readonly<RbacPolicyTable>): RbacPolicy => ({
  id: row.id,
  projectId: row.project_id,
  objectType: row.object_type,
  objectId: row.object_id,
  targetProject: row.target_project,
  action: row.action,
})
const SPEC = {
  table: 'rbac_policies' as const,
  columns: { tenant_id: 'project_id', target_tenant: 'target_project' },
}

/** Rows of a type that are a project's own or shared with it. `column` holds the object's id. */
export const ownOrShared = (type: string, table: string, projectId: string): Condition =>
  sql<SqlBool>`(${sql.ref(`${table}.project_id`)} = ${projectId} or ${sharedRows(type, `${table}.id`, projectId)})`
/** Rows whose `column` names an object that others share with a project, in whatever way unless an action is named. */
export const sharedRows = (type: string, column: string, projectId: string, action?: string): Condition =>
  action === undefined
    ? sql<SqlBool>`${sql.ref(column)} in (select object_id from rbac_policies where object_type = ${type} and target_project in (${EVERYBODY}, ${projectId}))`
    : sql<SqlBool>`${sql.ref(column)} in (select object_id from rbac_policies where object_type = ${type} and target_project in (${EVERYBODY}, ${projectId}) and action = ${action})`
/** The filter `shared` as a project means it: shared with it, or with everybody. */
export const sharedFilter =
  (type: string, column: string, projectId: string) =>
  (values: readonly FilterValue[]): Condition | null => {
    if (values.includes(0) && values.includes(1)) return null
    const condition = sharedRows(type, column, projectId, AS_SHARED)
    return values.includes(1) ? condition : sql<SqlBool>`not ${condition}`
  }

export const sharingDb = {
  async byId(q: Q, id: string): Promise<RbacPolicy | null> {
    const row = await q.selectFrom('rbac_policies').selectAll().where('id', '=', id).executeTakeFirst()
    return row === undefined ? null : toPolicy(row)
  },
  async list(
    q: Q,
    listing: Listing,
    scope: readonly Condition[],
    marker: (id: string) => Promise<Readonly<RbacPolicyTable>>,
  ): Promise<RbacPolicy[]> {
    return (await listRows(q, SPEC, listing, scope, async id => ({ ...(await marker(id)) }))).map(toPolicy)
  },
  row: (q: Q, id: string): Promise<RbacPolicyTable | undefined> =>
    q.selectFrom('rbac_policies').selectAll().where('id', '=', id).executeTakeFirst(),
  /** Which of these objects a project has this access to through a policy. */
  async among(q: Q, ids: Iterable<string>, projectId: string, action: string): Promise<ReadonlySet<string>> {
    const rows = await inChunks(ids, some =>
      q
        .selectFrom('rbac_policies')
        .select('object_id')
        .where('object_id', 'in', some)
        .where('target_project', 'in', [EVERYBODY, projectId])
        .where('action', '=', action)
        .execute(),
    )
    return new Set(rows.map(row => row.object_id))
  },
  /** Whom an object is shared with in this way: projects, `*`. */
  async targets(q: Q, objectId: string, action: string): Promise<ReadonlySet<string>> {
    const rows = await q
      .selectFrom('rbac_policies')
      .select('target_project')
      .where('object_id', '=', objectId)
      .where('action', '=', action)
      .execute()
    return new Set(rows.map(row => row.target_project))
  },
  insert: (q: Q, row: RbacPolicyTable): Promise<unknown> => q.insertInto('rbac_policies').values(row).execute(),
  async remove(q: Q, id: string): Promise<void> {
    await q.deleteFrom('rbac_policies').where('id', '=', id).execute()
  },
  async setTarget(q: Q, id: string, target: string): Promise<void> {
    await q.updateTable('rbac_policies').set({ target_project: target }).where('id', '=', id).execute()
  },
  /** The object is shared in this way with nobody; without an action in no way: for objects that go. */
  async forget(q: Q, objectId: string, action?: string, target?: string): Promise<void> {
    let query = q.deleteFrom('rbac_policies').where('object_id', '=', objectId)
    if (action !== undefined) query = query.where('action', '=', action)
    if (target !== undefined) query = query.where('target_project', '=', target)
    await query.execute()
  },
}
