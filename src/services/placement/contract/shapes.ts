// Shapes and patterns that several nouns share.
import { must, object } from '#kernel/contract/shape.ts'
import { int, text } from '#kernel/contract/shapes.ts'

/** Keys of objects that are ids: upstream's own pattern, looser than a UUID. */
export const ID_KEY = '^[0-9a-fA-F-]{36}$'
/** Names of resource classes, traits and consumer types. */
export const NAME_KEY = '^[A-Z0-9_]+$'
export const CUSTOM_KEY = '^CUSTOM_[A-Z0-9_]+$'
/** Suffixes of request groups since 1.33, and before. */
export const GROUP_SUFFIX = '[a-zA-Z0-9_-]{1,64}'
export const NUMBERED_SUFFIX = '[1-9][0-9]*'

/** The largest number an inventory may hold. */
export const MAX_INT = 2_147_483_647
/** The largest single-precision number. */
export const MAX_RATIO = 3.40282e38

export const generation = int()
/** Ids of projects and users, as their service names them. */
export const outsideId = text({ min: 1, max: 255 })
/** A custom trait or resource class. */
export const customName = text({ max: 255, pattern: CUSTOM_KEY })

export const Link = object({ rel: must(text()), href: must(text()) })
