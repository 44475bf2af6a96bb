// QoS policies, their rules and the kinds of rules: handlers and presenters.
import { handlers, type HandlerTable } from '#kernel/http/handlers.ts'
import { needs, presenter, type Presenter } from '#kernel/http/presenter.ts'
import { faults } from '#services/neutron/contract/faults.ts'
import { qosFaults } from '#services/neutron/contract/qos-faults.ts'
import {
  aliasKinds,
  DIRECTIONS,
  DIRECTIONS_AND_ANY,
  DSCP_MARKS,
  qosAliasNouns,
  qosAliasRoutes,
  qosAliasRules,
  qosFields,
  qosKinds,
  qosPolicies,
  qosPolicy,
  qosRuleNouns,
  qosRuleRoutes,
  qosRuleRules,
  type QosField,
  type QosKind,
  type QosRuleBody,
} from '#services/neutron/contract/qos.ts'
import { noun, seconds } from '#services/neutron/api/noun.ts'
import type { QosPolicy, QosRule } from '#services/neutron/db/qos.ts'
import type { Looks } from '#services/neutron/domain/looks.ts'
import { qosTarget, type Qos, type Spoken } from '#services/neutron/domain/qos.ts'

const ruleView = (rule: QosRule): Record<string, unknown> => ({
  id: rule.id,
  ...Object.fromEntries(qosFields[rule.type as QosKind].map(field => [field, rule[field]])),
})

/** What there is to know of a number of a rule. */
function parameter(field: QosField, kind: QosKind): object {
  const range = { start: 0, end: 2_147_483_647 }
  if (field === 'direction')
    return {
      parameter_name: field,
      parameter_type: 'choices',
      parameter_values: kind === 'minimum_packet_rate' ? DIRECTIONS_AND_ANY : DIRECTIONS,
    }
  if (field === 'dscp_mark') return { parameter_name: field, parameter_type: 'choices', parameter_values: DSCP_MARKS }
  return { parameter_name: field, parameter_type: 'range', parameter_values: range }
}
/** Promised to nobody yet: these rules are kept and shown, and no host holds them. */
const UNENFORCED: readonly QosKind[] = ['minimum_bandwidth', 'minimum_packet_rate']
const drivers = (kind: QosKind): object[] =>
  UNENFORCED.includes(kind)
    ? []
    : [{ name: 'linux', supported_parameters: qosFields[kind].map(field => parameter(field, kind)) }]

const policyPresenter = (domain: Qos, looks: Looks): Presenter<QosPolicy> => {
  interface Loaded {
    readonly tags: ReadonlyMap<string, readonly string[]>
    readonly rules: ReadonlyMap<string, readonly QosRule[]>
  }
  const ids = (all: readonly QosPolicy[]): string[] => all.map(one => one.id)
  return presenter<QosPolicy, Loaded>()(
    qosPolicy.view,
    {
      id: p => p.id,
      name: p => p.name,
      project_id: p => p.projectId,
      tenant_id: p => p.projectId,
      shared: p => p.shared,
      is_default: p => p.isDefault,
      rules: needs(['rules'], (p, { rules }) =>
        (rules.get(p.id) ?? []).map(rule => ({ ...ruleView(rule), qos_policy_id: p.id, type: rule.type })),
      ),
      description: p => p.description,
      created_at: p => seconds(p.createdAt),
      updated_at: p => seconds(p.updatedAt),
      revision_number: p => p.revision,
      tags: needs(['tags'], (p, { tags }) => [...(tags.get(p.id) ?? [])]),
    },
    {
      loaders: {
        tags: (ctx, all) => looks.tags(ctx, ids(all)),
        rules: (ctx, all) => domain.rulesOf(ctx, ids(all)),
      },
      target: qosTarget,
    },
  )
}

const rulePresenter: Presenter<QosRule> = { present: async found => found.map(ruleView) }

function policyTable(domain: Qos, looks: Looks): HandlerTable {
  const it = noun<QosPolicy>({ of: qosPolicy, present: policyPresenter(domain, looks) })
  return handlers(qosPolicies, {
    list: call => it.list(call, domain.list),
    show: call => it.show(call, domain.show),
    create: call => it.create(call, domain.create),
    update: call => it.update(call, domain.update),
    remove: call => it.remove(call, domain.remove),
    ruleTypes: () => ({ rule_types: qosKinds.map(type => ({ type })) }),
    ruleType: call => {
      const kind = qosKinds.find(one => one === call.params.type)
      // compat: upstream tells nobody but administrators.
      if (!domain.isAdmin(call.ctx)) throw qosFaults.NotAuthorized()
      if (kind === undefined) throw faults.HTTPNotFound()
      return { rule_type: { type: kind, drivers: drivers(kind) } }
    },
  })
}
function ruleTable(domain: Qos, spoken: Required<Omit<Spoken, 'rules'>> & { rules: (typeof qosRuleRules)[QosKind] }) {
  const it = noun<QosRule>({ of: spoken.of, present: rulePresenter })
  return handlers(qosRuleRoutes(spoken.of, spoken.rules), {
    list: call => it.list(call, (ctx, listing) => domain.listRules(ctx, spoken, call.params.policy, listing)),
    show: call => it.show(call, (ctx, id) => domain.showRule(ctx, spoken, call.params.policy, id)),
    create: call =>
      it.create<QosRuleBody>(call as never, (ctx, bodies) =>
        domain.createRules(ctx, spoken, call.params.policy, bodies),
      ),
    update: call =>
      it.update<QosRuleBody>(call as never, (ctx, id, body) =>
        domain.updateRule(ctx, spoken, call.params.policy, id, body),
      ),
    remove: call => it.remove(call, (ctx, id) => domain.removeRule(ctx, spoken, call.params.policy, id)),
  })
}
function aliasTable(domain: Qos, spoken: Spoken, dashes: boolean): HandlerTable {
  const it = noun<QosRule>({ of: spoken.of, present: rulePresenter })
  return handlers(qosAliasRoutes(spoken.of, spoken.rules, dashes), {
    show: call =>
      it.show(call, async (ctx, id) => domain.showRule(ctx, spoken, await domain.policyOf(ctx, spoken, id), id)),
    update: call =>
      it.update<QosRuleBody>(call as never, async (ctx, id, body) =>
        domain.updateRule(ctx, spoken, await domain.policyOf(ctx, spoken, id), id, body),
      ),
    remove: call =>
      it.remove(call, async (ctx, id) => domain.removeRule(ctx, spoken, await domain.policyOf(ctx, spoken, id), id)),
  })
}

export const qosHandlers = (domain: Qos, looks: Looks): HandlerTable[] => [
  policyTable(domain, looks),
  ...qosKinds.map(kind => ruleTable(domain, { kind, of: qosRuleNouns[kind], rules: qosRuleRules[kind] })),
  ...aliasKinds.flatMap(kind =>
    [false, true].map(dashes =>
      aliasTable(domain, { kind, of: qosAliasNouns[kind], rules: qosAliasRules[kind] }, dashes),
    ),
  ),
]
