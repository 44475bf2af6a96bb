// Clients send metadata filters as Python prints a dictionary: `{'key': 'value', u'other': "it's"}`. Read by hand, in one pass.

/** The pairs, values as text; null for anything that is no such dictionary. JSON is accepted too. */
export function pythonDict(text: string): Record<string, string> | null {
  let at = 0
  const blank = (): void => {
    while (text[at] === ' ' || text[at] === '\t' || text[at] === '\n') at += 1
  }
  const take = (sign: string): boolean => {
    blank()
    if (text[at] !== sign) return false
    at += 1
    return true
  }
  const word = (): string | null => {
    blank()
    if (text[at] === 'u' || text[at] === 'b') at += 1
    const quote = text[at]
    if (quote !== "'" && quote !== '"') {
      const from = at
      while (at < text.length && /[\w.+-]/.test(text[at] as string)) at += 1
      return at === from ? null : text.slice(from, at)
    }
    let out = ''
    for (at += 1; at < text.length; at += 1) {
      const sign = text[at] as string
      if (sign === quote) {
        at += 1
        return out
      }
      if (sign !== '\\') out += sign
      else {
        at += 1
        const next = text[at] ?? ''
        out += next === 'n' ? '\n' : next === 't' ? '\t' : next
      }
    }
    return null
  }
  if (!take('{')) return null
  const found: Record<string, string> = {}
  if (!take('}')) {
    for (;;) {
      const key = word()
      if (key === null || !take(':')) return null
      const value = word()
      if (value === null) return null
      found[key] = value
      if (take('}')) break
      if (!take(',')) return null
      if (take('}')) break
    }
  }
  blank()
  return at === text.length ? found : null
}
