// Allocation candidates: search for each group, combine, choose so many, and show the trees they take from.
import type { Ctx } from '#kernel/lib/context.ts'
import type { Ids } from '#kernel/lib/ids.ts'
import { faults } from '#services/placement/contract/faults.ts'
import type { Q } from '#services/placement/db/providers.ts'
import { placesInTrees, stockOf } from '#services/placement/db/stock.ts'
import { traitsOf } from '#services/placement/db/traits.ts'
import { combine } from '#services/placement/domain/candidates/combine.ts'
import { optionsOf, surroundingsOf, type Options } from '#services/placement/domain/candidates/options.ts'
import type { Candidate, CandidateRequest, Candidates, Summary } from '#services/placement/domain/candidates/request.ts'
import { unknownClass } from '#services/placement/domain/resource-classes.ts'
import type { DomainTools } from '#services/placement/domain/tools.ts'
import { unknownTraits } from '#services/placement/domain/traits.ts'

const NONE: Candidates = { candidates: [], summaries: [] }

export type AllocationCandidates = ReturnType<typeof createAllocationCandidates>

export const createAllocationCandidates = ({
  database,
  settings,
  ids,
}: Pick<DomainTools, 'database' | 'settings' | 'ids'>) => {
  const find = async (q: Q, request: CandidateRequest): Promise<Candidates> => {
    await checkNames(q, request)
    const around = await surroundingsOf(q, request)
    if (around === null) return NONE
    const all: Options[] = []
    for (const group of request.groups) {
      const options = await optionsOf(around, group)
      if (options === null) return NONE
      all.push(options)
    }
    const parentOf = request.sameSubtrees.length === 0 ? new Map<string, null>() : await parents(q, all)
    const combinations = combine(all, {
      isolated: request.isolated,
      sameSubtrees: request.sameSubtrees,
      parentOf,
      breadthFirst: settings.allocationCandidatesGenerationStrategy === 'breadth-first',
    })
    const alone = !request.nested && around.hasTrees
    const rootOf = new Map(all.flatMap(options => [...options.rootOf]))
    const shuffled = settings.randomizeAllocationCandidates
    const most = settings.maxAllocationCandidates
    const enough = shuffled ? null : request.limit
    let made = 0
    let candidates: Candidate[] = []
    for (const candidate of combinations) {
      made += 1
      if (!alone || usesEachTreeOnce(candidate, rootOf)) candidates.push(candidate)
      if ((enough !== null && candidates.length >= enough) || (most >= 0 && made >= most)) break
    }
    if (shuffled) candidates = shuffle(candidates, ids)
    if (request.limit !== null) candidates = candidates.slice(0, request.limit)
    return { candidates, summaries: await summaries(q, candidates, rootOf, alone) }
  }
  return {
    /** Throws UnknownClassInQuery and UnknownTraitInQuery (400). */
    list: (ctx: Ctx, request: CandidateRequest): Promise<Candidates> =>
      database.read(ctx, 'list allocation candidates', q => find(q, request)),
  }
}

async function checkNames(q: Q, request: CandidateRequest): Promise<void> {
  const { groups } = request
  const wrongClass = await unknownClass(
    q,
    groups.flatMap(group => [...group.resources.keys()]),
  )
  if (wrongClass !== null) throw faults.UnknownClassInQuery({ name: wrongClass })
  const wrong = await unknownTraits(q, [
    ...request.rootRequired,
    ...request.rootForbidden,
    ...groups.flatMap(group => [...group.required.flat(), ...group.forbidden]),
  ])
  if (wrong[0] !== undefined) throw faults.UnknownTraitInQuery({ prefix: '', names: wrong[0] })
}

/** Parents of all providers in all trees that could serve. */
async function parents(q: Q, all: readonly Options[]): Promise<ReadonlyMap<string, string | null>> {
  const roots = new Set(all.flatMap(options => [...options.rootOf.values()]))
  return new Map((await placesInTrees(q, roots)).map(place => [place.id, place.parentId]))
}

/** compat: before 1.29 clients could not say which of several providers of a tree they meant. */
function usesEachTreeOnce(candidate: Candidate, roots: ReadonlyMap<string, string>): boolean {
  const used = new Set(candidate.takes.map(take => take.providerId))
  return new Set([...used].map(id => roots.get(id))).size === used.size
}

/** The trees that candidates take from; `alone`: only the providers themselves. */
async function summaries(
  q: Q,
  candidates: readonly Candidate[],
  rootOf: ReadonlyMap<string, string>,
  alone: boolean,
): Promise<Summary[]> {
  const used = new Set(candidates.flatMap(candidate => candidate.takes.map(take => take.providerId)))
  const roots = new Set([...used].map(id => rootOf.get(id) ?? id))
  const trees = await placesInTrees(q, roots)
  const places = alone ? trees.filter(place => used.has(place.id)) : trees
  const ids = places.map(place => place.id)
  const stock = Map.groupBy(await stockOf(q, ids), one => one.providerId)
  const traits = await traitsOf(q, ids)
  return places.map(place => ({
    place,
    stock: stock.get(place.id) ?? [],
    traits: traits.get(place.id) ?? [],
  }))
}

/** Fisher and Yates, with the platform's own dice. */
function shuffle<T>(list: readonly T[], ids: Ids): T[] {
  const mixed = [...list]
  const dice = new Uint32Array(ids.bytes(mixed.length * 4).slice().buffer)
  for (let index = mixed.length - 1; index > 0; index -= 1) {
    const other = (dice[index] ?? 0) % (index + 1)
    const one = mixed[index] as T
    mixed[index] = mixed[other] as T
    mixed[other] = one
  }
  return mixed
}
