// How values lie in columns, the same in every dialect: booleans as 0 and 1, times as UTC text that sorts, JSON as text.
// Repositories say it out loud: `const toRow = (w: Widget) => ({ id: w.id, enabled: flag(w.enabled), tags: json(w.tags) })`.

/** A boolean column. */
export type Flag = 0 | 1
export const flag = (value: boolean): Flag => (value ? 1 : 0)
export const isSet = (value: number): boolean => value !== 0

/** A column of JSON text; the parameter only remembers what is inside. */
export type Json<T> = string & { readonly $json?: T }
/** `undefined` inside objects is left out, as JSON does. Throws on what JSON cannot say (bigint, cycles). */
export const json = <T>(value: T): Json<T> => JSON.stringify(value)
/** Throws SyntaxError on text that we did not write. */
export const fromJson = <T>(text: Json<T>): T => JSON.parse(text) as T

/** A time column: `2026-11-22T13:48:02.914Z`, always 24 characters, so that text order is time order. */
export type TimeText = string
/** From milliseconds since 1970. */
export const time = (ms: number): TimeText => new Date(ms).toISOString()
/** To milliseconds since 1970; NaN for text that is no time. */
export const fromTime = (text: TimeText): number => Date.parse(text)

/** The codec for a column that may be NULL: `orNull(time)(server.deletedAt)`; also turns `undefined` into NULL. */
export const orNull =
  <A, B>(codec: (value: A) => B) =>
  (value: A | null | undefined): B | null =>
    value === null || value === undefined ? null : codec(value)
