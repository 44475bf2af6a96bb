// The words of the vocabulary: text, int, bool, uuid, ip, words, list, dict, oneOf, nullable, … Each emits JSON Schema.
import type { JsonSchema, Shape } from '#kernel/contract/shape.ts'
import type { VersionNumber } from '#kernel/contract/version.ts'

const plain = <T>(schema: JsonSchema, raise?: (value: unknown) => unknown): Shape<T> => ({
  marks: [],
  schema: () => schema,
  ...(raise === undefined ? {} : { raise }),
})

export interface TextOptions {
  readonly min?: number
  readonly max?: number
  /** A pattern of ours, never a user's: it runs in V8's engine. */
  readonly pattern?: string
  /** A format known to kernel/http/formats.ts, e.g. `cidr`, `mac`, `date-time`. */
  readonly format?: string
}
/** A string. NUL and lone surrogates are refused for every body before any shape is looked at. */
export const text = (options: TextOptions = {}): Shape<string> =>
  plain({
    type: 'string',
    ...(options.min === undefined ? {} : { minLength: options.min }),
    ...(options.max === undefined ? {} : { maxLength: options.max }),
    ...(options.pattern === undefined ? {} : { pattern: options.pattern }),
    ...(options.format === undefined ? {} : { format: options.format }),
  })
/** A name as most of OpenStack has it: 1–255 characters, not only blanks. */
export const name = (options: { max?: number; min?: number } = {}): Shape<string> =>
  text({ min: options.min ?? 1, max: options.max ?? 255, format: 'name' })
export const uuid: Shape<string> = text({ format: 'uuid' })
export const dateTime: Shape<string> = text({ format: 'date-time' })
export const ip: Shape<string> = text({ format: 'ip' })
export const ipv4: Shape<string> = text({ format: 'ipv4' })
export const ipv6: Shape<string> = text({ format: 'ipv6' })
export const cidr: Shape<string> = text({ format: 'cidr' })
export const mac: Shape<string> = text({ format: 'mac-address' })

export interface NumberOptions {
  readonly min?: number
  readonly max?: number
}
const bounds = (options: NumberOptions): JsonSchema => ({
  ...(options.min === undefined ? {} : { minimum: options.min }),
  ...(options.max === undefined ? {} : { maximum: options.max }),
})
/** A JSON integer. */
export const int = (options: NumberOptions = {}): Shape<number> => plain({ type: 'integer', ...bounds(options) })
export const num = (options: NumberOptions = {}): Shape<number> => plain({ type: 'number', ...bounds(options) })
/** An integer or its decimal text, as Nova and Cinder accept; the handler sees a number. */
export const intLike = (options: NumberOptions = {}): Shape<number> =>
  plain({ type: ['integer', 'string'], pattern: '^-?[0-9]+$', intLike: bounds(options) }, value => Number(value))
/** A JSON boolean. */
export const bool: Shape<boolean> = plain({ type: 'boolean' })
const TRUE = [true, 'True', 'TRUE', 'true', '1', 'ON', 'On', 'on', 'YES', 'Yes', 'yes', 'y', 't']
const FALSE = [false, 'False', 'FALSE', 'false', '0', 'OFF', 'Off', 'off', 'NO', 'No', 'no', 'n', 'f']
/** A boolean or one of the words upstream's `strutils` accepts; the handler sees a boolean. */
export const boolLike: Shape<boolean> = plain({ type: ['boolean', 'string'], enum: [...TRUE, ...FALSE] }, value =>
  TRUE.includes(value as string | boolean),
)
/** One of some words. */
export const words = <const W extends readonly (string | null)[]>(...choices: W): Shape<W[number]> =>
  plain({ ...(choices.includes(null) ? { type: ['string', 'null'] } : { type: 'string' }), enum: choices })
/** Exactly this value. */
export const literal = <const V extends string | number | boolean | null>(value: V): Shape<V> =>
  plain({ enum: [value] })
/** Anything JSON. */
export const any: Shape<unknown> = plain({})
/** A schema written by hand, for upstream's oddities. */
export const raw = <T>(schema: JsonSchema, raise?: (value: unknown) => unknown): Shape<T> => plain(schema, raise)

export function list<T>(item: Shape<T>, options: { min?: number; max?: number; unique?: boolean } = {}): Shape<T[]> {
  const raise = item.raise
  return {
    item,
    marks: item.marks,
    schema: at => ({
      type: 'array',
      items: item.schema(at),
      ...(options.min === undefined ? {} : { minItems: options.min }),
      ...(options.max === undefined ? {} : { maxItems: options.max }),
      ...(options.unique === true ? { uniqueItems: true } : {}),
    }),
    ...(raise === undefined
      ? {}
      : {
          raise: (value: unknown, at: VersionNumber) =>
            Array.isArray(value) ? value.map(entry => raise(entry, at)) : value,
        }),
  }
}

/** An object of free keys: `dict(text({ max: 255 }), { key: '^[a-z]+$' })`. Keys outside the pattern are refused. */
export function dict<T>(
  value: Shape<T>,
  options: { key?: string; max?: number; min?: number } = {},
): Shape<Record<string, T>> {
  const raise = value.raise
  return {
    marks: value.marks,
    schema: at => ({
      type: 'object',
      patternProperties: { [options.key ?? '^.*$']: value.schema(at) },
      additionalProperties: false,
      ...(options.max === undefined ? {} : { maxProperties: options.max }),
      ...(options.min === undefined ? {} : { minProperties: options.min }),
    }),
    ...(raise === undefined
      ? {}
      : {
          raise: (entries: unknown, at: VersionNumber) =>
            Object.fromEntries(
              Object.entries(entries as Record<string, unknown>).map(([key, entry]) => [key, raise(entry, at)]),
            ),
        }),
  }
}
/** Nova's and Cinder's metadata: keys and values of up to 255 characters. */
export const metadata: Shape<Record<string, string>> = dict(text({ max: 255 }), { key: '^[a-zA-Z0-9-_:. /]{1,255}$' })

export function nullable<T>(shape: Shape<T>): Shape<T | null> {
  const raise = shape.raise
  return {
    marks: shape.marks,
    ...(shape.fields === undefined ? {} : { fields: shape.fields }),
    schema: at => {
      const inner = shape.schema(at)
      if (typeof inner['type'] === 'string' && inner['enum'] === undefined)
        return { ...inner, type: [inner['type'], 'null'] }
      if (Array.isArray(inner['type']) && inner['enum'] === undefined)
        return { ...inner, type: [...(inner['type'] as string[]), 'null'] }
      return { anyOf: [inner, { type: 'null' }] }
    },
    ...(raise === undefined
      ? {}
      : { raise: (value: unknown, at: VersionNumber) => (value === null ? null : raise(value, at)) }),
  }
}

const several =
  (keyword: 'oneOf' | 'anyOf') =>
  <S extends readonly Shape<unknown>[]>(...shapes: S): Shape<S[number] extends Shape<infer T> ? T : never> => ({
    marks: [...new Set(shapes.flatMap(shape => shape.marks))].sort((a, b) => a - b),
    schema: at => ({ [keyword]: shapes.map(shape => shape.schema(at)) }),
  })
/** Exactly one of these. No conversions happen inside. */
export const oneOf = several('oneOf')
/** At least one of these. No conversions happen inside. */
export const anyOf = several('anyOf')

/** A query parameter that may be given several times; the handler always sees a list. */
export const repeated = <T>(item: Shape<T>): Shape<T[]> => ({
  marks: item.marks,
  item,
  schema: at => ({ anyOf: [item.schema(at), { type: 'array', items: item.schema(at) }] }),
  raise: (value, at) => {
    const entries = Array.isArray(value) ? value : [value]
    const raise = item.raise
    return raise === undefined ? entries : entries.map(entry => raise(entry, at))
  },
})
