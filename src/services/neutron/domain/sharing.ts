// What is shared, as callers see it, and `shared` and `router:external` of a thing turned into policies: one truth for both ways of saying it.
import type { Ctx } from '#kernel/lib/context.ts'
import type { Q } from '#services/neutron/db/standard.ts'
import { AS_EXTERNAL, AS_SHARED, EVERYBODY, sharingDb } from '#services/neutron/db/sharing.ts'
import type { DomainTools } from '#services/neutron/domain/tools.ts'

interface Shareable {
  readonly id: string
  readonly shared: boolean
}
/** `shared` as the caller means it: with everybody, or with his project. */
export async function asSeen<E extends Shareable>(q: Q, ctx: Ctx, found: readonly E[]): Promise<E[]> {
  const own = ctx.who?.projectId ?? null
  const asked = own === null ? [] : found.filter(one => !one.shared).map(one => one.id)
  if (asked.length === 0 || own === null) return [...found]
  const shared = await sharingDb.among(q, asked, own, AS_SHARED)
  return shared.size === 0 ? [...found] : found.map(one => (shared.has(one.id) ? { ...one, shared: true } : one))
}
/** Whether an object is shared with the caller's project as this. */
export async function isSharedWith(q: Q, ctx: Ctx, id: string, action: string = AS_SHARED): Promise<boolean> {
  const own = ctx.who?.projectId ?? ''
  return (await sharingDb.among(q, [id], own, action)).has(id)
}

/** Shared with everybody, or not any more: the policy that says so. */
export async function shareWithAll(
  q: Q,
  tools: Pick<DomainTools, 'ids'>,
  object: { readonly type: string; readonly id: string; readonly projectId: string },
  action: string,
): Promise<void> {
  if ((await sharingDb.targets(q, object.id, action)).has(EVERYBODY)) return
  await sharingDb.insert(q, {
    id: tools.ids.uuid(),
    project_id: object.projectId,
    object_type: object.type,
    object_id: object.id,
    target_project: EVERYBODY,
    action,
  })
}
export const unshareWithAll = (q: Q, objectId: string): Promise<void> =>
  sharingDb.forget(q, objectId, AS_SHARED, EVERYBODY)

/** A network's two ways, from `shared` and `router:external` of its body. Undefined leaves as it is. */
export async function shareNetwork(
  q: Q,
  tools: Pick<DomainTools, 'ids'>,
  network: { readonly id: string; readonly projectId: string },
  wanted: { readonly shared?: boolean; readonly external?: boolean },
): Promise<void> {
  const object = { type: 'network', ...network }
  if (wanted.shared === true) await shareWithAll(q, tools, object, AS_SHARED)
  if (wanted.shared === false) await unshareWithAll(q, network.id)
  if (wanted.external === true) await shareWithAll(q, tools, object, AS_EXTERNAL)
  if (wanted.external === false) await sharingDb.forget(q, network.id, AS_EXTERNAL)
}
