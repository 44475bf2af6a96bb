// The default security group: each project has one from its first use on. Everything out, in only from each other.
import { flag, time } from '#kernel/db/codecs.ts'
import { insertIfAbsent } from '#kernel/db/helpers.ts'
import type { SecurityGroupRuleTable } from '#services/neutron/db/tables.ts'
import { newStandard, type Q } from '#services/neutron/db/standard.ts'
import { securityGroupsDb } from '#services/neutron/db/security-groups.ts'
import { fingerprintOf } from '#services/neutron/domain/rule-checks.ts'
import type { DomainTools } from '#services/neutron/domain/tools.ts'

type Tools = Pick<DomainTools, 'clock' | 'ids'>

const rule = (
  tools: Tools,
  groupId: string,
  projectId: string,
  direction: 'ingress' | 'egress',
  ethertype: 'IPv4' | 'IPv6',
  remoteGroupId: string | null,
): SecurityGroupRuleTable => {
  const made = {
    direction,
    ethertype,
    protocol: null,
    port_range_min: null,
    port_range_max: null,
    remote_ip_prefix: null,
    normalized_cidr: null,
    remote_group_id: remoteGroupId,
    remote_address_group_id: null,
  }
  const now = time(tools.clock.now())
  return {
    id: tools.ids.uuid(),
    project_id: projectId,
    security_group_id: groupId,
    ...made,
    description: '',
    fingerprint: fingerprintOf(made),
    created_at: now,
    updated_at: now,
    revision_number: 0,
  }
}

/** The rules every new group begins with: everything may leave; in the default group members may reach each other. */
export async function insertFirstRules(
  q: Q,
  tools: Tools,
  groupId: string,
  projectId: string,
  isDefault: boolean,
): Promise<void> {
  const made = (['IPv4', 'IPv6'] as const).flatMap(family => [
    rule(tools, groupId, projectId, 'egress', family, null),
    ...(isDefault ? [rule(tools, groupId, projectId, 'ingress', family, groupId)] : []),
  ])
  await q.insertInto('security_group_rules').values(made).execute()
}

/** The project's default group, made when there is none yet. Its id. */
export async function ensureDefaultGroup(q: Q, tools: Tools, projectId: string): Promise<string> {
  const known = await securityGroupsDb.defaultOf(q, projectId)
  if (known !== null || projectId === '') return known ?? ''
  const id = tools.ids.uuid()
  if (
    !(await insertIfAbsent(q, 'default_security_groups', { project_id: projectId, security_group_id: id }, [
      'project_id',
    ]))
  )
    return (await securityGroupsDb.defaultOf(q, projectId)) ?? id
  await q
    .insertInto('security_groups')
    .values({
      ...newStandard(id, projectId, { name: 'default', description: 'Default security group' }, tools.clock.now()),
      stateful: flag(true),
      shared: flag(false),
    })
    .execute()
  await insertFirstRules(q, tools, id, projectId, true)
  return id
}
