// A point in time as clients gave it, to the microsecond, beside the milliseconds that we compare by.

export interface Moment {
  /** Milliseconds since 1970. */
  readonly ms: number
  /** UTC, `2026-11-22T13:48:02.123456`. */
  readonly text: string
}

/** From a text in our form. */
export const momentOf = (text: string): Moment => ({ ms: Date.parse(`${text.slice(0, 23)}Z`), text })
