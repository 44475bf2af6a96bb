// Sums of prefixes: put together, take away, what is left. Pure.
import { overlap, type Cidr, type IpVersion } from '#services/neutron/domain/addresses.ts'

const bitsOf = (version: IpVersion): number => (version === 4 ? 32 : 128)
const cidr = (version: IpVersion, first: bigint, prefix: number): Cidr => ({
  version,
  first,
  last: first | ((1n << BigInt(bitsOf(version) - prefix)) - 1n),
  prefix,
  ip: first,
})

/** The fewest prefixes that cover exactly a range. */
function cover(version: IpVersion, first: bigint, last: bigint): Cidr[] {
  const found: Cidr[] = []
  let at = first
  while (at <= last) {
    let prefix = bitsOf(version)
    // As wide as it can be: it begins on a boundary of its size and does not reach beyond the end.
    while (prefix > 0) {
      const size = 1n << BigInt(bitsOf(version) - prefix + 1)
      if (at % size !== 0n || at + size - 1n > last) break
      prefix -= 1
    }
    const block = cidr(version, at, prefix)
    found.push(block)
    at = block.last + 1n
  }
  return found
}

/** The same addresses in as few prefixes as can be, in order. All of one family. */
export function compact(all: readonly Cidr[]): Cidr[] {
  const sorted = [...all].sort((a, b) => (a.first < b.first ? -1 : a.first > b.first ? 1 : 0))
  const ranges: { version: IpVersion; first: bigint; last: bigint }[] = []
  for (const one of sorted) {
    const before = ranges.at(-1)
    if (before !== undefined && one.first <= before.last + 1n) {
      if (one.last > before.last) before.last = one.last
    } else ranges.push({ version: one.version, first: one.first, last: one.last })
  }
  return ranges.flatMap(range => cover(range.version, range.first, range.last))
}

const covers = (outer: Cidr, inner: Cidr): boolean =>
  outer.version === inner.version && outer.first <= inner.first && outer.last >= inner.last
/** Whether every address of these is among those. */
export const within = (some: readonly Cidr[], all: readonly Cidr[]): boolean => {
  const whole = compact(all)
  return some.every(one => whole.some(other => covers(other, one)))
}

/** What is left of prefixes without others. */
export function without(all: readonly Cidr[], taken: readonly Cidr[]): Cidr[] {
  const left = (block: Cidr): Cidr[] => {
    const touching = taken.filter(one => overlap(one, block))
    if (touching.length === 0) return [block]
    if (touching.some(one => covers(one, block))) return []
    const lower = cidr(block.version, block.first, block.prefix + 1)
    return [...left(lower), ...left(cidr(block.version, lower.last + 1n, block.prefix + 1))]
  }
  return compact(compact(all).flatMap(left))
}

/** A free prefix of this length, from the smallest block that has room; null when there is none. */
export function nextFree(all: readonly Cidr[], taken: readonly Cidr[], prefix: number): Cidr | null {
  const [block] = without(all, taken)
    .filter(one => one.prefix <= prefix)
    .sort((a, b) => b.prefix - a.prefix)
  return block === undefined ? null : cidr(block.version, block.first, prefix)
}
