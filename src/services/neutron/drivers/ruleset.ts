// A small model of an nft table and the script that turns one state of it into another, in one transaction.

/** A table's contents: everything by name, rules as text, in order. */
export interface Ruleset {
  readonly family: 'bridge' | 'inet' | 'ip' | 'ip6'
  readonly table: string
  /** `add set` bodies (type, flags) and elements. */
  readonly sets: ReadonlyMap<string, { readonly body: string; readonly elements: readonly string[] }>
  /** Maps of keys to verdicts or data. */
  readonly maps: ReadonlyMap<string, { readonly body: string; readonly elements: ReadonlyMap<string, string> }>
  /** `hook` is the base chain's line; an ordinary chain has none. */
  readonly chains: ReadonlyMap<string, { readonly hook?: string; readonly rules: readonly string[] }>
}

/** The whole table from nothing, replacing whatever has its name. */
export function wholeScript(set: Ruleset): string {
  const at = `${set.family} ${set.table}`
  return [`add table ${at}`, `delete table ${at}`, `add table ${at}`, ...changes(emptyOf(set), set)].join('\n') + '\n'
}

/** What turns `before` into `after`; empty when they are equal. Both must be the same table. */
export function changeScript(before: Ruleset, after: Ruleset): string {
  const lines = changes(before, after)
  return lines.length === 0 ? '' : lines.join('\n') + '\n'
}

function emptyOf(set: Ruleset): Ruleset {
  return { family: set.family, table: set.table, sets: new Map(), maps: new Map(), chains: new Map() }
}

function changes(before: Ruleset, after: Ruleset): string[] {
  const at = `${after.family} ${after.table}`
  const make: string[] = []
  const fill: string[] = []
  const clear: string[] = []
  // Names first, so that rules and elements may point at them whatever their order.
  for (const [name, set] of after.sets) {
    const old = before.sets.get(name)
    if (old === undefined) make.push(`add set ${at} ${name} { ${set.body} }`)
    if (same(old?.elements ?? [], set.elements)) continue
    if (old !== undefined) fill.push(`flush set ${at} ${name}`)
    if (set.elements.length > 0) fill.push(`add element ${at} ${name} { ${set.elements.join(', ')} }`)
  }
  for (const [name, chain] of after.chains) {
    const old = before.chains.get(name)
    if (old === undefined) make.push(`add chain ${at} ${name}${chain.hook === undefined ? '' : ` { ${chain.hook} }`}`)
    if (same(old?.rules ?? [], chain.rules)) continue
    if (old !== undefined) fill.push(`flush chain ${at} ${name}`)
    for (const rule of chain.rules) fill.push(`add rule ${at} ${name} ${rule}`)
  }
  for (const [name, map] of after.maps) {
    const old = before.maps.get(name)
    if (old === undefined) make.push(`add map ${at} ${name} { ${map.body} }`)
    const gone = [...(old?.elements ?? [])].filter(([key, value]) => map.elements.get(key) !== value)
    const come = [...map.elements].filter(([key, value]) => old?.elements.get(key) !== value)
    if (gone.length > 0) clear.push(`delete element ${at} ${name} { ${gone.map(pair).join(', ')} }`)
    if (come.length > 0) fill.push(`add element ${at} ${name} { ${come.map(pair).join(', ')} }`)
  }
  const drop: string[] = []
  for (const name of before.chains.keys()) if (!after.chains.has(name)) drop.push(`flush chain ${at} ${name}`)
  for (const name of before.chains.keys()) if (!after.chains.has(name)) drop.push(`delete chain ${at} ${name}`)
  for (const name of before.maps.keys()) if (!after.maps.has(name)) drop.push(`delete map ${at} ${name}`)
  for (const name of before.sets.keys()) if (!after.sets.has(name)) drop.push(`delete set ${at} ${name}`)
  return [...make, ...clear, ...fill, ...drop]
}

const pair = ([key, value]: readonly [string, string]): string => `${key} : ${value}`
const same = (a: readonly string[], b: readonly string[]): boolean =>
  a.length === b.length && a.every((text, index) => text === b[index])
