// The types an option may have, and how the text a person typed becomes a value.

/** `bool`, `text`, `int`, `number`, `gb` (10, 10G, 1T → GB), `seconds` (30, 30s, 5m), `list` (a,b), or a tuple of allowed words. */
export type OptionType = 'bool' | 'text' | 'int' | 'number' | 'gb' | 'seconds' | 'list' | readonly string[]

export type ValueOf<T extends OptionType> = T extends 'bool'
  ? boolean
  : T extends 'text'
    ? string
    : T extends 'int' | 'number' | 'gb' | 'seconds'
      ? number
      : T extends 'list'
        ? readonly string[]
        : T extends readonly (infer W)[]
          ? W
          : never

export type Parsed = { readonly ok: true; readonly value: unknown } | { readonly ok: false; readonly says: string }

const good = (value: unknown): Parsed => ({ ok: true, value })
const bad = (says: string): Parsed => ({ ok: false, says })

const TRUE = /^(1|t|true|on|y|yes)$/i
const FALSE = /^(0|f|false|off|n|no)$/i
const GB = /^(\d+(?:\.\d+)?)\s*([kmgt]?)i?b?$/i
const SECONDS = /^(\d+(?:\.\d+)?)\s*(ms|s|m|h|d)?$/i

/** Reads one value. `says` completes the sentence «option … .» */
export function parseOption(type: OptionType, text: string, limits: { min?: number; max?: number } = {}): Parsed {
  const inside = (value: number): Parsed => {
    if (limits.min !== undefined && value < limits.min) return bad(`must be at least ${limits.min}, not ${text}`)
    if (limits.max !== undefined && value > limits.max) return bad(`must be at most ${limits.max}, not ${text}`)
    return good(value)
  }
  if (typeof type !== 'string') {
    return type.includes(text) ? good(text) : bad(`must be one of ${type.join(', ')}, not ${text}`)
  }
  switch (type) {
    case 'text':
      return good(text)
    case 'bool':
      if (TRUE.test(text)) return good(true)
      return FALSE.test(text) ? good(false) : bad(`must be true or false, not ${text}`)
    case 'int':
      return /^-?\d{1,15}$/.test(text) ? inside(Number(text)) : bad(`must be a whole number, not ${text}`)
    case 'number':
      return /^-?\d{1,15}(\.\d+)?$/.test(text) ? inside(Number(text)) : bad(`must be a number, not ${text}`)
    case 'gb': {
      const match = GB.exec(text)
      if (match === null) return bad(`must be a size such as 10G, not ${text}`)
      const scale = { k: 1 / 1024 ** 2, m: 1 / 1024, g: 1, t: 1024, '': 1 }[(match[2] ?? '').toLowerCase()] ?? 1
      return inside(Number(match[1]) * scale)
    }
    case 'seconds': {
      const match = SECONDS.exec(text)
      if (match === null) return bad(`must be a time such as 30s or 5m, not ${text}`)
      const scale = { ms: 0.001, s: 1, m: 60, h: 3600, d: 86_400 }[(match[2] ?? 's').toLowerCase()] ?? 1
      return inside(Number(match[1]) * scale)
    }
    case 'list':
      return good(
        Object.freeze(
          text
            .split(',')
            .map(word => word.trim())
            .filter(word => word !== ''),
        ),
      )
  }
}
