// All assignments at once, as they were made or as they work out: groups resolved to users, handed-down roles to projects,
// roles to those they imply.
import type { Ctx } from '#kernel/lib/context.ts'
import { faults } from '#services/keystone/contract/faults.ts'
import { rules } from '#services/keystone/contract/rules.ts'
import { assignmentsOfUser, listAssignments, type Assignment } from '#services/keystone/db/assignments.ts'
import { findGroups, memberIdsOf } from '#services/keystone/db/groups.ts'
import type { Query } from '#services/keystone/db/ledger.ts'
import { findProject, findProjects, listProjects, subtreeOf } from '#services/keystone/db/projects.ts'
import { findRoles, implications } from '#services/keystone/db/roles.ts'
import { findUsers } from '#services/keystone/db/users.ts'
import { withImplied } from '#services/keystone/domain/effective-roles.ts'
import { bearer, enforce, type DomainTools } from '#services/keystone/domain/tools.ts'

export interface AssignmentQuery {
  readonly roleId?: string | undefined
  readonly userId?: string | undefined
  readonly groupId?: string | undefined
  readonly projectId?: string | undefined
  readonly domainId?: string | undefined
  /** The value of `scope.system`; only `all` means it. */
  readonly system?: string | undefined
  readonly inherited?: boolean | undefined
  readonly effective: boolean
  readonly includeNames: boolean
  readonly includeSubtree: boolean
}
/** By which way an effective assignment came about. */
export interface Indirect {
  readonly groupId?: string
  readonly domainId?: string
  readonly projectId?: string
  readonly roleId?: string
}
export interface ShownAssignment extends Assignment {
  readonly indirect: Indirect
}
export interface Named {
  readonly name: string
  readonly domain: { readonly id: string; readonly name: string } | null
}
export interface AssignmentList {
  readonly assignments: readonly ShownAssignment[]
  /** By id; empty unless names were asked for. */
  readonly names: ReadonlyMap<string, Named>
}
export interface RoleAssignments {
  list(ctx: Ctx, query: AssignmentQuery): Promise<AssignmentList>
}

export function createRoleAssignments(tools: DomainTools): RoleAssignments {
  const { ledger } = tools
  return {
    list: (ctx, query) =>
      ledger.read(ctx, 'list-role-assignments', async q => {
        const scopeId = bearer(ctx).domainId
        if (query.includeSubtree) {
          const project = query.projectId === undefined ? null : await findProject(q, query.projectId)
          enforce(
            tools,
            ctx,
            rules.listRoleAssignmentsForTree,
            project === null ? {} : { 'target.domain_id': project.domainId },
          )
          if (query.projectId === undefined)
            throw faults.ValidationError({
              detail: 'scope.project.id must be specified if include_subtree is also specified',
            })
          if (project === null) throw faults.ProjectNotFound({ id: query.projectId })
        } else enforce(tools, ctx, rules.listRoleAssignments, scopeId === null ? {} : { 'target.domain_id': scopeId })
        check(query)
        let assignments = query.effective ? await effective(q, query) : await direct(q, query)
        if (scopeId !== null) assignments = await within(q, assignments, scopeId)
        return { assignments, names: query.includeNames ? await namesOf(q, assignments) : new Map<string, Named>() }
      }),
  }
}

/** Throws 400 for filters that exclude each other. */
function check(query: AssignmentQuery): void {
  const refuse = (detail: string): never => {
    throw faults.ValidationError({ detail })
  }
  if (query.domainId !== undefined && query.projectId !== undefined) refuse('Specify a domain or project, not both')
  if (query.domainId !== undefined && query.system !== undefined) refuse('Specify system or domain, not both')
  if (query.projectId !== undefined && query.system !== undefined) refuse('Specify system or project, not both')
  if (query.userId !== undefined && query.groupId !== undefined) refuse('Specify a user or group, not both')
  if (query.effective && query.groupId !== undefined)
    refuse('Combining effective and group filter will always result in an empty list.')
  if (query.effective && query.inherited === true && query.domainId !== undefined)
    refuse('Combining effective, domain and inherited filters will always result in an empty list.')
}

/** The projects asked about; null: any. */
async function placesOf(q: Query, query: AssignmentQuery): Promise<ReadonlySet<string> | null> {
  if (query.projectId === undefined) return null
  const below = query.includeSubtree ? await subtreeOf(q, query.projectId) : []
  return new Set([query.projectId, ...below.map(project => project.id)])
}

async function direct(q: Query, query: AssignmentQuery): Promise<ShownAssignment[]> {
  const places = await placesOf(q, query)
  const found = await listAssignments(q, {
    roleId: query.roleId,
    ...(query.userId === undefined ? {} : { actorKind: 'user', actorId: query.userId }),
    ...(query.groupId === undefined ? {} : { actorKind: 'group', actorId: query.groupId }),
    ...(query.domainId === undefined ? {} : { targetKind: 'domain', targetId: query.domainId }),
    ...(places === null ? {} : { targetKind: 'project' }),
    ...(query.system === 'all' ? { targetKind: 'system' } : {}),
    inherited: query.inherited,
  })
  return found
    .filter(assignment => places === null || places.has(assignment.targetId))
    .map(assignment => ({ ...assignment, indirect: {} }))
}

async function effective(q: Query, query: AssignmentQuery): Promise<ShownAssignment[]> {
  const places = await placesOf(q, query)
  const implied = await implications(q)
  const raw = query.userId === undefined ? await listAssignments(q, {}) : await assignmentsOfUser(q, query.userId)
  const members = new Map<string, readonly string[]>()
  const below = new Map<string, readonly string[]>()
  const found = new Map<string, ShownAssignment>()
  const roles = new Map(
    (
      await findRoles(
        q,
        withImplied(
          raw.map(assignment => assignment.roleId),
          implied,
        ),
      )
    ).map(role => [role.id, role]),
  )
  for (const assignment of raw) {
    if (query.inherited !== undefined && assignment.inherited !== query.inherited) continue
    for (const actor of await actorsOf(q, assignment, query.userId, members)) {
      for (const target of await targetsOf(q, assignment, below)) {
        if (!asked(query, places, target)) continue
        for (const roleId of withImplied([assignment.roleId], implied)) {
          const role = roles.get(roleId)
          if (role === undefined || role.domainId !== null) continue
          if (query.roleId !== undefined && roleId !== query.roleId) continue
          const indirect: Indirect = {
            ...actor.indirect,
            ...target.indirect,
            ...(roleId === assignment.roleId ? {} : { roleId: assignment.roleId }),
          }
          const shown: ShownAssignment = {
            actorKind: 'user',
            actorId: actor.id,
            targetKind: target.kind,
            targetId: target.id,
            roleId,
            inherited: assignment.inherited,
            indirect,
          }
          found.set(JSON.stringify([shown.actorId, shown.targetKind, shown.targetId, roleId, indirect]), shown)
        }
      }
    }
  }
  return [...found.values()]
}

async function actorsOf(
  q: Query,
  assignment: Assignment,
  only: string | undefined,
  members: Map<string, readonly string[]>,
): Promise<{ id: string; indirect: Indirect }[]> {
  if (assignment.actorKind === 'user') return [{ id: assignment.actorId, indirect: {} }]
  let ids = members.get(assignment.actorId)
  if (ids === undefined) members.set(assignment.actorId, (ids = await memberIdsOf(q, assignment.actorId)))
  return ids
    .filter(id => only === undefined || id === only)
    .map(id => ({ id, indirect: { groupId: assignment.actorId } }))
}

interface Place {
  readonly kind: Assignment['targetKind']
  readonly id: string
  readonly indirect: Indirect
}
async function targetsOf(q: Query, assignment: Assignment, below: Map<string, readonly string[]>): Promise<Place[]> {
  if (!assignment.inherited) return [{ kind: assignment.targetKind, id: assignment.targetId, indirect: {} }]
  const fromDomain = assignment.targetKind === 'domain'
  let ids = below.get(assignment.targetId)
  if (ids === undefined) {
    const projects = fromDomain
      ? await listProjects(q, { filters: [] }, { isDomain: false, domainId: assignment.targetId })
      : await subtreeOf(q, assignment.targetId)
    below.set(assignment.targetId, (ids = projects.map(project => project.id)))
  }
  const indirect: Indirect = fromDomain ? { domainId: assignment.targetId } : { projectId: assignment.targetId }
  return ids.map(id => ({ kind: 'project', id, indirect }))
}

function asked(query: AssignmentQuery, places: ReadonlySet<string> | null, target: Place): boolean {
  if (places !== null) return target.kind === 'project' && places.has(target.id)
  if (query.domainId !== undefined) return target.kind === 'domain' && target.id === query.domainId
  return query.system !== 'all' || target.kind === 'system'
}

/** Only what lies in that domain. */
async function within(q: Query, all: readonly ShownAssignment[], domainId: string): Promise<ShownAssignment[]> {
  const ids = all.filter(one => one.targetKind === 'project').map(one => one.targetId)
  const inside = new Set((await findProjects(q, ids)).filter(one => one.domainId === domainId).map(one => one.id))
  return all.filter(one => (one.targetKind === 'domain' ? one.targetId === domainId : inside.has(one.targetId)))
}

async function namesOf(q: Query, all: readonly ShownAssignment[]): Promise<Map<string, Named>> {
  const of = (kind: string): string[] => all.filter(one => one.actorKind === kind).map(one => one.actorId)
  const users = await findUsers(q, of('user'))
  const groups = await findGroups(q, of('group'))
  const places = await findProjects(
    q,
    all.filter(one => one.targetKind !== 'system').map(one => one.targetId),
  )
  const roles = await findRoles(
    q,
    all.map(one => one.roleId),
  )
  const owned = [...users, ...groups, ...places, ...roles]
  const domains = new Map(
    (
      await findProjects(
        q,
        owned.flatMap(one => one.domainId ?? []),
      )
    ).map(domain => [domain.id, { id: domain.id, name: domain.name }]),
  )
  return new Map(
    owned.map(one => [
      one.id,
      { name: one.name, domain: one.domainId === null ? null : (domains.get(one.domainId) ?? null) },
    ]),
  )
}
