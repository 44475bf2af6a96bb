// Giving and taking roles over HTTP: ten pairs of routes that differ only in whom and what they are about.
import type { Rule } from '#kernel/contract/rule.ts'
import type { AnyHandler, Call, HandlerTable } from '#kernel/http/handlers.ts'
import { collection, queryFlag, queryText, selfLink } from '#services/keystone/api/lists.ts'
import { showRole } from '#services/keystone/api/show.ts'
import * as grants from '#services/keystone/contract/grants.ts'
import type { GrantRoutes } from '#services/keystone/contract/grants.ts'
import { systemBond, type Bond, type Grants } from '#services/keystone/domain/grants.ts'
import type { Named, RoleAssignments, ShownAssignment } from '#services/keystone/domain/role-assignments.ts'

type Params = Readonly<Record<string, string>>
const actorOf = (params: Params): Pick<Bond, 'actorKind' | 'actorId'> =>
  params['user_id'] === undefined
    ? { actorKind: 'group', actorId: params['group_id'] ?? '' }
    : { actorKind: 'user', actorId: params['user_id'] }
const bondOf =
  (inherited: boolean) =>
  (params: Params): Bond => ({
    ...actorOf(params),
    ...(params['project_id'] === undefined
      ? { targetKind: 'domain', targetId: params['domain_id'] ?? '' }
      : { targetKind: 'project', targetId: params['project_id'] }),
    inherited,
  })
const systemBondOf = (params: Params): Bond => {
  const { actorKind, actorId } = actorOf(params)
  return systemBond(actorKind, actorId)
}

/** Each verb asks the rule that its route names. */
function pair(routes: GrantRoutes, verbs: Grants, bond: (params: Params) => Bond): HandlerTable {
  const ruleOf = (name: keyof GrantRoutes): Rule => routes[name].policy as Rule
  const roleOf = (call: Call): string => call.params['role_id'] ?? ''
  const table: Record<keyof GrantRoutes, AnyHandler> = {
    list: async call => {
      const rows = await verbs.list(call.ctx, ruleOf('list'), bond(call.params))
      return collection(call, 'roles', rows, row => showRole(row, selfLink(call, 'roles', row.id)))
    },
    check: call => verbs.check(call.ctx, ruleOf('check'), bond(call.params), roleOf(call)),
    grant: call => verbs.grant(call.ctx, ruleOf('grant'), bond(call.params), roleOf(call)),
    revoke: call => verbs.revoke(call.ctx, ruleOf('revoke'), bond(call.params), roleOf(call)),
  }
  return { routes, handlers: table }
}

export const grantHandlers = (verbs: Grants, assignments: RoleAssignments): HandlerTable[] => [
  pair(grants.projectUserGrants, verbs, bondOf(false)),
  pair(grants.projectGroupGrants, verbs, bondOf(false)),
  pair(grants.domainUserGrants, verbs, bondOf(false)),
  pair(grants.domainGroupGrants, verbs, bondOf(false)),
  pair(grants.inheritedProjectUserGrants, verbs, bondOf(true)),
  pair(grants.inheritedProjectGroupGrants, verbs, bondOf(true)),
  pair(grants.inheritedDomainUserGrants, verbs, bondOf(true)),
  pair(grants.inheritedDomainGroupGrants, verbs, bondOf(true)),
  pair(grants.systemUserGrants, verbs, systemBondOf),
  pair(grants.systemGroupGrants, verbs, systemBondOf),
  {
    routes: grants.roleAssignments,
    handlers: {
      list: async call => {
        const text = (name: string): string | undefined => {
          const value = queryText(call.query, name)
          return value === '' ? undefined : value
        }
        const inherited = text('scope.OS-INHERIT:inherited_to')
        const found = await assignments.list(call.ctx, {
          roleId: text('role.id'),
          userId: text('user.id'),
          groupId: text('group.id'),
          projectId: text('scope.project.id'),
          domainId: text('scope.domain.id'),
          system: text('scope.system'),
          inherited: inherited === undefined ? undefined : inherited === 'projects',
          effective: queryFlag(call.query, 'effective'),
          includeNames: queryFlag(call.query, 'include_names'),
          includeSubtree: queryFlag(call.query, 'include_subtree'),
        })
        const rows = found.assignments.map(assignment => ({ id: assignment.actorId, assignment }))
        return collection(call, 'role_assignments', rows, row => showAssignment(call, row.assignment, found.names))
      },
    },
  },
]

/** One row of the list; its link leads to the grant it comes from. */
function showAssignment(
  call: Pick<Call, 'base'>,
  assignment: ShownAssignment,
  names: ReadonlyMap<string, Named>,
): object {
  const { actorKind, actorId, targetKind, targetId, roleId, indirect } = assignment
  const named = (id: string): object => {
    const known = names.get(id)
    if (known === undefined) return { id }
    return { id, name: known.name, ...(known.domain === null ? {} : { domain: known.domain }) }
  }
  const isHandedDown = assignment.inherited
  const place =
    targetKind === 'system'
      ? '/system'
      : indirect.domainId !== undefined
        ? `/domains/${indirect.domainId}`
        : indirect.projectId !== undefined
          ? `/projects/${indirect.projectId}`
          : `/${targetKind}s/${targetId}`
  const actor = indirect.groupId !== undefined ? `/groups/${indirect.groupId}` : `/${actorKind}s/${actorId}`
  const path = `${place}${actor}/roles/${indirect.roleId ?? roleId}`
  const root = `${call.base}/v3`
  return {
    links: {
      assignment: isHandedDown ? `${root}/OS-INHERIT${path}/inherited_to_projects` : `${root}${path}`,
      ...(indirect.groupId === undefined ? {} : { membership: `${root}/groups/${indirect.groupId}/users/${actorId}` }),
      ...(indirect.roleId === undefined
        ? {}
        : { prior_role: `${root}/prior_role/${roleId}/implies/${indirect.roleId}` }),
    },
    scope: {
      ...(targetKind === 'system' ? { system: { all: true } } : { [targetKind]: named(targetId) }),
      ...(isHandedDown ? { 'OS-INHERIT:inherited_to': 'projects' } : {}),
    },
    [actorKind]: named(actorId),
    role: named(roleId),
  }
}
