// Who has which role on what: user or group, on project, domain or the system, also handed down to projects below.
import { del, get, put, type AnyRoute } from '#kernel/contract/route.ts'
import { faults } from '#services/keystone/contract/faults.ts'
import { rules } from '#services/keystone/contract/rules.ts'
import { anyQuery } from '#services/keystone/contract/shapes.ts'

const found = [
  faults.RoleNotFound,
  faults.UserNotFound,
  faults.GroupNotFound,
  faults.ProjectNotFound,
  faults.DomainNotFound,
]

/** The four routes of one pair, e.g. users on projects. A group and a user never share a path. */
const pair = <const P extends string>(path: P) => ({
  list: get(`${path}/roles`, { policy: rules.listGrants, judged: 'domain', faults: found }),
  check: get(`${path}/roles/{role_id}`, {
    policy: rules.checkGrant,
    judged: 'domain',
    status: 204,
    faults: [...found, faults.RoleAssignmentNotFound],
  }),
  grant: put(`${path}/roles/{role_id}`, {
    policy: rules.createGrant,
    status: 204,
    faults: [...found, faults.RoleDomainMismatch],
  }),
  revoke: del(`${path}/roles/{role_id}`, {
    policy: rules.revokeGrant,
    faults: [...found, faults.RoleAssignmentNotFound],
  }),
})
const handedDown = <const P extends string>(path: P) => ({
  list: get(`${path}/roles/inherited_to_projects`, { policy: rules.listGrants, judged: 'domain', faults: found }),
  check: get(`${path}/roles/{role_id}/inherited_to_projects`, {
    policy: rules.checkGrant,
    judged: 'domain',
    status: 204,
    faults: [...found, faults.RoleAssignmentNotFound],
  }),
  grant: put(`${path}/roles/{role_id}/inherited_to_projects`, {
    policy: rules.createGrant,
    status: 204,
    faults: [...found, faults.RoleDomainMismatch],
  }),
  revoke: del(`${path}/roles/{role_id}/inherited_to_projects`, {
    policy: rules.revokeGrant,
    faults: [...found, faults.RoleAssignmentNotFound],
  }),
})

export const projectUserGrants = pair('/v3/projects/{project_id}/users/{user_id}')
export const projectGroupGrants = pair('/v3/projects/{project_id}/groups/{group_id}')
export const domainUserGrants = pair('/v3/domains/{domain_id}/users/{user_id}')
export const domainGroupGrants = pair('/v3/domains/{domain_id}/groups/{group_id}')
export const inheritedProjectUserGrants = handedDown('/v3/OS-INHERIT/projects/{project_id}/users/{user_id}')
export const inheritedProjectGroupGrants = handedDown('/v3/OS-INHERIT/projects/{project_id}/groups/{group_id}')
export const inheritedDomainUserGrants = handedDown('/v3/OS-INHERIT/domains/{domain_id}/users/{user_id}')
export const inheritedDomainGroupGrants = handedDown('/v3/OS-INHERIT/domains/{domain_id}/groups/{group_id}')

export const systemUserGrants = {
  list: get('/v3/system/users/{user_id}/roles', { policy: rules.listSystemGrantsForUser, faults: found }),
  check: get('/v3/system/users/{user_id}/roles/{role_id}', {
    policy: rules.checkSystemGrantForUser,
    status: 204,
    faults: [...found, faults.RoleAssignmentNotFound],
  }),
  grant: put('/v3/system/users/{user_id}/roles/{role_id}', {
    policy: rules.createSystemGrantForUser,
    status: 204,
    faults: [...found, faults.ValidationError],
  }),
  revoke: del('/v3/system/users/{user_id}/roles/{role_id}', {
    policy: rules.revokeSystemGrantForUser,
    faults: [...found, faults.RoleAssignmentNotFound],
  }),
}
export const systemGroupGrants = {
  list: get('/v3/system/groups/{group_id}/roles', { policy: rules.listSystemGrantsForGroup, faults: found }),
  check: get('/v3/system/groups/{group_id}/roles/{role_id}', {
    policy: rules.checkSystemGrantForGroup,
    status: 204,
    faults: [...found, faults.RoleAssignmentNotFound],
  }),
  grant: put('/v3/system/groups/{group_id}/roles/{role_id}', {
    policy: rules.createSystemGrantForGroup,
    status: 204,
    faults: [...found, faults.ValidationError],
  }),
  revoke: del('/v3/system/groups/{group_id}/roles/{role_id}', {
    policy: rules.revokeSystemGrantForGroup,
    faults: [...found, faults.RoleAssignmentNotFound],
  }),
}

export const roleAssignments = {
  list: get('/v3/role_assignments', { policy: rules.listRoleAssignments, judged: 'domain', query: anyQuery }),
}
export type GrantRoutes = Readonly<Record<'list' | 'check' | 'grant' | 'revoke', AnyRoute>>
