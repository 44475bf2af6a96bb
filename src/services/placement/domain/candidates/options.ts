// For one group: which providers could serve it, tree by tree. A tree is known by its root, the anchor; a sharing provider
// stands in every tree that has a member in one of its aggregates.
import { anchorsOf } from '#services/placement/db/aggregates.ts'
import { roomyProviders, type Roomy } from '#services/placement/db/inventories.ts'
import {
  allProviders,
  hasTrees,
  providerById,
  providersByIds,
  providersOfTrees,
  type Q,
} from '#services/placement/db/providers.ts'
import { holdersOfTraits } from '#services/placement/db/traits.ts'
import type { CandidateRequest, Group } from '#services/placement/domain/candidates/request.ts'
import { inAggregates, withTraits } from '#services/placement/domain/provider-search.ts'

const SHARES = 'MISC_SHARES_VIA_AGGREGATE'

/** What holds for the whole request. */
export interface Surroundings {
  readonly q: Q
  readonly sharing: ReadonlySet<string>
  readonly hasTrees: boolean
  /** Whether a root may anchor candidates of this request. */
  readonly mayAnchor: (rootId: string) => boolean
}

/** Resources that one provider must give together. */
export type Slot = readonly (readonly [resourceClass: string, amount: number])[]
export interface Options {
  readonly group: Group
  readonly slots: readonly Slot[]
  /** Anchor → for each slot the providers that can fill it. */
  readonly byAnchor: ReadonlyMap<string, readonly (readonly string[])[]>
  /** Provider → which of the group's required traits (by index) it meets; null when they are met already. */
  readonly meets: ReadonlyMap<string, ReadonlySet<number>> | null
  /** Class → who has room for it. */
  readonly roomy: ReadonlyMap<string, readonly Roomy[]>
  /** Provider → the root of its own tree, of all that stand in `byAnchor`. */
  readonly rootOf: ReadonlyMap<string, string>
}

/** Null when no root can anchor anything. */
export async function surroundingsOf(q: Q, request: CandidateRequest): Promise<Surroundings | null> {
  const required = request.rootRequired.map(name => [name])
  const may = required.length === 0 ? null : await withTraits(q, required)
  if (may?.size === 0) return null
  const mayNot = request.rootForbidden.length === 0 ? null : await withTraits(q, [request.rootForbidden])
  return {
    q,
    sharing: await withTraits(q, [[SHARES]]),
    hasTrees: await hasTrees(q),
    mayAnchor: id => (may === null || may.has(id)) && (mayNot === null || !mayNot.has(id)),
  }
}

/** Null when nobody can serve the group. */
export async function optionsOf(around: Surroundings, group: Group): Promise<Options | null> {
  const { q } = around
  let rootId: string | null = null
  if (group.inTree !== null) {
    const member = await providerById(q, group.inTree)
    if (member === null) return null
    rootId = member.rootId
  }
  const members = group.memberOf.length === 0 ? null : await inAggregates(q, group.memberOf)
  if (members?.size === 0) return null
  const outcasts = group.notMemberOf.length === 0 ? null : await inAggregates(q, [group.notMemberOf])
  const roomy = new Map<string, readonly Roomy[]>()
  for (const [resourceClass, amount] of group.resources) {
    const found = await roomyProviders(q, resourceClass, amount, rootId)
    if (found.length === 0) return null
    roomy.set(resourceClass, found)
  }
  const given: Given = { around, group, rootId, members, outcasts, roomy }
  const spread = group.suffix === '' && (around.sharing.size > 0 || around.hasTrees)
  return spread ? overTree(given) : onOneProvider(given)
}

interface Given {
  readonly around: Surroundings
  readonly group: Group
  readonly rootId: string | null
  readonly members: ReadonlySet<string> | null
  readonly outcasts: ReadonlySet<string> | null
  readonly roomy: ReadonlyMap<string, readonly Roomy[]>
}

/** All resources of the group from one provider that has every quality itself. */
async function onOneProvider(given: Given): Promise<Options | null> {
  const { around, group, members, outcasts } = given
  const { q } = around
  const fit = group.required.length === 0 ? null : await withTraits(q, group.required)
  const unfit = group.forbidden.length === 0 ? null : await withTraits(q, [group.forbidden])
  const isGood = (id: string): boolean =>
    (fit === null || fit.has(id)) &&
    (members === null || members.has(id)) &&
    !(unfit?.has(id) ?? false) &&
    !(outcasts?.has(id) ?? false)
  const good = (await everythingFrom(given, fit)).filter(one => isGood(one.providerId))

  const sharers = good.filter(one => around.sharing.has(one.providerId)).map(one => one.providerId)
  const elsewhere = sharers.length === 0 ? [] : await anchorsOf(q, sharers)
  const byAnchor = new Map<string, [string[]]>()
  const add = (anchor: string, id: string): void => {
    if (!around.mayAnchor(anchor)) return
    const known = byAnchor.get(anchor)
    if (known === undefined) byAnchor.set(anchor, [[id]])
    else if (!known[0].includes(id)) known[0].push(id)
  }
  for (const one of good) add(one.rootId, one.providerId)
  for (const pair of elsewhere) add(pair.root_id, pair.provider_id)
  if (byAnchor.size === 0) return null
  const rootOf = new Map(good.map(one => [one.providerId, one.rootId]))
  return { group, slots: [[...group.resources]], byAnchor, meets: null, roomy: given.roomy, rootOf }
}

/** Providers with room for all resources of the group; for a group without resources those that its other wishes name. */
async function everythingFrom(
  given: Given,
  fit: ReadonlySet<string> | null,
): Promise<readonly { readonly providerId: string; readonly rootId: string }[]> {
  const { group, members, rootId, roomy } = given
  const { q } = given.around
  const [first, ...rest] = roomy.values()
  if (first !== undefined) {
    const others = rest.map(list => new Set(list.map(one => one.providerId)))
    return first.filter(one => others.every(set => set.has(one.providerId)))
  }
  const named = fit ?? members
  const providers =
    group.inTree !== null && rootId !== null
      ? await providersOfTrees(q, [rootId])
      : named === null
        ? await allProviders(q)
        : [...(await providersByIds(q, named)).values()]
  return providers.map(provider => ({ providerId: provider.id, rootId: provider.rootId }))
}

/** Each class of the group from any provider of a tree, or shared with it; qualities are met by all of them together. */
async function overTree(given: Given): Promise<Options | null> {
  const { around, group, members, outcasts, rootId } = given
  const { q } = around
  const pairs = await holdersOfTraits(q, [...group.required.flat(), ...group.forbidden])
  const forbidden = new Set(group.forbidden)
  const unfit = new Set(pairs.filter(pair => forbidden.has(pair.trait)).map(pair => pair.provider_id))
  const meets = wishesMet(group, pairs)

  const sharers = new Set<string>()
  if (rootId === null)
    for (const list of given.roomy.values())
      for (const { providerId: id } of list)
        if (around.sharing.has(id) && (members === null || members.has(id))) sharers.add(id)
  const anchorsBySharer = Map.groupBy(sharers.size === 0 ? [] : await anchorsOf(q, sharers), pair => pair.provider_id)

  const slots: Slot[] = []
  const filled: Map<string, string[]>[] = []
  for (const [resourceClass, list] of given.roomy) {
    const byAnchor = new Map<string, string[]>()
    const add = (anchor: string, id: string): void => {
      // An aggregate of the root is one of the whole tree.
      if (!around.mayAnchor(anchor) || unfit.has(id)) return
      if (members !== null && !members.has(id) && !members.has(anchor)) return
      if (outcasts !== null && (outcasts.has(id) || outcasts.has(anchor))) return
      const known = byAnchor.get(anchor)
      if (known === undefined) byAnchor.set(anchor, [id])
      else if (!known.includes(id)) known.push(id)
    }
    for (const one of list) {
      add(one.rootId, one.providerId)
      for (const pair of anchorsBySharer.get(one.providerId) ?? []) add(pair.root_id, one.providerId)
    }
    slots.push([[resourceClass, group.resources.get(resourceClass) ?? 0]])
    filled.push(byAnchor)
  }
  const byAnchor = new Map<string, string[][]>()
  for (const anchor of filled[0]?.keys() ?? []) {
    const choices = filled.map(slot => slot.get(anchor) ?? [])
    if (choices.every(choice => choice.length > 0) && couldMeetAll(group, choices, meets)) byAnchor.set(anchor, choices)
  }
  if (byAnchor.size === 0) return null
  const rootOf = new Map([...given.roomy.values()].flatMap(list => list.map(one => [one.providerId, one.rootId])))
  return { group, slots, byAnchor, meets: group.required.length === 0 ? null : meets, roomy: given.roomy, rootOf }
}

function wishesMet(
  group: Group,
  pairs: readonly { provider_id: string; trait: string }[],
): ReadonlyMap<string, ReadonlySet<number>> {
  const met = new Map<string, Set<number>>()
  for (const { provider_id: id, trait } of pairs)
    for (const [index, any] of group.required.entries())
      if (any.includes(trait)) {
        const known = met.get(id)
        if (known === undefined) met.set(id, new Set([index]))
        else known.add(index)
      }
  return met
}

const couldMeetAll = (
  group: Group,
  choices: readonly (readonly string[])[],
  meets: ReadonlyMap<string, ReadonlySet<number>>,
): boolean =>
  group.required.every((_any, index) => choices.some(choice => choice.some(id => meets.get(id)?.has(index) === true)))
