// Which providers are as somebody wants them: by name, tree, aggregates, traits and room.
import { faults } from '#services/placement/contract/faults.ts'
import { membersOfAggregates } from '#services/placement/db/aggregates.ts'
import { roomyProviders } from '#services/placement/db/inventories.ts'
import {
  allProviders,
  oldestFirst,
  providerById,
  providersByIds,
  providersByName,
  providersOfTrees,
  type Provider,
  type Q,
} from '#services/placement/db/providers.ts'
import { holdersOfTraits } from '#services/placement/db/traits.ts'
import { unknownClass } from '#services/placement/domain/resource-classes.ts'
import { unknownTraits } from '#services/placement/domain/traits.ts'

/** Several wishes, each of which is met by any of its names: `[[A], [B, C]]` is A and (B or C). */
export type AnyOfEach = readonly (readonly string[])[]

/** What may be asked of one provider; groups of allocation candidates ask the same. */
export interface Qualities {
  readonly memberOf: AnyOfEach
  readonly notMemberOf: readonly string[]
  readonly required: AnyOfEach
  readonly forbidden: readonly string[]
  readonly resources: ReadonlyMap<string, number>
  /** Only this provider's tree. */
  readonly inTree: string | null
}
export interface ProviderFilter extends Qualities {
  readonly name: string | null
  readonly id: string | null
}

/** Ids that meet every wish. `holders` gives pairs of provider and name. */
function meetingAll(
  wishes: AnyOfEach,
  pairs: readonly { readonly id: string; readonly name: string }[],
): ReadonlySet<string> {
  const namesOf = new Map<string, Set<string>>()
  for (const { id, name } of pairs) {
    const names = namesOf.get(id)
    if (names === undefined) namesOf.set(id, new Set([name]))
    else names.add(name)
  }
  const met = new Set<string>()
  for (const [id, names] of namesOf) if (wishes.every(any => any.some(name => names.has(name)))) met.add(id)
  return met
}

/** Providers with a trait of each wish. */
export async function withTraits(q: Q, wishes: AnyOfEach): Promise<ReadonlySet<string>> {
  const pairs = await holdersOfTraits(q, wishes.flat())
  return meetingAll(
    wishes,
    pairs.map(pair => ({ id: pair.provider_id, name: pair.trait })),
  )
}
/** Providers in an aggregate of each wish. */
export async function inAggregates(q: Q, wishes: AnyOfEach): Promise<ReadonlySet<string>> {
  const pairs = await membersOfAggregates(q, wishes.flat())
  return meetingAll(
    wishes,
    pairs.map(pair => ({ id: pair.provider_id, name: pair.aggregate_id })),
  )
}

const intersect = (a: ReadonlySet<string> | null, b: ReadonlySet<string>): ReadonlySet<string> =>
  a === null ? b : new Set([...a].filter(id => b.has(id)))

/** Throws UnknownClassInQuery and UnknownTraitInQuery (400). */
export async function searchProviders(q: Q, filter: ProviderFilter): Promise<Provider[]> {
  const wrong = await unknownTraits(q, [...filter.required.flat(), ...filter.forbidden])
  if (wrong.length > 0)
    throw faults.UnknownTraitInQuery({ prefix: 'Invalid trait(s) in "required" parameter: ', names: wrong.join(', ') })
  const wrongClass = await unknownClass(q, filter.resources.keys())
  if (wrongClass !== null) throw faults.UnknownClassInQuery({ name: wrongClass })

  let among: ReadonlySet<string> | null = null
  if (filter.required.length > 0) among = intersect(among, await withTraits(q, filter.required))
  if (filter.memberOf.length > 0) among = intersect(among, await inAggregates(q, filter.memberOf))
  for (const [resourceClass, amount] of filter.resources) {
    if (among?.size === 0) return []
    const roomy = await roomyProviders(q, resourceClass, amount, null)
    among = intersect(among, new Set(roomy.map(one => one.providerId)))
  }
  if (among?.size === 0) return []
  const not = new Set<string>()
  if (filter.forbidden.length > 0) for (const id of await withTraits(q, [filter.forbidden])) not.add(id)
  if (filter.notMemberOf.length > 0) for (const id of await inAggregates(q, [filter.notMemberOf])) not.add(id)

  const found = await narrowest(q, filter, among)
  return found.filter(
    provider =>
      (among === null || among.has(provider.id)) &&
      !not.has(provider.id) &&
      (filter.id === null || provider.id === filter.id) &&
      (filter.name === null || provider.name === filter.name),
  )
}

/** Reads as few providers as the filter allows, oldest first. */
async function narrowest(q: Q, filter: ProviderFilter, among: ReadonlySet<string> | null): Promise<Provider[]> {
  if (filter.inTree !== null) {
    const member = await providerById(q, filter.inTree)
    return member === null ? [] : providersOfTrees(q, [member.rootId])
  }
  if (filter.id !== null) {
    const one = await providerById(q, filter.id)
    return one === null ? [] : [one]
  }
  if (filter.name !== null) return providersByName(q, filter.name)
  if (among !== null) return [...(await providersByIds(q, among)).values()].sort(oldestFirst)
  return allProviders(q)
}
