// Who may do what with QoS policies and their rules.
import { ruleTable } from '#kernel/contract/rule.ts'

export const qosRules = ruleTable(['project'], {
  getPolicy: [
    'get_policy',
    '(rule:admin_only) or (role:reader and project_id:%(project_id)s) or rule:shared_qos_policy',
    'See a QoS policy',
  ],
  getPolicyTags: [
    'get_policy:tags',
    '(rule:admin_only) or (role:reader and project_id:%(project_id)s) or rule:shared_qos_policy',
    'See tags of a QoS policy',
  ],
  createPolicy: [
    'create_policy',
    '(rule:admin_only) or (role:manager and project_id:%(project_id)s)',
    'Make a QoS policy',
  ],
  createPolicyTags: [
    'create_policy:tags',
    '(rule:admin_only) or (role:manager and project_id:%(project_id)s)',
    'Make tags of a QoS policy',
  ],
  updatePolicy: [
    'update_policy',
    '(rule:admin_only) or (role:manager and project_id:%(project_id)s)',
    'Change a QoS policy',
  ],
  updatePolicyTags: [
    'update_policy:tags',
    '(rule:admin_only) or (role:manager and project_id:%(project_id)s)',
    'Change tags of a QoS policy',
  ],
  deletePolicy: [
    'delete_policy',
    '(rule:admin_only) or (role:manager and project_id:%(project_id)s)',
    'Remove a QoS policy',
  ],
  deletePolicyTags: [
    'delete_policy:tags',
    '(rule:admin_only) or (role:manager and project_id:%(project_id)s)',
    'Remove tags of a QoS policy',
  ],
  getRuleType: ['get_rule_type', 'role:reader', 'See which kinds of QoS rules there are'],
  getPolicyBandwidthLimitRule: [
    'get_policy_bandwidth_limit_rule',
    '(rule:admin_only) or (role:reader and rule:ext_parent_owner)',
    'See a bandwidth limit rule of a QoS policy',
  ],
  createPolicyBandwidthLimitRule: [
    'create_policy_bandwidth_limit_rule',
    '(rule:admin_only) or (role:manager and rule:ext_parent_owner)',
    'Make a bandwidth limit rule of a QoS policy',
  ],
  updatePolicyBandwidthLimitRule: [
    'update_policy_bandwidth_limit_rule',
    '(rule:admin_only) or (role:manager and rule:ext_parent_owner)',
    'Change a bandwidth limit rule of a QoS policy',
  ],
  deletePolicyBandwidthLimitRule: [
    'delete_policy_bandwidth_limit_rule',
    '(rule:admin_only) or (role:manager and rule:ext_parent_owner)',
    'Remove a bandwidth limit rule of a QoS policy',
  ],
  getPolicyPacketRateLimitRule: [
    'get_policy_packet_rate_limit_rule',
    '(rule:admin_only) or (role:reader and rule:ext_parent_owner)',
    'See a packet rate limit rule of a QoS policy',
  ],
  createPolicyPacketRateLimitRule: [
    'create_policy_packet_rate_limit_rule',
    '(rule:admin_only) or (role:manager and rule:ext_parent_owner)',
    'Make a packet rate limit rule of a QoS policy',
  ],
  updatePolicyPacketRateLimitRule: [
    'update_policy_packet_rate_limit_rule',
    '(rule:admin_only) or (role:manager and rule:ext_parent_owner)',
    'Change a packet rate limit rule of a QoS policy',
  ],
  deletePolicyPacketRateLimitRule: [
    'delete_policy_packet_rate_limit_rule',
    '(rule:admin_only) or (role:manager and rule:ext_parent_owner)',
    'Remove a packet rate limit rule of a QoS policy',
  ],
  getPolicyDscpMarkingRule: [
    'get_policy_dscp_marking_rule',
    '(rule:admin_only) or (role:reader and rule:ext_parent_owner)',
    'See a dscp marking rule of a QoS policy',
  ],
  createPolicyDscpMarkingRule: [
    'create_policy_dscp_marking_rule',
    '(rule:admin_only) or (role:manager and rule:ext_parent_owner)',
    'Make a dscp marking rule of a QoS policy',
  ],
  updatePolicyDscpMarkingRule: [
    'update_policy_dscp_marking_rule',
    '(rule:admin_only) or (role:manager and rule:ext_parent_owner)',
    'Change a dscp marking rule of a QoS policy',
  ],
  deletePolicyDscpMarkingRule: [
    'delete_policy_dscp_marking_rule',
    '(rule:admin_only) or (role:manager and rule:ext_parent_owner)',
    'Remove a dscp marking rule of a QoS policy',
  ],
  getPolicyMinimumBandwidthRule: [
    'get_policy_minimum_bandwidth_rule',
    '(rule:admin_only) or (role:reader and rule:ext_parent_owner)',
    'See a minimum bandwidth rule of a QoS policy',
  ],
  createPolicyMinimumBandwidthRule: [
    'create_policy_minimum_bandwidth_rule',
    '(rule:admin_only) or (role:manager and rule:ext_parent_owner)',
    'Make a minimum bandwidth rule of a QoS policy',
  ],
  updatePolicyMinimumBandwidthRule: [
    'update_policy_minimum_bandwidth_rule',
    '(rule:admin_only) or (role:manager and rule:ext_parent_owner)',
    'Change a minimum bandwidth rule of a QoS policy',
  ],
  deletePolicyMinimumBandwidthRule: [
    'delete_policy_minimum_bandwidth_rule',
    '(rule:admin_only) or (role:manager and rule:ext_parent_owner)',
    'Remove a minimum bandwidth rule of a QoS policy',
  ],
  getPolicyMinimumPacketRateRule: [
    'get_policy_minimum_packet_rate_rule',
    '(rule:admin_only) or (role:reader and rule:ext_parent_owner)',
    'See a minimum packet rate rule of a QoS policy',
  ],
  createPolicyMinimumPacketRateRule: [
    'create_policy_minimum_packet_rate_rule',
    '(rule:admin_only) or (role:manager and rule:ext_parent_owner)',
    'Make a minimum packet rate rule of a QoS policy',
  ],
  updatePolicyMinimumPacketRateRule: [
    'update_policy_minimum_packet_rate_rule',
    '(rule:admin_only) or (role:manager and rule:ext_parent_owner)',
    'Change a minimum packet rate rule of a QoS policy',
  ],
  deletePolicyMinimumPacketRateRule: [
    'delete_policy_minimum_packet_rate_rule',
    '(rule:admin_only) or (role:manager and rule:ext_parent_owner)',
    'Remove a minimum packet rate rule of a QoS policy',
  ],
  getAliasBandwidthLimitRule: [
    'get_alias_bandwidth_limit_rule',
    '(rule:admin_only) or (role:reader and rule:ext_parent_owner)',
    'See a bandwidth limit rule of a QoS policy by its own id',
  ],
  updateAliasBandwidthLimitRule: [
    'update_alias_bandwidth_limit_rule',
    '(rule:admin_only) or (role:manager and rule:ext_parent_owner)',
    'Change a bandwidth limit rule of a QoS policy by its own id',
  ],
  deleteAliasBandwidthLimitRule: [
    'delete_alias_bandwidth_limit_rule',
    '(rule:admin_only) or (role:manager and rule:ext_parent_owner)',
    'Remove a bandwidth limit rule of a QoS policy by its own id',
  ],
  getAliasDscpMarkingRule: [
    'get_alias_dscp_marking_rule',
    '(rule:admin_only) or (role:reader and rule:ext_parent_owner)',
    'See a dscp marking rule of a QoS policy by its own id',
  ],
  updateAliasDscpMarkingRule: [
    'update_alias_dscp_marking_rule',
    '(rule:admin_only) or (role:manager and rule:ext_parent_owner)',
    'Change a dscp marking rule of a QoS policy by its own id',
  ],
  deleteAliasDscpMarkingRule: [
    'delete_alias_dscp_marking_rule',
    '(rule:admin_only) or (role:manager and rule:ext_parent_owner)',
    'Remove a dscp marking rule of a QoS policy by its own id',
  ],
  getAliasMinimumBandwidthRule: [
    'get_alias_minimum_bandwidth_rule',
    '(rule:admin_only) or (role:reader and rule:ext_parent_owner)',
    'See a minimum bandwidth rule of a QoS policy by its own id',
  ],
  updateAliasMinimumBandwidthRule: [
    'update_alias_minimum_bandwidth_rule',
    '(rule:admin_only) or (role:manager and rule:ext_parent_owner)',
    'Change a minimum bandwidth rule of a QoS policy by its own id',
  ],
  deleteAliasMinimumBandwidthRule: [
    'delete_alias_minimum_bandwidth_rule',
    '(rule:admin_only) or (role:manager and rule:ext_parent_owner)',
    'Remove a minimum bandwidth rule of a QoS policy by its own id',
  ],
  getAliasMinimumPacketRateRule: [
    'get_alias_minimum_packet_rate_rule',
    'rule:get_policy_minimum_packet_rate_rule',
    'See a minimum packet rate rule of a QoS policy by its own id',
  ],
  updateAliasMinimumPacketRateRule: [
    'update_alias_minimum_packet_rate_rule',
    'rule:update_policy_minimum_packet_rate_rule',
    'Change a minimum packet rate rule of a QoS policy by its own id',
  ],
  deleteAliasMinimumPacketRateRule: [
    'delete_alias_minimum_packet_rate_rule',
    'rule:delete_policy_minimum_packet_rate_rule',
    'Remove a minimum packet rate rule of a QoS policy by its own id',
  ],
})
