// oslo.policy's check strings, parsed once into functions. Facts of the language: `or`, `and`, `not`, parentheses,
// `@` (always), `!` (never), `rule:NAME`, `role:NAME`, and `KIND:MATCH` where MATCH may hold `%(key)s` of the target.

/** What a token says of its bearer, under the names check strings use. */
export interface Creds {
  readonly roles: readonly string[]
  readonly [name: string]: unknown
}
/** Facts of the thing acted upon, from stored data only. `OWN` means: every id of it is the caller's own. */
export type Target = Readonly<Record<string, unknown>>
export const OWN: unique symbol = Symbol('a target that is wholly the callers own')
export type TargetOrOwn = Target | typeof OWN

export type Check = (creds: Creds, target: TargetOrOwn, rules: ReadonlyMap<string, Check>) => boolean

/** Splits a check string into words; `%(a.b)s` is kept whole before brackets are looked at. Quotes group. */
function tokens(text: string): string[] {
  const found: string[] = []
  let index = 0
  while (index < text.length) {
    const char = text[index] as string
    if (/\s/.test(char)) index++
    else if (char === '(' || char === ')') {
      found.push(char)
      index++
    } else {
      let word = ''
      while (index < text.length) {
        const at = text[index] as string
        if (at === '%' && text[index + 1] === '(') {
          const end = text.indexOf(')s', index)
          if (end < 0) throw new SyntaxError(`unclosed %( in "${text}"`)
          word += text.slice(index, end + 2)
          index = end + 2
        } else if (at === "'" || at === '"') {
          const end = text.indexOf(at, index + 1)
          if (end < 0) throw new SyntaxError(`unclosed quote in "${text}"`)
          word += text.slice(index, end + 1)
          index = end + 1
        } else if (/[\s()]/.test(at)) break
        else {
          word += at
          index++
        }
      }
      found.push(word)
    }
  }
  return found
}

const lookup = (bag: Readonly<Record<string, unknown>>, path: string): unknown => {
  if (path in bag) return bag[path]
  let value: unknown = bag
  for (const part of path.split('.')) {
    if (typeof value !== 'object' || value === null) return undefined
    value = (value as Record<string, unknown>)[part]
  }
  return value
}
/** How Python would print it: check strings compare text. */
const printed = (value: unknown): string => {
  if (value === null) return 'None'
  if (value === true) return 'True'
  if (value === false) return 'False'
  return String(value)
}

function leaf(word: string): Check {
  if (word === '@') return () => true
  if (word === '!') return () => false
  const colon = word.indexOf(':')
  if (colon < 0) throw new SyntaxError(`"${word}" is not a check`)
  const kind = word.slice(0, colon)
  const match = word.slice(colon + 1)
  if (kind === 'rule') {
    return (creds, target, rules) => {
      const rule = rules.get(match)
      return rule !== undefined && rule(creds, target, rules) // unknown rule: denied
    }
  }
  if (kind === 'role' && !match.includes('%(')) {
    const wanted = match.toLowerCase()
    return creds => creds.roles.includes(wanted)
  }
  if (kind === 'field') {
    // Neutron: field:RESOURCE:ATTRIBUTE=VALUE, `~regex` for prefixes
    const equal = match.indexOf('=')
    const attribute = match.slice(match.indexOf(':') + 1, equal)
    const wanted = match.slice(equal + 1)
    const pattern = wanted.startsWith('~') ? new RegExp(wanted.slice(1)) : null
    return (_creds, target) => {
      if (target === OWN) return false
      const value = target[attribute]
      if (value === undefined) return false
      return pattern === null ? printed(value) === wanted : pattern.test(String(value))
    }
  }
  const constant = /^(['"])(.*)\1$/.exec(kind)?.[2] ?? (/^(None|True|False|\d+)$/.test(kind) ? kind : null)
  const from = (creds: Creds): unknown => (constant === null ? lookup(creds, kind) : constant)
  if (!match.includes('%(')) {
    const wanted = /^(['"])(.*)\1$/.exec(match)?.[2] ?? match
    return creds => {
      const value = from(creds)
      return Array.isArray(value)
        ? value.map(printed).includes(wanted)
        : value !== undefined && printed(value) === wanted
    }
  }
  const keys = [...match.matchAll(/%\(([^)]*)\)s/g)].map(found => found[1] as string)
  return (creds, target) => {
    const value = from(creds)
    if (target === OWN) return constant !== null || (value !== null && value !== undefined)
    let wanted = match
    for (const key of keys) {
      const found = lookup(target, key)
      if (found === undefined) return false
      wanted = wanted.replace(`%(${key})s`, () => printed(found))
    }
    if (value === null || value === undefined) return false
    return Array.isArray(value) ? value.map(printed).includes(wanted) : printed(value) === wanted
  }
}

/** Parses a check string. Throws SyntaxError: a bad policy file stops the program. The empty string allows. */
export function parseCheck(text: string): Check {
  const words = tokens(text)
  if (words.length === 0) return () => true
  let index = 0
  const peek = (): string | undefined => words[index]?.toLowerCase()
  const either = (): Check => {
    const parts = [both()]
    while (peek() === 'or') {
      index++
      parts.push(both())
    }
    return parts.length === 1 ? (parts[0] as Check) : (c, t, r) => parts.some(part => part(c, t, r))
  }
  const both = (): Check => {
    const parts = [one()]
    while (peek() === 'and') {
      index++
      parts.push(one())
    }
    return parts.length === 1 ? (parts[0] as Check) : (c, t, r) => parts.every(part => part(c, t, r))
  }
  const one = (): Check => {
    const word = words[index++]
    if (word === undefined) throw new SyntaxError(`"${text}" ends too early`)
    if (word.toLowerCase() === 'not') {
      const from = index
      const inner = one()
      // What does not look at the target is known; of the rest the best is taken for OWN.
      const isKnown = !words.slice(from, index).some(part => part.includes('%(') || /^(?:field|rule):/i.test(part))
      return (c, t, r) => (t === OWN && !isKnown) || !inner(c, t, r)
    }
    if (word === '(') {
      const inner = either()
      if (words[index++] !== ')') throw new SyntaxError(`"${text}" lacks a closing bracket`)
      return inner
    }
    return leaf(word)
  }
  const whole = either()
  if (index < words.length) throw new SyntaxError(`"${text}": "${words[index] ?? ''}" is left over`)
  return whole
}
