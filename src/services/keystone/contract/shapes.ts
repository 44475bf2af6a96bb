// Shapes that several nouns of identity share.
import { may, must, object } from '#kernel/contract/shape.ts'
import { list, nullable, raw, text } from '#kernel/contract/shapes.ts'

/** Not only blanks. */
const VISIBLE = '[\\S]+'
/** A name of a user, group, role, …: up to 255 characters. */
export const longName = text({ min: 1, max: 255, pattern: VISIBLE })
/** A name of a project or domain: up to 64. */
export const shortName = text({ min: 1, max: 64, pattern: VISIBLE })
export const idText = text({ min: 1, max: 64, pattern: '^[a-zA-Z0-9-]+$' })
export const regionId = text({ min: 1, max: 255 })
export const freeText = nullable(text())

const TRUE = [true, 'True', 'TRUE', 'true', '1', 'y', 'Y', 'on', 'ON', 'yes']
const FALSE = [false, 'False', 'FALSE', 'false', '', '0', 'n', 'N', 'off', 'OFF', 'no']
/** A boolean or one of the words for it; the handler sees a boolean. */
export const flagWord = raw<boolean>({ type: ['boolean', 'string'], enum: [...TRUE, ...FALSE] }, value =>
  TRUE.includes(value as string | boolean),
)
/** Other attributes are kept, as upstream does. */
export const open = { extra: true } as const

/** Null takes an option back. */
export const immutableOptions = object({ immutable: may(nullable(flagWord)) })
export const tagName = text({ min: 1, max: 255, pattern: '^[^,/]*$' })
export const tagList = list(tagName, { max: 80, unique: true })

/** Every list may be filtered by `name__contains=…` and the like, so other parameters are let through. */
export const listQueryShape = object({ limit: may(text()), marker: may(text()) }, open)
export const anyQuery = object({}, open)

export const Links = object({ self: must(text()) }, open)
/** `{ next, self, previous }` of a list. */
export const ListLinks = object({ self: must(text()), next: must(nullable(text())), previous: must(nullable(text())) })
