// TypeScript text seen roughly: comments and the insides of strings blanked, so that rules can look at code alone.

export interface Import {
  readonly specifier: string
  /** `import type …` and `export type … from`: gone when the program runs. */
  readonly typeOnly: boolean
  /** `import('…')`: loaded only when reached. */
  readonly lazy: boolean
  /** `export … from`. */
  readonly reExport: boolean
  readonly line: number
}

/** The same text, same length, same lines: comments and string contents are blanks, quotes stay. */
export function codeOnly(text: string): string {
  const out = text.split('')
  const blank = (from: number, to: number): void => {
    for (let i = from; i < to; i++) if (out[i] !== '\n') out[i] = ' '
  }
  const templates: number[] = [] // depth of braces at which each open `${` ends
  let depth = 0
  let before = '' // last character of code that is no blank
  let i = 0
  const template = (from: number): number => {
    let at = from
    while (at < text.length && text[at] !== '`') {
      if (text[at] === '\\') at += 2
      else if (text[at] === '$' && text[at + 1] === '{') {
        blank(from, at)
        templates.push(depth)
        depth += 1
        before = '{'
        return at + 2
      } else at += 1
    }
    blank(from, Math.min(at, text.length))
    before = '`'
    return at + 1
  }
  while (i < text.length) {
    const letter = text[i] ?? ''
    const next = text[i + 1]
    if (letter === '/' && next === '/') {
      const end = text.indexOf('\n', i)
      blank(i, end === -1 ? text.length : end)
      i = end === -1 ? text.length : end
    } else if (letter === '/' && next === '*') {
      const end = text.indexOf('*/', i + 2)
      blank(i, end === -1 ? text.length : end + 2)
      i = end === -1 ? text.length : end + 2
    } else if (letter === "'" || letter === '"') {
      let at = i + 1
      while (at < text.length && text[at] !== letter && text[at] !== '\n') at += text[at] === '\\' ? 2 : 1
      blank(i + 1, at)
      i = at + 1
      before = letter
    } else if (letter === '`') {
      i = template(i + 1)
    } else if (letter === '/' && startsRegExp(text, i, before)) {
      let at = i + 1
      for (let inClass = false; at < text.length && (inClass || text[at] !== '/') && text[at] !== '\n'; at++) {
        if (text[at] === '\\') at += 1
        else if (text[at] === '[') inClass = true
        else if (text[at] === ']') inClass = false
      }
      blank(i + 1, at)
      i = at + 1
      before = '/'
    } else {
      if (letter === '{') depth += 1
      if (letter === '}') {
        depth -= 1
        if (templates.at(-1) === depth) {
          templates.pop()
          i = template(i + 1)
          continue
        }
      }
      if (!/\s/.test(letter)) before = letter
      i += 1
    }
  }
  return out.join('')
}

/** A slash after an operator, a bracket or a word such as `return` begins a regular expression; after a value it divides. */
function startsRegExp(text: string, at: number, before: string): boolean {
  if (before === '' || '(,=:[!&|?{};+-*%~^<>'.includes(before)) return true
  return /(?:^|[^\w.$])(?:return|typeof|case|in|of|do|else|void|delete|throw|new|await|yield)\s*$/.test(
    text.slice(Math.max(0, at - 20), at),
  )
}

const STATIC = /(?:^|[;\n}])\s*(import|export)\b([^;'"]*?)(?:\bfrom\s*|\s)(['"])/g
const LAZY = /\bimport\(\s*(['"])/g

/** Every import in the file, dynamic ones too. `code` is {@link codeOnly} of `text`. */
export function importsOf(text: string, code: string): Import[] {
  const found: Import[] = []
  const add = (quoteAt: number, quote: string, rest: Omit<Import, 'specifier' | 'line'>): void => {
    const end = text.indexOf(quote, quoteAt + 1)
    found.push({ ...rest, specifier: text.slice(quoteAt + 1, end), line: lineAt(text, quoteAt) })
  }
  for (const match of code.matchAll(STATIC)) {
    const [whole, word = '', names = '', quote = ''] = match
    const from = /\bfrom\s*['"]$/.test(whole)
    // `export const x = '…'` is no import; `import '…'` is one without names.
    if (!from && (word === 'export' || names.trim() !== '')) continue
    add(match.index + whole.length - 1, quote, {
      typeOnly: /^\s*type\b/.test(names),
      lazy: false,
      reExport: word === 'export',
    })
  }
  for (const match of code.matchAll(LAZY)) {
    add(match.index + match[0].length - 1, match[1] ?? '', { typeOnly: false, lazy: true, reExport: false })
  }
  return found
}

export const lineAt = (text: string, index: number): number => {
  let line = 1
  for (let i = text.indexOf('\n'); i !== -1 && i < index; i = text.indexOf('\n', i + 1)) line += 1
  return line
}
