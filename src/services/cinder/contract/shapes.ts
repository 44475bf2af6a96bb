// Shapes that several nouns of Cinder share.
import { dict, nullable, raw, repeated, text } from '#kernel/contract/shapes.ts'
import type { Shape } from '#kernel/contract/shape.ts'

const trimmed = (value: unknown): unknown => (typeof value === 'string' ? value.trim() : value)

/** A name or description: may be null or empty; blanks around it are dropped. */
export const label: Shape<string | null> = raw({ type: ['string', 'null'], maxLength: 255 }, trimmed)
/** Sizes in GiB as a number or its text. */
export const sizeGb: Shape<number> = raw(
  {
    type: ['integer', 'string'],
    pattern: '^[0-9]+$',
    minimum: 1,
    maximum: 2_147_483_647,
    intLike: { minimum: 1, maximum: 2_147_483_647 },
  },
  Number,
)
export const optionalUuid: Shape<string | null> = nullable(text({ format: 'uuid' }))
/** Keys of metadata: letters, digits, `-_:. /`. */
export const KEY = '^[a-zA-Z0-9-_:. /]{1,255}$'
export const metadata = dict(text({ max: 255 }), { key: KEY })
export const oneMetadatum = dict(text({ max: 255 }), { key: KEY, min: 1, max: 1 })
/** A query parameter that may stand several times; the last counts, but none is an error. */
export const anyValues = repeated(text({ max: 4096 }))

/** One of some words, however it is capitalised; the handler sees it in small letters. */
export const anyCase = (words: readonly string[], nullable: boolean): Shape<string | null> => {
  const spelt = words.flatMap(word => [word, word.toUpperCase(), word.charAt(0).toUpperCase() + word.slice(1)])
  return raw<string | null>(
    { type: nullable ? ['string', 'null'] : 'string', enum: nullable ? [...spelt, null] : spelt },
    value => (typeof value === 'string' ? value.toLowerCase() : value),
  )
}
