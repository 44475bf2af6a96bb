// RBAC policies: a thing of one's own shared with another project, or with all.
import { inOut, listReplyOf, once, out, replyOf, resource } from '#kernel/contract/resource.ts'
import { del, get, post, put } from '#kernel/contract/route.ts'
import { text, uuid } from '#kernel/contract/shapes.ts'
import { faults } from '#services/neutron/contract/faults.ts'
import { moreRules as rules } from '#services/neutron/contract/rules-more.ts'
import { owner } from '#services/neutron/contract/standard.ts'
import { anyQuery } from '#services/neutron/contract/words.ts'

export const rbacPolicy = resource('rbac_policy', 'rbac_policies', {
  id: out(uuid).filters().sorts(),
  ...owner,
  object_type: once(text({ max: 255 }))
    .filters()
    .sorts(),
  object_id: once(uuid).filters().sorts(),
  target_tenant: inOut(text({ max: 255 }))
    .optional()
    .filters()
    .sorts()
    .setBy(rules.createRbacPolicyTargetTenant, rules.updateRbacPolicyTargetTenant),
  target_project: inOut(text({ max: 255 }))
    .optional()
    .filters()
    .sorts()
    .setBy(rules.createRbacPolicyTargetProject, rules.updateRbacPolicyTargetProject),
  action: once(text({ max: 255 }))
    .filters()
    .sorts(),
})

const judged = 'domain' as const
const missing = [faults.RbacPolicyNotFound]
export const rbacPolicies = {
  list: get('/v2.0/rbac-policies', {
    policy: rules.getRbacPolicy,
    judged,
    query: anyQuery,
    reply: listReplyOf(rbacPolicy),
  }),
  show: get('/v2.0/rbac-policies/{id}', {
    policy: rules.getRbacPolicy,
    judged,
    query: anyQuery,
    reply: replyOf(rbacPolicy),
    faults: missing,
  }),
  create: post('/v2.0/rbac-policies', {
    policy: rules.createRbacPolicy,
    judged,
    body: rbacPolicy.createBody,
    bodyOptional: true,
    reply: replyOf(rbacPolicy),
    faults: [faults.DuplicateRbacPolicy, faults.InvalidActionForType, faults.OverQuota],
  }),
  update: put('/v2.0/rbac-policies/{id}', {
    policy: rules.updateRbacPolicy,
    judged,
    body: rbacPolicy.updateBody,
    bodyOptional: true,
    reply: replyOf(rbacPolicy),
    faults: [...missing, faults.RbacPolicyInUse, faults.DuplicateRbacPolicy],
  }),
  remove: del('/v2.0/rbac-policies/{id}', {
    policy: rules.deleteRbacPolicy,
    judged,
    faults: [...missing, faults.RbacPolicyInUse],
  }),
}
