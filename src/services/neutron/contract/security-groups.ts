// Security groups and their rules: what may reach a port, and what may leave it.
import { inOut, listReplyOf, once, out, replyOf, resource } from '#kernel/contract/resource.ts'
import { del, get, post, put } from '#kernel/contract/route.ts'
import { any, list, nullable, raw, text, uuid, words } from '#kernel/contract/shapes.ts'
import { faults } from '#services/neutron/contract/faults.ts'
import { rules } from '#services/neutron/contract/rules.ts'
import { owner, story, tagged } from '#services/neutron/contract/standard.ts'
import { anyQuery, bool } from '#services/neutron/contract/words.ts'

/** A protocol or a port: a number, or its text or name. */
export const anyNumber = raw<string | number | null>({ type: ['integer', 'string', 'null'] })

export const securityGroupRule = resource('security_group_rule', 'security_group_rules', {
  id: out(uuid).filters().sorts(),
  ...owner,
  security_group_id: once(text({ max: 36 }))
    .filters()
    .sorts(),
  ethertype: once(text({ max: 32 }))
    .otherwise('IPv4')
    .filters()
    .sorts(),
  direction: once(words('ingress', 'egress')).filters().sorts(),
  protocol: once(anyNumber).otherwise(null).filters().sorts(),
  port_range_min: once(anyNumber).otherwise(null).filters().sorts(),
  port_range_max: once(anyNumber).otherwise(null).filters().sorts(),
  remote_ip_prefix: once(nullable(text({ max: 255 })))
    .otherwise(null)
    .filters()
    .sorts(),
  normalized_cidr: out(nullable(text())).filters().sorts().of('security-groups-normalized-cidr'),
  remote_group_id: once(nullable(text({ max: 36 })))
    .otherwise(null)
    .filters()
    .sorts(),
  remote_address_group_id: once(nullable(text({ max: 36 })))
    .otherwise(null)
    .filters()
    .of('security-groups-remote-address-group'),
  belongs_to_default_sg: out(bool).filters().of('security-groups-rules-belongs-to-default-sg'),
  ...story,
})

export const securityGroup = resource('security_group', 'security_groups', {
  id: out(uuid).filters().sorts(),
  name: inOut(text({ max: 255 }))
    .otherwise('')
    .filters()
    .sorts(),
  ...owner,
  stateful: inOut(bool).optional().filters().of('stateful-security-group'),
  shared: out(bool).filters().of('security-groups-shared-filtering'),
  security_group_rules: out(list(any)),
  ...story,
  ...tagged,
})

const judged = 'domain' as const
export const securityGroups = {
  list: get('/v2.0/security-groups', {
    policy: rules.getSecurityGroup,
    judged,
    query: anyQuery,
    reply: listReplyOf(securityGroup),
  }),
  show: get('/v2.0/security-groups/{id}', {
    policy: rules.getSecurityGroup,
    judged,
    query: anyQuery,
    reply: replyOf(securityGroup),
    faults: [faults.SecurityGroupNotFound],
  }),
  create: post('/v2.0/security-groups', {
    policy: rules.createSecurityGroup,
    judged,
    body: securityGroup.createBody,
    bodyOptional: true,
    reply: replyOf(securityGroup),
    faults: [faults.OverQuota, faults.SecurityGroupDefaultAlreadyExists],
  }),
  update: put('/v2.0/security-groups/{id}', {
    policy: rules.updateSecurityGroup,
    judged,
    body: securityGroup.updateBody,
    bodyOptional: true,
    reply: replyOf(securityGroup),
    faults: [faults.SecurityGroupNotFound, faults.SecurityGroupCannotUpdateDefault, faults.SecurityGroupInUse],
  }),
  remove: del('/v2.0/security-groups/{id}', {
    policy: rules.deleteSecurityGroup,
    judged,
    faults: [faults.SecurityGroupNotFound, faults.SecurityGroupInUse, faults.SecurityGroupCannotRemoveDefault],
  }),
}
export const securityGroupRules = {
  list: get('/v2.0/security-group-rules', {
    policy: rules.getSecurityGroupRule,
    judged,
    query: anyQuery,
    reply: listReplyOf(securityGroupRule),
  }),
  show: get('/v2.0/security-group-rules/{id}', {
    policy: rules.getSecurityGroupRule,
    judged,
    query: anyQuery,
    reply: replyOf(securityGroupRule),
    faults: [faults.SecurityGroupRuleNotFound],
  }),
  create: post('/v2.0/security-group-rules', {
    policy: rules.createSecurityGroupRule,
    judged,
    body: securityGroupRule.createBody,
    bodyOptional: true,
    reply: replyOf(securityGroupRule),
    faults: [faults.SecurityGroupNotFound, faults.SecurityGroupRuleExists, faults.OverQuota],
  }),
  remove: del('/v2.0/security-group-rules/{id}', {
    policy: rules.deleteSecurityGroupRule,
    judged,
    faults: [faults.SecurityGroupRuleNotFound],
  }),
}
