// The vocabulary of shapes. A shape says what a value looks like at each microversion: it emits plain JSON Schema for a
// version, carries the TypeScript type of the newest meaning, and knows how to raise an older body to it.
import type { Rule } from '#kernel/contract/rule.ts'
import { NEWEST, versionNumber, within, type Range, type VersionNumber } from '#kernel/contract/version.ts'

export type JsonSchema = Record<string, unknown>

export interface Shape<out T> {
  /** The JSON Schema of this shape at a version. */
  readonly schema: (at: VersionNumber) => JsonSchema
  /** Versions at which it, or something inside, changes. */
  readonly marks: readonly VersionNumber[]
  /** Raises a valid value of version `at` to the newest meaning (defaults, conversions). Absent: nothing to do. */
  readonly raise?: (value: unknown, at: VersionNumber) => unknown
  /** The rows of an object, for presenters and derived tests. */
  readonly fields?: Readonly<Record<string, AnyField>>
  readonly item?: Shape<unknown>
  readonly type?: T
}
export type Static<S> = S extends Shape<infer T> ? T : never

interface Change {
  readonly from: VersionNumber
  readonly shape: Shape<unknown>
  readonly up?: (older: unknown) => unknown
}

export interface Field<T, R extends boolean> {
  readonly shape: Shape<T>
  readonly required: R
  readonly ranges: readonly Range[]
  readonly changes: readonly Change[]
  readonly requiredFrom: VersionNumber | null
  readonly fallback: (() => unknown) | null
  readonly visibleTo: Rule | null
  readonly settableBy: Rule | null
  since(version: string): Field<T, R>
  until(version: string): Field<T, R>
  /** An island: present only from `first` to `last` (or on). May be repeated. */
  only(first: string, last?: string): Field<T, R>
  /** From `version` on it looks like `shape`; `up` turns a value of the older shape into the newer. */
  becomes<U>(version: string, shape: Shape<U>, up?: (older: never) => U): Field<U, R>
  /** Optional before `version`, required from it on; `otherwise` is what its absence meant. */
  becomesRequired(version: string, options: { otherwise: T | (() => T) }): Field<T, true>
  /** What absence means: the handler always sees a value. */
  otherwise(value: T | (() => T)): Field<T, true>
  /** In replies: shown only to those the rule allows. */
  seenBy(rule: Rule): Field<T, R>
  /** In requests: accepted only from those the rule allows. */
  setBy(rule: Rule): Field<T, R>
}
export type AnyField = Field<unknown, boolean>
export type Fields = Readonly<Record<string, AnyField>>

type RequiredKeys<F extends Fields> = { [K in keyof F]: F[K] extends Field<unknown, true> ? K : never }[keyof F]
type OptionalKeys<F extends Fields> = Exclude<keyof F, RequiredKeys<F>>
type TypeOf<F> = F extends Field<infer T, boolean> ? T : never
export type ObjectOf<F extends Fields> = { [K in RequiredKeys<F>]: TypeOf<F[K]> } & {
  [K in OptionalKeys<F>]?: TypeOf<F[K]>
}

interface FieldState {
  shape: Shape<unknown>
  required: boolean
  ranges: readonly Range[]
  changes: readonly Change[]
  requiredFrom: VersionNumber | null
  fallback: (() => unknown) | null
  visibleTo: Rule | null
  settableBy: Rule | null
}

/** There are thousands of fields, so their verbs are on the prototype. */
class Row {
  readonly shape: Shape<unknown>
  readonly required: boolean
  readonly ranges: readonly Range[]
  readonly changes: readonly Change[]
  readonly requiredFrom: VersionNumber | null
  readonly fallback: (() => unknown) | null
  readonly visibleTo: Rule | null
  readonly settableBy: Rule | null

  constructor(state: FieldState) {
    this.shape = state.shape
    this.required = state.required
    this.ranges = state.ranges
    this.changes = state.changes
    this.requiredFrom = state.requiredFrom
    this.fallback = state.fallback
    this.visibleTo = state.visibleTo
    this.settableBy = state.settableBy
  }
  since(version: string): Row {
    return but(this, { ranges: [...this.ranges, { since: versionNumber(version), until: NEWEST }] })
  }
  until(version: string): Row {
    const last = this.ranges.at(-1)
    const until = versionNumber(version)
    return but(this, {
      ranges: last === undefined ? [{ since: 0, until }] : [...this.ranges.slice(0, -1), { since: last.since, until }],
    })
  }
  only(first: string, end?: string): Row {
    const range = { since: versionNumber(first), until: end === undefined ? NEWEST : versionNumber(end) }
    return but(this, { ranges: [...this.ranges, range] })
  }
  becomes(version: string, shape: Shape<unknown>, up?: (older: unknown) => unknown): Row {
    return but(this, {
      changes: [...this.changes, { from: versionNumber(version), shape, ...(up === undefined ? {} : { up }) }],
    })
  }
  becomesRequired(version: string, options: { otherwise: unknown }): Row {
    return but(this, { requiredFrom: versionNumber(version), fallback: fallbackOf(options.otherwise) })
  }
  otherwise(value: unknown): Row {
    return but(this, { fallback: fallbackOf(value) })
  }
  seenBy(rule: Rule): Row {
    return but(this, { visibleTo: rule })
  }
  setBy(rule: Rule): Row {
    return but(this, { settableBy: rule })
  }
}
const but = (row: FieldState, next: Partial<FieldState>): Row => new Row({ ...row, ...next })
const fallbackOf = (value: unknown): (() => unknown) =>
  typeof value === 'function' ? (value as () => unknown) : () => value
const field = (state: FieldState): Field<never, never> => new Row(state) as unknown as Field<never, never>
const NO_RANGES: readonly Range[] = []
const NO_CHANGES: readonly Change[] = []
const fresh = (shape: Shape<unknown>, required: boolean): FieldState => ({
  shape,
  required,
  ranges: NO_RANGES,
  changes: NO_CHANGES,
  requiredFrom: null,
  fallback: null,
  visibleTo: null,
  settableBy: null,
})

/** A field that must be there. */
export const must = <T>(shape: Shape<T>): Field<T, true> => field(fresh(shape, true)) as Field<T, true>
/** A field that may be there. */
export const may = <T>(shape: Shape<T>): Field<T, false> => field(fresh(shape, false)) as Field<T, false>

/** The shape a field has at a version. */
export function shapeAt(row: AnyField, at: VersionNumber): Shape<unknown> {
  let shape = row.shape
  for (const change of row.changes) if (at >= change.from) shape = change.shape
  return shape
}
/** Whether a field exists at a version. */
export const fieldAt = (row: AnyField, at: VersionNumber): boolean => within(at, row.ranges)

/** Unknown keys: refused, let through, or (a list) refused only from a version on. */
export type Extra = boolean | Shape<unknown> | { readonly refusedFrom: string }

/** An object with named fields. Unknown keys are refused unless `extra` says otherwise. */
export function object<const F extends Fields>(
  fields: F,
  options: {
    extra?: Extra
    patterns?: Readonly<Record<string, Shape<unknown>>>
    minProperties?: number
    maxProperties?: number
    rest?: JsonSchema
  } = {},
): Shape<ObjectOf<F>> {
  const rows = Object.entries(fields) as [string, AnyField][]
  const marks = new Set<VersionNumber>()
  let raises = false
  for (const [, row] of rows) {
    for (const range of row.ranges) {
      if (range.since > 0) marks.add(range.since)
      if (range.until < NEWEST) marks.add(range.until + 1)
    }
    for (const change of row.changes) {
      marks.add(change.from)
      for (const mark of change.shape.marks) marks.add(mark)
      if (change.up !== undefined || change.shape.raise !== undefined) raises = true
    }
    if (row.requiredFrom !== null) marks.add(row.requiredFrom)
    for (const mark of row.shape.marks) marks.add(mark)
    if (row.fallback !== null || row.shape.raise !== undefined) raises = true
  }
  for (const shape of Object.values(options.patterns ?? {})) for (const mark of shape.marks) marks.add(mark)
  const { extra } = options
  if (typeof extra === 'object' && 'refusedFrom' in extra) marks.add(versionNumber(extra.refusedFrom))
  const additional = (at: VersionNumber): unknown => {
    if (extra === undefined) return false
    if (typeof extra === 'boolean') return extra
    if ('refusedFrom' in extra) return at < versionNumber(extra.refusedFrom)
    return extra.schema(at)
  }
  return {
    fields,
    marks: [...marks].sort((a, b) => a - b),
    schema: at => {
      const properties: JsonSchema = {}
      const required: string[] = []
      for (const [name, row] of rows) {
        if (!fieldAt(row, at)) continue
        properties[name] = shapeAt(row, at).schema(at)
        const needed = row.requiredFrom === null ? row.required && row.fallback === null : at >= row.requiredFrom
        if (needed) required.push(name)
      }
      return {
        type: 'object',
        properties,
        ...(required.length > 0 ? { required } : {}),
        ...(options.patterns === undefined
          ? {}
          : {
              patternProperties: Object.fromEntries(
                Object.entries(options.patterns).map(([key, shape]) => [key, shape.schema(at)]),
              ),
            }),
        additionalProperties: additional(at),
        ...(options.minProperties === undefined ? {} : { minProperties: options.minProperties }),
        ...(options.maxProperties === undefined ? {} : { maxProperties: options.maxProperties }),
        ...options.rest,
      }
    },
    ...(raises
      ? {
          raise: (value: unknown, at: VersionNumber) => {
            if (typeof value !== 'object' || value === null) return value
            const raised: Record<string, unknown> = { ...(value as Record<string, unknown>) }
            for (const [name, row] of rows) {
              if (raised[name] === undefined) {
                if (row.fallback !== null) raised[name] = row.fallback()
                continue
              }
              const shape = shapeAt(row, at)
              if (shape.raise !== undefined) raised[name] = shape.raise(raised[name], at)
              for (const change of row.changes)
                if (change.from > at && change.up !== undefined) raised[name] = change.up(raised[name])
            }
            return raised
          },
        }
      : {}),
  } as Shape<ObjectOf<F>>
}

/** The rows of an object shape, to build a larger one: `object({ ...fieldsOf(Base), more: … })`. */
export const fieldsOf = <F extends Fields>(shape: Shape<ObjectOf<F>> & { fields?: F }): F => shape.fields as F
