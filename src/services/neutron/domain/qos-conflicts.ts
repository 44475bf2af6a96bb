// Which rules of a QoS policy cannot stand beside each other. Refusals in upstream's words.
import { qosFaults } from '#services/neutron/contract/qos-faults.ts'
import type { QosRule } from '#services/neutron/db/qos.ts'

/**
 * @throws QoSRuleParameterConflict when more is promised than is allowed, or packet rates are promised with and without a direction;
 * QoSRulesConflict when the policy has such a rule already
 */
export function checkConflicts(policyId: string, has: readonly QosRule[], rule: QosRule): void {
  const others = has.filter(one => one.id !== rule.id)
  const contradicts = (value: number | string, old: QosRule, says: number | string): never => {
    throw qosFaults.QoSRuleParameterConflict({
      rule_value: value,
      policy_id: policyId,
      existing_rule: old.type,
      existing_value: says,
    })
  }
  for (const old of others) {
    if (old.type === 'dscp_marking' || old.direction !== rule.direction) continue
    if (old.type === 'minimum_bandwidth' && rule.max_kbps !== null && (old.min_kbps ?? 0) > rule.max_kbps)
      contradicts(rule.max_kbps, old, old.min_kbps ?? 0)
    if (old.type === 'bandwidth_limit' && rule.min_kbps !== null && (old.max_kbps ?? 0) < rule.min_kbps)
      contradicts(rule.min_kbps, old, old.max_kbps ?? 0)
  }
  if (rule.type === 'minimum_packet_rate')
    for (const old of others)
      if (old.type === 'minimum_packet_rate' && (old.direction === 'any') !== (rule.direction === 'any'))
        contradicts(rule.direction, old, old.direction)
  const same = others.find(old => old.type === rule.type && old.direction === rule.direction)
  if (same !== undefined)
    throw qosFaults.QoSRulesConflict({ new_rule_type: rule.type, rule_id: same.id, policy_id: policyId })
}
