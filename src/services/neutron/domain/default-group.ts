// The default security group: each project has one from its first use on. Everything out, in only from each other.
import { flag, time } from '#kernel/db/codecs.ts'
import { insertIfAbsent } from '#kernel/db/helpers.ts'
import { defaultStateful, firstRules } from '#services/neutron/db/default-rules.ts'
import { newStandard, type Q } from '#services/neutron/db/standard.ts'
import { securityGroupsDb } from '#services/neutron/db/security-groups.ts'
import { fingerprintOf } from '#services/neutron/domain/rule-checks.ts'
import type { DomainTools } from '#services/neutron/domain/tools.ts'

type Tools = Pick<DomainTools, 'clock' | 'ids'>

/** The rules every new group begins with, as administrators keep them; `PARENT` in them is the group itself. How many. */
export async function insertFirstRules(
  q: Q,
  tools: Tools,
  groupId: string,
  projectId: string,
  isDefault: boolean,
): Promise<number> {
  const now = time(tools.clock.now())
  const made = (await firstRules(q, isDefault)).map(template => {
    const facts = {
      direction: template.direction,
      ethertype: template.ethertype === 'IPv6' ? ('IPv6' as const) : ('IPv4' as const),
      protocol: template.protocol,
      port_range_min: template.port_range_min,
      port_range_max: template.port_range_max,
      remote_ip_prefix: template.remote_ip_prefix,
      normalized_cidr: template.remote_ip_prefix,
      remote_group_id: template.remote_group_id === 'PARENT' ? groupId : template.remote_group_id,
      remote_address_group_id: template.remote_address_group_id,
    }
    return {
      id: tools.ids.uuid(),
      project_id: projectId,
      security_group_id: groupId,
      ...facts,
      description: '',
      fingerprint: fingerprintOf(facts),
      created_at: now,
      updated_at: now,
      revision_number: 0,
    }
  })
  if (made.length > 0) await q.insertInto('security_group_rules').values(made).execute()
  return made.length
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
      stateful: flag(await defaultStateful(q, projectId)),
      shared: flag(false),
    })
    .execute()
  await insertFirstRules(q, tools, id, projectId, true)
  return id
}
