// What can be wrong with QoS policies, in upstream's words.
import { faultTable } from '#kernel/contract/fault.ts'

export const qosFaults = faultTable({
  QosPolicyNotFound: [404, 'QoS policy {policy_id} could not be found.'],
  QosRuleNotFound: [404, 'QoS rule {rule_id} for policy {policy_id} could not be found.'],
  QoSPolicyDefaultAlreadyExists: [409, 'A default QoS policy exists for project {project_id}.'],
  QosPolicyInUse: [409, 'QoS Policy {policy_id} is used by {object_type} {object_id}.'],
  QoSRuleParameterConflict: [
    409,
    'Unable to add the rule with value {rule_value} to the policy {policy_id} as the existing rule of type {existing_rule} has value {existing_value}.',
  ],
  QoSRulesConflict: [
    409,
    'Rule {new_rule_type} conflicts with rule {rule_id} which already exists in QoS Policy {policy_id}.',
  ],
  NotAuthorized: [403, 'Not authorized.'],
  PolicyRemoveAuthorizationError: [403, 'Failed to remove provided policy {policy_id} because you are not authorized.'],
})
