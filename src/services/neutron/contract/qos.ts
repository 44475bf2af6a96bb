// QoS: policies with rules on bandwidth, packet rates and marks, which are put on networks, ports, floating IPs and routers' gateways.
import { inOut, listReplyOf, out, replyOf, resource, type Resource, type RowTable } from '#kernel/contract/resource.ts'
import { del, get, post, put } from '#kernel/contract/route.ts'
import type { Rule } from '#kernel/contract/rule.ts'
import type { Shape } from '#kernel/contract/shape.ts'
import { any, intLike, list, nullable, raw, uuid, words } from '#kernel/contract/shapes.ts'
import { qosFaults } from '#services/neutron/contract/qos-faults.ts'
import { qosRules } from '#services/neutron/contract/qos-rules.ts'
import { identity, owner, story, tagged } from '#services/neutron/contract/standard.ts'
import { anyQuery, bool } from '#services/neutron/contract/words.ts'

/** What other nouns carry: the policy that is put on them. */
export const qosPolicyId = inOut(nullable(uuid)).optional()

export const qosPolicy = resource('policy', 'policies', {
  ...identity,
  ...owner,
  shared: inOut(bool).otherwise(false).filters(),
  is_default: inOut(bool).otherwise(false).filters().of('qos-default'),
  rules: out(list(any)),
  ...story,
  ...tagged,
})

const MOST = 2_147_483_647
const amount = intLike({ min: 0, max: MOST })
export const DSCP_MARKS = [0, 8, 10, 12, 14, 16, 18, 20, 22, 24, 26, 28, 30, 32, 34, 36, 38, 40, 44, 46, 48, 56]
const mark: Shape<number> = raw({ enum: [...DSCP_MARKS, ...DSCP_MARKS.map(String)] }, value => Number(value))
export const DIRECTIONS = ['ingress', 'egress'] as const
export const DIRECTIONS_AND_ANY = ['ingress', 'egress', 'any'] as const
const direction = inOut(words(...DIRECTIONS))
  .otherwise('egress')
  .filters()
  .sorts()
const anyDirection = inOut(words(...DIRECTIONS_AND_ANY))
  .otherwise('egress')
  .filters()
  .sorts()
const given = inOut(amount).filters().sorts()
const burst = inOut(amount).otherwise(0).filters().sorts()
const id = out(uuid).filters().sorts()

/** The rows of each kind of rule, in upstream's spelling of the kind. */
const ROWS = {
  bandwidth_limit: { id, max_kbps: given, max_burst_kbps: burst, direction },
  dscp_marking: { id, dscp_mark: inOut(mark).filters().sorts() },
  minimum_bandwidth: { id, min_kbps: given, direction },
  packet_rate_limit: { id, max_kpps: given, max_burst_kpps: burst, direction },
  minimum_packet_rate: { id, min_kpps: given, direction: anyDirection },
} satisfies Record<string, RowTable>
export type QosKind = keyof typeof ROWS
export const qosKinds = Object.keys(ROWS) as readonly QosKind[]
/** The numbers that a kind of rule has, in their order on the wire. */
export const qosFields: Readonly<Record<QosKind, readonly QosField[]>> = {
  bandwidth_limit: ['max_kbps', 'max_burst_kbps', 'direction'],
  dscp_marking: ['dscp_mark'],
  minimum_bandwidth: ['min_kbps', 'direction'],
  packet_rate_limit: ['max_kpps', 'max_burst_kpps', 'direction'],
  minimum_packet_rate: ['min_kpps', 'direction'],
}
export type QosField =
  | 'max_kbps'
  | 'max_burst_kbps'
  | 'min_kbps'
  | 'max_kpps'
  | 'max_burst_kpps'
  | 'min_kpps'
  | 'dscp_mark'
  | 'direction'

/** Numbers of a rule as they are sent; which of them there may be is its kind's. */
export type QosRuleBody = { readonly [K in QosField]?: number | string }
export type QosRuleNoun = Resource<RowTable>
const noun = (kind: QosKind, prefix = ''): QosRuleNoun =>
  resource(`${prefix}${kind}_rule`, `${prefix}${kind}_rules`, ROWS[kind] as RowTable)
export const qosRuleNouns = Object.fromEntries(qosKinds.map(kind => [kind, noun(kind)])) as Readonly<
  Record<QosKind, QosRuleNoun>
>
/** Rules that can be spoken of by their own id alone. Packet rate limits have no such address. */
export const aliasKinds = ['bandwidth_limit', 'dscp_marking', 'minimum_bandwidth', 'minimum_packet_rate'] as const
export const qosAliasNouns = Object.fromEntries(aliasKinds.map(kind => [kind, noun(kind, 'alias_')])) as Readonly<
  Record<(typeof aliasKinds)[number], QosRuleNoun>
>

export interface RuleRules {
  readonly get: Rule
  readonly create?: Rule
  readonly update: Rule
  readonly remove: Rule
}
const by = (get: Rule, create: Rule, update: Rule, remove: Rule): Required<RuleRules> => ({
  get,
  create,
  update,
  remove,
})
const q = qosRules
export const qosRuleRules: Readonly<Record<QosKind, Required<RuleRules>>> = {
  bandwidth_limit: by(
    q.getPolicyBandwidthLimitRule,
    q.createPolicyBandwidthLimitRule,
    q.updatePolicyBandwidthLimitRule,
    q.deletePolicyBandwidthLimitRule,
  ),
  dscp_marking: by(
    q.getPolicyDscpMarkingRule,
    q.createPolicyDscpMarkingRule,
    q.updatePolicyDscpMarkingRule,
    q.deletePolicyDscpMarkingRule,
  ),
  minimum_bandwidth: by(
    q.getPolicyMinimumBandwidthRule,
    q.createPolicyMinimumBandwidthRule,
    q.updatePolicyMinimumBandwidthRule,
    q.deletePolicyMinimumBandwidthRule,
  ),
  packet_rate_limit: by(
    q.getPolicyPacketRateLimitRule,
    q.createPolicyPacketRateLimitRule,
    q.updatePolicyPacketRateLimitRule,
    q.deletePolicyPacketRateLimitRule,
  ),
  minimum_packet_rate: by(
    q.getPolicyMinimumPacketRateRule,
    q.createPolicyMinimumPacketRateRule,
    q.updatePolicyMinimumPacketRateRule,
    q.deletePolicyMinimumPacketRateRule,
  ),
}
export const qosAliasRules: Readonly<Record<(typeof aliasKinds)[number], RuleRules>> = {
  bandwidth_limit: {
    get: q.getAliasBandwidthLimitRule,
    update: q.updateAliasBandwidthLimitRule,
    remove: q.deleteAliasBandwidthLimitRule,
  },
  dscp_marking: {
    get: q.getAliasDscpMarkingRule,
    update: q.updateAliasDscpMarkingRule,
    remove: q.deleteAliasDscpMarkingRule,
  },
  minimum_bandwidth: {
    get: q.getAliasMinimumBandwidthRule,
    update: q.updateAliasMinimumBandwidthRule,
    remove: q.deleteAliasMinimumBandwidthRule,
  },
  minimum_packet_rate: {
    get: q.getAliasMinimumPacketRateRule,
    update: q.updateAliasMinimumPacketRateRule,
    remove: q.deleteAliasMinimumPacketRateRule,
  },
}

const judged = 'domain' as const
const anything = raw<Record<string, unknown>>({ type: 'object' })
export const qosPolicies = {
  list: get('/v2.0/qos/policies', {
    policy: qosRules.getPolicy,
    judged,
    query: anyQuery,
    reply: listReplyOf(qosPolicy),
  }),
  show: get('/v2.0/qos/policies/{id}', {
    policy: qosRules.getPolicy,
    judged,
    query: anyQuery,
    reply: replyOf(qosPolicy),
    faults: [qosFaults.QosPolicyNotFound],
  }),
  create: post('/v2.0/qos/policies', {
    policy: qosRules.createPolicy,
    judged,
    body: qosPolicy.createBody,
    bodyOptional: true,
    reply: replyOf(qosPolicy),
    faults: [qosFaults.QoSPolicyDefaultAlreadyExists],
  }),
  update: put('/v2.0/qos/policies/{id}', {
    policy: qosRules.updatePolicy,
    judged,
    body: qosPolicy.updateBody,
    bodyOptional: true,
    reply: replyOf(qosPolicy),
    faults: [qosFaults.QosPolicyNotFound, qosFaults.QoSPolicyDefaultAlreadyExists],
  }),
  remove: del('/v2.0/qos/policies/{id}', {
    policy: qosRules.deletePolicy,
    judged,
    faults: [qosFaults.QosPolicyNotFound, qosFaults.QosPolicyInUse],
  }),
  ruleTypes: get('/v2.0/qos/rule-types', { policy: qosRules.getRuleType, query: anyQuery, reply: anything }),
  ruleType: get('/v2.0/qos/rule-types/{type}', { policy: qosRules.getRuleType, judged, reply: anything }),
}
/** The routes of one kind of rule below its policy. */
export const qosRuleRoutes = (of: QosRuleNoun, rules: Required<RuleRules>) => {
  const path = `/v2.0/qos/policies/{policy}/${of.plural}` as '/v2.0/qos/policies/{policy}/rules'
  const one = `${path}/{id}` as const
  const faults = [qosFaults.QosPolicyNotFound, qosFaults.QosRuleNotFound]
  const conflicts = [qosFaults.QosPolicyNotFound, qosFaults.QoSRulesConflict, qosFaults.QoSRuleParameterConflict]
  return {
    list: get(path, { policy: rules.get, judged, query: anyQuery, reply: anything, faults }),
    show: get(one, { policy: rules.get, judged, query: anyQuery, reply: anything, faults }),
    create: post(path, {
      policy: rules.create,
      judged,
      body: of.createBody,
      bodyOptional: true,
      reply: anything,
      faults: conflicts,
    }),
    update: put(one, {
      policy: rules.update,
      judged,
      body: of.updateBody,
      bodyOptional: true,
      reply: anything,
      faults: conflicts,
    }),
    remove: del(one, { policy: rules.remove, judged, faults }),
  } as const
}
/** The same by the rule's own id. compat: upstream's reference writes the path with `_`, its router with `-`. */
export const qosAliasRoutes = (of: QosRuleNoun, rules: RuleRules, dashes: boolean) => {
  const path = dashes ? of.plural.replaceAll('_', '-') : of.plural
  const one = `/v2.0/qos/${path}/{id}` as '/v2.0/qos/rules/{id}'
  const faults = [qosFaults.QosRuleNotFound]
  return {
    show: get(one, { policy: rules.get, judged, query: anyQuery, reply: anything, faults }),
    update: put(one, {
      policy: rules.update,
      judged,
      body: of.updateBody,
      bodyOptional: true,
      reply: anything,
      faults,
    }),
    remove: del(one, { policy: rules.remove, judged, faults }),
  } as const
}
