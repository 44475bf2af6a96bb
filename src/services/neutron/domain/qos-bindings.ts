// Putting a QoS policy on a network, a port, a floating IP or a router's gateway, and taking it off. Inside the caller's transaction.
import type { Ctx } from '#kernel/lib/context.ts'
import { qosFaults } from '#services/neutron/contract/qos-faults.ts'
import { qosRules } from '#services/neutron/contract/qos-rules.ts'
import { qosDb, type QosObject, type QosPolicy } from '#services/neutron/db/qos.ts'
import type { Q } from '#services/neutron/db/standard.ts'
import { asSeen, isSharedWith } from '#services/neutron/domain/sharing.ts'
import type { DomainTools } from '#services/neutron/domain/tools.ts'

type Tools = Pick<DomainTools, 'access'>

/** Whether the caller may know and use a policy. */
export const mayUse = async (q: Q, ctx: Ctx, tools: Tools, policy: QosPolicy): Promise<boolean> =>
  policy.shared ||
  policy.projectId === ctx.who?.projectId ||
  tools.access.seesAll(ctx, qosRules.getPolicy) ||
  (await isSharedWith(q, ctx, policy.id))

/** A policy that the caller sees. @throws QosPolicyNotFound */
export async function seenQosPolicy(q: Q, ctx: Ctx, tools: Tools, id: string): Promise<QosPolicy> {
  const found = await qosDb.byId(q, id)
  if (found === null || !(await mayUse(q, ctx, tools, found))) throw qosFaults.QosPolicyNotFound({ policy_id: id })
  const [seen] = await asSeen(q, ctx, [found])
  return seen ?? found
}

/**
 * Puts `wanted` on something instead of what is there; undefined leaves it, null takes it off. True when anything changed.
 * @throws QosPolicyNotFound, PolicyRemoveAuthorizationError when the one that is there is somebody else's
 */
export async function putQos(
  q: Q,
  ctx: Ctx,
  tools: Tools,
  kind: QosObject,
  objectId: string,
  wanted: string | null | undefined,
): Promise<boolean> {
  if (wanted === undefined) return false
  const has = (await qosDb.bindings(q, [objectId])).get(objectId) ?? null
  if (has !== null) {
    const old = await qosDb.byId(q, has)
    if (old !== null && !(await mayUse(q, ctx, tools, old)))
      throw qosFaults.PolicyRemoveAuthorizationError({ policy_id: old.id })
  }
  if (wanted !== null) await seenQosPolicy(q, ctx, tools, wanted)
  if (wanted === has) return false
  await qosDb.bind(q, kind, objectId, wanted)
  return true
}

/** A new network has the policy asked for, else its project's default one. */
export async function firstNetworkQos(
  q: Q,
  ctx: Ctx,
  tools: Tools,
  network: { readonly id: string; readonly projectId: string },
  wanted: string | null | undefined,
): Promise<void> {
  if (wanted !== undefined && wanted !== null) {
    await putQos(q, ctx, tools, 'network', network.id, wanted)
    return
  }
  const standard = await qosDb.defaultOf(q, network.projectId)
  if (standard !== null) await qosDb.bind(q, 'network', network.id, standard)
}

/** Ports that a policy acts on: those it is on, and those without one of their own on networks it is on; routers likewise. */
export async function reachOf(
  q: Q,
  policyId: string,
): Promise<{ networks: string[]; ports: string[]; routers: string[] }> {
  const objects = await qosDb.objects(q, policyId)
  const of = (kind: QosObject): string[] => objects.flatMap(one => (one.kind === kind ? [one.object_id] : []))
  const floating = of('fip')
  const led =
    floating.length === 0
      ? []
      : await q.selectFrom('floatingips').select('router_id').where('id', 'in', floating).execute()
  return {
    networks: of('network'),
    ports: of('port'),
    routers: [...new Set([...of('router'), ...led.flatMap(row => row.router_id ?? [])])],
  }
}
