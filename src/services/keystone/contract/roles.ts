// Roles, and which role brings which others with it.
import { del, get, patch, post, put } from '#kernel/contract/route.ts'
import { may, must, object } from '#kernel/contract/shape.ts'
import { list, nullable, text } from '#kernel/contract/shapes.ts'
import { faults } from '#services/keystone/contract/faults.ts'
import { rules } from '#services/keystone/contract/rules.ts'
import {
  freeText,
  idText,
  immutableOptions,
  Links,
  ListLinks,
  listQueryShape,
  longName,
  open,
} from '#services/keystone/contract/shapes.ts'

export const Role = object(
  {
    id: must(text()),
    name: must(text()),
    domain_id: must(nullable(text())),
    description: must(nullable(text())),
    options: must(object({}, open)),
    links: must(Links),
  },
  open,
)
const fields = { description: may(freeText), domain_id: may(nullable(idText)), options: may(immutableOptions) }

export const roles = {
  // Roles of one domain have rules of their own, so all but the making of one are judged once the role is known.
  list: get('/v3/roles', {
    policy: rules.listRoles,
    judged: 'domain',
    query: listQueryShape,
    reply: object({ roles: must(list(Role)), links: must(ListLinks) }, open),
  }),
  create: post('/v3/roles', {
    policy: rules.createRole,
    body: object({ role: must(object({ ...fields, name: must(longName) }, open)) }),
    reply: object({ role: must(Role) }),
    faults: [faults.Conflict],
  }),
  show: get('/v3/roles/{role_id}', {
    policy: rules.getRole,
    judged: 'domain',
    reply: object({ role: must(Role) }),
    faults: [faults.RoleNotFound],
  }),
  update: patch('/v3/roles/{role_id}', {
    policy: rules.updateRole,
    body: object({ role: must(object({ ...fields, name: may(longName) }, { ...open, minProperties: 1 })) }),
    reply: object({ role: must(Role) }),
    faults: [faults.RoleNotFound, faults.Conflict, faults.ImmutableUpdate],
  }),
  remove: del('/v3/roles/{role_id}', {
    policy: rules.deleteRole,
    faults: [faults.RoleNotFound, faults.ImmutableDelete],
  }),
  implied: get('/v3/roles/{prior_role_id}/implies', {
    policy: rules.listImpliedRoles,
    faults: [faults.RoleNotFound],
  }),
  showImplied: get('/v3/roles/{prior_role_id}/implies/{implied_role_id}', {
    policy: rules.getImpliedRole,
    faults: [faults.RoleNotFound, faults.ImpliedRoleNotFound],
  }),
  imply: put('/v3/roles/{prior_role_id}/implies/{implied_role_id}', {
    policy: rules.createImpliedRole,
    status: 201,
    faults: [faults.RoleNotFound, faults.InvalidImpliedRole],
  }),
  implyNot: del('/v3/roles/{prior_role_id}/implies/{implied_role_id}', {
    policy: rules.deleteImpliedRole,
    faults: [faults.RoleNotFound, faults.ImpliedRoleNotFound],
  }),
  inferences: get('/v3/role_inferences', { policy: rules.listRoleInferenceRules }),
}
