// Giving and taking roles: user or group, on project, domain or the system.
import type { Rule } from '#kernel/contract/rule.ts'
import type { Ctx } from '#kernel/lib/context.ts'
import { faults } from '#services/keystone/contract/faults.ts'
import {
  addAssignment,
  listAssignments,
  removeAssignment,
  SYSTEM,
  type Assignment,
} from '#services/keystone/db/assignments.ts'
import { findGroup } from '#services/keystone/db/groups.ts'
import type { Query } from '#services/keystone/db/ledger.ts'
import { findProject } from '#services/keystone/db/projects.ts'
import { findRole, findRoles, type RoleEntity } from '#services/keystone/db/roles.ts'
import type { ActorKind, TargetKind } from '#services/keystone/db/tables.ts'
import { findUser } from '#services/keystone/db/users.ts'
import { domainTarget } from '#services/keystone/domain/domains.ts'
import { groupTarget } from '#services/keystone/domain/groups.ts'
import { projectTarget } from '#services/keystone/domain/projects.ts'
import { roleTarget } from '#services/keystone/domain/roles.ts'
import { enforce, type DomainTools } from '#services/keystone/domain/tools.ts'
import { userTarget } from '#services/keystone/domain/users.ts'

/** Between whom and what. */
export interface Bond {
  readonly actorKind: ActorKind
  readonly actorId: string
  readonly targetKind: TargetKind
  /** `system` for the system. */
  readonly targetId: string
  readonly inherited: boolean
}
/** Every verb asks the rule it is given: the system's grants have rules of their own. */
export interface Grants {
  list(ctx: Ctx, rule: Rule, bond: Bond): Promise<RoleEntity[]>
  /** Throws 404 when the role is not held directly. */
  check(ctx: Ctx, rule: Rule, bond: Bond, roleId: string): Promise<void>
  grant(ctx: Ctx, rule: Rule, bond: Bond, roleId: string): Promise<void>
  /** An actor who is gone may lose a role that was left behind. */
  revoke(ctx: Ctx, rule: Rule, bond: Bond, roleId: string): Promise<void>
}

export function createGrants(tools: DomainTools): Grants {
  const { ledger } = tools

  /** Loads all sides, asks the rule of what is there, then says what is not. */
  async function sides(
    ctx: Ctx,
    q: Query,
    rule: Rule,
    bond: Bond,
    roleId: string | null,
    options: { actorMayBeGone?: boolean } = {},
  ): Promise<{ role: RoleEntity | null; projectDomainId: string | null }> {
    const role = roleId === null ? null : await findRole(q, roleId)
    const user = bond.actorKind === 'user' ? await findUser(q, bond.actorId) : null
    const group = bond.actorKind === 'group' ? await findGroup(q, bond.actorId) : null
    const place = bond.targetKind === 'system' ? null : await findProject(q, bond.targetId)
    const domain = bond.targetKind === 'domain' && place?.isDomain === true ? place : null
    const project = bond.targetKind === 'project' ? place : null
    enforce(tools, ctx, rule, {
      ...roleTarget(role),
      ...userTarget(user),
      ...groupTarget(group),
      ...projectTarget(project),
      ...domainTarget(domain),
    })
    if (roleId !== null && role === null) throw faults.RoleNotFound({ id: roleId })
    if (options.actorMayBeGone !== true) {
      if (bond.actorKind === 'user' && user === null) throw faults.UserNotFound({ id: bond.actorId })
      if (bond.actorKind === 'group' && group === null) throw faults.GroupNotFound({ id: bond.actorId })
    }
    if (bond.targetKind === 'domain' && domain === null) throw faults.DomainNotFound({ id: bond.targetId })
    if (bond.targetKind === 'project' && project === null) throw faults.ProjectNotFound({ id: bond.targetId })
    return { role, projectDomainId: project?.domainId ?? null }
  }
  const none = (bond: Bond, roleId: string): Error =>
    faults.RoleAssignmentNotFound({ roleId, actorId: bond.actorId, targetId: bond.targetId })

  return {
    list: (ctx, rule, bond) =>
      ledger.read(ctx, 'list-grants', async q => {
        await sides(ctx, q, rule, bond, null)
        return findRoles(
          q,
          (await listAssignments(q, bond)).map(assignment => assignment.roleId),
        )
      }),
    check: (ctx, rule, bond, roleId) =>
      ledger.read(ctx, 'find-grant', async q => {
        await sides(ctx, q, rule, bond, roleId)
        if ((await listAssignments(q, { ...bond, roleId })).length === 0) throw none(bond, roleId)
      }),
    async grant(ctx, rule, bond, roleId) {
      await ledger.write(ctx, 'grant-role', async q => {
        const { role, projectDomainId } = await sides(ctx, q, rule, bond, roleId)
        if (role !== null && role.domainId !== null) {
          if (bond.targetKind === 'project' && projectDomainId !== role.domainId)
            throw faults.RoleDomainMismatch({ projectId: bond.targetId, roleId })
          if (bond.targetKind === 'system')
            throw faults.ValidationError({
              detail: `Role ${roleId} is a domain-specific role. Unable to use a domain-specific role in a system assignment.`,
            })
        }
        const assignment: Assignment = { ...bond, roleId }
        await addAssignment(q, assignment)
      })
    },
    async revoke(ctx, rule, bond, roleId) {
      await ledger.write(ctx, 'revoke-role', async q => {
        await sides(ctx, q, rule, bond, roleId, { actorMayBeGone: true })
        if (!(await removeAssignment(q, { ...bond, roleId }))) throw none(bond, roleId)
      })
    },
  }
}
export const systemBond = (actorKind: ActorKind, actorId: string): Bond => ({
  actorKind,
  actorId,
  targetKind: 'system',
  targetId: SYSTEM,
  inherited: false,
})
