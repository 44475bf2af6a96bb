// Security groups and their rules in the database.
import { sql, type SqlBool } from 'kysely'
import { isSet, type TimeText } from '#kernel/db/codecs.ts'
import { inChunks } from '#kernel/db/helpers.ts'
import { listRows, type Condition, type FilterValue, type Listing } from '#services/neutron/db/listing.ts'
import { ownOrShared, sharedFilter } from '#services/neutron/db/sharing.ts'
import { standardOf, type Q, type Standard } from '#services/neutron/db/standard.ts'
import type { SecurityGroupRuleTable, SecurityGroupTable } from '#services/neutron/db/tables.ts'

export interface SecurityGroup extends Standard {
  readonly stateful: boolean
  readonly shared: boolean
}
export const toSecurityGroup = (row: Readonly<SecurityGroupTable>): SecurityGroup => ({
  ...standardOf(row),
  stateful: isSet(row.stateful),
  shared: isSet(row.shared),
})
export interface SecurityGroupRule {
  readonly id: string
  readonly projectId: string
  readonly securityGroupId: string
  readonly direction: 'ingress' | 'egress'
  readonly ethertype: 'IPv4' | 'IPv6'
  readonly protocol: string | null
  readonly portMin: number | null
  readonly portMax: number | null
  readonly remoteIpPrefix: string | null
  readonly normalizedCidr: string | null
  readonly remoteGroupId: string | null
  readonly remoteAddressGroupId: string | null
  readonly description: string
  readonly createdAt: TimeText
  readonly updatedAt: TimeText
  readonly revision: number
}
export const toRule = (row: Readonly<SecurityGroupRuleTable>): SecurityGroupRule => ({
  id: row.id,
  projectId: row.project_id,
  securityGroupId: row.security_group_id,
  direction: row.direction === 'egress' ? 'egress' : 'ingress',
  ethertype: row.ethertype === 'IPv6' ? 'IPv6' : 'IPv4',
  protocol: row.protocol,
  portMin: row.port_range_min,
  portMax: row.port_range_max,
  remoteIpPrefix: row.remote_ip_prefix,
  normalizedCidr: row.normalized_cidr,
  remoteGroupId: row.remote_group_id,
  remoteAddressGroupId: row.remote_address_group_id,
  description: row.description,
  createdAt: row.created_at,
  updatedAt: row.updated_at,
  revision: row.revision_number,
})

const GROUPS = {
  table: 'security_groups' as const,
  columns: { tenant_id: 'project_id' },
}
const RULES = {
  table: 'security_group_rules' as const,
  columns: { tenant_id: 'project_id' },
  special: {
    belongs_to_default_sg: (values: readonly FilterValue[]): Condition | null =>
      values.includes(0) && values.includes(1)
        ? null
        : sql<SqlBool>`security_group_rules.security_group_id ${sql.raw(values.includes(1) ? 'in' : 'not in')} (select security_group_id from default_security_groups)`,
  },
}
/** A project sees its own groups and those shared with it. */
export const visibleGroups = (projectId: string): Condition =>
  ownOrShared('security_group', 'security_groups', projectId)
/** A project sees the rules of its own groups. */
export const ownRules = (projectId: string): Condition =>
  sql<SqlBool>`(security_group_rules.project_id = ${projectId} or security_group_rules.security_group_id in (select id from security_groups where project_id = ${projectId}))`

export const securityGroupsDb = {
  async byId(q: Q, id: string): Promise<SecurityGroup | null> {
    const row = await q.selectFrom('security_groups').selectAll().where('id', '=', id).executeTakeFirst()
    return row === undefined ? null : toSecurityGroup(row)
  },
  async byIds(q: Q, ids: Iterable<string>): Promise<Map<string, SecurityGroup>> {
    const rows = await inChunks(ids, some =>
      q.selectFrom('security_groups').selectAll().where('id', 'in', some).execute(),
    )
    return new Map(rows.map(row => [row.id, toSecurityGroup(row)]))
  },
  row: (q: Q, id: string): Promise<SecurityGroupTable | undefined> =>
    q.selectFrom('security_groups').selectAll().where('id', '=', id).executeTakeFirst(),
  async list(
    q: Q,
    listing: Listing,
    scope: readonly Condition[],
    marker: (id: string) => Promise<Readonly<SecurityGroupTable>>,
    /** For whom `shared` is asked. */
    projectId = '',
  ): Promise<SecurityGroup[]> {
    const special = { shared: sharedFilter('security_group', 'security_groups.id', projectId) }
    return (await listRows(q, { ...GROUPS, special }, listing, scope, async id => ({ ...(await marker(id)) }))).map(
      toSecurityGroup,
    )
  },
  async defaultOf(q: Q, projectId: string): Promise<string | null> {
    const row = await q
      .selectFrom('default_security_groups')
      .select('security_group_id')
      .where('project_id', '=', projectId)
      .executeTakeFirst()
    return row?.security_group_id ?? null
  },
  /** Which of these are somebody's default group. */
  async defaultsAmong(q: Q, ids: Iterable<string>): Promise<ReadonlySet<string>> {
    const rows = await inChunks(ids, some =>
      q
        .selectFrom('default_security_groups')
        .select('security_group_id')
        .where('security_group_id', 'in', some)
        .execute(),
    )
    return new Set(rows.map(row => row.security_group_id))
  },
  async isUsed(q: Q, id: string): Promise<boolean> {
    const row = await q
      .selectFrom('port_security_groups')
      .select('port_id')
      .where('security_group_id', '=', id)
      .limit(1)
      .executeTakeFirst()
    return row !== undefined
  },
  /** Ports that have one of these groups. */
  async portsOf(q: Q, ids: Iterable<string>): Promise<string[]> {
    const rows = await inChunks(ids, some =>
      q.selectFrom('port_security_groups').select('port_id').where('security_group_id', 'in', some).execute(),
    )
    return [...new Set(rows.map(row => row.port_id))]
  },
}
export const rulesDb = {
  async byId(q: Q, id: string): Promise<SecurityGroupRule | null> {
    const row = await q.selectFrom('security_group_rules').selectAll().where('id', '=', id).executeTakeFirst()
    return row === undefined ? null : toRule(row)
  },
  row: (q: Q, id: string): Promise<SecurityGroupRuleTable | undefined> =>
    q.selectFrom('security_group_rules').selectAll().where('id', '=', id).executeTakeFirst(),
  async list(
    q: Q,
    listing: Listing,
    scope: readonly Condition[],
    marker: (id: string) => Promise<Readonly<SecurityGroupRuleTable>>,
  ): Promise<SecurityGroupRule[]> {
    return (await listRows(q, RULES, listing, scope, async id => ({ ...(await marker(id)) }))).map(toRule)
  },
  async ofGroups(q: Q, ids: Iterable<string>): Promise<SecurityGroupRule[]> {
    const rows = await inChunks(ids, some =>
      q.selectFrom('security_group_rules').selectAll().where('security_group_id', 'in', some).orderBy('id').execute(),
    )
    return rows.map(toRule)
  },
  async sameRule(q: Q, groupId: string, fingerprint: string): Promise<string | null> {
    const row = await q
      .selectFrom('security_group_rules')
      .select('id')
      .where('security_group_id', '=', groupId)
      .where('fingerprint', '=', fingerprint)
      .executeTakeFirst()
    return row?.id ?? null
  },
}
