// What QoS policies mean for a host: limits and marks. Promises of bandwidth bind nobody on the wire; they are for placement.
import { qosDb, type QosRule } from '#services/neutron/db/qos.ts'
import type { Q } from '#services/neutron/db/standard.ts'
import type { Limit, QosState } from '#services/neutron/drivers/mechanism.ts'

function effectOf(rules: readonly QosRule[]): QosState | null {
  const effect: { -readonly [K in keyof QosState]: QosState[K] } = {}
  for (const rule of rules) {
    const limit = (rate: number | null, burst: number | null): Limit => ({ rate: rate ?? 0, burst: burst ?? 0 })
    const out = rule.direction === 'egress'
    if (rule.type === 'bandwidth_limit')
      effect[out ? 'egressKbps' : 'ingressKbps'] = limit(rule.max_kbps, rule.max_burst_kbps)
    if (rule.type === 'packet_rate_limit')
      effect[out ? 'egressKpps' : 'ingressKpps'] = limit(rule.max_kpps, rule.max_burst_kpps)
    if (rule.type === 'dscp_marking' && rule.dscp_mark !== null) effect.dscp = rule.dscp_mark
  }
  return Object.keys(effect).length === 0 ? null : effect
}

/** `things`: object → where its policy comes from when it has none of its own. Object → effect; absent without one. */
export async function effectsOf(
  q: Q,
  things: ReadonlyMap<string, string | null>,
): Promise<ReadonlyMap<string, QosState>> {
  const ids = new Set<string>()
  for (const [id, other] of things) {
    ids.add(id)
    if (other !== null) ids.add(other)
  }
  const bindings = await qosDb.bindings(q, ids)
  if (bindings.size === 0) return new Map()
  const rules = await qosDb.rules(q, new Set(bindings.values()))
  const effects = new Map<string, QosState>()
  for (const [id, other] of things) {
    const policy = bindings.get(id) ?? (other === null ? undefined : bindings.get(other))
    const effect = policy === undefined ? null : effectOf(rules.filter(rule => rule.policy_id === policy))
    if (effect !== null) effects.set(id, effect)
  }
  return effects
}
