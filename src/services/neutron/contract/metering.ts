// Metering: labels, and rules that say which traffic counts for one. Written down; nothing counts here.
import { once, out, resource } from '#kernel/contract/resource.ts'
import { text, uuid, words } from '#kernel/contract/shapes.ts'
import { faults } from '#services/neutron/contract/faults.ts'
import { createRoute, listRoute, removeRoute, showRoute } from '#services/neutron/contract/plain.ts'
import { moreRules as rules } from '#services/neutron/contract/rules-more.ts'
import { owner } from '#services/neutron/contract/standard.ts'
import { bool, description, name } from '#services/neutron/contract/words.ts'

export const meteringLabel = resource('metering_label', 'metering_labels', {
  id: out(uuid).filters().sorts(),
  name: once(name).otherwise('').filters().sorts(),
  description: once(description).otherwise('').filters().sorts(),
  ...owner,
  shared: once(bool).otherwise(false).filters().sorts(),
})
export const meteringLabelRule = resource('metering_label_rule', 'metering_label_rules', {
  id: out(uuid).filters().sorts(),
  ...owner,
  metering_label_id: once(uuid).filters().sorts(),
  direction: once(words('ingress', 'egress')).filters().sorts(),
  excluded: once(bool).otherwise(false).filters().sorts(),
  remote_ip_prefix: once(text({ max: 64 }))
    .filters()
    .sorts(),
})

const LABELS = '/v2.0/metering/metering-labels'
const RULES = '/v2.0/metering/metering-label-rules'
export const meteringLabels = {
  list: listRoute(LABELS, meteringLabel, rules.getMeteringLabel),
  show: showRoute(`${LABELS}/{id}`, meteringLabel, rules.getMeteringLabel, [faults.MeteringLabelNotFound]),
  create: createRoute(LABELS, meteringLabel, rules.createMeteringLabel),
  remove: removeRoute(`${LABELS}/{id}`, rules.deleteMeteringLabel, [faults.MeteringLabelNotFound]),
}
export const meteringLabelRules = {
  list: listRoute(RULES, meteringLabelRule, rules.getMeteringLabelRule),
  show: showRoute(`${RULES}/{id}`, meteringLabelRule, rules.getMeteringLabelRule, [faults.MeteringLabelRuleNotFound]),
  create: createRoute(RULES, meteringLabelRule, rules.createMeteringLabelRule, [faults.MeteringLabelNotFound]),
  remove: removeRoute(`${RULES}/{id}`, rules.deleteMeteringLabelRule, [faults.MeteringLabelRuleNotFound]),
}
