// Neutron's words for attributes, beside the kernel's: what it accepts is looser than JSON (booleans and numbers as text).
import type { Shape } from '#kernel/contract/shape.ts'
import { raw, text } from '#kernel/contract/shapes.ts'

const TRUE = ['1', 't', 'true', 'on', 'y', 'yes']
const FALSE = ['0', 'f', 'false', 'off', 'n', 'no']
const spellings = (words: readonly string[]): string[] => [
  ...new Set(words.flatMap(word => [word, word.toUpperCase(), word.slice(0, 1).toUpperCase() + word.slice(1)])),
]
const TRUES: readonly unknown[] = [true, 1, ...spellings(TRUE)]
const FALSES: readonly unknown[] = [false, 0, ...spellings(FALSE)]

/** A boolean, or what upstream's converter makes one of. */
export const bool: Shape<boolean> = raw({ enum: [...TRUES, ...FALSES] }, value => TRUES.includes(value))

export const NAME_MAX = 255
/** A name: may be empty, has no control characters and no blanks around it. */
export const name: Shape<string> = text({
  max: NAME_MAX,
  pattern: '^(?!\\s)[^\\p{Cc}\\p{Cf}\\p{Cs}\\p{Co}\\p{Zl}\\p{Zp}]*(?<!\\s)$',
})
export const description: Shape<string> = text({ max: 255 })
export const projectId: Shape<string> = text({ max: 255 })

const LABEL = '[A-Za-z0-9]([A-Za-z0-9-]{0,61}[A-Za-z0-9])?'
const lower = (value: unknown): unknown => (typeof value === 'string' ? value.toLowerCase() : value)
/** A host's name: labels with dots between; empty for none. */
export const dnsName: Shape<string> = raw(
  { type: 'string', maxLength: 255, pattern: `^(${LABEL}(\\.${LABEL})*\\.?)?$` },
  lower,
)
/** A domain: ends with a dot; empty for none. */
export const dnsDomain: Shape<string> = raw({ type: 'string', maxLength: 255, pattern: `^((${LABEL}\\.)+)?$` }, lower)

/** A list, an empty one when null is sent. */
export const listOrNull = <T>(item: Shape<T>, options: { max?: number; unique?: boolean } = {}): Shape<T[]> => ({
  item,
  marks: item.marks,
  schema: at => ({
    type: ['array', 'null'],
    items: item.schema(at),
    ...(options.max === undefined ? {} : { maxItems: options.max }),
    ...(options.unique === true ? { uniqueItems: true } : {}),
  }),
  raise: (value, at) => {
    const raise = item.raise
    if (!Array.isArray(value)) return []
    return raise === undefined ? value : value.map(entry => raise(entry, at))
  },
})

/** The query of a list: anything; api/listing.ts reads it as Neutron does. */
export const anyQuery: Shape<Readonly<Record<string, string | string[]>>> = raw({ type: 'object' })
