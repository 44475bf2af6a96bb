// What new security groups begin with, in the database.
import type { Q } from '#services/neutron/db/standard.ts'
import type { DefaultRuleTable } from '#services/neutron/db/tables-more.ts'

/** The rules of a new group: of a project's default one, or of any other. */
export const firstRules = (q: Q, isDefault: boolean): Promise<DefaultRuleTable[]> =>
  q
    .selectFrom('default_security_group_rules')
    .selectAll()
    .where(isDefault ? 'used_in_default_sg' : 'used_in_non_default_sg', '=', 1)
    .orderBy('id')
    .execute()

/** Whether a new group of a project is stateful when its maker does not say. */
export async function defaultStateful(q: Q, projectId: string): Promise<boolean> {
  const rows = await q
    .selectFrom('default_statefulness')
    .select(['project_id', 'stateful'])
    .where('project_id', 'in', [projectId, ''])
    .execute()
  const said = rows.find(row => row.project_id === projectId) ?? rows[0]
  return said === undefined || said.stateful === 1
}
