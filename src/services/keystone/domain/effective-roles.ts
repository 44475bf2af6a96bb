// Which roles a user really has somewhere: his own and his groups', inherited from above, and what they imply.
import { assignmentsOfUser, type Assignment } from '#services/keystone/db/assignments.ts'
import type { Query } from '#services/keystone/db/ledger.ts'
import { parentsOf, type ProjectEntity } from '#services/keystone/db/projects.ts'
import { findRoles, implications, type RoleEntity } from '#services/keystone/db/roles.ts'

export type RoleTarget =
  | { readonly kind: 'project'; readonly project: ProjectEntity }
  | { readonly kind: 'domain'; readonly domainId: string }
  | { readonly kind: 'system' }

/** Role ids with all they imply, each once, those asked for first. */
export function withImplied(ids: Iterable<string>, implied: ReadonlyMap<string, readonly string[]>): string[] {
  const found = new Set(ids)
  for (const id of found) for (const next of implied.get(id) ?? []) found.add(next) // a Set's loop sees what it adds
  return [...found]
}

/** Whether an assignment counts on a target whose ancestors are `above`. */
function counts(a: Assignment, target: RoleTarget, above: ReadonlySet<string>): boolean {
  switch (target.kind) {
    case 'system':
      return a.targetKind === 'system' && !a.inherited
    case 'domain':
      return a.targetKind === 'domain' && a.targetId === target.domainId && !a.inherited
    case 'project':
      if (a.targetKind === 'system') return false
      return a.inherited ? above.has(a.targetId) : a.targetKind === 'project' && a.targetId === target.project.id
  }
}

/** Roles of all domains only: those of one domain never reach a token, but what they imply does. */
export async function rolesOn(q: Query, userId: string, target: RoleTarget): Promise<RoleEntity[]> {
  const assignments = await assignmentsOfUser(q, userId)
  if (assignments.length === 0) return []
  const above =
    target.kind === 'project' && assignments.some(a => a.inherited)
      ? new Set((await parentsOf(q, target.project)).map(parent => parent.id))
      : new Set<string>()
  const ids = assignments.filter(a => counts(a, target, above)).map(a => a.roleId)
  if (ids.length === 0) return []
  const roles = await findRoles(q, withImplied(ids, await implications(q)))
  return roles.filter(role => role.domainId === null)
}
