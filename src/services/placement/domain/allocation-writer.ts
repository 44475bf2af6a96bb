// The one place that writes allocations. What a consumer held is replaced by what it shall hold, all consumers of a request at
// once, and no inventory gives more than it has.
import { isDuplicate } from '#kernel/db/errors.ts'
import { faults } from '#services/placement/contract/faults.ts'
import {
  allocationsOfConsumers,
  consumersByIds,
  deleteAllocationsOf,
  deleteConsumers,
  insertAllocations,
  insertConsumer,
  updateConsumer,
  type Allocation,
  type Consumer,
} from '#services/placement/db/allocations.ts'
import { inventoriesOf, moveUsed, type Inventory } from '#services/placement/db/inventories.ts'
import { providersByIds, type Provider, type Q } from '#services/placement/db/providers.ts'
import { bump } from '#services/placement/domain/generations.ts'
import { unknownClass } from '#services/placement/domain/resource-classes.ts'

/** What a consumer shall hold. */
export interface Claim {
  readonly consumerId: string
  readonly projectId: string
  readonly userId: string
  /** Undefined: as it is (before 1.38). */
  readonly type: string | undefined
  /** The generation the client knows, null for a consumer that is new; undefined: not looked at (before 1.28). */
  readonly generation: number | null | undefined
  /** Provider → resource class → amount. Empty: the consumer lets go of everything. */
  readonly resources: ReadonlyMap<string, ReadonlyMap<string, number>>
}
type Wanted = Omit<Allocation, 'createdAt'>

const keyOf = (at: { providerId: string; resourceClass: string }): string => `${at.providerId} ${at.resourceClass}`

/**
 * Throws ConsumerConflict, NothingToAllocate, ConstraintsViolated, CapacityExceeded, AllocationConflict and ConcurrentUpdate (409),
 * AllocationProviderNotFound (400), and what `unknown` makes of a resource class that does not exist.
 */
export async function replaceAllocations(
  q: Q,
  claims: readonly Claim[],
  now: number,
  unknown: (resourceClass: string) => Error,
): Promise<void> {
  const ids = claims.map(claim => claim.consumerId)
  const consumers = await consumersByIds(q, ids)
  for (const claim of claims) checkGeneration(claim, consumers.get(claim.consumerId))

  const wanted = claims.flatMap(wantedBy)
  const held = consumers.size === 0 ? [] : await allocationsOfConsumers(q, consumers.keys())
  const letsGo = new Set(claims.filter(claim => claim.resources.size === 0).map(claim => claim.consumerId))
  // Providers that a consumer merely moved away from keep their generation, as upstream's do.
  const named = [...wanted, ...held.filter(one => letsGo.has(one.consumerId))].map(one => one.providerId)
  const providers = await providersByIds(q, named)
  const missing = named.find(id => !providers.has(id))
  if (missing !== undefined) throw faults.AllocationProviderNotFound({ id: missing })
  const wrong = await unknownClass(
    q,
    wanted.map(one => one.resourceClass),
  )
  if (wrong !== null) throw unknown(wrong)

  const inventories = wanted.length === 0 ? [] : await inventoriesOf(q, new Set(wanted.map(one => one.providerId)))
  checkRoom(wanted, held, inventories)

  await write(q, { claims, consumers, wanted, held, providers }, now)
}

const wantedBy = (claim: Claim): Wanted[] =>
  [...claim.resources].flatMap(([providerId, resources]) =>
    [...resources].map(([resourceClass, used]) => ({ consumerId: claim.consumerId, providerId, resourceClass, used })),
  )

function checkGeneration(claim: Claim, consumer: Consumer | undefined): void {
  if (claim.generation === undefined) return
  const expected = consumer?.generation ?? null
  if (claim.generation === expected) return
  // compat: a generation that is there and was not named is Python's None, one that is not there is null.
  throw faults.ConsumerConflict({ expected: expected ?? 'null', got: claim.generation ?? 'None' })
}

/** Every amount must fit its inventory beside what others hold, unless it holds no more than before. */
function checkRoom(wanted: readonly Wanted[], held: readonly Allocation[], inventories: readonly Inventory[]): void {
  const inventory = new Map(inventories.map(one => [keyOf(one), one]))
  const freed = sums(held)
  const needed = sums(wanted)
  const provided = new Set(inventories.map(one => one.providerId))
  const bare = wanted.find(one => !provided.has(one.providerId))
  if (bare !== undefined)
    throw faults.NothingToAllocate({
      classes: [...new Set(wanted.map(one => one.resourceClass))].join(', '),
      id: bare.providerId,
    })
  for (const one of wanted) {
    const of = inventory.get(keyOf(one))
    const where = { resourceClass: one.resourceClass, id: one.providerId }
    if (of === undefined) throw faults.NothingToAllocate({ classes: one.resourceClass, id: one.providerId })
    if (one.used < of.minUnit || one.used > of.maxUnit || one.used % of.stepSize !== 0)
      throw faults.ConstraintsViolated(where)
    const after = of.used - (freed.get(keyOf(one)) ?? 0) + (needed.get(keyOf(one)) ?? 0)
    const capacity = (of.total - of.reserved) * of.allocationRatio
    // An inventory that shrank under its allocations may be given less, though still too much.
    if (after > capacity && after > of.used) throw faults.CapacityExceeded(where)
  }
}

function sums(of: readonly Wanted[]): Map<string, number> {
  const sum = new Map<string, number>()
  for (const one of of) sum.set(keyOf(one), (sum.get(keyOf(one)) ?? 0) + one.used)
  return sum
}

interface Change {
  readonly claims: readonly Claim[]
  readonly consumers: ReadonlyMap<string, Consumer>
  readonly wanted: readonly Wanted[]
  readonly held: readonly Allocation[]
  readonly providers: ReadonlyMap<string, Provider>
}

async function write(q: Q, change: Change, now: number): Promise<void> {
  const { claims, consumers, wanted, held } = change
  // First of all: who lost the race for a provider leaves before he has touched anything else of it.
  for (const provider of change.providers.values()) await bump(q, provider, now)
  if (held.length > 0) await deleteAllocationsOf(q, consumers.keys())
  const gone: string[] = []
  for (const claim of claims) {
    const before = consumers.get(claim.consumerId)
    const { projectId, userId } = claim
    if (claim.resources.size === 0) {
      if (before !== undefined) gone.push(before.id)
    } else if (before === undefined) {
      await introduce(q, { id: claim.consumerId, projectId, userId, type: claim.type ?? null, generation: 1 }, now)
    } else if (!(await updateConsumer(q, before, { projectId, userId, type: claim.type ?? before.type }, now)))
      throw faults.AllocationConflict()
  }
  if (gone.length > 0) await deleteConsumers(q, gone)
  await insertAllocations(q, wanted, now)
  await moveAllUsed(q, held, wanted)
}

async function introduce(q: Q, consumer: Consumer, now: number): Promise<void> {
  try {
    await insertConsumer(q, consumer, now)
  } catch (error) {
    if (isDuplicate(error)) throw faults.AllocationConflict()
    throw error
  }
}

/** Keeps `used` of every inventory the sum of its allocations. */
async function moveAllUsed(q: Q, before: readonly Wanted[], after: readonly Wanted[]): Promise<void> {
  const by = sums([...after, ...before.map(one => ({ ...one, used: -one.used }))])
  for (const [key, amount] of by) {
    if (amount === 0) continue
    const [providerId = '', resourceClass = ''] = key.split(' ')
    await moveUsed(q, providerId, resourceClass, amount)
  }
}

/** Takes everything from a consumer, and its name; false when it held nothing. Moves no provider's generation, as upstream. */
export async function releaseAllocations(q: Q, consumerId: string): Promise<boolean> {
  const held = await allocationsOfConsumers(q, [consumerId])
  if (held.length === 0) return false
  await deleteAllocationsOf(q, [consumerId])
  await deleteConsumers(q, [consumerId])
  await moveAllUsed(q, held, [])
  return true
}
