// QoS policies, rules and bindings in the database.
import { sql, type SqlBool } from 'kysely'
import { isSet } from '#kernel/db/codecs.ts'
import { inChunks, upsert } from '#kernel/db/helpers.ts'
import { listRows, type Condition, type Listing } from '#services/neutron/db/listing.ts'
import { ownOrShared, sharedFilter } from '#services/neutron/db/sharing.ts'
import { standardOf, type Q, type Standard } from '#services/neutron/db/standard.ts'
import type { QosPolicyTable, QosRuleTable } from '#services/neutron/db/tables.ts'

export interface QosPolicy extends Standard {
  readonly shared: boolean
  readonly isDefault: boolean
}
export type QosRule = Readonly<QosRuleTable>
export const toQosPolicy = (row: Readonly<QosPolicyTable>): QosPolicy => ({
  ...standardOf(row),
  shared: isSet(row.shared),
  isDefault: isSet(row.is_default),
})
/** What a policy can be put on. The word is upstream's in its complaints. */
export type QosObject = 'port' | 'network' | 'fip' | 'router'

const POLICIES = { table: 'qos_policies' as const, columns: { tenant_id: 'project_id' } }
export const visibleQosPolicies = (projectId: string): Condition => ownOrShared('qos_policy', 'qos_policies', projectId)

export const qosDb = {
  async byId(q: Q, id: string): Promise<QosPolicy | null> {
    const row = await q.selectFrom('qos_policies').selectAll().where('id', '=', id).executeTakeFirst()
    return row === undefined ? null : toQosPolicy(row)
  },
  row: (q: Q, id: string): Promise<QosPolicyTable | undefined> =>
    q.selectFrom('qos_policies').selectAll().where('id', '=', id).executeTakeFirst(),
  async list(
    q: Q,
    listing: Listing,
    scope: readonly Condition[],
    marker: (id: string) => Promise<Readonly<QosPolicyTable>>,
    /** For whom `shared` is asked. */
    projectId = '',
  ): Promise<QosPolicy[]> {
    const special = { shared: sharedFilter('qos_policy', 'qos_policies.id', projectId) }
    return (await listRows(q, { ...POLICIES, special }, listing, scope, async id => ({ ...(await marker(id)) }))).map(
      toQosPolicy,
    )
  },
  async defaultOf(q: Q, projectId: string): Promise<string | null> {
    const row = await q
      .selectFrom('qos_policies')
      .select('id')
      .where('project_id', '=', projectId)
      .where('is_default', '=', 1)
      .executeTakeFirst()
    return row?.id ?? null
  },
  rules: (q: Q, policyIds: Iterable<string>): Promise<QosRule[]> =>
    inChunks(policyIds, some =>
      q
        .selectFrom('qos_rules')
        .selectAll()
        .where('policy_id', 'in', some)
        .orderBy('policy_id')
        .orderBy('type')
        .orderBy('direction')
        .execute(),
    ),
  rule: (q: Q, id: string): Promise<QosRule | undefined> =>
    q.selectFrom('qos_rules').selectAll().where('id', '=', id).executeTakeFirst(),
  listRules: (
    q: Q,
    listing: Listing,
    policyId: string,
    type: string,
    marker: (id: string) => Promise<QosRule>,
  ): Promise<QosRule[]> =>
    listRows(
      q,
      { table: 'qos_rules' },
      listing,
      [sql<SqlBool>`qos_rules.policy_id = ${policyId}`, sql<SqlBool>`qos_rules.type = ${type}`],
      async id => ({ ...(await marker(id)) }),
    ),
  /** Object → the policy that is on it. */
  async bindings(q: Q, objectIds: Iterable<string>): Promise<ReadonlyMap<string, string>> {
    const rows = await inChunks(objectIds, some =>
      q.selectFrom('qos_bindings').select(['object_id', 'policy_id']).where('object_id', 'in', some).execute(),
    )
    return new Map(rows.map(row => [row.object_id, row.policy_id]))
  },
  /** What a policy is on. */
  objects: (q: Q, policyId: string): Promise<{ object_id: string; kind: string }[]> =>
    q
      .selectFrom('qos_bindings')
      .select(['object_id', 'kind'])
      .where('policy_id', '=', policyId)
      .orderBy('kind')
      .orderBy('object_id')
      .execute(),
  /** Projects whose things a policy is on. */
  async users(q: Q, policyId: string): Promise<string[]> {
    const objects = (await qosDb.objects(q, policyId)).map(one => one.object_id)
    const found = new Set<string>()
    for (const table of ['ports', 'networks', 'floatingips', 'routers'] as const)
      for (const row of await inChunks(objects, some =>
        q
          .selectFrom(table as 'ports')
          .select('project_id')
          .where('id', 'in', some)
          .execute(),
      ))
        found.add(row.project_id)
    return [...found]
  },
  async bind(q: Q, kind: QosObject, objectId: string, policyId: string | null): Promise<void> {
    if (policyId === null) await q.deleteFrom('qos_bindings').where('object_id', '=', objectId).execute()
    else await upsert(q, 'qos_bindings', { object_id: objectId, kind, policy_id: policyId }, ['object_id'])
  },
}
