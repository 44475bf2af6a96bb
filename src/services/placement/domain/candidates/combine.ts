// From the options of every group to whole candidates: one way for each group, all in the same tree, together within what the
// providers have. Pure, and lazy: who wants ten candidates does not pay for ten thousand.
import type { Options } from '#services/placement/domain/candidates/options.ts'
import type { Candidate, CandidateRequest, Take } from '#services/placement/domain/candidates/request.ts'

/** What combinations must know beside the options. */
export interface CombineRules extends Pick<CandidateRequest, 'isolated' | 'sameSubtrees'> {
  readonly breadthFirst: boolean
  /** Provider → parent; only asked when there are `sameSubtrees`. */
  readonly parentOf: ReadonlyMap<string, string | null>
}

/** One way to serve one group. */
interface Part {
  readonly suffix: string
  readonly takes: readonly Take[]
  readonly providers: readonly string[]
}
interface Room {
  readonly left: number
  readonly maxUnit: number
}

/** All candidates, each once. */
export function* combine(all: readonly Options[], rules: CombineRules): Generator<Candidate> {
  const room = roomOf(all)
  const anchors = [...(all[0]?.byAnchor.keys() ?? [])].filter(anchor => all.every(one => one.byAnchor.has(anchor)))
  const trees = anchors.map(anchor => inTree(anchor, all, rules, room))
  const seen = new Set<string>()
  for (const candidate of rules.breadthFirst ? inTurn(trees) : oneByOne(trees)) {
    const key = keyOf(candidate)
    if (seen.has(key)) continue
    seen.add(key)
    yield candidate
  }
}

function* oneByOne<T>(lists: readonly Generator<T>[]): Generator<T> {
  for (const list of lists) yield* list
}
function* inTurn<T>(lists: readonly Generator<T>[]): Generator<T> {
  let open = [...lists]
  while (open.length > 0) {
    const next: Generator<T>[] = []
    for (const list of open) {
      const got = list.next()
      if (got.done === true) continue
      yield got.value
      next.push(list)
    }
    open = next
  }
}

/** A sharing provider serves many trees in the same way: that is one candidate. */
function keyOf(candidate: Candidate): string {
  const takes = candidate.takes.map(take => `${take.providerId} ${take.resourceClass} ${take.amount}`).sort()
  const mappings = [...candidate.mappings].map(([suffix, ids]) => `${suffix}=${[...ids].sort().join(',')}`).sort()
  return `${takes.join(';')} ${mappings.join(';')}`
}

/** What is left of classes that several groups want: only these can be too much together. */
function roomOf(all: readonly Options[]): ReadonlyMap<string, Room> {
  const seen = new Set<string>()
  const shared = new Set<string>()
  for (const { group } of all)
    for (const resourceClass of group.resources.keys()) (seen.has(resourceClass) ? shared : seen).add(resourceClass)
  const room = new Map<string, Room>()
  for (const { roomy } of all)
    for (const [resourceClass, list] of roomy)
      if (shared.has(resourceClass)) for (const one of list) room.set(`${one.providerId} ${resourceClass}`, one)
  return room
}

function* inTree(
  anchor: string,
  all: readonly Options[],
  rules: CombineRules,
  room: ReadonlyMap<string, Room>,
): Generator<Candidate> {
  const parts: Part[][] = []
  for (const options of all) {
    const some = [...partsOf(anchor, options)]
    if (some.length === 0) return
    parts.push(some)
  }
  const chosen: Part[] = []
  const taken = new Map<string, number>()
  const alone = new Set<string>()

  function* choose(index: number): Generator<Candidate> {
    if (index === parts.length) {
      if (inSameSubtrees(chosen, rules)) yield whole(chosen)
      return
    }
    for (const part of parts[index] ?? []) {
      const provider = part.suffix === '' || !rules.isolated ? undefined : part.providers[0]
      if (provider !== undefined && alone.has(provider)) continue
      if (!fits(part, taken, room)) continue
      move(part, taken, room, 1)
      if (provider !== undefined) alone.add(provider)
      chosen.push(part)
      yield* choose(index + 1)
      chosen.pop()
      if (provider !== undefined) alone.delete(provider)
      move(part, taken, room, -1)
    }
  }
  yield* choose(0)
}

/** Every way to fill the group's slots in this tree such that its required traits are met. */
function* partsOf(anchor: string, options: Options): Generator<Part> {
  const { slots, group, meets } = options
  const choices = options.byAnchor.get(anchor) ?? []
  const picked: string[] = []
  function* pick(index: number): Generator<Part> {
    if (index < slots.length) {
      for (const id of choices[index] ?? []) {
        picked.push(id)
        yield* pick(index + 1)
        picked.pop()
      }
      return
    }
    if (meets !== null && !group.required.every((_any, wish) => picked.some(id => meets.get(id)?.has(wish) === true)))
      return
    const takes = slots.flatMap((slot, at) =>
      slot.map(([resourceClass, amount]) => ({ providerId: picked[at] ?? '', resourceClass, amount })),
    )
    yield { suffix: group.suffix, takes, providers: [...new Set(picked)] }
  }
  yield* pick(0)
}

function fits(part: Part, taken: ReadonlyMap<string, number>, room: ReadonlyMap<string, Room>): boolean {
  if (room.size === 0) return true
  for (const take of part.takes) {
    const key = `${take.providerId} ${take.resourceClass}`
    const of = room.get(key)
    if (of === undefined) continue
    const sum = (taken.get(key) ?? 0) + take.amount
    if (sum > of.left || sum > of.maxUnit) return false
  }
  return true
}
function move(part: Part, taken: Map<string, number>, room: ReadonlyMap<string, Room>, sign: 1 | -1): void {
  if (room.size === 0) return
  for (const take of part.takes) {
    const key = `${take.providerId} ${take.resourceClass}`
    if (room.has(key)) taken.set(key, (taken.get(key) ?? 0) + sign * take.amount)
  }
}

function whole(parts: readonly Part[]): Candidate {
  const mappings = new Map(parts.map(part => [part.suffix, part.providers]))
  const only = parts[0]
  if (parts.length === 1 && only !== undefined) return { takes: only.takes, mappings }
  const takes = new Map<string, Take>()
  for (const part of parts)
    for (const take of part.takes) {
      const key = `${take.providerId} ${take.resourceClass}`
      const known = takes.get(key)
      takes.set(key, known === undefined ? take : { ...take, amount: known.amount + take.amount })
    }
  return { takes: [...takes.values()], mappings }
}

function inSameSubtrees(parts: readonly Part[], rules: CombineRules): boolean {
  return rules.sameSubtrees.every(suffixes => {
    const ids = new Set(parts.filter(part => suffixes.includes(part.suffix)).flatMap(part => part.providers))
    const lineages = [...ids].map(id => lineage(id, rules.parentOf))
    return [...ids].some(id => lineages.every(line => line.has(id)))
  })
}
/** The provider and all above it. */
function lineage(id: string, parentOf: ReadonlyMap<string, string | null>): ReadonlySet<string> {
  const line = new Set<string>()
  for (let at: string | null = id; at !== null && !line.has(at); at = parentOf.get(at) ?? null) line.add(at)
  return line
}
