// What goes with a thing that is removed, inside one transaction: nothing may be left that names it.
import { removeApplicationCredentialsOf } from '#services/keystone/db/application-credentials.ts'
import { removeAssignmentsOfActor, removeAssignmentsOnTarget } from '#services/keystone/db/assignments.ts'
import { removeCredentialsOf } from '#services/keystone/db/credentials.ts'
import { memberIdsOf, removeGroup } from '#services/keystone/db/groups.ts'
import type { Query } from '#services/keystone/db/ledger.ts'
import { removeLimitsOf } from '#services/keystone/db/limits.ts'
import { removeProject } from '#services/keystone/db/projects.ts'
import { listTrusts, markTrustDeleted } from '#services/keystone/db/trusts.ts'
import { removeUser } from '#services/keystone/db/users.ts'
import type { Tokens } from '#services/keystone/domain/tokens.ts'

type End = Tokens['end']

/** The user, his roles, credentials, application credentials and trusts; his tokens end. */
export async function removeUserWhole(q: Query, id: string, now: number, end: End): Promise<void> {
  await removeAssignmentsOfActor(q, 'user', id)
  await removeCredentialsOf(q, { userId: id })
  for (const trust of [...(await listTrusts(q, { trustorId: id })), ...(await listTrusts(q, { trusteeId: id }))])
    await markTrustDeleted(q, trust.id, now)
  await removeUser(q, id)
  await end(q, 'user', id)
}
/** The group and its roles; where it had any, its members' tokens end. */
export async function removeGroupWhole(q: Query, id: string, end: End): Promise<void> {
  const row = await q
    .selectFrom('assignments')
    .select('role_id')
    .where('actor_kind', '=', 'group')
    .where('actor_id', '=', id)
    .executeTakeFirst()
  if (row !== undefined) for (const userId of await memberIdsOf(q, id)) await end(q, 'user', userId)
  await removeAssignmentsOfActor(q, 'group', id)
  await removeGroup(q, id)
}
/** The project or domain itself, all roles on it, its application credentials, credentials, trusts and limits. */
export async function removeProjectWhole(q: Query, id: string, now: number, end: End): Promise<void> {
  await removeAssignmentsOnTarget(q, id)
  await removeApplicationCredentialsOf(q, { projectId: id })
  await removeCredentialsOf(q, { projectId: id })
  for (const trust of await listTrusts(q, { projectId: id })) await markTrustDeleted(q, trust.id, now)
  await removeLimitsOf(q, id)
  await q.updateTable('users').set({ default_project_id: null }).where('default_project_id', '=', id).execute()
  await removeProject(q, id)
  await end(q, 'project', id)
}
