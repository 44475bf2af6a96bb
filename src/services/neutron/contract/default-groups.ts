// What new security groups begin with: their rules, and whether they remember connections.
import { inOut, once, out, resource } from '#kernel/contract/resource.ts'
import { nullable, text, uuid, words } from '#kernel/contract/shapes.ts'
import { faults } from '#services/neutron/contract/faults.ts'
import { createRoute, listRoute, removeRoute, showRoute, updateRoute } from '#services/neutron/contract/plain.ts'
import { moreRules as rules } from '#services/neutron/contract/rules-more.ts'
import { anyNumber } from '#services/neutron/contract/security-groups.ts'
import { bool, description, projectId } from '#services/neutron/contract/words.ts'

const maybe = nullable(text({ max: 36 }))
export const defaultRule = resource('default_security_group_rule', 'default_security_group_rules', {
  id: out(uuid).filters().sorts(),
  tenant_id: once(projectId).optional(),
  description: once(description).otherwise('').filters(),
  /** `PARENT` stands for the group that is made. */
  remote_group_id: once(maybe).otherwise(null).filters().sorts(),
  remote_address_group_id: once(maybe).otherwise(null).filters().sorts(),
  direction: once(words('ingress', 'egress')).filters().sorts(),
  protocol: once(anyNumber).otherwise(null).filters().sorts(),
  port_range_min: once(anyNumber).otherwise(null).filters().sorts(),
  port_range_max: once(anyNumber).otherwise(null).filters().sorts(),
  ethertype: once(text({ max: 32 }))
    .otherwise('IPv4')
    .filters()
    .sorts(),
  remote_ip_prefix: once(nullable(text({ max: 255 })))
    .otherwise(null)
    .filters()
    .sorts(),
  used_in_default_sg: once(bool).otherwise(false).filters(),
  used_in_non_default_sg: once(bool).otherwise(true).filters(),
})
export const statefulness = resource('security_groups_default_statefulness', 'security_groups_default_statefulnesses', {
  id: out(uuid).filters().sorts(),
  project_id: once(nullable(projectId)).optional().filters().sorts(),
  stateful: inOut(bool).otherwise(true).filters().sorts(),
})

const RULES = '/v2.0/default-security-group-rules'
const STATE = '/v2.0/security-groups-default-statefulness'
const gone = [faults.DefaultSecurityGroupRuleNotFound]
export const defaultRules = {
  list: listRoute(RULES, defaultRule, rules.getDefaultSecurityGroupRule),
  show: showRoute(`${RULES}/{id}`, defaultRule, rules.getDefaultSecurityGroupRule, gone),
  create: createRoute(RULES, defaultRule, rules.createDefaultSecurityGroupRule, [
    faults.DefaultSecurityGroupRuleExists,
  ]),
  remove: removeRoute(`${RULES}/{id}`, rules.deleteDefaultSecurityGroupRule, gone),
}
const lost = [faults.SecurityGroupDefaultStatefulnessNotFound]
export const statefulnesses = {
  list: listRoute(STATE, statefulness, rules.getSecurityGroupsDefaultStatefulness),
  show: showRoute(`${STATE}/{id}`, statefulness, rules.getSecurityGroupsDefaultStatefulness, lost),
  create: createRoute(STATE, statefulness, rules.createSecurityGroupsDefaultStatefulness, [
    faults.SecurityGroupDefaultStatefulnessAlreadyExists,
  ]),
  update: updateRoute(`${STATE}/{id}`, statefulness, rules.updateSecurityGroupsDefaultStatefulness, lost),
  remove: removeRoute(`${STATE}/{id}`, rules.deleteSecurityGroupsDefaultStatefulness, lost),
}
